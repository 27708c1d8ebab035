"""The MLflow side of the model registry: versions that name their tag, and stages as aliases.

MLflow numbers versions 1, 2, 3 and has given its own stages up; a version's tag `version` holds the
semantic one, an alias is the stage.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from data_versioning.errors import StoreError, one_line
from data_versioning.experiments.run_values import legal_name, legal_texts
from data_versioning.experiments.store import readable, setup_mlflow
from data_versioning.models.model_tags import Event
from data_versioning.study import Study

if TYPE_CHECKING:
    from mlflow import MlflowClient

VERSION = "version"


@contextmanager
def opened(study: Study) -> Iterator[MlflowClient]:
    """Give access to the study's store.

    Raises:
        StoreError: It does not answer.
    """
    setup_mlflow(study)
    import mlflow

    with readable(study):
        yield mlflow.MlflowClient()


def numbers(client: MlflowClient, model: str) -> dict[str, str]:
    """Return MLflow's number of each semantic version of a model."""
    found = _all(client, model)
    return {one.tags[VERSION]: str(one.version) for one in found if VERSION in one.tags}


def strangers(client: MlflowClient, model: str) -> list[str]:
    """Return MLflow's numbers of versions that were not registered here."""
    return [str(one.version) for one in _all(client, model) if VERSION not in one.tags]


def aliases(client: MlflowClient, model: str) -> dict[str, str]:
    """Return the semantic version, or MLflow's number in brackets, that each alias names."""
    named = {number: version for version, number in numbers(client, model).items()}
    found = _registered(client, model)
    pairs = found.aliases.items() if found else ()
    return {alias: named.get(str(number), f"[{number}]") for alias, number in pairs}


def add_version(study: Study, client: MlflowClient, event: Event) -> None:
    """Register a version, where MLflow does not have it yet.

    Raises:
        StoreError: MLflow refuses it.
    """
    from mlflow.exceptions import MlflowException

    if _registered(client, event.model) is None:
        client.create_registered_model(event.model)
    if event.version in numbers(client, event.model):
        return
    path, md5 = str(event.details.get("path", "")), str(event.details.get("md5", ""))
    run_id, model_id = _logged(study, client, path, md5)
    tags = {VERSION: event.version, "git.tag": event.tag, "dvc.path": path, "dvc.md5": md5}
    lineage = event.details.get("lineage") or {}
    metrics = event.details.get("metrics") or {}
    tags |= legal_texts({**lineage, **{f"metric.{key}": one for key, one in metrics.items()}})
    # A model that no run logged is named by its bytes: a server refuses addresses of folders.
    source = f"models:/{model_id}" if model_id else f"dvc:{path}#{md5}"
    try:
        client.create_model_version(event.model, source, run_id, tags=tags, model_id=model_id)
    except MlflowException as error:
        if error.error_code != "INVALID_PARAMETER_VALUE":
            raise
        mend = f"git show {shlex.quote(event.tag)}; register the next version"
        raise StoreError(
            "MLflow refuses this version", f"{event.tag}: {one_line(error)}", mend
        ) from None


def set_alias(client: MlflowClient, model: str, stage: str, version: str | None) -> None:
    """Make an alias name a version, or none."""
    if version is None:
        client.delete_registered_model_alias(model, stage)
    else:
        client.set_registered_model_alias(model, stage, numbers(client, model)[version])


def models(client: MlflowClient) -> list[str]:
    """Return the names of the registered models."""
    return [one.name for one in client.search_registered_models(max_results=1000)]


def _all(client: MlflowClient, model: str) -> list[Any]:
    return list(client.search_model_versions(f"name='{model}'", max_results=10_000))


def _registered(client: MlflowClient, model: str) -> Any:
    from mlflow.exceptions import MlflowException

    try:
        return client.get_registered_model(model)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None


def _logged(
    study: Study, client: MlflowClient, path: str, md5: str
) -> tuple[str | None, str | None]:
    """Return the ids of the newest run that made these bytes and of the model it logged."""
    made = f"tags.`{legal_name(f'data:{path}')}` = '{md5}'"
    runs = client.search_runs(
        [setup_mlflow(study)], made, max_results=1, order_by=["attributes.start_time DESC"]
    )
    if not runs:
        return None, None
    run = runs[0]
    is_the_model = path == (study.settings.get("model") or {}).get("path")
    outputs = run.outputs.model_outputs if run.outputs and is_the_model else []
    return run.info.run_id, outputs[0].model_id if outputs else None
