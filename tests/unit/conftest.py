"""Small studies: real git, DVC and MLflow, no template."""

from __future__ import annotations

import fcntl
import io
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from data_versioning import cli
from data_versioning.command import capture
from data_versioning.pipeline.manager import reproduce
from data_versioning.study import Study

from tests.conftest import ROOT, git
from tests.once import made_once
from tests.unit.warm_dvc import Warm, warm_dvc

T = TypeVar("T")
Say = Callable[..., tuple[int, str, str]]

SETTINGS = {
    "study.yaml": "large_file_mb: 0.001\n",
    ".copier-answers.yml": "slug: my-study\n",
    ".gitignore": "/mlflow.db*\n/mlartifacts/\n",
}
COPYING = {
    "in.txt": "data\n",
    "params.yaml": "rate: 1\n",
    "dvc.yaml": "stages:\n  copy:\n    cmd: cp in.txt out.txt\n"
    "    deps: [in.txt]\n    outs: [out.txt]\n",
}
# Standard library only, so that a stage costs no more than a start of Python.
SCIENCE = {
    "study.yaml": SETTINGS["study.yaml"]
    + "datasets:\n  - path: data/prepared.csv\n    context: training\n",
    "params.yaml": "prepare:\n  rows: 3 # of five\ntrain:\n  alpha: 0.5\n  name: ridge\n",
    "src/prepare.py": """\
from pathlib import Path
rows = int(Path("params.yaml").read_text().split("rows: ")[1].split()[0])
lines = Path("data/raw/people.csv").read_text().splitlines()
Path("data/prepared.csv").write_text("\\n".join(lines[: rows + 1]) + "\\n")
""",
    "src/train.py": """\
import json
from pathlib import Path
alpha = float(Path("params.yaml").read_text().split("alpha: ")[1].split()[0])
ages = [int(line.split(",")[1]) for line in Path("data/prepared.csv").read_text().split()[1:]]
Path("models").mkdir(exist_ok=True)
Path("models/model.json").write_text(json.dumps({"mean": alpha * sum(ages) / len(ages)}))
""",
    "src/evaluate.py": """\
import json
from pathlib import Path
mean = json.loads(Path("models/model.json").read_text())["mean"]
Path("results").mkdir(exist_ok=True)
Path("results/metrics.json").write_text(json.dumps({"accuracy": mean / 100, "f1": 0.5}))
Path("results/predictions.csv").write_text(f"prediction\\n{mean}\\n")
""",
    "dvc.yaml": """\
stages:
  prepare:
    cmd: python src/prepare.py
    deps:
      - data/raw/people.csv
      - src/prepare.py
    params:
      - prepare
    outs:
      - data/prepared.csv
  train:
    cmd: python src/train.py
    deps:
      - data/prepared.csv
      - src/train.py
    params:
      - train
    outs:
      - models/model.json
  evaluate:
    cmd: python src/evaluate.py
    deps:
      - models/model.json
      - src/evaluate.py
    outs:
      - results/predictions.csv
    metrics:
      - results/metrics.json:
          cache: false
""",
    "data/raw/people.csv": "name,age\nada,36\ngrace,45\nmary,50\njoan,60\nrosa,70\n",
}


@pytest.fixture
def say(capfd: pytest.CaptureFixture[str]) -> Say:
    """`say("prove", ...)` calls a verb; returns its status and what it wrote."""

    def say(*argv: str) -> tuple[int, str, str]:
        capfd.readouterr()
        status = cli.main(argv)
        return status, *capfd.readouterr()

    return say


@pytest.fixture(scope="session")
def warm(isolated_settings: Path) -> Iterator[Warm]:
    """A `dvc` that starts at once."""
    with warm_dvc(ROOT / ".venv") as programs:
        yield programs


@pytest.fixture
def tools(warm: Warm, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands find the tools of this repository's environment."""
    path = (str(warm.path), str(ROOT / ".venv/bin"), os.environ["PATH"])
    monkeypatch.setenv("PATH", os.pathsep.join(path))
    monkeypatch.setenv("VIRTUAL_ENV", str(ROOT / ".venv"))
    monkeypatch.setenv("EDITOR", "vi")
    monkeypatch.setattr(sys, "executable", str(warm.python))


@pytest.fixture
def study(
    tools: None,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Study:
    """A study with one commit, one stage that copies `in.txt` to `out.txt`, and DVC."""

    def make(root: Path) -> None:
        start(root, SETTINGS | COPYING)
        _commit(root, "start")

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)  # which MLflow itself sets
    return copied(made_once(tmp_path_factory, "copying", make), tmp_path, monkeypatch)


@pytest.fixture
def science(
    tools: None,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Study:
    """A study of three stages, prepare, train and evaluate, on data tracked by DVC.

    Reproduced, logged as one MLflow run, committed, and pushed to the remote `storage`, a folder
    beside the study.
    """

    def make(folder: Path) -> None:
        root = folder / "study"
        root.mkdir()
        start(root, SETTINGS | SCIENCE)
        (folder / "storage").mkdir()
        capture(["dvc", "remote", "add", "--default", "storage", "../storage"], root)
        capture(["dvc", "add", "--quiet", "data/raw/people.csv"], root)
        _commit(root, "data: add people")
        reproduce(Study(root), quiet=True)
        _commit(root, "feat: first results")
        capture(["dvc", "push", "--quiet"], root)

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)  # which MLflow itself sets
    made = made_once(tmp_path_factory, "science", make)
    shutil.copytree(made / "storage", tmp_path / "storage")
    return copied(made / "study", tmp_path, monkeypatch)


def waited(lock: Path, call: Callable[[], T], patch: pytest.MonkeyPatch) -> tuple[T, str]:
    """Return what a call returns, and tells, while another process holds a lock.

    That lets go of it as soon as it is told that the call waits.

    Args:
        lock: The file that the other process has locked.
        call: What waits.
        patch: Takes what is told.
    """

    class Told(io.StringIO):
        def write(self, text: str) -> int:
            if "waiting for process" in text:
                fcntl.flock(held, fcntl.LOCK_UN)
            return super().write(text)

    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text("4242")
    with lock.open("a") as held, patch.context() as context, Told() as told:
        fcntl.flock(held, fcntl.LOCK_EX)
        context.setattr(sys, "stderr", told)
        return call(), told.getvalue()


def edit(path: Path, old: str, new: str) -> None:
    """Replace a text in a file that holds it."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def start(root: Path, files: dict[str, str]) -> None:
    """Write the files of a study, and begin with git and DVC."""
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)
    git(root, "init", "--quiet")
    capture(["dvc", "init", "--quiet"], root)
    capture(["dvc", "config", "core.analytics", "false"], root)
    capture(["dvc", "config", "core.autostage", "true"], root)


def _commit(root: Path, message: str) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", message)


def copied(made: Path, to: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """Copy a study that was made once, and go there."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)  # which MLflow itself sets
    root = to / "my study"
    shutil.copytree(made, root, symlinks=True)
    monkeypatch.chdir(root)
    return Study(root)
