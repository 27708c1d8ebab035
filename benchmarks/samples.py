"""Samples, what is compared with what, and the Markdown that shows them."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Sample:
    """Repeated measurements of one thing.

    Args:
        seconds: One per repetition.
    """

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle of the sorted measurements."""
        return statistics.median(self.seconds)

    def __str__(self) -> str:
        """Return the median with the spread, smallest to largest, of what was repeated."""
        if len(self.seconds) == 1:
            return duration(self.median)
        low, high = min(self.seconds), max(self.seconds)
        return f"{duration(self.median)} ({duration(low)} to {duration(high)})"


@dataclass(frozen=True)
class Comparison:
    """Two things that do the same work.

    Args:
        what: What is compared.
        ours: Seconds that the template or its rendered study takes.
        other_name: What it is compared with.
        other: Seconds that the other takes.
        target: The largest acceptable ratio; None for information.
    """

    what: str
    ours: Sample
    other_name: str
    other: Sample
    target: float | None = None

    @property
    def ratio(self) -> float:
        """How many times as long ours takes as the other."""
        return self.ours.median / self.other.median

    def row(self) -> list[str]:
        """Return the cells of one line of `COMPARISONS`."""
        target = verdict(self.ratio, self.target)
        return [
            self.what, str(self.ours), self.other_name, str(self.other), f"{self.ratio:.2f}", target
        ]  # fmt: skip


COMPARISONS = ["what", "this", "compared with", "that", "ratio", "target"]


def verdict(value: float, target: float | None, unit: str = "") -> str:
    """Return the largest acceptable value, and whether the value as shown keeps to it."""
    if target is None:
        return ""
    kept = round(value, 2) <= target
    return f"{'' if kept else '**missed:** '}at most {target:g}{unit}"


def at_least(value: float, target: float, unit: str = "") -> str:
    """Return the smallest acceptable value, and whether the value as shown keeps to it."""
    kept = round(value, 2) >= target
    return f"{'' if kept else '**missed:** '}at least {target:g}{unit}"


def amount(count: int) -> str:
    """Return bytes as a reader wants them: `0.3 MB`, `98 MB`, `1.32 GB`."""
    for limit, factor, digits, unit in ((1e7, 1e6, 1, "MB"), (1e9, 1e6, 0, "MB")):
        if count < limit and round(count / factor, digits) < limit / factor:
            return f"{count / factor:.{digits}f} {unit}"
    return f"{count / 1e9:.2f} GB"


def duration(seconds: float) -> str:
    """Return seconds as a reader wants them: `0.4 ms`, `38 ms`, `1.25 s`, `14.2 s`."""
    for limit, factor, digits, unit in ((0.01, 1e3, 1, "ms"), (1, 1e3, 0, "ms"), (10, 1, 2, "s")):
        if seconds < limit and round(seconds * factor, digits) < limit * factor:
            return f"{seconds * factor:.{digits}f} {unit}"
    return f"{seconds:.1f} s"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
