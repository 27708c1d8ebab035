"""`make repro`: what runs, what does not, and what a researcher reads when something is wrong."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.conftest import git
from tests.project.conftest import clone_study, copy_study, run, user_environment

REPRO = (".venv/bin/python", "-m", "data_versioning", "repro")
EXAMPLE = "body_mass_and_diabetes_progression"


def edit(path: Path, pattern: str, replacement: str) -> None:
    """Replace the one place of a file that a pattern finds."""
    text, found = re.subn(pattern, replacement, path.read_text(encoding="utf-8"))
    assert found == 1, f"{path}: {found} places match {pattern}"
    path.write_text(text, encoding="utf-8")


def stages_run(output: str) -> list[str]:
    """Return the stages whose command ran, in order."""
    return re.findall(r"^Running stage '([^']+)'", output, re.MULTILINE)


def outputs(root: Path) -> dict[str, bytes]:
    """Return the content of every file that the pipeline wrote, and of `dvc.lock`."""
    stages = yaml.safe_load((root / "dvc.lock").read_text())["stages"].values()
    paths = [out["path"] for stage in stages for out in stage["outs"]]
    assert len(paths) == 13
    return {path: (root / path).read_bytes() for path in [*paths, "dvc.lock"]}


def cache_file(root: Path, path: str) -> Path:
    """Return the file in DVC's cache that holds an output."""
    stages = yaml.safe_load((root / "dvc.lock").read_text())["stages"].values()
    (md5,) = (str(out["md5"]) for stage in stages for out in stage["outs"] if out["path"] == path)
    return root / ".dvc/cache/files/md5" / md5[:2] / md5[2:]


def damage(file: Path) -> None:
    """Change a read-only file as a failing disk would: its mode stays."""
    file.chmod(0o644)
    file.write_bytes(b"damaged" + file.read_bytes()[7:])
    file.chmod(0o444)


def is_read_only(file: Path) -> bool:
    """Tell whether nobody may write a file."""
    return not file.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)


