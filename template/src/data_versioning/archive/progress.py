"""How far long work is, on a terminal only."""

from __future__ import annotations

import sys
import time

from data_versioning.wording import sized

_PAUSE = 0.2  # seconds between two states that are shown


class Progress:
    """One line on a terminal that says how many bytes are done.

    Args:
        doing: What is done, in a word or two.
        total: All bytes.
    """

    def __init__(self, doing: str, total: int) -> None:
        self._doing = doing
        self._total = total
        self._done = 0
        self._shown = 0.0
        self._terminal = sys.stderr.isatty()

    def add(self, size: int) -> None:
        """Say that so many more bytes are done."""
        self._done += size
        if self._terminal and (now := time.monotonic()) - self._shown > _PAUSE:
            self._shown = now
            share = self._done / self._total if self._total else 1
            text = f"{self._doing}: {share:4.0%} of {sized(self._total)}"
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Take the line away."""
        if self._terminal and self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
