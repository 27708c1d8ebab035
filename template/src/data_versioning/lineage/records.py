"""What DVC recorded of each stage and each `*.dvc` file, with the paths relative to the study."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from data_versioning.errors import StudyError
from data_versioning.study import flatten, parse_yaml
from data_versioning.tools import dvc_files, git, git_history, git_state

PATTERNS = ("*.dvc", dvc_files.LOCK, f"*/{dvc_files.LOCK}")
HASH = re.compile(r"[0-9a-f]{32}(\.dir)?")


@dataclass(frozen=True)
class Kept:
    """One version of a file or folder.

    Args:
        path: Relative to the study; an address for what lies outside.
        md5: DVC's hash, of a folder with the suffix `.dir`; empty where DVC recorded none.
        size: In bytes, if recorded.
        nfiles: How many files a folder holds, if recorded.
    """

    path: str
    md5: str
    size: int | None = None
    nfiles: int | None = None

    @property
    def version(self) -> tuple[str, str]:
        """What makes it this version: path and hash."""
        return self.path, self.md5


@dataclass(frozen=True)
class Record:
    """How outputs came to be: a stage as `dvc.lock` has it, or a `*.dvc` file.

    Args:
        address: The stage as DVC addresses it, `train` or `pipelines/x/dvc.yaml:train`, or the
            path of the `*.dvc` file.
        command: What ran; empty for a `*.dvc` file.
        deps: What it read; of a `*.dvc` file where the data were imported from.
        params: The parameters it read, dotted names; those of other files than `params.yaml`
            with the file in front, `more.yaml:rate`.
        outs: What it wrote.
    """

    address: str
    command: str
    deps: tuple[Kept, ...]
    params: tuple[tuple[str, Any], ...]
    outs: tuple[Kept, ...]

    @property
    def is_stage(self) -> bool:
        """Tell a stage from a `*.dvc` file."""
        return not self.address.endswith(".dvc")

    def out(self, path: str) -> Kept | None:
        """Return an output by its path."""
        return next((out for out in self.outs if out.path == path), None)


def is_record_file(path: str) -> bool:
    """Tell whether a path is that of a `dvc.lock` or a `*.dvc` file; git's patterns match more."""
    return is_lock(path) or (path.endswith(".dvc") and posixpath.basename(path) != ".dvc")


def is_lock(path: str) -> bool:
    """Tell whether a path is that of a `dvc.lock`."""
    return posixpath.basename(path) == dvc_files.LOCK


def at(root: Path, rev: str | None = None) -> list[Record]:
    """Return all records of a study, those of pipelines in subfolders included.

    Args:
        root: The study.
        rev: A commit, branch or tag; the files on disk when not given.

    Raises:
        StudyError: A file holds no valid YAML.
    """
    folders = working_folders(root, rev)
    found: list[Record] = []
    for path, content in _files(root, rev):
        try:
            found += _parsed(path, parse_yaml(content, path), folders)
        except (AttributeError, KeyError, TypeError):
            raise StudyError("not what DVC writes", path, f"git log -p -- {path}") from None
    return found


def _files(root: Path, rev: str | None) -> Iterator[tuple[str, bytes]]:
    if rev is None:
        yield from ((path, (root / path).read_bytes()) for path in on_disk(root))
        return
    with git_history.Blobs(root) as blobs:
        for path, blob, _ in git_state.tree_files(root, rev):
            if is_record_file(path):
                yield path, blobs.read(blob)


def on_disk(root: Path) -> list[str]:
    """Return the `*.dvc` files that git knows, and the `dvc.lock` beside each `dvc.yaml`."""
    pipelines = [dvc_files.PIPELINE, *git.tracked_files(root, f"*/{dvc_files.PIPELINE}")]
    locks = [posixpath.join(posixpath.dirname(path), dvc_files.LOCK) for path in pipelines]
    names = dict.fromkeys([*git.tracked_files(root, "*.dvc"), *locks])
    return [path for path in names if is_record_file(path) and (root / path).is_file()]


