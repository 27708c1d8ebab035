"""What speaks against publishing a package, what is asked before it, and how it goes on."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from data_versioning.archive.deposit.uploading import (
    AGAIN,
    DRAFT,
    PUBLISHED,
    SMALLER,
    Status,
    Uploader,
)
from data_versioning.archive.package_files import DATA
from data_versioning.archive.settings import RESTRICTED
from data_versioning.errors import StudyError
from data_versioning.locking import exclusive
from data_versioning.study import Study
from data_versioning.tools import git
from data_versioning.wording import counted, listed, printable, sized

if TYPE_CHECKING:
    from data_versioning.archive.package import Package

LOCK = ".dvc/tmp/deposit.lock"
Refusal = tuple[str, str, str]  # what, where, mend


@contextmanager
def resumable(study: Study, to: str | None) -> Iterator[None]:
    """Deposit alone; where it stops, say what is safe and how it goes on.

    Args:
        study: The study.
        to: The archive, if it is another than that of the study.
    """
    try:
        with exclusive(study.root / LOCK, "it deposits a package"):
            yield
    except Public:
        raise
    except StudyError as error:
        goes_on = error.mend == AGAIN or error.mend.endswith(f"then: {AGAIN}")
        kept = "; what has arrived is kept" if goes_on else ""
        again = f"{AGAIN} TO={shlex.quote(to)}" if to else AGAIN
        raise StudyError(
            f"{error.what}{kept}", error.where, error.mend.replace(AGAIN, again)
        ) from None


class Public(StudyError):
    """What would be changed is public already."""


def refuse_public(uploader: Uploader, there: Status | None) -> None:
    """Refuse to change what everybody sees, where nobody asked for a publication.

    Args:
        uploader: The archive.
        there: The deposit; None if there is none.
    """
    if there and there.is_public:
        what = f"the project is public at {uploader.name}: what is changed is public at once"
        raise Public(what, there.address, "data-versioning deposit --publish")


def notes(uploader: Uploader, package: Package, there: Status) -> list[Refusal]:
    """Return what has to be otherwise before a package is published.

    Args:
        uploader: The archive.
        package: The package.
        there: The draft.
    """
    found: list[Refusal] = []
    said = package.manifest["study"]
    if uploader.reserves and said.get("doi") != there.doi:
        what = f"the package does not hold its DOI, {there.doi}"
        found.append((what, package.name, "make publish"))
    inside = [
        one["path"]
        for one in package.manifest["files"]
        if one["role"] == DATA and str(one["origin"]).startswith("dvc:")
    ]
    if said.get("data_license") in (None, RESTRICTED) and inside:
        what = f"{counted(len(inside), 'file')} of data without an open licence would be public"
        found.append((what, printable(listed(inside)), SMALLER))
    return found


def foreseen(
    uploader: Uploader, package: Package, known: Status | None, publish: bool
) -> list[str]:
    """Return what a deposit would be told, as far as that is known without asking the archive.

    Args:
        uploader: The archive.
        package: The package.
        known: The last deposit; None for the first.
        publish: Whether it would be published.
    """
    reserved = known.doi if known and known.state != PUBLISHED else ""
    draft = Status("", DRAFT, reserved or "which is not reserved yet")
    begin = "it would not be published: " if publish else ""
    said = [f"{begin}{what}: {mend}" for what, _, mend in notes(uploader, package, draft)]
    return [*said, *uploader.unsent]


def is_older(study: Study, name: str, package: Package) -> bool:
    """Tell whether a file is a volume of another package of the same study.

    Args:
        study: The study.
        name: Of the file.
        package: The package.
    """
    slug = re.escape(package.manifest["study"]["slug"])
    found = re.fullmatch(rf"{slug}-(.+?)(\.data-\d+)?\.zip", name)
    if found is None:
        return False
    label = found[1]
    of_commit = re.fullmatch("[0-9a-f]{12}", label) is not None
    return of_commit or any(label in names for names in git.tags(study.root).values())


def question(uploader: Uploader, package: Package, there: Status, others: Sequence[str]) -> str:
    """Return what is asked before a publication that stays for good.

    Args:
        uploader: The archive.
        package: The package.
        there: The draft.
        others: Files in the draft that are not of the package.
    """
    files = f"{counted(len(there.files), 'file')}, {sized(package.size)}"
    lines = [
        f"publish {package.name} ({files}) in {uploader.name} as {there.doi or 'a new DOI'}:",
        "its files can never be changed or deleted again, by nobody",
        f"look at the draft first: {there.address}",
    ]
    if others:
        lines.append(f"files that are not of the package: {printable(listed(list(others)))}")
    return "\n".join(lines)
