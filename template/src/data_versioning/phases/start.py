"""Begin a phase: its branch, and the documents it owes as forms to fill in."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from data_versioning.errors import StudyError
from data_versioning.phases import documents
from data_versioning.phases.plan import Phase, phase
from data_versioning.study import Study
from data_versioning.tools import git, git_branches
from data_versioning.workflow.branches import MAIN


@dataclass(frozen=True)
class Started:
    """A phase that was begun, or gone on with.

    Args:
        phase: The phase.
        is_new: Whether its branch was made just now.
        written: The documents that were written, as forms.
        notes: What else the researcher should know.
    """

    phase: Phase
    is_new: bool
    written: tuple[str, ...]
    notes: tuple[str, ...]

    def report(self) -> str:
        """Return what was done and what comes next."""
        lines = [f"on the {'new ' * self.is_new}branch {self.phase.branch}"]
        lines += [f"wrote {path}: answer its questions" for path in self.written]
        lines += [f"note: {note}" for note in self.notes]
        lines.append("next:")
        if forms := [path for path in self.phase.documents if documents.is_markdown(path)]:
            lines.append(f"  git add {shlex.join(forms)}")
        lines += ["  make commit", f"and on {MAIN}, when the branch is merged:"]
        return "\n".join([*lines, f"  make phase-complete PHASE={self.phase.name}"])


def start(study: Study, name: str) -> Started:
    """Switch to the branch of a phase, made if need be, and write the documents it owes.

    What exists stays as it is, so that a second call changes nothing.

    Args:
        study: The study.
        name: The phase.

    Raises:
        StudyError: There is no such phase or no commit yet, or git refuses to switch.
    """
    chosen = phase(study, name)
    if git.toplevel(study.root) is None:
        raise StudyError("not in a git repository", str(study.root), "make setup")
    if git.head(study.root) is None:
        raise StudyError("no commit yet to begin a phase from", str(study.root), "make setup")
    notes = _place_in_list(study, chosen)
    is_new = not git_branches.exists(study.root, chosen.branch)
    if git.branch(study.root) != chosen.branch:
        git_branches.switch(study.root, chosen.branch, make=is_new)
    if missing := git_branches.missing_commits(study.root, MAIN):
        notes.append(f"{MAIN} is ahead of this branch, commits: {missing}; try: git merge {MAIN}")
    absent = [
        path
        for path in chosen.documents
        if not os.path.lexists(study.root / path)
        and git.file_at(study.root, MAIN, path) is None  # a form would be in the merge's way
    ]
    written = [path for path in absent if documents.is_markdown(path)]
    for path in written:
        _write(study.root / path, documents.form(chosen, path))
    notes += [f"{path} is yours to make" for path in absent if path not in written]
    return Started(chosen, is_new, tuple(written), tuple(notes))


def _place_in_list(study: Study, chosen: Phase) -> list[str]:
    """Return notes on what is complete already: the phase itself, and those before it."""
    from data_versioning.phases.phase_tags import next_version
    from data_versioning.phases.progress import completions, open_before

    notes = []
    if tag := completions(study).get(chosen.name):
        again = chosen.tag(next_version(study.root, chosen).patch)
        notes.append(f"{tag.name} completed it; this reopens it, and the next tag is {again}")
    if open_ones := open_before(study, chosen):
        notes.append(f"not complete yet: {', '.join(open_ones)}")
    return notes


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
