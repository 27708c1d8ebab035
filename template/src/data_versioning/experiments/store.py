"""The MLflow store: a SQLite file in the study, or whatever the profile names."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from data_versioning.errors import StoreError, StudyError, one_line
from data_versioning.locking import exclusive
from data_versioning.study import Study

ADDRESS = "MLFLOW_TRACKING_URI"
DATABASE = "mlflow.db"
ARTIFACTS = "mlartifacts"
SQLITE = "sqlite:///"
KIND = {"mlflow.experimentKind": "custom_model_development"}  # or the UI opens on chat bots
PATIENCE = 5  # seconds to wait for a server's first answer


def tracking_uri(study: Study) -> str:
    """Return the address of the server, or of a SQLite file at its absolute path."""
    uri = os.environ.get(ADDRESS) or f"{SQLITE}{DATABASE}"
    return f"{SQLITE}{study.root / uri.removeprefix(SQLITE)}" if uri.startswith(SQLITE) else uri


def is_local(study: Study) -> bool:
    """Tell whether runs are kept in a SQLite file."""
    return tracking_uri(study).startswith(SQLITE)


def database(study: Study) -> Path | None:
    """Return the file that runs are kept in, or None if a server keeps them."""
    return Path(tracking_uri(study).removeprefix(SQLITE)) if is_local(study) else None


def setup_mlflow(study: Study | None = None, experiment: str | None = None) -> str:
    """Point MLflow at the study's store and an experiment, making both when they are missing.

    Start runs with `mlflow.start_run(experiment_id=...)` and the returned id: MLflow's own
    "active experiment" is lost when two processes create it at the same time.

    Args:
        study: The study; the one that this folder lies in when not given.
        experiment: The name of the experiment; the study's own when not given.

    Returns:
        The id of the experiment.

    Raises:
        StoreError: The store does not answer.
    """
    study = study or Study.open()
    uri = tracking_uri(study)
    if uri.startswith(("http://", "https://")):
        _ask(uri)
    import mlflow

    given = os.environ.get(ADDRESS)
    mlflow.set_tracking_uri(uri)
    # It writes this into the environment too, where the next study of this process would take it
    # for what the user asked.
    if given is None:
        os.environ.pop(ADDRESS, None)
    else:
        os.environ[ADDRESS] = given
    name = experiment or str(study.settings.get("experiment") or study.answers["slug"])
    with readable(study):
        if not is_local(study):
            return _experiment(name, artifact_location=None)
        database = Path(uri.removeprefix(SQLITE))
        if "%" in str(study.root):
            raise StudyError("MLflow works in no folder with % in its name", str(study.root), "mv")
        lock = database.with_name(f"{database.name}.lock")
        with exclusive(lock, "it prepares the MLflow store"):
            # MLflow's migrations of a new SQLite file break when two processes run them.
            mlflow.MlflowClient().search_experiments(max_results=1)
            _follow_move(database)
            return _experiment(name, (database.parent / ARTIFACTS).as_uri())


@contextmanager
def readable(study: Study) -> Iterator[None]:
    """Raise a `StoreError` that names the store in place of MLflow's own errors."""
    from mlflow.exceptions import MlflowException

    errors: tuple[type[Exception], ...] = (MlflowException, OSError)
    if is_local(study):
        from sqlalchemy.exc import SQLAlchemyError

        errors += (sqlite3.Error, SQLAlchemyError)
    try:
        yield
    except errors as error:
        where = f"{shown(tracking_uri(study))}: {one_line(error)}"
        raise StoreError("the MLflow store failed", where) from None


def _ask(uri: str) -> None:
    """Find out in seconds whether a server answers; MLflow itself would try for minutes."""
    from urllib.error import HTTPError
    from urllib.request import urlopen

    try:
        urlopen(f"{uri.rstrip('/')}/health", timeout=PATIENCE).close()
    except HTTPError:
        return  # it has no such page, but it answers
    except (OSError, ValueError) as error:
        reason = str(getattr(error, "reason", error))
        raise StoreError(
            "the MLflow server does not answer",
            f"{shown(uri)}: {reason}",
            "start it, or mend MLFLOW_TRACKING_URI in profiles/*.env",
        ) from None


def shown(uri: str) -> str:
    """Return an address without the user, password and signature that can be in it.

    A password can hold `/` and `@`, and a path too can hold `@`: `host:port/` ends the search.
    """
    if "://" not in uri:
        return uri
    return re.sub(r"://(?:[^/@]*:(?!\d+/).*@|[^/@]*@)", "://", uri.partition("?")[0])


def _experiment(name: str, artifact_location: str | None) -> str:
    import mlflow
    from mlflow.exceptions import MlflowException

    client = mlflow.MlflowClient()
    if (found := client.get_experiment_by_name(name)) is None:
        try:
            return str(client.create_experiment(name, artifact_location, KIND))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        found = client.get_experiment_by_name(name)
    if found is None or found.lifecycle_stage == "deleted":
        raise StudyError(
            "the MLflow experiment was deleted", name, "mlflow experiments restore, or rename it"
        )
    return str(found.experiment_id)


def _follow_move(database: Path) -> None:
    """Rewrite MLflow's absolute artifact addresses when the folder of the store was moved.

    MLflow stores them per experiment, run and model and has no command to change them.
    """
    here = database.parent.as_uri()
    with closing(sqlite3.connect(database)) as connection, connection:
        row = connection.execute(
            "SELECT artifact_location FROM experiments WHERE artifact_location LIKE ?",
            (f"%/{ARTIFACTS}",),
        ).fetchone()
        there = row[0].removesuffix(f"/{ARTIFACTS}") if row else here
        if there == here:
            return
        addresses = connection.execute(
            "SELECT tables.name, columns.name FROM sqlite_master AS tables"
            " JOIN pragma_table_info(tables.name) AS columns WHERE tables.type = 'table' AND"
            " columns.name IN ('artifact_location', 'artifact_uri', 'source', 'storage_location')"
        ).fetchall()
        for table, column in addresses:
            connection.execute(
                f'UPDATE "{table}" SET "{column}" = ? || substr("{column}", ?) '
                f'WHERE substr("{column}", 1, ?) = ?',
                (here, len(there) + 1, len(there) + 1, f"{there}/"),
            )
