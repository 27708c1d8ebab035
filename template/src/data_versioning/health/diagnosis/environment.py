"""Is the environment the locked one, and does git run what it should."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from data_versioning.health.diagnosis.findings import Case, Finding
from data_versioning.setup import git_hooks
from data_versioning.setup.bootstrap import SUPPORTED
from data_versioning.study import read_yaml
from data_versioning.tools import git, git_state

_FOREIGN = {"VIRTUAL_ENV", "PYTHONPATH", "UV_PROJECT_ENVIRONMENT", "UV_PYTHON"}


def locked(case: Case) -> Iterator[Finding]:
    """Compare `.venv`, `uv.lock` and `pyproject.toml`, without a network."""
    root = case.study.root
    if not (root / "pyproject.toml").is_file():
        return
    if (uv := shutil.which("uv")) is None:
        yield Finding("DV103", str(root), "make setup")
        return
    shown = shlex.quote(os.path.relpath(uv, root)) if Path(uv).is_relative_to(root) else "uv"
    if not _agrees(root, [uv, "lock", "--check"]):
        yield Finding("DV102", "uv.lock", f"{shown} lock && {shown} sync")
    elif not _agrees(root, [uv, "sync", "--check", "--frozen"]):
        yield Finding("DV101", ".venv", f"{shown} sync --frozen")


def _agrees(root: Path, argv: list[str]) -> bool:
    environment = {key: value for key, value in os.environ.items() if key not in _FOREIGN}
    environment["UV_PYTHON_DOWNLOADS"] = "never"
    asked = [*argv, "--offline", "--quiet"]
    done = subprocess.run(asked, cwd=root, env=environment, capture_output=True, check=False)
    return done.returncode == 0


def python(case: Case) -> Iterator[Finding]:
    """Look at the version of Python."""
    if not SUPPORTED[0] <= sys.version_info[:2] <= SUPPORTED[1]:
        found = f"Python {sys.version_info.major}.{sys.version_info.minor}"
        yield Finding("DV104", found, "rm -r .venv && make setup PYTHON=python3.12")


def hooks(case: Case) -> Iterator[Finding]:
    """Look at the git hooks that `.pre-commit-config.yaml` asks for."""
    root = case.study.root
    config = root / ".pre-commit-config.yaml"
    top = git.toplevel(root)
    if not config.is_file() or top is None or top.resolve() != root.resolve():
        return  # the hooks of a repository around it are not the study's
    if git.is_configured(root, "core.hooksPath"):
        yield Finding("DV113", "core.hooksPath", "make check, before each commit")
        return
    mend = ".venv/bin/python -m pre_commit install"
    for name in read_yaml(config).get("default_install_hook_types") or ["pre-commit"]:
        hook = git_state.folder(root, f"hooks/{name}")
        text = hook.read_text(encoding="utf-8", errors="replace") if hook.is_file() else ""
        runs = re.search(r"^INSTALL_PYTHON=(.*)$", text, re.MULTILINE)
        if "pre-commit.com" not in text or not runs or not os.access(hook, os.X_OK):
            yield Finding("DV111", name, mend)
        elif not Path("".join(shlex.split(runs[1]))).is_relative_to(root / ".venv"):
            yield Finding("DV112", name, mend)
    if mend := git_hooks.unchecked_push(root):
        yield Finding("DV111", "pre-push", mend)


def drivers(case: Case) -> Iterator[Finding]:
    """Look for the merge drivers that `.gitattributes` names."""
    attributes = case.study.root / ".gitattributes"
    if not (case.in_git and attributes.is_file()):
        return
    named = attributes.read_text(encoding="utf-8", errors="replace").split()
    for name in git_hooks.missing_drivers(case.study.root):
        if f"merge={name}" in named:
            yield Finding("DV114", f"merge driver {name}", "make setup")


CHECKS = [locked, python, hooks, drivers]
