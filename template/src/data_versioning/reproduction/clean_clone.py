"""A clone of the study's commit in which nothing of this machine counts but its programs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data_versioning.command import capture
from data_versioning.errors import StudyError
from data_versioning.experiments.store import ADDRESS, DATABASE, SQLITE
from data_versioning.locking import exclusive
from data_versioning.pipeline.unlogged import REPRODUCTION
from data_versioning.reproduction.sparse import refuse_uncommitted
from data_versioning.setup.bootstrap import make_environment
from data_versioning.study import Study
from data_versioning.tools import dvc, dvc_config, git
from data_versioning.tools.dvc_cache import delete

SCRATCH = ".dvc/tmp/proof"  # beside the study's own data, where there is room for it
LOCKED = "uv.lock"
FOREIGN = {"VIRTUAL_ENV", "DVC_STAGE", "DVC_ROOT", "MLFLOW_RUN_ID", REPRODUCTION}


@contextmanager
def clean_clone(study: Study, keep: Path | str | None = None) -> Iterator[Study]:
    """Clone the current commit, and delete the clone afterwards.

    What a killed process left behind is deleted by the next one.

    Args:
        study: The study.
        keep: A new folder for a clone that stays.

    Yields:
        The study in the clone, with an environment from its `uv.lock`, no data and an empty cache.

    Raises:
        StudyError: Something is not committed; or the environment could not be made.
    """
    root = study.root
    refuse_uncommitted(root, "only a commit can be proved: uncommitted changes")
    if git.file_at(root, "HEAD", LOCKED) is None:
        mend = f"make setup && git add {LOCKED} && git commit"
        raise StudyError("the commit locks no environment", LOCKED, mend)
    target = Path(os.path.abspath(keep)) if keep else root / SCRATCH
    if keep and target.exists():
        raise StudyError("it exists already", str(target), "prove --keep <a new folder>")
    with exclusive(root / f"{SCRATCH}.lock", "it proves the study"):
        delete(root / SCRATCH)
        try:
            yield _made(study, target)
        finally:
            delete(root / SCRATCH)


def environment(clone: Study) -> dict[str, str]:
    """Return the environment of the clone's stages; what they track goes into the clone."""
    root = clone.root
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    return kept | {
        "PATH": f"{root / '.venv/bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONPATH": str(root / "src"),
        ADDRESS: f"{SQLITE}{DATABASE}",
    }


def _made(study: Study, target: Path) -> Study:
    top = git.toplevel(study.root) or study.root
    target.parent.mkdir(parents=True, exist_ok=True)
    # Not by links: the clone then has what its commits have, and nothing else.
    capture(["git", "clone", "--quiet", "--no-local", str(top), str(target)], study.root)
    clone = Study(target / study.root.resolve().relative_to(top.resolve()))
    _configure(study, clone)
    try:
        make_environment(clone.root, "--locked")
    except StudyError as error:
        mend = "make prove, where the package index answers; if it is outdated: uv lock, and commit"
        raise StudyError(f"no environment from {LOCKED}: {error.what}", error.where, mend) from None
    return clone


def _configure(study: Study, clone: Study) -> None:
    """Give a clone the study's remotes, those that only this machine knows too, but a new cache."""
    default, remotes = dvc.remote_options(study.root)
    dvc_config.write_local(clone.root, default, remotes)
