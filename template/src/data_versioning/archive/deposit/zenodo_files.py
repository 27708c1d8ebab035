"""Files of InvenioRDM's drafts: announced, sent by one request, completed, compared."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data_versioning.archive.deposit.uploading import AGAIN, Body, StoredFile, is_same
from data_versioning.archive.deposit.zenodo_shapes import SLOW, absent, complaint, file, stored
from data_versioning.errors import StudyError
from data_versioning.rest import Api, Refused, Unanswered, once, pauses


class _Broken(StudyError):
    """A file did not arrive, or not as it is; its place in the draft is free again."""


class Files:
    """The files of drafts and records.

    Args:
        api: InvenioRDM's.
    """

    def __init__(self, api: Api) -> None:
        self._api = api

    def listed(self, at: str) -> dict[str, StoredFile]:
        """Return the files of a draft or record, by name."""
        entries = self._api.get(f"{at}/files").get("entries") or []
        files = [stored(one) for one in entries if isinstance(one, Mapping)]
        return {one.name: one for one in files}

    def delete(self, at: str, name: str) -> None:
        """Delete a file of a draft, if it is there."""
        with absent():
            self._api.call("DELETE", file(at, name))

    def upload(self, at: str, path: Path) -> StoredFile:
        """Upload a file unless the draft has it, and compare size and MD5 with the server's.

        An upload that was cut has to start anew: no InvenioRDM takes the rest of a file.

        Args:
            at: The address of the draft.
            path: The file.

        Raises:
            StudyError: It did not arrive as it is, however often it was sent.
        """
        for pause in pauses():
            try:
                return self._upload(at, path)
            except (_Broken, Unanswered):
                if pause is None:
                    raise
            time.sleep(pause)
        raise AssertionError("the last try returns or raises")

    def _upload(self, at: str, path: Path) -> StoredFile:
        if (there := self._announce(at, path.name)) is not None:
            if is_same(path, there):
                return there
            self.delete(at, path.name)
            if self._announce(at, path.name) is not None:
                what = "somebody else uploads a file of the same name"
                raise StudyError(what, path.name, AGAIN)
        body = Body(path)
        try:
            self._api.call(
                "PUT",
                f"{file(at, path.name)}/content",
                careful=True,  # a cut takes the announcement with it
                patience=SLOW,
                content=body,
                headers=body.headers,
            )
            done = self._complete(at, path.name)
        except Refused as error:
            if error.status == 404 or "transfer failed" in error.what or "uploaded" in error.what:
                raise _Broken(error.what, error.where, AGAIN) from None
            raise complaint(self._api.name, error.what, error) from None
        if (done.size, done.md5) != (body.size, body.md5):
            self.delete(at, path.name)
            what = f"{self._api.name} got another file: {done.size} bytes of MD5 {done.md5}"
            raise _Broken(f"{what} instead of {body.size} of {body.md5}", str(path), AGAIN)
        return done

    def _announce(self, at: str, name: str) -> StoredFile | None:
        """Announce a file; returns the one of this name that is there already, if one is."""
        try:
            self._api.call("POST", f"{at}/files", json=[{"key": name}])
        except Refused as error:
            if "already exists" not in error.what:
                raise complaint(self._api.name, error.what, error) from None
        else:
            return None
        return self._entry(at, name) or StoredFile(name, complete=False)

    def _complete(self, at: str, name: str) -> StoredFile:
        def find() -> StoredFile | None:
            found = self._entry(at, name)
            return found if found and found.complete else None

        def make() -> StoredFile:
            answer: Any = self._api.call("POST", f"{file(at, name)}/commit", patience=SLOW)
            return stored(self._api.object(answer))

        try:
            return once(find, make, look_first=False)[0]
        except Unanswered as error:  # to send all of it again would not help
            raise StudyError(error.what, error.where, error.mend) from None

    def _entry(self, at: str, name: str) -> StoredFile | None:
        with absent():
            return stored(self._api.get(file(at, name)))
        return None
