"""What a commit holds, with modes and links; see also `git_state`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from data_versioning.tools import git

LINK, SUBMODULE = 0o120000, 0o160000  # modes, as git has them; a program has 0o100755


@dataclass(frozen=True)
class Entry:
    """A file, link or submodule of a commit.

    Args:
        path: Relative to the study.
        mode: As git has it.
        blob: The id of what it holds; of a submodule the commit.
        size: In bytes; 0 for a submodule, and -1 for what git has damaged or not at all.
    """

    path: str
    mode: int
    blob: str
    size: int


def entries(root: Path, commit: str) -> list[Entry]:
    """Return the study's files, links and submodules at a commit, by the bytes of their paths."""
    listed = os.fsdecode(git.run(root, ["ls-tree", "-r", "-l", "-z", commit])).split("\0")
    found = []
    for facts, _, path in (entry.partition("\t") for entry in listed if entry):
        mode, _, blob, size = facts.split()
        bytes_ = 0 if size == "-" else int(size) if size.isdecimal() else -1  # `BAD`
        found.append(Entry(path, int(mode, 8), blob, bytes_))
    return sorted(found, key=lambda one: os.fsencode(one.path))


def people(root: Path, commit: str) -> list[tuple[str, str]]:
    """Return name and e-mail address of everyone who wrote or made a commit up to this one."""
    asked = ["log", "--no-show-signature", "--encoding=UTF-8", "--format=%an%x00%ae%x00%cn%x00%ce"]
    lines = git.run(root, [*asked, commit]).decode(errors="surrogateescape").splitlines()
    fields = (line.split("\0") for line in dict.fromkeys(lines))
    pairs = [pair for one in fields if len(one) == 4 for pair in (one[:2], one[2:])]
    return sorted({(name, address) for name, address in pairs})
