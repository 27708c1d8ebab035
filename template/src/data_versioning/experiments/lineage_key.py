"""The lineage key: what ties a run to its code, data and environment."""

from __future__ import annotations

import hashlib
import platform
from pathlib import Path

from data_versioning.tools import dvc_files, git


def lineage_key(root: Path) -> dict[str, str]:
    """Return the tags that name the exact origin of a result.

    Returns:
        `git.commit` (40 hex digits, or `none` before the first commit), `git.branch`,
        `git.dirty` (`true` when code, parameters or data differ from the commit; what the
        pipeline itself wrote does not count), `dvc.lock.sha256`, `environment.sha256` (of
        `uv.lock`), `python.version`, and `data:<path>` with the DVC hash of each file.
    """
    outputs = dvc_files.outputs(root)
    changed = git.changes(root, except_paths=[dvc_files.LOCK, *dvc_files.made_by_stages(root)])
    key = {
        "git.commit": git.head(root) or "none",
        "git.branch": git.branch(root) or "none",
        "git.dirty": str(bool(changed)).lower(),
        "dvc.lock.sha256": dvc_files.lock_digest(root) or "none",
        "environment.sha256": _digest(root / "uv.lock"),
        "python.version": platform.python_version(),
    }
    return key | {f"data:{path}": digest for path, digest in sorted(outputs.items())}


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return "none"
