"""What a deposit came to, for people and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from data_versioning.archive.deposit.uploading import (
    DRAFT,
    PUBLISHED,
    Planned,
    Status,
    StoredFile,
    Uploader,
)
from data_versioning.wording import counted, listed, printable, sized

if TYPE_CHECKING:
    from data_versioning.archive.package import Package


@dataclass(frozen=True)
class Deposited:
    """What `deposit` did, or would do.

    Args:
        archive: What the archive is called.
        server: Its address.
        state: `draft` or `published`; `planned` for a dry run.
        package: The name of the package.
        id: By which the archive knows it; empty if it does not yet.
        doi: Of this version; empty if it has none.
        concept_doi: Of all versions; empty if there is none.
        address: Where people look at it.
        files: Size in bytes and MD5, by name; without MD5 in a dry run.
        others: Files in the draft that are not of the package.
        notes: What who publishes it should know.
        requests: What would be sent.
    """

    archive: str
    server: str
    state: str
    package: str
    id: str = ""
    doi: str = ""
    concept_doi: str = ""
    address: str = ""
    files: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    others: Sequence[str] = ()
    notes: Sequence[str] = ()
    requests: Sequence[Planned] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as what JSON can hold."""
        return asdict(self)

    def said(self) -> str:
        """Return it in a few words."""
        return f"{self.state} {self.doi or self.address} at {self.archive}"

    def text(self) -> str:
        """Return it for people."""
        if self.requests:
            return planned(self)
        size = sum(one["size"] for one in self.files.values())
        lines = [
            f"{self.state} at {self.archive}: {self.doi or 'no DOI yet'}  {self.address}".rstrip(),
            f"  {self.package}: {counted(len(self.files), 'file')}, {sized(size)}, "
            "with the MD5 that the archive computed",
        ]
        if self.others:
            names = printable(listed(list(self.others)))
            lines.append(f"  not of the package: {names}")
        lines += [f"note: {note}" for note in self.notes]
        if self.others and self.state == DRAFT:
            lines.append("try: data-versioning deposit --delete-others")
        elif self.state == DRAFT:
            lines.append(f"look at it, then: {PUBLISH}")
        elif self.state == PUBLISHED and self.concept_doi:
            lines.append(f"  all versions: {self.concept_doi}")
        return "\n".join(lines)


def told(
    uploader: Uploader,
    package: Package,
    there: Status,
    sent: Mapping[str, StoredFile],
    others: Sequence[str],
    notes: Sequence[str],
) -> Deposited:
    """Return what a deposit came to.

    Args:
        uploader: The archive.
        package: The package.
        there: The deposit, as the archive has it.
        sent: The files of the package that it has.
        others: The names of those that are not of the package.
        notes: What who publishes it should know.
    """
    files = {name: {"size": one.size, "md5": one.md5} for name, one in sorted(sent.items())}
    return Deposited(
        uploader.name, uploader.server, there.state, package.name, there.id, there.doi,
        there.concept_doi, there.address, files, others, [*notes, *uploader.unsent],
    )  # fmt: skip


PUBLISH = "make publish PUBLISH=yes"


def planned(deposit: Deposited) -> str:
    """Return the requests of a dry run, with their bodies."""
    lines = [f"this would be sent to {deposit.archive} ({deposit.server}):"]
    for one in deposit.requests:
        lines += ["", f"{one.method} {one.path}"]
        if one.file:
            lines.append(f"{printable(one.file[0])}, {one.file[1]} bytes ({sized(one.file[1])})")
        elif one.body is not None:
            lines.append(json.dumps(one.body, indent=1, ensure_ascii=False))
    lines += ["", "besides, what is there is read; a file that is there already is not sent again"]
    return "\n".join(lines + [f"note: {note}" for note in deposit.notes])


@dataclass(frozen=True)
class Known:
    """The deposits of a study, and what their archives say.

    Args:
        deposits: As `deposits.json` has them, with `said`: what the archive says, if it was asked.
    """

    deposits: Sequence[Mapping[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """Return it as what JSON can hold."""
        return {"deposits": [dict(one) for one in self.deposits]}

    def text(self) -> str:
        """Return it for people."""
        if not self.deposits:
            return "no deposit yet\ntry: make deposit"
        return "\n".join(
            f"{one['state']:<9} {printable(one['doi'] or one['id'] or 'not made yet')}"
            f"  {printable(one['server'])}  {printable(one['package'] or '')}"
            f"  ({printable(one['said'])})"
            for one in self.deposits
        )
