"""What the schema of CITATION.cff refuses, in the words of someone who wrote one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from data_versioning.wording import listed, printable

if TYPE_CHECKING:
    from jsonschema import Draft7Validator
    from jsonschema.exceptions import ValidationError

# By the last part of the path: what the value has to be.
EXPECTED = {
    "orcid": "an ORCID iD is written as a full address, https://orcid.org/0000-0002-1825-0097",
    "date-released": "a date is written as 2026-11-28",
    "doi": "a DOI is written without https://doi.org/, as 10.5281/zenodo.1003150",
    "license": "not an SPDX identifier, such as MIT or CC-BY-4.0",
    "cff-version": "has to be 1.2.0",
    "email": "not an e-mail address",
    "type": "has to be software or dataset",
    "identifier": "has to be doi, url, swh or other",
    "repository-code": "not a web address",
    "url": "not a web address",
}
MISSING = {
    "authors": "authors are missing",
    "message": "message is missing, such as: If you use this study, please cite it as below.",
    "title": "title is missing",
    "cff-version": "cff-version is missing; it has to be 1.2.0",
}


def problems(citation: Any) -> list[str]:
    """Return what is wrong in a citation, each problem once, in the order of the file's keys.

    Args:
        citation: The content of a CITATION.cff, with dates as text.
    """
    errors = sorted(_validator().iter_errors(citation), key=lambda one: list(map(str, one.path)))
    found = [text for error in errors for text in _worded(error)]
    for number, author in enumerate(_authors(citation), 1):
        named = ("name", "family-names", "given-names", "alias")
        if isinstance(author, dict) and not any(author.get(key) for key in named):
            found.append(f"author {number}: neither name nor family-names")
        elif isinstance(author, dict) and (orcid := author.get("orcid")) and not _adds_up(orcid):
            found.append(f"author {number}: {orcid} is no ORCID iD: its last digit does not fit")
    return list(dict.fromkeys(map(printable, found)))


def _authors(citation: Any) -> list[Any]:
    listed_ = citation.get("authors")
    return listed_ if isinstance(listed_, list) else []


@cache
def _validator() -> Draft7Validator:
    from jsonschema import Draft7Validator

    schema = resources.files(__package__).joinpath("schemas/cff-1.2.0.json")
    return Draft7Validator(json.loads(schema.read_text(encoding="utf-8")))


def _worded(error: ValidationError) -> Iterator[str]:
    """Yield what an error of the schema says, of alternatives that of the one that was meant."""
    if error.validator in ("anyOf", "oneOf") and error.context:
        for one in _meant(error):
            yield from _worded(one)
        return
    where = _where(list(error.absolute_path))
    key = next((part for part in reversed(error.absolute_path) if isinstance(part, str)), "")
    if "identifiers" in error.absolute_path:
        key = {"value": "doi", "type": "identifier"}.get(key, key)
    if error.validator == "required":
        for name in error.validator_value:
            if name not in error.instance:
                yield where + MISSING.get(name, f"{name} is missing")
    elif error.validator == "additionalProperties":
        known = error.schema["properties"]
        for name in error.instance:
            if name not in known:
                hint = _similar(str(name), known)
                if name == "affiliation":
                    hint = "; only a person has one, who has family-names instead of name"
                yield f"{where}unknown key {name}{hint}"
    elif error.validator == "minItems":
        yield f"{where}the list is empty"
    elif error.validator == "uniqueItems":
        yield f"{where}an entry stands there twice"
    elif error.validator == "minLength" or error.instance is None:
        yield f"{where}empty"
    elif isinstance(error.instance, list | dict) or key not in EXPECTED:
        kind = {"string": "a text", "array": "a list", "object": "a mapping"}
        wanted = kind.get(str(error.schema.get("type")), "valid")
        yield f"{where}{_shown(error.instance)} is not {wanted}"
    else:
        yield f"{where}{_shown(error.instance)}: {EXPECTED[key]}"


def _meant(error: ValidationError) -> list[ValidationError]:
    """Return the errors of the alternative that the author of a file had in mind."""
    instance = error.instance
    branches: dict[int, list[ValidationError]] = {}
    for one in error.context or ():
        branches.setdefault(int(one.schema_path[0]), []).append(one)
    if isinstance(instance, dict) and "identifiers" in error.absolute_path:
        # The kinds differ in what `type` may be; of a kind that there is not, that is the error.
        kind = [one for one in branches.values() if not any("type" in each.path for each in one)]
        return kind[0] if kind else [one for one in branches[0] if "type" in one.path]
    if isinstance(instance, dict):  # a person, or else an entity, which has a name
        return branches.get(1 if "name" in instance else 0, [])
    if isinstance(instance, list):
        return branches.get(1, [])
    return branches.get(0, [])


def _where(path: list[Any]) -> str:
    parts: list[str] = []
    for part in path:
        if isinstance(part, int):
            name = parts.pop()
            one = {"authors": "author", "identifiers": "identifier", "keywords": "keyword"}
            parts.append(f"{one.get(name, name)} {part + 1}")
        else:
            parts.append(str(part))
    return f"{', '.join(parts)}: " if parts else ""


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return f"what has {listed(sorted(map(str, value)))}"
    return printable(str(value))[:80]


def _similar(name: str, known: Any) -> str:
    import difflib

    close = difflib.get_close_matches(name.replace("_", "-").lower(), list(known), 1)
    return f"; did you mean {close[0]}?" if close else ""


def _adds_up(orcid: Any) -> bool:
    """Tell whether the last digit of an ORCID iD is the one that the others give (ISO 7064)."""
    match = re.fullmatch(r"https://orcid\.org/([0-9-]{18}[0-9X])", str(orcid))
    if not match:
        return True  # the schema's to say
    digits = match[1].replace("-", "")
    total = 0
    for digit in digits[:-1]:
        total = (total + int(digit)) * 2 % 11
    return digits[-1] == "0123456789X"[(12 - total) % 11]
