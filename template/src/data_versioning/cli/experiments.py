"""Verbs that look at MLflow runs."""

from __future__ import annotations

import argparse

from data_versioning.cli.verbs import Verbs, json_option, positive, show
from data_versioning.study import Study

COMMIT = "+ after a commit: with uncommitted changes"


def add(verbs: Verbs) -> None:
    """Add the verbs."""
    verbs.group("experiments")
    runs = verbs.add("experiments", _search, "print recent MLflow runs")
    runs.set_defaults(filter="", order_by=[])
    runs.epilog = COMMIT
    _result_options(runs)

    search = verbs.add("search", _search, "find MLflow runs by metric, parameter or tag")
    search.add_argument("--filter", default="", help='such as "metrics.r2 > 0.4"')
    search.add_argument(
        "--order-by",
        action="append",
        default=[],
        metavar="KEY",
        help='such as "metrics.r2 DESC"; may be repeated (default: the newest first)',
    )
    search.epilog = COMMIT
    _result_options(search)

    compare = verbs.add("compare", _compare, "print MLflow runs side by side")
    compare.add_argument(
        "runs",
        nargs="+",
        metavar="run",
        help="id of a run or 8 digits of it, name of a run, or experiment (all of its runs)",
    )
    compare.epilog = COMMIT
    json_option(compare)

    ui = verbs.add("ui", _ui, "open the MLflow UI on this machine")
    ui.add_argument("--port", type=int, default=5000, help="port on loopback (default: 5000)")


def _result_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--limit", type=positive, default=10, help="how many (default: 10)")
    json_option(parser)


def _search(args: argparse.Namespace) -> None:
    from data_versioning.experiments.run_search import search
    from data_versioning.experiments.run_table import table, without_nan

    runs = search(Study.open(), args.filter, args.order_by, args.limit)
    asked = " ".join([args.filter, *args.order_by])
    show(args, without_nan(runs), lambda: table(runs, asked.strip()))


def _compare(args: argparse.Namespace) -> None:
    from data_versioning.experiments.run_search import find
    from data_versioning.experiments.run_table import comparison, without_nan

    runs = find(Study.open(), args.runs)
    show(args, without_nan(runs), lambda: comparison(runs))


def _ui(args: argparse.Namespace) -> int:
    from data_versioning.experiments.run_table import open_ui

    return open_ui(Study.open(), args.port)
