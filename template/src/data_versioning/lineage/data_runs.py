"""The MLflow runs that name a version of some data in their tags."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from data_versioning.errors import StudyError
from data_versioning.experiments.run_values import legal_name
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
    """Return the runs that carry versions of data, oldest first, and why there are none.

    Args:
        study: The study.
        versions: Paths and hashes, compared with the tags `data:<path>`.

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

    made = f"tags.`{legal_name(f'data:{path}')}` = '{digest}'"
    oldest_first = ["attributes.start_time ASC"]
    runs = mlflow.search_runs([experiment], made, order_by=oldest_first, output_format="list")
    return list(map(_run, runs))


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
