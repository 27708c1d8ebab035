"""The MLflow runs that made or read a version of some data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from data_versioning.errors import StudyError
from data_versioning.experiments.dataset_inputs import TAG_LENGTH
from data_versioning.experiments.run_values import legal_name
from data_versioning.experiments.runs import REPRODUCTION
from data_versioning.experiments.store import database, readable, setup_mlflow
from data_versioning.study import Study


@dataclass(frozen=True)
class DataRun:
    """A run, as far as lineage needs it.

    Args:
        run_id: MLflow's identifier.
        name: Its name.
        status: `FINISHED`, `FAILED`, `RUNNING` and so on.
        started: ISO 8601, UTC.
        ended: The same; empty while it runs.
        commit: The commit it ran on, or `none`.
        dirty: Whether the files differed from that commit.
    """

    run_id: str
    name: str
    status: str
    started: str
    ended: str
    commit: str
    dirty: bool


def runs_with(
    study: Study, versions: Iterable[tuple[str, str]]
) -> tuple[dict[tuple[str, str], list[DataRun]], str]:
    """Return the runs that made or read versions of data, oldest first, and why there are none.

    Those are reproductions, `make repro`, whose tag `data:<path>` is the hash, and runs that have
    this version as a dataset input.

    Args:
        study: The study.
        versions: Paths and hashes.

    Returns:
        The runs by version, and the reason if the store could not be asked, else empty.
    """
    if (file := database(study)) and not file.is_file():
        return {}, "there is no MLflow store yet"  # to look must not make one
    try:
        experiment = setup_mlflow(study)
        with readable(study):
            return {version: _search(experiment, *version) for version in versions}, ""
    except StudyError as error:
        return {}, str(error)


def _search(experiment: str, path: str, digest: str) -> list[DataRun]:
    import mlflow

    # Every run carries the hashes of all data of the study, but only reproductions made them.
    tag = legal_name(f"data:{path}")
    made = f"tags.`{tag}` = '{digest}' AND tags.`mlflow.source.name` = '{REPRODUCTION}'"
    read = f"dataset.digest = '{digest}'"
    runs = {}
    for run in mlflow.search_runs([experiment], made, output_format="list"):
        runs[run.info.run_id] = run
    for run in mlflow.search_runs([experiment], read, output_format="list"):
        inputs = run.inputs.dataset_inputs if run.inputs else []
        if any(_is_input(one, path, digest) for one in inputs):
            runs[run.info.run_id] = run
    return list(map(_run, sorted(runs.values(), key=lambda run: int(run.info.start_time))))


def _is_input(dataset: Any, path: str, digest: str) -> bool:
    tags = {tag.key: tag.value for tag in dataset.tags}
    same_path: bool = tags.get("dvc.path") == path[:TAG_LENGTH]
    return same_path and tags.get("dvc.md5") == digest


def _run(run: Any) -> DataRun:
    tags = run.data.tags
    return DataRun(
        run_id=run.info.run_id,
        name=run.info.run_name or "",
        status=run.info.status,
        started=_time(run.info.start_time),
        ended=_time(run.info.end_time) if run.info.end_time else "",
        commit=tags.get("git.commit", "none"),
        dirty=tags.get("git.dirty") == "true",
    )


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
