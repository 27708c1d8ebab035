"""Runs logged by hand, in and outside of a stage, found again and compared."""

from __future__ import annotations

import hashlib
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import mlflow
import numpy
import pandas
import pytest
from data_versioning import ExperimentTracker
from data_versioning.cli import main
from data_versioning.errors import StoreError, StudyError, UsageError
from data_versioning.experiments import store
from data_versioning.experiments.run_table import comparison
from data_versioning.experiments.run_values import LoggedAlready
from data_versioning.pipeline.manager import reproduce
from data_versioning.study import Study

from tests.conftest import ROOT, git


def client(study: Study) -> mlflow.MlflowClient:
    return mlflow.MlflowClient(store.tracking_uri(study))


def test_a_run_holds_what_was_logged(study: Study) -> None:
    """The seed of every other test: parameters, metrics, the lineage key, and the end."""
    tracker = ExperimentTracker()
    with tracker.start_run(name="first", tags={"who (%)": 1, "git.commit": "forged"}) as run:
        tracker.log_params({"epochs": 100, "train": {"rate": 0.5, "note (%)": None}})
        tracker.log_params({"epochs": 100})
        tracker.log_metrics({"f1": 0.5, "test": {"r2": numpy.float32(0.25), "n": numpy.int64(3)}})
        tracker.log_metrics({"exact": Decimal("0.1"), "one": numpy.array([2.5]), "yes": True})
        mlflow.log_metric("by_mlflow", 1)
    found = client(study).get_run(run.info.run_id)
    assert found.info.status == "FINISHED" and found.info.run_name == "first"
    assert found.data.params == {"epochs": "100", "train.rate": "0.5", "train.note ___": "None"}
    assert found.data.metrics == {
        "f1": 0.5, "test.r2": 0.25, "test.n": 3, "exact": 0.1, "one": 2.5, "yes": 1, "by_mlflow": 1,
    }  # fmt: skip
    head = git(study.root, "rev-parse", "HEAD").strip()
    assert found.data.tags["who ___"] == "1"
    assert found.data.tags["git.commit"] == head == found.data.tags["mlflow.source.git.commit"]
    assert found.data.tags["git.dirty"] == "false"
    assert found.info.experiment_id == store.setup_mlflow(study)
    assert client(study).get_experiment(found.info.experiment_id).name == "my-study"


def test_how_a_run_ends(study: Study) -> None:
    """What the block raises is raised on, and says how the run ended."""
    tracker = ExperimentTracker()
    for raised, status in ((ValueError("no"), "FAILED"), (KeyboardInterrupt(), "KILLED")):
        with pytest.raises(type(raised)) as caught, tracker.start_run() as run:
            raise raised
        assert caught.value is raised
        assert client(study).get_run(run.info.run_id).info.status == status
        assert mlflow.active_run() is None
    with tracker.start_run() as run:
        mlflow.end_run("KILLED")  # by the user's own code
    assert client(study).get_run(run.info.run_id).info.status == "FINISHED"


def test_nothing_is_logged_outside_of_a_run(study: Study) -> None:
    """Each method says what to write instead."""
    tracker = ExperimentTracker()
    with tracker.start_run():
        pass
    calls: tuple[Callable[[], object], ...] = (
        lambda: tracker.log_params({"a": 1}),
        lambda: tracker.log_metrics({"a": 1}),
        lambda: tracker.log_artifact("in.txt"),
        lambda: tracker.log_dataset("in.txt"),
        lambda: tracker.log_model(path="in.txt"),
    )
    for log in calls:
        with pytest.raises(StudyError, match="no run is started") as no:
            log()
        assert "with tracker.start_run():" in no.value.mend


def test_runs_nest(study: Study) -> None:
    """A child names its parent; a run beside another is refused."""
    tracker, other = ExperimentTracker(), ExperimentTracker(experiment="other")
    with tracker.start_run("outer") as outer:
        with (
            pytest.raises(StudyError, match=f"under way already: {outer.info.run_id}") as no,
            other.start_run(),
        ):
            pass
        assert "nested=True" in no.value.mend
        with tracker.start_run("inner", nested=True) as inner:
            tracker.log_metrics({"a": 1})
            with other.start_run("innermost", nested=True) as innermost:
                other.log_metrics({"b": 1})
                tracker.log_metrics({"c": 1})
        tracker.log_metrics({"d": 1})
    ask = client(study).get_run
    assert ask(inner.info.run_id).data.tags["mlflow.parentRunId"] == outer.info.run_id
    assert ask(innermost.info.run_id).data.tags["mlflow.parentRunId"] == inner.info.run_id
    assert ask(innermost.info.run_id).info.experiment_id != outer.info.experiment_id
    metrics = [set(ask(run.info.run_id).data.metrics) for run in (outer, inner, innermost)]
    assert metrics == [{"d"}, {"a", "c"}, {"b"}]
    assert {ask(run.info.run_id).info.status for run in (outer, inner)} == {"FINISHED"}


