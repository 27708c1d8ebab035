"""The volumes of a package, written in one pass over what they hold."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

from data_versioning.archive import generated, manifest
from data_versioning.archive.contents import DVC, MADE, Content
from data_versioning.archive.digests import CHUNK, Digest, OnePass, Take
from data_versioning.archive.objects import damaged
from data_versioning.archive.package_files import METADATA, PackagedFile
from data_versioning.archive.planning import Plan
from data_versioning.archive.progress import Progress
from data_versioning.archive.verify_package import FILE
from data_versioning.archive.volume_writer import Differs, NewFile, SameFile, Volume
from data_versioning.archive.volumes import refuse_too_large
from data_versioning.errors import StudyError
from data_versioning.tools.git_history import Blobs
from data_versioning.wording import printable

_LATE = 2000  # files whose checksums threads may still compute


def write(plan: Plan, folder: Path, compare: bool) -> None:
    """Write the volumes of a package, or compare them with those that are there.

    Args:
        plan: What they hold.
        folder: Where they are.
        compare: Write nothing.

    Raises:
        Differs: What is there is not this package.
        StudyError: Something is damaged, or a secret; a volume is too large for the archive.
    """
    if compare and {path.name for path in folder.glob("*")} != set(plan.volumes):
        raise Differs
    with Blobs(plan.request.study.root) as blobs, OnePass() as hashing:
        _Writing(plan, blobs, hashing).all(folder, SameFile if compare else NewFile)


class _Writing:
    def __init__(self, plan: Plan, blobs: Blobs, hashing: OnePass) -> None:
        self._plan = plan
        self._blobs = blobs
        self._hashing = hashing
        self._time = int(plan.facts.time.timestamp())
        self._progress = Progress("packaging", plan.size)
        self._late: deque[tuple[Content, str, Digest]] = deque()
        self._files: list[PackagedFile] = []
        self._modes: dict[str, int] = {}

    def all(self, folder: Path, sink: type[NewFile] | type[SameFile]) -> None:
        """Write every volume."""
        main = self._plan.names[0]
        sizes = []
        for name, contents in self._plan.volumes.items():
            with closing(sink(folder / name)) as opened:
                volume = Volume(opened, self._time)
                self._add_all(volume, name, contents)
                if name == main:
                    self._add_generated(volume, name)
                volume.end()
                sizes.append((name, volume.size))
        self._progress.end()
        refuse_too_large(sizes, self._plan.request.limits)

    def _add_all(self, volume: Volume, name: str, contents: Iterable[Content]) -> None:
        self._blobs.expect(one.origin[4:] for one in contents if not one.file and not one.content)
        for one in contents:
            self._late.append((one, name, self._add(volume, one)))
            self._settle(_LATE)
        self._settle(0)

    def _add(self, volume: Volume, one: Content) -> Digest:
        if one.file is None:
            content = one.read(self._blobs)
            self._progress.add(len(content))
        else:
            try:
                if one.size > CHUNK:
                    with open(one.file, "rb", buffering=0) as large:
                        return self._stream(volume, one, large)
                file = os.open(one.file, os.O_RDONLY)
            except FileNotFoundError:
                what = "DVC's cache lost it while the package was made"
                raise StudyError(what, printable(one.path), "make package") from None
            try:
                content = os.read(file, one.size + 1)
                while len(content) < one.size and (more := os.read(file, one.size)):
                    content += more
            finally:
                os.close(file)
            self._progress.add(len(content))
            self._plan.secrets.refuse_in_data(one.path, content)
            if self._plan.identity:
                self._plan.identity.refuse_bytes(one.path, content)
        digest = self._hashing.whole(content)
        volume.add(one.path, one.mode, content, digest.crc)
        return digest

    def _stream(self, volume: Volume, one: Content, file: BinaryIO) -> Digest:
        look = self._looking(one)
        before = os.fstat(file.fileno()).st_mtime_ns
        digest = volume.stream(one.path, one.mode, file, one.size, self._hashing, look)
        if os.fstat(file.fileno()).st_mtime_ns != before:
            # What was copied need not be what was read.
            what = "it changed while the package was made"
            raise StudyError(what, printable(one.path), "make package, when nobody writes to it")
        if digest.size != one.size and one.file:
            raise damaged(one.path, one.file)
        return digest

    def _looking(self, one: Content) -> Take:
        """Return what looks at what DVC keeps while it is read."""
        identity = self._plan.identity
        watching = [self._plan.secrets.watch(one.path)]
        watching += [identity.watch(one.path)] if identity else []

        def look(buffer: bytearray | bytes, count: int) -> None:
            self._progress.add(count)
            for watch in watching:
                watch(buffer, count)

        return look

    def _settle(self, most: int) -> None:
        """Take the checksums of all but the last few files, and compare them with DVC's."""
        while len(self._late) > most:
            one, volume, digest = self._late.popleft()
            md5, sha256 = digest.sums()
            if one.file and (md5 != one.origin[len(DVC) :] or digest.size != one.size):
                raise damaged(one.path, one.file)
            self._note(one, volume, digest.size, md5, sha256)

    def _note(self, one: Content, volume: str, size: int, md5: str, sha256: str) -> None:
        self._modes[one.path] = one.mode
        self._files.append(
            PackagedFile(one.path, one.role, size, sha256, md5, one.stage, one.origin, volume)
        )

    def _add_generated(self, volume: Volume, name: str) -> None:
        plan = self._plan
        described = (plan.facts, self._files, plan.pointers, plan.names)
        locked = (plan.uv_lock, plan.pyproject, plan.requirements)
        for path, content in generated.made(*described, *locked):
            one = Content(path, FILE, generated.role(path), 0, None, MADE)
            self._note(one, name, *self._add_made(volume, one, content))
        document = manifest.document(
            plan.facts, self._files, self._modes, plan.pointers, plan.names, plan.request.data
        )
        last = Content(manifest.MANIFEST, FILE, METADATA, 0, None, MADE)
        _, _, sha256 = self._add_made(volume, last, manifest.text(document))
        last = Content(manifest.SUMS, FILE, METADATA, 0, None, MADE)
        self._add_made(volume, last, manifest.sums(self._files, self._modes, sha256))

    def _add_made(self, volume: Volume, one: Content, content: bytes) -> tuple[int, str, str]:
        """Add a generated file; returns its size, MD5 and SHA-256."""
        if (identity := self._plan.identity) and one.path != generated.VERIFY:
            content = identity.rewritten(one, content)
        digest = self._hashing.whole(content)
        volume.add(one.path, one.mode, content, digest.crc)
        return digest.size, *digest.sums()
