"""`make demo` in a fresh clone, on a machine that has Python, git and make and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.conftest import clone_template
from tests.project.conftest import run


def demo(clone: Path) -> str:
    """Run `make demo` where there is no uv and no git identity, and return what it prints."""
    python = Path(sys.base_prefix) / "bin" / Path(sys.executable).resolve().name
    bare = "/usr/bin:/bin"
    return run(
        clone, "make", "demo", f"PYTHON={python}", PATH=bare, GIT_CONFIG_GLOBAL="/dev/null"
    ).stdout


def test_demo_runs_and_runs_again(tmp_path: Path) -> None:
    """Two commands after a clone a study has results; the second `make demo` shows them again."""
    clone = tmp_path / "clone"
    clone.mkdir()
    clone_template(clone)

    first = demo(clone)
    study = tmp_path / "my-study"
    assert f"study    {study}" in first
    assert '"bmi_estimate": 0.3211' in first
    assert (study / "results/figures/coefficients.png").stat().st_size > 10_000
    assert "FINISHED" in first
    assert first.count("\n  make ") == 3

    second = demo(clone)
    assert "is already in" in second
    assert "Running stage" not in second
    assert '"bmi_estimate": 0.3211' in second


def test_demo_refuses_a_folder_of_somebody_else(tmp_path: Path) -> None:
    """A folder that holds other files is left alone, with one line that says what to do."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/letter.txt").write_text("dear diary")
    root = Path(__file__).parents[2]
    done = run(root, "make", "demo", f"DEST={tmp_path / 'elsewhere'}", check=False)
    assert done.returncode != 0
    assert "error: the folder is not empty and holds no study" in done.stderr
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["letter.txt"]
