"""Bring the results up to date where the data is not, fetching only what that needs.

`dvc repro --pull --allow-missing` cannot be trusted with that. Of a folder with tracked files in
it, it takes what git has for the whole; it does not see that a file of a tracked folder changed;
and where a stage fails to write an output, it records the one before as the new one.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from data_versioning.data import remotes
from data_versioning.errors import StudyError
from data_versioning.pipeline.manager import Reproduction, make_read_only, reproduce
from data_versioning.reproduction.freshness import (
    FOLLOWS,
    FRESH,
    STALE,
    UNKNOWN,
    Pipeline,
    check,
    state,
)
from data_versioning.study import Study
from data_versioning.tools import dvc, dvc_files, git, git_state
from data_versioning.wording import counted, listed, sized


@dataclass(frozen=True)
class Fetched:
    """Data that came from the remote.

    Args:
        path: A file or a folder.
        files: How many files it holds.
        size: In bytes.
    """

    path: str
    files: int
    size: int


@dataclass(frozen=True)
class SparseReproduction:
    """What `reproduce_sparsely` did.

    Args:
        fresh: How many stages were up to date.
        fetched: What came from the remote.
        reproduction: What became of the stages that were not; None if there were none.
        unchecked: Stages that could not be run.
        why: What the remote said.
        commit: The commit of the results, if one was made.
    """

    fresh: int
    fetched: tuple[Fetched, ...] = ()
    reproduction: Reproduction | None = None
    unchecked: tuple[str, ...] = ()
    why: str = ""
    commit: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it as what JSON can hold."""
        return asdict(self)

    def text(self) -> str:
        """Return what came from the remote, what ran, and what could not."""
        lines = [f"{counted(self.fresh, 'stage')} up to date"]
        if self.fetched:
            size = sized(sum(one.size for one in self.fetched))
            files = counted(sum(one.files for one in self.fetched), "file")
            lines.append(f"fetched {files}, {size}: {', '.join(one.path for one in self.fetched)}")
        else:
            lines[0] += "; no data fetched"
        if self.reproduction:
            lines.append(self.reproduction.report())
        if self.unchecked:
            lines.append(f"not checked: {', '.join(self.unchecked)}: {self.why}")
        if self.commit:
            lines.append(f"committed {self.commit[:8]}; to share it: make push")
        return "\n".join(filter(None, lines))


def reproduce_sparsely(
    study: Study, fork: bool = False, commit: bool = False, quiet: bool = False
) -> SparseReproduction:
    """Run the stages that are out of date, and those after them whose inputs this changes.

    Only what they read and none of them makes is fetched. One MLflow run is logged, as by
    `reproduce`.

    Args:
        study: The study.
        fork: Where the remote refuses, say what could not be checked rather than fail.
        commit: Commit what changed of `dvc.lock` and of the results that git keeps, if all could
            be checked.
        quiet: Write nothing to standard output.

    Raises:
        StageFailed: A stage failed.
        StudyError: The remote refused; or data on disk is not the one on record; or something is
            not committed, which a commit of the results would not be the results of.
    """
    if commit:
        refuse_uncommitted(study.root, "uncommitted changes")
        if not git.has_identity(study.root):
            mend = "git config user.name <name> && git config user.email <address>"
            raise StudyError("git does not know who commits", str(study.root), mend)
    rounds = _Rounds(study, fork)
    done = None
    if first := rounds.next():
        done = reproduce(study, first, quiet, then=rounds.next)
    if rounds.refused and not fork:
        raise rounds.refused
    whole = commit and rounds.ran and not rounds.refused
    made = _commit(study.root, rounds.pipeline, rounds.ran) if whole else None
    behind = rounds.pipeline.names(STALE, FOLLOWS, UNKNOWN)
    return SparseReproduction(
        fresh=len(rounds.pipeline.names(FRESH)) - len(rounds.ran),
        fetched=tuple(rounds.fetched),
        reproduction=done,
        unchecked=tuple(behind),
        why=str(rounds.refused or ""),
        commit=made,
    )


