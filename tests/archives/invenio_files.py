"""The files of InvenioRDM's records: announced, uploaded by one request each, committed."""

from __future__ import annotations

from . import shapes
from .invenio import Invenio
from .records import LONGEST_NAME, MOST_FILES, Content, File, Layer, Record, now
from .web import Answer, Broken, Request, Row, failure, invalid, route, unreadable, wrong

TRANSFER_FAILED = "The file upload transfer failed, please try again."
TOO_MANY = "Uploading selected files will result in exceeding the max amount per record."


class InvenioFiles:
    """The API of files.

    Args:
        api: That of the records.
    """

    def __init__(self, api: Invenio) -> None:
        self.api, self.records = api, api.records

    @route("GET", r"/api/records/(\d+)/draft/files")
    def list_draft(self, request: Request, number: str) -> Answer:
        """List the files of a draft."""
        one, layer = self.api.draft(request, number)
        return Answer(200, shapes.listing(one, layer, request.origin))

    @route("POST", r"/api/records/(\d+)/draft/files")
    def announce(self, request: Request, number: str) -> Answer:
        """Announce files; one batch may name many."""
        one, layer = self.unlocked(request, number)
        sent = request.json()
        if not isinstance(sent, list) or not all(isinstance(row, dict) for row in sent):
            raise unreadable()
        if not sent:
            raise failure(400, "No files to upload.")
        for place, row in enumerate(sent):
            self.check_name(layer, place, row)
        if len(layer.files) + len(sent) > MOST_FILES:
            raise failure(400, TOO_MANY)
        for row in sent:
            layer.files[row["key"]] = File(row["key"], row.get("size"))
        return Answer(201, shapes.listing(one, layer, request.origin))

    @route("PUT", r"/api/records/(\d+)/draft/files/(.+)/content", streams=True)
    def upload(self, request: Request, number: str, key: str) -> Answer:
        """Take the bytes of a file; what breaks takes the announcement with it."""
        with self.records.lock:
            one, layer = self.unlocked(request, number)
            file = self.file(one, layer, key)
            if file.completed:
                raise self.broken(layer, key)
            size = request.body.length or 0
            problem = self.records.room(layer, key, size)
            if request.full:
                problem = "Bucket quota exceeded."
            if problem:
                raise failure(400, problem)
            if file.expected is not None and size != file.expected:
                word = "smaller" if size < file.expected else "bigger"
                raise failure(400, f"File is {word} than expected.")
        try:
            content = Content.of(request.body)
        except Broken:
            with self.records.lock:
                raise self.broken(layer, key) from None
        with self.records.lock:
            file.content, file.updated = content, now()
            return Answer(200, shapes.entry(one, layer, file, request.origin))

    @route("POST", r"/api/records/(\d+)/draft/files/(.+)/commit")
    def commit(self, request: Request, number: str, key: str) -> Answer:
        """Complete a file that came."""
        one, layer = self.unlocked(request, number)
        file = self.file(one, layer, key)
        if file.content is None:
            raise failure(400, f"File with key {key} not uploaded yet.")
        if not file.content.size:
            raise failure(400, "Empty files are not accepted.")
        file.completed, file.updated = True, now()
        return Answer(200, shapes.entry(one, layer, file, request.origin))

    @route("GET", r"/api/records/(\d+)/draft/files/(.+)/content")
    def download_draft(self, request: Request, number: str, key: str) -> Answer:
        """Return the bytes of a draft's file."""
        one, layer = self.api.draft(request, number)
        return _bytes(self.file(one, layer, key))

    @route("GET", r"/api/records/(\d+)/draft/files/((?:(?!/content$|/commit$).)+)")
    def read_draft(self, request: Request, number: str, key: str) -> Answer:
        """Return what is known of a draft's file."""
        one, layer = self.api.draft(request, number)
        return Answer(200, shapes.entry(one, layer, self.file(one, layer, key), request.origin))

    @route("DELETE", r"/api/records/(\d+)/draft/files/(.+)")
    def delete(self, request: Request, number: str, key: str) -> Answer:
        """Delete a file of a draft."""
        one, layer = self.unlocked(request, number)
        del layer.files[self.file(one, layer, key).key]
        return Answer(204)

    @route("POST", r"/api/records/(\d+)/draft/actions/files-import")
    def take_over(self, request: Request, number: str) -> Answer:
        """Take the files of the version before."""
        one, layer = self.unlocked(request, number)
        if layer.files:
            raise failure(400, "Please remove all files first.")
        before = self.records.versions(one.parent, published=True)
        if not before:
            raise failure(404, "The persistent identifier does not exist.")
        assert before[-1].published
        layer.files.update(before[-1].published.files)
        return Answer(201, shapes.listing(one, layer, request.origin))

    @route("GET", r"/api/records/(\d+)/files")
    def list_published(self, request: Request, number: str) -> Answer:
        """List the files of a published record."""
        one = self.api.published(number)
        assert one.published
        return Answer(200, shapes.listing(one, one.published, request.origin))

    @route("GET", r"/api/records/(\d+)/files/(.+)/content")
    def download(self, request: Request, number: str, key: str) -> Answer:
        """Return the bytes of a published file."""
        one = self.api.published(number)
        assert one.published
        return _bytes(self.file(one, one.published, key))

    @route("GET", r"/api/records/(\d+)/files/((?:(?!/content$).)+)")
    def read_published(self, request: Request, number: str, key: str) -> Answer:
        """Return what is known of a published file."""
        one = self.api.published(number)
        assert one.published
        file = self.file(one, one.published, key)
        return Answer(200, shapes.entry(one, one.published, file, request.origin))

    def unlocked(self, request: Request, number: str) -> tuple[Record, Layer]:
        """Return a draft whose files may change."""
        one, layer = self.api.draft(request, number)
        if layer.locked:
            raise failure(403, "Bucket is locked for modifications.")
        return one, layer

    def file(self, one: Record, layer: Layer, key: str) -> File:
        """Return a file by its name."""
        if key not in layer.files:
            raise failure(404, f"Record '{one.id}' has no file '{key}'.")
        return layer.files[key]

    def broken(self, layer: Layer, key: str) -> Answer:
        """Remove a file whose transfer failed, and return the refusal."""
        layer.files.pop(key, None)
        return failure(400, TRANSFER_FAILED)

    def check_name(self, layer: Layer, place: int, row: Row) -> None:
        """Refuse a name that is missing, too long, or taken."""
        key = row.get("key")
        if not isinstance(key, str) or not key:
            raise invalid(wrong(f"{place}.key", "Missing data for required field."))
        if len(key) > LONGEST_NAME:
            raise failure(400, "Filename is too long.")
        if key in layer.files:
            raise failure(400, f"File with key {key} already exists.")


def _bytes(file: File) -> Answer:
    if file.content is None or file.content.data is None:
        raise failure(404, f"This double keeps no content of {file.key}.")
    disposition = f"attachment; filename={file.key.encode('ascii', 'replace').decode()}"
    headers = {"Content-Type": "application/octet-stream", "Content-Disposition": disposition}
    return Answer(200, file.content.data, headers)
