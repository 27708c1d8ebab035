"""The files that DVC keeps in git, now and at any revision: `dvc.lock`, `dvc.yaml`, `*.dvc`."""

from __future__ import annotations

import hashlib
import posixpath
import re
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from data_versioning.errors import StudyError
from data_versioning.study import parse_yaml
from data_versioning.tools import git

LOCK = "dvc.lock"
PIPELINE = "dvc.yaml"


def lock_digest(root: Path) -> str | None:
    """Return the SHA-256 of `dvc.lock`, or None before the first reproduction."""
    try:
        return hashlib.sha256((root / LOCK).read_bytes()).hexdigest()
    except FileNotFoundError:
        return None


def outputs(root: Path, rev: str | None = None) -> dict[str, str]:
    """Return the hash of everything DVC keeps: stage outputs and tracked data, by path.

    Hashes are those of DVC: MD5 in hexadecimal, of folders with the suffix `.dir`.

    Args:
        root: The study.
        rev: A commit, branch or tag; the files on disk when not given.
    """
    return {path: out.get("md5", "") for path, out in details(root, rev).items()}


def details(root: Path, rev: str | None = None) -> dict[str, dict[str, Any]]:
    """Return what is on record of everything DVC keeps: `md5`, `size`, `nfiles`; see `outputs`."""
    return _records(_content(root, LOCK, rev), LOCK) | tracked(root, rev)


def tracked(root: Path, rev: str | None = None) -> dict[str, dict[str, Any]]:
    """Return what `*.dvc` files say, by the path of the data: `md5`, `size`, `nfiles`."""
    found: dict[str, dict[str, Any]] = {}
    for path in git.tracked_files(root, "*.dvc", rev):
        found |= _records(_content(root, path, rev), path)
    return found


def locked_stages(root: Path, rev: str | None = None) -> dict[str, dict[str, Any]]:
    """Return what `dvc.lock` says: per stage `cmd`, `deps`, `params` and `outs`."""
    return _content(root, LOCK, rev).get("stages") or {}


def stages(root: Path, rev: str | None = None) -> dict[str, dict[str, Any]]:
    """Return what `dvc.yaml` says of each stage, loops (`foreach`, `matrix`) not unrolled."""
    return _content(root, PIPELINE, rev).get("stages") or {}


def recorded(content: bytes, name: str) -> dict[str, str]:
    """Return the hashes that one of these files records, by the path of what is hashed.

    Args:
        content: What the file holds, at whatever revision.
        name: Its path: that of `dvc.lock`, or of a `*.dvc` file.
    """
    records = _records(_parsed(content, name, name), name)
    return {path: out.get("md5", "") for path, out in records.items()}


def _records(parsed: dict[str, Any], name: str) -> dict[str, dict[str, Any]]:
    """Return what `dvc.lock` or a `*.dvc` file says of each output, by its path in the study."""
    if name == LOCK:
        stages = (parsed.get("stages") or {}).values()
        return {out["path"]: out for stage in stages for out in stage.get("outs", [])}
    folder = Path(name).parent
    return {(folder / out["path"]).as_posix(): out for out in parsed.get("outs", [])}


def made_by_stages(root: Path) -> set[str]:
    """Return the paths that stages make, or would make; those of loops once they have run."""
    return stage_outputs(root) | _records(_content(root, LOCK, None), LOCK).keys()


def stage_outputs(root: Path, kinds: Iterable[str] = ("outs", "metrics", "plots")) -> set[str]:
    """Return the paths that the stages of the pipeline write.

    Args:
        root: The study.
        kinds: Which sections of a stage count.
    """
    written: set[str] = set()
    for stage in stages(root).values():
        body = stage.get("do", stage)
        for kind in kinds:
            for entry in body.get(kind) or []:
                written.add(next(iter(entry)) if isinstance(entry, dict) else str(entry))
    return written


def plots(root: Path, rev: str | None = None) -> set[str]:
    """Return the paths that `dvc.yaml` names as plots; some of its names stand for no file.

    Args:
        root: The study.
        rev: A commit, branch or tag; the files on disk when not given.
    """
    named = _content(root, PIPELINE, rev).get("plots") or []
    entries = [named] if isinstance(named, dict) else named if isinstance(named, list) else []
    for stage in stages(root, rev).values():
        folder = stage.get("wdir", ".")
        for entry in stage.get("do", stage).get("plots") or []:
            path = next(iter(entry)) if isinstance(entry, dict) else str(entry)
            entries = [*entries, posixpath.join(folder, path)]
    names = (name for entry in entries for name in (entry if isinstance(entry, dict) else [entry]))
    return {posixpath.normpath(str(name)) for name in names}


