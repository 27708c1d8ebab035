"""The MLflow store of a study: where it is, that it is found again, and when it fails."""

from __future__ import annotations

import os
import shutil
import socket
from contextlib import closing
from pathlib import Path
from typing import Any

import mlflow
import pytest
from data_versioning.errors import StoreError, StudyError
from data_versioning.experiments import store
from data_versioning.experiments.run_search import search
from data_versioning.experiments.run_table import table
from data_versioning.experiments.runs import log_reproduction
from data_versioning.pipeline.manager import reproduce
from data_versioning.study import Study


def test_the_store_is_in_the_study(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """At an absolute path wherever the command runs, and a relative one is the study's too."""
    assert store.tracking_uri(study) == f"sqlite:///{study.root}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///runs.db")
    assert store.tracking_uri(study) == f"sqlite:///{study.root}/runs.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://example.org")
    assert store.tracking_uri(study) == "http://example.org"
    assert not store.is_local(study)


def test_artifacts_follow_a_moved_study(study: Study) -> None:
    """Also where the old folder's name has what SQL takes for a pattern."""
    reproduce(study, quiet=True)
    root, names = study.root, list[str]()
    for name in ("a_b c", "aXb c", "home"):
        root = root.rename(root.with_name(name))
        moved = Study(root)
        experiment = store.setup_mlflow(moved)
        with mlflow.start_run(experiment_id=experiment) as run:
            mlflow.log_text(name, "name.txt")
        assert run.info.artifact_uri.startswith(root.as_uri())
        names.append(name)
        logged = [one["run_id"] for one in search(moved, limit=9)[-2::-1]]
        assert [mlflow.artifacts.load_text(f"runs:/{one}/name.txt") for one in logged] == names


def test_a_server_that_is_down_is_named_without_its_password(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A closed port, and one that takes connections and never answers."""
    monkeypatch.setattr(store, "PATIENCE", 0.2)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:geheim@127.0.0.1:{port}")
        with pytest.raises(StoreError, match=rf"does not answer: http://127.0.0.1:{port}: ") as no:
            store.setup_mlflow(study)
    assert "geheim" not in str(no.value)
    with pytest.raises(StoreError, match="does not answer"):
        log_reproduction(study, 1.0)


def test_a_broken_store_is_named(study: Study) -> None:
    """A file that is no database."""
    (study.root / "mlflow.db").write_text("no database, but long enough to be looked into\n" * 99)
    with pytest.raises(StoreError, match=r"the MLflow store failed: sqlite:.*mlflow\.db"):
        store.setup_mlflow(study)


def test_a_deleted_experiment_is_named(study: Study) -> None:
    """No run would be seen in it."""
    experiment = store.setup_mlflow(study)
    mlflow.MlflowClient(store.tracking_uri(study)).delete_experiment(experiment)
    with pytest.raises(StudyError, match="the MLflow experiment was deleted: my-study"):
        store.setup_mlflow(study)


def test_any_name_of_a_metric_or_parameter_is_logged(study: Study) -> None:
    """What MLflow refuses in names is replaced, and too long values are cut."""
    (study.root / "params.yaml").write_text(f'"share (%)": {"x" * 9000}\n')
    (study.root / "metrics.json").write_text('{"R²": 0.5, "hit [%]": 9, "who": "me", "ok": true}')
    (study.root / "dvc.yaml").write_text(
        "stages:\n  m:\n    cmd: 'true'\n    metrics:\n      - metrics.json:\n"
        "          cache: false\n          persist: true\n"
    )
    reproduce(study, quiet=True)
    (run,) = search(study)
    assert run["metrics"] == {"R²": 0.5, "hit ___": 9.0, "ok": 1.0}
    assert list(run["params"]) == ["share ___"]


def test_runs_are_shown_in_columns() -> None:
    """Short ids, a plus for what was not committed, the failed stage, a dash for no metric."""
    common: dict[str, Any] = {
        "started": "2026-01-02T03:04:05+01:00",
        "commit": "c" * 40,
        "params": {},
    }
    runs = [
        common | {"run_id": "a" * 32, "name": "one", "status": "FINISHED", "dirty": True,
                  "failed_stage": None, "metrics": {"r2": 0.123456}},
        common | {"run_id": "b" * 32, "name": "two", "status": "FAILED", "dirty": False,
                  "failed_stage": "fit", "metrics": {}},
    ]  # fmt: skip
    assert table(runs).splitlines() == [
        "run       name  started           status        commit     r2",
        "aaaaaaaa  one   2026-01-02 03:04  FINISHED      cccccccc+  0.1235",
        "bbbbbbbb  two   2026-01-02 03:04  FAILED (fit)  cccccccc   -",
    ]
    assert table([]) == "no runs yet"
    assert table([], "metrics.r2 > 1") == "no run matches"

    def columns(count: int, asked: str) -> list[str]:
        same = {f"m{i:02}": 1.0 for i in range(count)}
        several = [run | {"metrics": same | {"z": n}} for n, run in enumerate(runs)]
        text = table(several, asked)
        assert max(map(len, text.splitlines())) <= 120
        return text.splitlines()[0].split()[5:]

    asked = "metrics.m09 > 0 and metrics.`m08` < 2 metrics.m09 DESC"
    assert columns(12, asked) == ["m09", "m08", "z", "m00", "m01", "m02"]
    runs[0]["name"] = "n" * 99
    assert columns(12, "") == ["z", "m00", "m01", "m02", "m03"]


def test_two_studies_in_one_process(study: Study, tmp_path: Path) -> None:
    """Each logs to the store in its own folder, and the environment stays as it was."""
    other = tmp_path / "other"
    shutil.copytree(study.root, other)
    for root in (study.root, other):
        experiment = store.setup_mlflow(Study(root))
        mlflow.MlflowClient().create_run(experiment, run_name=root.name)
    assert "MLFLOW_TRACKING_URI" not in os.environ
    for root in (study.root, other):
        client = mlflow.MlflowClient(f"sqlite:///{root}/mlflow.db")
        experiments = [one.experiment_id for one in client.search_experiments()]
        assert [run.info.run_name for run in client.search_runs(experiments)] == [root.name]
