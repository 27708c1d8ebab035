"""The objects of DVC's cache, read where they are; what it lacks is fetched from the remotes."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from data_versioning.archive.kept import KeptByDVC
from data_versioning.data import remotes
from data_versioning.errors import StudyError
from data_versioning.lineage.records import HASH
from data_versioning.study import Study
from data_versioning.wording import counted, listed, printable

FOLDER = ".dir"
ELSEWHERE = "make repro, which makes what is missing; or ask who made it to: make push"


class Objects:
    """Where DVC keeps the bytes of its files.

    Args:
        cache: The folder of DVC's cache.
    """

    def __init__(self, cache: Path) -> None:
        self._files = f"{cache}/files/md5"
        self._listings: dict[str, dict[str, str]] = {}
        self._facts: dict[str, os.stat_result] = {}

    def path(self, md5: str) -> str:
        """Return where an object is, or would be."""
        return f"{self._files}/{md5[:2]}/{md5[2:]}"

    def facts(self, md5: str) -> os.stat_result | None:
        """Return what the file system knows of an object, or None if the cache lacks it."""
        if md5 not in self._facts:
            try:
                found = os.stat(self.path(md5))
                if not stat.S_ISREG(found.st_mode):  # a pipe could be waited for without end
                    raise damaged(md5, self.path(md5))
                self._facts[md5] = found
            except FileNotFoundError:
                return None
        return self._facts[md5]

    def has(self, md5: str) -> bool:
        """Tell whether the cache has an object."""
        return self.facts(md5) is not None

    def files(self, kept: KeptByDVC) -> dict[str, str]:
        """Return the hash of each file that something holds, by its path in the study.

        Raises:
            StudyError: The list of a folder's files is damaged.
        """
        if not kept.is_folder:
            return {kept.path: kept.md5}
        if kept.md5 not in self._listings:
            content = Path(self.path(kept.md5)).read_bytes()
            found = hashlib.md5(content, usedforsecurity=False).hexdigest()
            if found != kept.md5.removesuffix(FOLDER):
                raise damaged(kept.path, self.path(kept.md5))
            try:
                listed = {str(one["relpath"]): str(one["md5"]) for one in json.loads(content)}
            except (ValueError, KeyError, TypeError):  # not what DVC writes
                raise damaged(kept.path, self.path(kept.md5)) from None
            if not all(map(HASH.fullmatch, listed.values())):
                raise damaged(kept.path, self.path(kept.md5))
            self._listings[kept.md5] = listed
        return {f"{kept.path}/{name}": md5 for name, md5 in self._listings[kept.md5].items()}

    def lacking(self, kept: Iterable[KeptByDVC]) -> dict[str, tuple[str, str]]:
        """Return what the cache lacks: path and remote, by the hash.

        Of a folder whose list it lacks, the list alone.
        """
        found = {}
        for one in kept:
            if not self.has(one.md5):
                found[one.md5] = (one.path, one.remote)
            elif one.is_folder:
                for path, md5 in self.files(one).items():
                    if not self.has(md5):
                        found[md5] = (path, one.remote)
        return found

    def fetch(self, study: Study, kept: Iterable[KeptByDVC]) -> None:
        """Get into the cache what it lacks.

        Args:
            study: The study.
            kept: What has to be there.

        Raises:
            StudyError: Something is nowhere, or a remote does not answer.
        """
        kept = list(kept)
        # A folder's list tells which files it has, and these can be lacking, too.
        for _ in range(2):
            by_remote: dict[str, list[str]] = {}
            for md5, (_, remote) in self.lacking(kept).items():
                by_remote.setdefault(remote, []).append(md5)
            if not by_remote:
                return
            for remote, hashes in sorted(by_remote.items()):
                remotes.fetch_objects(study, sorted(hashes), remote)
        if lost := sorted({path for path, _ in self.lacking(kept).values()}):
            what = f"{counted(len(lost), 'file')} neither in DVC's cache nor in a remote"
            raise StudyError(what, printable(listed(lost)), ELSEWHERE)


def are_linked(root: Path, kept: Iterable[KeptByDVC], objects: Objects) -> bool:
    """Tell whether all that is on disk are links to the cache: then nothing differs from it.

    What was not put in place does not differ, either. Where it is not links, DVC has to be asked.
    """
    for one in kept:
        if not os.path.lexists(root / one.path):
            continue
        if one.is_folder and not objects.has(one.md5):
            return False
        files = objects.files(one)
        for path in _on_disk(root, one):
            there = objects.facts(files[path]) if path in files else None
            try:
                if not there or not os.path.samestat(os.stat(f"{root}/{path}"), there):
                    return False
            except OSError:  # a link to nowhere
                return False
    return True


def _on_disk(root: Path, kept: KeptByDVC) -> Iterator[str]:
    top = f"{root}/{kept.path}"
    if not os.path.isdir(top):
        yield kept.path
    for folder, _, names in os.walk(top):
        yield from (f"{kept.path}{folder[len(top) :]}/{name}" for name in names)


def refuse_unsent(study: Study, pointed: Iterable[KeptByDVC]) -> None:
    """Refuse a package that points to data which nobody can fetch.

    Raises:
        StudyError: A remote lacks something, there is none, or it does not answer.
    """
    by_remote: dict[str, list[KeptByDVC]] = {}
    for one in pointed:
        by_remote.setdefault(one.remote, []).append(one)
    for name, those in sorted(by_remote.items()):
        targets = remotes.chosen(study, [name] if name else [])[:1]
        if not targets:
            what = "no remote is configured that a package could point to"
            raise StudyError(what, listed([one.path for one in those]), remotes.NO_REMOTE)
        hashes = sorted({one.md5 for one in those})
        if lacking := remotes.lacking(study, targets[0], {"md5": hashes}):
            paths = [one.path for one in those if one.md5 in lacking]
            what = f"the package would point to data that the remote '{targets[0].name}' lacks"
            raise StudyError(what, printable(listed(paths)), "make push")


def damaged(path: str, file: str) -> StudyError:
    """Return the error that an object does not hold what its name says."""
    what = "damaged in DVC's cache, it does not hold what its name says"
    mend = f"rm -f {shlex.quote(file)} && make pull, then again"
    return StudyError(what, f"{printable(path)} ({file})", mend)
