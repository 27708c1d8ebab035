"""CITATION.cff: the one source of title, authors and licence, and where the DOI is written.

Source of the format: https://github.com/citation-file-format/citation-file-format, version 1.2.0.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from data_versioning import yaml_edit
from data_versioning.errors import StudyError
from data_versioning.study import parse_yaml, plain

FILE = "CITATION.cff"
EDIT = f"$EDITOR {FILE}"
CONCEPT = "Concept DOI, which leads to the newest version"
VERSION = "DOI of this version"
BADGE = "DOI of this study"  # by this text of its image the badge is found again


@dataclass(frozen=True)
class Author:
    """A person or an organisation.

    Args:
        name: As it is read, given names first.
        given_names: Of a person.
        family_names: Of a person, with particle and suffix; None makes it an organisation.
        orcid: The full address, `https://orcid.org/0000-...`.
        affiliation: In words.
        email: An address.
    """

    name: str
    given_names: str | None = None
    family_names: str | None = None
    orcid: str | None = None
    affiliation: str | None = None
    email: str | None = None


@dataclass(frozen=True)
class Citation:
    """What CITATION.cff says, as far as an archive asks.

    Args:
        title: The title.
        abstract: What the study is about.
        authors: In their order.
        keywords: In their order.
        license: An SPDX expression; `A OR B` where the file lists several.
        doi: Of the version.
        concept_doi: Of all versions.
        repository: The web address of the code's repository.
    """

    title: str
    abstract: str | None
    authors: tuple[Author, ...]
    keywords: tuple[str, ...]
    license: str | None
    doi: str | None
    concept_doi: str | None
    repository: str | None


def read(content: bytes) -> Citation:
    """Return what the content of a CITATION.cff says.

    Raises:
        StudyError: It is not valid; carries the first problem.
    """
    if found := problems(content):
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise StudyError(found[0] + more, FILE, EDIT)
    said = plain(parse_yaml(content, FILE))
    license_ = said.get("license")
    dois = [one for one in said.get("identifiers", ()) if one["type"] == "doi"]
    concepts = [one for one in dois if "concept" in one.get("description", "").lower()]
    return Citation(
        title=said["title"],
        abstract=said.get("abstract"),
        authors=tuple(map(_author, said["authors"])),
        keywords=tuple(said.get("keywords", ())),
        license=" OR ".join(license_) if isinstance(license_, list) else license_,
        doi=said.get("doi"),
        concept_doi=concepts[0]["value"] if concepts else None,
        repository=said.get("repository-code"),
    )


def _author(said: dict[str, Any]) -> Author:
    family = " ".join(
        said[key] for key in ("name-particle", "family-names", "name-suffix") if key in said
    )
    given = said.get("given-names")
    name = said.get("name") or " ".join(filter(None, (given, family))) or said.get("alias", "")
    return Author(
        name,
        given,
        None if "name" in said else family or name,
        said.get("orcid"),
        said.get("affiliation"),
        said.get("email"),
    )


def problems(content: bytes) -> list[str]:
    """Return what is wrong in the content of a CITATION.cff, in a few words each.

    Raises:
        StudyError: It is no YAML mapping.
    """
    from data_versioning.archive import citation_schema

    return citation_schema.problems(plain(parse_yaml(content, FILE)))


def with_doi(text: str, doi: str, concept_doi: str | None) -> str:
    """Return the text of a CITATION.cff with the DOIs in it; comments and order stay.

    Args:
        text: The text.
        doi: Of the version that is deposited.
        concept_doi: Of all versions; None where the archive gives none.
    """
    parse_yaml(text.encode(), FILE)  # for its errors

    def change(citation: MutableMapping[str, Any]) -> None:
        citation["doi"] = doi
        # One by one: with a list that is replaced, comments in it would go.
        listed = citation.setdefault("identifiers", [])
        for value, description in ((doi, VERSION), (concept_doi, CONCEPT)):
            if not value:  # that of another archive does not lead to this deposit
                for one in [one for one in listed if _is_ours(one, "", description)]:
                    listed.remove(one)
                continue
            known = [one for one in listed if _is_ours(one, value, description)]
            if known:
                known[0].update({"value": value, "description": description})
            else:
                listed.append({"type": "doi", "value": value, "description": description})

    return yaml_edit.changed(text, change)


def _is_ours(identifier: Any, value: str, description: str) -> bool:
    said = dict(identifier)
    same = said.get("description") == description or said.get("value") == value
    return said.get("type") == "doi" and same


def readme_badge(text: str, doi: str, url: str) -> str:
    """Return the text of a README with one badge of the DOI, below its title if it had none.

    Args:
        text: The text, in Markdown.
        doi: The DOI that the badge shows.
        url: Where the badge leads.
    """
    shown = quote(doi.replace("-", "--").replace("_", "__"), safe="")
    badge = f"[![{BADGE}](https://img.shields.io/badge/DOI-{shown}-blue)]({url})"
    there = re.compile(rf"\[!\[{BADGE}\]\([^()\s]*\)\]\([^()\s]*\)")
    if there.search(text):
        return there.sub(lambda _: badge, text, count=1)
    end = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines(keepends=True)
    after = _below_title(lines)
    above, below = "".join(lines[:after]), "".join(lines[after:])
    if above:
        above = above.rstrip("\r\n") + 2 * end
    return above + badge + (end + end + below.lstrip("\r\n") if below.strip() else end)


def _below_title(lines: list[str]) -> int:
    """Return how many lines end with the title of a text in Markdown; 0 if it has none."""
    fenced = False
    for number, line in enumerate(lines):
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        underlined = re.match(r"=+\s*$", line) and number and lines[number - 1].strip()
        if not fenced and (line.startswith("# ") or underlined):
            return number + 1
    return 0
