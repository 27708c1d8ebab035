"""What one would use instead, with its own commands, at a pinned version."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import inventory
from benchmarks.workplace import CommandError, Workplace

SCRIPT = """\
import json
import pathlib

from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

x, y = load_diabetes(return_X_y=True)
pathlib.Path("results").mkdir(exist_ok=True)
pathlib.Path("results/metrics.json").write_text(json.dumps({"r2": Ridge().fit(x, y).score(x, y)}))
"""


@dataclass(frozen=True)
class Went:
    """How far a peer got.

    Args:
        steps: Seconds of each step.
        made: What was there, after the command that makes a project and at the end.
    """

    steps: dict[str, float]
    made: dict[str, inventory.Inventory]


@dataclass(frozen=True)
class Peer:
    """A tool that makes research repositories.

    Args:
        package: What to install, with its version.
        note: What the reader must know about its steps.
        travel: Makes a project in an empty folder.
    """

    package: str
    note: str
    travel: Callable[[Workplace, Path, dict[str, str]], Went]

    def go(self, place: Workplace) -> Went:
        """Install it into an environment of its own, unmeasured, and make a project with it.

        Raises:
            CommandError: It cannot be installed or run.
        """
        tools = place.folder / "tools"
        own = {"UV_TOOL_DIR": str(tools), "UV_TOOL_BIN_DIR": str(tools / "bin")}
        install = ("uv", "tool", "install", "--quiet", "--python", sys.executable, self.package)
        place.run(place.folder, *install, environment=own)
        path = f"{tools / 'bin'}{os.pathsep}{place.environment['PATH']}"
        return self.travel(place, place.new("project"), {"PATH": path})


def needs(error: CommandError) -> str:
    """Return what a peer that failed wanted from elsewhere, if its error names that."""
    return ": needs GitHub" if "github.com" in str(error) else ""


def _cookiecutter_data_science(place: Workplace, project: Path, own: dict[str, str]) -> Went:
    steps: dict[str, float] = {}
    start = time.perf_counter()
    into = project.parent
    place.run(into, "ccds", "--no-input", f"--output-dir={into}", environment=own)
    steps["`ccds --no-input`"] = time.perf_counter() - start
    (project,) = (path for path in into.iterdir() if path.is_dir())
    made = {"`ccds`": inventory.take(place, project)}
    start = time.perf_counter()
    place.commit_all(project)
    steps["`git init`, first commit"] = time.perf_counter() - start
    return Went(steps, made)


def _calkit(place: Workplace, project: Path, own: dict[str, str]) -> Went:
    steps: dict[str, float] = {}

    def step(name: str, *arguments: str, cwd: Path = project) -> None:
        steps[name] = place.timed(cwd, "calkit", *arguments, environment=own)

    step(
        "`calkit new project`", "new", "project", "project", "--title", "A study",
        cwd=project.parent,
    )  # fmt: skip
    made = {"`calkit new project`": inventory.take(place, project)}
    step("licence", "update", "license", "--copyright-holder", "Ada Lovelace")
    step("CI", "update", "github-actions")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    packages = ("numpy", "pandas", "scikit-learn", "matplotlib")
    step("environment", "new", "uv-venv", "--name", "main", "--python", version, *packages)
    script = project / "scripts/fit.py"
    script.parent.mkdir()
    script.write_text(SCRIPT)
    step(
        "pipeline", "new", "python-script-stage", "--name", "fit", "--environment", "main",
        "--script-path", "scripts/fit.py", "--output", "results/metrics.json",
    )  # fmt: skip
    step("first reproduction", "run")
    start = time.perf_counter()
    place.run(project, "git", "add", "--all")
    place.run(project, "git", "commit", "--quiet", "--message", "Run the pipeline")
    steps["commit of the results"] = time.perf_counter() - start
    return Went(steps, made | {"calkit, every step above": inventory.take(place, project)})


PEERS = (
    Peer(
        "cookiecutter-data-science==2.3.0",
        "It makes folders; there is no pipeline to run.",
        _cookiecutter_data_science,
    ),
    Peer(
        "calkit-python==0.49.5",
        "It makes an empty project. The script of its one stage, which fits the same data and "
        "writes one metric, was written by this benchmark; so the totals are not of equal work.",
        _calkit,
    ),
)
