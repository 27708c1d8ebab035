"""Commits of what DVC tracks, that hold nothing else."""

from __future__ import annotations

import os
import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from data_versioning.data import trackable
from data_versioning.errors import StudyError
from data_versioning.locking import exclusive
from data_versioning.models import artifacts
from data_versioning.models.model_metadata import Metadata
from data_versioning.pipeline.manager import LOCK
from data_versioning.study import Study
from data_versioning.tools import dvc, dvc_files, git, git_index

CONVENTION = ".cz.toml"
SHOWN = 5  # paths in an error


@contextmanager
def writing(study: Study) -> Iterator[int]:
    """Hold the lock of all who change what DVC tracks; yields the open lock file.

    Raises:
        StudyError: A stage of the pipeline asks for it, which the pipeline holds; or a merge or
            the like is under way, which a commit would end.
    """
    if stage := os.environ.get("DVC_STAGE"):
        mend = "declare what the stage makes under outs: of dvc.yaml"
        raise StudyError("a stage of the pipeline cannot track data", stage, mend)
    with exclusive(study.root / LOCK, "it reproduces the pipeline or tracks data") as lock:
        git_index.refuse_unfinished(study.root)
        dvc.forget_killed_processes(study.root)
        yield lock


class DataCommit:
    """Put data into DVC, and its pointers into a commit of their own.

    Of a file that is not DVC's alone (`.gitignore`, `dvc.yaml`), the commit takes the last one's
    text with our lines in it: what the researcher has edited or staged there stays so.

    Args:
        root: The study.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._added: dict[str, Metadata | None] = {}

    def __bool__(self) -> bool:
        """Tell whether anything was added since the last commit."""
        return bool(self._added)

    def add(self, paths: Sequence[str], lock: int) -> None:
        """Put files and folders into DVC, all in one call of it.

        Args:
            paths: Relative to the study; what git tracks is moved over.
            lock: An open lock file that DVC holds, too.
        """
        shared = set(map(trackable.ignore_file, paths))
        staged = {file: git.file_at(self._root, "", file) for file in shared}
        known = git.tracked_files(self._root, ".")
        held = set(known).union(*map(trackable.parents, known))
        in_git = [path for path in paths if path in held]
        git.unstage(self._root, in_git)  # or DVC does not take it
        try:
            dvc.add(self._root, paths, lock)
        except StudyError as error:
            if in_git:  # of no paths, git would forget all
                git.forget_staged(self._root, [f":(literal){path}" for path in in_git])
            again = f"mend that, then repeat this: {shlex.join(paths[:SHOWN])}"
            raise StudyError(error.what, error.where, again) from None
        # DVC stages the whole .gitignore, with what else is edited in it.
        git_index.stage_contents(self._root, self._ignored(paths, staged), _pointers(paths))
        self._added |= {path: self._added.get(path) for path in paths}

    def declare(self, model: Metadata) -> None:
        """Write what is known of a model into `dvc.yaml`."""
        staged = git.file_at(self._root, "", dvc_files.PIPELINE)
        artifacts.declare(self._root, model.name, model.path, model.meta, model.labels)
        git_index.stage_contents(self._root, {dvc_files.PIPELINE: model.into(staged)})
        self._added[model.path] = model

    def commit(self, message: str) -> str | None:
        """Commit what was added and declared; returns the commit, None if there is nothing new."""
        data = [path for path in self._added if (self._root / f"{path}.dvc").exists()]
        shared = {dvc_files.PIPELINE, *map(trackable.ignore_file, data)}
        committed = {file: git.file_at(self._root, "HEAD", file) for file in shared}
        contents = self._ignored(data, committed)
        pipeline = committed[dvc_files.PIPELINE]
        for model in filter(None, self._added.values()):
            contents[dvc_files.PIPELINE] = pipeline = model.into(pipeline)
        message = conventional(self._root, message)
        try:
            commit = git_index.commit_contents(
                self._root, message, contents, _pointers(data), without=data
            )
        except StudyError as error:
            where = f"{error.what}: {error.where}"
            mend = "mend that, then repeat this: it goes on from here"
            raise StudyError("DVC has it, but git has no commit of it", where, mend) from None
        self._added.clear()
        return commit

    def _ignored(
        self, paths: Sequence[str], before: Mapping[str, bytes | None]
    ) -> dict[str, bytes]:
        """Return the .gitignore files beside some data, with DVC's lines of that data in them.

        Args:
            paths: The data.
            before: What the files said.
        """
        lines: dict[str, list[str]] = {}
        for path, (source, line) in git_index.ignore_rules(self._root, paths).items():
            if source == trackable.ignore_file(path):
                lines.setdefault(source, []).append(line)
        return {source: _with_lines(before[source], lines[source]) for source in lines}


def conventional(root: Path, message: str) -> str:
    """Return a message in the form that the study's commits have, as a subject of type `data`.

    Args:
        root: The study; `.cz.toml` in it says what conforms, and any message does without one.
        message: What conforms already is returned as it is.

    Raises:
        StudyError: The message is empty.
    """
    if not (message := message.strip()):
        raise StudyError("an empty message", mend='say what is new: "Add wave 2"')
    file = root / CONVENTION
    if not file.is_file():
        return message
    settings = tomllib.loads(file.read_text(encoding="utf-8"))
    pattern = settings["tool"]["commitizen"].get("customize", {}).get("schema_pattern", "")
    if re.match(pattern, message):
        return message
    subject, _, body = message.partition("\n")
    return f"data: {subject}" + (f"\n\n{body.strip()}" if body.strip() else "")


def _pointers(paths: Sequence[str]) -> list[str]:
    return [f"{path}.dvc" for path in paths]


def _with_lines(content: bytes | None, added: Sequence[str]) -> bytes:
    lines = (content or b"").decode().split("\n")
    there = {line.rstrip("\r") for line in lines}
    lacking = [line for line in added if line not in there]
    if lacking and not lines[-1]:
        lines.pop()
    return "\n".join([*lines, *lacking, *([""] if lacking else [])]).encode()
