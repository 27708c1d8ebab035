"""Names and values that MLflow accepts."""

from __future__ import annotations

import posixpath
import sys
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from data_versioning.errors import StudyError
from data_versioning.study import flatten

NAME_LENGTH = 250
TEXT_LENGTH = 5000  # of a parameter or a tag; what the oldest servers take


class LoggedAlready(StudyError):
    """A parameter has another value in this run."""


def legal_name(name: str) -> str:
    """Return a name that MLflow accepts: letters, digits and `_-. :/`, and no path but a plain one.

    Source: `mlflow.utils.validation`.
    """
    name = "".join(c if c.isalnum() or c in "_-. :/" else "_" for c in name)[:NAME_LENGTH]
    if posixpath.normpath(name) != name or name.startswith((".", "/")):
        name = name.replace("/", "_").lstrip(".") or "_"
    return name


def legal_texts(entries: Mapping[str, Any]) -> dict[str, str]:
    """Return parameters or tags under legal names and cut to size."""
    return {legal_name(name): str(value)[:TEXT_LENGTH] for name, value in entries.items()}


def numbers(tree: Mapping[str, Any]) -> tuple[dict[str, float], dict[str, Any]]:
    """Return the numbers among nested values, under dotted legal names, and the other values."""
    found: dict[str, float] = {}
    others: dict[str, Any] = {}
    for name, value in flatten(tree):
        if (number := as_number(value)) is None:
            others[name] = value
        else:
            found[legal_name(name)] = number
    return found, others


def histories(tree: Mapping[str, Any]) -> dict[str, list[float]]:
    """Return metrics step by step: sequences of numbers, and single numbers as one step.

    Raises:
        StudyError: One of them is neither.
    """
    single, others = numbers(tree)
    found = {name: [value] for name, value in single.items()}
    for name, value in others.items():
        is_sequence = isinstance(value, (list, tuple)) or getattr(value, "ndim", 0) == 1
        history = [as_number(one) for one in value] if is_sequence else []
        steps = [one for one in history if one is not None]
        if not steps or len(steps) < len(history):
            kind = type(value).__name__
            raise StudyError(f"not a number but {kind}", f"metric {name}", "log_params(...)")
        found[legal_name(name)] = steps
    return found


def as_number(value: Any) -> float | None:
    """Return a number of Python, NumPy or a tensor library as a float, or None if it is none."""
    if callable(item := getattr(value, "item", None)):
        try:
            value = item()
        except (TypeError, ValueError, RuntimeError):  # it has more than one element
            return None
    if not isinstance(value, (int, float, Decimal, Fraction)):
        return None
    try:
        return float(value)
    except (OverflowError, ValueError):
        return None


def as_stored(value: float) -> float:
    """Return a metric as it was logged: SQLite keeps the largest number in place of infinity."""
    return float("inf") * value if abs(value) == sys.float_info.max else value
