"""Where the study stands and what it found, in one screen each."""

from __future__ import annotations

import json
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from data_versioning.errors import StudyError
from data_versioning.experiments.run_search import search
from data_versioning.health.checks import FAILURES, run_of_lock
from data_versioning.health.drift import Drift, drift_of
from data_versioning.health.push_status import push_status
from data_versioning.pipeline.metrics import parse_values
from data_versioning.study import Study
from data_versioning.tools import dvc_files, git, git_state
from data_versioning.wording import listed

PATIENCE = 5  # seconds that a remote has for its answer
IN_STORAGE = "the work tree's data is in storage"
SHOWN = 10  # paths of a list
T = TypeVar("T")


@dataclass(frozen=True)
class LastRun:
    """The latest run of the study.

    Args:
        run_id: Its id.
        started: When it started (ISO 8601, local time).
        status: How it ended.
        is_current: Whether it is the one that finished with the current `dvc.lock`.
    """

    run_id: str
    started: str
    status: str
    is_current: bool


@dataclass(frozen=True)
class Status:
    """Where a study stands.

    Args:
        branch: The current branch; empty when none is checked out.
        commit: The current commit; empty before the first one.
        tag: The last tag in the history of the commit, and how many commits ago; empty if none.
        dirty: Paths that differ from the commit.
        older: Those of them, of what DVC keeps, that are as an earlier commit holds them.
        drift: What in the work tree is not what DVC recorded.
        unpushed: Data of the work tree that a remote lacks; None where nobody could tell.
        run: The last run that finished with the current `dvc.lock`, or else the last one of all.
        failure: The last run of all, if it is a later one and failed.
        unknown: What could not be found out, and why.
    """

    branch: str
    commit: str
    tag: str
    dirty: tuple[str, ...]
    older: tuple[str, ...]
    drift: Drift | None
    unpushed: tuple[str, ...] | None
    run: LastRun | None
    failure: LastRun | None
    unknown: tuple[str, ...]


def status(project_dir: Path | str = ".") -> Status:
    """Return where the study stands: git, pipeline, data, runs.

    Args:
        project_dir: The study, or a folder in it.

    Raises:
        StudyError: There is no study.
    """
    study = Study.open(project_dir)
    root = study.root
    with ThreadPoolExecutor() as pool:  # DVC, the remote and MLflow each take a second to start
        drift = pool.submit(drift_of, study)
        pushed = pool.submit(push_status, study, revisions=False, seconds=PATIENCE)
        run = pool.submit(_last_runs, study)
        in_git = git.toplevel(root) is not None
        dirty = tuple(sorted(git.changes(root))) if in_git else ()
        kept = [path for path in dirty if Path(path).suffix in (".dvc", ".lock")]
        facts = (
            git.branch(root) if in_git else "",
            git.head(root) or "",
            git_state.last_tag(root) if in_git else "",
            dirty,
            tuple(git_state.older(root, kept)),
        )
    unknown = [] if in_git else ["the folder is in no git repository (make setup)"]
    lacking = _answer(pushed, unknown)
    runs = _answer(run, unknown) or (None, None)
    return Status(
        *facts,
        _answer(drift, unknown),
        None if lacking is None else tuple(sorted({one.path for one in lacking.unpushed})),
        *runs,
        tuple(unknown),
    )


def text(found: Status) -> str:
    """Return it for people."""
    here = found.branch or (f"at {found.commit[:8]}" if found.commit else "-")
    lines = [
        f"branch    {here}" + (f", last tag {found.tag}" if found.tag else ", no tag yet"),
        f"changes   {listed(found.dirty, SHOWN) or 'none'}",
    ]
    if found.older:
        lines.append(f"data      at an older version: {listed(found.older, SHOWN)}")
    if found.drift:
        stale = listed(found.drift.stale, SHOWN)
        lines.append(f"pipeline  {f'stale: {stale}' if stale else 'up to date'}")
        if found.drift.changed:
            lines.append(f"data      changed: {listed(found.drift.changed, SHOWN)}")
        if found.drift.edited:
            edited = listed(found.drift.edited, SHOWN)
            lines.append(f"data      changed since it was made: {edited}; make repro replaces it")
        if found.drift.absent:
            lines.append(f"data      not here: {listed(found.drift.absent, SHOWN)} (make pull)")
    if found.unpushed is not None:
        lacking = listed(found.unpushed, SHOWN)
        lines.append(f"remote    {f'lacks: {lacking}' if lacking else IN_STORAGE}")
    if found.run:
        match = "of the" if found.run.is_current else "NOT of the"
        lines.append(f"last run  {_line(found.run)}, {match} current dvc.lock")
    else:
        lines.append("last run  none")
    if found.failure:
        lines.append(f"since     {_line(found.failure)}")
    lines += [f"unknown   {one}" for one in found.unknown]
    return "\n".join(lines)


def summary(study: Study) -> str:
    """Return the study's folder, metrics, figures and latest run as text.

    Raises:
        StudyError: A metrics file is not what its ending says, or the store does not answer.
    """
    root = study.root
    lines = ["", f"study    {root}"]
    for path in sorted(dvc_files.value_files(root)[0]):
        if (content := dvc_files.content(root, path)) is not None:
            values = json.dumps(parse_values(content, path), default=str)
            lines += [f"metrics  {path}", f"         {values}"]
    figures = [path for path in dvc_files.outputs(root) if path.startswith("results/figures/")]
    lines += [f"figure   {path}" for path in sorted(figures)]
    if run := _latest(study):
        lines.append(f"run      {run['run_id']}  {run['status']}  commit {run['commit'][:8]}")
    return "\n".join(lines)


def _answer(asked: Future[T], unknown: list[str]) -> T | None:
    try:
        return asked.result()
    except StudyError as error:
        unknown.append(f"{error}" + (f" ({error.mend})" if error.mend else ""))
        return None


def _last_runs(study: Study) -> tuple[LastRun | None, LastRun | None]:
    """Return the run of the current results, or else the last one, and a later failure."""
    if (latest := _latest(study)) is None:
        return None, None
    current = run_of_lock(study)
    failed = current and latest["status"] in FAILURES
    return _run(current or latest, bool(current)), _run(latest, False) if failed else None


def _run(row: dict[str, Any], is_current: bool) -> LastRun:
    return LastRun(row["run_id"], row["started"], row["status"], is_current)


def _line(run: LastRun) -> str:
    return f"{run.run_id[:8]}  {run.started[:16].replace('T', ' ')}  {run.status}"


def _latest(study: Study) -> dict[str, Any] | None:
    return next(iter(search(study, limit=1)), None)
