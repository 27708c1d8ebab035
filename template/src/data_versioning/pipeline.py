"""Reproduce the pipeline, and log one run when that changed something."""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data_versioning import dvc, dvc_cache, dvc_files, git, unlogged
from data_versioning.errors import StoreError, StudyError, UsageError
from data_versioning.locking import exclusive
from data_versioning.study import Study, load_params

LOCK = ".dvc/tmp/reproduce.lock"


@dataclass(frozen=True)
class Reproduction:
    """What `reproduce` did.

    Args:
        changed: Whether it left another `dvc.lock` behind.
        seconds: How long DVC took.
        run_id: The MLflow run, if one was logged.
    """

    changed: bool
    seconds: float
    run_id: str | None


def reproduce(study: Study, args: Sequence[str] = (), quiet: bool = False) -> Reproduction:
    """Run `dvc repro` and log one run if `dvc.lock` changed.

    A reproduction whose run could not be logged (server down, process killed) is logged by the
    next one.

    Args:
        study: The study.
        args: Further arguments of `dvc repro`, such as the name of a stage.
        quiet: Write nothing to standard output.

    Raises:
        StudyError: A stage failed; a FAILED run that names it was logged.
    """
    root = study.root
    with exclusive(root / LOCK, "it reproduces the pipeline") as held:
        for path in (root / "dvc.yaml", root / "params.yaml"):
            if path.exists():
                load_params(path)  # DVC's own message about broken YAML names no file
        dvc.forget_killed_processes(root)
        owed = unlogged.begin(root, dvc_files.lock_digest(root))
        start = time.perf_counter()
        status, stderr = _run(root, args, quiet, held)
        seconds = time.perf_counter() - start
        changed = dvc_files.lock_digest(root) != owed[unlogged.DIGEST]
        stage, reason = dvc.failure(stderr) if status != 0 else (None, "")
        joined = unlogged.read(root).get("run_id")
        run_id = None
        if stage or (status == 0 and (changed or joined)):
            run_id = _log(study, seconds, stage, reason, joined)
        if run_id or not (changed or joined):
            unlogged.forget(root)
        if status == dvc.BAD_USAGE:
            raise UsageError("dvc repro", reason, "dvc repro --help")
        if stage:
            raise StudyError(f"stage '{stage}' failed", reason, "mend it, then: make repro")
        if status != 0:
            raise StudyError("the pipeline did not run", reason, "mend it, then: make repro")
        make_read_only(root / "data/raw")
        return Reproduction(changed, seconds, run_id)


def make_read_only(folder: Path) -> None:
    """Take the write permission from every file of a folder: raw data is written once."""
    write = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
    for path in folder.rglob("*"):
        kept_by_git = path.suffix in {".dvc", ".md"} or path.name.startswith(".git")
        if kept_by_git or path.is_symlink() or not path.is_file():
            continue
        mode = path.stat().st_mode
        if mode & write:
            path.chmod(mode & ~write)


def _run(root: Path, args: Sequence[str], quiet: bool, held: int) -> tuple[int, str]:
    """Run `dvc repro`; once more where a damaged file of its cache had got into the results."""
    lock = root / dvc_files.LOCK
    content = lock.read_bytes() if lock.exists() else None
    before = dvc_files.locked_stages(root)
    since = os.fstat(held).st_mtime_ns  # it was just written
    status, stderr = dvc.repro(root, args, quiet, held)
    if damaged := dvc_cache.set_damaged_aside(root, before, since):
        names = ", ".join(str(path) for path in damaged)
        print(f"warning: damaged in DVC's cache, so made again: {names}", file=sys.stderr)
        print(f"the damaged files are in {dvc_cache.ASIDE}", file=sys.stderr, flush=True)
        if content is None:
            lock.unlink()
        else:
            lock.write_bytes(content)
            git.stage(root, dvc_files.LOCK)  # DVC staged the damaged one
        status, stderr = dvc.repro(root, args, quiet, held)
    return status, stderr


def _log(
    study: Study, seconds: float, stage: str | None, reason: str, joined: str | None
) -> str | None:
    from data_versioning.runs import log_reproduction

    try:
        return log_reproduction(study, seconds, stage, reason, joined)
    except StoreError as error:
        # The results are on disk whatever happens to a server; the next reproduction logs them.
        print(f"warning: no run logged: {error}", file=sys.stderr)
        print("try: make repro, once that is mended", file=sys.stderr)
        return None