def value_files(root: Path, rev: str | None = None) -> tuple[set[str], set[str]]:
    """Return the paths of the metrics and of the parameter files that `dvc.yaml` names.

    Paths made by a template or a loop are those of `dvc.lock` that fit.

    Args:
        root: The study.
        rev: A commit, branch or tag; the files on disk when not given.
    """
    pipeline = _content(root, PIPELINE, rev)
    bodies = [one.get("do", one) for one in (pipeline.get("stages") or {}).values()]
    lock = _content(root, LOCK, rev)
    known = set(_records(lock, LOCK))
    known |= {path for one in (lock.get("stages") or {}).values() for path in one.get("params", {})}
    metrics: set[str] = set()
    params = {"params.yaml"}
    for body in [{"metrics": pipeline.get("metrics"), "params": pipeline.get("params")}, *bodies]:
        folder = body.get("wdir", ".")
        # dvc.lock has the paths relative to it.
        there = known if folder == "." else {posixpath.join(folder, path) for path in known}
        for entry in body.get("metrics") or []:
            path = next(iter(entry)) if isinstance(entry, dict) else str(entry)
            metrics |= _paths(posixpath.join(folder, path), there)
        for entry in body.get("params") or []:
            # A plain one is the name of a parameter; at the top level, a file.
            names = entry if isinstance(entry, dict) else [entry] if body not in bodies else []
            params |= {path for name in names for path in _paths(name, known)}
    return metrics, params


def refuse_broken(root: Path) -> None:
    """Raise a `StudyError` where a file on disk is broken or in conflict: DVC's words hide it."""
    tracked = git.tracked_files(root, "*.dvc") if git.toplevel(root) else []
    for path in (LOCK, PIPELINE, *tracked):
        _content(root, path, None)


def _paths(path: str, known: Iterable[str]) -> set[str]:
    """Return a path, or the known ones that it stands for if it is a template."""
    parts = re.split(r"\$\{[^}]*\}", posixpath.normpath(path))
    if len(parts) == 1:
        return set(parts)
    pattern = ".+".join(map(re.escape, parts))
    return {one for one in known if re.fullmatch(pattern, one)}


def content(root: Path, path: str, rev: str | None = None) -> bytes | None:
    """Return a file's content, be it kept by git or by DVC, or None if it is not there.

    Args:
        root: The study.
        path: The file.
        rev: A commit, branch or tag; the file on disk when not given.

    Raises:
        StudyError: It is neither in DVC's cache nor in a remote.
    """
    if rev is None:
        return (root / path).read_bytes() if (root / path).is_file() else None
    kept = git.file_at(root, rev, path)
    if kept is not None or not outputs(root, rev).get(path):
        return kept
    import dvc.api
    from dvc.exceptions import DvcException

    try:
        return bytes(dvc.api.read(path, repo=str(root), rev=rev, mode="rb"))
    except (DvcException, OSError):
        what = "neither in DVC's cache nor in a remote that answers"
        raise StudyError(what, f"{path} at {rev[:8]}", "dvc fetch --all-commits") from None


def artifacts(root: Path, rev: str | None = None) -> dict[str, dict[str, Any]]:
    """Return what `dvc.yaml` says of each model and other artifact."""
    return _content(root, PIPELINE, rev).get("artifacts") or {}


def _content(root: Path, path: str, rev: str | None) -> dict[str, Any]:
    if rev is not None:
        content = git.file_at(root, rev, path)
        name = f"{path} at {rev}"
    elif (root / path).is_file():
        content, name = (root / path).read_bytes(), path
    else:
        return {}
    return {} if content is None else _parsed(content, path, name)


def _parsed(content: bytes, path: str, name: str) -> dict[str, Any]:
    parsed = parse_yaml(content, name)
    if (wrong := _misshapen(parsed, path)) is not None:
        what = f"'{wrong}' is not what DVC writes or reads there"
        raise StudyError(what, name, f"$EDITOR {shlex.quote(path)}")
    return parsed


def _misshapen(parsed: dict[str, Any], path: str) -> str | None:
    """Return the dotted name of the first thing that is not built as DVC builds it."""
    bodies = {"": parsed}
    for section in ("stages", "artifacts"):
        if not isinstance(named := parsed.get(section) or {}, dict):
            return section
        bodies |= {f"{section}.{name}.": body for name, body in named.items()}
    for name, stage in bodies.items():
        body = stage.get("do", stage) if isinstance(stage, dict) else None
        if not isinstance(body, dict):
            return name.removesuffix(".")
        for key in ("deps", "outs", "metrics", "plots", "params"):
            at_top = (name, key) == ("", "plots")  # of every shape, and read by DVC alone
            if key in body and not at_top and not _is_readable(body[key], key, path):
                return f"{name}{key}"
    return None


def _is_readable(entries: Any, key: str, path: str) -> bool:
    if path == PIPELINE:
        entries = entries or []
        kinds: type | tuple[type, ...] = (str, dict)
    elif path == LOCK and key == "params":
        return isinstance(entries, dict)
    else:
        kinds = dict
    if not isinstance(entries, list) or not all(one and isinstance(one, kinds) for one in entries):
        return False
    return (
        path == PIPELINE
        or key != "outs"
        or all(isinstance(one.get("path"), str) for one in entries)
    )
