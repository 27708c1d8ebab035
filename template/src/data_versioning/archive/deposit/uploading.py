"""What every archive has in common: its limits, what it tells of a deposit, files on their way."""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from data_versioning import hashing
from data_versioning.archive.deposit.metadata import Metadata
from data_versioning.archive.limits import Limits
from data_versioning.archive.progress import Progress
from data_versioning.errors import StudyError
from data_versioning.wording import printable, sized

PIECE = 1 << 20  # bytes that are read, hashed and sent at a time
DRAFT, PUBLISHED, GONE = "draft", "published", "gone"
AGAIN = "make deposit"  # what goes on after anything that stopped it
SMALLER = "data-versioning package --data pointers"


@dataclass(frozen=True)
class StoredFile(Mapping[str, Any]):
    """A file as the archive has it; also a mapping with `key`, `size` and `checksum`.

    Args:
        name: Its name.
        size: In bytes; 0 for one that is not complete.
        md5: In hexadecimal; empty for one that is not complete.
        complete: Whether it arrived.
    """

    name: str
    size: int = 0
    md5: str = ""
    complete: bool = True

    def __getitem__(self, key: str) -> Any:
        """Return what Zenodo's older API says of a file under a key."""
        return {"key": self.name, "size": self.size, "checksum": f"md5:{self.md5}"}[key]

    def __iter__(self) -> Iterator[str]:
        """Yield the keys."""
        return iter(("key", "size", "checksum"))

    def __len__(self) -> int:
        """Return how many keys there are."""
        return 3


@dataclass(frozen=True)
class Status:
    """A deposit as the archive has it.

    Args:
        id: By which the archive knows it.
        state: `draft`, `published` or `gone`.
        doi: Of this version; empty if it has none.
        concept_doi: Of all versions; empty if there is none.
        parent: By which the archive knows all versions; empty if it does not.
        address: Where people look at it.
        files: By name.
        metadata: As the archive says them.
        is_public: Whether a file that is changed is changed for everybody at once.
    """

    id: str
    state: str
    doi: str = ""
    concept_doi: str = ""
    parent: str = ""
    address: str = ""
    files: Mapping[str, StoredFile] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    is_public: bool = False


@dataclass(frozen=True)
class Planned:
    """A request that would be made.

    Args:
        method: Such as `POST`.
        path: Below the archive's address.
        body: JSON; None for none.
        file: The file that is the body, with its size in bytes.
    """

    method: str
    path: str
    body: Any = None
    file: tuple[str, int] | None = None


class Uploader(Protocol):
    """An archive, as `depositing` uses it.

    Every call that changes something can be made again after any failure, a lost answer too.

    Args:
        name: What people call the archive.
        server: Its address, as `deposits.json` has it.
        limits: What it takes.
        reserves: Whether a DOI is there before the publication.
        has_versions: Whether the next version is another deposit, with a DOI of its own.
    """

    name: str
    server: str
    limits: Limits
    reserves: bool
    has_versions: bool

    @property
    def is_production(self) -> bool:
        """Whether what is published there stays for good."""

    @property
    def unsent(self) -> Sequence[str]:
        """What it is not told of a study, in words."""

    def authorise(self) -> None:
        """Raise a `StudyError` that names the variable if there is no token; asks no server."""

    def create_deposition(self, metadata: Metadata, marker: str = "") -> dict[str, Any]:
        """Make a draft that `find_deposition` finds by the marker; `id` is in what it returns."""

    def find_deposition(self, marker: str, wait: bool = True) -> list[str]:
        """Return the ids of own drafts with a marker; `wait` for an index that lags."""

    def status(self, deposition_id: str) -> Status:
        """Return what the archive has."""

    def add_metadata(self, deposition_id: str, metadata: Metadata) -> dict[str, Any]:
        """Replace the metadata of a draft, and with them the marker."""

    def upload_file(self, deposition_id: str, path: Path) -> StoredFile:
        """Upload a file unless the draft has it, and compare its sum with the archive's."""

    def delete_file(self, deposition_id: str, name: str) -> None:
        """Delete a file of a draft, if it is there."""

    def reserve_doi(self, deposition_id: str) -> str:
        """Return the DOI of a draft, reserved if need be; not called without `reserves`."""

    def new_version(self, deposition_id: str, metadata: Metadata | None = None) -> dict[str, Any]:
        """Return the draft of the next version, with metadata; it is made if there is none."""

    def publish(self, deposition_id: str) -> dict[str, Any]:
        """Make a draft public."""

    def discard(self, deposition_id: str) -> None:
        """Throw a draft away."""

    def read_back(self, metadata: Metadata, there: Status) -> list[str]:
        """Return, in words, what a public deposit has otherwise than it was sent."""

    def plan(
        self, metadata: Metadata, files: Sequence[Path], known: Status | None, publish: bool
    ) -> list[Planned]:
        """Return the requests that change something, in their order.

        Args:
            metadata: The metadata.
            files: The files.
            known: The last deposit of the study, as far as is known here; None for the first.
            publish: Whether the draft would be published.
        """


