"""Metadata as Zenodo's legacy API took them, such as `{"title": ..., "upload_type": "dataset"}`.

Source: https://developers.zenodo.org/#representation (deposit metadata).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from data_versioning.archive.citation import Author
from data_versioning.archive.settings import Related
from data_versioning.errors import StudyError
from data_versioning.wording import printable

# Of `upload_type`; those of publications and images say more by another key.
TYPES = (
    "publication", "poster", "presentation", "dataset", "image", "video", "software", "lesson",
    "physicalobject", "other",
)  # fmt: skip
ACCESS = {
    "open": (("record", "public"), ("files", "public")),
    "restricted": (("record", "public"), ("files", "restricted")),
    "closed": (("record", "public"), ("files", "restricted")),
}

# What they say is given by the server here, or asked from it.
WITHOUT_MEANING = ("doi", "prereserve_doi")
# What InvenioRDM takes in another way.
ELSEWHERE = {
    "communities": "a community takes a record in at the archive, by its curators",
    "grants": "who paid is said by archive.funding of study.yaml",
    "contributors": "contributors are not sent; authors are: creators",
}
# Of what is not called the same in InvenioRDM.
NAMES = {"rights": "license", "subjects": "keywords", "languages": "language"}
EXAMPLES: dict[str, Any] = {
    "title": "Exercise and mood",
    "upload_type": "dataset",
    "description": "What exercise does.",
    "creators": [{"name": "Lovelace, Ada", "orcid": "0000-0001-2345-6789"}],
    "access_right": "open",
    "license": "cc-by-4.0",
    "keywords": ["exercise", "mood"],
    "related_identifiers": [{"identifier": "10.1234/x", "relation": "isSupplementTo"}],
    "version": "1.0.0",
    "language": "eng",
    "publication_date": "2026-01-02",
    "notes": "Twelve weeks.",
}


def fields(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `Metadata` that legacy metadata say.

    Args:
        given: The metadata.

    Raises:
        StudyError: It has a key that is not known, which Zenodo would ignore without a word, or a
            value of another kind.
    """
    made: dict[str, Any] = {"title": "", "creators": (), "description": ""}
    for key, value in given.items():
        if key in WITHOUT_MEANING:
            continue
        if key not in READ:
            why = ELSEWHERE.get(key, f"unknown; it could be {', '.join(READ)}")
            raise StudyError(why, _where(key), f"del metadata[{printable(repr(key))}]")
        if value in (None, "", [], ()):
            continue
        made |= READ[key](value)
    return made


def mend_of(key: str) -> str:
    """Return what is typed to mend a value.

    Args:
        key: Its key, in legacy metadata or as InvenioRDM has it.
    """
    key = NAMES.get(key, key)
    return f"metadata[{key!r}] = {EXAMPLES[key]!r}"


def _where(key: str) -> str:
    return f"metadata: {printable(str(key))}"


def _wrong(key: str, what: str) -> StudyError:
    return StudyError(what, _where(key), mend_of(key))


def _text(key: str, to: str) -> Callable[[Any], dict[str, Any]]:
    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, str):
            raise _wrong(key, "not a text")
        return {to: value}

    return read


def _list(key: str, value: Any, kind: type) -> list[Any]:
    if not isinstance(value, list | tuple) or not all(isinstance(one, kind) for one in value):
        raise _wrong(key, "not a list of " + ("texts" if kind is str else "mappings"))
    return list(value)


def _creators(value: Any) -> dict[str, Any]:
    return {"creators": tuple(map(_creator, _list("creators", value, dict)))}


def _creator(said: Mapping[str, Any]) -> Author:
    known = {"name", "affiliation", "orcid"}
    if others := sorted(map(str, said.keys() - known)):
        raise _wrong("creators", f"unknown: {', '.join(others)}")
    if not all(isinstance(one, str) for one in said.values()):
        raise _wrong("creators", "not a text")
    name = said.get("name", "").strip()
    # Zenodo, too, takes a name with exactly one comma for a person's.
    family, comma, given = (part.strip() for part in name.partition(","))
    is_person = bool(comma) and "," not in given
    return Author(
        f"{given} {family}".strip() if is_person else name,
        given if is_person else None,
        family if is_person else None,
        said.get("orcid") or None,
        said.get("affiliation") or None,
    )


def _related(value: Any) -> dict[str, Any]:
    works = []
    for said in _list("related_identifiers", value, dict):
        if not all(isinstance(said.get(key, ""), str) for key in said):
            raise _wrong("related_identifiers", "not a text")
        works.append(
            Related(said.get("identifier", ""), said.get("relation", ""), said.get("scheme", ""))
        )
    return {"related": tuple(works)}


def _type(value: Any) -> dict[str, Any]:
    if value not in TYPES:
        raise _wrong("upload_type", f"not one of {', '.join(TYPES)}")
    return {"resource_type": value}


def _access(value: Any) -> dict[str, Any]:
    if value not in ACCESS:
        raise _wrong("access_right", f"not one of {', '.join(ACCESS)}")
    return {"access": ACCESS[value]}


def _licence(value: Any) -> dict[str, Any]:
    if not isinstance(value, str):
        raise _wrong("license", "not a text")
    return {"rights": (value.lower(),)}


def _language(value: Any) -> dict[str, Any]:
    if not isinstance(value, str):
        raise _wrong("language", "not a text")
    return {"languages": (value,)}


READ: dict[str, Callable[[Any], dict[str, Any]]] = {
    "title": _text("title", "title"),
    "upload_type": _type,
    "description": _text("description", "description"),
    "creators": _creators,
    "access_right": _access,
    "license": _licence,
    "keywords": lambda value: {"keywords": tuple(_list("keywords", value, str))},
    "related_identifiers": _related,
    "version": _text("version", "version"),
    "language": _language,
    "publication_date": _text("publication_date", "publication_date"),
    "notes": _text("notes", "notes"),
}
