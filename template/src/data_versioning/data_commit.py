"""Commits of what DVC tracks, that hold nothing else."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from data_versioning import artifacts, dvc, dvc_files, git, git_index, trackable
from data_versioning.errors import StudyError
from data_versioning.model_metadata import Metadata

CONVENTION = ".cz.toml"


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
        git_index.refuse_unfinished(self._root)
        staged = {
            file: git.file_at(self._root, "", file) for file in map(trackable.ignore_file, paths)
        }
        in_git = [path for path in paths if git.is_tracked(self._root, path)]
        git.unstage(self._root, in_git)  # or DVC does not take it
        try:
            dvc.add(self._root, paths, lock)
        except StudyError as error:
            if in_git:  # of no paths, git would forget all
                git.forget_staged(self._root, [f":(literal){path}" for path in in_git])
            again = f"mend that, then repeat this: {shlex.join(paths)}"
            raise StudyError(error.what, error.where, again) from None
        # DVC stages the whole .gitignore, with what else is edited in it.
        git_index.stage_contents(self._root, self._pointers(paths, staged))
        self._added |= {path: self._added.get(path) for path in paths}

    def _pointers(
        self, paths: Sequence[str], ignored: Mapping[str, bytes | None]
    ) -> dict[str, bytes]:
        """Return the files that say in git what DVC tracks.

        Args:
            paths: What was added.
            ignored: What the .gitignore files said before.
        """
        contents: dict[str, bytes] = {}
        for path in paths:
            contents[f"{path}.dvc"] = (self._root / f"{path}.dvc").read_bytes()
            source, line = git_index.ignore_rule(self._root, path) or ("", "")
            if source == trackable.ignore_file(path):
                contents[source] = _with_line(contents.get(source, ignored.get(source)), line)
        return contents

    def declare(self, model: Metadata) -> None:
        """Write what is known of a model into `dvc.yaml`."""
        staged = git.file_at(self._root, "", dvc_files.PIPELINE)
        artifacts.declare(self._root, model.name, model.path, model.meta, model.labels)
        git_index.stage_contents(self._root, {dvc_files.PIPELINE: model.into(staged)})
        self._added[model.path] = model

    def commit(self, message: str) -> str | None:
        """Commit what was added and declared; returns the commit, None if there is nothing new."""

        def committed(path: str) -> bytes | None:
            return git.file_at(self._root, "HEAD", path)

        moved = [path for path in self._added if (self._root / f"{path}.dvc").exists()]
        contents = self._pointers(
            moved, {file: committed(file) for file in map(trackable.ignore_file, moved)}
        )
        for model in filter(None, self._added.values()):
            pipeline = contents.get(dvc_files.PIPELINE, committed(dvc_files.PIPELINE))
            contents[dvc_files.PIPELINE] = model.into(pipeline)
        try:
            message = conventional(self._root, message)
            commit = git_index.commit_contents(self._root, contents, message, without=moved)
        except StudyError as error:
            where = f"{error.what}: {error.where}"
            mend = "mend that, then repeat this: it goes on from here"
            raise StudyError("DVC has it, but git has no commit of it", where, mend) from None
        self._added.clear()
        return commit


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


def _with_line(content: bytes | None, line: str) -> bytes:
    lines = (content or b"").decode().splitlines(keepends=True)
    if line in (one.rstrip("\r\n") for one in lines):
        return content or b""
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    return "".join([*lines, f"{line}\n"]).encode()
