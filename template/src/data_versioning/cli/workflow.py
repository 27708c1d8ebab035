"""Verbs of branches, commits, tags and pushes."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict

from data_versioning.cli.verbs import Verbs, json_option, show
from data_versioning.study import Study


def add(verbs: Verbs) -> None:
    """Add the verbs."""
    verbs.group("workflow")
    tag = verbs.add("data-tag", _data_tag, "tag the current version of a data set")
    tag.add_argument("name", help="its path, or the name of its file without ending")
    tag.add_argument("--bump", default="", help="major, minor or patch")
    tag.add_argument("-m", "--message", default="", help="what is new")
    tag.add_argument("--dry-run", action="store_true", help="only say what would be tagged")
    json_option(tag)

    history = verbs.add(
        "check-history", _check_history, "the branch's name and its commits' messages; 1 if bad"
    )
    history.add_argument("--base", metavar="REV", help="where the commits begin")
    json_option(history)

    push = verbs.add("pre-push", _pre_push, "refuse a push that would do harm, as a git hook")
    push.add_argument("remote", help="its name, or its address")
    push.add_argument("url", help="its address")


def _data_tag(args: argparse.Namespace) -> None:
    from data_versioning.workflow.dataset_tags import summary
    from data_versioning.workflow.dataset_versions import tag_dataset

    made = tag_dataset(Study.open(), args.name, args.bump, args.message, args.dry_run)
    done, more = ("would tag", "") if args.dry_run else ("tagged", "\nshare it: make push")
    show(args, made.as_dict(), f"{done} {made.name}\n{summary(made)}{more}")


def _check_history(args: argparse.Namespace) -> int:
    from data_versioning.workflow import history_check

    found = history_check.check_history(Study.open(), args.base)
    show(args, asdict(found), lambda: history_check.as_text(found))
    return int(not found)


def _pre_push(args: argparse.Namespace) -> None:
    from data_versioning.workflow.pre_push import check_push

    for note in check_push(Study.open(), args.remote, sys.stdin):
        print(f"note: {note}", file=sys.stderr)