def test_metrics_have_histories(study: Study) -> None:
    """By steps, by sequences, by the thousand; and numbers that are none."""
    tracker = ExperimentTracker()
    values = [float(i) for i in range(2500)]
    with tracker.start_run() as run:
        tracker.log_metrics({"loss": 0.9}, step=1)
        tracker.log_metrics({"loss": 0.5}, step=2)
        tracker.log_metrics({"curve": numpy.array(values), "short": (1, 2)}, step=10)
        tracker.log_metrics({f"m{i}": i for i in range(1500)})
        tracker.log_metrics({"nan": math.nan, "up": math.inf, "down": -math.inf, "big": 1e308})
        for bad in ("high", None, [1, "x"], [], [[1, 2]], 10**400, 1j):
            with pytest.raises(StudyError, match=r"not a number but \w+: metric sub\.bad"):
                tracker.log_metrics({"good": 1, "sub": {"bad": bad}})
    history = client(study).get_metric_history
    loss = [(one.step, one.value) for one in history(run.info.run_id, "loss")]
    assert loss == [(1, 0.9), (2, 0.5)]
    curve = sorted((one.step, one.value) for one in history(run.info.run_id, "curve"))
    assert curve == [(10 + i, value) for i, value in enumerate(values)]
    metrics = client(study).get_run(run.info.run_id).data.metrics
    assert metrics["short"] == 2 and metrics["m1499"] == 1499
    assert "good" not in metrics
    row = tracker.search().iloc[0]
    assert math.isnan(row["metrics.nan"])
    assert (row["metrics.up"], row["metrics.down"]) == (math.inf, -math.inf)
    assert row["metrics.big"] == 1e308


def test_parameters_are_kept_whole_and_once(study: Study) -> None:
    """A long one is in an artifact; another value is refused; strange names are mended."""
    tracker = ExperimentTracker()
    long = "é" * 7000
    with tracker.start_run() as run:
        tracker.log_params({"prompt/text": long, **{f"p{i}": i for i in range(250)}})
        with pytest.raises(LoggedAlready, match=r"as 1, not 2: p1"):
            tracker.log_params({"p1": 2})
        tracker.log_params({"": 0, "/a": 1, "../b": 2, "c//d": 3, "ok/name": 4, "x" * 300: 5})
    params = client(study).get_run(run.info.run_id).data.params
    assert params["prompt/text"] == long[:5000]
    text = mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/params/prompt_text.txt")
    assert text == long
    assert params["p249"] == "249" and params["p1"] == "1"
    names = {name for name in params if not name.startswith("p")}
    assert names == {"_", "_a", "_b", "c__d", "ok/name", "x" * 250}


def test_files_are_copied_unless_dvc_keeps_them_and_they_are_large(study: Study) -> None:
    """Large is a kilobyte here."""
    small, large, folder = study.root / "small.txt", study.root / "big.bin", study.root / "plots"
    small.write_text("small")
    large.write_bytes(b"x" * 3000)
    folder.mkdir()
    (folder / "a.svg").write_text("a")
    tracker = ExperimentTracker()

    def artifacts() -> set[str]:
        listed = client(study).list_artifacts
        top = {one.path for one in listed(run.info.run_id)}
        return top | {one.path for path in top for one in listed(run.info.run_id, path)}

    with tracker.start_run() as run:
        assert tracker.log_artifact("small.txt", folder="results")
        assert tracker.log_artifact(folder)
        assert tracker.log_artifact("big.bin", "untracked")
        with pytest.raises(StudyError, match=r"no such file: .*absent\.txt"):
            tracker.log_artifact("absent.txt")
        subprocess.run(["dvc", "add", "-q", "big.bin"], check=True)
        assert not tracker.log_artifact("big.bin", "tracked")
        assert not tracker.log_model(path="big.bin")
        large.chmod(0o644)
        large.write_bytes(b"y" * 3000)
        assert tracker.log_artifact("big.bin", "edited")  # DVC has other bytes
        (study.root / "out.txt").write_bytes(b"z" * 3000)
        assert not tracker.log_artifact("out.txt")  # of a stage: DVC keeps it when that ends
    assert artifacts() == {
        "results", "results/small.txt", "plots", "plots/a.svg", "untracked", "untracked/big.bin",
        "edited", "edited/big.bin",
    }  # fmt: skip
    tags = client(study).get_run(run.info.run_id).data.tags
    assert tags["data:big.bin"] == hashlib.md5(b"x" * 3000).hexdigest()
    assert tags["url:big.bin"] == str(study.root / "big.bin")


