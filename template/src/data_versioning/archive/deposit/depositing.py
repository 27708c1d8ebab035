"""Deposits of the study: a draft, its DOI, its files, and its publication."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from data_versioning.archive import citation
from data_versioning.archive.deposit import checks, drafts, state
from data_versioning.archive.deposit.archives import destination as destination
from data_versioning.archive.deposit.archives import known_to, uploader_for, uploader_of
from data_versioning.archive.deposit.deposited import Deposited, Known, told
from data_versioning.archive.deposit.metadata import Metadata
from data_versioning.archive.deposit.state import STATE as STATE
from data_versioning.archive.deposit.state import Deposit
from data_versioning.archive.deposit.uploading import (
    PUBLISHED,
    Status,
    StoredFile,
    Uploader,
    is_same,
    refuse,
    today,
)
from data_versioning.archive.facts import Release, facts
from data_versioning.errors import StudyError
from data_versioning.study import Study
from data_versioning.tools import git, git_state
from data_versioning.wording import counted

if TYPE_CHECKING:
    from data_versioning.archive.package import Package

CITED = (citation.FILE, "README.md")
UNCONFIRMED = "not published: not confirmed"
Confirm = Callable[[str], bool]


def reserve(study: Study, to: str | None = None) -> str:
    """Make a draft, reserve its DOI, and write it into CITATION.cff and README.md.

    The caller commits these, and `deposits.json`. Called again it makes nothing twice; after a
    publication it makes the next version, unless nothing has changed since.

    Args:
        study: The study.
        to: The archive; that of `study.yaml` or of the answers if not given.

    Returns:
        The DOI; empty where the archive gives one with the publication only.

    Raises:
        StudyError: The study does not say enough about itself, or the archive refused or failed.
    """
    uploader = uploader_for(study, to)
    commit = git.resolve(study.root, "HEAD")
    metadata = Metadata.from_facts(facts(study, commit), today())
    metadata.check()
    uploader.authorise()
    with checks.resumable(study, to):
        last = state.last(study, uploader.server)
        if last and _is_unchanged(study, uploader, last):
            return last.doi or ""
        there = uploader.status(last.id) if last and last.id else None
        if there and there.is_public:  # its DOI is that of whatever is in it
            return there.doi
        made = drafts.ensure(study, uploader, metadata, last, there)
        _cite(study, uploader, made.status)
    return made.status.doi


def deposit(
    study: Study,
    package: Package | Path | str,
    to: str | None = None,
    publish: bool = False,
    dry_run: bool = False,
    delete_others: bool = False,
    confirm: Confirm | None = None,
) -> Deposited:
    """Upload a package to a draft, and publish it if asked to.

    Can be run again at any time: what the archive has already is not sent again, and a package that
    is published already stays as it is. Another package after a publication is the next version.

    Args:
        study: The study.
        package: The package, or its folder.
        to: The archive; that of `study.yaml` or of the answers if not given.
        publish: Make it public, for good.
        dry_run: Only say what would be sent; asks no server, and needs no token.
        delete_others: Delete what the draft has besides the package.
        confirm: Asked before a publication that is no rehearsal.

    Returns:
        What there is now.

    Raises:
        StudyError: The archive would not take the package, or refused or failed; the package does
            not hold its DOI; or what the archive has is not what was sent.
    """
    uploader = uploader_for(study, to)
    package = _opened(package)
    metadata = _metadata(study, package)
    refuse(package.volumes, uploader.name, uploader.limits)
    if dry_run:
        return _planned(study, uploader, package, metadata, publish)
    uploader.authorise()
    if publish and uploader.is_production and confirm is None:
        what = f"a publication in {uploader.name} is for good, and has to be confirmed"
        raise StudyError(what, package.name, "data-versioning deposit --publish")
    with checks.resumable(study, to):
        return send(study, uploader, package, metadata, publish, delete_others, confirm)


def deposits(study: Study) -> Known:
    """Return the deposits of a study, and what their archives say of them.

    Args:
        study: The study.
    """
    found = []
    for one in state.read(study):
        said = "its making was cut off: make deposit"
        if one.id:
            try:
                there = known_to(study, one.server).status(one.id)
                said = f"{there.state}, {counted(len(there.files), 'file')}  {there.address}"
            except StudyError as error:
                said = str(error)
        found.append({**asdict(one), "said": said.strip()})
    return Known(found)


def send(
    study: Study,
    uploader: Uploader,
    package: Package,
    metadata: Metadata,
    publish: bool = False,
    delete_others: bool = False,
    confirm: Confirm | None = None,
) -> Deposited:
    """Do what `deposit` does, once it is known what goes where.

    Args:
        study: The study.
        uploader: The archive.
        package: The package.
        metadata: What is said about it.
        publish: See `deposit`.
        delete_others: See `deposit`.
        confirm: See `deposit`.
    """
    last = state.last(study, uploader.server)
    there = uploader.status(last.id) if last and last.id else None
    if last and there and there.state == PUBLISHED and drafts.holds(there, package.volumes):
        sent = {path.name: there.files[path.name] for path in package.volumes}
        metadata = replace(metadata, publication_date=str(there.metadata.get("publication_date")))
        return _published(study, uploader, package, metadata, last, there, sent)
    if not publish:
        checks.refuse_public(uploader, there)
    asked = bool(there and there.is_public and uploader.is_production)
    if there and asked and not (confirm and confirm(checks.question(uploader, package, there, []))):
        return told(uploader, package, there, {}, sorted(there.files), [UNCONFIRMED])
    made = drafts.ensure(study, uploader, metadata, last, there)
    notes = checks.notes(uploader, package, made.status)
    if publish and notes:
        raise StudyError(*notes[0])
    if not made.is_told:
        uploader.add_metadata(made.deposit.id or "", metadata)
    number = made.deposit.id or ""
    ours = {path.name for path in package.volumes}
    others = []
    for name in sorted(made.status.files.keys() - ours):
        # Volumes of an older package of this study, or what somebody else put there.
        if delete_others or checks.is_older(study, name, package):
            uploader.delete_file(number, name)
        else:
            others.append(name)
    sent = {}
    for path in package.volumes:
        held = made.status.files.get(path.name)
        is_there = held is not None and is_same(path, held)
        sent[path.name] = held if held and is_there else uploader.upload_file(number, path)
    there = uploader.status(number)
    drafts.refuse_different(uploader, sent, there)
    if not publish:
        said = [f"{what}: {mend}" for what, _, mend in notes]
        return told(uploader, package, there, sent, others, said)
    question = checks.question(uploader, package, there, others)
    if uploader.is_production and not asked and not (confirm and confirm(question)):
        return told(uploader, package, there, sent, others, [UNCONFIRMED])
    drafts.discard_twins(uploader, made.deposit)
    uploader.publish(number)
    there = uploader.status(number)
    return _published(study, uploader, package, metadata, made.deposit, there, sent)


def _published(
    study: Study,
    uploader: Uploader,
    package: Package,
    metadata: Metadata,
    known: Deposit,
    there: Status,
    sent: dict[str, StoredFile],
) -> Deposited:
    """Write down what is public, and compare it with what was sent."""
    if there.state != PUBLISHED:
        what = f"{uploader.name} took the publication, and shows it not yet"
        raise StudyError(what, there.address, "make deposit")
    made_of = (package.name, str(package.manifest["commit"]))
    drafts.note(study, known, there, metadata.version, made_of, sent)
    if not uploader.reserves and not _has_fixed_doi(study):
        _cite(study, uploader, there)
    drafts.refuse_different(uploader, sent, there)
    notes = uploader.read_back(metadata, there)
    others = sorted(there.files.keys() - sent.keys())
    return told(uploader, package, there, sent, others, notes)


def _planned(
    study: Study, uploader: Uploader, package: Package, metadata: Metadata, publish: bool
) -> Deposited:
    known = state.last(study, uploader.server)
    there = None
    if known and known.id:
        there = Status(known.id, known.state, known.doi or "")
        stored = {name: StoredFile(name, **one) for name, one in known.files.items()}
        if known.state == PUBLISHED and drafts.holds(replace(there, files=stored), package.volumes):
            notes = [f"{package.name} is published already: nothing would be sent"]
            return told(uploader, package, there, stored, [], notes)
    files = {path.name: {"size": path.stat().st_size} for path in package.volumes}
    requests = uploader.plan(metadata, package.volumes, there, publish)
    notes = checks.foreseen(uploader, package, there, publish)
    return Deposited(
        uploader.name, uploader.server, "planned", package.name,
        files=files, notes=notes, requests=requests,
    )  # fmt: skip


def _opened(package: Package | Path | str) -> Package:
    from data_versioning.archive.package import Package

    opened = package if isinstance(package, Package) else Package.open(package)
    if opened.manifest.get("anonymous") or not opened.manifest.get("commit"):
        what = "an anonymous package is for reviewers, and names nobody to cite"
        raise StudyError(what, opened.name, "make package && make deposit")
    return opened


def _metadata(study: Study, package: Package) -> Metadata:
    said = package.manifest
    release = Release(said["tag"], said["phase"], tuple(said["runs"])) if said.get("tag") else None
    metadata = Metadata.from_facts(facts(study, said["commit"], release), today())
    metadata.check()
    return metadata


def _is_unchanged(study: Study, uploader: Uploader, published: Deposit) -> bool:
    """Tell whether nothing has changed since a publication but what it wrote itself."""
    if published.state != PUBLISHED or not published.commit:
        return False
    with suppress(StudyError):  # a commit that is not here
        changed = git_state.changed_between(study.root, published.commit, "HEAD")
        return set(changed) <= {STATE, *(() if uploader.reserves else CITED)}
    return False


def _has_fixed_doi(study: Study) -> bool:
    """Tell whether the study is published where a DOI stands for bytes that stay."""
    published = {one.server for one in state.read(study) if one.state == PUBLISHED and one.doi}
    archives = map(uploader_of, published)
    return any(one.reserves and one.is_production for one in archives)


def _cite(study: Study, uploader: Uploader, there: Status) -> None:
    """Write a DOI into CITATION.cff and README.md."""
    if not there.doi:
        return
    cited, readme = (study.root / name for name in CITED)
    text = cited.read_text(encoding="utf-8")
    state.write(cited, citation.with_doi(text, there.doi, there.concept_doi or None))
    # The DOI of a rehearsal leads nowhere; a draft's own page is for its owner.
    page = f"{uploader.server}/records/{there.id}" if uploader.reserves else there.address
    address = f"https://doi.org/{there.doi}" if uploader.is_production else page
    if readme.is_file():
        text = readme.read_text(encoding="utf-8")
        state.write(readme, citation.readme_badge(text, there.doi, address))
