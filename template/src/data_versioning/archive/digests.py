"""Checksums of bytes in one pass: CRC-32, MD5 and SHA-256, the last two in threads of their own."""

from __future__ import annotations

import hashlib
import zlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, BinaryIO, NamedTuple

CHUNK = 2 * 1024**2  # bytes that are read, and handed to the threads, at a time
RING = 6  # chunks in memory, and as many batches of small files
TINY = 2048  # bytes; hashlib keeps the interpreter's lock for less
Take = Callable[[bytearray | bytes, int], None]  # a buffer, and how much of it counts


class Digest(NamedTuple):
    """Checksums of some bytes.

    Args:
        crc: The CRC-32.
        size: In bytes.
        sums: Returns MD5 and SHA-256, in hexadecimal; waits for them.
    """

    crc: int
    size: int
    sums: Callable[[], tuple[str, str]]


class _Batch:
    """Small files whose checksums two threads compute one after the other."""

    def __init__(self) -> None:
        self.contents: list[bytes] = []
        self.size = 0
        self.md5: Future[list[str]] | None = None  # once it is handed to the threads
        self.sha256: Future[list[str]] | None = None
        self.found: list[tuple[str, str]] | None = None  # once they are done

    def add(self, content: bytes) -> int:
        """Add a file; returns its place."""
        self.contents.append(content)
        self.size += len(content)
        return len(self.contents) - 1


class OnePass:
    """Reads files and computes their checksums; a context manager.

    hashlib lets go of the interpreter's lock, so that reading, MD5 and SHA-256 go on side by side.
    """

    def __init__(self) -> None:
        self._buffers = [bytearray(CHUNK) for _ in range(RING)]
        self._used: list[tuple[Future[None], ...]] = [()] * RING
        self._next = 0
        self._batch = _Batch()
        self._batches: deque[_Batch] = deque()

    def __enter__(self) -> OnePass:
        """Start the threads."""
        self._md5_worker, self._sha_worker = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
        return self

    def __exit__(self, *_: object) -> None:
        """End them."""
        for worker in (self._md5_worker, self._sha_worker):
            worker.shutdown(cancel_futures=True)

    def whole(self, content: bytes) -> Digest:
        """Return the checksums of what is in memory."""
        crc, size = zlib.crc32(content), len(content)
        if size <= TINY:
            found = _md5(content).hexdigest(), hashlib.sha256(content).hexdigest()
            return Digest(crc, size, lambda: found)
        batch = self._batch
        place = batch.add(content)
        if batch.size >= CHUNK:
            self._send()
        return Digest(crc, size, lambda: self._sent(batch, place))

    def _sent(self, batch: _Batch, place: int) -> tuple[str, str]:
        """Return the checksums of a file of a batch."""
        if batch is self._batch:
            self._send()
        if batch.found is None:
            assert batch.md5 and batch.sha256
            batch.found = list(zip(batch.md5.result(), batch.sha256.result(), strict=True))
            batch.contents = []
        return batch.found[place]

    def _send(self) -> None:
        """Hand what has come together to the threads."""
        batch, self._batch = self._batch, _Batch()
        batch.md5 = self._md5_worker.submit(_all, batch.contents, _md5)
        batch.sha256 = self._sha_worker.submit(_all, batch.contents, hashlib.sha256)
        self._batches.append(batch)
        if len(self._batches) > RING:
            self._sent(self._batches.popleft(), 0)

    def stream(self, file: BinaryIO, take: Take) -> Digest:
        """Read an open file to its end.

        Args:
            file: The file, unbuffered.
            take: Gets each chunk when its CRC is known; the buffer is used again later.

        Returns:
            The checksums of what was read.
        """
        md5, sha256 = _md5(), hashlib.sha256()
        md5_worker, sha_worker = self._md5_worker, self._sha_worker
        crc = size = 0
        while True:
            place = self._next
            for future in self._used[place]:
                future.result()
            buffer = self._buffers[place]
            count = file.readinto(buffer)  # type: ignore[attr-defined]
            if not count:
                break
            view = memoryview(buffer)[:count]
            self._used[place] = (
                md5_worker.submit(md5.update, view),
                sha_worker.submit(sha256.update, view),
            )
            self._next = (place + 1) % RING
            crc = zlib.crc32(view, crc)
            size += count
            take(buffer, count)
        # One worker each, in order: these come after the last chunk.
        md5_of, sha256_of = md5_worker.submit(md5.hexdigest), sha_worker.submit(sha256.hexdigest)
        return Digest(crc, size, lambda: (md5_of.result(), sha256_of.result()))


def _all(contents: list[bytes], made_by: Callable[[bytes], Any]) -> list[str]:
    return [made_by(content).hexdigest() for content in contents]


def _md5(content: bytes = b"") -> Any:
    return hashlib.md5(content, usedforsecurity=False)