class _Rounds:
    """The stages to run next, again and again; what they read is fetched before.

    A stage after one that runs waits: its turn comes if its inputs are other ones then.

    Args:
        study: The study.
        fork: Go on with what needs no data once the remote has refused.
    """

    def __init__(self, study: Study, fork: bool) -> None:
        self._study = study
        self._fork = fork
        self.ran: list[str] = []
        self.fetched: list[Fetched] = []
        self.refused: StudyError | None = None
        self.pipeline = check(study)

    def next(self) -> list[str]:
        """Return the arguments of `dvc repro`, or none when nothing is left to do."""
        if self.ran:
            self.pipeline = state(self._study, self.ran)
        if self._fetch([(path, path) for path in self.pipeline.unlisted]):
            self.pipeline = state(self._study, self.ran)
        names = self.pipeline.ready()
        self._fetch(self.pipeline.missing(names))
        if self.refused:
            names = self._without_data(names) if self._fork else []
        self.ran += names
        return ["--single-item", "--", *names] if names else []

    def _fetch(self, wanted: Iterable[tuple[str, str]]) -> bool:
        """Fetch data unless the remote refuses, or has refused; tell whether any came."""
        paths = list(wanted)
        if not paths or self.refused:
            return False
        try:
            self.fetched += fetch(self._study, self.pipeline, paths)
        except NotFetched as error:
            self.refused = error
        return not self.refused

    def _without_data(self, names: Sequence[str]) -> list[str]:
        found: list[str] = []
        left: set[str] = set()
        for name in names:
            after = self.pipeline.facts[name]["after"]
            if left.intersection(after) or any(self.pipeline.missing([*found, name])):
                left.add(name)
            else:
                found.append(name)
        return found


class NotFetched(StudyError):
    """The remote refused, or lacks something."""


def fetch(study: Study, pipeline: Pipeline, wanted: Iterable[tuple[str, str]]) -> list[Fetched]:
    """Put data in place, from the cache where it is there.

    Args:
        study: The study.
        pipeline: Its state.
        wanted: Paths, each with the output that it is or lies in.

    Returns:
        What came from the remote.

    Raises:
        NotFetched: The remote refused or lacks something.
    """
    paths = dict(wanted)
    here = {out["path"] for one in pipeline.facts.values() for out in one["outs"] if out["fetched"]}
    lacking = [path for path, source in paths.items() if source not in here]
    try:
        if lacking and not remotes.chosen(study):
            raise StudyError("no remote is configured", ", ".join(lacking), remotes.NO_REMOTE)
        if lacking:
            remotes.fetch(study, targets=lacking)
        if paths:
            dvc.checkout(study.root, paths)
        # An import whose repository is gone is no error to DVC.
        if absent := [path for path in paths if not (study.root / path).exists()]:
            mend = "ask who made it to: make push"
            raise StudyError("fetch failed: it is nowhere", ", ".join(absent), mend)
    except StudyError as error:
        raise NotFetched(error.what, error.where, error.mend) from None
    make_read_only(study.root / "data/raw")
    return [_measured(study.root, path) for path in lacking]


def refuse_uncommitted(root: Path, what: str) -> None:
    """Raise a `StudyError` when something is not committed.

    Args:
        root: The study.
        what: What to say of it.
    """
    if changes := git.changes(root):
        raise StudyError(what, listed(changes), "git commit, then again")


def _measured(root: Path, path: str) -> Fetched:
    top = root / path
    files = [one for one in ([top, *top.rglob("*")] if top.is_dir() else [top]) if one.is_file()]
    return Fetched(path, len(files), sum(one.stat().st_size for one in files))


def _commit(root: Path, pipeline: Pipeline, names: Sequence[str]) -> str | None:
    """Commit the records of some stages and those of their outputs that git keeps."""
    mine = set()
    for name in names:
        folder, elsewhere, _ = name.rpartition(f"{dvc_files.PIPELINE}:")
        mine.add(f"{folder if elsewhere else ''}{dvc_files.LOCK}")
        for out in pipeline.facts[name]["outs"]:
            # Of what DVC keeps, its .gitignore has a line.
            beside = posixpath.join(posixpath.dirname(out["path"]), ".gitignore")
            mine.add(beside if out["cached"] else out["path"])
    changed = [path for path in git_state.changed(root, ["."]) if _within(path, mine)]
    if not changed:
        return None
    sha = git.resolve(root, "HEAD")[:8]
    message = f"data(pipeline): reproduce the results of {sha}"
    return git.commit_only(root, [f":(literal){path}" for path in changed], message)


def _within(path: str, paths: Iterable[str]) -> bool:
    return any(path == one or path.startswith(f"{one}/") for one in paths)
