"""What a fresh study installs, on every Python it supports: the versions that were tested."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Render
from tests.project.conftest import run
from tests.project.tested_versions import PYTHONS, known, resolved, write


@pytest.mark.parametrize("answers", ["minimal", "full"])
def test_fresh_render_resolves_to_the_tested_versions(render: Render, answers: str) -> None:
    """A fresh render resolves to the committed versions, on Python 3.11, 3.12 and 3.13."""
    found = resolved(render(answers))
    if os.environ.get("UPDATE_SNAPSHOTS"):
        write(answers, found)
    expected = known(answers)
    for python in PYTHONS:
        assert found[python] == expected[python], f"Python {python}"


@pytest.mark.parametrize("python", PYTHONS[1:])
def test_study_runs_on(python: str, render: Render) -> None:
    """A study is set up and reproduced on each newer Python, with the tested versions."""
    interpreter = find(python)
    if interpreter is None:
        pytest.skip(f"no Python {python} on this machine")
    study = render("minimal")
    run(study, "make", "setup", f"PYTHON={interpreter}")
    assert run(study, ".venv/bin/python", "--version").stdout.startswith(f"Python {python}.")
    listed = run(study, "uv", "pip", "freeze", "--exclude-editable").stdout.split()
    assert sorted(listed) == sorted(f"{name}=={v}" for name, v in known()[python].items())
    run(study, ".venv/bin/dvc", "--version")
    run(study, ".venv/bin/python", "-c", "import mlflow, sklearn")
    assert re.search("logged MLflow run [0-9a-f]{8}", run(study, "make", "repro").stdout)


def find(version: str) -> Path | None:
    """Return an interpreter of this version, or None."""
    beside = Path(sys.base_prefix).parent  # where pyenv and its like keep the others
    candidates = sorted(beside.glob(f"*{version}*/bin/python3"))
    if named := shutil.which(f"python{version}"):
        candidates.append(Path(named))
    code = f"import sys; assert '%d.%d' % sys.version_info[:2] == '{version}'"
    for candidate in candidates:
        if (
            subprocess.run([candidate, "-c", code], capture_output=True, check=False).returncode
            == 0
        ):
            return candidate
    return None
