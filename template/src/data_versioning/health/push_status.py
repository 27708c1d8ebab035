"""What remotes lack of what the work tree, branches and tags refer to."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from data_versioning.data import remotes
from data_versioning.errors import StudyError
from data_versioning.health.references import Reference, past_references, references
from data_versioning.study import Study

# Not `dvc push`, which trusts its memory of the remote; nor `dvc push --all-commits`, which takes
# `../storage` for `/storage`.
SEND = "python -m data_versioning check-remote --send"


@dataclass(frozen=True)
class Unpushed:
    """A version of a file or folder that a remote lacks.

    Args:
        remote: The name of the remote.
        path: The file or folder, relative to the study.
        md5: DVC's hash, of a folder with the suffix `.dir`.
        revisions: The branches and tags that refer to it; `work tree` for the files on disk.
        files: How many files the remote lacks; of a folder it can be some.
        lost: How many of these are not in the cache either, so that this copy of the study
            cannot push them.
    """

    remote: str
    path: str
    md5: str
    revisions: tuple[str, ...]
    files: int
    lost: int


@dataclass(frozen=True)
class PushStatus:
    """What the remotes lack; true when they lack nothing.

    Args:
        remotes: The names of the remotes that were asked.
        versions: How many versions of files and folders were looked for.
        unpushed: What is lacking.
        older: Hashes of versions that only older commits refer to, and that are in the cache but
            in none of the remotes. They are no part of the verdict.
    """

    remotes: tuple[str, ...]
    versions: int
    unpushed: tuple[Unpushed, ...] = ()
    older: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether everything is pushed."""
        return not self.unpushed

    @property
    def mends(self) -> list[str]:
        """Commands that send what can be sent, one per remote."""
        names = {one.remote: None for one in self.unpushed if one.lost < one.files}
        return [f"{SEND} {shlex.quote(name)}" for name in names]


def push_status(
    study: Study,
    names: Sequence[str] = (),
    revisions: bool = True,
    seconds: float | None = None,
    send: bool = False,
) -> PushStatus:
    """Ask the remotes; see `health.check_dvc_status`.

    Args:
        study: The study.
        names: The remotes; the default one and `backup` if none is named.
        revisions: Look at every branch and tag and their history, not only at the work tree.
        seconds: How long to wait for a remote.
        send: Send what is lacking and in the cache, older versions too, first.

    Raises:
        StudyError: No remote is configured, or one does not answer.
    """
    wanted = references(study.root, revisions)
    known = {one.md5 for one in wanted}
    past = [one for one in past_references(study.root) if one.md5 not in known] if revisions else []
    return status_of(study, wanted, names, past, seconds, send)


def status_of(
    study: Study,
    wanted: Mapping[Reference, Sequence[str]],
    names: Sequence[str] = (),
    past: Sequence[Reference] = (),
    seconds: float | None = None,
    send: bool = False,
) -> PushStatus:
    """Ask the remotes for certain versions of files and folders.

    Args:
        study: The study.
        wanted: The versions, with what refers to each.
        names: The remotes; the default one and `backup` if none is named.
        past: Versions that are no part of the verdict.
        seconds: How long to wait for a remote.
        send: Send what is lacking and in the cache, older versions too, first.

    Raises:
        StudyError: No remote is configured, or one does not answer.
    """
    if not (targets := remotes.chosen(study, names)):
        raise StudyError("no remote is configured", str(study.root), remotes.NO_REMOTE)
    own = {one.remote for one in wanted if one.remote} - {target.name for target in targets}
    usual = {target.name for target in targets}
    unpushed: list[Unpushed] = []
    older = {one.md5 for one in past if not one.remote or one.remote in usual | own}
    for target in [*targets, *(remotes.chosen(study, sorted(own)) if own else [])]:
        places = {target.name, ""} if target.name in usual else {target.name}
        here = [one for one in wanted if one.remote in places]
        before = [one for one in past if one.remote in places]
        found = remotes.lacking(study, target, _hashes(here), seconds, send, _hashes(before))
        for one in before:
            files, lost = found.get(one.md5, (0, 0))
            if files == lost:  # it is there, or nobody here can send it
                older.discard(one.md5)
        unpushed += [
            Unpushed(target.name, one.path, one.md5, tuple(wanted[one]), *found[one.md5])
            for one in here
            if one.md5 in found
        ]
    asked = tuple(target.name for target in targets) + tuple(sorted(own))
    unpushed.sort(key=lambda one: (one.remote, one.path, one.revisions))
    return PushStatus(asked, len(wanted), tuple(unpushed), tuple(sorted(older)))


def _hashes(found: Iterable[Reference]) -> dict[str, list[str]]:
    """Return the hashes, each once, by the algorithm that made them."""
    objects: dict[str, set[str]] = {}
    for one in found:
        objects.setdefault(one.algorithm, set()).add(one.md5)
    return {key: sorted(hashes) for key, hashes in objects.items()}
