"""What DVC can track, and why the rest cannot be."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from data_versioning.errors import StudyError
from data_versioning.study import Study
from data_versioning.tools import dvc, dvc_files, git, git_index

FILES = {".gitignore", ".dvcignore", "dvc.yaml", "dvc.lock"}  # what DVC's own files are called


def inside(study: Study, path: Path | str) -> str:
    """Return the path of a file or folder relative to the study.

    Args:
        study: The study.
        path: A relative path is looked for here, then in the study's folder, so that notebooks
            find it.

    Raises:
        StudyError: There is no such file or folder, or it is outside the study.
    """
    here = Path(os.path.abspath(path))
    there = study.root / path
    found = here if os.path.lexists(here) and _is_inside(study, here) else there
    if not os.path.lexists(found):
        if not _is_inside(study, found):
            raise _outside(study, path)
        raise StudyError("no such file or folder", str(path), "ls")
    # The folder's links are followed, the last name is not: DVC can have made it a link.
    found = Path(os.path.abspath(found))
    found = found.parent.resolve() / found.name
    if not found.is_relative_to(study.root.resolve()):
        raise _outside(study, path)
    return found.relative_to(study.root.resolve()).as_posix()


def named(study: Study, path: Path | str) -> str:
    """Return the path of data that need not be on disk, relative to the study.

    Args:
        study: The study.
        path: A relative path is one from here if it or its `.dvc` file is there, and otherwise
            one from the study's folder.

    Raises:
        StudyError: It is outside the study.
    """
    here = Path(os.path.abspath(path))
    is_here = os.path.lexists(here) or os.path.lexists(f"{here}.dvc")
    found = here if is_here and _is_inside(study, here) else study.root / path
    return study.relative(found).removesuffix(".dvc")


def refuse(study: Study, path: str) -> None:
    """Raise a `StudyError` for what DVC cannot track beside what it tracks already.

    Args:
        study: The study.
        path: A path relative to the study.
    """
    own = PurePosixPath(path)
    if own.suffix == ".dvc" or own.name in FILES or own.parts[:1] in ((), (".git",), (".dvc",)):
        raise StudyError("this is not data", path or ".", "track-data takes data files and folders")
    if "\n" in path:
        raise StudyError("a line break in the name", repr(path), "mv it to a name without")
    if path.endswith(" "):  # git takes DVC's line in .gitignore for one without
        raise StudyError("a blank at the end of the name", repr(path), "mv it to a name without")
    tracked = dvc_files.tracked(study.root)
    _refuse_stage_output(study, path)
    if around := first_overlap(path, tracked):
        mend = f"dvc remove {shlex.quote(around + '.dvc')}, then repeat this"
        if PurePosixPath(around) in own.parents:
            mend = f"python -m data_versioning track-data {shlex.quote(around)}"
        raise StudyError(f"DVC tracks {around} already", path, mend)
    if path in tracked:
        if _is_foreign_link(study, path):
            raise _link(study, path)
    elif (study.root / path).is_symlink():
        raise _link(study, path)
    elif not git.is_tracked(study.root, path):
        _refuse_ignored(study, path)
    if not _holds_something(study.root / path):
        raise StudyError("empty", path, "track it once there is something in it")


def first_overlap(path: str, others: Iterable[str]) -> str | None:
    """Return the first of other paths that a path lies in, or that lies in it."""
    own = PurePosixPath(path)
    for other in others:
        if PurePosixPath(other) in own.parents or own in PurePosixPath(other).parents:
            return other
    return None


def _refuse_stage_output(study: Study, path: str) -> None:
    made = dvc_files.made_by_stages(study.root)
    if other := path if path in made else first_overlap(path, made):
        raise StudyError(
            f"the pipeline makes {other}, and DVC keeps it",
            path,
            "make repro, which makes a new version of it",
        )


def _refuse_ignored(study: Study, path: str) -> None:
    for source, line in git_index.ignore_rules(study.root, [path]).values():
        if (source, line) != (ignore_file(path), f"/{PurePosixPath(path).name}"):
            mend = f"take the line out with: $EDITOR {shlex.quote(source)}"
            raise StudyError(f"git ignores it, because of '{line}' in {source}", path, mend)


def parents(path: str) -> list[str]:
    """Return the folders that a path lies in, but for the study itself."""
    return [path[:at] for at, letter in enumerate(path) if letter == "/"]


def ignore_file(path: str) -> str:
    """Return the path of the .gitignore in which DVC hides a file from git."""
    return str(PurePosixPath(path).parent / ".gitignore")


def _is_inside(study: Study, path: Path) -> bool:
    return Path(os.path.abspath(path)).is_relative_to(study.root) or (
        path.parent.resolve().is_relative_to(study.root.resolve())
    )


def _is_foreign_link(study: Study, path: str) -> bool:
    """Tell whether a tracked path is a link that DVC has not made."""
    link = study.root / path
    return link.is_symlink() and not link.resolve().is_relative_to(
        dvc.cache_dir(study.root).resolve()
    )


def _holds_something(path: Path) -> bool:
    if not path.is_dir():
        return path.stat().st_size > 0
    return any(
        (Path(top) / name).stat().st_size > 0
        for top, _, names in os.walk(path)
        for name in names
        if (Path(top) / name).exists()
    )


def _outside(study: Study, path: Path | str) -> StudyError:
    mend = f"cp -r {shlex.quote(str(path))} {shlex.quote(str(study.root / 'data/raw'))}/"
    return StudyError(f"outside the study {study.root}", str(path), mend)


def _link(study: Study, path: str) -> StudyError:
    target = (study.root / path).resolve()
    mend = f"track {target} itself"
    if not target.is_relative_to(study.root.resolve()):
        mend = f"cp -r --remove-destination {shlex.quote(str(target))} {shlex.quote(path)}"
    return StudyError(f"a link to {target}", path, mend)
