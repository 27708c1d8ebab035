"""A study that was rendered, set up and reproduced as a user would, once for all workers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import servers
from tests.conftest import ROOT, Render, git
from tests.once import made_once

Run = Callable[..., subprocess.CompletedProcess[str]]

# Of pre-commit, which jobs run on all files; what they refuse, other tests show.
SLOW_HOOKS = "large-files,secrets,notebooks,ruff-check,ruff-format"
S3_LOGIN: dict[str, Any] = {
    "AWS_ACCESS_KEY_ID": servers.S3_KEY,
    "AWS_SECRET_ACCESS_KEY": servers.S3_SECRET,
}
DOCUMENT = """\
# Problem formulation

## Question
Does a higher body-mass index predict faster progression?

## Who would act on the answer
Clinics that decide which patients to see more often.
"""


def user_environment(**changes: str) -> dict[str, str]:
    """Return the environment of a user's shell, where there is a uv.

    Args:
        changes: Variables to set; an empty value takes one away.
    """
    shell = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    shell["PATH"] = f"{ROOT / '.venv/bin'}{os.pathsep}{shell['PATH']}"
    return {name: value for name, value in (shell | changes).items() if value}


def run(
    folder: Path, *command: str, check: bool = True, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in a study as from a plain shell, and return what it said.

    Args:
        folder: Where to run it.
        command: The command.
        check: Whether a failure fails the test.
        environment: Variables to set; an empty value takes one away.
    """
    done = subprocess.run(
        command,
        cwd=folder,
        env=user_environment(**environment),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert not check or done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


def copy_study(source: Path, to: Path) -> Path:
    """Copy a study with its data, runs and hooks, and give the copy an environment of its own."""
    shutil.copytree(source, to, symlinks=True, ignore=shutil.ignore_patterns(".venv"))
    give_environment(to, source)
    run(to, ".venv/bin/pre-commit", "install", "--overwrite")
    return to


def clone_study(source: Path, to: Path) -> Path:
    """Clone a study as a second researcher would, and give the clone an environment of its own."""
    git(source, "clone", "--quiet", str(source), str(to))
    give_environment(to, source)
    return to


def give_environment(study: Path, source: Path | None = None) -> None:
    """Make the study's environment: the part of `make setup` that a copy cannot do without.

    Args:
        study: The study without an environment.
        source: A study that has one. Its files are linked, bytecode included, not copied; `uv sync`
            then puts the new study's own package in.
    """
    if source is None:
        run(study, "uv", "venv", "--quiet", "--relocatable", "--python", sys.executable, ".venv")
    else:
        link = os.link
        shutil.copytree(source / ".venv", study / ".venv", symlinks=True, copy_function=link)
    run(study, "uv", "sync", "--quiet", "--frozen")


def without_sync(folder: Path) -> None:
    """Put a uv into a folder that takes the environment of a study for the one of its lock file.

    For the jobs of CI, whose environment is linked: one of them shows that `make setup` syncs it.
    """
    real = shutil.which("uv", path=user_environment()["PATH"])
    (folder / "uv").write_text(f'#!/bin/sh\n[ "$1" = sync ] || exec "{real}" "$@"\n')
    (folder / "uv").chmod(0o755)


def write_document(study: Path) -> None:
    """Commit what the first phase owes."""
    (study / "docs").mkdir(exist_ok=True)
    (study / "docs/problem-formulation.md").write_text(DOCUMENT)
    git(study, "add", "docs")
    git(study, "commit", "--quiet", "--message", "docs(question): ask one question")


@pytest.fixture(scope="session")
def reproduced_study(render: Render, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with minimal answers, reproduced, committed and pushed. Read-only."""

    def make(folder: Path) -> None:
        root = render("minimal", folder / "study", skip_tasks=False, unsafe=True)
        run(root, "make", "repro")
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--message", "data: first results")
        run(root, "make", "push")

    return made_once(tmp_path_factory, "reproduced", make) / "study"


@pytest.fixture(scope="session")
def s3_study(render: Render, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a study, reproduced and pushed: to `storage` by S3, to `origin.git`. Read-only.

    The server is down: a test that starts another one names its port in `.dvc/config`.
    """

    def make(folder: Path) -> None:
        port = servers.free_port()
        (folder / "storage/bucket").mkdir(parents=True)
        answers = {
            "data_remote": "s3",
            "data_remote_url": "s3://bucket/study",
            "s3_endpoint_url": f"http://127.0.0.1:{port}",
        }
        root = render(answers, folder / "study", skip_tasks=False, unsafe=True)
        git(folder, "init", "--quiet", "--bare", "--initial-branch=main", "origin.git")
        git(root, "remote", "add", "origin", str(folder / "origin.git"))
        with servers.s3(folder / "storage", port):
            run(root, "make", "repro")
            git(root, "add", "--all")
            git(root, "commit", "--quiet", "--message", "data: first results")
            run(root, "make", "push", **S3_LOGIN)

    return made_once(tmp_path_factory, "on-s3", make)


@pytest.fixture
def study(reproduced_study: Path, tmp_path: Path) -> Path:
    """A private copy of the reproduced study, to change at will."""
    return copy_study(reproduced_study, tmp_path / "study")
