"""Commits of given texts rather than of what is on disk, and how the disk differs from commits."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from data_versioning.command import capture
from data_versioning.errors import StudyError
from data_versioning.tools import git


def refuse_unfinished(root: Path) -> None:
    """Raise a `StudyError` when a merge or the like is under way: a commit would end it."""
    for name, verb in (
        ("MERGE_HEAD", "merge"),
        ("CHERRY_PICK_HEAD", "cherry-pick"),
        ("REVERT_HEAD", "revert"),
    ):
        if Path(root, capture(["git", "rev-parse", "--git-path", name], root).strip()).exists():
            raise StudyError(f"a git {verb} is not finished", str(root), f"git {verb} --continue")


def commit_contents(
    root: Path,
    message: str,
    contents: Mapping[str, bytes],
    files: Iterable[str] = (),
    without: Iterable[str] = (),
) -> str | None:
    """Commit given texts, whatever is on disk or staged; both stay as they are.

    Args:
        root: The study.
        message: The commit message.
        contents: What the commit says of each of these paths.
        files: Files that it takes from disk.
        without: Files and folders that it no longer holds.

    Returns:
        The new commit, or None if the last one says the same.
    """
    before = git.head(root)
    folder = Path(root, capture(["git", "rev-parse", "--absolute-git-dir"], root).strip())
    with tempfile.TemporaryDirectory(prefix="data-versioning-", dir=folder) as made:
        index = Path(made, "index")
        if before:
            # What git knows of the files on disk is in its index: a new one would read them all.
            with suppress(FileNotFoundError):
                shutil.copyfile(folder / "index", index)
            git.run(root, ["read-tree", "--reset", before], index=index)
        stage_contents(root, contents, files, without, index)
        if before and not git.run(root, ["diff", "--cached", "--name-only", before], index=index):
            return None
        git.commit(root, message, index=index)
    return git.head(root)


def stage_contents(
    root: Path,
    contents: Mapping[str, bytes],
    files: Iterable[str] = (),
    without: Iterable[str] = (),
    index: Path | None = None,
) -> None:
    """Make an index say this of some files; see `commit_contents`. The files stay as they are."""
    lines = []
    prefix = capture(["git", "rev-parse", "--show-prefix"], root).rstrip("\n")
    for path, content in contents.items():
        blob = ["hash-object", "-w", "--stdin", f"--path={path}"]
        digest = git.run(root, blob, content).decode().strip()
        lines.append(os.fsencode(f"100644 {digest}\t{prefix}{path}\0"))
    git.unstage(root, without, index)
    git.run(root, ["update-index", "-z", "--index-info"], b"".join(lines), index)
    names = b"".join(os.fsencode(path) + b"\0" for path in files)
    git.run(root, ["update-index", "--add", "-z", "--stdin"], names, index)


def ignore_rules(root: Path, paths: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return the file, from the study, and the line by which git ignores each path it ignores."""
    argv = ["git", "check-ignore", "--verbose", "-z", "--stdin"]
    asked = b"".join(os.fsencode(path) + b"\0" for path in paths)
    done = subprocess.run(argv, cwd=root, input=asked, capture_output=True, check=False)
    fields = os.fsdecode(done.stdout).split("\0")
    lines: dict[str, list[str]] = {}
    rules = {}
    top = git.toplevel(root) or root
    for file, number, path in zip(fields[::4], fields[1::4], fields[3::4], strict=False):
        # Git names its own files from the top of the repository, the user's in full.
        source = file if os.path.isabs(file) else os.path.relpath(top / file, root.resolve())
        if source not in lines:
            lines[source] = (root / source).read_text(encoding="utf-8").split("\n")
        # The pattern that git prints has lost its blanks at the end.
        if not (line := lines[source][int(number) - 1]).startswith("!"):  # which takes it back
            rules[path] = source, line
    return rules


def differing(root: Path, rev: str, patterns: Iterable[str]) -> list[str]:
    """Return the tracked files whose text on disk is not that of a revision.

    Args:
        root: The study.
        rev: The revision; files that it has and the disk lacks count, and the other way round.
        patterns: Which files to look at, as git's patterns.
    """
    asked = ["diff", "--name-only", "-z", "--relative", rev, "--", *patterns]
    return [path for path in os.fsdecode(git.run(root, asked)).split("\0") if path]


def is_saved(root: Path, path: str) -> bool:
    """Tell whether some commit holds a file as it is on disk."""
    blob = capture(["git", "hash-object", "--", path], root).strip()
    asked = ["git", "log", "--all", "HEAD", "-1", "--format=%H", f"--find-object={blob}"]
    return bool(capture([*asked, "--", f":(literal){path}"], root))


def commits_that_changed(root: Path, text: str, patterns: Iterable[str]) -> list[str]:
    """Return the commits of any branch or tag in which a text came or went, newest first.

    Args:
        root: The study.
        text: The text, such as the hash of a data file.
        patterns: Which files to look in, as git's patterns.
    """
    asked = ["git", "log", "--all", "HEAD", "--format=%H", "-m", f"-S{text}", "--", *patterns]
    return list(dict.fromkeys(capture(asked, root).split()))
