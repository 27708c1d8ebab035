"""Verbs that run the pipeline and say what it found."""

from __future__ import annotations

import argparse
import json
from typing import Any

from data_versioning.cli.verbs import Verbs, json_option, show
from data_versioning.errors import UsageError
from data_versioning.study import Study


def add(verbs: Verbs) -> None:
    """Add the verbs."""
    verbs.group("pipeline")
    repro = verbs.add("repro", _repro, "run what is out of date and log one MLflow run")
    json_option(repro)
    repro.add_argument("--force", action="store_true", help="run it although nothing changed")
    repro.add_argument(
        "--set",
        action="append",
        type=_setting,
        default=[],
        metavar="KEY=VALUE",
        help="set a parameter in params.yaml first, such as train.alpha=0.1; can be repeated",
    )
    repro.add_argument("dvc", nargs="*", help="stages, and after `--` options of `dvc repro`")

    verbs.add("dag", _dag, "print the stages and what they need as a Mermaid flowchart")

    diff = verbs.add("diff", _diff, "compare the metrics and parameters of two revisions")
    json_option(diff)
    diff.add_argument("--markdown", action="store_true", help="print Markdown tables")
    diff.add_argument("baseline", nargs="?", default="HEAD", help="a revision; HEAD if not given")
    diff.add_argument("comparison", nargs="?", help="a revision; the files on disk if not given")

    verbs.add("summary", _summary, "say where the study is and what it found")


def _setting(text: str) -> tuple[str, Any]:
    from data_versioning.pipeline.parameters import parse_setting

    try:
        return parse_setting(text)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _repro(args: argparse.Namespace) -> None:
    from data_versioning.pipeline.manager import reproduce

    options = [*(["--force"] if args.force else []), *args.dvc]
    done = reproduce(Study.open(), options, quiet=args.json, params=dict(args.set))
    if args.json:
        print(json.dumps(done.as_dict()))
    elif report := done.report():
        print(report)


def _dag(_: argparse.Namespace) -> None:
    from data_versioning.pipeline.manager import PipelineManager

    print(PipelineManager().dag())


def _diff(args: argparse.Namespace) -> None:
    from data_versioning.pipeline.metrics import MetricsComparator

    diff = MetricsComparator().diff(args.baseline, args.comparison)
    show(args, diff.as_dict(), diff.markdown if args.markdown else diff.table)


def _summary(_: argparse.Namespace) -> None:
    from data_versioning.health.status import summary

    print(summary(Study.open()))
