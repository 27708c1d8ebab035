"""Whether an archive has what it was sent."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

from data_versioning.errors import StudyError
from data_versioning.rest import Api

DATACITE = "application/vnd.datacite.datacite+json"


def notes(differing: list[str], who: str = "the archive") -> list[str]:
    """Return what is told where fields are otherwise than they were sent."""
    return [f"{who} has otherwise than it was told: {', '.join(differing)}"] if differing else []


def registered(api: Api, path: str, sent: Mapping[str, Any], doi: str) -> list[str]:
    """Return what an InvenioRDM registers at DataCite otherwise than it was sent.

    It makes that from the metadata by itself. That it cannot be read is told, and no failure.

    Args:
        api: InvenioRDM's.
        path: Of the record.
        sent: The metadata, as InvenioRDM takes them.
        doi: Of the record.
    """
    try:
        found = api.object(api.call("GET", path, headers={"Accept": DATACITE}))
    except StudyError as error:
        return [f"what it registers at DataCite cannot be read: {error}"]
    persons = [one["person_or_org"] for one in sent["creators"]]
    names = [
        one.get("name") or ", ".join(filter(None, (one["family_name"], one.get("given_name"))))
        for one in persons
    ]
    identifiers = [str(one.get("identifier")).lower() for one in _rows(found, "identifiers")]
    right = {
        "title": sent["title"] in [one.get("title") for one in _rows(found, "titles")],
        "creators": names == [one.get("name") for one in _rows(found, "creators")],
        "DOI": doi.lower() in [str(found.get("doi")).lower(), *identifiers],
    }
    return notes([key for key, is_right in right.items() if not is_right], "DataCite")


def _rows(found: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    rows = found.get(key)
    return [one for one in rows if isinstance(one, Mapping)] if isinstance(rows, list) else []


def differences(sent: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Return the names of the fields that an archive has otherwise than they were sent.

    An archive may add to what it got, such as the name of a funder, and clean HTML.

    Args:
        sent: The metadata, as InvenioRDM takes them.
        found: As it returns them.
    """
    return [key for key, value in sent.items() if not _holds(found.get(key), value, key)]


def _holds(found: Any, sent: Any, key: str) -> bool:
    if isinstance(sent, Mapping):
        return isinstance(found, Mapping) and all(
            _holds(found.get(name), value, name) for name, value in sent.items()
        )
    if isinstance(sent, list):
        return (
            isinstance(found, list)
            and len(found) == len(sent)
            and all(_holds(*both, key) for both in zip(found, sent, strict=True))
        )
    if key == "description":
        return _plain(found) == _plain(sent)
    return bool(found == sent)


def _plain(markup: Any) -> str:
    return "".join(html.unescape(re.sub(r"<[^>]*>", " ", str(markup))).split())
