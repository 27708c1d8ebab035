"""Compare the work tree with an earlier version: results, parameters, data, figures, pipeline."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from data_versioning.errors import StudyError
from data_versioning.pipeline.manager import PipelineManager
from data_versioning.pipeline.metrics import MetricsComparator, MetricsDiff
from data_versioning.reporting.figures import Figure, figures
from data_versioning.reproduction import freshness
from data_versioning.study import Study
from data_versioning.tools import dvc_files, git

if TYPE_CHECKING:
    from data_versioning.data.drift import DatasetDrift

BASES = ("origin/main", "main")
T = TypeVar("T")


@dataclass(frozen=True)
class DataChange:
    """Data that DVC keeps, before and after.

    Args:
        path: The file or folder.
        old: What was on record of it: `md5`, `size`, `nfiles`; empty if it was not there.
        new: What is.
    """

    path: str
    old: dict[str, Any]
    new: dict[str, Any]


@dataclass(frozen=True)
class Comparison:
    """What differs between a revision and the work tree.

    Args:
        base: The revision, as it was named.
        base_commit: Its commit.
        branch: The branch of the work tree; empty if none is checked out.
        commit: The commit of the work tree.
        dirty: The paths that differ from that commit.
        values: The metrics that differ and the parameters that changed; None if unknown.
        metrics: How many metrics there are.
        data: The data that changed, figures and metrics left out.
        figures: Every figure.
        drift: The data sets that changed, and how.
        stages: The stages that dvc.lock has other results of.
        stale: The stages whose results are not those of their inputs, data that is not the one on
            record, and why.
        dag: The pipeline as a Mermaid flowchart; empty if there is none.
        unknown: What could not be found out, and why.
    """

    base: str
    base_commit: str
    branch: str
    commit: str
    dirty: tuple[str, ...]
    values: MetricsDiff | None
    metrics: int
    data: tuple[DataChange, ...]
    figures: tuple[Figure, ...]
    drift: tuple[DatasetDrift, ...]
    stages: tuple[str, ...]
    stale: tuple[tuple[str, str], ...]
    dag: str
    unknown: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        values = self.values.as_dict() if self.values else {"metrics": None, "params": None}
        return {
            "base": self.base,
            "base_commit": self.base_commit,
            "branch": self.branch,
            "commit": self.commit,
            "dirty": self.dirty,
            "metrics": values["metrics"],
            "params": values["params"],
            "data": [{"path": one.path, "old": one.old, "new": one.new} for one in self.data],
            "figures": [one.as_dict() for one in self.figures],
            "drift": [
                {"path": one.path, "state": one.state, "drifted": one.drift and one.drift.drifted}
                for one in self.drift
            ],
            "stages": self.stages,
            "stale": dict(self.stale),
            "unknown": self.unknown,
        }


def compare(study: Study, base: str | None = None) -> Comparison:
    """Compare the work tree with a revision.

    What cannot be found out, such as an old figure whose bytes are nowhere, is named as that.

    Args:
        study: The study.
        base: A tag, branch or commit; `default_base` when not given.

    Raises:
        StudyError: There is no such revision, or DVC's files are damaged.
    """
    root = study.root
    base = base or default_base(root)
    commit = git.resolve(root, base)
    base = commit[:8] if base == commit else base
    old, new = dvc_files.details(root, commit), dvc_files.details(root)
    unknown: list[str] = []
    values = _ask(unknown, "metrics", lambda: MetricsComparator(root).diff(base))
    drawn = _ask(unknown, "figures", lambda: figures(study, commit)) or []
    pipeline = _ask(unknown, "the state of the pipeline", lambda: freshness.check(study))
    drift = _ask(unknown, "drift", lambda: _drift(study, commit)) or []
    apart = {one.path for one in drawn} | {one.file for one in (values.metrics if values else ())}
    before, now = dvc_files.locked_stages(root, commit), dvc_files.locked_stages(root)
    stale, undecided = _stale(pipeline) if pipeline is not None else ((), ())
    unknown += [f"{name}: {why}" for name, why in undecided]
    return Comparison(
        base=base,
        base_commit=commit,
        branch=git.branch(root),
        commit=git.resolve(root, "HEAD"),
        dirty=tuple(git.changes(root)),
        values=values and replace(
            values,
            metrics=tuple(one for one in values.metrics if repr(one.old) != repr(one.new)),
        ),
        metrics=len(values.metrics) if values else 0,
        data=tuple(
            DataChange(path, old.get(path, {}), new.get(path, {}))
            for path in sorted((old.keys() | new.keys()) - apart)
            if not any(one.startswith(f"{path}/") for one in apart)
            and old.get(path, {}).get("md5") != new.get(path, {}).get("md5")
        ),
        figures=tuple(drawn),
        drift=tuple(drift),
        stages=tuple(name for name in now if now[name] != before.get(name)),
        stale=stale,
        dag=_ask(unknown, "the pipeline", lambda: PipelineManager(project_dir=root).dag()) or "",
        unknown=tuple(unknown),
    )  # fmt: skip


def default_base(root: Path) -> str:
    """Return what to compare with: the main branch or, on its last commit, the commit before.

    In CI it is what the pull or merge request would be merged into.
    """
    head = git.resolve(root, "HEAD")
    asked = os.environ.get("GITHUB_BASE_REF")
    # GitLab's jobs fetch no branch, but the commit that the merge request begins at.
    target = f"origin/{asked}" if asked else os.environ.get("CI_MERGE_REQUEST_DIFF_BASE_SHA", "")
    for name in (target, *BASES, "HEAD~"):
        try:
            commit = git.resolve(root, name)
        except StudyError:
            continue
        if commit != head:
            return name
    return "HEAD"


Reasons = tuple[tuple[str, str], ...]


def _stale(pipeline: freshness.Pipeline) -> tuple[Reasons, Reasons]:
    """Return what is stale, and the stages of which nothing here could tell, and why."""
    late, unknown = [], []
    for one in pipeline.stages:
        if one.verdict in (freshness.STALE, freshness.FOLLOWS):
            late.append((one.name, "; ".join(one.reasons)))
        elif one.verdict == freshness.UNKNOWN:
            unknown.append((one.name, "; ".join(one.reasons)))
    late += [(path, "it is not the one on record") for path in pipeline.differing]
    return tuple(late), tuple(unknown)


def _drift(study: Study, commit: str) -> list[DatasetDrift]:
    from data_versioning.data.drift import data_drift

    return [one for one in data_drift(study, commit).datasets if one.state != "unchanged"]


def _ask(unknown: list[str], what: str, find: Callable[[], T]) -> T | None:
    try:
        return find()
    except StudyError as error:
        unknown.append(f"{what}: {error}" + (f" (try: {error.mend})" if error.mend else ""))
        return None
