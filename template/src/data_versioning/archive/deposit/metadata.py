"""What an archive is told about a study.

Sources: the metadata reference of InvenioRDM (https://inveniordm.docs.cern.ch/reference/metadata/),
and that of Zenodo's legacy API (https://developers.zenodo.org/#representation) for `from_legacy`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from data_versioning.archive.citation import EDIT, Author
from data_versioning.archive.deposit import legacy
from data_versioning.archive.facts import Facts
from data_versioning.archive.settings import RELATIONS, RESTRICTED, Funding, Related
from data_versioning.errors import StudyError
from data_versioning.wording import printable

SOFTWARE = "software"
LONGEST_VERSION = 191  # characters
SHORTEST = 3  # characters of a title and of a description
EDIT_STUDY = "$EDITOR study.yaml"
# Where each field comes from, and what changes it.
SOURCES = {
    "title": ("CITATION.cff: title", EDIT),
    "creators": ("CITATION.cff: authors", EDIT),
    "description": ("CITATION.cff: abstract", EDIT),
    "rights": ("CITATION.cff: license", EDIT),
    "subjects": ("CITATION.cff: keywords", EDIT),
    "related_identifiers": ("study.yaml: archive.related", EDIT_STUDY),
    "languages": ("study.yaml: archive.language", EDIT_STUDY),
    "funding": ("study.yaml: archive.funding", EDIT_STUDY),
    "version": ("the name of the tag", "git tag v1.0.0 && make package TAG=v1.0.0"),
}


@dataclass(frozen=True)
class Metadata:
    """What is known of a deposit before it has a DOI.

    Args:
        title: The title.
        creators: In their order.
        description: HTML.
        rights: Identifiers of licences, in lower case.
        keywords: In their order.
        related: Other works.
        version: Of the study.
        languages: ISO 639-3.
        funding: Who paid.
        publication_date: ISO 8601, or an interval of EDTF.
        resource_type: As the server's vocabulary has it, such as `software`.
        publisher: The archive; empty for its own choice.
        access: As InvenioRDM has it.
        notes: More about it, as text.
        given: Whether a caller gave it, and not the study's files.
    """

    title: str
    creators: tuple[Author, ...]
    description: str
    rights: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    related: tuple[Related, ...] = ()
    version: str = ""
    languages: tuple[str, ...] = ()
    funding: tuple[Funding, ...] = ()
    publication_date: str = ""
    resource_type: str = SOFTWARE
    publisher: str = ""
    access: tuple[tuple[str, str], ...] = (("record", "public"), ("files", "public"))
    notes: str = ""
    given: bool = False

    @classmethod
    def from_facts(cls, facts: Facts, date: str) -> Metadata:
        """Return what an archive is told about a study at a commit.

        Args:
            facts: What the commit says.
            date: The day of the deposit, ISO 8601.
        """
        related = []
        if facts.repository:
            related.append(Related(facts.repository, "isDerivedFrom", "url"))
        if facts.preregistration:
            related.append(Related(facts.preregistration, "isSupplementedBy", "url"))
        licences = re.split(r" (?:OR|AND) ", facts.license or "")
        if facts.data_license not in (None, RESTRICTED):
            licences.append(str(facts.data_license))
        return cls(
            title=facts.title,
            creators=facts.authors,
            description=_paragraphs(facts.description or ""),
            rights=tuple(dict.fromkeys(one.strip("( )").lower() for one in licences if one)),
            keywords=facts.keywords,
            related=tuple(dict.fromkeys([*related, *facts.related])),
            version=facts.version or (facts.commit or "")[:12],
            languages=(facts.language,) if facts.language else (),
            funding=facts.funding,
            publication_date=date,
        )

    @classmethod
    def of(cls, given: Metadata | Mapping[str, Any], date: str) -> Metadata:
        """Return metadata, given as such or as Zenodo's legacy API takes them.

        Args:
            given: The metadata.
            date: The day of the deposit, where none is given.

        Raises:
            StudyError: It has a key that is not known, or a value of another kind.
        """
        if isinstance(given, Metadata):
            return given if given.publication_date else replace(given, publication_date=date)
        return cls(**{"publication_date": date, **legacy.fields(given)}, given=True)

    def check(self) -> None:
        """Refuse what an archive would refuse, or should be told.

        Raises:
            StudyError: The first problem; it says how many more there are.
        """
        found = list(self._problems())
        if not found:
            return
        field, what = found[0]
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        given = (f"metadata: {field}", legacy.mend_of(field))
        where, mend = given if self.given else SOURCES.get(field, (field, given[1]))
        raise StudyError(f"no archive takes this: {what}{more}", where, mend)

    def _problems(self) -> Iterator[tuple[str, str]]:
        """Yield each field with a problem, and the problem."""
        if len(self.title.strip()) < SHORTEST:
            yield "title", f"the title is shorter than {SHORTEST} letters"
        if not self.creators:
            yield "creators", "there is no author"
        for one in self.creators:
            yield from (("creators", what) for what in _wrong_in(one))
        if len(_text(self.description)) < SHORTEST:
            yield "description", "no abstract says what the study is about"
        if not self.rights:
            yield "rights", "no licence says what others may do with it"
        if len(self.version) > LONGEST_VERSION:
            yield "version", f"the version is longer than {LONGEST_VERSION} letters"
        if len(set(self.keywords)) < len(self.keywords):
            yield "subjects", "a keyword is there twice"
        for work in self.related:
            if work.relation.lower() not in {one.lower() for one in RELATIONS}:
                what = f"{printable(work.relation)} is none of DataCite's relations"
                yield "related_identifiers", what
            if not work.identifier.strip():
                yield "related_identifiers", "another work has no identifier"
        for language in self.languages:
            if not re.fullmatch("[a-z]{3}", language):
                yield "languages", f"{printable(language)} is not ISO 639-3, such as eng"
        if not re.fullmatch(
            r"\d{4}(-\d\d(-\d\d)?)?(/\d{4}(-\d\d(-\d\d)?)?)?", self.publication_date
        ):
            yield "publication_date", f"{printable(self.publication_date)} is no date"

    def to_rdm(self, publisher: str = "") -> dict[str, Any]:
        """Return the metadata as InvenioRDM takes them.

        Args:
            publisher: The archive, where the metadata name none.
        """
        made: dict[str, Any] = {
            "resource_type": {"id": self.resource_type},
            "title": self.title,
            "creators": [_creator(one) for one in self.creators],
            "description": self.description,
            "additional_descriptions": [
                {"description": one, "type": {"id": "notes"}} for one in [self.notes] if one
            ],
            "publication_date": self.publication_date,
            "publisher": self.publisher or publisher,
            "version": self.version,
            "rights": [_right(one) for one in self.rights],
            "subjects": [{"subject": one} for one in self.keywords],
            "languages": [{"id": one} for one in self.languages],
            "related_identifiers": [_related(one) for one in self.related],
            "funding": [_funding(one) for one in self.funding],
        }
        return {key: value for key, value in made.items() if value}

    def to_osf(self) -> dict[str, Any]:
        """Return the attributes of an OSF project; it knows no creators, licences by name, or DOIs.

        Source of the format: https://developer.osf.io/#operation/nodes_create.
        """
        return {
            "title": self.title,
            "category": "project",
            "description": _text(self.description),
            "tags": list(self.keywords),
        }


def _wrong_in(author: Author) -> Iterator[str]:
    if not (author.family_names or author.name).strip():
        yield "an author has no name"
    orcid = _orcid(author)
    if orcid and not is_orcid(orcid):
        yield f"{printable(orcid)} is no ORCID: its check digit is wrong"


def is_orcid(text: str) -> bool:
    """Tell whether a text is an ORCID with the right check digit (ISO 7064, MOD 11-2)."""
    digits = text.replace("-", "")
    if not re.fullmatch(r"\d{4}-\d{4}-\d{4}-\d{3}[\dX]", text):
        return False
    total = 0
    for digit in digits[:-1]:
        total = (total + int(digit)) * 2
    return digits[-1] == "0123456789X"[(12 - total % 11) % 11]


def _orcid(author: Author) -> str:
    return (author.orcid or "").rstrip("/").rpartition("/")[2]


def _creator(author: Author) -> dict[str, Any]:
    person: dict[str, Any] = {"type": "organizational", "name": author.name}
    if author.family_names:
        person = {"type": "personal", "family_name": author.family_names}
        if author.given_names:
            person["given_name"] = author.given_names
    if orcid := _orcid(author):
        person["identifiers"] = [{"scheme": "orcid", "identifier": orcid}]
    made: dict[str, Any] = {"person_or_org": person}
    if author.affiliation:
        made["affiliations"] = [{"name": author.affiliation}]
    return made


def _right(licence: str) -> dict[str, Any]:
    # A licence of one's own is in no vocabulary.
    own = licence.startswith("licenseref-") or not re.fullmatch(r"[a-z0-9.+-]+", licence)
    return {"title": {"en": licence}} if own else {"id": licence}


def _related(work: Related) -> dict[str, Any]:
    made = {"identifier": work.identifier, "relation_type": {"id": work.relation.lower()}}
    return {**made, "scheme": work.scheme.lower()} if work.scheme else made


def _funding(paid: Funding) -> dict[str, Any]:
    made: dict[str, Any] = {"funder": {"id": paid.funder}}
    if paid.award or paid.title:
        # Without a number it is no award, and without a title neither.
        number, title = paid.award or paid.title, paid.title or paid.award
        made["award"] = {"number": number, "title": {"en": title}}
    return made


def _paragraphs(text: str) -> str:
    parts = [" ".join(part.split()) for part in re.split(r"\n\s*\n", text)]
    return "".join(f"<p>{html.escape(part, quote=False)}</p>" for part in parts if part)


def _text(markup: str) -> str:
    """Return the text of some HTML."""
    lines = re.sub(r"</p>\s*<p>", "\n\n", markup)
    return html.unescape(re.sub(r"<[^>]*>", "", lines)).strip()
