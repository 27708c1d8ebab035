"""`@track_experiment`: every call of a function is a run."""

from __future__ import annotations

import inspect
import math
import subprocess
import sys
from argparse import Namespace
from collections import namedtuple
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import mlflow
import numpy
import pandas
import pytest
from data_versioning import load_params
from data_versioning.errors import StudyError
from data_versioning.experiments import store
from data_versioning.experiments.decorator import track_experiment
from data_versioning.experiments.run_search import search
from data_versioning.experiments.tracker import ExperimentTracker
from data_versioning.pipeline.manager import reproduce
from data_versioning.study import Study
from mlflow.entities import Run

from tests.conftest import ROOT


def last(study: Study, experiment: str | None = None) -> Run:
    """Return the newest run."""
    experiment_id = store.setup_mlflow(study, experiment)
    (run,) = mlflow.MlflowClient().search_runs([experiment_id], max_results=1)
    return run


def test_a_call_is_a_run(study: Study) -> None:
    """With the arguments of the call and the numbers that it returned."""

    @track_experiment("my_analysis")
    def run_analysis(data: str, alpha: float = 0.05, *rest: int, seed: int = 1, **more: Any) -> Any:
        """Analyse."""
        return {"p": alpha / 10, "deep": {"n": numpy.int64(3), "who": "me"}, "seed": seed}

    assert run_analysis("a.csv", 0.1, 7, 8, note="x") == {
        "p": 0.01, "deep": {"n": 3, "who": "me"}, "seed": 1,
    }  # fmt: skip
    run = last(study, "my_analysis")
    assert run.info.run_name == "run_analysis" and run.info.status == "FINISHED"
    assert run.data.params == {
        "data": "a.csv", "alpha": "0.1", "rest.0": "7", "rest.1": "8", "seed": "1", "note": "x",
    }  # fmt: skip
    assert run.data.metrics == {"p": 0.01, "deep.n": 3, "seed": 1}
    assert run.data.tags["git.commit"]
    run_analysis("b.csv")
    assert last(study, "my_analysis").data.params["alpha"] == "0.05"
    assert (run_analysis.__name__, run_analysis.__doc__) == ("run_analysis", "Analyse.")
    assert list(inspect.signature(run_analysis).parameters) == [
        "data", "alpha", "rest", "seed", "more",
    ]  # fmt: skip


def test_all_spellings_and_methods(study: Study) -> None:
    """Bare, called, on methods, class methods and static ones; `self` is no argument."""

    class Model:
        @track_experiment
        def fit(self, rate: float) -> float:
            return rate

        @classmethod
        @track_experiment()
        def make(cls, size: int = 2) -> int:
            return size

        @staticmethod
        @track_experiment(None)
        def score(size: int) -> int:
            return size

    assert (Model().fit(0.5), Model.make(), Model.score(4)) == (0.5, 2, 4)
    runs = search(study)
    assert [(run["name"], run["params"], run["metrics"]) for run in runs[::-1]] == [
        ("fit", {"rate": "0.5"}, {"result": 0.5}),
        ("make", {"size": "2"}, {"result": 2.0}),
        ("score", {"size": "4"}, {"result": 4.0}),
    ]


@dataclass
class Scores:
    """A result."""

    r2: float
    label: str
    extra: dict[str, float]


Pair = namedtuple("Pair", "low high")


def test_numbers_in_results_are_metrics(study: Study) -> None:
    """And nothing else; the result itself is handed on. NaN and infinity are numbers too."""

    @track_experiment
    def give(result: Any) -> Any:
        return result

    odd = {"a": math.inf, "b": -math.inf}
    for result, metrics in (
        (Scores(0.5, "x", {"a": 1}), {"r2": 0.5, "extra.a": 1}),
        (
            {"interval": Pair(1, numpy.float32(2.5)), 3: True},
            {"interval.low": 1, "interval.high": 2.5, "3": 1},
        ),
        (Fraction(1, 4), {"result": 0.25}),
        (numpy.array(2.0), {"result": 2.0}),
        ({"curve": [1, 2], "text": "3", "none": None, "big": 10**400, "an": numpy.ones(3)}, {}),
        (odd, odd),
        (None, {}),
        ((1, 2), {}),
        ("3", {}),
        (Scores, {}),
    ):
        assert give(result) is result
        (row,) = search(study, limit=1)
        assert row["metrics"] == metrics and row["status"] == "FINISHED"
    give(math.nan)
    assert math.isnan(search(study, limit=1)[0]["metrics"]["result"])


