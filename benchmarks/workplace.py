"""The throw-away place where everything is measured, and how a command is timed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from benchmarks.samples import Sample

ROOT = Path(__file__).parent.parent
ANSWERS = ROOT / "example-answers/minimal.yml"
GIT_SETTINGS = """\
[user]
	name = Ada Lovelace
	email = ada@example.org
[init]
	defaultBranch = main
"""
TIMEOUT = 300  # seconds: what takes longer is stuck

Action = Callable[[], float]


class CommandError(Exception):
    """A command failed; carries the first line of its error."""


def say(text: str) -> None:
    """Report progress."""
    print(text, file=sys.stderr, flush=True)


def interleave(repeat: int, *actions: Action) -> list[Sample]:
    """Take turns, so that whatever else the machine does hits every action alike.

    Each action runs once more at first, unmeasured, to fill caches. The order turns around at
    every round, so that none always runs in the wake of the same other.
    """
    taken: list[list[float]] = [[] for _ in actions]
    for action in actions:
        action()
    for turn in range(repeat):
        order = range(len(actions)) if turn % 2 == 0 else reversed(range(len(actions)))
        for index in order:
            taken[index].append(actions[index]())
    return [Sample(tuple(seconds)) for seconds in taken]


class Workplace:
    """A folder with settings of its own: nobody's git or Copier settings leak in or out.

    Only the package cache is the user's: it is warm, and stays.

    Args:
        folder: An empty folder.
        repeat: How often to measure.
    """

    def __init__(self, folder: Path, repeat: int) -> None:
        self.folder = folder
        self.repeat = repeat
        self._made = 0
        home = self.new("home")
        home.mkdir()
        (home / "copier.yml").write_text("{}\n")
        (home / ".gitconfig").write_text(GIT_SETTINGS)
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("GIT_", "MLFLOW_", "DVC_", "XDG_", "PYTHON", "MAKE"))
            and name not in {"VIRTUAL_ENV", "PROFILE", "UV_PROJECT_ENVIRONMENT", "MFLAGS"}
        }
        scripts = Path(sys.executable).parent
        cache = subprocess.run(
            [scripts / "uv", "cache", "dir"], check=True, capture_output=True, text=True
        ).stdout.strip()
        self.environment = kept | {
            "PATH": f"{scripts}{os.pathsep}{kept['PATH']}",
            "HOME": str(home),
            "UV_CACHE_DIR": cache,
            "UV_PYTHON_DOWNLOADS": "never",
            "COPIER_SETTINGS_PATH": str(home / "copier.yml"),
            "COPIER_CACHE_DIR": str(home / "copier-cache"),
            "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
        }

    def new(self, name: str) -> Path:
        """Return a path that does not exist yet."""
        self._made += 1
        folder = self.folder / str(self._made)
        folder.mkdir()
        return folder / name

    def run(
        self, cwd: Path, *command: str | Path, environment: Mapping[str, str] | None = None
    ) -> str:
        """Run a command for what it prints.

        Raises:
            CommandError: It could not run, failed, or never ended.
        """
        try:
            done = subprocess.run(
                command, cwd=cwd, env=self.environment | dict(environment or {}), check=False,
                stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CommandError(str(error)) from None
        if done.returncode != 0:
            raise CommandError(_reason(f"{done.stderr}\n{done.stdout}"))
        return done.stdout

    def timed(
        self, cwd: Path, *command: str | Path, environment: Mapping[str, str] | None = None
    ) -> float:
        """Run a command and return how long it took."""
        start = time.perf_counter()
        self.run(cwd, *command, environment=environment)
        return time.perf_counter() - start

    def study_says(self, *command: str | Path) -> str:
        """Run a command in the study as its Makefile would, and return what it prints."""
        path = f"{self.study / '.venv/bin'}{os.pathsep}{self.environment['PATH']}"
        quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_LOGGING_LEVEL": "ERROR"}
        return self.run(self.study, *command, environment={"PATH": path, **quiet})

    def in_study(self, *command: str | Path) -> float:
        """Run a command in the study as its Makefile would, and return how long it took."""
        start = time.perf_counter()
        self.study_says(*command)
        return time.perf_counter() - start

    @cached_property
    def template(self) -> Path:
        """The template as it is now, uncommitted changes included, in a repository of its own."""
        to = self.new("template")
        shown = self.run(
            ROOT, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard",
            "copier.yml", "hooks", "licenses", "questions", "template",
        )  # fmt: skip
        for name in filter(None, shown.split("\0")):
            if (ROOT / name).is_file():
                (to / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, to / name, follow_symlinks=False)
        return self.commit_all(to)

    @cached_property
    def study(self) -> Path:
        """A study that was set up, reproduced and committed."""
        say("study: render, set up, reproduce")
        study = self.new("study")
        self.run(self.folder, *self.copier(self.template, study, "--trust"))
        self.run(study, "make", "repro")
        self.run(study, "git", "add", "--all")
        self.run(study, "git", "commit", "--quiet", "--message", "data: first results")
        return study

    def copier(self, template: Path, to: Path, *options: str) -> list[str]:
        """Return the command that renders a template with the example's answers."""
        return [
            "copier", "copy", "--defaults", "--vcs-ref", "HEAD", "--data-file", str(ANSWERS),
            *options, str(template), str(to),
        ]  # fmt: skip

    def commit_all(self, folder: Path) -> Path:
        """Make a folder a git repository with one commit."""
        self.run(folder, "git", "init", "--quiet")
        self.run(folder, "git", "add", "--all", "--force")
        self.run(folder, "git", "commit", "--quiet", "--message", "everything")
        return folder


def _reason(text: str) -> str:
    """Return the line that says why: git's `fatal:`, Python's last, else the first."""
    lines: Sequence[str] = [line.strip() for line in text.splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith("fatal:")]
    if not fatal and lines and lines[0].startswith("Traceback"):
        return lines[-1]
    return next(iter([*fatal, *lines]), "it failed without a word")
