"""Patterns of names, of which only those are tried that a text can hold: that is far faster."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

_RUN = re.compile("[A-Za-z0-9]+")


class Named(NamedTuple):
    """What tells who made a study.

    Args:
        pattern: All that it looks like in files.
        instead: What stands in its place.
        text: The text that it is; its letters and digits of ASCII stand in each of its spellings.
    """

    pattern: bytes
    instead: str
    text: str


class Patterns:
    """Patterns that are looked for together, in any case of letters.

    Args:
        named: The patterns; where two can match, the first one does.
    """

    def __init__(self, named: Iterable[Named]) -> None:
        known = {one.pattern: one for one in named}
        self._known = [(one.pattern, one.instead.encode(), _part(one)) for one in known.values()]
        self._parts = {part for _, _, part in self._known}
        self._compiled: dict[tuple[int, ...], re.Pattern[bytes]] = {}

    def search(self, content: bytes) -> re.Match[bytes] | None:
        """Return the first place where one of them is, or None."""
        chosen = self._chosen(content)
        return self._joined(chosen).search(content) if chosen else None

    def replaced(self, content: bytes) -> bytes:
        """Return a text with what stands in their places."""
        if not (chosen := self._chosen(content)):
            return content
        instead = [self._known[number][1] for number in chosen]
        return self._joined(chosen).sub(lambda found: instead[(found.lastindex or 1) - 1], content)

    def _chosen(self, content: bytes) -> tuple[int, ...]:
        lower = content.lower()
        there = {part for part in self._parts if part in lower}
        return tuple(number for number, one in enumerate(self._known) if one[2] in there)

    def _joined(self, chosen: tuple[int, ...]) -> re.Pattern[bytes]:
        if chosen not in self._compiled:
            joined = b"|".join(b"(" + self._known[number][0] + b")" for number in chosen)
            self._compiled[chosen] = re.compile(joined, re.IGNORECASE)
        return self._compiled[chosen]


def _part(named: Named) -> bytes:
    """Return what stands in every spelling of a name, in lower case; it can be nothing."""
    text = unicodedata.normalize("NFC", named.text)
    return max(_RUN.findall(text), key=len, default="").lower().encode()
