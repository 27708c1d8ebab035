"""Metrics and parameters of two revisions, with nothing checked out."""

from __future__ import annotations

import json
import math
import re
import shutil
from pathlib import Path

import pytest
from data_versioning.cli import main
from data_versioning.command import capture
from data_versioning.errors import StudyError
from data_versioning.pipeline.manager import reproduce
from data_versioning.pipeline.metrics import MetricsComparator
from data_versioning.study import Study

from tests.conftest import git

PIPELINE = """\
stages:
  score:
    matrix:
      set: [train, test]
    cmd: cp ${item.set}.txt ${item.set}.json
    deps:
      - ${item.set}.txt
    metrics:
      - ${item.set}.json
  sum:
    cmd: cp sum.txt results/sum.yaml
    params:
      - lr
      - more.toml: [depth]
    deps: [sum.txt]
    metrics:
      - results/sum.yaml: {cache: false}
"""
TRAIN = {"accuracy": 0.75, "test": {"f1": 0.5, "r2": 1}, "name": "ridge", "flag": True, "gone": 1}
TEST = {"accuracy": 0.5, "loss": math.nan}


def write(root: Path, files: dict[str, str]) -> None:
    """Write files, reproduce and commit."""
    for path, content in files.items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(content)
    capture(["dvc", "repro", "--quiet"], root)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "results")
    capture(["dvc", "push", "--quiet"], root)


@pytest.fixture
def history(study: Study, tmp_path: Path) -> Study:
    """A study whose last two commits have metrics, some kept by DVC alone, in a remote."""
    (tmp_path / "storage").mkdir()
    capture(["dvc", "remote", "add", "--default", "storage", str(tmp_path / "storage")], study.root)
    (study.root / "results").mkdir()
    first = {
        "dvc.yaml": PIPELINE, "params.yaml": "lr: 1e-3\nrate: 1\nkind: {a: [1, 2]}\n",
        "more.toml": "depth = 2\n", "sum.txt": "r2: 0.25\n",
        "train.txt": json.dumps(TRAIN), "test.txt": json.dumps(TEST),
    }  # fmt: skip
    write(study.root, first)
    git(study.root, "tag", "-a", "v1", "-m", "one")
    second = {
        "params.yaml": "lr: 2e-3\nrate: 1\nkind: {a: [1, 3], b: x}\n", "more.toml": "depth = 30\n",
        "train.txt": json.dumps(
            TRAIN | {"accuracy": 0.8, "test": {"f1": 0.6}, "name": "lasso", "new|one": 2}
        ).replace(', "gone": 1', ""),
        "test.txt": json.dumps(TEST | {"accuracy": 0.625, "loss": math.inf}),
    }  # fmt: skip
    write(study.root, second)
    return study


