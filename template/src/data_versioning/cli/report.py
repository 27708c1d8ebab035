"""Verbs that report what changed, to people and to GitHub and GitLab."""

from __future__ import annotations

import argparse

from data_versioning.cli.verbs import Verbs, json_option, show
from data_versioning.study import Study


def add(verbs: Verbs) -> None:
    """Add the verbs."""
    verbs.group("reports")
    report = verbs.add("report", _report, "write what changed since another version as a page")
    report.add_argument(
        "--base", metavar="REV", help="a tag, branch or commit (default: origin/main)"
    )
    json_option(report)

    comment = verbs.add("comment", _comment, "put the report under the pull request; for CI")
    release = verbs.add("release", _release, "verify a phase's tag and release it; for CI")
    release.add_argument("tag", help="such as v1.0.0-analysis-complete")
    news = verbs.add(
        "template-news", _news, "open an issue if the template has a newer version; for CI"
    )
    for verb in (comment, release, news):
        verb.add_argument("--dry-run", action="store_true", help="only print what would be sent")


def _report(args: argparse.Namespace) -> None:
    from data_versioning.reporting.report import write

    made = write(Study.open(), args.base)
    files = {"files": [str(path) for path in made.files]}
    show(args, made.found.as_dict() | files, made.text)


def _comment(args: argparse.Namespace) -> None:
    from data_versioning.forge.comment import comment

    print(comment(Study.open(), args.dry_run))


def _release(args: argparse.Namespace) -> None:
    from data_versioning.forge.release import release

    print(release(Study.open(), args.tag, args.dry_run))


def _news(args: argparse.Namespace) -> None:
    from data_versioning.forge.template_news import template_news

    print(template_news(Study.open(), args.dry_run))
