"""Do git's tags and MLflow's registry agree, and make them agree."""

from __future__ import annotations

from dataclasses import dataclass

from data_versioning.errors import StoreError
from data_versioning.locking import exclusive
from data_versioning.models import model_store, model_tags
from data_versioning.models.registry import LOCK
from data_versioning.study import Study


@dataclass(frozen=True)
class Disagreement:
    """Something that git's tags and MLflow do not agree on.

    Args:
        name: The model.
        what: The version or the stage.
        in_git: What the tags say.
        in_mlflow: What MLflow says.
    """

    name: str
    what: str
    in_git: str
    in_mlflow: str


def verify(study: Study) -> list[Disagreement]:
    """Return what git's tags and MLflow's registry do not agree on.

    Raises:
        StoreError: MLflow did not answer.
    """
    found: list[Disagreement] = []
    history = model_tags.events(study.root)
    registered = model_tags.versions(history)
    with model_store.opened(study) as client:
        for model in sorted({*model_store.models(client), *(one.model for one in history)}):
            in_git = {version for name, version in registered if name == model}
            for version in sorted(in_git ^ model_store.numbers(client, model).keys()):
                sides = ("registered", "-") if version in in_git else ("-", "registered")
                found.append(Disagreement(model, f"version {version}", *sides))
            for number in model_store.strangers(client, model):
                found.append(Disagreement(model, f"version [{number}]", "-", "registered"))
            stages = _stages(history, model)
            aliases = model_store.aliases(client, model)
            for stage in sorted(aliases.keys() | stages.keys()):
                held = stages.get(stage, "-"), aliases.get(stage, "-")
                if held[0] != held[1]:
                    found.append(Disagreement(model, f"stage {stage}", *held))
    return found


def rebuild(study: Study) -> list[Disagreement]:
    """Make MLflow's registry say what git's tags say, and return what was mended.

    Versions that only MLflow has are left alone.

    Raises:
        StoreError: MLflow did not answer, or refuses a version; all others are mended then.
    """
    before = verify(study)
    history = model_tags.events(study.root)
    refused: list[StoreError] = []
    with (
        exclusive(study.root / LOCK, "it rebuilds the registry"),
        model_store.opened(study) as client,
    ):
        for event in model_tags.versions(history).values():
            try:
                model_store.add_version(study, client, event)
            except StoreError as error:
                refused.append(error)
        for model in {one.model for one in history}:
            there = {None, *model_store.numbers(client, model)}
            stages = _stages(history, model)
            aliases = model_store.aliases(client, model)
            for stage in aliases.keys() | stages.keys():
                version = stages.get(stage)
                if version != aliases.get(stage) and version in there:
                    model_store.set_alias(client, model, stage, version)
    if refused:
        raise refused[0]
    after = verify(study)
    return [one for one in before if one not in after]


def _stages(history: list[model_tags.Event], model: str) -> dict[str, str]:
    holders = model_tags.holders(history)
    return {stage: version for (name, stage), version in holders.items() if name == model}
