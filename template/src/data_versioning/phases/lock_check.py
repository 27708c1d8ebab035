"""Is `dvc.lock` of a commit that of the commit's own code, parameters and data?

From git's objects alone, in any clone; see `reproduction.freshness` for the work tree.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from data_versioning.pipeline.metrics import parse_values
from data_versioning.study import flatten
from data_versioning.tools import dvc_files, git_state
from data_versioning.tools.git_history import Blobs

PARSED = (".json", ".toml", ".yaml", ".yml")
MISSING = object()


def stale_at(root: Path, commit: str) -> list[str]:
    """Return what at a commit is not what its `dvc.lock` says, in words; nothing if all is.

    Of frozen stages, the results alone count. Not compared are folders that git keeps, in which DVC
    counts files that git ignores; files inside of tracked folders; commands with `${}`; parameters
    in Python; and what other files than the study's own `dvc.yaml` describe.

    Args:
        root: The study.
        commit: The commit.
    """
    described = dvc_files.stages(root, commit)
    stages = {name: stage.get("do", stage) for name, stage in described.items()}
    locked = dvc_files.locked_stages(root, commit)
    ran = {name.partition("@")[0] for name in locked}
    asked = [name for name, stage in stages.items() if not stage.get("frozen")]
    found = [f"stage {name} never ran" for name in asked if name not in ran]
    # DVC keeps the records of stages that are gone.
    records = [
        (name, stages[name.partition("@")[0]], lock)
        for name, lock in locked.items()
        if name.partition("@")[0] in stages
    ]
    recorded = {path: out.get("md5") for path, out in dvc_files.tracked(root, commit).items()}
    for _, stage, lock in records:
        recorded |= {_path(stage, out["path"]): out.get("md5") for out in lock.get("outs") or []}
    read = {
        _path(stage, path)
        for _, stage, lock in records
        for path in [
            *(lock.get("params") or {}),
            *(one["path"] for key in ("deps", "outs") for one in lock.get(key) or []),
        ]
    }
    files = {path: blob for path, blob, _ in git_state.tree_files(root, commit) if path in read}
    with Blobs(root) as blobs:
        contents = {path: blobs.read(blob) for path, blob in files.items()}
    for name, stage, lock in records:
        said = list(_outs(stage, lock, contents))
        if name.partition("@")[0] in asked:
            said += [*_command(stage, lock), *_params(stage, lock, contents)]
            said += [*_deps(stage, lock, recorded, contents), *_unrecorded(stage, lock)]
        found += [f"stage {name}: {what}" for what in said]
    return found


def _command(stage: Mapping[str, Any], lock: Mapping[str, Any]) -> Iterator[str]:
    if "${" not in str(stage.get("cmd")) and stage.get("cmd") != lock.get("cmd"):
        yield "its command changed"


def _params(
    stage: Mapping[str, Any], lock: Mapping[str, Any], contents: Mapping[str, bytes]
) -> Iterator[str]:
    for path, recorded in (lock.get("params") or {}).items():
        content = contents.get(_path(stage, path))
        if content is None or not path.endswith(PARSED):
            continue
        now = dict(flatten(parse_values(content, path)))
        for name, value in flatten(recorded or {}):
            if now.get(name, MISSING) != value:
                yield f"{path}: {name} changed"


def _deps(
    stage: Mapping[str, Any],
    lock: Mapping[str, Any],
    recorded: Mapping[str, str | None],
    contents: Mapping[str, bytes],
) -> Iterator[str]:
    for dep in lock.get("deps") or []:
        path = _path(stage, dep["path"])
        now = recorded.get(path)
        if path in contents and dep.get("hash") == "md5":
            now = _md5(contents[path])
        if now and dep.get("md5") and now != dep["md5"]:
            yield f"{path} is another version than it read"


def _outs(
    stage: Mapping[str, Any], lock: Mapping[str, Any], contents: Mapping[str, bytes]
) -> Iterator[str]:
    """Yield the results that git keeps, and that are not those on record."""
    for out in lock.get("outs") or []:
        path = _path(stage, out["path"])
        if path in contents and out.get("hash") == "md5" and _md5(contents[path]) != out.get("md5"):
            yield f"{path} is not what it made"


def _unrecorded(stage: Mapping[str, Any], lock: Mapping[str, Any]) -> Iterator[str]:
    """Yield what `dvc.yaml` names and the record does not have; templates are not unrolled."""
    deps, outs = (
        {_path(stage, one["path"]) for one in lock.get(key) or []} for key in ("deps", "outs")
    )
    for path in _names(stage, "deps"):
        if _path(stage, path) not in deps:
            yield f"{path} is new to it"
    for path in (path for key in ("outs", "metrics", "plots") for path in _names(stage, key)):
        if _path(stage, path) not in outs:
            yield f"{path} was never made"
    held = lock.get("params") or {}
    for entry in stage.get("params") or []:
        asked = entry if isinstance(entry, dict) else {"params.yaml": [entry]}
        for path, names in asked.items():
            if "${" in str(path):
                continue
            values = held.get(path)
            known = dict(flatten(values or {}))
            if values is None and not names:
                yield f"{path} is new to it"
            for name in map(str, names or []):
                is_known = name in (values or {}) or any(
                    one == name or one.startswith(f"{name}.") for one in known
                )
                if not is_known and "${" not in name:
                    yield f"{path}: {name} is new to it"


def _names(stage: Mapping[str, Any], key: str) -> Iterator[str]:
    for entry in stage.get(key) or []:
        path = str(next(iter(entry)) if isinstance(entry, dict) else entry)
        if "${" not in path and "${" not in str(stage.get("wdir")):
            yield path


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _path(stage: Mapping[str, Any], path: str) -> str:
    return posixpath.normpath(posixpath.join(str(stage.get("wdir", ".")), path))
