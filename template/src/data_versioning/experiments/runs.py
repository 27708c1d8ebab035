"""Log a reproduction: one MLflow run, by one process, from the files that DVC left."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from data_versioning.errors import StudyError, one_line
from data_versioning.experiments import masking
from data_versioning.experiments.dataset_inputs import log_datasets
from data_versioning.experiments.lineage_key import lineage_key
from data_versioning.experiments.logged_model import log_model
from data_versioning.experiments.run_files import log_file
from data_versioning.experiments.run_values import legal_texts, numbers
from data_versioning.experiments.store import readable, setup_mlflow
from data_versioning.locking import exclusive
from data_versioning.pipeline import unlogged
from data_versioning.pipeline.metrics import read_metrics
from data_versioning.study import MARKER, Study, flatten, read_yaml
from data_versioning.tools import dvc_files, git

REPRODUCTION = "make repro"  # the source of its run


def log_reproduction(
    study: Study,
    seconds: float,
    failed_stage: str | None = None,
    reason: str = "",
    run_id: str | None = None,
) -> str:
    """Log the state of the study as one run.

    Parameters, metrics, small results, the datasets and the model that `study.yaml` names, and
    the lineage key as tags.

    Args:
        study: The study.
        seconds: How long the reproduction took.
        failed_stage: The stage that failed; the run then ends as FAILED and carries no results.
        reason: Why it failed.
        run_id: The run that one of the stages began; a new one when not given.

    Returns:
        The id of the run.

    Raises:
        StoreError: MLflow could not keep the run.
        StudyError: `study.yaml` asks for something that cannot be logged.
    """
    experiment_id = setup_mlflow(study)
    import mlflow

    tags = lineage_key(study.root)
    tags |= _columns(tags["git.commit"])
    if failed_stage is not None:
        tags |= {"failed.stage": failed_stage, "failed.reason": reason}
    client = mlflow.MlflowClient()
    started = int((time.time() - seconds) * 1000)
    with readable(study):
        joined = _found(client, run_id)
        if not (joined and run_id):
            run_id = str(client.create_run(experiment_id, started, legal_texts(tags)).info.run_id)
            unlogged.set_run(study.root, run_id)
        try:
            with mlflow.start_run(run_id):
                if joined:
                    mlflow.set_tags(legal_texts(tags))
                mlflow.log_params(_unlogged_params(study, joined))
                if failed_stage is None:
                    _log_results(study, client, run_id)
            client.set_terminated(run_id, "FAILED" if failed_stage else "FINISHED")
        except BaseException:
            with suppress(mlflow.MlflowException):
                if joined:
                    client.set_terminated(run_id, "FAILED")
                else:
                    client.delete_run(run_id)  # half a run would pass for a failed reproduction
            raise
    return run_id


def join_reproduction(study: Study) -> str | None:
    """Return the run of the reproduction that this process is a stage of; begin it if none did.

    The reproduction ends it, and logs its own results into it.

    Args:
        study: The study.

    Returns:
        The id of the run, or None outside of a reproduction.

    Raises:
        StoreError: MLflow could not keep the run.
    """
    if os.environ.get(unlogged.REPRODUCTION) != str(study.root):
        return None
    lock = (study.root / unlogged.PENDING).with_suffix(".lock")
    with exclusive(lock, "it begins the run of this reproduction"):
        if not (owed := unlogged.read(study.root)):
            return None  # it outlived its reproduction
        experiment_id = setup_mlflow(study)
        import mlflow

        client = mlflow.MlflowClient()
        with readable(study):
            if _found(client, owed.get("run_id")):
                return str(owed["run_id"])
            tags = _columns(git.head(study.root) or "none")
            run_id = str(client.create_run(experiment_id, tags=tags).info.run_id)
        unlogged.set_run(study.root, run_id)
        return run_id


def end_run(study: Study, run_id: str, status: str) -> None:
    """End a run that nothing more will be logged into.

    Args:
        study: The study.
        run_id: The run; one that the store does not have is no error.
        status: `FINISHED`, `FAILED` or `KILLED`.

    Raises:
        StoreError: MLflow could not keep that.
    """
    setup_mlflow(study)
    import mlflow

    client = mlflow.MlflowClient()
    with readable(study):
        if _found(client, run_id):
            client.set_terminated(run_id, status)


def tag_run(study: Study, run_id: str, tags: dict[str, str]) -> None:
    """Give a run further tags.

    Args:
        study: The study.
        run_id: The run; one that the store does not have is no error.
        tags: The tags.

    Raises:
        StoreError: MLflow could not keep that.
    """
    setup_mlflow(study)
    import mlflow

    client = mlflow.MlflowClient()
    with readable(study):
        if _found(client, run_id):
            for key, value in legal_texts(tags).items():
                client.set_tag(run_id, key, value)


def _columns(commit: str) -> dict[str, str]:
    """Return the tags that MLflow shows in columns of its own."""
    return {"mlflow.source.name": REPRODUCTION, "mlflow.source.git.commit": commit}


def _found(client: Any, run_id: str | None) -> Any:
    """Return a run, or None if it was deleted or is kept in another store."""
    from mlflow.exceptions import MlflowException

    if run_id is None:
        return None
    try:
        run = client.get_run(run_id)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None
    return run if run.info.lifecycle_stage == "active" else None


def _unlogged_params(study: Study, joined: Any) -> dict[str, Any]:
    """Return the parameters of the study that its run lacks; MLflow lets none be changed."""
    path = study.root / "params.yaml"
    plain = masking.masked("", read_yaml(path)) if path.is_file() else {}
    params = legal_texts({name: masking.text(value) for name, value in flatten(plain)})
    logged = joined.data.params if joined else {}
    for name in sorted(params.keys() & logged.keys()):
        if params[name] != logged[name]:
            print(
                f"warning: a stage logged the parameter {name} as {logged[name]}, which stays;"
                f" params.yaml says {params[name]}",
                file=sys.stderr,
            )
    return {name: value for name, value in params.items() if name not in logged}


def _log_results(study: Study, client: Any, run_id: str) -> None:
    import mlflow

    metrics, _ = numbers(read_metrics(study))
    mlflow.log_metrics(metrics)
    for path, digest in sorted(dvc_files.outputs(study.root).items()):
        if path.startswith("results/") and (study.root / path).exists():
            log_file(client, study, run_id, study.root / path, str(Path(path).parent), digest)
    datasets = study.settings.get("datasets") or []
    contexts = {_setting(one, "path", "datasets"): one.get("context") for one in datasets}
    if contexts:
        log_datasets(client, study, run_id, contexts)
    if model := study.settings.get("model"):
        try:
            _log_model(study, model)
        except mlflow.MlflowException:
            raise
        except StudyError as error:
            if error.where.startswith(MARKER):
                raise
            raise StudyError(str(error), f"{MARKER}: model", error.mend) from None
        except Exception as error:  # the study's own loader, model and data run here
            what = f"the model cannot be logged ({type(error).__name__}: {one_line(error)})"
            raise StudyError(what, f"{MARKER}: model", f"$EDITOR {MARKER}; make repro") from error


def _log_model(study: Study, model: dict[str, Any]) -> None:
    path = _setting(model, "path", "model")
    loader_module, _, loader = _setting(model, "load", "model").rpartition(".")
    log_model(
        study,
        getattr(import_module(loader_module), loader)(study.root / path),
        _setting(model, "flavor", "model"),
        input_example=_input_example(study, model.get("input_example") or {}),
        tags={"dvc.path": path, "dvc.md5": dvc_files.outputs(study.root).get(path, "none")},
    )


def _input_example(study: Study, example: dict[str, Any]) -> Any:
    if not example:
        return None
    import pandas

    rows = pandas.read_csv(
        study.root / _setting(example, "path", "model.input_example"),
        nrows=int(example.get("rows", 5)),
    )
    return rows.drop(columns=example.get("drop") or [])


def _setting(settings: dict[str, Any], key: str, section: str) -> str:
    try:
        return str(settings[key])
    except KeyError:
        raise StudyError("setting is missing", f"{MARKER}: {section}.{key}") from None