def parse(path: str, text: bytes, folders: Mapping[str, str]) -> tuple[Record, ...]:
    """Return the records of a `*.dvc` file or a part of a `dvc.lock`; of a broken one none.

    Args:
        path: The file.
        text: What it holds; of a `dvc.lock` some of the records, as `lock_records` splits them.
        folders: See `working_folders`.
    """
    return _parse(path, text, tuple(folders.items()))


@lru_cache(maxsize=100_000)
def _parse(path: str, text: bytes, folders: tuple[tuple[str, str], ...]) -> tuple[Record, ...]:
    try:
        content = parse_yaml(text, path)
    except StudyError:  # committed long ago; nobody can mend it
        return ()
    if is_lock(path):
        content = {"stages": content}
    try:
        return tuple(_parsed(path, content, dict(folders)))
    except (AttributeError, KeyError, TypeError):  # YAML, but nothing DVC wrote
        return ()


def _parsed(path: str, content: dict[str, Any], folders: Mapping[str, str]) -> Iterator[Record]:
    folder = posixpath.dirname(path)
    if not is_lock(path):
        here = posixpath.join(folder, content.get("wdir") or "")
        yield _record(path, content, here)
        return
    for name, body in (content.get("stages") or {}).items():
        prefix = f"{folder}/{dvc_files.PIPELINE}:" if folder else ""
        address = f"{prefix}{name}"
        here = posixpath.join(folder, folders.get(address.partition("@")[0], ""))
        yield _record(address, body, here)


def _record(address: str, body: Mapping[str, Any], here: str) -> Record:
    command = body.get("cmd") or ""
    params = {
        key if file == "params.yaml" else f"{file}:{key}": value
        for file, values in (body.get("params") or {}).items()
        for key, value in flatten(values or {})
    }
    return Record(
        address=address,
        command=command if isinstance(command, str) else "\n".join(map(str, command)),
        deps=tuple(_kept(dep, here) for dep in body.get("deps") or ()),
        params=tuple(params.items()),
        outs=tuple(_kept(out, here) for out in body.get("outs") or ()),
    )


def _kept(entry: Mapping[str, Any], here: str) -> Kept:
    path = str(entry.get("path", ""))
    if repo := entry.get("repo"):  # of `dvc import`
        path = f"{repo.get('url')}#{path}"
        return Kept(path, str(repo.get("rev_lock") or ""))
    if "://" not in path:
        path = posixpath.normpath(posixpath.join(here, path))
    digest = entry.get("md5") or entry.get("etag") or entry.get("checksum") or ""
    return Kept(path, str(digest), entry.get("size"), entry.get("nfiles"))


def working_folders(root: Path, rev: str | None = None) -> dict[str, str]:
    """Return `wdir` of the stages that have one, by address, as `dvc.yaml` says.

    `dvc.lock` does not repeat it, though its paths are relative to it.

    Args:
        root: The study.
        rev: A commit, branch or tag; the files on disk when not given.
    """
    found = {}
    for path in git.tracked_files(root, f"*{dvc_files.PIPELINE}", rev):
        if posixpath.basename(path) != dvc_files.PIPELINE:
            continue
        if rev is None:
            content = (root / path).read_bytes() if (root / path).is_file() else b""
        else:
            content = git.file_at(root, rev, path) or b""
        if b"wdir" not in content:
            continue
        for name, stage in (parse_yaml(content, path).get("stages") or {}).items():
            if folder := stage.get("do", stage).get("wdir"):
                prefix = f"{path}:" if "/" in path else ""
                found[f"{prefix}{name}"] = str(folder)
    return found


def readable_part(path: str) -> bytes:
    """Return a part of a file's name that YAML writes as it is, to look for before parsing."""
    name = posixpath.basename(path)
    parts: list[str] = re.findall(r"[A-Za-z0-9_.-]+", name)
    return max(parts, key=len, default="").encode()
