"""Find runs: by filter, or by what a person calls them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from data_versioning.errors import StudyError, UsageError, one_line
from data_versioning.experiments.run_values import as_stored
from data_versioning.experiments.store import database, readable, setup_mlflow
from data_versioning.study import Study

if TYPE_CHECKING:
    from pandas import DataFrame

DEFAULT = "Default"  # where MLflow puts runs that name no experiment
PAGE = 1000
NEWEST_FIRST = ("attributes.start_time DESC",)
SHORTEST = 8  # hex digits of a run's id
NAMED = 5  # candidates in an error


def search(
    study: Study,
    filter: str = "",
    order_by: Sequence[str] = (),
    limit: int = 1000,
    experiment: str | None = None,
) -> list[dict[str, Any]]:
    """Return the runs of an experiment and of MLflow's `Default` one.

    Args:
        study: The study.
        filter: In MLflow's syntax, such as `metrics.r2 > 0.4`.
        order_by: Such as `["metrics.r2 DESC"]`; the newest first when not given.
        limit: How many at most.
        experiment: The name of the experiment; the study's own when not given.

    Returns:
        One mapping a run: `run_id`, `name`, `experiment`, `started` (ISO 8601, local time),
        `status`, `commit`, `dirty`, `failed_stage`, `metrics`, `params`. None where there is no
        store yet: asking MLflow would make one.

    Raises:
        StudyError: MLflow does not understand the filter or the order.
    """
    if (file := database(study)) and not file.exists():
        return []
    experiment_id = setup_mlflow(study, experiment)
    import mlflow

    client = mlflow.MlflowClient()
    with readable(study):
        default = client.get_experiment_by_name(DEFAULT)
        ids = {experiment_id, *([default.experiment_id] if default else [])}
        runs = _runs(client, sorted(ids), filter, order_by, limit)
        return _rows(client, runs)


def find(study: Study, names: Sequence[str], experiment: str | None = None) -> list[dict[str, Any]]:
    """Return the runs that some names stand for, each once, in their order.

    Args:
        study: The study.
        names: Each the id of a run, at least 8 digits of it, the name of a run, or the name or id
            of an experiment, which stands for all of its runs.
        experiment: The name of an experiment whose runs are looked through, too.

    Returns:
        As `search`.

    Raises:
        StudyError: Nothing has that name, or several runs have.
        UsageError: One of them is empty.
    """
    if not all(names):
        raise UsageError("say which runs", "make compare A=<run> B=<run>")
    setup_mlflow(study, experiment)
    import mlflow

    client = mlflow.MlflowClient()
    with readable(study):
        experiments = {one.experiment_id: one.name for one in client.search_experiments()}
        runs = [run for name in names for run in _named(client, experiments, name)]
        return _rows(client, list({run.info.run_id: run for run in runs}.values()))


def frame(rows: Sequence[dict[str, Any]]) -> DataFrame:
    """Return runs as a table: what they are, then `metrics.*` and `params.*`."""
    import pandas

    facts = ["run_id", "name", "experiment", "started", "status", "commit"]
    metrics = sorted({name for row in rows for name in row["metrics"]})
    params = sorted({name for row in rows for name in row["params"]})
    columns = {fact: [row[fact] for row in rows] for fact in facts}
    columns |= {f"metrics.{name}": [row["metrics"].get(name) for row in rows] for name in metrics}
    columns |= {f"params.{name}": [row["params"].get(name) for row in rows] for name in params}
    return pandas.DataFrame(columns)


def _named(client: Any, experiments: dict[str, str], name: str) -> list[Any]:
    ids = list(experiments)
    found = []
    if re.fullmatch(f"[0-9a-f]{{{SHORTEST},32}}", name):
        found = _runs(client, ids, f"attributes.run_id LIKE '{name}%'", (), NAMED)
    if not found and '"' not in name:
        found = _runs(client, ids, f'attributes.run_name = "{name}"', NEWEST_FIRST, NAMED)
    whole = [key for key, title in experiments.items() if name in (title, key)]
    if len(found) == 1 and not whole:
        return found
    if whole and not found:
        if runs := _runs(client, whole, "", NEWEST_FIRST, PAGE):
            return runs
        raise StudyError("no runs in this experiment", name, "python -m data_versioning search")
    if found:
        candidates = ", ".join(map(_label, found)) + ("; and an experiment" if whole else "")
        raise StudyError(f"more than one run is called {name}", candidates, "name it by its id")
    latest = ", ".join(map(_label, _runs(client, ids, "", NEWEST_FIRST, NAMED)))
    known = f"{name}; the latest runs are: {latest}" if latest else name
    mend = f"python -m data_versioning search; experiments: {', '.join(experiments.values())}"
    raise StudyError("no such run or experiment", known, mend)


def _label(run: Any) -> str:
    return f"{run.info.run_id[:SHORTEST]} ({run.info.run_name}, {_started(run)[:16]})"


def _runs(
    client: Any, experiment_ids: list[str], filter: str, order_by: Sequence[str], limit: int
) -> list[Any]:
    from mlflow.exceptions import MlflowException

    runs: list[Any] = []
    token = None
    while limit > len(runs):
        try:
            page = client.search_runs(
                experiment_ids,
                filter,
                max_results=min(limit - len(runs), PAGE),
                order_by=list(order_by or NEWEST_FIRST),
                page_token=token,
            )
        except MlflowException as error:
            if error.error_code != "INVALID_PARAMETER_VALUE":
                raise
            mend = "metrics.r2 > 0.4 and params.alpha = '0.1', ordered by metrics.r2 DESC"
            # The rest lists all that MLflow knows.
            reason = one_line(error).split(". ")[0]
            raise StudyError("MLflow cannot read this search", reason, mend) from None
        runs += page
        if not (token := page.token):
            break
    return runs


def _rows(client: Any, runs: Sequence[Any]) -> list[dict[str, Any]]:
    ids = {run.info.experiment_id for run in runs}
    experiments = {one: client.get_experiment(one).name for one in ids}
    return [
        {
            "run_id": run.info.run_id,
            "name": run.info.run_name,
            "experiment": experiments[run.info.experiment_id],
            "started": _started(run),
            "status": run.info.status,
            "commit": run.data.tags.get("git.commit", ""),
            "dirty": run.data.tags.get("git.dirty") == "true",
            "failed_stage": run.data.tags.get("failed.stage"),
            "metrics": {name: as_stored(value) for name, value in run.data.metrics.items()},
            "params": run.data.params,
        }
        for run in runs
    ]


def _started(run: Any) -> str:
    started = datetime.fromtimestamp(run.info.start_time / 1000)
    return started.astimezone().isoformat(timespec="seconds")
