"""Any text in Markdown as itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from data_versioning.wording import printable


def text_of(text: str) -> str:
    """Return a text as one line that Markdown shows as it is."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", printable(text))


def code(text: str) -> str:
    """Return a text as code, in a cell of a table too."""
    shown = printable(text)
    fence = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    padding = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{padding}{shown}{padding}{fence}".replace("|", "\\|")


def linked(address: str) -> str:
    """Return an address as a link."""
    return f"<{printable(address).replace('>', '%3E').replace(' ', '%20')}>"


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
