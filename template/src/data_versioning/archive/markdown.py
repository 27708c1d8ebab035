"""Any text in Markdown as itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from data_versioning.wording import printable


def text_of(text: str) -> str:
    """Return a text as one line that Markdown shows as it is."""
    shown = re.sub(r"([\\`*_\[\]<>|#&~$])", r"\\\1", printable(text))
    return re.sub(r"^([-+]|\d+(?=[.)]))(?=[.)]?(?:\s|$))", _not_a_list, shown)


def _not_a_list(found: re.Match[str]) -> str:
    begin = found[1]
    return f"{begin}\\" if begin.isdecimal() else f"\\{begin}"


def code(text: str) -> str:
    """Return a text as code, in a cell of a table too."""
    shown = printable(text)
    fence = _fence(shown)
    padding = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{padding}{shown}{padding}{fence}".replace("|", "\\|")


def block(commands: str) -> str:
    """Return lines of code as a block of its own."""
    fence = _fence(commands, 3)
    return f"{fence}\n{commands}\n{fence}"


def _fence(text: str, least: int = 1) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    return "`" * max(least, longest + 1)


def linked(address: str) -> str:
    """Return an address as a link."""
    shown = printable(address)
    for letter in ' <>|"':
        shown = shown.replace(letter, f"%{ord(letter):02X}")
    return f"<{shown}>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table without the columns that are empty.

    Args:
        head: The titles of the columns.
        rows: Their cells, in Markdown.
    """
    listed = list(rows)
    kept = [
        number for number, _ in enumerate(head) if not listed or any(row[number] for row in listed)
    ]
    yield f"| {' | '.join(head[one] for one in kept)} |"
    yield f"|{'---|' * len(kept)}"
    for row in listed:
        yield f"| {' | '.join(row[one] for one in kept)} |"
