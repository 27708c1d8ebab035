"""How numbers, sizes, lists and text of any origin are worded for people."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

_PROGRAM = re.compile(r"(^|[;&|] )(?=(?:python|dvc|mlflow|gto|cz|pre-commit|data-versioning) )")
UNITS = ("bytes", "kB", "MB", "GB", "TB")


def counted(number: int, what: str) -> str:
    """Return a number of things: `1 stage`, `2 stages`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def sized(size: int) -> str:
    """Return a number of bytes as people read it: `1.2 MB`."""
    amount = float(size)
    for unit in UNITS[:-1]:
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == UNITS[0] else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} {UNITS[-1]}"


def listed(items: Sequence[str], most: int = 3) -> str:
    """Return the first of some items, and how many more there are: `a, b, c and 2 more`."""
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(items[:most]) + more


def printable(text: str) -> str:
    """Return any text as one line, without characters that hide or turn what is around them."""
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}"
        for letter in " ".join(text.split())
    )


def advice(mend: str) -> str:
    """Return the line that names a mend, as it can be typed in the shell that runs this.

    Args:
        mend: A command.
    """
    if not os.environ.get("VIRTUAL_ENV"):  # its programs are found by their path only
        mend = _PROGRAM.sub(r"\1.venv/bin/", mend)
    if not os.environ.get("EDITOR"):
        mend = mend.replace("$EDITOR", "vi")
    return f"try: {mend}"