@pytest.fixture(scope="module")
def broken_study(reproduced_study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study to break; each test mends it with git."""
    return copy_study(reproduced_study, tmp_path_factory.mktemp("broken") / "study")


def test_only_what_depends_on_a_change_runs(study: Path) -> None:
    """Nothing runs after no change, and after a change only what depends on it.

    A file that broke in DVC's cache meanwhile is noticed on the way back, and made again.
    """
    first = outputs(study)
    model = cache_file(study, "models/model.joblib")
    nothing = run(study, "make", "repro").stdout
    assert stages_run(nothing) == []
    assert "nothing changed, nothing logged" in nothing

    edit(study / "params.yaml", r"dpi: 300", "dpi: 72")
    assert stages_run(run(study, "make", "repro").stdout) == ["figures"]
    changed = {path for path, content in outputs(study).items() if content != first[path]}
    assert {Path(path).parent for path in changed - {"dvc.lock"}} == {Path("results/figures")}

    edit(study / "params.yaml", r"alpha: 10.0", "alpha: 500")
    ran = run(study, "make", "repro").stdout
    assert stages_run(ran) == ["train", "evaluate", "figures"]

    damage(model)
    git(study, "restore", "params.yaml")
    back = run(study, "make", "repro")
    assert f"warning: damaged in DVC's cache, so made again: {model}" in back.stderr
    assert "train" in stages_run(back.stdout)
    assert outputs(study) == first
    assert git(study, "status", "--porcelain") == ""


def test_code_is_a_dependency(study: Path) -> None:
    """An edited module runs its own stage again, and no later one when its output is the same."""
    module = next(study.glob("src/*/figures.py")).with_name("train.py")
    module.write_text(module.read_text() + "\n# A remark.\n")
    ran = run(study, *REPRO, "--json")
    assert stages_run(ran.stdout) == []  # standard output is for programs
    assert json.loads(ran.stdout)["changed"] is True
    assert "models/model.joblib: ridge" in ran.stderr
    assert "coefficients; results" not in ran.stderr


def test_deleted_and_damaged_files_come_back(study: Path) -> None:
    """Deleted outputs are restored, raw data read-only; damaged cache files are never believed."""
    first = outputs(study)
    raw = study / "data/raw/diabetes.csv"
    assert is_read_only(raw)
    shutil.rmtree(study / "results")
    raw.unlink()
    run(study, "make", "repro")
    assert outputs(study) == first
    assert is_read_only(raw)

    for path in ("models/model.joblib", "data/raw/diabetes.csv"):
        file = cache_file(study, path)
        damage(file)
        (study / path).unlink()
        again = run(study, "make", "repro")
        assert f"made again: {file}" in again.stderr
        assert outputs(study) == first
        assert is_read_only(raw)
    assert git(study, "status", "--porcelain") == ""


def test_a_clone_gets_the_results_without_computing(reproduced_study: Path, tmp_path: Path) -> None:
    """After `make pull` in a fresh clone no stage runs and no run is logged."""
    clone = clone_study(reproduced_study, tmp_path / "clone")
    storage = f"{EXAMPLE.replace('_', '-')}-storage"
    (tmp_path / storage).symlink_to(reproduced_study.parent / storage)
    run(clone, "make", "pull")
    assert outputs(clone) == outputs(reproduced_study)
    assert is_read_only(clone / "data/raw/diabetes.csv")
    done = run(clone, *REPRO, "--json")
    result = json.loads(done.stdout)
    assert (result["changed"], result["run_id"]) == (False, None)
    assert {stage["outcome"] for stage in result["stages"]} == {"skipped"}
    assert "Running stage" not in done.stderr
    assert git(clone, "status", "--porcelain") == ""


def test_a_second_computation_gives_the_same_bytes(reproduced_study: Path, tmp_path: Path) -> None:
    """Elsewhere, from the source alone, every result and `dvc.lock` come out byte for byte."""
    clone = clone_study(reproduced_study, tmp_path / "Étude à part")
    (clone / "dvc.lock").unlink()
    shutil.rmtree(clone / "results")
    ran = run(clone, "make", "repro").stdout
    assert stages_run(ran) == ["collect", "prepare", "train", "evaluate", "figures"]
    assert outputs(clone) == outputs(reproduced_study)


def test_a_killed_reproduction_goes_on(study: Path) -> None:
    """After SIGKILL amid a stage the same command finishes, and keeps what was done before."""
    edit(study / "params.yaml", r"alpha: 10.0", "alpha: 20")
    module = next(study.glob("src/*/evaluate.py"))
    pause = (
        "import os, time\n\n    if not os.path.exists('killed'):\n        time.sleep(600)\n\n    "
    )
    edit(module, r"rng = np.random.default_rng\(", f"{pause}rng = np.random.default_rng(")
    log = study / "killed.log"
    with log.open("w") as out:
        front = subprocess.Popen(
            ["make", "repro"], cwd=study, env=user_environment(), stdout=out, stderr=out,
            start_new_session=True,
        )  # fmt: skip
        try:
            wait_for(lambda: "Running stage 'evaluate'" in log.read_text())
        finally:
            os.killpg(front.pid, signal.SIGKILL)
            front.wait()
    (study / "killed").touch()
    ran = run(study, "make", "repro").stdout
    assert stages_run(ran) == ["evaluate", "figures"]
    assert "logged MLflow run" in ran
    assert "nothing changed" in run(study, "make", "repro").stdout


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something holds; the test's own time limit ends a wait in vain."""
    while not condition():
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("file", "pattern", "replacement", "message"),
    [
        (
            "params.yaml", r"alpha: 10.0", "alpha: high",
            "stage 'train' failed: params.yaml: train.alpha must be a number, got 'high'",
        ),
        (
            "params.yaml", r"  alpha: 10.0.*\n", "  beta: 1\n",
            "stage 'train' failed: params.yaml: train.alpha is missing",
        ),
        (
            "params.yaml", r"train:\n", "training:\n",
            "stage 'train' failed: Parameters 'train' are missing from 'params.yaml'",
        ),
        ("params.yaml", r"train:\n", "train: [\n", "not valid YAML"),
        ("dvc.yaml", r"  train:\n", "  train: {\n", "not valid YAML"),
        (
            "dvc.yaml", r"(\n +)cmd: (.*collect)\n", r"\1comand: \2\n",
            "dvc.yaml: extra keys not allowed, in stages -> collect -> comand, line",
        ),
    ],
    ids=["wrong type", "missing", "missing section", "broken params", "broken dvc", "wrong key"],
)  # fmt: skip
def test_a_mistake_is_named(
    broken_study: Path, file: str, pattern: str, replacement: str, message: str
) -> None:
    """A mistake ends in exit status 1 and one line that names the file and the key or line."""
    edit(broken_study / file, pattern, replacement)
    try:
        failed = run(broken_study, *REPRO, check=False)
    finally:
        git(broken_study, "restore", ".")
    assert failed.returncode == 1
    assert "Traceback" not in failed.stderr
    error = [line for line in failed.stderr.splitlines() if line.startswith("error: ")][-1]
    assert message in error
    assert file in error
    assert failed.stderr.splitlines()[-1].startswith("try: ")


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["repro", "--", "--nonsense"], ["experiments", "--limit", "0"]]
)
def test_wrong_usage_ends_in_2(broken_study: Path, arguments: list[str]) -> None:
    """Arguments that no command knows end in exit status 2 and name what is wrong."""
    failed = run(broken_study, *REPRO[:-1], *arguments, check=False)
    assert failed.returncode == 2
    assert arguments[-1] in failed.stderr
    assert "Traceback" not in failed.stderr
