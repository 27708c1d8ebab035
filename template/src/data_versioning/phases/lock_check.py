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

    Frozen stages are not asked. Not compared are folders that git keeps, in which DVC counts files
    that git ignores; files inside of tracked folders; commands with `${}`; parameters in Python;
    and what other files than the study's own `dvc.yaml` describe.

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
        for path in [*(lock.get("params") or {}), *(dep["path"] for dep in lock.get("deps") or [])]
    }
    files = {path: blob for path, blob, _ in git_state.tree_files(root, commit) if path in read}
    with Blobs(root) as blobs:
        contents = {path: blobs.read(blob) for path, blob in files.items()}
    for name, stage, lock in records:
        if name.partition("@")[0] not in asked:
            continue
        said = [*_command(stage, lock), *_params(stage, lock, contents)]
        said += _deps(stage, lock, recorded, contents)
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
            now = hashlib.md5(contents[path], usedforsecurity=False).hexdigest()
        if now and dep.get("md5") and now != dep["md5"]:
            yield f"{path} is another version than it read"


def _path(stage: Mapping[str, Any], path: str) -> str:
    return posixpath.normpath(posixpath.join(str(stage.get("wdir", ".")), path))
