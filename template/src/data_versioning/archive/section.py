"""A section of `study.yaml` whose values are checked one by one."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import Any

from data_versioning.errors import StudyError
from data_versioning.study import MARKER
from data_versioning.wording import printable


class Section:
    """A mapping whose keys are asked for one by one; a value that is not valid is refused.

    Every method that returns a value raises a `StudyError` that names the key.

    Args:
        content: The mapping.
        name: Its dotted name.
    """

    def __init__(self, content: Any, name: str) -> None:
        self._name = name
        self._asked: set[str] = set()
        if not isinstance(content, dict):
            raise StudyError("not a mapping", f"{MARKER}: {name}", f"$EDITOR {MARKER}")
        self.content = {str(key): value for key, value in content.items()}

    def error(self, key: str, what: str) -> StudyError:
        """Return the error for a key, to be raised."""
        return StudyError(what, f"{MARKER}: {self._name}.{key}", f"$EDITOR {MARKER}")

    def refuse_others(self) -> None:
        """Refuse keys that nobody asked for."""
        for key in self.content:
            if key not in self._asked:
                raise self.error(key, f"unknown; it could be {', '.join(sorted(self._asked))}")

    def _value(self, key: str) -> Any:
        self._asked.add(key)
        return self.content.get(key)

    def text(self, key: str, required: bool = False) -> str:
        """Return a text, or a whole number as one; empty if it is missing and need not be there."""
        value = self._value(key)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)  # the number of an award, say
        value = value.strip() if isinstance(value, str) else value
        if value is None or value == "":
            if required:
                raise self.error(key, "missing")
            return ""
        if not isinstance(value, str):
            raise self.error(key, "not a text")
        return value

    def checked(
        self, key: str, read: Callable[[str], str], otherwise: str, required: bool = False
    ) -> str:
        """Return a text as something reads it.

        Args:
            key: The key.
            read: Returns what the text stands for, nothing if it is not valid.
            otherwise: What it is then: `not a ...`.
            required: Whether it has to be there.
        """
        value = self.text(key, required)
        found: str = read(value) if value else ""
        if value and not found:
            shown = "this address" if "://" in value else repr(printable(value))  # no passwords
            raise self.error(key, f"{shown} is {otherwise}")
        return found

    def matching(self, key: str, pattern: str, what: str) -> str:
        """Return a text that matches a pattern from end to end; `what` says in words which."""
        match = re.compile(pattern)
        return self.checked(key, lambda one: one if match.fullmatch(one) else "", f"not {what}")

    def one_of(self, key: str, values: Iterable[str], required: bool = False) -> str:
        """Return one of some values, in any case of letters, as it stands among them."""
        values = list(values)
        known = {one.lower(): one for one in values}
        what = f"not one of {', '.join(values)}"
        return self.checked(key, lambda one: known.get(one.lower(), ""), what, required)

    def number(self, key: str, default: float, what: str, most: float = math.inf) -> float:
        """Return a number from 0 to `most`; `what` says so in words."""
        value = self._value(key)
        if value is None:
            return default
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not (is_number and 0 <= value <= most and value < math.inf):
            raise self.error(
                key, f"not {what}" + (f", {most:g} at most" if most < math.inf else "")
            )
        return float(value)

    def inner(self, key: str) -> Section:
        """Return a mapping in this one."""
        return Section(self._value(key) or {}, f"{self._name}.{key}")

    def entries(self, key: str) -> list[Section]:
        """Return a list of mappings."""
        value = self._value(key) or []
        if not isinstance(value, list):
            raise self.error(key, "not a list")
        return [
            Section(one, f"{self._name}.{key}[{number}]") for number, one in enumerate(value, 1)
        ]
