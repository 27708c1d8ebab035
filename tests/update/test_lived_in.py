"""An update of a study that people work in: nothing is lost, nothing runs again."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.conftest import git
from tests.project.conftest import copy_study, run
from tests.update.conftest import (
    NEW,
    SHARED,
    TEMPLATES,
    append,
    belongs,
    changed,
    commit,
    files,
    replace,
    update_by_copier,
)

OWN_STAGE = """
  own:
    cmd: mkdir -p results && cp data/external/cohort2.csv results/own.csv
    deps: [data/external/cohort2.csv]
    outs: [results/own.csv]
"""


def live_in(root: Path) -> None:
    """Do to a study what months of work do."""
    for path in files(root):
        if not belongs(path, SHARED | TEMPLATES) and path != "uv.lock":
            append(root / path, "# mine\n")
    (root / "tests/test_study.py").unlink()
    append(root / "src" / package(root) / "own.py", "MINE = 1\n")
    append(root / "notes/diary.md", "mine\n")
    append(root / "local.mk", "mine: ; @echo mine\n")

    replace(root / ".gitignore", "should not see.\n", "should not see.\n/scratch/\n")
    replace(
        root / ".dvcignore", "the syntax of .gitignore.\n", "the syntax of .gitignore.\nscratch/\n"
    )
    replace(root / "pyproject.toml", 'testpaths = ["tests"]', 'testpaths = ["tests"]\naddopts="-q"')
    replace(
        root / "pyproject.toml",
        "[tool.pytest",
        '[tool.ruff.lint.per-file-ignores]\n"notebooks/*" = ["E"]\n\n[tool.pytest',
    )
    run(root, "uv", "add", "--quiet", "tabulate>=0.9")

    append(root / "data/external/cohort2.csv", "patient\n1\n")
    run(root, ".venv/bin/dvc", "add", "--quiet", "data/external/cohort2.csv")
    run(root, ".venv/bin/dvc", "remote", "add", "mine", "../elsewhere")
    replace(root / "dvc.yaml", "stages:\n", f"stages:{OWN_STAGE}")
    replace(root / "params.yaml", "alpha: 10.0", "alpha: 11.0")
    run(root, "make", "repro")


def package(root: Path) -> str:
    """Return the name of the study's own package."""
    return next(path.parent.name for path in root.glob("src/*/train.py"))


@pytest.fixture(scope="session")
def lived_in(set_up_study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of the old release in which people worked. Changed by its one user."""
    root = copy_study(set_up_study, tmp_path_factory.mktemp("lived-in") / "study")
    live_in(root)
    commit(root)
    return root


def test_update_loses_nothing(lived_in: Path) -> None:
    """`make template-update` changes the template's files only, keeps every edit, runs nothing."""
    assert "New template version available" in run(lived_in, "make", "template-check").stdout
    before = files(lived_in)
    append(lived_in / "notes/diary.md", "unsaved\n")
    dirty = run(lived_in, "make", "template-update", check=False)
    assert dirty.returncode != 0 and "commit or stash" in dirty.stderr
    git(lived_in, "checkout", "--", "notes/diary.md")
    assert changed(lived_in) == []

    run(lived_in, "make", "template-update")

    after = files(lived_in)
    touched = {name for name in before | after if before.get(name) != after.get(name)}
    assert touched and not [name for name in touched if not belongs(name, SHARED | TEMPLATES)]
    assert not [name for name in after if name.endswith((".rej", ".orig"))]
    assert not [name for name, text in after.items() if re.search(b"^(<{7}|>{7})", text, re.M)]
    assert "tests/test_study.py" not in after
    assert f"_commit: {NEW}" in after[".copier-answers.yml"].decode()

    project = tomllib.loads(after["pyproject.toml"].decode())
    assert "tabulate>=0.9" in project["project"]["dependencies"]
    assert project["tool"]["pytest"]["ini_options"]["addopts"] == "-q"
    assert project["tool"]["ruff"]["lint"]["per-file-ignores"] == {"notebooks/*": ["E"]}
    assert "ruff>=0.12.1" in project["dependency-groups"]["dev"]
    for name in (".gitignore", ".dvcignore"):
        assert {"/scratch/", "scratch/"} & set(after[name].decode().splitlines())
        assert {"/news/", "news/"} & set(after[name].decode().splitlines())

    assert "nothing changed, nothing logged" in run(lived_in, "make", "repro").stdout
    assert run(lived_in, "make", "news").stdout == "news\n"
    assert run(lived_in, "make", "mine").stdout == "mine\n"

    run(lived_in, "make", "setup")
    assert 'specifier = ">=0.12.1"' in (lived_in / "uv.lock").read_text()
    assert "nothing changed, nothing logged" in run(lived_in, "make", "repro").stdout
    git(lived_in, "add", "--all")
    run(lived_in, "git", "commit", "--quiet", "--message", "chore: take the newer template")
    assert "up-to-date" in run(lived_in, "make", "template-check").stdout


@pytest.fixture
def study(set_up_study: Path, tmp_path: Path) -> Path:
    """A private copy of the set-up study of the old release."""
    return copy_study(set_up_study, tmp_path / "study")


def test_a_conflict_cannot_be_committed(study: Path) -> None:
    """Lines that both changed are shown as a conflict, which the git hooks refuse until mended."""
    replace(study / ".gitignore", "/mlruns/\n", "/mlruns/*\n!/mlruns/kept\n")
    commit(study)
    update_by_copier(study)

    conflict = (study / ".gitignore").read_text()
    assert "<<<<<<< before updating\n/mlruns/*\n" in conflict
    git(study, "add", "--all")
    refused = run(study, "git", "commit", "-m", "chore: take the newer template", check=False)
    assert refused.returncode != 0
    assert "no conflict markers" in refused.stdout + refused.stderr

    (study / ".gitignore").write_text(re.sub("^[<=>]{7}.*\n", "", conflict, flags=re.MULTILINE))
    git(study, "add", "--all")
    run(study, "git", "commit", "-m", "chore: take the newer template")


def test_a_rejected_change_cannot_be_committed(study: Path) -> None:
    """What an update could not place in a file is refused by the git hooks."""
    append(study / "Makefile.rej", "@@ -1 +1 @@\n")
    git(study, "add", "--all")
    refused = run(study, "git", "commit", "-m", "chore: take the newer template", check=False)
    assert refused.returncode != 0
    assert "apply what is in the .rej file by hand" in refused.stdout + refused.stderr


def test_a_changed_kind_of_storage_is_installed(study: Path) -> None:
    """After an answer changed, `make setup` installs what DVC needs for the new kind of storage."""
    missing = run(study, ".venv/bin/python", "-c", "import dvc_ssh", check=False)
    assert missing.returncode != 0
    update_by_copier(study, data_remote="ssh", data_remote_url="ssh://host.example.org/data")
    run(study, "make", "setup")
    run(study, ".venv/bin/python", "-c", "import dvc_ssh")
