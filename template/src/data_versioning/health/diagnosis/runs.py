"""Is the MLflow store readable, and is every result logged."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator

from data_versioning.errors import StoreError
from data_versioning.experiments.store import database
from data_versioning.health.checks import LOG, REPRODUCE, logging_status
from data_versioning.health.diagnosis.findings import ANSWERS, Case, Finding
from data_versioning.health.processes import is_held
from data_versioning.pipeline import unlogged
from data_versioning.pipeline.manager import LOCK
from data_versioning.study import Study

RECENT = 100  # runs


def unlogged_reproduction(case: Case) -> Iterator[Finding]:
    """Look for a reproduction that was killed, or ran while MLflow did not answer."""
    root = case.study.root
    if (root / unlogged.PENDING).exists() and not is_held(root / LOCK):
        yield Finding("DV302", unlogged.PENDING, REPRODUCE)


def store(case: Case) -> Iterator[Finding]:
    """Look at the latest runs, and compare MLflow's registry with git's tags."""
    study = case.study
    file = database(study)
    is_there = file.exists() if file else not case.offline
    if not is_there or not case.in_git or not (study.root / ANSWERS).is_file():
        return  # the answers name the experiment; `template.answers` says that they are missing
    try:
        found = logging_status(study, RECENT)
        for one in found.findings:
            if one.run_id in found.dead and one.mend:
                yield Finding("DV303", f"run {one.run_id[:8]}: {one.what}", one.mend)
            elif one.mend == LOG:
                yield Finding("DV304", "dvc.lock", one.mend)
        yield from _registry(study)
    except StoreError as error:
        mend = error.mend
        if file is not None and re.search(r"not a database|malformed", error.where):
            name = shlex.quote(os.path.relpath(file, study.root))
            mend = f"mv {name} {name}.damaged && python -m data_versioning registry rebuild"
        yield Finding("DV301", error.where or error.what, mend)


def _registry(study: Study) -> Iterator[Finding]:
    from data_versioning.models.registry_check import verify

    for one in verify(study):
        where = f"{one.name}, {one.what}: git says {one.in_git}, MLflow says {one.in_mlflow}"
        yield Finding("DV305", where, "python -m data_versioning registry rebuild")


CHECKS = [store, unlogged_reproduction]
