"""The command line as such: help, pipes, names."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from data_versioning.cli import main
from data_versioning.study import Study

from tests.conftest import ROOT

TOOLING = {**os.environ, "PYTHONPATH": str(ROOT / "template/src")}


def test_help_is_grouped_and_imports_nothing_heavy() -> None:
    """Bare, it lists every verb by group, and starts neither DVC nor MLflow."""
    program = (
        "import sys; from data_versioning.cli import main\n"
        "try: main([])\n"
        "except SystemExit as end: print(end.code)\n"
        "heavy = {'dvc', 'mlflow', 'yaml', 'pandas', 'numpy', 'ruamel'} & sys.modules.keys()\n"
        "print('heavy:', sorted(heavy))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=TOOLING, check=True, capture_output=True, text=True
    )
    assert done.stdout.endswith("\n0\nheavy: []\n")
    groups = ["set-up:", "data:", "pipeline:", "experiments:", "models:", "lineage:", "health:"]
    assert [line for line in done.stdout.splitlines() if line in groups] == groups


def test_a_reader_who_has_seen_enough(tmp_path: Path) -> None:
    """`| head` ends in silence."""
    command = f"{sys.executable} -m data_versioning completion bash | head -c 1"
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=TOOLING, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("#", "")


@pytest.mark.parametrize("argv", [["no-such-verb"], ["registry"], ["fetch"], ["repro", "--set"]])
def test_bad_usage(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """It ends with 2 and says how the verb is used."""
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 2
    assert "usage: python -m data_versioning" in capsys.readouterr().err


def test_outside_of_a_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every verb that needs one says so in two lines."""
    monkeypatch.chdir(tmp_path)
    for argv in (["status"], ["repro"], ["registry", "list"], ["lineage", "x"], ["diff"]):
        assert main(argv) == 1
        said = capsys.readouterr().err.splitlines()
        assert said[0].startswith("error: no study.yaml here or above")
        assert said[1].startswith("try: cd ")


def test_a_mend_can_be_typed(
    study: Study, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also in a shell that has neither the study's environment nor an editor."""
    (study.root / "study.yaml").write_text("large_file_mb: 1\n")
    appended = "python -m data_versioning phase defaults >> study.yaml"
    assert main(["phase", "status"]) == 1
    assert f"try: {appended}\n" in capsys.readouterr().err
    for name in ("VIRTUAL_ENV", "EDITOR"):
        monkeypatch.delenv(name)
    assert main(["phase", "status"]) == 1
    assert f"try: .venv/bin/{appended}\n" in capsys.readouterr().err
    (study.root / "study.yaml").write_text("large_file_mb: [\n")
    assert main(["phase", "status"]) == 1
    assert capsys.readouterr().err.endswith("try: vi study.yaml\n")
