"""What InvenioRDM says about metadata: what is missing or wrong, by field."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

from .web import Row, wrong

MISSING = "Missing data for required field."
KINDS = ["organizational", "personal"]
SHORT = "Shorter than minimum length 3."
DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?(/\d{4}(-\d\d(-\d\d)?)?)?")
TYPES = {
    "dataset", "software", "publication", "image", "video", "lesson", "poster", "presentation",
    "other", "physicalobject", "model", "workflow", "software-computationalnotebook", "event",
}  # fmt: skip
RELATIONS = {
    "iscitedby", "cites", "issupplementto", "issupplementedby", "iscontinuedby", "continues",
    "isdescribedby", "describes", "hasmetadata", "ismetadatafor", "hasversion", "isversionof",
    "isnewversionof", "ispreviousversionof", "ispartof", "haspart", "isreferencedby", "references",
    "isdocumentedby", "documents", "iscompiledby", "compiles", "isvariantformof",
    "isoriginalformof", "isidenticalto", "isreviewedby", "reviews", "isderivedfrom", "issourceof",
    "isrequiredby", "requires", "isobsoletedby", "obsoletes", "ispublishedin", "collects",
    "iscollectedby", "istranslationof", "hastranslation",
}  # fmt: skip
SCHEMES = {
    "doi": r"(https?://(dx\.)?doi\.org/|doi:)?10\.\d{4,}(\.\d+)*/\S+",
    "url": r"https?://\S+",
    "swh": r"swh:1:(cnt|dir|rel|rev|snp):[0-9a-f]{40}(;\S+)*",
    "arxiv": r"(arxiv:)?\d{4}\.\d{4,5}(v\d+)?",
    "handle": r"\d+(\.\d+)*/\S+",
    "urn": r"urn:\S+",
    "ark": r"ark:/?\S+",
    "isbn": r"[\d-]{10,17}",
    "pmid": r"\d+",
    "w3id": r"https://w3id\.org/\S+",
}
KNOWN = {
    "resource_type", "creators", "title", "additional_titles", "publisher", "publication_date",
    "subjects", "contributors", "dates", "languages", "identifiers", "related_identifiers",
    "sizes", "formats", "version", "rights", "copyright", "description",
    "additional_descriptions", "locations", "funding", "references",
}  # fmt: skip


def checked(metadata: Any) -> tuple[Row, list[Row]]:
    """Return the metadata that a draft keeps, and what is wrong with those that were sent.

    Fields that are wrong are not kept; fields that are only missing do not hinder a draft.

    Args:
        metadata: What was sent.
    """
    if not isinstance(metadata, dict):
        return {}, [wrong("metadata", "Invalid input type.")]
    kept = copy.deepcopy(metadata)
    errors = [wrong(f"metadata.{key}", MISSING) for key in REQUIRED if not metadata.get(key)]
    for key in metadata:
        found = [wrong(f"metadata.{key}", "Unknown field.")] if key not in KNOWN else []
        if key in CHECKS and metadata[key]:
            found = CHECKS[key](f"metadata.{key}", kept[key])
        if found:
            kept.pop(key)
        errors += found
    return kept, errors


def is_orcid(text: str) -> bool:
    """Tell whether the check digit of an ORCID is right (ISO 7064, MOD 11-2)."""
    digits = text.rsplit("/", 1)[-1].replace("-", "")
    if not re.fullmatch(r"\d{15}[\dX]", digits):
        return False
    total = 0
    for digit in digits[:-1]:
        total = (total + int(digit)) * 2
    return "0123456789X"[(12 - total % 11) % 11] == digits[-1]


def _text(least: int, most: int = 10**6) -> Callable[[str, Any], list[Row]]:
    def check(at: str, value: Any) -> list[Row]:
        if not isinstance(value, str):
            return [wrong(at, "Not a valid string.")]
        if len(value) > most:
            return [wrong(at, f"Longer than maximum length {most}.")]
        return [wrong(at, SHORT)] if len(value) < least else []

    return check


def _each(check: Callable[[str, Row], list[Row]]) -> Callable[[str, Any], list[Row]]:
    def checks(at: str, value: Any) -> list[Row]:
        if not isinstance(value, list):
            return [wrong(at, "Not a valid list.")]
        found = []
        for number, one in enumerate(value):
            below = f"{at}.{number}"
            known = isinstance(one, dict)
            found += check(below, one) if known else [wrong(below, "Invalid input type.")]
        return found

    return checks


def _type(at: str, value: Any) -> list[Row]:
    if not isinstance(value, dict) or "id" not in value:
        return [wrong(f"{at}.id", MISSING)]
    known = str(value["id"]).split("-")[0] in TYPES or value["id"] in TYPES
    return [] if known else [wrong(at, f"Invalid value {value['id']}.")]


def _date(at: str, value: Any) -> list[Row]:
    if isinstance(value, str) and DATE.fullmatch(value):
        return []
    return [wrong(at, "Please provide a valid date or interval.")]


def _creator(at: str, one: Row) -> list[Row]:
    at_person, person = f"{at}.person_or_org", one.get("person_or_org")
    if not isinstance(person, dict):
        return [wrong(at_person, MISSING)]
    found = [wrong(f"{at}.{key}", "Unknown field.") for key in one if key not in PARTS]
    kind = person.get("type")
    if kind not in KINDS:
        return [wrong(f"{at_person}.type", f"Invalid value. Choose one of {KINDS}.")]
    if kind == "personal":
        names = [person.get("family_name"), person.get("given_name")]
        person["name"] = ", ".join(name for name in names if name)
        if not names[0]:
            found.append(wrong(f"{at_person}.family_name", "Family name cannot be blank."))
    elif not person.get("name"):
        found.append(wrong(f"{at_person}.name", "Name cannot be blank."))
    for number, other in enumerate(person.get("identifiers") or []):
        text = str(other.get("identifier", "")).rsplit("/", 1)[-1]
        scheme = other.setdefault("scheme", "orcid")
        other["identifier"] = text
        if scheme == "orcid" and not is_orcid(text):
            below = f"{at_person}.identifiers.{number}"
            found.append(wrong(below, "Invalid ORCID identifier."))
    affiliations = [str(other) for other in one.get("affiliations") or []]
    if len(affiliations) != len(set(affiliations)):
        found.append(wrong(f"{at}.affiliations", "Duplicated affiliations."))
    return found


def _contributor(at: str, one: Row) -> list[Row]:
    missing = [] if one.get("role") else [wrong(f"{at}.role", MISSING)]
    return _creator(at, one) + missing


def _right(at: str, one: Row) -> list[Row]:
    if one.get("id"):
        same = one["id"] == str(one["id"]).lower()
        return [] if same else [wrong(at, f"Invalid value {one['id']}.")]
    return [] if one.get("title") else [wrong(at, "An identifier or a title must be present.")]


def _related(at: str, one: Row) -> list[Row]:
    text, scheme = str(one.get("identifier") or ""), one.get("scheme")
    relation = one.get("relation_type")
    if not text:
        return [wrong(f"{at}.identifier", MISSING)]
    if not isinstance(relation, dict) or "id" not in relation:
        return [wrong(f"{at}.relation_type", MISSING)]
    if relation["id"] not in RELATIONS:
        return [wrong(f"{at}.relation_type", f"Invalid value {relation['id']}.")]
    guessed = next((key for key, form in SCHEMES.items() if re.fullmatch(form, text, re.I)), None)
    scheme = one["scheme"] = scheme or guessed
    if scheme is None:
        return [wrong(f"{at}.scheme", MISSING)]
    if scheme in SCHEMES and not re.fullmatch(SCHEMES[scheme], text, re.I):
        return [wrong(f"{at}.identifier", f"Invalid {scheme.upper()} identifier.")]
    return []


def _funding(at: str, one: Row) -> list[Row]:
    funder = one.get("funder") or {}
    if not (funder.get("id") or funder.get("name")):
        return [wrong(f"{at}.funder", "A funder must be present.")]
    award = one.get("award")
    if award and not (award.get("id") or (award.get("number") and award.get("title"))):
        return [wrong(f"{at}.award", "An award id, or a number and a title, must be present.")]
    return []


def _language(at: str, one: Row) -> list[Row]:
    known = re.fullmatch(r"[a-z]{3}", str(one.get("id", "")))
    return [] if known else [wrong(at, f"Invalid value {one.get('id')}.")]


def _subject(at: str, one: Row) -> list[Row]:
    known = one.get("subject") or one.get("id")
    return [] if known else [wrong(at, "An id or a subject must be present.")]


REQUIRED = ("resource_type", "creators", "title", "publication_date")
PARTS = ("person_or_org", "role", "affiliations")
CHECKS: dict[str, Callable[[str, Any], list[Row]]] = {
    "resource_type": _type,
    "creators": _each(_creator),
    "contributors": _each(_contributor),
    "title": _text(3),
    "publication_date": _date,
    "description": _text(3),
    "version": _text(0, 191),
    "publisher": _text(0),
    "rights": _each(_right),
    "related_identifiers": _each(_related),
    "funding": _each(_funding),
    "languages": _each(_language),
    "subjects": _each(_subject),
}