def test_models_are_logged_by_their_class(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    """As in `tracker.log_model(model=model, path="models/model.joblib")`."""
    from sklearn.linear_model import Ridge

    class Mine(Ridge):  # type: ignore[misc]
        pass

    rows = pandas.DataFrame({"x": [1.0, 2.0, 3.0]})
    model = Mine().fit(rows, [2.0, 4.0, 6.0])
    (study.root / "models").mkdir()
    (study.root / "models/model.bin").write_text("weights")
    tracker = ExperimentTracker()
    with tracker.start_run() as run:
        uri = tracker.log_model(model=model, path="models/model.bin", input_example=rows,
                                serialization_format="cloudpickle")  # fmt: skip
        assert uri is not None
        with pytest.raises(StudyError, match=r"no MLflow flavor.*: .*\.Study") as no:
            tracker.log_model(study)
        assert "flavor=" in no.value.mend
        with pytest.raises(StudyError, match=r"cannot load this flavor: xgboost"):
            tracker.log_model(model, flavor="xgboost")
        with pytest.raises(StudyError, match="neither a model nor a file"):
            tracker.log_model()
        tracker.log_model(Ridge().fit(rows, [2.0, 4.0, 6.0]), "models/yolov8n.pt", name="other")
    assert "models/yolov8n.pt: the model is logged without its hash" in capsys.readouterr().err
    loaded = mlflow.sklearn.load_model(uri)
    assert list(loaded.predict(rows)) == list(model.predict(rows))
    logged = mlflow.get_logged_model(uri.removeprefix("models:/"))
    assert logged.source_run_id == run.info.run_id
    assert logged.tags["dvc.path"] == "models/model.bin"
    assert logged.tags["dvc.md5"] == hashlib.md5(b"weights").hexdigest()
    assert mlflow.models.get_model_info(uri).signature.inputs.input_names() == ["x"]


STAGE = """\
import sys
from data_versioning import ExperimentTracker, track_experiment

@track_experiment
def fit(rate=2):
    return {"score": rate}

tracker = ExperimentTracker()
name = sys.argv[1]
with tracker.start_run("first of " + name, tags={"by": name}):
    tracker.log_metrics({name: 1})
    with tracker.start_run("child of " + name, nested=True):
        tracker.log_metrics({"inner": 1})
assert tracker.search("status = 'RUNNING'").shape[0] == 1  # the reproduction goes on
with tracker.start_run("second of " + name):
    pass
fit()
open(name, "w").write("done")
if "fail" in sys.argv:
    raise SystemExit(3)
"""


def _stages(study: Study, monkeypatch: pytest.MonkeyPatch, last: str = "") -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "template/src"))
    (study.root / "stage.py").write_text(STAGE)
    (study.root / "dvc.yaml").write_text(
        "stages:\n"
        "  a:\n    cmd: python stage.py a\n    deps: [stage.py]\n    outs: [a]\n"
        f"  b:\n    cmd: python stage.py b {last}\n    deps: [a]\n    outs: [b]\n"
    )


