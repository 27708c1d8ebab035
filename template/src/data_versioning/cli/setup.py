"""Verbs that set a study up and clear it."""

from __future__ import annotations

import argparse
from pathlib import Path

from data_versioning.cli.verbs import Verbs
from data_versioning.study import Study


def add(verbs: Verbs) -> None:
    """Add the verbs."""
    verbs.group("set-up")
    verbs.add(
        "setup", _setup, "finish the set-up: environment, DVC, MLflow, git hooks, first commit"
    )
    verbs.add("clear-example", _clear_example, "delete the example science, keep the wiring")
    completion = verbs.add("completion", _completion, "print the completion of a shell")
    completion.add_argument("shell", choices=["bash", "zsh", "tcsh"])


def _setup(_: argparse.Namespace) -> int:
    from data_versioning.setup.bootstrap import bootstrap, in_environment

    root = Path.cwd()
    if not in_environment(root):
        return bootstrap(root)
    from data_versioning.setup.wiring import wire

    return wire(Study.open())


def _clear_example(_: argparse.Namespace) -> None:
    from data_versioning.setup.example import clear_example

    deleted = clear_example(Study.open())
    print("\n".join(f"deleted {path}" for path in deleted) or "the example is gone already")
    print("now describe your own stages in dvc.yaml and your parameters in params.yaml")


def _completion(args: argparse.Namespace) -> None:
    import shtab

    from data_versioning.cli import SHORT, parser

    command = parser()
    command.prog = SHORT
    print(shtab.complete(command, shell=args.shell))
