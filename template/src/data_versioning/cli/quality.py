"""Verbs that look at what is in the data."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from data_versioning.cli.verbs import Verbs, aligned, json_option, show
from data_versioning.wording import advice

if TYPE_CHECKING:
    from data_versioning.data.column_tests import ColumnDrift
    from data_versioning.data.drift import DataDrift, DatasetDrift

HEADER = ["column", "test", "statistic", "p", "adjusted", "effect", "missing", "verdict"]


def add(verbs: Verbs) -> None:
    """Add the verbs."""
    verbs.group("data quality")
    check = verbs.add("check-data", _check_data, "is the data as study.yaml declares it; 1 if not")
    drift = verbs.add("drift", _drift, "did the data change more than by chance; 1 if unexplained")
    drift.add_argument(
        "--since", metavar="REV", help="what to compare with (default: the last phase's tag)"
    )
    for parser in (check, drift):
        json_option(parser)


def _check_data(args: argparse.Namespace) -> int:
    from data_versioning.data.quality import text, validate_data

    problems = validate_data()
    said = text(problems) or "the data is as it should be"
    show(args, [asdict(one) for one in problems], said)
    return int(bool(problems))


def _drift(args: argparse.Namespace) -> int:
    from data_versioning.data.drift import data_drift, last_version
    from data_versioning.study import Study

    study = Study.open()
    found = data_drift(study, args.since or last_version(study))
    show(args, found.as_dict(), lambda: _text(found))
    return int(bool(found.unexplained or found.problems))


def _text(found: DataDrift) -> str:
    from data_versioning.data.declared import EDIT

    lines = [f"since {found.since} ({found.commit[:10]})"]
    for one in found.datasets:
        lines.append(f"{one.path}: {one.state}" + (f", {one.note}" if one.note else ""))
        if one.problem:
            lines.append(f"  {one.problem.what}\n  {advice(one.problem.mend)}")
        elif one.drift:
            lines[-1] += f", rows: {one.drift.rows[0]}, now {one.drift.rows[1]}"
            table = aligned([HEADER, *(_row(test, one) for test in one.drift.columns)])
            lines += [f"  {line}" for line in table.splitlines()]
        elif one.state == "gone":
            lines[-1] += f" ({one.why('') or 'unexplained'})"
    if found.unexplained:
        lines.append(f"say why it drifted, under drift: explained:\n  {advice(EDIT)}")
    return "\n".join(lines)


def _row(test: ColumnDrift, dataset: DatasetDrift) -> list[str]:
    from data_versioning.data.tables import shown

    numbers = (test.statistic, test.p_value, test.adjusted_p_value, test.effect)
    verdict = f"drifted: {dataset.why(test.column) or 'unexplained'}" if test.drifted else ""
    return [
        shown(test.column),
        test.test or "-",
        *("-" if number is None else f"{number:.3g}" for number in numbers),
        " -> ".join("-" if share is None else f"{share:.1%}" for share in test.missing),
        " ".join(f"{verdict} {f'({test.note})' if test.note else ''}".split()) or "-",
    ]
