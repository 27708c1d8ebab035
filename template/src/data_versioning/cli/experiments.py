"""Verbs that look at MLflow runs."""

from __future__ import annotations

import argparse

from data_versioning.cli.verbs import Verbs, json_option, positive, show
from data_versioning.study import Study


def add(verbs: Verbs) -> None:
    """Add the verbs."""
    verbs.group("experiments")
    runs = verbs.add("experiments", _experiments, "print recent MLflow runs")
    runs.add_argument("--limit", type=positive, default=10, help="how many (default: 10)")
    json_option(runs)

    ui = verbs.add("ui", _ui, "open the MLflow UI on this machine")
    ui.add_argument("--port", type=int, default=5000, help="port on loopback (default: 5000)")


def _experiments(args: argparse.Namespace) -> None:
    from data_versioning.run_table import recent_runs, table

    runs = recent_runs(Study.open(), args.limit)
    show(args, runs, lambda: table(runs))


def _ui(args: argparse.Namespace) -> int:
    from data_versioning.run_table import open_ui

    return open_ui(Study.open(), args.port)
