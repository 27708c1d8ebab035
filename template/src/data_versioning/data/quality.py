"""Is the data what the study says it is: there, readable, complete, within its bounds."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from data_versioning.data.declared import EDIT, ColumnRules, TableRules, table_rules
from data_versioning.data.tables import SUFFIXES, data_sets, is_table, read_table, shown
from data_versioning.errors import StudyError
from data_versioning.study import Study
from data_versioning.tools import dvc_files
from data_versioning.wording import advice

if TYPE_CHECKING:
    from pandas import Index, Series


@dataclass(frozen=True)
class DataProblem:
    """Something that is wrong with data.

    Args:
        path: The file or folder.
        column: The column, empty for the whole file.
        what: What is wrong; rows are counted from 1, without the header.
        mend: What mends it.
    """

    path: str
    column: str
    what: str
    mend: str


def validate_data(project_dir: Path | str = ".") -> tuple[DataProblem, ...]:
    """Return what is wrong with the data of a study; nothing if all is well.

    Looked at are the `datasets` of `study.yaml`, the tables of raw data that DVC keeps, and what
    the section `data:` of `study.yaml` declares. Every table has to be here, readable, and not
    empty, with a name of its own for every column and a value in it; the declared ones have to be
    what is declared.

    Args:
        project_dir: The study, or a folder in it.

    Raises:
        StudyError: `study.yaml` declares something that means nothing.
    """
    study = Study.open(project_dir)
    rules = table_rules(study)
    made, kept = dvc_files.made_by_stages(study.root), dvc_files.outputs(study.root)
    problems: list[DataProblem] = []
    for path in sorted(data_sets(study) | rules.keys()):
        file = study.root / path
        if not file.exists():
            mend = "make pull" if path in kept else "make repro" if path in made else EDIT
            problems.append(DataProblem(path, "", "not here", mend))
        elif file.is_file() and is_table(path):
            mend = (
                f"mend it, then: python -m data_versioning track-data {shlex.quote(path)} -m <why>"
            )
            if path in made:
                mend = "mend the stage that makes it, then: make repro"
            if path in rules:
                mend += f"; or mend what is declared: {EDIT}"
            found = _problems(file, path, rules.get(path, TableRules()))
            problems += [DataProblem(path, column, what, mend) for column, what in found]
        elif path in rules:
            what = f"no table: its name does not end in {', '.join(SUFFIXES)}"
            problems.append(DataProblem(path, "", what, EDIT))
    return tuple(problems)


def text(problems: Iterable[DataProblem]) -> str:
    """Return problems as lines for people."""
    lines = []
    for one in problems:
        where = f"{one.path}: {shown(one.column)}" if one.column else one.path
        lines.append(f"{where}: {one.what}\n  {advice(one.mend)}")
    return "\n".join(lines)


def _problems(file: Path, path: str, rules: TableRules) -> Iterator[tuple[str, str]]:
    """Yield column and words for what is wrong with a table."""
    try:
        table = read_table(file.read_bytes(), path, rules.texts)
    except StudyError as error:
        yield "", error.what
        return
    count = len(table)
    if count == 0:
        yield "", "no rows"
    elif count < rules.min_rows:
        yield "", f"{count} rows, at least {rules.min_rows} are declared"
    elif count > rules.max_rows:
        yield "", f"{count} rows, at most {rules.max_rows} are declared"
    names = [str(name) for name in table.columns]
    for at, name in enumerate(names):
        values, column = table.iloc[:, at], rules.columns.get(name)
        if not name.strip():
            yield "", f"column {at + 1} has no name"
        elif names.index(name) < at:
            yield name, f"columns {names.index(name) + 1} and {at + 1} have this name"
        elif count and values.isna().all() and not (column and column.missing == 1):
            yield name, "no value in any row"
        elif count and column:
            yield from ((name, what) for what in _violations(values, column))
    yield from ((name, "no such column") for name in rules.columns if name not in names)


def _violations(values: Series, rules: ColumnRules) -> Iterator[str]:
    """Yield in words how a column breaks its rules."""
    values = values.reset_index(drop=True)
    for what, rows in _broken(values, rules):
        if len(rows):
            said = f"{what} in {len(rows)} of {len(values)} rows, first in row {rows[0] + 1}"
            yield said if values.isna()[rows[0]] else f"{said}: {shown(values[rows[0]])}"


def _broken(values: Series, rules: ColumnRules) -> Iterator[tuple[str, Index]]:
    """Yield for each rule what it finds wrong, and the rows in which it does, from 0."""
    missing = values.isna()
    if missing.sum() / len(values) > rules.missing:
        yield f"missing (allowed: {rules.missing:.1%})", values[missing].index
    present = values[~missing]
    read = _read(present, rules)
    yield f"not of type {rules.type or 'number'}", read[read.isna()].index
    if rules.min is not None:
        yield f"below {rules.min}", read[read < _comparable(rules.min)].index
    if rules.max is not None:
        yield f"above {rules.max}", read[read > _comparable(rules.max)].index
    if rules.allowed is not None:
        allowed = [_comparable(value) for value in rules.allowed]
        known = read.dropna()
        other = ~known.map(lambda value: value in allowed).astype(bool)
        yield f"none of {', '.join(map(shown, rules.allowed))}", known[other].index
    if rules.unique:
        yield "a repetition", present[present.astype(str).duplicated()].index


def _read(present: Series, rules: ColumnRules) -> Series:
    """Return values as of the declared type, those missing that are not of it."""
    import pandas
    from pandas.api.types import is_bool, is_bool_dtype, is_datetime64_any_dtype, is_numeric_dtype

    kind = rules.type or ("" if rules.min is rules.max is None else "number")
    if kind == "date":
        dates = present if is_datetime64_any_dtype(present) else present.astype(str)
        return pandas.to_datetime(dates, format="ISO8601", errors="coerce", utc=True)
    if kind in ("integer", "number"):
        numbers = present
        if not is_numeric_dtype(present) or is_bool_dtype(present):
            numbers = pandas.to_numeric(present.astype(str), errors="coerce")
        return numbers if kind == "number" else numbers.where(numbers % 1 == 0)
    if kind:
        fits = present.map(is_bool if kind == "boolean" else lambda value: isinstance(value, str))
        return present.where(fits.astype(bool))
    return present


def _comparable(value: object) -> object:
    """Return a declared date as what pandas compares to dates; other values as they are."""
    import pandas

    return pandas.to_datetime(value, utc=True) if isinstance(value, date) else value
