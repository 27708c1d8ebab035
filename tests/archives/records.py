"""The records of an InvenioRDM: drafts, published versions, their files, their DOIs."""

from __future__ import annotations

import copy
import hashlib
import itertools
import mimetypes
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from .web import Body, Row

KEPT = 1 << 20  # bytes up to which the content of a file is kept for downloads
QUOTA = 50 * 10**9  # bytes of a record, and of a file
MOST_FILES = 100
LONGEST_NAME = 255


def now() -> str:
    """Return the time as Invenio writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + ".000000+00:00"


@dataclass
class Content:
    """The bytes of a file, of which only their sums are kept if they are many."""

    size: int
    md5: str
    sha256: str
    data: bytes | None

    @classmethod
    def of(cls, body: Body, sha256: bool = False) -> Content:
        """Read a body to its end.

        Args:
            body: The body.
            sha256: Whether that is wanted, too, as OSF does.

        Raises:
            Broken: It ended too early.
        """
        sums = [hashlib.md5(usedforsecurity=False), *([hashlib.sha256()] if sha256 else [])]
        size, kept = 0, bytearray()
        for piece in body.pieces():
            for one in sums:
                one.update(piece)
            size += len(piece)
            if size <= KEPT:
                kept += piece
        digests = [one.hexdigest() for one in sums]
        return cls(size, digests[0], digests[-1], bytes(kept) if size <= KEPT else None)


@dataclass
class File:
    """A file of a record.

    Args:
        key: Its name.
        expected: The size that was announced.
        content: Its bytes, once they came.
        completed: Whether they were committed.
    """

    key: str
    expected: int | None = None
    content: Content | None = None
    completed: bool = False
    created: str = field(default_factory=now)
    updated: str = field(default_factory=now)
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    version: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return self.content.size if self.content else 0

    @property
    def mimetype(self) -> str:
        """What its name says that it is."""
        return mimetypes.guess_type(self.key)[0] or "application/octet-stream"


@dataclass
class Layer:
    """A draft, or what was published.

    Args:
        metadata: As InvenioRDM has it.
        errors: What is wrong with the metadata that were sent last.
        locked: Whether the files cannot be changed.
    """

    metadata: Row
    access: Row = field(default_factory=lambda: {"record": "public", "files": "public"})
    enabled: bool = True
    files: dict[str, File] = field(default_factory=dict)
    pids: Row = field(default_factory=dict)
    custom_fields: Row = field(default_factory=dict)
    errors: list[Row] = field(default_factory=list)
    revision: int = 1
    locked: bool = False
    bucket: str = field(default_factory=lambda: str(uuid.uuid4()))
    updated: str = field(default_factory=now)

    def touch(self) -> None:
        """Count a change."""
        self.revision += 1
        self.updated = now()


@dataclass
class Record:
    """One version.

    Args:
        id: Its number, as text.
        parent: The number of all versions together.
        index: Which version it is, from 1.
        owner: The number of its user.
    """

    id: str
    parent: str
    index: int
    owner: int
    draft: Layer | None = None
    published: Layer | None = None
    deleted: bool = False
    moved_to: str = ""
    created: str = field(default_factory=now)
    born: float = field(default_factory=time.monotonic)
    published_at: float | None = None

    @property
    def shown(self) -> Layer:
        """The draft, or what was published."""
        layer = self.draft or self.published
        assert layer
        return layer


@dataclass
class Records:
    """All records.

    Args:
        prefix: Of DOIs; that of Zenodo's sandbox.
        quota: Bytes of a record.
        largest_file: Bytes of a file.
        lag: Seconds until a search finds a record.
        drops_pids: Whether an update without `pids` drops a reserved DOI, as old versions did.
    """

    prefix: str = "10.5072"
    quota: int = QUOTA
    largest_file: int = QUOTA
    lag: float = 2.0
    drops_pids: bool = False
    all: dict[str, Record] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1001))

    def start(self, owner: int, metadata: Row) -> Record:
        """Make the draft of a first version."""
        parent, number = str(next(self.numbers)), str(next(self.numbers))
        self.all[number] = Record(number, parent, 1, owner, draft=Layer(metadata))
        return self.all[number]

    def start_next(self, record: Record) -> Record:
        """Return the draft of the next version, which is made if it is not there."""
        versions = self.versions(record.parent)
        for one in versions:
            if one.draft and not one.published:
                return one
        newest = versions[-1]
        assert newest.published
        metadata = copy.deepcopy(newest.published.metadata)
        for key in ("publication_date", "version"):
            metadata.pop(key, None)
        draft = Layer(metadata, dict(newest.published.access), newest.published.enabled)
        number = str(next(self.numbers))
        self.all[number] = Record(
            number, record.parent, newest.index + 1, record.owner, draft=draft
        )
        return self.all[number]

    def edit(self, record: Record) -> Layer:
        """Return the draft of a record, which is made of what was published."""
        if record.draft is None:
            assert record.published
            record.draft = copy.deepcopy(record.published)
            record.draft.locked = True
        return record.draft

    def publish(self, record: Record) -> None:
        """Publish a draft, which ends with it; a DOI is registered if there is none."""
        layer = record.draft
        assert layer
        layer.pids.setdefault("doi", self.doi(record.id))
        layer.pids.setdefault(
            "oai", {"identifier": f"oai:zenodo.org:{record.id}", "provider": "oai"}
        )
        layer.locked, layer.errors = True, []
        layer.touch()
        record.published, record.draft = layer, None
        if record.published_at is None:
            record.published_at = time.monotonic()

    def discard(self, record: Record) -> None:
        """Throw a draft away; the record with it if it was never published."""
        record.draft = None
        if not record.published:
            del self.all[record.id]

    def doi(self, number: str) -> Row:
        """Return the DOI of a record, or of all its versions by the parent's number."""
        value = f"{self.prefix}/zenodo.{number}"
        return {"identifier": value, "provider": "datacite", "client": "datacite"}

    def versions(self, parent: str, published: bool = False) -> list[Record]:
        """Return the versions under a number, the oldest first."""
        found = [one for one in self.all.values() if one.parent == parent]
        return sorted(
            (one for one in found if one.published or not published), key=lambda one: one.index
        )

    def found(self, owner: int | None = None) -> list[Record]:
        """Return what a search finds, the newest first: it lags behind.

        Args:
            owner: For the records and drafts of a user; None for what is published.
        """
        late = time.monotonic() - self.lag
        rows = [
            one
            for one in self.all.values()
            if not one.deleted
            and (
                one.owner == owner and one.born <= late
                if owner is not None
                else one.published_at is not None and one.published_at <= late
            )
        ]
        return sorted(rows, key=lambda one: int(one.id), reverse=True)

    def delete(self, number: str) -> None:
        """Delete a published record, as those who run the server can."""
        self.all[number].deleted = True

    def merge(self, number: str, into: str) -> None:
        """Let a number lead to another record."""
        self.all[number].moved_to = into

    def room(self, layer: Layer, key: str, size: int) -> str:
        """Return what is wrong with a file of a size, which is nothing if there is room."""
        others = sum(one.size for name, one in layer.files.items() if name != key)
        if size > self.largest_file:
            return "Maximum file size exceeded."
        return "Bucket quota exceeded." if others + size > self.quota else ""
