"""The draft that a package goes to: the one there is, the next version's, or a new one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from data_versioning.archive.deposit import state
from data_versioning.archive.deposit.metadata import Metadata
from data_versioning.archive.deposit.state import STATE, Deposit
from data_versioning.archive.deposit.uploading import (
    AGAIN,
    DRAFT,
    GONE,
    PUBLISHED,
    Status,
    StoredFile,
    Uploader,
    is_same,
    new_marker,
)
from data_versioning.errors import StudyError
from data_versioning.rest import Refused
from data_versioning.study import Study


@dataclass(frozen=True)
class Draft:
    """A draft that is there.

    Args:
        deposit: As `deposits.json` has it.
        status: As the archive has it.
        is_told: Whether it has the metadata.
    """

    deposit: Deposit
    status: Status
    is_told: bool


def ensure(
    study: Study,
    uploader: Uploader,
    metadata: Metadata,
    known: Deposit | None = None,
    there: Status | None = None,
) -> Draft:
    """Return the draft of the study in an archive, made if there is none, with its DOI if it can.

    What is going to be made is written down first, so that it is found after a kill.

    Args:
        study: The study.
        uploader: The archive.
        metadata: What a new draft says.
        known: The last deposit, if it was looked up.
        there: What the archive says of it, if it was asked.
    """
    known = known or state.last(study, uploader.server)
    while known and known.id:
        there = there or uploader.status(known.id)
        if there.state != GONE:
            break
        _forget(study, uploader, known)
        known, there = state.last(study, uploader.server), None
    is_told = False
    if there is not None and known is not None and there.state == PUBLISHED:
        known, is_told, there = _next(study, uploader, metadata, known, there), True, None
    elif there is None:
        known = _first(study, uploader, metadata, known)
    assert known is not None and known.id is not None
    there = there or uploader.status(known.id)
    if uploader.reserves and not there.doi:
        there = replace(there, doi=uploader.reserve_doi(known.id))
        there = uploader.status(known.id)
    seen = replace(
        known,
        doi=there.doi or None,
        concept_doi=there.concept_doi or None,
        parent=there.parent or None,
    )
    return Draft(_put(study, seen, known), there, is_told)


def _first(study: Study, uploader: Uploader, metadata: Metadata, known: Deposit | None) -> Deposit:
    found: list[str] = []
    if known is None:
        known = state.put(study, Deposit(uploader.server, marker=new_marker()))
    else:  # the answer to its making was lost
        found = uploader.find_deposition(known.marker or "")
    number = found[0] if found else _made(uploader.create_deposition(metadata, known.marker or ""))
    return state.put(study, replace(known, id=number), known)


def _next(
    study: Study, uploader: Uploader, metadata: Metadata, known: Deposit, there: Status
) -> Deposit:
    if known.state != PUBLISHED:  # by hand, or by a run that was killed before it noted it
        known = note(study, known, there, known.version, None, there.files)
    number = _made(uploader.new_version(known.id or "", metadata))
    if uploader.has_versions:
        return state.put(study, Deposit(uploader.server, id=number))
    return _put(study, replace(known, id=number, state=DRAFT), known)


def _made(answer: Mapping[str, object]) -> str:
    return str(answer.get("id"))


def _forget(study: Study, uploader: Uploader, known: Deposit) -> None:
    """Forget a deposit that was thrown away, or was in a sandbox that was emptied."""
    if known.state == PUBLISHED and uploader.is_production:
        what = f"{uploader.name} has the published deposit {known.doi or known.id} no more"
        raise StudyError(what, STATE, f"$EDITOR {STATE}: take it out, to begin anew")
    state.drop(study, known)


def note(
    study: Study,
    known: Deposit,
    there: Status,
    version: str | None,
    package: tuple[str, str] | None,
    files: Mapping[str, StoredFile],
) -> Deposit:
    """Write down that a deposit is public.

    Args:
        study: The study.
        known: The deposit, as it was known.
        there: As the archive has it.
        version: Of the study.
        package: The name of the package and its commit, if known.
        files: Its files.
    """
    return _put(
        study,
        replace(
            known,
            state=PUBLISHED,
            doi=there.doi or known.doi,
            concept_doi=there.concept_doi or known.concept_doi,
            parent=there.parent or known.parent,
            version=version or None,
            package=package[0] if package else None,
            commit=package[1] if package else None,
            files={name: {"size": one.size, "md5": one.md5} for name, one in files.items()},
            marker=None,
        ),
        known,
    )


def _put(study: Study, deposit: Deposit, instead: Deposit) -> Deposit:
    return deposit if deposit == instead else state.put(study, deposit, instead)


def holds(there: Status, volumes: Sequence[Path]) -> bool:
    """Tell whether an archive has all of a package.

    Args:
        there: What it has.
        volumes: The files of the package.
    """
    return all(
        path.name in there.files and is_same(path, there.files[path.name]) for path in volumes
    )


def refuse_different(uploader: Uploader, sent: Mapping[str, StoredFile], there: Status) -> None:
    """Refuse a deposit whose files are not those that were sent.

    Args:
        uploader: The archive.
        sent: The files.
        there: What the archive has.

    Raises:
        StudyError: A file is missing, or has another size or MD5.
    """
    for name, one in sent.items():
        found = there.files.get(name)
        if found is None or (found.size, found.md5) != (one.size, one.md5):
            has = f"{found.size} bytes of MD5 {found.md5}" if found else "no such file"
            what = f"{uploader.name} has another file than was sent: {has}"
            raise StudyError(f"{what}, not {one.size} of {one.md5}", name, AGAIN)


def discard_twins(uploader: Uploader, deposit: Deposit) -> None:
    """Throw away empty drafts that lost answers left behind.

    Args:
        uploader: The archive.
        deposit: The draft that stays.
    """
    if not deposit.marker:
        return
    try:
        found = uploader.find_deposition(deposit.marker, wait=False)
    except Refused:  # a token that may not list drafts has made this one all the same
        return
    for number in found:
        if number != deposit.id and not uploader.status(number).files:
            uploader.discard(number)
