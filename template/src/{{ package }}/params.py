"""Reads `params.yaml` and says in one line what is wrong with it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import yaml

FILE = "params.yaml"


def number(key: str, low: float = -math.inf, high: float = math.inf) -> float:
    """Return the number at `key` ("section.name"), which must lie in [low, high]."""
    value = _value(key)
    try:
        # PyYAML takes 1e-5 for text and DVC takes it for a number, so text may be a number too.
        result = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        result = math.nan
    if math.isnan(result):
        raise SystemExit(f"error: {FILE}: {key} must be a number, got {value!r}")
    if not low <= result <= high:
        raise SystemExit(f"error: {FILE}: {key} must be from {low:g} to {high:g}, got {value!r}")
    return result


def integer(key: str, low: int = 0) -> int:
    """Return the whole number at `key` ("section.name"), which must be at least `low`."""
    value = _value(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise SystemExit(f"error: {FILE}: {key} must be a whole number, got {value!r}")
    if value < low:
        raise SystemExit(f"error: {FILE}: {key} must be at least {low}, got {value!r}")
    return value


def _value(key: str) -> Any:
    try:
        value = yaml.safe_load(Path(FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SystemExit(f"error: {FILE} is missing: run this from the project's root") from None
    except yaml.YAMLError as problem:
        where = " ".join(str(problem).split())
        raise SystemExit(f"error: {FILE} is not valid YAML: {where}") from None
    for part in key.split("."):
        if not isinstance(value, dict) or part not in value:
            raise SystemExit(f"error: {FILE}: {key} is missing")
        value = value[part]
    return value