def new_marker() -> str:
    """Return a text that no other draft has."""
    return uuid4().urn


def today() -> str:
    """Return the date, in UTC."""
    return datetime.now(UTC).date().isoformat()


class Body:
    """A file as the body of a request, which is hashed while it is sent.

    Each call opens it anew, so a request can be tried again.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = path.stat().st_size
        self.md5 = ""

    def __call__(self) -> Iterator[bytes]:
        """Yield the file piece by piece.

        Raises:
            StudyError: It is not as long as it was.
        """
        digest = hashlib.md5(usedforsecurity=False)
        sent, hashed = 0, Future[None]()
        hashed.set_result(None)
        shown = Progress(printable(self.path.name), self.size)
        try:
            with self.path.open("rb", buffering=0) as file, ThreadPoolExecutor(1) as worker:
                while (piece := file.read(PIECE)) and sent + len(piece) <= self.size:
                    hashed.result()
                    hashed = worker.submit(digest.update, piece)  # while it is sent
                    yield piece
                    sent += len(piece)
                    shown.add(len(piece))
                hashed.result()
                changed = bool(piece) or sent != self.size
        finally:
            shown.end()
        if changed:
            what = "the file changed while it was uploaded"
            raise StudyError(what, str(self.path), "make package && make deposit")
        self.md5 = digest.hexdigest()

    @property
    def headers(self) -> dict[str, str]:
        """What says how long it is; without it a body is sent in chunks, which archives refuse."""
        return {"Content-Type": "application/octet-stream", "Content-Length": str(self.size)}


def is_same(path: Path, stored: StoredFile) -> bool:
    """Tell whether the archive has all of a file; it is hashed only if its size is right."""
    right = stored.complete and stored.size == path.stat().st_size
    return right and stored.md5 == hashing.md5(path)


def refuse(paths: Sequence[Path], archive: str, limits: Limits) -> None:
    """Refuse files that an archive would refuse after hours.

    Args:
        paths: All files of a deposit.
        archive: What it is called.
        limits: What it takes.

    Raises:
        StudyError: One is missing, empty, too large, named too long, or they are too many.
    """
    if not paths:
        raise StudyError(f"{archive} takes no deposit without a file", "", "make package")
    if len(paths) > limits.files:
        what = f"{archive} takes {limits.files} files at most, not {len(paths)}"
        raise StudyError(what, str(paths[0].parent), SMALLER)
    total = 0
    for path in paths:
        if not path.is_file():
            raise StudyError("no such file", str(path), "make package")
        size = os.stat(path).st_size
        total += size
        if not size:
            what = f"{archive} takes no empty file"
            raise StudyError(what, str(path), f"rm {shlex.quote(str(path))} && make package")
        if len(path.name) > limits.letters:
            what = f"{archive} takes names of {limits.letters} letters at most"
            raise StudyError(what, str(path), f"mv {shlex.quote(str(path))} <a shorter name>")
        if size > limits.file:
            what = f"{archive} takes files of {sized(limits.file)} at most, not {sized(size)}"
            raise StudyError(what, str(path), SMALLER)
    if total > limits.record:
        what = f"{archive} takes {sized(limits.record)} in all, not {sized(total)}"
        raise StudyError(what, str(paths[0].parent), SMALLER)
    if len({path.name for path in paths}) < len(paths):
        raise StudyError("two files have the same name", str(paths[0].parent), "make package")
