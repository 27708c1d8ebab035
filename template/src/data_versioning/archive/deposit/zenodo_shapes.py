"""What InvenioRDM's answers and addresses look like."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from data_versioning.archive.deposit.metadata import SOURCES, Metadata
from data_versioning.archive.deposit.uploading import (
    AGAIN,
    PUBLISHED,
    SMALLER,
    Planned,
    Status,
    StoredFile,
)
from data_versioning.errors import StudyError
from data_versioning.rest import Refused
from data_versioning.wording import printable

SLOW = 300.0  # seconds for an answer to what the server has to work for


def record(deposition_id: object) -> str:
    """Return the address of a record below that of the API; what a server named is no path."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", str(deposition_id)):
        what = "no archive has deposits of this name"
        raise StudyError(what, printable(str(deposition_id)), "data-versioning deposits")
    return f"/records/{deposition_id}"


def draft(deposition_id: object) -> str:
    """Return the address of a draft below that of the API."""
    return f"{record(deposition_id)}/draft"


def file(draft_or_record: str, name: str) -> str:
    """Return the address of a file."""
    return f"{draft_or_record}/files/{quote(name, safe='')}"


def body(metadata: Metadata, publisher: str, marker: str = "") -> dict[str, Any]:
    """Return what a draft is made of, once it is known that an archive takes it.

    Args:
        metadata: What it says.
        publisher: The archive, where the metadata name none.
        marker: By which it is found again.
    """
    metadata.check()
    said = metadata.to_rdm(publisher)
    if marker:
        said["identifiers"] = [{"identifier": marker, "scheme": "urn"}]
    return {"access": dict(metadata.access), "files": {"enabled": True}, "metadata": said}


@contextmanager
def absent() -> Iterator[None]:
    """Pass over an answer that says that there is no such thing, or none any more."""
    try:
        yield
    except Refused as error:
        if error.status not in (404, 410):
            raise


def doi_of(found: Mapping[str, Any]) -> str:
    """Return the DOI of a record or of its parent; empty if it has none."""
    doi = (found.get("pids") or {}).get("doi") or {}
    identifier = str(doi.get("identifier") or "")
    return identifier if re.fullmatch(r"10\.\d{4,9}/[!-~]+", identifier) else ""


def status(
    number: str, found: Mapping[str, Any], state: str, files: Mapping[str, StoredFile]
) -> Status:
    """Return a record as it is known here.

    Args:
        number: The id that was asked for.
        found: As the server has it.
        state: What it is.
        files: Its files.
    """
    if str(found.get("id")) != number:
        what = "the archive answered with another deposit than was asked"
        raise StudyError(what, number, AGAIN)
    doi, parent = doi_of(found), found.get("parent") or {}
    concept = doi_of(parent)
    if not concept and parent.get("id") and doi.endswith(f".{number}"):
        # It is registered with the first publication, under the number of all versions.
        concept = f"{doi.removesuffix(number)}{parent['id']}"
    return Status(
        number,
        state,
        doi,
        concept,
        str(parent.get("id") or ""),
        printable(str((found.get("links") or {}).get("self_html") or "")),
        files,
        found.get("metadata") or {},
    )


def stored(entry: Mapping[str, Any]) -> StoredFile:
    """Return a file of a draft or record as it is known here."""
    name = str(entry.get("key"))
    if entry.get("status") != "completed":
        return StoredFile(name, complete=False)
    md5 = str(entry.get("checksum") or "").removeprefix("md5:")
    return StoredFile(name, int(entry.get("size") or 0), md5)


def complaint(archive: str, what: str, refused: StudyError | None = None) -> StudyError:
    """Return what a server finds wrong with metadata, with the file and key that it comes from.

    Args:
        archive: What the server is called.
        what: What it said.
        refused: The error without that.
    """
    field = re.search(r"\bmetadata\.(\w+)", what)
    if field and field[1] in SOURCES:
        return StudyError(f"{archive} takes this not: {printable(what)}", *SOURCES[field[1]])
    if re.search("quota|size exceeded|max amount", what, re.IGNORECASE):
        return StudyError(what, refused.where if refused else "", SMALLER)
    return refused or StudyError(f"{archive} takes this not: {printable(what)}", "", "make deposit")


def plan(
    first: Mapping[str, Any],
    later: Mapping[str, Any],
    files: Sequence[Path],
    known: Status | None,
    publish: bool,
) -> Iterator[Planned]:
    """Yield the requests of a deposit that change something.

    Args:
        first: What a new draft is made of.
        later: What a draft becomes.
        files: The files.
        known: The last deposit, as far as is known here.
        publish: Whether the draft would be published.
    """
    at = draft(known.id) if known and known.state != PUBLISHED else "/records/<id>/draft"
    if known is None:
        yield Planned("POST", "/records", first)
    elif known.state == PUBLISHED:
        yield Planned("POST", f"{record(known.id)}/versions")
        yield Planned("PUT", at, {**later, "pids": {}})
    doi = known.doi if known and known.state != PUBLISHED else ""
    if not doi:
        yield Planned("POST", f"{at}/pids/doi")
    if known is None or known.state != PUBLISHED:
        pids = {"doi": {"identifier": doi or "<reserved>"}}
        yield Planned("PUT", at, {**later, "pids": pids})
    for path in files:
        yield Planned("POST", f"{at}/files", [{"key": path.name}])
        content = file(at, path.name) + "/content"
        yield Planned("PUT", content, file=(str(path), path.stat().st_size))
        yield Planned("POST", file(at, path.name) + "/commit")
    if publish:
        yield Planned("POST", f"{at}/actions/publish")
