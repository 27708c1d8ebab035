"""Find what broke in DVC's cache: DVC trusts the files in it and puts them in place unread.

What such a file holds then passes for the result, without an error.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from data_versioning.hashing import md5
from data_versioning.tools import dvc, dvc_files

Stages = dict[str, dict[str, Any]]
ASIDE = ".dvc/tmp/damaged"


def set_damaged_aside(root: Path, before: Stages, since: int) -> list[Path]:
    """Move damaged cache files that a reproduction put in place to `.dvc/tmp/damaged`.

    Only what came from the cache is read: outputs that are new in the study but older in the
    cache, and what earlier runs on the same inputs are recorded to have written.

    Args:
        root: The study.
        before: The stages of `dvc.lock` before the reproduction.
        since: When it began, in nanoseconds by the clock of the study's file system.

    Returns:
        What was moved. The outputs that held the same are deleted, because DVC believes in them.
    """
    stages = dvc_files.locked_stages(root)
    changed = {name: stage for name, stage in stages.items() if stage != before.get(name)}
    suspects = [out for out in _outs(stages.values()) if _is_new(root / out["path"], since)]
    if not suspects and not changed:
        return []
    cache = dvc.cache_dir(root)
    for name, stage in changed.items():
        known = (before.get(name, {}), *_recorded(cache, stage))
        suspects += _outs(other for other in known if _inputs(other) == _inputs(stage))
    aside = root / ASIDE
    moved: list[Path] = []
    for out in suspects:
        found = list(damaged(cache / "files/md5", out["md5"], since))
        for path in found:
            aside.mkdir(parents=True, exist_ok=True)
            shutil.move(path, aside / f"{path.parent.name}{path.name}")
        if found:
            delete(root / out["path"])
        moved += found
    return moved


def _outs(stages: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [out for stage in stages for out in stage.get("outs", []) if "md5" in out]


def delete(path: Path) -> None:
    """Delete a file, a folder or a link to one; what is not there is no error."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _inputs(stage: dict[str, Any]) -> list[Any]:
    return [stage.get(key) for key in ("cmd", "deps", "params")]


def _is_new(path: Path, since: int) -> bool:
    """Tell whether a file, or one in a folder, was put there after a point in time."""
    paths = [path, *path.rglob("*")] if path.is_dir() else [path]
    return any(one.lstat().st_ctime_ns >= since for one in paths if one.exists())


def _recorded(cache: Path, stage: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what DVC's run cache says about earlier runs on the same data."""
    import yaml

    needles = [dep["md5"].encode() for dep in stage.get("deps", []) if "md5" in dep]
    for path in (cache / "runs").glob("*/*/*"):
        content = path.read_bytes()
        if all(needle in content for needle in needles):
            yield yaml.safe_load(content)


def damaged(files: Path, digest: str, since: int) -> Iterator[Path]:
    """Yield the files of a result that do not hold what their name says.

    Those made after `since` are taken for good: DVC has read them then.
    """
    path = files / digest[:2] / digest[2:]
    if not path.is_file():
        return
    if path.stat().st_mtime_ns <= since and md5(path) != digest.removesuffix(".dir"):
        yield path
    elif digest.endswith(".dir"):
        for entry in json.loads(path.read_bytes()):
            yield from damaged(files, entry["md5"], since)
