"""What a reproduction that is under way, or was killed, still owes the MLflow store.

A file in `.dvc/tmp` holds the digest of `dvc.lock` before it, and the id of the run that one of its
stages began, if one did.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

PENDING = ".dvc/tmp/unlogged.json"
REPRODUCTION = "DATA_VERSIONING_REPRODUCTION"  # the study's root, in the environment of its stages
DIGEST = "dvc.lock.sha256"


def begin(root: Path, digest: str | None) -> dict[str, Any]:
    """Return what is owed: since this digest of `dvc.lock`, or since an earlier one."""
    owed = read(root)
    if DIGEST not in owed:
        owed = {DIGEST: digest}
        _write(root, owed)
    return owed


def read(root: Path) -> dict[str, Any]:
    """Return what is owed; empty when nothing is, or when that file is damaged."""
    try:
        owed = json.loads((root / PENDING).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return owed if isinstance(owed, dict) else {}


def set_run(root: Path, run_id: str) -> None:
    """Note the run of the reproduction under way, if one is."""
    if owed := read(root):
        _write(root, owed | {"run_id": run_id})


def forget(root: Path) -> None:
    """Owe nothing any more."""
    (root / PENDING).unlink(missing_ok=True)


def _write(root: Path, owed: dict[str, Any]) -> None:
    path = root / PENDING
    new = path.with_suffix(".new")
    new.write_text(json.dumps(owed), encoding="utf-8")
    os.replace(new, path)
