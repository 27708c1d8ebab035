"""Files of OSF's projects, which WaterButler takes at the addresses that OSF's API gives."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from data_versioning.archive.deposit.uploading import (
    AGAIN,
    SMALLER,
    Body,
    StoredFile,
    is_same,
)
from data_versioning.archive.deposit.zenodo_shapes import SLOW, absent
from data_versioning.errors import StudyError
from data_versioning.rest import Api, Refused, Unanswered, pauses
from data_versioning.wording import printable

PAGE = "100"  # entries of a list
MENDS = {413: SMALLER}
CONFLICT = 409
FULL = "(507 "  # Insufficient Storage (RFC 4918, 11.5)


class _Differs(StudyError):
    """OSF has other bytes than were sent."""


class Files:
    """The files of projects.

    Args:
        api: OSF's.
    """

    def __init__(self, api: Api) -> None:
        self._api = api

    def pages(self, path: str, params: Mapping[str, str] | None = None) -> Iterator[dict[str, Any]]:
        """Yield the entries of a list, page by page.

        Args:
            path: Of the list.
            params: Of the query.
        """
        url, seen = path, set()
        more: dict[str, Any] = {"params": {"page[size]": PAGE, **(params or {})}}
        while url and url not in seen:
            seen.add(url)
            answer = self._api.object(self._api.call("GET", url, **more))
            rows = answer.get("data")
            if not isinstance(rows, list):
                raise StudyError("OSF answered with something else than was asked", path, AGAIN)
            yield from (one for one in rows if isinstance(one, dict))
            url, more = str((answer.get("links") or {}).get("next") or ""), {}

    def listed(self, number: str) -> dict[str, StoredFile]:
        """Return the files of a project that are in no folder, by name."""
        files = [_stored(one) for one in self._entries(number)]
        return {one.name: one for one in files}

    def upload(self, number: str, path: Path) -> StoredFile:
        """Upload a file unless the project has it, and compare its sums with OSF's.

        Args:
            number: The id of the project.
            path: The file.

        Raises:
            StudyError: It did not arrive as it is, however often it was sent.
        """
        for pause in pauses():
            try:
                return self._upload(number, path)
            except (_Differs, Unanswered) as error:
                if FULL in error.what:  # which does not pass
                    raise StudyError(error.what, error.where, SMALLER) from None
                if pause is None:
                    raise
            except Refused as error:
                # A lost answer: it came, and is a file of this name now.
                if pause is None or error.status != CONFLICT:
                    raise
            time.sleep(pause)
        raise AssertionError("the last try returns or raises")

    def delete(self, number: str, name: str) -> None:
        """Delete a file of a project, if it is there."""
        if (found := self._entry(number, name)) is not None:
            with absent():
                self._api.call("DELETE", _link(found, "delete"))

    def _upload(self, number: str, path: Path) -> StoredFile:
        params, there = {"kind": "file"}, self._entry(number, path.name)
        if there is None:
            where = self._storage(number)
            params["name"] = path.name
        elif is_same(path, _stored(there)):
            return _stored(there)
        else:
            where = _link(there, "upload")
        body = _Body(path)
        answer = self._api.call(
            "PUT",
            where,
            careful=True,  # asked again, a file that came is a conflict
            patience=SLOW,
            params=params,
            content=body,
            headers=body.headers,
        )
        data = self._api.object(answer).get("data")
        entry: Mapping[str, Any] = data if isinstance(data, dict) else {}
        said = _sums(entry)
        if said != (body.size, body.md5, body.sha256):
            what = f"OSF got another file: {said[0]} bytes of MD5 {said[1]}"
            what = f"{what} instead of {body.size} of {body.md5}"
            raise _Differs(printable(what), str(path), AGAIN)
        return _stored(entry)

    def _entries(self, number: str) -> Iterator[dict[str, Any]]:
        for one in self.pages(f"{project(number)}files/osfstorage/"):
            if (one.get("attributes") or {}).get("kind") == "file":
                yield one

    def _entry(self, number: str, name: str) -> dict[str, Any] | None:
        entries = (one for one in self._entries(number) if one["attributes"].get("name") == name)
        return next(entries, None)

    def _storage(self, number: str) -> str:
        """Return the address that takes new files."""
        for one in self.pages(f"{project(number)}files/"):
            if (one.get("attributes") or {}).get("provider") == "osfstorage":
                return _link(one, "upload")
        what, mend = (
            "the project has no storage of OSF's own",
            f"open https://osf.io/{number}/addons",
        )
        raise StudyError(what, number, mend)


class _Body(Body):
    """A file on its way, with both sums that OSF tells."""

    sha256 = ""

    def __call__(self) -> Iterator[bytes]:
        """Yield the file piece by piece."""
        digest = hashlib.sha256()
        for piece in super().__call__():
            digest.update(piece)
            yield piece
        self.sha256 = digest.hexdigest()


def project(number: object) -> str:
    """Return the address of a project below that of the API; what OSF named is no path."""
    if not re.fullmatch(r"[a-z0-9]{5,}", str(number)):
        what = "OSF has no projects of this name"
        raise StudyError(what, printable(str(number)), "data-versioning deposits")
    return f"/nodes/{number}/"


def _link(entry: Mapping[str, Any], key: str) -> str:
    """Return an address that OSF gave; the client refuses those of other servers."""
    found = (entry.get("links") or {}).get(key)
    if not isinstance(found, str) or "://" not in found:
        raise StudyError("OSF answered with something else than was asked", f"links.{key}", AGAIN)
    return found.partition("?")[0]


def _sums(entry: Mapping[str, Any]) -> tuple[int, str, str]:
    said = entry.get("attributes") or {}
    hashes = (said.get("extra") or {}).get("hashes") or {}
    return int(said.get("size") or 0), str(hashes.get("md5")), str(hashes.get("sha256"))


def _stored(entry: Mapping[str, Any]) -> StoredFile:
    size, md5, _ = _sums(entry)
    return StoredFile(str(entry["attributes"].get("name")), size, md5)
