"""Large files belong in DVC: find them, track them, refuse them in a commit."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from data_versioning import dvc, git
from data_versioning.errors import StudyError
from data_versioning.study import MARKER, Study


def auto_track_large_files(
    directory: Path | str = ".", size_threshold_mb: float | None = None
) -> list[str]:
    """Track with DVC what is large and not yet tracked, in one DVC call.

    Files that git ignores, has committed or DVC tracks are left alone; files that are only
    staged are taken out of git's index first.

    Args:
        directory: Where to look.
        size_threshold_mb: Size in MiB; `large_file_mb` of `study.yaml` when not given.

    Returns:
        The paths now tracked, relative to the study.
    """
    study = Study.find(directory)
    limit = study.large_file_bytes if size_threshold_mb is None else size_threshold_mb * 1024**2
    inside = Path(directory).resolve().relative_to(study.root).as_posix()
    found = [
        path
        for path in git.uncommitted_files(study.root, inside)
        if _size(study.root / path) >= limit
    ]
    if found:
        git.unstage(study.root, found)
        dvc.call(study.root, "add", "--quiet", *found)
    return found


def refuse_large_files(paths: Iterable[str]) -> None:
    """Refuse files over the threshold, as a git hook.

    Raises:
        StudyError: Names the files and the command that tracks them.
    """
    study = Study.find()
    limit = study.large_file_bytes
    large = [path for path in paths if _size(Path(path)) >= limit]
    if large:
        raise StudyError(
            f"over {limit / 1024**2:g} MB (large_file_mb in {MARKER})",
            ", ".join(large),
            "make track",
        )


def _size(path: Path) -> int:
    try:
        return 0 if path.is_symlink() else os.path.getsize(path)
    except FileNotFoundError:
        return 0
