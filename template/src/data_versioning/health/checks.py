"""Is everything pushed, and is everything logged."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from data_versioning.experiments.run_search import DEFAULT, search
from data_versioning.experiments.store import database, is_local, readable
from data_versioning.health.processes import is_held, is_open_elsewhere
from data_versioning.health.push_status import PushStatus, push_status
from data_versioning.pipeline import unlogged
from data_versioning.pipeline.manager import LOCK
from data_versioning.study import Study
from data_versioning.tools import dvc_files, git_history, git_state
from data_versioning.tools.git_history import Blobs

# A run on a server is taken for dead after it: who works on it is hidden.
LONGEST = timedelta(days=1)
DELETE = "python -m mlflow runs delete --run-id"
CLOSE = "python -m data_versioning check-runs --close"
LOG = "python -m data_versioning check-runs --log"
REPRODUCE = "make repro"
COMMIT = "git add --all && git commit"
DIRTY = "ran on uncommitted changes, and no commit holds its results"
FAILURES = ("FAILED", "KILLED")


def check_dvc_status(project_dir: Path | str = ".", remote: str | None = None) -> PushStatus:
    """Check that the remotes hold everything that the work tree, a branch or a tag refers to.

    Args:
        project_dir: The study, or a folder in it.
        remote: The name of a remote; the default one and `backup` when not given.

    Returns:
        What is lacking; true when nothing is.

    Raises:
        StudyError: No remote is configured, or one does not answer.
    """
    return push_status(Study.open(project_dir), [remote] if remote else [])


@dataclass(frozen=True)
class RunFinding:
    """Something that is wrong with the runs.

    Args:
        what: What, in a sentence.
        run_id: The run; empty for what is wrong with all of them.
        mend: The command that mends it.
    """

    what: str
    run_id: str = ""
    mend: str = ""


@dataclass(frozen=True)
class LoggingStatus:
    """The latest runs; true when nothing is wrong with them.

    Args:
        runs: Newest first: `run_id`, `experiment`, `started` (ISO 8601, local time), `status`,
            `metrics` (how many), `dirty`, `commit`.
        findings: What is wrong.
        dead: The runs that are under way but nobody works on.
    """

    runs: tuple[dict[str, Any], ...]
    findings: tuple[RunFinding, ...]
    dead: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether nothing is wrong."""
        return not self.findings


def check_experiment_logging(project_dir: Path | str = ".", limit: int = 20) -> LoggingStatus:
    """Check the latest runs: of the study's experiment, and of `Default`, where MLflow loses some.

    Args:
        project_dir: The study, or a folder in it.
        limit: How many runs to look at.

    Returns:
        The runs, and what is wrong: failed or killed ones that none followed which finished; dead
        ones; without metrics; on a dirty work tree, where no commit holds the results either; on
        an unknown commit; in `Default`; none of the current `dvc.lock`.

    Raises:
        StoreError: The store does not answer.
    """
    return logging_status(Study.open(project_dir), limit)


def logging_status(study: Study, limit: int = 20) -> LoggingStatus:
    """Do what `check_experiment_logging` does."""
    rows = search(study, limit=limit)
    logged = run_of_lock(study)
    unknown = git_state.unknown_commits(
        study.root, (row["commit"] for row in rows if row["commit"] not in ("", "none"))
    )
    if not is_local(study):  # others may keep their runs on this server, too
        rows = [row for row in rows if row["experiment"] != DEFAULT or _is_ours(row, unknown)]
    dead = _dead(study, rows)
    committed = _committed_runs(study, rows)
    findings: list[RunFinding] = []
    finished: set[str] = set()  # experiments; the rows come newest first
    for row in rows:
        if row["status"] not in FAILURES or row["experiment"] not in finished:
            is_lost = row["dirty"] and row["run_id"] not in committed
            findings += _findings(study, row, is_lost, unknown, dead)
        if row["status"] == "FINISHED":
            finished.add(row["experiment"])
    if dvc_files.lock_digest(study.root) and not logged:
        what = "no run was logged for the current dvc.lock"
        findings.insert(0, RunFinding(what, mend=REPRODUCE if unlogged.read(study.root) else LOG))
    facts = ("run_id", "experiment", "started", "status", "dirty", "commit")
    runs = tuple(
        {key: row[key] for key in facts} | {"metrics": len(row["metrics"])} for row in rows
    )
    return LoggingStatus(runs, tuple(findings), tuple(dead))


