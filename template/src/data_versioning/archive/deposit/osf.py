"""Deposits in OSF: a project, its files, and its DOI.

The DOI of an OSF project points at the project, whose owner can change the files, and take the
project back, after the DOI was minted: unlike a record of Zenodo it is no fixed version. OSF's
fixed copies, registrations, have to be approved by mail, and are not made here.

Sources: https://developer.osf.io (API v2, JSON:API), https://waterbutler.readthedocs.io (files).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from data_versioning.archive.deposit import osf_files, readback
from data_versioning.archive.deposit.accounts import (
    found_token,
    mends_of_refusals,
    refuse_readable,
    template_version,
)
from data_versioning.archive.deposit.metadata import Metadata
from data_versioning.archive.deposit.osf_files import Files, project
from data_versioning.archive.deposit.uploading import (
    AGAIN,
    DRAFT,
    GONE,
    PUBLISHED,
    Planned,
    Status,
    StoredFile,
    new_marker,
    refuse,
    today,
)
from data_versioning.archive.deposit.zenodo_shapes import absent
from data_versioning.archive.limits import LIMITS
from data_versioning.errors import StudyError
from data_versioning.rest import Api, once
from data_versioning.wording import printable

API = "https://api.osf.io/v2"
# Of api.osf.io, files.osf.io takes files, or files.us.osf.io, ..., by the region of the account.
REGIONS = ("", "us.", "de-1.", "ca-1.", "au-1.")
ACCEPT = "application/vnd.api+json"
VARIABLE, PAGE = "OSF_TOKEN", "https://osf.io/settings/tokens/"
IDENTIFIER = {"data": {"type": "identifiers", "attributes": {"category": "doi"}}}
Given = Metadata | Mapping[str, Any]


class OSFUploader:
    """Deposits in OSF.

    A deposition is a project: private as long as it is a draft, public and with a DOI afterwards.
    It stays changeable; a later upload of a file is a new version of it under the same DOI.
    Every method can be called again after a failure: what was done is found, not done twice.

    Args:
        access_token: The token; that of the environment if not given.
        url: The address of the API; that of the environment, `OSF_API_URL`, or OSF's if not given.
    """

    name = "OSF"
    limits = LIMITS["osf"]
    reserves = False
    has_versions = False
    unsent = ("authors, licence, relations and version are not sent to OSF: add them to its page",)

    def __init__(self, access_token: str | None = None, *, url: str | None = None) -> None:
        self.server = (url or os.environ.get("OSF_API_URL") or API).rstrip("/")
        self.is_production = self.server == API
        self._token = access_token

    def __repr__(self) -> str:
        """Return it without its token."""
        return f"<OSFUploader {self.server}>"

    def authorise(self) -> None:
        """Make sure that there is a token.

        Raises:
            StudyError: There is none; names the variable and where to get one.
        """
        _ = self._api

    @cached_property
    def _api(self) -> Api:
        refuse_readable(self.name, self.server, "export OSF_API_URL={url}")
        token = found_token(self._token, self.name, VARIABLE, PAGE)
        mends = mends_of_refusals(VARIABLE, PAGE, "osf.full_write") | osf_files.MENDS
        api, _, domain = urlsplit(self.server).netloc.partition(".")
        hosts = tuple(f"files.{one}{domain}" for one in REGIONS) if api == "api" else ()
        secret = ("Authorization", f"Bearer {token}")
        return Api(
            self.name, self.server, {"Accept": ACCEPT}, secret,
            version=template_version(), hosts=hosts, mends=mends, again=AGAIN,
        )  # fmt: skip

    @cached_property
    def _files(self) -> Files:
        return Files(self._api)

    def create_deposition(self, metadata: Given, marker: str = "") -> dict[str, Any]:
        """Make a private project.

        Args:
            metadata: What it says, as `Metadata` or as Zenodo's older API took it.
            marker: A tag by which it is found again if the answer is lost; `add_metadata`
                removes it.

        Returns:
            The project as OSF has it; `id` is in it.

        Raises:
            StudyError: The metadata are not complete, or OSF refused or failed.
        """
        marker = marker or new_marker()
        said = _attributes(metadata)
        said["tags"] = [*said["tags"], marker]
        body = {"data": {"type": "nodes", "attributes": {**said, "public": False}}}

        def find() -> dict[str, Any] | None:
            found = self.find_deposition(marker)
            return self._node(found[0]) if found else None

        return once(find, lambda: self._sent("POST", "/nodes/", body), look_first=False)[0]

    def find_deposition(self, marker: str, wait: bool = True) -> list[str]:
        """Return the ids of one's private projects that have a marker.

        Args:
            marker: The marker.
            wait: Of no meaning here: OSF's lists do not lag.
        """
        found = self._files.pages("/users/me/nodes/", {"filter[tags]": marker})
        known = [(str(one.get("id")), one.get("attributes") or {}) for one in found]
        return [key for key, one in known if marker in one.get("tags", []) and not one["public"]]

    def status(self, deposition_id: str) -> Status:
        """Return what OSF has: a project is a draft until it is public and has a DOI.

        Args:
            deposition_id: The id of the project.
        """
        found = None
        with absent():
            found = self._node(deposition_id)
        if found is None:
            return Status(str(deposition_id), GONE)
        said = found.get("attributes") or {}
        doi = self._doi(deposition_id)
        return Status(
            str(found.get("id")),
            PUBLISHED if said.get("public") and doi else DRAFT,
            doi,
            address=printable(str((found.get("links") or {}).get("html") or "")),
            files=self._files.listed(deposition_id),
            metadata=said,
            is_public=bool(said.get("public")),
        )

    def add_metadata(self, deposition_id: str, metadata: Given) -> dict[str, Any]:
        """Replace title, description and tags of a project.

        Args:
            deposition_id: The id of the project.
            metadata: What it says from now on.

        Returns:
            The project as OSF has it.
        """
        return self._change(deposition_id, _attributes(metadata))

    def upload_file(self, deposition_id: str, filepath: Path | str) -> StoredFile:
        """Upload a file unless the project has it, and compare its sums with OSF's.

        A file of the same name and other bytes gets a new version.

        Args:
            deposition_id: The id of the project.
            filepath: The file, of 5 GB at most, and not empty.

        Returns:
            The file as OSF has it.

        Raises:
            StudyError: OSF takes no such file, or it did not arrive whole.
        """
        path = Path(filepath)
        refuse([path], self.name, self.limits)
        return self._files.upload(deposition_id, path)

    def delete_file(self, deposition_id: str, name: str) -> None:
        """Delete a file of a project, if it is there."""
        self._files.delete(deposition_id, name)

    def reserve_doi(self, deposition_id: str) -> str:
        """Refuse: OSF gives a DOI to public projects only."""
        what = "OSF reserves no DOI: it mints one when the project becomes public"
        raise StudyError(what, deposition_id, "data-versioning deposit --publish")

    def new_version(self, deposition_id: str, metadata: Given | None = None) -> dict[str, Any]:
        """Return the project, with other metadata: its DOI is that of whatever is in it."""
        return self.add_metadata(deposition_id, metadata) if metadata else self._node(deposition_id)

    def publish(self, deposition_id: str) -> dict[str, Any]:
        """Make a project public, and mint its DOI unless it has one.

        Returns:
            The project as OSF has it, with its DOI as `doi`.
        """
        made = self._change(deposition_id, {"public": True})

        def mint() -> str:
            self._sent("POST", f"{project(deposition_id)}identifiers/", IDENTIFIER)
            return self._doi(deposition_id)

        doi, _ = once(lambda: self._doi(deposition_id) or None, mint)
        if not doi:
            raise StudyError("OSF minted no DOI", deposition_id, AGAIN)
        return {**made, "doi": doi}

    def discard(self, deposition_id: str) -> None:
        """Delete a project that is private; one that is gone is no failure.

        Raises:
            StudyError: It is public: others may refer to it.
        """
        with absent():
            if (self._node(deposition_id).get("attributes") or {}).get("public"):
                what = "the project is public; only its owner should delete it, by hand"
                raise StudyError(what, deposition_id, f"open https://osf.io/{deposition_id}")
            self._api.call("DELETE", project(deposition_id))

    def read_back(self, metadata: Metadata, there: Status) -> list[str]:
        """Return what OSF has otherwise than it was sent."""
        both = [
            {**one, "tags": sorted(one.get("tags", []))}
            for one in (metadata.to_osf(), there.metadata)
        ]
        return readback.notes(readback.differences(*both))

    def plan(
        self, metadata: Metadata, files: Sequence[Path], known: Status | None, publish: bool
    ) -> list[Planned]:
        """Return the requests that change something; see `uploading.Uploader`."""
        said, number = _attributes(metadata), known.id if known else "<id>"
        at, change = f"/nodes/{number}/", {"id": number, "type": "nodes"}
        made = []
        if known is None:
            marked = {**said, "tags": [*said["tags"], "urn:uuid:<new>"], "public": False}
            body = {"data": {"type": "nodes", "attributes": marked}}
            made.append(Planned("POST", "/nodes/", body))
        made.append(Planned("PATCH", at, {"data": {**change, "attributes": said}}))
        for path in files:
            where = f"<upload link of {number}>?kind=file&name={path.name}"
            made.append(Planned("PUT", where, file=(str(path), path.stat().st_size)))
        if publish:
            body = {"data": {**change, "attributes": {"public": True}}}
            made.append(Planned("PATCH", at, body))
            made.append(Planned("POST", f"{at}identifiers/", IDENTIFIER))
        return made

    def _node(self, deposition_id: str) -> dict[str, Any]:
        return _data(self._api.get(project(deposition_id)))

    def _change(self, deposition_id: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
        data = {"id": deposition_id, "type": "nodes", "attributes": attributes}
        return self._sent("PATCH", project(deposition_id), {"data": data})

    def _sent(self, method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return _data(self._api.send(method, path, body))

    def _doi(self, deposition_id: str) -> str:
        for one in self._files.pages(f"{project(deposition_id)}identifiers/"):
            said = one.get("attributes") or {}
            value = str(said.get("value") or "")
            if said.get("category") == "doi" and re.fullmatch(r"10\.\d{4,9}/[!-~]+", value):
                return value
        return ""


def _attributes(metadata: Given) -> dict[str, Any]:
    """Return what a project says, once it is known that an archive takes it."""
    whole = Metadata.of(metadata, today())
    whole.check()
    return whole.to_osf()


def _data(answer: Mapping[str, Any]) -> dict[str, Any]:
    data = answer.get("data")
    if not isinstance(data, dict):
        raise StudyError("OSF answered with something else than was asked", "data", AGAIN)
    return data
