"""A file of a release: text that was made for it, or a volume of a package."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

LARGEST = 2 * 1024**3 - 1  # bytes; docs.github.com/repositories/releasing-projects-on-github
PIECE = 1024 * 1024  # bytes
YAML, ZIP = "application/yaml", "application/zip"


@dataclass(frozen=True)
class ReleaseFile:
    """A file of a release.

    Args:
        name: Its name there.
        content: What is in it, or the file on disk.
        kind: Its media type.
    """

    name: str
    content: bytes | Path
    kind: str = YAML

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of its content, in hexadecimal."""
        digest = hashlib.sha256()
        for piece in self.body():
            digest.update(piece)
        return digest.hexdigest()

    @property
    def headers(self) -> dict[str, str]:
        """What goes with it when it is sent."""
        return {"Content-Type": self.kind, "Content-Length": str(self.size)}

    def body(self) -> Iterator[bytes]:
        """Yield its content piece by piece."""
        if isinstance(self.content, bytes):
            yield self.content
            return
        with self.content.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece
