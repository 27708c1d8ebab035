"""Write the report."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from data_versioning.reporting.comparison import Comparison, compare
from data_versioning.reporting.markdown import markdown
from data_versioning.reporting.page import page
from data_versioning.study import Study
from data_versioning.wording import counted, printable

FOLDER = "report"
MARKDOWN, PAGE = "report.md", "report.html"


@dataclass(frozen=True)
class Report:
    """A report that was written.

    Args:
        found: What it says.
        files: The files that hold it.
    """

    found: Comparison
    files: tuple[Path, ...]

    def text(self) -> str:
        """Return in a few lines what it says, and where it is."""
        found, values = self.found, self.found.values
        counts = [
            counted(len(values.metrics) if values else 0, "metric"),
            counted(len(values.params) if values else 0, "parameter"),
            f"{len(found.data)} data",
            counted(sum(one.state != "unchanged" for one in found.figures), "figure"),
        ]
        lines = [
            f"since {printable(found.base)} ({found.base_commit[:8]}): {', '.join(counts)} changed"
        ]
        if found.stale:
            names = ", ".join(printable(name) for name, _ in found.stale)
            lines.append(f"warning: stale, so this may not hold: {names} (make repro)")
        lines += [f"unknown: {printable(one)}" for one in found.unknown]
        shown = (os.path.relpath(path) for path in self.files)
        return "\n".join([*lines, f"wrote {' and '.join(shown)}"])


def write(study: Study, base: str | None = None) -> Report:
    """Compare the work tree with a revision, and write that as Markdown and as a page.

    Args:
        study: The study.
        base: A tag, branch or commit; the main branch when not given, or the commit before.

    Raises:
        StudyError: There is no such revision, or DVC's files are damaged.
    """
    found = compare(study, base)
    there = study.root / FOLDER
    there.mkdir(parents=True, exist_ok=True)
    texts = {MARKDOWN: markdown(found), PAGE: page(found)}
    for name, text in texts.items():
        beside = there / f".{name}.part"
        beside.write_text(text, encoding="utf-8")
        beside.replace(there / name)
    return Report(found, tuple(there / name for name in texts))
