"""The report as Markdown that GitHub and GitLab show."""

from __future__ import annotations

import re
from collections.abc import Sequence

from data_versioning.reporting.comparison import Comparison
from data_versioning.reporting.graph import parse
from data_versioning.reporting.sections import Section, sections
from data_versioning.wording import printable

ROWS = 100  # of a table
CELL = 160  # characters
DRAWN = (15_000, 300)  # characters and edges of a flowchart; Mermaid refuses much more
# What no Markdown, mention or link can be made of.
PLAIN = re.compile(r"[A-Za-z0-9 ,+-]*(\.[0-9]+[A-Za-z0-9 ,+-]*)?")


def markdown(found: Comparison) -> str:
    """Return a report."""
    dirty = ", with changes that are not committed" if found.dirty else ""
    here = f"{code(found.branch)} at {found.commit[:8]}" if found.branch else found.commit[:8]
    parts = [
        f"## What changed since {code(found.base)}",
        f"{here}{dirty}, compared with {found.base_commit[:8]}.",
    ]
    for section in sections(found):
        parts += [f"### {section.title}", *_body(section, found)]
    return "\n\n".join(filter(None, parts)) + "\n"


def code(text: str) -> str:
    """Return any text as a code span, in which nothing is a mention, a link or HTML."""
    text = printable(text)
    text = text if len(text) <= CELL else f"{text[: CELL - 1]}…"
    if not set(text) & set("`|\\"):
        return f"`{text}`" if text else ""
    entities = re.sub(r"[!-/:-@[-`{-~]", lambda one: f"&#{ord(one[0])};", text)
    return f"<code>{entities}</code>"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return a table whose first row is the header, nothing if it has no other."""
    if len(rows) < 2:
        return ""
    header, *others = rows
    lines = [f"| {' | '.join(map(_cell, header))} |", f"|{' --- |' * len(header)}"]
    lines += [f"| {' | '.join(map(_cell, row))} |" for row in others[:ROWS]]
    if len(others) > ROWS:
        lines += ["", f"_and {len(others) - ROWS} more, in `report.html`_"]
    return "\n".join(lines)


def _body(section: Section, found: Comparison) -> list[str]:
    rows = section.rows
    if section.kind == "figures":
        text = f"{section.text} They are shown in `report.html`, an artifact of the job."
        return [text, table(rows)]
    if section.kind != "pipeline":
        return [section.text, table(rows)]
    names = ", ".join(code(row[0]) for row in rows[1 : ROWS + 1])
    text = f"{section.text[:-1]}: {names}." if names else section.text
    if len(found.dag) > DRAWN[0] or len(parse(found.dag).edges) > DRAWN[1]:
        return [text, "It is too large to be drawn here; `report.html` shows it."]
    # Mermaid takes what stands between two percent signs and braces for a setting.
    drawn = found.dag.replace("%", "#37;")
    return [text, f"```mermaid\n{drawn}\n```"]


def _cell(text: str) -> str:
    return text if PLAIN.fullmatch(text) else code(text)
