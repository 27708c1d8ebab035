"""Large files belong in DVC: find them, track them, refuse them in a commit."""

from __future__ import annotations

import re
import stat
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from data_versioning.data.data_commit import DataCommit, writing
from data_versioning.data.trackable import FILES, parents
from data_versioning.errors import StudyError
from data_versioning.study import MARKER, Study
from data_versioning.tools import dvc_files, git

MANY = 1000  # files from which a folder is tracked as one: each alone costs DVC 10 ms and more


def auto_track_large_files(
    directory: Path | str = ".", size_threshold_mb: float | None = None
) -> list[str]:
    """Track with DVC what is large and not yet tracked, in one DVC call.

    Left alone is what git ignores or has committed, what DVC tracks, what a stage makes or would
    make, and what links lead to. Files that are only staged are taken out of git's index first. A
    folder that holds 1,000 untracked files or more, together above the threshold and nothing of
    the above among them, is tracked as the folder; the outermost one if several do.

    Args:
        directory: Where to look.
        size_threshold_mb: Size in MiB; `large_file_mb` of `study.yaml` when not given.

    Returns:
        The paths now tracked, relative to the study; they are staged, not committed.

    Raises:
        StudyError: The directory is missing or not in a study; or DVC refused, and says why.
    """
    study = Study.open(directory)
    if not Path(directory).is_dir():
        raise StudyError("no such folder", str(directory), "ls")
    limit = study.large_file_bytes if size_threshold_mb is None else size_threshold_mb * 1024**2
    inside = Path(directory).resolve().relative_to(study.root.resolve()).as_posix()
    with writing(study) as lock:
        sizes, others = _untracked(study, inside)
        folders = _full_folders(study, inside, sizes, others, limit)
        chosen = folders + [
            path
            for path, size in sizes.items()
            if size >= limit and set(folders).isdisjoint(parents(path))
        ]
        if chosen:
            DataCommit(study.root).add(chosen, lock)
    return chosen


def refuse_large_files(paths: Iterable[str]) -> None:
    """Refuse files over the threshold, as a git hook.

    Raises:
        StudyError: Names the files and the command that tracks them.
    """
    study = Study.find()
    limit = study.large_file_bytes
    large = [path for path in paths if (_size(Path(path)) or 0) >= limit]
    if large:
        raise StudyError(
            f"over {limit / 1024**2:g} MB (large_file_mb in {MARKER})",
            ", ".join(large),
            "make track",
        )


def _untracked(study: Study, inside: str) -> tuple[dict[str, int], set[str]]:
    """Return the size of every file that nothing tracks or makes, and what else is untracked."""
    made = dvc_files.made_by_stages(study.root)
    patterns = [re.sub(r"\$\{.*?\}", "*", path) for path in made if "${" in path]  # of loops
    sizes, others = {}, set(made)
    for path in git.uncommitted_files(study.root, inside):
        if not made.isdisjoint([path, *parents(path)]) or any(
            fnmatchcase(one, pattern) for pattern in patterns for one in (path, *parents(path))
        ):
            others.add(path)
        elif not _is_name(path):
            others.add(path)
            print(f"warning: DVC cannot track such a name: {path!r}", file=sys.stderr)
        elif (size := _size(study.root / path)) is None:
            others.add(path)
        else:
            sizes[path] = size
    return sizes, others


def _full_folders(
    study: Study, inside: str, sizes: Mapping[str, int], others: set[str], limit: float
) -> list[str]:
    """Return the folders that are to be tracked as such."""
    counts: Counter[str] = Counter()
    weights: Counter[str] = Counter()
    for path, size in sizes.items():
        for folder in parents(path):
            counts[folder] += 1
            weights[folder] += size
    full = [one for one in counts if counts[one] >= MANY and weights[one] >= limit]
    if not full:
        return []
    committed = set(git.tracked_files(study.root, f":(literal){inside}")) - sizes.keys()
    mixed = {folder for path in committed | others for folder in parents(path)}
    mixed |= {folder for path in dvc_files.tracked(study.root) for folder in parents(path)}
    mixed.update(parents(inside))
    chosen: list[str] = []
    for folder in sorted(full):  # a folder comes before those in it
        if folder not in mixed and set(chosen).isdisjoint(parents(folder)):
            chosen.append(folder)
    return chosen


def _is_name(path: str) -> bool:
    """Tell whether DVC can write a path into its files, and git's .gitignore can hold it."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return "\n" not in path


def _size(path: Path) -> int | None:
    """Return the size of a file of data; None of what is none, such as a link."""
    if path.suffix == ".dvc" or path.name in FILES:
        return None
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None
