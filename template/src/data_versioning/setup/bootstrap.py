"""The first half of the set-up: from a bare interpreter to the study's environment.

Runs before anything is installed, so it uses the standard library only.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from data_versioning.command import last_line, stream
from data_versioning.errors import StudyError
from data_versioning.setup.report import Report
from data_versioning.tools import git

SUPPORTED = ((3, 11), (3, 13))
UV = "uv==0.13.8"  # fetched only where there is no uv, or an old one
OLDEST_UV = (0, 9)  # as in pyproject.toml
INDEX_NEEDED = "make setup (it needs the package index)"
READY = "DATA_VERSIONING_ENVIRONMENT_READY"


def bootstrap(root: Path) -> int:
    """Make the repository and the environment, then let the environment do the rest.

    Args:
        root: The study.

    Returns:
        0, or 1 if a step could not run.
    """
    report = Report()
    try:
        report.done("git repository", _repository(root))
    except StudyError as error:
        report.not_done("git repository", error)
        return 1
    try:
        report.done("environment", make_environment(root))
    except StudyError as error:
        report.not_done("environment", error)
        return 1
    argv = [str(root / ".venv/bin/python"), "-m", "data_versioning", "setup"]
    return subprocess.call(argv, cwd=root, env=os.environ | {READY: str(root)})


def in_environment(root: Path) -> bool:
    """Tell whether `bootstrap` started this process, so that the environment is up to date.

    The interpreter does not tell: an unfinished or outdated environment has one, too.
    """
    return os.environ.get(READY) == str(root)


def _repository(root: Path) -> str:
    if shutil.which("git") is None:
        raise StudyError("git is not installed", "", "install git, then: make setup")
    top = git.toplevel(root)
    if top is None:
        git.init(root)
        return "made, on branch main"
    return "exists" if top.resolve() == root.resolve() else f"part of {top}"


def make_environment(root: Path, *options: str) -> str:
    """Make the study's environment, or bring it up to date; returns what it is, in a few words.

    Args:
        root: The study.
        options: Further ones of `uv sync`, such as `--locked`.

    Raises:
        StudyError: It could not be made; carries uv's reason.
    """
    python = _interpreter()
    with tempfile.TemporaryDirectory() as scratch:
        uv = _uv(root, Path(scratch), python)
        foreign = {"VIRTUAL_ENV", "PYTHONPATH", "UV_PROJECT_ENVIRONMENT", "UV_PYTHON"}
        environment = {key: value for key, value in os.environ.items() if key not in foreign}
        environment |= {"UV_PYTHON_DOWNLOADS": "never"}
        if not _works(root / ".venv/bin/python"):
            # Relocatable, so that the commands in it survive a move of the study's folder.
            made = ["--quiet", "--allow-existing", "--relocatable", "--python", python]
            _run([uv, "venv", *made, ".venv"], root, environment, "make setup")
        _forget_half_installed(root)
        _run([uv, "sync", *options], root, environment, INDEX_NEEDED)
    version = subprocess.run(
        [str(root / ".venv/bin/python"), "-c", "import platform; print(platform.python_version())"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    return f"Python {version} in .venv, locked in uv.lock"


def _interpreter() -> str:
    """Return the interpreter at hand; of a virtual environment, the one it was made from."""
    if not SUPPORTED[0] <= sys.version_info[:2] <= SUPPORTED[1]:
        found = f"Python {sys.version_info.major}.{sys.version_info.minor}"
        mend = "make setup PYTHON=python3.12"
        raise StudyError("Python 3.11, 3.12 or 3.13 is needed", found, mend)
    if sys.prefix == sys.base_prefix:
        return sys.executable
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    base = Path(sys.base_prefix) / "bin" / name
    return str(base) if base.exists() else getattr(sys, "_base_executable", sys.executable)


def _uv(root: Path, scratch: Path, python: str) -> str:
    for candidate in (shutil.which("uv"), str(root / ".venv/bin/uv")):
        if candidate and _works(candidate, OLDEST_UV):
            return candidate
    _run([python, "-m", "venv", str(scratch)], root, dict(os.environ), "apt install python3-venv")
    pip = [str(scratch / "bin/python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "install", UV], root, dict(os.environ), INDEX_NEEDED)
    return str(scratch / "bin/uv")


def _forget_half_installed(root: Path) -> None:
    # uv writes INSTALLER last; without it, uv was killed and would take the package for installed.
    for package in (root / ".venv/lib").glob("python3*/site-packages/*.dist-info"):
        if not (package / "INSTALLER").exists():
            shutil.rmtree(package)


def _works(program: str | Path, oldest: tuple[int, ...] = ()) -> bool:
    try:
        asked = [str(program), "--version"]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
    except OSError:
        return False
    numbers = re.findall(r"\d+", done.stdout)[: len(oldest)]
    return done.returncode == 0 and tuple(map(int, numbers)) >= oldest


def _run(argv: list[str], root: Path, environment: dict[str, str], mend: str) -> None:
    # uv lists every package it installs, each on a line that begins with " +".
    status, stderr = stream(argv, root, hide=" +", environment=environment | {"NO_COLOR": "1"})
    if status != 0:
        command = " ".join([Path(argv[0]).name, *argv[1:3]])
        raise StudyError(f"`{command}` failed", _reason(stderr), mend)


def _reason(stderr: str) -> str:
    """Return the message of uv or pip: it begins with `error:`, whatever lines follow it."""
    lines = [line.strip() for line in stderr.splitlines()]
    first = next((line for line in lines if line.lower().startswith("error:")), "")
    return first[len("error:") :].strip() or last_line(stderr)
