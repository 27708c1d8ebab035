"""The model registry: versions and promotions in git, mirrored in MLflow."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from data_versioning.data.remotes import push
from data_versioning.errors import StudyError
from data_versioning.experiments.lineage_key import lineage_key
from data_versioning.locking import exclusive
from data_versioning.models import artifacts, model_file, model_store, model_tags
from data_versioning.models.model_tags import Event
from data_versioning.study import Study
from data_versioning.tools import dvc, dvc_files, git

LOCK = ".dvc/tmp/registry.lock"


@dataclass(frozen=True)
class ModelVersion:
    """A registered version of a model.

    Args:
        name: The model.
        version: The semantic version.
        path: The file or folder, relative to the study.
        md5: Its hash in DVC.
        metrics: What it scored.
        stages: The stages it holds now.
        commit: The commit it is tagged on.
        author: Who registered it.
        time: When.
    """

    name: str
    version: str
    path: str
    md5: str
    metrics: Mapping[str, float]
    stages: tuple[str, ...]
    commit: str
    author: str
    time: datetime


class ModelRegistry:
    """Versions of models, who holds which stage, and how that came.

    The truth is in git: annotated tags in GTO's grammar, `name@v1.2.0` for a version and
    `name#production#1` for a promotion. MLflow's registry mirrors them, stages as aliases, so that
    `models:/name@production` works.

    Args:
        project_dir: The study, or a folder in it.
        remote: Name or address of the DVC remote that the data is pushed to when a model is
            registered; nothing is pushed when not given.

    Raises:
        StudyError: There is no study here.
    """

    def __init__(self, project_dir: Path | str = ".", remote: str | None = None) -> None:
        self._study = Study.open(project_dir)
        self._root = self._study.root
        self._remote = remote

    def register(
        self,
        name: str,
        version: str,
        model_path: Path | str | None = None,
        metrics: Mapping[str, float] | None = None,
        stage: str | None = None,
    ) -> ModelVersion:
        """Register a version of a model and, on request, promote it.

        Names the file in `artifacts:` of `dvc.yaml`, commits that, and tags the commit. A repeated
        call finishes what a killed one left.

        Args:
            name: Letters, digits, `-` and `_`.
            version: A semantic version, `1.2.0`.
            model_path: A file or folder that DVC keeps, committed; the path that `dvc.yaml` has
                under this name, or `model.path` of `study.yaml`, when not given.
            metrics: What it scored; of a model the pipeline makes, the pipeline's metrics when not
                given. Of a version that is registered already they stay what they were.
            stage: The stage to promote it to.

        Raises:
            StudyError: A bad name, version or metric, a model DVC does not keep or git has not
                committed, or a version that was registered with other bytes.
            StoreError: MLflow did not answer; the tags are made, and `registry rebuild` does
                the rest.
        """
        model_tags.refuse_illegal(name, version, stage)
        if metrics is not None:
            metrics = model_file.numeric(metrics)
        with exclusive(self._root / LOCK, "it registers a model"):
            path = model_file.model_path(self._study, name, model_path)
            digest = model_file.committed_digest(self._study, path)
            event = self._registered(name, version)
            if event is None:
                event = self._tag(name, version, path, digest, metrics)
            elif (event.details.get("md5"), event.details.get("path")) != (digest, path):
                raise StudyError(
                    f"registered already with other bytes ({event.details.get('path')}, by "
                    f"{event.author})",
                    f"{name} {version}",
                    "register the next version",
                )
            self._push()
            with model_store.opened(self._study) as client:
                model_store.add_version(self._study, client, event)
        if stage is not None:
            return self.transition(name, version, stage)
        return self._version(event)

    def transition(
        self,
        name: str,
        version: str,
        stage: str,
        no_worse: str | None = None,
        lower_is_better: bool = False,
    ) -> ModelVersion:
        """Promote a version to a stage; whoever held the stage no longer does.

        Args:
            name: The model.
            version: A registered version.
            stage: The stage, such as `production`.
            no_worse: A metric in which it must not be worse than the holder of the stage.
            lower_is_better: Whether less of that metric is better.

        Raises:
            StudyError: The version is not registered, or it is worse.
            StoreError: MLflow did not answer; the tag is made, and `registry rebuild` sets
                the alias.
        """
        model_tags.refuse_illegal(name, version, stage)
        with exclusive(self._root / LOCK, "it promotes a model"):
            event = self._known(name, version)
            history = model_tags.events(self._root, name)
            holder = model_tags.holders(history).get((name, stage), "")
            details: dict[str, Any] = {"version": version, "replaces": holder or None}
            if no_worse is not None:
                current = self._known(name, holder) if holder else None
                values = model_tags.no_worse(event, current, no_worse, lower_is_better)
                details |= {"no_worse": {no_worse: values}}
            if holder != version:
                number = 1 + max((one.number for one in history if one.stage == stage), default=0)
                sentence = f"Promote {name} {version} to {stage}"
                tag = f"{name}#{stage}#{number}"
                model_tags.write(self._root, tag, event.commit, sentence, details, history)
            with model_store.opened(self._study) as client:
                model_store.add_version(self._study, client, event)
                model_store.set_alias(client, name, stage, version)
        return self._version(event)

    def load_model(self, name: str, version: str | None = None, stage: str | None = None) -> Any:
        """Return a model: exactly the bytes that were registered, from the cache or the remote.

        Args:
            name: The model.
            version: A registered version; of several, the one that holds `stage`, or the newest.
            stage: The stage whose holder is meant, instead of a version.

        Raises:
            StudyError: There is no such model, its bytes are nowhere or damaged, or nothing is
                known to read the file: see `model.load` in `study.yaml`.
        """
        if version is not None and stage is not None:
            raise StudyError("give a version or a stage, not both", name)
        event = self._known(name, version or self._holder(name, stage))
        path = str(event.details["path"])
        load = model_file.loader(self._study, path)
        from data_versioning.data.datasets import fetch_dataset

        with tempfile.TemporaryDirectory() as scratch:
            fetched = fetch_dataset(
                self._root / path, event.tag, Path(scratch) / "model", project_dir=self._root
            )
            return load(fetched.to)

    def history(self, name: str) -> Sequence[Event]:
        """Return every registration and promotion of a model, the oldest first.

        Raises:
            StudyError: There is no such model.
        """
        found = model_tags.events(self._root, name)
        if not found:
            raise self._unknown(name)
        return found

    def list(self) -> Sequence[ModelVersion]:
        """Return every registered version of every model, by name and age."""
        history = model_tags.events(self._root)
        holders = model_tags.holders(history)
        registered = model_tags.versions(history).values()
        by_age = sorted(registered, key=lambda event: (event.model, event.time))
        return [_as_version(event, holders) for event in by_age]

    def _push(self) -> None:
        if self._remote is None:
            return
        _, known = dvc.remotes(self._root)
        names = [one.name for one in known.values() if self._remote in (one.name, one.url)]
        if not names:
            raise StudyError("no such remote", self._remote, "dvc remote add <name> <url>")
        push(self._study, names)

    def _registered(self, name: str, version: str) -> Event | None:
        return model_tags.versions(model_tags.events(self._root, name)).get((name, version))

    def _known(self, name: str, version: str) -> Event:
        if found := self._registered(name, version):
            return found
        known = [one.version for one in self.list() if one.name == name]
        if not known:
            raise self._unknown(name)
        raise StudyError("no such version", f"{name} {version}", f"one of: {', '.join(known)}")

    def _unknown(self, name: str) -> StudyError:
        known = sorted({one.name for one in self.list()})
        register = "python -m data_versioning registry register NAME VERSION"
        mend = f"one of: {', '.join(known)}" if known else register
        return StudyError("no such model", name, mend)

    def _holder(self, name: str, stage: str | None) -> str:
        history = self.history(name)
        if stage is None:
            import semver

            versions = [version for _, version in model_tags.versions(history)]
            if not versions:
                raise self._unknown(name)
            return max(versions, key=semver.Version.parse)
        holders = model_tags.holders(history)
        if version := holders.get((name, stage)):
            return version
        known = ", ".join(sorted(stage for _, stage in holders)) or "none"
        raise StudyError(f"no version of {name} holds this stage", stage, f"held now: {known}")

    def _tag(
        self,
        name: str,
        version: str,
        path: str,
        digest: str,
        metrics: Mapping[str, float] | None,
    ) -> Event:
        history = model_tags.events(self._root, name)
        if any(one.version == version for one in history):
            raise StudyError("this version was withdrawn", f"{name} {version}", "take the next one")
        if metrics is None:
            metrics = model_file.pipeline_metrics(self._study, path)
        lineage = {
            key: value
            for key, value in lineage_key(self._root).items()
            if not key.startswith("data:")
        }
        # GTO knows a promoted version by its commit, so that each version needs one of its own.
        artifacts.declare(self._root, name, path, {"version": version, "metrics": metrics})
        git.commit_only(self._root, [dvc_files.PIPELINE], f"data: register {name} {version}")
        details = {"path": path, "md5": digest, "metrics": metrics, "lineage": lineage}
        commit = git.resolve(self._root, "HEAD")
        sentence = f"Register {name} {version}"
        tag = f"{name}@v{version}"
        model_tags.write(self._root, tag, commit, sentence, details, history)
        return self._known(name, version)

    def _version(self, event: Event) -> ModelVersion:
        history = model_tags.events(self._root, event.model)
        return _as_version(event, model_tags.holders(history))


def _as_version(event: Event, holders: Mapping[tuple[str, str], str]) -> ModelVersion:
    held = [stage for (model, stage), version in holders.items()
            if (model, version) == (event.model, event.version)]  # fmt: skip
    return ModelVersion(
        name=event.model,
        version=event.version,
        path=str(event.details.get("path", "")),
        md5=str(event.details.get("md5", "")),
        metrics=event.details.get("metrics") or {},
        stages=tuple(sorted(held)),
        commit=event.commit,
        author=event.author,
        time=event.time,
    )
