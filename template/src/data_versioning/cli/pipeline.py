"""Verbs that run the pipeline and say what it found."""

from __future__ import annotations

import argparse
import json

from data_versioning.cli.verbs import Verbs, json_option
from data_versioning.study import Study


def add(verbs: Verbs) -> None:
    """Add the verbs."""
    verbs.group("pipeline")
    repro = verbs.add("repro", _repro, "run what is out of date and log one MLflow run")
    json_option(repro)
    repro.add_argument("dvc", nargs="*", help="stages, and after `--` options of `dvc repro`")

    verbs.add("summary", _summary, "say where the study is and what it found")


def _repro(args: argparse.Namespace) -> None:
    from data_versioning.pipeline import reproduce

    study = Study.open()
    done = reproduce(study, args.dvc, quiet=args.json)
    if args.json:
        print(json.dumps(vars(done)))
    elif done.run_id:
        print(f"logged MLflow run {done.run_id[:8]}; to keep this result: git add -A && git commit")
    elif not done.changed:
        print("nothing changed, nothing logged")


def _summary(_: argparse.Namespace) -> None:
    from data_versioning.summary import summary

    print(summary(Study.open()))