def test_arguments_are_described_rather_than_printed(study: Study) -> None:
    """Data by shape and content, objects by class, secrets not at all."""

    @track_experiment
    def fit(*args: Any, **kwargs: Any) -> None:
        assert kwargs.get("api_key", "geheim") == "geheim"

    def logged(value: Any) -> str:
        fit(value=value)
        return last(study).data.params["value"]

    frame = pandas.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]})
    same, other = frame.copy(), frame.replace("y", "z")
    assert logged(frame).startswith("DataFrame (2, 2) md5=")
    assert logged(frame) == logged(same) != logged(other)
    assert logged(frame) != logged(frame.rename(columns={"a": "c"}))
    assert logged(frame["a"]).startswith("Series (2,) md5=")
    assert logged(pandas.DataFrame({"a": [[1], [2]]})) == "DataFrame (2, 1)"
    assert logged(numpy.zeros((3, 4))) != logged(numpy.ones((3, 4)))
    assert logged(numpy.zeros((3, 4))).startswith("ndarray (3, 4) md5=")
    assert logged(numpy.array([None, object()])) == "ndarray (2,)"
    assert logged(numpy.float32(0.5)) == "0.5"
    assert logged([1, "a"]) == "[1, 'a']" and logged(Path("a/b")) == "a/b"
    assert logged(list(range(1000))) == "list of 1000"
    assert logged(object()) == "builtins.object"
    assert logged(math.sqrt) == "math.sqrt" and logged(Scores).endswith(".Scores")
    assert logged({1, 2}) == "{1, 2}" and logged(None) == "None"
    fit(load_params(study.root / "params.yaml"), api_key="geheim", config={"password": "geheim"})
    assert last(study).data.params == {
        "args.0.rate": "1", "api_key": "***", "config.password": "***",
    }  # fmt: skip


@dataclass
class Account:
    """An argument with a secret."""

    user: str
    api_token: str


def test_secrets_are_masked_wherever_they_are(study: Study) -> None:
    """In nested containers, named tuples, data classes and addresses; by hand as by decorator."""

    @track_experiment
    def fit(**options: Any) -> None:
        assert options["github_token_prod"] == "geheim"

    options = {
        "github_token_prod": "geheim",
        "config": {"deep": [{"AccessKey": "geheim", "n": 1}], "pwd": ["geheim"]},
        "account": Account("ada", "geheim"),
        "args": Namespace(db_password="geheim", rate=1),
        "pair": (Account("ada", "geheim"), 2),
        "url": "postgres://ada:geh@eim@host/base",
        "urls": ["http://host:80/a@b", "https://ada:geheim@host"],
        "max_tokens": 9,
        "tokenizer": "bpe",
    }
    logged = {
        "github_token_prod": "***",
        "config.deep": "[{'AccessKey': '***', 'n': 1}]",
        "config.pwd": "***",
        "account.user": "ada",
        "account.api_token": "***",
        "args.db_password": "***",
        "args.rate": "1",
        "pair": "({'user': 'ada', 'api_token': '***'}, 2)",
        "url": "postgres://***@host/base",
        "urls": "['http://host:80/a@b', 'https://***@host']",
        "max_tokens": "9",
        "tokenizer": "bpe",
    }
    fit(**options)
    assert last(study).data.params == logged
    tracker = ExperimentTracker()
    with tracker.start_run():
        tracker.log_params(options)
    assert last(study).data.params == logged


class Mute:
    """An argument that has no text."""

    def __str__(self) -> str:
        """Refuse."""
        raise ValueError("no text")

    __repr__ = __str__


