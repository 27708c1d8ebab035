"""Log runs by hand: in notebooks and scripts, and inside the stages of a pipeline."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_versioning.errors import StoreError, StudyError
from data_versioning.experiments import masking, run_search, run_values
from data_versioning.experiments.dataset_inputs import log_datasets, refuse_changed
from data_versioning.experiments.lineage_key import lineage_key
from data_versioning.experiments.logged_model import log_model
from data_versioning.experiments.run_files import log_file
from data_versioning.experiments.store import readable, setup_mlflow
from data_versioning.hashing import digest
from data_versioning.study import Study, flatten

if TYPE_CHECKING:
    from mlflow import ActiveRun, MlflowClient
    from pandas import DataFrame

_joined: set[str] = set()  # runs of reproductions that this process has logged into


class ExperimentTracker:
    """Logs runs to the study's MLflow store, and compares them.

    Use one tracker a thread, and start runs after a fork, not before: the run that is under way is
    MLflow's, of that thread.

    Args:
        experiment: The MLflow experiment of new runs; the study's own when not given.
        project_dir: The study's folder, or one in it.

    Raises:
        StudyError: There is no study.
    """

    def __init__(self, experiment: str | None = None, project_dir: Path | str = ".") -> None:
        self._study = Study.open(project_dir)
        self._experiment = experiment
        self._runs: list[str] = []

    @contextmanager
    def start_run(
        self, name: str | None = None, tags: Mapping[str, Any] | None = None, nested: bool = False
    ) -> Iterator[ActiveRun]:
        """Start a run, and end it with the block.

        It ends as FINISHED, as FAILED when the block raises, as KILLED on Ctrl-C; what was raised
        is raised on. It carries the lineage key: commit, data, environment.

        In a stage of the pipeline, the first run that a process starts joins the run of the
        reproduction, which then goes on, and later ones are its children.

        Args:
            name: The name of the run; one that joins a reproduction keeps that one's.
            tags: Further tags.
            nested: Make it a child of the run under way, or of that of the reproduction.

        Yields:
            MLflow's run; functions of `mlflow` log into it too.

        Raises:
            StudyError: Another run is under way, and `nested` was not given.
            StoreError: MLflow could not keep the run.
        """
        experiment_id = setup_mlflow(self._study, self._experiment)
        import mlflow

        from data_versioning.experiments.runs import join_reproduction

        under_way = mlflow.active_run()
        if under_way and not nested:
            raise StudyError(
                "a run is under way already", under_way.info.run_id, "start_run(..., nested=True)"
            )
        reproduction = None if under_way else join_reproduction(self._study)
        joins = None if nested or reproduction in _joined else reproduction
        with readable(self._study):
            if joins:
                run = mlflow.start_run(joins)
                _joined.add(joins)
                mlflow.set_tags(run_values.legal_texts(tags or {}))
            else:
                key = lineage_key(self._study.root)
                own = {**(tags or {}), **key, "mlflow.source.git.commit": key["git.commit"]}
                run = mlflow.start_run(
                    experiment_id=experiment_id,
                    run_name=name,
                    nested=nested,
                    parent_run_id=reproduction,
                    tags=run_values.legal_texts(own),
                )
        self._runs.append(run.info.run_id)
        status = "FAILED"
        try:
            yield run
            status = "FINISHED"
        except KeyboardInterrupt:
            status = "KILLED"
            raise
        finally:
            self._runs.pop()
            self._end(run.info.run_id, "RUNNING" if joins else status, raising=status != "FINISHED")

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Log parameters, nested ones under dotted names; what is named like a secret is `***`.

        Of a value that is too long for MLflow, all is in the run's artifact `params/<name>.txt`.

        Args:
            params: The values by name.

        Raises:
            LoggedAlready: One of them has another value in this run.
        """
        from mlflow.entities import Param
        from mlflow.exceptions import MlflowException

        run_id, client = self._run()
        plain = flatten(masking.masked("", params))
        values = {run_values.legal_name(name): masking.text(value) for name, value in plain}
        cut = run_values.legal_texts(values)
        with readable(self._study):
            try:
                client.log_batch(run_id, params=[Param(*param) for param in cut.items()])
            except MlflowException:
                logged = client.get_run(run_id).data.params
                for name, value in cut.items():
                    if logged.get(name, value) != value:
                        what = f"the run has this parameter as {logged[name]}, not {value}"
                        mend = "start_run(..., nested=True)"
                        raise run_values.LoggedAlready(what, name, mend) from None
                raise
            for name, value in values.items():
                if len(value) > run_values.TEXT_LENGTH:
                    client.log_text(run_id, value, f"params/{name.replace('/', '_')}.txt")

    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Log metrics, nested ones under dotted names, however many.

        A sequence of numbers is a history: `log_metrics({"loss": [0.9, 0.5, 0.4]})` logs three
        steps. NaN is kept; SQLite keeps infinity as the largest number, 1.8e308, which this
        package shows as infinity again.

        Args:
            metrics: Numbers of Python, NumPy or a tensor library, or sequences of them, by name.
            step: The step, such as the epoch; of a history, its first. 0 when not given.

        Raises:
            StudyError: One of them is no number; none is logged then.
        """
        from mlflow.entities import Metric

        run_id, client = self._run()
        now = int(time.time() * 1000)
        entries = [
            Metric(name, value, now, at)
            for name, history in run_values.histories(metrics).items()
            for at, value in enumerate(history, step or 0)
        ]
        with readable(self._study):
            client.log_batch(run_id, metrics=entries)

    def log_artifact(self, path: Path | str, folder: str | None = None) -> bool:
        """Log a file or a folder: a copy, or by hash and address if it is large and DVC keeps it.

        Args:
            path: The file or folder.
            folder: Where the run keeps the copy; at its top when not given.

        Returns:
            Whether it was copied.

        Raises:
            StudyError: There is no such file.
        """
        run_id, client = self._run()
        with readable(self._study):
            return log_file(client, self._study, run_id, Path(path).absolute(), folder)

    def log_dataset(self, path: Path | str, context: str | None = None) -> None:
        """Log a dataset that DVC keeps as an input of the run: path, hash, address, commit, tags.

        Args:
            path: The file or folder, as DVC tracks it.
            context: What it is for, such as `training`.

        Raises:
            StudyError: DVC does not keep it, or it changed since DVC hashed it.
        """
        run_id, client = self._run()
        name = self._study.relative(path)
        refuse_changed(self._study, name)
        with readable(self._study):
            log_datasets(client, self._study, run_id, {name: context})

    def log_model(
        self,
        model: Any = None,
        path: Path | str | None = None,
        flavor: str | None = None,
        name: str = "model",
        input_example: Any = None,
        **options: Any,
    ) -> str | None:
        """Log a fitted model, or only its file.

        Args:
            model: The model; without one, the file is logged as `log_artifact` does.
            path: Its file. The logged model then carries the path and its hash, which is DVC's.
            flavor: The module of MLflow that knows it, such as `sklearn`; guessed from its class.
            name: What it is called in the run.
            input_example: Rows that it predicts from; they give the signature too.
            options: What else the `log_model` of the flavor takes.

        Returns:
            The address for `mlflow.<flavor>.load_model`, or None when only a file was logged.

        Raises:
            StudyError: Neither a model nor a file, no flavor fits, or its library is missing.
        """
        self._run()
        file = None if path is None else Path(path).absolute()
        if model is None:
            if file is None:
                raise StudyError("neither a model nor a file", "log_model", "log_model(model)")
            self.log_artifact(file)
            return None
        tags = {}
        if file and file.exists():
            tags = {"dvc.path": self._study.relative(file), "dvc.md5": digest(file)}
        elif file:
            print(f"warning: no file {file}: the model is logged without its hash", file=sys.stderr)
        with readable(self._study):
            return log_model(self._study, model, flavor, name, input_example, tags, **options)

    def compare_experiments(self, experiment_ids: Sequence[str]) -> DataFrame:
        """Return runs side by side.

        Args:
            experiment_ids: Each the id of a run, at least 8 digits of it, the name of a run, or
                the name or id of an experiment, which stands for all of its runs.

        Returns:
            One row a run: `run_id`, `name`, `experiment`, `started`, `status`, `commit`,
            `metrics.*`, `params.*`.

        Raises:
            StudyError: Nothing has that name, or several runs have.
        """
        return run_search.frame(run_search.find(self._study, experiment_ids, self._experiment))

    def search(
        self, filter: str = "", order_by: Sequence[str] = (), limit: int = 1000
    ) -> DataFrame:
        """Return the runs of the experiment, and those of MLflow's `Default` one.

        Args:
            filter: In MLflow's syntax, such as `metrics.r2 > 0.4 and params.alpha = '0.1'`.
            order_by: Such as `["metrics.r2 DESC"]`; the newest first when not given.
            limit: How many at most.

        Returns:
            As `compare_experiments`.

        Raises:
            StudyError: MLflow does not understand the filter or the order.
        """
        return run_search.frame(
            run_search.search(self._study, filter, order_by, limit, self._experiment)
        )

    def _run(self) -> tuple[str, MlflowClient]:
        if not self._runs:
            raise StudyError("no run is started", "ExperimentTracker", "with tracker.start_run():")
        import mlflow

        return self._runs[-1], mlflow.MlflowClient()

    def _end(self, run_id: str, status: str, raising: bool) -> None:
        import mlflow

        try:
            with readable(self._study):
                active = mlflow.active_run()
                if active and active.info.run_id == run_id:
                    mlflow.end_run(status)
                else:  # the block ended it, or began another
                    mlflow.MlflowClient().set_terminated(run_id, status)
        except StoreError as error:
            if not raising:
                raise
            print(f"warning: {error}", file=sys.stderr)  # what the block raised says more