def close_dead_runs(study: Study, limit: int = 1000) -> list[str]:
    """End the runs that are under way but nobody works on, as KILLED, and return them.

    Raises:
        StoreError: The store does not answer.
    """
    from data_versioning.experiments.runs import end_run

    dead = logging_status(study, limit).dead
    for run_id in dead:
        end_run(study, run_id, "KILLED")
    return list(dead)


def log_current(study: Study) -> str | None:
    """Log the results that no run holds, reproducing what is out of date, and return the run.

    Raises:
        StudyError: A stage failed, or the store does not answer.
    """
    from data_versioning.pipeline.manager import reproduce

    unlogged.begin(study.root, None)  # as if nothing had been logged before
    return reproduce(study, quiet=True).run_id


def run_of_lock(study: Study) -> dict[str, Any] | None:
    """Return the latest finished run of the current `dvc.lock`, if there is one; see `search`."""
    if (digest := dvc_files.lock_digest(study.root)) is None:
        return None
    asked = f"tags.\"{unlogged.DIGEST}\" = '{digest}' AND attributes.status = 'FINISHED'"
    return next(iter(search(study, asked, limit=1)), None)


def _committed_runs(study: Study, rows: list[dict[str, Any]]) -> set[str]:
    """Return the runs on uncommitted changes whose `dvc.lock` was committed afterwards."""
    dirty = [row["run_id"] for row in rows if row["dirty"]]
    if not dirty:
        return set()
    import mlflow

    with Blobs(study.root) as blobs:
        held = {
            hashlib.sha256(blobs.read(change.after)).hexdigest()
            for commit in git_history.log(study.root, [dvc_files.LOCK])
            for change in commit.changes
        }
    client = mlflow.MlflowClient()
    with readable(study):
        digests = {run: client.get_run(run).data.tags.get(unlogged.DIGEST) for run in dirty}
    return {run for run, digest in digests.items() if digest in held}


def _is_ours(row: dict[str, Any], unknown: set[str]) -> bool:
    return row["commit"] not in ("", "none") and row["commit"] not in unknown


def _dead(study: Study, rows: list[dict[str, Any]]) -> list[str]:
    running = [row for row in rows if row["status"] == "RUNNING"]
    if not running:
        return []
    import mlflow

    if own := mlflow.active_run():
        running = [row for row in running if row["run_id"] != own.info.run_id]
    if is_held(study.root / LOCK):
        running = [
            row for row in running if row["run_id"] != unlogged.read(study.root).get("run_id")
        ]
    file = database(study)
    if file is not None:
        return [] if is_open_elsewhere(file) else [row["run_id"] for row in running]
    latest = datetime.now().astimezone() - LONGEST
    return [row["run_id"] for row in running if datetime.fromisoformat(row["started"]) < latest]


def _findings(
    study: Study, row: dict[str, Any], is_lost: bool, unknown: set[str], dead: list[str]
) -> list[RunFinding]:
    run_id, status = row["run_id"], row["status"]
    found = []
    if status in FAILURES:
        stage = f" in stage {row['failed_stage']}" if row["failed_stage"] else ""
        found.append(RunFinding(f"{status.lower()}{stage}", run_id, REPRODUCE))
    if run_id in dead:
        owed = unlogged.read(study.root).get("run_id") == run_id
        what = f"unfinished since {row['started'][:16]}, and no process works on it"
        found.append(RunFinding(what, run_id, REPRODUCE if owed else CLOSE))
    if status == "FINISHED" and not row["metrics"]:
        found.append(RunFinding("has no metrics", run_id, f"{DELETE} {run_id}"))
    if status == "FINISHED" and is_lost:
        found.append(RunFinding(DIRTY, run_id, f"{COMMIT}; or: {DELETE} {run_id}"))
    if row["commit"] in unknown:
        what = f"its commit {row['commit'][:8]} is not in this repository"
        found.append(RunFinding(what, run_id, "git fetch --all --tags"))
    if row["experiment"] == DEFAULT:
        what = "is in the experiment Default, not in the study's own"
        found.append(RunFinding(what, run_id, f"{DELETE} {run_id}"))
    return found