def test_no_argument_and_no_result_is_too_odd_to_log(
    study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    """An argument without a text is named by its type; a result is returned whatever it holds."""

    @track_experiment
    def fit(**odd: Any) -> Any:
        return odd["loop"]

    loop: dict[str, Any] = {"n": 1}
    loop["again"] = loop
    odd = {
        "loop": loop,
        "mute": Mute(),
        "mock": Mock(),
        "kind": pandas.DataFrame,
        "array": pandas.array([1, 2]),
        "mutes": [Mute()],
    }
    assert fit(**odd) is loop
    (said,) = [line for line in capsys.readouterr().err.splitlines() if " INFO " not in line]
    assert said.startswith("warning: fit is not logged: maximum recursion depth")
    assert last(study).info.status == "FINISHED"
    params = last(study).data.params
    assert params["loop.n"] == "1" and params["loop.again"] == "builtins.dict"
    assert params["mute"].endswith(".Mute") and params["mock"] == "unittest.mock.Mock"
    assert params["kind"].endswith(".DataFrame") and params["array"].endswith("IntegerArray")
    assert params["mutes"] == "builtins.list"
    tracker = ExperimentTracker()
    with tracker.start_run():
        tracker.log_params(odd)
    assert last(study).data.params["loop.again"] == "builtins.dict"
    assert last(study).data.params["mute"].endswith(".Mute")


def test_what_is_raised_goes_on(study: Study) -> None:
    """The very same exception; the run has FAILED. Wrong arguments make no run."""
    error = KeyError("no")

    @track_experiment
    def fail(a: int) -> None:
        raise error

    with pytest.raises(KeyError) as caught:
        fail(1)
    assert caught.value is error
    assert last(study).info.status == "FAILED" and last(study).data.params == {"a": "1"}
    with pytest.raises(TypeError, match=r"missing 1 required positional argument: 'a'"):
        fail()  # type: ignore[call-arg]
    assert len(search(study)) == 1


def test_calls_inside_calls_are_nested_runs(study: Study) -> None:
    """Also inside a run that was started by hand, and by MLflow."""

    @track_experiment
    def inner(i: int) -> int:
        return i

    @track_experiment
    def outer() -> int:
        return inner(1) + inner(2)

    assert outer() == 3
    with ExperimentTracker().start_run("hand"):
        inner(3)
    with mlflow.start_run(run_name="mlflow", experiment_id=store.setup_mlflow(study)):
        inner(4)
    runs = mlflow.MlflowClient().search_runs([store.setup_mlflow(study)])
    names = {run.info.run_id: run.info.run_name for run in runs}
    parents = {
        (run.info.run_name, run.data.params.get("i")): names.get(
            run.data.tags.get("mlflow.parentRunId", "")
        )
        for run in runs
    }
    assert parents == {
        ("outer", None): None,
        ("inner", "1"): "outer",
        ("inner", "2"): "outer",
        ("hand", None): None,
        ("inner", "3"): "hand",
        ("mlflow", None): None,
        ("inner", "4"): "mlflow",
    }


def test_what_cannot_be_tracked_is_refused_at_once() -> None:
    """A class, generators and asynchronous functions."""

    def generator() -> Iterator[int]:
        yield 1

    async def later() -> None: ...

    async def stream() -> Any:
        yield 1

    for function, kind in (
        (generator, "a generator: generator"),
        (later, "an asynchronous function: later"),
        (stream, "an asynchronous generator: stream"),
        (Scores, "a class: Scores"),
    ):
        for decorate in (track_experiment, track_experiment("x")):
            with pytest.raises(StudyError, match=f"cannot track {kind}"):
                decorate(function)  # type: ignore[operator]


def test_a_store_that_breaks_costs_no_result(
    study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    """The work is done; only the run is lost, and that is said. Before the work, it is an error."""
    calls = []

    @track_experiment
    def fit() -> float:
        calls.append(1)
        Path("mlflow.db").write_text("no database, but long enough to be looked into\n" * 99)
        return 0.5

    assert fit() == 0.5
    assert "warning: fit is not logged: the MLflow store failed" in capsys.readouterr().err
    with pytest.raises(StudyError, match="the MLflow store failed"):
        fit()
    assert len(calls) == 1


def test_stages_log_into_the_run_of_the_reproduction(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first call of each stage joins it; one that shares an argument gets a prefix."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "template/src"))
    for name, rate in (("train", 1), ("evaluate", 2)):
        (study.root / f"{name}.py").write_text(
            "from data_versioning import track_experiment\n@track_experiment\n"
            f"def {name}(rate, {name}_only=True):\n    return {{'{name}': rate}}\n"
            f"{name}({rate})\nopen('{name}', 'w')\n"
        )
    (study.root / "dvc.yaml").write_text(
        "stages:\n  train:\n    cmd: python train.py\n    outs: [train]\n"
        "  evaluate:\n    cmd: python evaluate.py\n    deps: [train]\n    outs: [evaluate]\n"
    )
    (study.root / "params.yaml").unlink()
    run_id = reproduce(study, quiet=True).run_id
    (row,) = search(study)
    assert row["run_id"] == run_id and row["status"] == "FINISHED"
    assert row["metrics"] == {"train": 1, "evaluate": 2}
    assert row["params"] == {
        "rate": "1",
        "train_only": "True",
        "evaluate.rate": "2",
        "evaluate.evaluate_only": "True",
    }


def test_decorating_imports_nothing_heavy() -> None:
    """A module with a tracked function is as quick to import as before."""
    program = (
        "import sys\nfrom data_versioning import track_experiment\n"
        "@track_experiment\ndef f(): pass\n"
        "print([m for m in ('mlflow', 'pandas', 'numpy', 'yaml', 'dvc') if m in sys.modules])"
    )
    environment = {"PYTHONPATH": str(ROOT / "template/src")}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
