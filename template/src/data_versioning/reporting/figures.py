"""Figures before and after: images in `results/figures` and those that `dvc.yaml` calls plots."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path, PurePosixPath
from typing import Any

from data_versioning.data.versions import Version, content, files
from data_versioning.errors import StudyError
from data_versioning.study import Study
from data_versioning.tools import dvc_files, git, git_state

FOLDER = "results/figures"
TYPES = {
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
}


@dataclass(frozen=True)
class Image:
    """One version of a figure.

    Args:
        content: The image; None where its bytes are nowhere.
        problem: Why they are nowhere.
    """

    content: bytes | None
    problem: str = ""


@dataclass(frozen=True)
class Figure:
    """A figure before and after.

    Args:
        path: The file.
        state: `changed`, `new`, `gone` or `unchanged`; of these last the images are left out.
        old: As it was, if it was there.
        new: As it is, if it is there.
    """

    path: str
    state: str
    old: Image | None = None
    new: Image | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return what JSON can hold: the sizes of the images in place of them."""
        sides = {"old": self.old, "new": self.new}
        return {"path": self.path, "state": self.state} | {
            side: one and {"size": one.content and len(one.content), "problem": one.problem}
            for side, one in sides.items()
        }


def figures(study: Study, base: str) -> list[Figure]:
    """Return the figures of a revision and of the work tree, by path.

    Args:
        study: The study.
        base: The revision, a commit.

    Raises:
        StudyError: What a folder of figures held then is nowhere.
    """
    before, after = dvc_files.outputs(study.root, base), dvc_files.outputs(study.root)
    # What a folder held is known to DVC's cache or the remote alone; these need not be asked.
    same = {
        path for path in after if after[path].endswith(".dir") and after[path] == before.get(path)
    }
    then = _versions(study, base, {path: before[path] for path in before.keys() - same})
    now = _versions(study, None, {path: after[path] for path in after.keys() - same})
    places = _places(study.root, None)
    found = [
        Figure(path, "unchanged")
        for folder in same
        for path in _files_in(study.root, folder)
        if _is_figure(path, places)
    ]
    for path in sorted(then.keys() | now.keys()):
        old, new = then.get(path), now.get(path)
        if old and new and old.md5 == new.md5:
            found.append(Figure(path, "unchanged"))
        else:
            state = "changed" if old and new else "new" if new else "gone"
            found.append(Figure(path, state, _image(study, old), _image(study, new)))
    return sorted(found, key=lambda one: one.path)


def _versions(study: Study, rev: str | None, outs: dict[str, str]) -> dict[str, Version]:
    """Return the figures that DVC or git keeps, by path; in the work tree what is on disk."""
    root = study.root
    places = _places(root, rev)
    found: dict[str, str] = {}
    for path, digest in outs.items():
        if not digest.endswith(".dir"):
            found[path] = digest
        elif any(_is_inside(path, one) or _is_inside(one, path) for one in places):
            if rev is None and (root / path).is_dir():
                found |= dict.fromkeys(_files_in(root, path), "")
            else:
                found |= files(study, Version(path, digest, rev))
    if rev:
        found |= dict.fromkeys(git.tracked_files(root, "*", rev), "")
    else:
        found |= dict.fromkeys(git_state.files(root, [f"*{one}" for one in TYPES]), "")
    versions = {}
    for path, digest in found.items():
        if not _is_figure(path, places):
            continue
        if rev is None:
            kept = (root / path).read_bytes() if (root / path).is_file() else None
        else:
            kept = None if digest else git.file_at(root, rev, path)
        if kept is not None:
            digest = md5(kept, usedforsecurity=False).hexdigest()
        if digest:
            versions[path] = Version(path, digest, rev)
    return versions


def _places(root: Path, rev: str | None) -> set[str]:
    return {FOLDER} | dvc_files.plots(root, rev)


def _files_in(root: Path, folder: str) -> list[str]:
    """Return the files on disk in a folder, relative to the study."""
    found = (one for one in (root / folder).rglob("*") if one.is_file())
    return [one.relative_to(root).as_posix() for one in found]


def _image(study: Study, version: Version | None) -> Image | None:
    if version is None:
        return None
    if version.rev and (kept := git.file_at(study.root, version.rev, version.path)) is not None:
        return Image(kept)
    try:
        return Image(content(study, version))
    except StudyError as error:
        return Image(None, error.what)


def _is_figure(path: str, places: Iterable[str]) -> bool:
    own = PurePosixPath(path).suffix.lower() in TYPES
    return own and any(_is_inside(path, place) for place in places)


def _is_inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")
