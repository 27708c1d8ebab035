"""Deposits in Zenodo, its sandbox, and every other InvenioRDM.

Source: https://inveniordm.docs.cern.ch/reference/rest_api_drafts_records/. Zenodo's older API is
left alone: it answers in another shape, knows one licence only, and no server but Zenodo has it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from data_versioning.archive.deposit import readback, zenodo_shapes
from data_versioning.archive.deposit.accounts import KNOWN, SANDBOX, ZENODO, invenio
from data_versioning.archive.deposit.metadata import Metadata
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
from data_versioning.archive.deposit.zenodo_files import Files
from data_versioning.archive.deposit.zenodo_publication import POLLS, publish
from data_versioning.archive.deposit.zenodo_shapes import (
    SLOW,
    absent,
    complaint,
    doi_of,
    draft,
    record,
)
from data_versioning.archive.limits import LIMITS
from data_versioning.errors import StudyError
from data_versioning.rest import LOOPBACK, Api, once, pauses
from data_versioning.rest_failures import reasons

Given = Metadata | Mapping[str, Any]


class ZenodoUploader:
    """Deposits in Zenodo or another InvenioRDM.

    Every method can be called again after a failure: what was done is found, not done twice.

    Args:
        access_token: The token; that of the environment if not given.
        sandbox: Whether it is Zenodo's sandbox, where nothing lasts.
        url: The address of another InvenioRDM.
    """

    limits = LIMITS["zenodo"]
    reserves = True
    has_versions = True
    unsent = ()

    def __init__(
        self, access_token: str | None = None, sandbox: bool = True, *, url: str | None = None
    ) -> None:
        self.server = (url or (SANDBOX if sandbox else ZENODO)).rstrip("/").removesuffix("/api")
        host = urlsplit(self.server).netloc
        self.name, self.variable = KNOWN.get(self.server, (host, "INVENIO_TOKEN"))
        self._publisher = "Zenodo" if "zenodo" in host else host
        self._token = access_token

    def __repr__(self) -> str:
        """Return it without its token."""
        return f"<ZenodoUploader {self.server}>"

    @property
    def is_production(self) -> bool:
        """Whether what is published there stays for good."""
        return self.server != SANDBOX and urlsplit(self.server).hostname not in LOOPBACK

    def authorise(self) -> None:
        """Make sure that there is a token.

        Raises:
            StudyError: There is none; names the variable and where to get one.
        """
        _ = self._api

    @cached_property
    def _api(self) -> Api:
        return invenio(self.server, self.name, self.variable, self._token)

    @cached_property
    def _files(self) -> Files:
        return Files(self._api)

    def create_deposition(self, metadata: Given, marker: str = "") -> dict[str, Any]:
        """Make a draft.

        Args:
            metadata: What it says, as `Metadata` or as Zenodo's older API took it.
            marker: By which it is found again if the answer is lost; `add_metadata` removes it.

        Returns:
            The draft as the server has it; `id` is in it.

        Raises:
            StudyError: The metadata are not complete, or the server refused or failed.
        """
        marker = marker or new_marker()
        body = self._body(metadata, marker)

        def find() -> dict[str, Any] | None:
            found = self.find_deposition(marker)
            return self._api.get(draft(found[0])) if found else None

        def make() -> dict[str, Any]:
            return self._api.object(self._api.call("POST", "/records", json=body, patience=SLOW))

        return once(find, make, look_first=False)[0]

    def find_deposition(self, marker: str, wait: bool = True) -> list[str]:
        """Return the ids of those of one's newest drafts that have a marker.

        Args:
            marker: The marker.
            wait: Whether to look for half a minute: the list is a search's, which lags.
        """
        for pause in pauses(POLLS if wait else 1):
            hits = self._api.get("/user/records", size="25").get("hits") or {}
            found = [
                str(one["id"])
                for one in hits.get("hits") or []
                if marker in str((one.get("metadata") or {}).get("identifiers"))
                and not one.get("is_published")
            ]
            if found or pause is None:
                return found
            time.sleep(pause)
        raise AssertionError("the last look returns")

    def status(self, deposition_id: int | str) -> Status:
        """Return what the server has: the draft, or what was published of it.

        Args:
            deposition_id: The id.
        """
        at = draft(deposition_id)
        found = None
        with absent():
            found = self._api.get(at)
        if found is None or found.get("is_published"):
            at, found = record(deposition_id), None
            with absent():
                found = self._api.get(at)
        if found is None:
            return Status(str(deposition_id), GONE)
        state = PUBLISHED if found.get("is_published") else DRAFT
        return zenodo_shapes.status(str(deposition_id), found, state, self._files.listed(at))

    def add_metadata(self, deposition_id: int | str, metadata: Given) -> dict[str, Any]:
        """Replace the metadata of a draft.

        Args:
            deposition_id: The id.
            metadata: What it says from now on.

        Returns:
            The draft as the server has it.

        Raises:
            StudyError: The server takes some of them not; names the file and key they come from.
        """
        path, body = draft(deposition_id), self._body(metadata)
        # A replacement without them may give the reserved DOI back.
        body["pids"] = self._api.get(path).get("pids") or {}
        answer = self._api.object(self._api.call("PUT", path, json=body))
        if errors := answer.get("errors"):
            raise complaint(self.name, reasons(errors))
        return answer

    def reserve_doi(self, deposition_id: int | str) -> str:
        """Return the DOI of a draft; it is reserved if it has none.

        Args:
            deposition_id: The id.
        """
        path = draft(deposition_id)
        found, _ = once(
            lambda: doi_of(self._api.get(path)) or None,
            lambda: doi_of(self._api.object(self._api.call("POST", f"{path}/pids/doi"))),
        )
        if not found:
            raise StudyError(f"{self.name} reserved no DOI", f"draft {deposition_id}", AGAIN)
        return found

    def upload_file(self, deposition_id: int | str, filepath: Path | str) -> StoredFile:
        """Upload a file unless the draft has it, and compare its MD5 with the server's.

        Args:
            deposition_id: The id.
            filepath: The file.

        Returns:
            The file as the server has it.

        Raises:
            StudyError: The archive takes no such file, or it did not arrive whole.
        """
        path = Path(filepath)
        refuse([path], self.name, self.limits)
        return self._files.upload(draft(deposition_id), path)

    def delete_file(self, deposition_id: int | str, name: str) -> None:
        """Delete a file of a draft, if it is there."""
        self._files.delete(draft(deposition_id), name)

    def publish(self, deposition_id: int | str) -> dict[str, Any]:
        """Publish a draft. A lost answer is not taken for a failure: the record is looked for.

        Args:
            deposition_id: The id.

        Returns:
            The record as the server has it, with its DOI as `doi`.

        Raises:
            StudyError: The draft is not complete, or the server refused or failed.
        """
        return publish(self._api, deposition_id)

    def new_version(
        self, deposition_id: int | str, metadata: Given | None = None
    ) -> dict[str, Any]:
        """Return the draft of the next version of a record; made if there is none.

        Args:
            deposition_id: Of the published version.
            metadata: What it says; that of the version before, but for the date, if not given.

        Returns:
            The draft as the server has it, without files.
        """
        path = f"{record(deposition_id)}/versions"
        # Asked again, the server returns the draft that it has.
        made, _ = once(
            lambda: None,
            lambda: self._api.object(self._api.call("POST", path, patience=SLOW)),
        )
        if metadata is not None:
            return self.add_metadata(made["id"], metadata)
        said = {**(made.get("metadata") or {}), "publication_date": today()}
        body: dict[str, Any] = {key: made.get(key) or {} for key in ("access", "files", "pids")}
        return self._api.send("PUT", draft(made.get("id")), body | {"metadata": said})

    def discard(self, deposition_id: int | str) -> None:
        """Throw a draft away, with its files; one that is gone is no failure."""
        with absent():
            self._api.call("DELETE", draft(deposition_id))

    def read_back(self, metadata: Metadata, there: Status) -> list[str]:
        """Return what the server, and what it registers at DataCite, has otherwise than sent."""
        sent = metadata.to_rdm(self._publisher)
        notes = readback.notes(readback.differences(sent, there.metadata))
        return notes + readback.registered(self._api, record(there.id), sent, there.doi)

    def plan(
        self, metadata: Metadata, files: Sequence[Path], known: Status | None, publish: bool
    ) -> list[Planned]:
        """Return the requests that change something; see `uploading.Uploader`."""
        bodies = self._body(metadata, "urn:uuid:<new>"), self._body(metadata)
        return list(zenodo_shapes.plan(*bodies, files, known, publish))

    def _body(self, metadata: Given, marker: str = "") -> dict[str, Any]:
        return zenodo_shapes.body(Metadata.of(metadata, today()), self._publisher, marker)
