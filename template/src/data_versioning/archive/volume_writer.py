"""Writes the zip files of a package, or compares them with those that are there already."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import BinaryIO, Protocol

from data_versioning.archive import verify_package as layout
from data_versioning.archive.digests import CHUNK, Digest, OnePass, Take
from data_versioning.errors import StudyError


class Differs(Exception):
    """The volume that is there has other bytes."""


class Sink(Protocol):
    """Where the bytes of a volume go."""

    def put(self, offset: int, content: bytes | memoryview) -> None:
        """Take the bytes that stand at an offset."""

    def copy(self, offset: int, file: int, place: int, content: memoryview) -> None:
        """Take bytes that stand at a place of an open file, too."""

    def end(self, size: int) -> None:
        """Take that there are no more bytes than these."""

    def close(self) -> None:
        """Let go of the file."""


class NewFile:
    """Writes a volume.

    Args:
        path: The file; there must be none.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("xb", buffering=0)
        self._copies = hasattr(os, "copy_file_range")  # Linux has it

    def put(self, offset: int, content: bytes | memoryview) -> None:
        """Write bytes at an offset."""
        left = memoryview(content)
        while left:
            try:
                written = os.pwrite(self._file.fileno(), left, offset)
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                    raise
                mend = "data-versioning package --output <a folder with room>"
                raise StudyError(f"no room: {error.strerror}", str(self._path), mend) from None
            left, offset = left[written:], offset + written

    def copy(self, offset: int, file: int, place: int, content: memoryview) -> None:
        """Write bytes at an offset, by the system alone where it can: that is a tenth faster."""
        done = 0
        try:
            while self._copies and done < len(content):
                count = len(content) - done
                copied = os.copy_file_range(
                    file, self._file.fileno(), count, place + done, offset + done
                )
                if copied == 0:  # the file ends here now
                    break
                done += copied
        except OSError:  # other file systems, or one that cannot; what is wrong, `put` says
            self._copies = False
        self.put(offset + done, content[done:])

    def end(self, size: int) -> None:
        """Take that the file is complete."""

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class SameFile:
    """Compares a volume with the file that is there.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("rb", buffering=0)
        except FileNotFoundError:
            raise Differs from None

    def put(self, offset: int, content: bytes | memoryview) -> None:
        """Raise `Differs` unless the file has these bytes at an offset."""
        if os.pread(self._file.fileno(), len(content), offset) != content:
            raise Differs

    def copy(self, offset: int, file: int, place: int, content: memoryview) -> None:
        """Raise `Differs` unless the file has these bytes at an offset."""
        self.put(offset, content)

    def end(self, size: int) -> None:
        """Raise `Differs` unless the file ends here."""
        if os.fstat(self._file.fileno()).st_size != size:
            raise Differs

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Volume:
    """A zip file in the making, of uncompressed entries; see `verify_package`.

    Args:
        sink: Where its bytes go.
        time: The time of all entries, in seconds since 1970.
    """

    def __init__(self, sink: Sink, time: int) -> None:
        self._sink = sink
        self._time = time
        self._entries: list[tuple[layout.Entry, int]] = []
        self.size = 0
        self._waiting: list[bytes] = []  # small files, to be written together
        self._written = 0

    def add(self, name: str, mode: int, content: bytes, crc: int) -> None:
        """Add what is in memory, with its CRC-32."""
        entry = layout.Entry(name, mode, self._time, crc, len(content))
        header = layout.local_header(entry)
        self._entries.append((entry, self.size))
        self._waiting += header, content
        self.size += len(header) + len(content)
        if self.size - self._written >= CHUNK:
            self._flush()

    def stream(
        self, name: str, mode: int, file: BinaryIO, size: int, hashing: OnePass, look: Take
    ) -> Digest:
        """Add an open file.

        Args:
            name: The name of the entry.
            mode: Its mode.
            file: The file.
            size: Its size; if it turns out to have another one, the volume is of no use.
            hashing: Reads it.
            look: Gets each chunk, too.

        Returns:
            Its checksums.
        """
        self._flush()
        # The checksum stands before the content, and is known after it.
        start = self.size
        begin = at = start + len(layout.local_header(layout.Entry(name, mode, self._time, 0, size)))

        def take(buffer: bytearray | bytes, count: int) -> None:
            nonlocal at
            look(buffer, count)
            self._sink.copy(at, file.fileno(), at - begin, memoryview(buffer)[:count])
            at += count

        digest = hashing.stream(file, take)
        entry = layout.Entry(name, mode, self._time, digest.crc, digest.size)
        self._sink.put(start, layout.local_header(entry))
        self._entries.append((entry, start))
        self.size = self._written = at
        return digest

    def end(self) -> None:
        """Write the directory of the volume, and end it."""
        self._flush()
        directory = b"".join(layout.central_header(entry, at) for entry, at in self._entries)
        end = layout.end_of_volume(len(self._entries), self.size, len(directory))
        self._sink.put(self.size, directory + end)
        self.size += len(directory) + len(end)
        self._sink.end(self.size)

    def _flush(self) -> None:
        if self._waiting:
            self._sink.put(self._written, b"".join(self._waiting))
            self._waiting.clear()
            self._written = self.size