def test_two_revisions(history: Study, capfd: pytest.CaptureFixture[str]) -> None:
    """Every metric, every changed parameter, from git, DVC's cache and the remote."""
    shutil.rmtree(history.root / ".dvc/cache")
    (history.root / "train.json").unlink()
    before = git(history.root, "status", "--porcelain")
    diff = MetricsComparator().diff("v1", "HEAD")
    assert git(history.root, "status", "--porcelain") == before
    assert not (history.root / "train.json").exists()

    values = {change.full_name: (change.old, change.new) for change in diff.metrics}
    assert math.isnan(values.pop("test.json:loss")[0])
    assert values == {
        "results/sum.yaml:r2": (0.25, 0.25),
        "test.json:accuracy": (0.5, 0.625),
        "train.json:accuracy": (0.75, 0.8),
        "train.json:flag": (True, True),
        "train.json:gone": (1, None),
        "train.json:name": ("ridge", "lasso"),
        "train.json:new|one": (None, 2),
        "train.json:test.f1": (0.5, 0.6),
        "train.json:test.r2": (1, None),
    }
    params = {change.full_name: (change.old, change.new) for change in diff.params}
    assert params == {
        "more.toml:depth": (2, 30),
        "params.yaml:kind.a": ([1, 2], [1, 3]),
        "params.yaml:kind.b": (None, "x"),
        "params.yaml:lr": (0.001, 0.002),
    }
    assert f"{diff['test.json:accuracy']:+.2%}" == "+12.50%"
    assert f"{diff['f1']:+.2f}" == "+0.10"
    assert diff["test.f1"] == diff["train.json:test.f1"]
    assert diff["r2"] == 0
    assert math.isnan(diff["loss"])
    for name, message in {
        "accuracy": "several metrics are called accuracy: test.json:accuracy, train.json:accuracy",
        "new|one": r"no metric new\|one in v1: train.json",
        "gone": "no metric gone in HEAD: train.json",
        "name": "not a number: name: 'ridge' and 'lasso'",
        "flag": "not a number: flag: True and True",
        "acc": "no metric acc: there is r2, accuracy, loss, accuracy, flag, gone, name",
    }.items():
        with pytest.raises(StudyError, match=message):
            diff[name]
        with pytest.raises(KeyError):
            diff[name]

    rows = [line.split() for line in diff.table().splitlines()]
    assert rows[0] == ["metric", "v1", "HEAD", "difference"]
    assert ["train.json:accuracy", "0.75", "0.8", "+0.05"] in rows
    assert ["gone", "1", "-", "-"] in rows
    assert ["loss", "nan", "inf", "+nan"] in rows
    assert ["lr", "0.001", "0.002", "+0.001"] in rows
    assert r"| new\|one | - | 2 | - |" in diff.markdown().splitlines()
    assert diff.markdown().splitlines()[1] == "| --- | ---: | ---: | ---: |"

    assert main(["diff", "v1", "HEAD", "--json"]) == 0
    printed = json.loads(capfd.readouterr().out, parse_constant=pytest.fail)
    assert printed == diff.as_dict()
    assert (printed["baseline"], printed["comparison"]) == ("v1", "HEAD")
    loss = {"file": "test.json", "name": "loss", "old": "nan", "new": "inf", "difference": "nan"}
    assert loss in printed["metrics"]
    assert main(["diff", "v1", "HEAD", "--markdown"]) == 0
    assert capfd.readouterr().out.strip() == diff.markdown()


def test_the_workspace(history: Study, capfd: pytest.CaptureFixture[str]) -> None:
    """By default the files on disk against the last commit; one without metrics has none."""
    (history.root / "results/sum.yaml").write_text("r2: 0.5\n")
    diff = MetricsComparator(history.root / "results").diff()
    assert (diff.baseline, diff.comparison, diff["r2"]) == ("HEAD", "workspace", 0.25)
    assert diff.params == ()
    start = MetricsComparator().diff("HEAD~2", "HEAD")
    assert start.metric("r2").old is None
    assert start.metric("r2").new == 0.25
    nothing = MetricsComparator().diff("HEAD~2", "HEAD~2").table()
    assert nothing == "no metrics, and no parameter changed"
    assert main(["diff"]) == 0
    assert "workspace" in capfd.readouterr().out

    for rev in ("nonsense", "--all"):
        with pytest.raises(StudyError, match=f"no such revision: {rev}"):
            MetricsComparator().diff(rev)
    for rev in ("^HEAD", "", "HEAD\nHEAD"):
        shown = rev if rev == "^HEAD" else repr(rev)
        with pytest.raises(StudyError, match=f"(?m)no such revision: {re.escape(shown)}$"):
            MetricsComparator().diff(rev)
    for deep in ('{"a": ' * 500 + "1" + "}" * 500, "[" * 100_000):
        (history.root / "train.json").write_text(deep)
        with pytest.raises(StudyError, match=r"(nested|not valid JSON).*: train\.json"):
            MetricsComparator().diff()
    (history.root / "train.json").write_text("{")
    with pytest.raises(StudyError, match=r"not valid JSON: train\.json: "):
        MetricsComparator().diff()
    assert main(["diff"]) == 1
    shutil.rmtree(history.root / ".dvc/cache")
    shutil.rmtree(history.root.parent / "storage")
    with pytest.raises(
        StudyError, match=r"(?m)neither in .* nor in a remote .*: test\.json at \w{8}$"
    ):
        MetricsComparator().diff("v1", "HEAD")


def test_the_science(science: Study) -> None:
    """The run of a study, changed by one parameter."""
    before = MetricsComparator().diff()
    assert [change.difference for change in before.metrics] == [0, 0]
    reproduce(science, quiet=True, params={"train.alpha": 1.0})
    diff = MetricsComparator().diff()
    assert diff["accuracy"] == pytest.approx(0.5 * (36 + 45 + 50) / 3 / 100)
    assert [(c.name, c.difference) for c in diff.params] == [("train.alpha", 0.5)]