def test_a_stage_logs_into_the_run_of_its_reproduction(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first run of each process joins; the others are its children."""
    _stages(study, monkeypatch)
    run_id = reproduce(study, quiet=True).run_id
    assert run_id
    runs = client(study).search_runs([store.setup_mlflow(study)])
    parents = {run.info.run_name: run.data.tags.get("mlflow.parentRunId") for run in runs}
    joined = next(run for run in runs if run.info.run_id == run_id)
    assert parents.pop(joined.info.run_name) is None
    assert parents == dict.fromkeys(
        ["child of a", "second of a", "child of b", "second of b", "fit"], run_id
    )
    assert len(runs) == 7  # `fit` is there twice
    assert joined.info.status == "FINISHED" and joined.info.end_time
    assert joined.data.metrics == {"a": 1, "b": 1}
    assert joined.data.params == {"rate": "1"}  # of params.yaml
    assert joined.data.tags["by"] == "b"
    assert {run.info.status for run in runs} == {"FINISHED"}


def test_a_failed_stage_fails_the_run_it_joined(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever its own runs were."""
    _stages(study, monkeypatch, "fail")
    with pytest.raises(StudyError, match="stage 'b' failed"):
        reproduce(study, quiet=True)
    (joined,) = client(study).search_runs([store.setup_mlflow(study)], "tags.by = 'b'")
    assert joined.info.status == "FAILED"
    assert joined.data.tags["failed.stage"] == "b"


PROCESS = """\
import sys
from data_versioning import ExperimentTracker
with ExperimentTracker(experiment="fresh").start_run(sys.argv[1]):
    pass
"""


def test_processes_make_the_store_together(study: Study) -> None:
    """A store and an experiment that are not there yet, and no run is lost."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "template/src")}
    assert not (study.root / "mlflow.db").exists()
    started = [
        subprocess.Popen([sys.executable, "-c", PROCESS, str(number)], env=environment)
        for number in range(3)
    ]
    assert [process.wait() for process in started] == [0, 0, 0]
    rows = ExperimentTracker(experiment="fresh").search()
    assert set(rows["name"]) == {"0", "1", "2"}
    assert set(rows["experiment"]) == {"fresh"} and set(rows["status"]) == {"FINISHED"}


@pytest.fixture
def runs(study: Study) -> dict[str, str]:
    """Runs by name: `one` and `two` of the study, `twin` twice, one in `side`, one by MLflow."""
    tracker, side = ExperimentTracker(), ExperimentTracker(experiment="side")
    found = {}
    for who, name, alpha in (
        (tracker, "one", 0.5),
        (tracker, "two", 0.25),
        (tracker, "twin", 1.0),
        (tracker, "twin", 2.0),
        (side, 'alone\'s "run"', 4.0),
    ):
        with who.start_run(name) as run:
            who.log_params({"alpha": alpha, "kind": "ridge", "text": "x" * 100 + name})
            who.log_metrics({"r2": alpha / 2, "n": 3})
        found[name] = run.info.run_id
    with mlflow.start_run(experiment_id="0", run_name="stray") as run:
        mlflow.log_metric("r2", 0.01)
    return found | {"stray": run.info.run_id}


def test_runs_are_compared(study: Study, runs: dict[str, str]) -> None:
    """By id, by the beginning of one, by name, and all those of an experiment; each once."""
    compare = ExperimentTracker().compare_experiments
    frame = compare(experiment_ids=["two", runs["one"], runs["one"][:8], "side"])
    assert list(frame["name"]) == ["two", "one", 'alone\'s "run"']
    assert list(frame.columns) == [
        "run_id", "name", "experiment", "started", "status", "commit",
        "metrics.n", "metrics.r2", "params.alpha", "params.kind", "params.text",
    ]  # fmt: skip
    assert list(frame["metrics.r2"]) == [0.125, 0.25, 2.0]
    assert list(frame["params.alpha"]) == ["0.25", "0.5", "4.0"]
    assert list(frame["experiment"]) == ["my-study", "my-study", "side"]
    assert set(frame["commit"]) == {git(study.root, "rev-parse", "HEAD").strip()}
    experiment = store.setup_mlflow(study)
    assert len(compare([experiment])) == 4
    assert len(compare(["Default", "my-study"])) == 5


def test_what_names_no_run_or_several_is_refused(study: Study, runs: dict[str, str]) -> None:
    """With the candidates."""
    compare = ExperimentTracker().compare_experiments
    with pytest.raises(StudyError, match="more than one run is called twin") as no:
        compare(["twin"])
    assert no.value.where.count("(twin, ") == 2 and runs["twin"][:8] in no.value.where
    for unknown in ("exp9", "f" * 8, "' OR 1=1 --", "both ' and \"", "%", runs["one"][:7]):
        with pytest.raises(StudyError, match="no such run or experiment") as no:
            compare(["one", unknown])
        assert "(stray, " in no.value.where and "side" in no.value.mend
    with pytest.raises(UsageError, match="say which runs: make compare A=<run> B=<run>"):
        compare(["one", ""])
    store.setup_mlflow(study, "one")
    with pytest.raises(StudyError, match=r"more than one run is called one: .*and an experiment"):
        compare(["one"])
    store.setup_mlflow(study, "empty")
    with pytest.raises(StudyError, match="no runs in this experiment: empty"):
        compare(["empty"])


def test_runs_are_searched(
    study: Study, runs: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over pages, in the order asked for, `Default` included."""
    search = ExperimentTracker().search
    monkeypatch.setattr("data_versioning.experiments.run_search.PAGE", 2)
    assert list(search()["name"]) == ["stray", "twin", "twin", "two", "one"]
    assert list(search(limit=3)["name"]) == ["stray", "twin", "twin"]
    found = search("metrics.r2 > 0.2 and params.kind = 'ridge'", order_by=["metrics.r2 DESC"])
    assert list(found["metrics.r2"]) == [1.0, 0.5, 0.25]
    assert set(ExperimentTracker(experiment="side").search()["name"]) == {'alone\'s "run"', "stray"}
    assert search("metrics.r2 > 99").empty
    for bad in (
        {"filter": "nonsense"},
        {"filter": "attributes.shape = 'x'"},
        {"filter": "params.a = 3"},
        {"order_by": ["n DOWN"]},
    ):
        with pytest.raises(StudyError, match="MLflow cannot read this search: ") as no:
            search(**bad)  # type: ignore[arg-type]
        assert not isinstance(no.value, StoreError) and "\n" not in str(no.value)
        assert len(str(no.value)) < 120


def test_the_command_line_shows_them(
    study: Study, runs: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """`experiments`, `search` and `compare`, as a table and as JSON."""

    def said(*argv: str) -> str:
        assert main([*argv]) == 0
        return capsys.readouterr().out

    assert [one["name"] for one in json.loads(said("experiments", "--limit", "2", "--json"))] == [
        "stray", "twin",
    ]  # fmt: skip
    options = ["--filter", "metrics.r2 > 0.1", "--order-by", "metrics.r2 DESC", "--limit", "2"]
    found = json.loads(said("search", *options, "--json"))
    assert [one["metrics"]["r2"] for one in found] == [1.0, 0.5]
    assert said("search", *options).splitlines()[1].startswith(found[0]["run_id"][:8])
    header, first, *_ = said("search", *options).splitlines()
    assert header.split() == ["run", "name", "started", "status", "commit", "r2", "n"]
    assert first.split()[1] == "twin"
    assert said("search", "--filter", "metrics.acuracy > 0") == "no run matches\n"
    assert [one["run_id"] for one in json.loads(said("compare", "one", "two", "--json"))] == [
        runs["one"], runs["two"],
    ]  # fmt: skip
    lines = said("compare", "one", "two").splitlines()
    assert lines[0].split() == ["one", "two"]
    assert lines[1].split() == ["run", runs["one"][:8], runs["two"][:8]]
    names = [line.split()[0] for line in lines[6:] if line]
    assert names == ["r2", "alpha", "text", "n", "kind"]  # what differs first
    assert max(map(len, lines)) < 100
    assert main(["compare", "exp9"]) == 1
    assert capsys.readouterr().err.startswith("error: no such run or experiment: exp9; the latest")


def test_json_holds_no_nan(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    """Most programs cannot read it; the table can."""
    tracker = ExperimentTracker()
    with tracker.start_run("odd"):
        tracker.log_metrics({"a": math.nan, "b": math.inf, "c": 1})
    main(["compare", "odd", "--json"])
    strict: Any = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert strict[0]["metrics"] == {"a": None, "b": None, "c": 1.0}
    main(["compare", "odd"])
    shown = [line.split()[1] for line in capsys.readouterr().out.splitlines()[-3:]]
    assert shown == ["nan", "inf", "1"]


def test_a_store_that_breaks_hides_no_error(
    study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the block raises says more than that its run could not be ended."""
    tracker = ExperimentTracker()
    with pytest.raises(ZeroDivisionError), tracker.start_run():
        Path("mlflow.db").write_text("no database, but long enough to be looked into\n" * 99)
        raise ZeroDivisionError
    assert "warning: the MLflow store failed" in capsys.readouterr().err


def test_runs_without_metrics_compare() -> None:
    """Nothing to show but what they are."""
    row: dict[str, Any] = {
        "run_id": "a" * 32, "name": "x", "started": "2026-01-02T03:04:05+01:00", "commit": "c" * 40,
        "status": "FAILED", "failed_stage": "fit", "dirty": True, "metrics": {}, "params": {},
    }  # fmt: skip
    assert comparison([row]).splitlines()[3:5] == ["status   FAILED (fit)", "commit   cccccccc+"]
