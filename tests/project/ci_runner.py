"""Run a study's GitHub workflows on this machine: each job in a clone of its own.

`run:` steps run as they are. What an action does is done by a function here; for an action that
has none, the test fails. Permissions and concurrency are GitHub's, and are not run.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import git
from tests.project.ci_actions import ACTIONS, Place, kept
from tests.project.ci_expressions import filled, holds
from tests.project.conftest import user_environment, without_sync

REPOSITORY = "ada/study"
SERVER = "https://github.example.org"
TOKEN = "token-of-the-job"
UNSEARCHED = {".git", ".venv"}


@dataclass(frozen=True)
class Event:
    """What happened in the repository.

    Args:
        name: As GitHub names it.
        ref: The ref that the jobs check out.
        payload: `github.event`.
        secrets: By environment; a job without one gets none.
        head: The branch of a pull request.
        base: The branch that it is to be merged into.
        variables: The server that GITHUB_API_URL names, for instance.
        settings: `vars`, the variables of the repository.
    """

    name: str
    ref: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    head: str = ""
    base: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Step:
    """A step that ran, or was left out."""

    name: str
    outcome: str = "skipped"
    output: str = ""


@dataclass
class Job:
    """A job that ran, or was left out."""

    result: str = "skipped"
    steps: list[Step] = field(default_factory=list)
    workspace: Path = Path()
    summary: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)

    def step(self, name: str) -> Step:
        """Return the step whose name or command begins like this."""
        return next(step for step in self.steps if step.name.startswith(name))

    def log(self) -> str:
        """Return what the job said."""
        return "".join(f"--- {step.name}: {step.outcome}\n{step.output}" for step in self.steps)


class Runner:
    """Runs workflows on events of one repository.

    Args:
        origin: The bare repository.
        folder: Where clones, caches and artifacts are kept.
        prepared: A study whose environment a job begins with, so that `make setup` is quick.

    Attributes:
        syncs: Whether `make setup` brings that environment up to date, rather than to take it.
    """

    syncs = False

    def __init__(self, origin: Path, folder: Path, prepared: Path | None = None) -> None:
        self.origin, self.folder, self.prepared = origin, folder, prepared
        git(origin, "config", "uploadpack.allowAnySHA1InWant", "true")  # as GitHub does
        for name in ("home", "bin"):
            (folder / name).mkdir(parents=True)
        without_sync(folder / "bin")
        self.settings = folder / "home/.gitconfig"
        address = f"{SERVER}/{REPOSITORY}"
        self.settings.write_text(f'[url "{origin.as_uri()}"]\n\tinsteadOf = {address}\n')

    def run(self, event: Event, jobs: Sequence[str] = ()) -> dict[str, Job]:
        """Run the workflows that the event starts.

        Args:
            event: What happened.
            jobs: Only these, as if those that they need had gone well.

        Returns:
            The jobs by their ids.
        """
        done: dict[str, Job] = {}
        for text in self._workflows(event):
            workflow = yaml.load(text, Loader=yaml.BaseLoader)  # all values as text
            if not starts(workflow["on"], event):
                continue
            waiting = {
                name: job for name, job in workflow["jobs"].items() if not jobs or name in jobs
            }
            while waiting:
                name = next(
                    name for name, job in waiting.items() if not _needs(job) & waiting.keys()
                )
                done[name] = self._job(name, workflow, waiting.pop(name), event, done)
        return done

    def _workflows(self, event: Event) -> list[str]:
        rev = git(self.origin, "rev-parse", f"{event.ref}^{{commit}}").strip()
        listed = git(self.origin, "ls-tree", "--name-only", rev, ".github/workflows/")
        return [git(self.origin, "show", f"{rev}:{name}") for name in listed.splitlines()]

    def _job(
        self,
        name: str,
        workflow: Mapping[str, Any],
        job: Mapping[str, Any],
        event: Event,
        done: Mapping[str, Job],
    ) -> Job:
        folder = self.folder / f"{len(list(self.folder.iterdir()))}-{name}"
        run = _Run(self, event, folder, str(job.get("environment", "")))
        needed = {one: done[one] for one in _needs(job) if one in done}
        run.contexts["needs"] = {
            name: {"result": one.result, "outputs": one.outputs} for name, one in needed.items()
        }
        run.failed = any(one.result != "success" for one in needed.values())
        if not holds(job.get("if", "true"), run.contexts, run.functions()):
            return Job()
        run.failed = False
        run.add_env({**workflow.get("env", {}), **job.get("env", {})})
        return run.all(job["steps"], job.get("outputs", {}))


class _Run:
    """One job: its clone, what its steps said and set."""

    def __init__(self, runner: Runner, event: Event, folder: Path, environment: str) -> None:
        self.runner, self.workspace = runner, folder / "work"
        self.workspace.mkdir(parents=True)
        self.failed = False
        kind, _, ref_name = event.ref.removeprefix("refs/").partition("/")
        sha = git(runner.origin, "rev-parse", f"{event.ref}^{{commit}}").strip()
        self.files = {
            name: folder / name.lower()
            for name in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_STEP_SUMMARY", "GITHUB_EVENT_PATH")
        }
        for file in self.files.values():
            file.touch()
        self.files["GITHUB_EVENT_PATH"].write_text(json.dumps(event.payload))
        self.environment = {
            **{name: str(file) for name, file in self.files.items()},
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": event.name,
            "GITHUB_REF": event.ref,
            "GITHUB_REF_NAME": ref_name,
            "GITHUB_REF_TYPE": "tag" if kind == "tags" else "branch",
            "GITHUB_SHA": sha,
            "GITHUB_HEAD_REF": event.head,
            "GITHUB_BASE_REF": event.base,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_SERVER_URL": SERVER,
            "GITHUB_RUN_ID": "1",
            "GITHUB_WORKSPACE": str(self.workspace),
            # A runner has no name to commit with, and no settings.
            "GIT_CONFIG_GLOBAL": str(runner.settings),
            "HOME": str(runner.folder / "home"),
            **event.variables,
        }
        self.contexts: dict[str, Any] = {
            "github": {
                "event_name": event.name,
                "event": event.payload,
                "ref": event.ref,
                "ref_name": ref_name,
                "sha": sha,
                "token": TOKEN,
            },
            "secrets": event.secrets.get(environment, {}),
            "vars": event.settings,
            "steps": {},
        }
        url = f"{SERVER}/{REPOSITORY}"
        settings, prepared = runner.settings, runner.prepared
        self.place = Place(self.workspace, runner.folder, url, event.ref, sha, settings, prepared)

    def functions(self) -> dict[str, Any]:
        """Return the functions that its expressions may call."""
        return {
            "success": lambda: not self.failed,
            "failure": lambda: self.failed,
            "always": lambda: True,
            "cancelled": lambda: False,
            "hashFiles": self._hash_files,
        }

    def add_env(self, variables: Mapping[str, str]) -> None:
        """Set the variables of the workflow and the job."""
        self.environment |= self._filled(variables)

    def all(self, steps: Sequence[Mapping[str, Any]], outputs: Mapping[str, str]) -> Job:
        """Run the steps, and fill in what the job tells those after it."""
        done = [self._step(step) for step in steps]
        summary = self.files["GITHUB_STEP_SUMMARY"].read_text()
        result = "failure" if self.failed else "success"
        return Job(result, done, self.workspace, summary, self._filled(outputs))

    def _step(self, step: Mapping[str, Any]) -> Step:
        made = Step(step.get("name") or step.get("run") or step["uses"])
        if not holds(step.get("if", "true"), self.contexts, self.functions()):
            return made
        if "run" in step:
            assert "${{" not in step["run"], "an expression in a script: give it by env"
            made.outcome, made.output = self._script(step["run"], step.get("env", {}))
        else:
            action, options = step["uses"].partition("@")[0], self._filled(step.get("with", {}))
            made.outcome = "success" if ACTIONS[action](self.place, options) else "failure"
            if action == "actions/upload-artifact" and kept(self.place, options).exists():
                self.files["GITHUB_OUTPUT"].write_text("artifact-id=1\n")
        outputs = dict(
            line.split("=", 1) for line in self.files["GITHUB_OUTPUT"].read_text().splitlines()
        )
        self.files["GITHUB_OUTPUT"].write_text("")
        self.contexts["steps"][step.get("id", "")] = {"outcome": made.outcome, "outputs": outputs}
        if made.outcome == "failure" and step.get("continue-on-error") != "true":
            self.failed = True
        return made

    def _script(self, script: str, variables: Mapping[str, str]) -> tuple[str, str]:
        for line in self.files["GITHUB_ENV"].read_text().splitlines():
            name, _, value = line.partition("=")
            self.environment[name] = value
        shell = user_environment()
        if not self.runner.syncs:
            shell["PATH"] = f"{self.runner.folder / 'bin'}{os.pathsep}{shell['PATH']}"
        shell |= self.environment | self._filled(variables)
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=self.workspace, env=shell, encoding="utf-8", check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return "failure" if done.returncode else "success", done.stdout

    def _filled(self, texts: Mapping[str, str]) -> dict[str, str]:
        functions = self.functions()
        return {name: filled(text, self.contexts, functions) for name, text in texts.items()}

    def _hash_files(self, *patterns: str) -> str:
        found = []
        for folder, folders, names in os.walk(self.workspace):
            folders[:] = sorted(set(folders) - UNSEARCHED)
            found += [Path(folder, name) for name in sorted(names)]
        digest = hashlib.sha256()
        for path in found:
            name = path.relative_to(self.workspace).as_posix()
            if any(
                fnmatch.fnmatchcase(f"/{name}", f"/{one}".replace("/**/", "*/")) for one in patterns
            ):
                digest.update(path.read_bytes())
        return digest.hexdigest()


def starts(on: Mapping[str, Any], event: Event) -> bool:
    """Tell whether an event starts a workflow that names these."""
    if event.name not in on:
        return False
    if event.name != "push":
        return True
    kind, _, name = event.ref.removeprefix("refs/").partition("/")
    patterns = on["push"].get({"heads": "branches", "tags": "tags"}[kind], ())
    return any(_pattern(pattern).fullmatch(name) for pattern in patterns)


def _pattern(text: str) -> re.Pattern[str]:
    """Return GitHub's pattern of branches and tags as a regular expression."""
    signs = {"*": "[^/]*", "+": "+", "?": "?", "[": "[", "]": "]", "-": "-"}
    return re.compile("".join(signs.get(sign) or re.escape(sign) for sign in text))


def _needs(job: Mapping[str, Any]) -> set[str]:
    needs = job.get("needs", [])
    return {needs} if isinstance(needs, str) else set(needs)
