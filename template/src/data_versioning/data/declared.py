"""What `study.yaml` declares of the data: rules for tables, and explanations of drift."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from data_versioning.errors import StudyError
from data_versioning.study import MARKER, Study

EDIT = f"$EDITOR {MARKER}"
TYPES = ("boolean", "date", "integer", "number", "text")
ALPHA = 0.05


@dataclass(frozen=True)
class ColumnRules:
    """What a column has to be.

    Args:
        type: One of `TYPES`; any when empty.
        min: Its smallest value: a number, or a date where the type says so.
        max: Its largest value.
        allowed: The values it may have; any when None.
        missing: The share of its values that may be missing.
        unique: No value occurs twice.
    """

    type: str = ""
    min: Any = None
    max: Any = None
    allowed: list[Any] | None = None
    missing: float = 0.0
    unique: bool = False


@dataclass(frozen=True)
class TableRules:
    """What a table has to be.

    Args:
        min_rows: The smallest number of rows.
        max_rows: The largest number of rows.
        columns: Its columns by name; it may have others.
    """

    min_rows: float = 0
    max_rows: float = math.inf
    columns: Mapping[str, ColumnRules] = field(default_factory=dict)

    @property
    def texts(self) -> list[str]:
        """The columns that hold texts, even if these look like numbers."""
        return [name for name, column in self.columns.items() if column.type == "text"]


@dataclass(frozen=True)
class DriftRules:
    """What is said of drift.

    Args:
        alpha: The significance level.
        explained: Why data drifted, by path and column; the column `""` stands for all.
    """

    alpha: float = ALPHA
    explained: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def table_rules(study: Study) -> dict[str, TableRules]:
    """Return the section `data:` of `study.yaml`, by path.

    Raises:
        StudyError: It says something that means nothing; names the key.
    """
    declared = _mapping(study.settings.get("data"), "data")
    return {
        _path(study, path, "data"): _table(body, f"data.{path}") for path, body in declared.items()
    }


def drift_rules(study: Study) -> DriftRules:
    """Return the section `drift:` of `study.yaml`.

    Raises:
        StudyError: It says something that means nothing; names the key.
    """
    body = _mapping(study.settings.get("drift"), "drift", ("alpha", "explained"))
    explained = {}
    for path, said in _mapping(body.get("explained"), "drift.explained").items():
        key = f"drift.explained.{path}"
        reasons = {"": said} if isinstance(said, str) else _mapping(said, key)
        for column, why in reasons.items():
            if not isinstance(why, str):
                raise _wrong(f"not a sentence: {why}", f"{key}.{column}")
        explained[_path(study, path, "drift.explained")] = reasons
    return DriftRules(checked_alpha(body.get("alpha", ALPHA), f"{MARKER}: drift.alpha"), explained)


def checked_alpha(value: Any, where: str) -> float:
    """Return a significance level.

    Raises:
        StudyError: It is not a number between 0 and 1.
    """
    if not _is_number(value) or not 0 < value < 1:
        raise StudyError(f"not a number between 0 and 1: {value}", where, EDIT)
    return float(value)


def _table(declared: Any, key: str) -> TableRules:
    body = _mapping(declared, key, ("rows", "columns"))
    rows = _mapping(body.get("rows"), f"{key}.rows", ("min", "max"))
    for name, value in rows.items():
        if not _is_number(value) or value < 0:
            raise _wrong(f"not a number of rows: {value}", f"{key}.rows.{name}")
    columns = _mapping(body.get("columns"), f"{key}.columns")
    return TableRules(
        rows.get("min", 0),
        rows.get("max", math.inf),
        {name: _column(one, f"{key}.columns.{name}") for name, one in columns.items()},
    )


def _column(declared: Any, key: str) -> ColumnRules:
    rules = ColumnRules(**_mapping(declared, key, ColumnRules.__dataclass_fields__))
    if rules.type not in ("", *TYPES):
        raise _wrong(f"no such type: {rules.type} (there are {', '.join(TYPES)})", f"{key}.type")
    if not _is_number(rules.missing) or not 0 <= rules.missing <= 1:
        raise _wrong(f"not a share from 0 to 1: {rules.missing}", f"{key}.missing")
    if not isinstance(rules.unique, bool):
        raise _wrong(f"neither true nor false: {rules.unique}", f"{key}.unique")
    for name, bound in (("min", rules.min), ("max", rules.max)):
        if bound is not None and rules.type in ("text", "boolean"):
            raise _wrong(f"a bound of a {rules.type}", f"{key}.{name}")
        is_bound = isinstance(bound, date) if rules.type == "date" else _is_number(bound)
        if bound is not None and not is_bound:
            kind = "date" if rules.type == "date" else "number"
            raise _wrong(f"not a {kind}: {bound}", f"{key}.{name}")
    if rules.allowed is not None:
        if not isinstance(rules.allowed, list) or not rules.allowed:
            raise _wrong(f"not a list of values: {rules.allowed}", f"{key}.allowed")
        for value in rules.allowed:
            if rules.type == "text" and not isinstance(value, str):
                raise _wrong(f"not a text: {value}; put it in quotes", f"{key}.allowed")
    return rules


def _mapping(value: Any, key: str, known: Iterable[str] = ()) -> dict[str, Any]:
    """Return a section; one that is missing is empty."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _wrong("not a mapping", key)
    for name in value:
        if not isinstance(name, str):
            raise _wrong(f"put this name in quotes: {name}", key)
        if known and name not in known:
            raise _wrong(f"unknown key '{name}' (there are {', '.join(known)})", key)
    return value


def _path(study: Study, path: str, key: str) -> str:
    try:
        return study.relative(study.root / path)
    except StudyError as error:
        raise _wrong(error.what, f"{key}.{path}") from None


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and math.isfinite(value)


def _wrong(what: str, key: str) -> StudyError:
    return StudyError(what, f"{MARKER}: {key}", EDIT)
