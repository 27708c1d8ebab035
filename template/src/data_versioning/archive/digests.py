"""Checksums of bytes in one pass: CRC-32, MD5 and SHA-256, the last two in threads of their own."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, BinaryIO

CHUNK = 2 * 1024**2  # bytes; what is smaller is not worth handing to a thread more than once
RING = 6  # chunks in memory
SMALL = 64 * 1024  # bytes; hashed here, which is faster than handing it to another thread
Take = Callable[[bytearray | bytes, int], None]  # a buffer, and how much of it counts


@dataclass(frozen=True)
class Digest:
    """Checksums of some bytes; those that threads still compute are waited for.

    Args:
        crc: The CRC-32.
        size: In bytes.
    """

    crc: int
    size: int
    _md5: str | Future[str]
    _sha256: str | Future[str]

    @property
    def md5(self) -> str:
        """In hexadecimal."""
        return self._md5 if isinstance(self._md5, str) else self._md5.result()

    @property
    def sha256(self) -> str:
        """In hexadecimal."""
        return self._sha256 if isinstance(self._sha256, str) else self._sha256.result()


class OnePass:
    """Reads files and computes their checksums; a context manager.

    hashlib lets go of the interpreter's lock, so that reading, MD5 and SHA-256 go on side by side.
    """

    def __init__(self) -> None:
        self._buffers = [bytearray(CHUNK) for _ in range(RING)]
        self._used: list[tuple[Future[None], ...]] = [()] * RING
        self._next = 0

    def __enter__(self) -> OnePass:
        """Start the threads."""
        self._workers = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
        return self

    def __exit__(self, *_: object) -> None:
        """End them."""
        for worker in self._workers:
            worker.shutdown(cancel_futures=True)

    def whole(self, content: bytes) -> Digest:
        """Return the checksums of what is in memory."""
        if len(content) <= SMALL:
            md5 = _md5(content).hexdigest()
            return Digest(
                zlib.crc32(content), len(content), md5, hashlib.sha256(content).hexdigest()
            )
        md5_worker, sha_worker = self._workers
        md5_of = md5_worker.submit(lambda: _md5(content).hexdigest())
        sha_of = sha_worker.submit(lambda: hashlib.sha256(content).hexdigest())
        return Digest(zlib.crc32(content), len(content), md5_of, sha_of)

    def stream(self, file: BinaryIO, take: Take) -> Digest:
        """Read an open file to its end.

        Args:
            file: The file, unbuffered.
            take: Gets each chunk when its CRC is known; the buffer is used again later.

        Returns:
            The checksums of what was read.
        """
        md5, sha256 = _md5(), hashlib.sha256()
        md5_worker, sha_worker = self._workers
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
        return Digest(
            crc, size, md5_worker.submit(md5.hexdigest), sha_worker.submit(sha256.hexdigest)
        )


def _md5(content: bytes = b"") -> Any:
    return hashlib.md5(content, usedforsecurity=False)
