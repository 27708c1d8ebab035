"""Fixtures: the study's own modules, and one run of its pipeline in an empty folder."""

from __future__ import annotations

import importlib
import os
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
STAGES = ("collect", "prepare", "train", "evaluate", "figures")


@pytest.fixture(scope="session")
def package() -> str:
    """Return the name of the study's package."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        name: str = tomllib.load(file)["project"]["name"]
    return name.replace("-", "_")


@pytest.fixture(scope="session")
def module(package: str) -> Callable[[str], ModuleType]:
    """Return a function that imports one of the study's modules by its short name."""
    return lambda name: importlib.import_module(f"{package}.{name}")


@pytest.fixture(scope="session")
def finished(module: Callable[[str], ModuleType], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which every stage ran once; do not change it."""
    folder = tmp_path_factory.mktemp("study")
    shutil.copy(ROOT / "params.yaml", folder)
    before = Path.cwd()
    os.chdir(folder)
    try:
        for stage in STAGES:
            module(stage).main()
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def study(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the finished study to change at will, and make it the current folder."""
    folder = tmp_path / "study"
    shutil.copytree(finished, folder)
    monkeypatch.chdir(folder)
    return folder
