"""The files of Zenodo's legacy API: buckets, and forms of up to 100 MB."""

from __future__ import annotations

import io
import re
import unicodedata
from urllib.parse import quote

from .faults import page
from .invenio import Invenio
from .invenio_files import TRANSFER_FAILED
from .records import MOST_FILES, Content, File, Layer, Record, now
from .web import Answer, Body, Broken, Request, Row, failure, invalid, route, wrong

BASE = r"/api/deposit/depositions/(\d+)/files"
LARGEST_FORM = 100 * 2**20  # bytes; the proxy takes no more


class LegacyFiles:
    """The API of files.

    Args:
        invenio: That of the records.
    """

    def __init__(self, invenio: Invenio) -> None:
        self.invenio, self.records = invenio, invenio.records

    @route("PUT", r"/api/files/([^/]+)/([^/]+)", streams=True)
    def upload(self, request: Request, bucket: str, key: str) -> Answer:
        """Take a file; one of the name is replaced."""
        with self.records.lock:
            layer = self.layer(request, bucket)
            if layer.locked:
                raise failure(403, "Bucket is locked for modifications.")
            size = request.body.length or 0
            problem = self.records.room(layer, key, size)
            if request.full or problem:
                raise failure(400, problem or "Bucket quota exceeded.")
            if key not in layer.files and len(layer.files) >= MOST_FILES:
                raise failure(400, "Bucket has too many files.")
        try:
            content = Content.of(request.body)
        except Broken:
            raise failure(400, TRANSFER_FAILED) from None
        if not content.size:
            raise failure(400, "Empty files are not accepted.")
        with self.records.lock:
            file = File(key, content=content, completed=True)
            layer.files[key] = file
            return Answer(201, in_bucket(f"{request.origin}/api/files/{bucket}", file))

    @route("GET", r"/api/files/([^/]+)")
    def contents(self, request: Request, bucket: str) -> Answer:
        """List a bucket."""
        layer = self.layer(request, bucket)
        base = f"{request.origin}/api/files/{bucket}"
        files = [in_bucket(base, file) for file in layer.files.values() if file.completed]
        return Answer(200, {"id": bucket, "contents": files, "locked": layer.locked})

    @route("GET", r"/api/files/([^/]+)/([^/]+)")
    def download(self, request: Request, bucket: str, key: str) -> Answer:
        """Return the bytes of a file."""
        layer = self.layer(request, bucket)
        file = layer.files.get(key)
        if file is None or file.content is None or file.content.data is None:
            raise failure(404, "Object does not exists.")
        return Answer(200, file.content.data, {"Content-Type": "application/octet-stream"})

    @route("DELETE", r"/api/files/([^/]+)/([^/]+)")
    def delete(self, request: Request, bucket: str, key: str) -> Answer:
        """Delete a file."""
        layer = self.layer(request, bucket)
        if layer.locked:
            raise failure(403, "Bucket is locked for modifications.")
        if layer.files.pop(key, None) is None:
            raise failure(404, "Object does not exists.")
        return Answer(204)

    @route("GET", BASE)
    def listing(self, request: Request, number: str) -> Answer:
        """List the files of a deposition."""
        one = self.invenio.owned(request, self.known(number))
        base = f"{request.origin}/api/deposit/depositions/{number}"
        files = [file for file in one.shown.files.values() if file.completed]
        return Answer(200, [in_deposition(base, file) for file in files])

    @route("POST", BASE, streams=True)
    def post(self, request: Request, number: str) -> Answer:
        """Take a form with a file, whose name is made a safe one."""
        with self.records.lock:
            _, layer = self.invenio.draft(request, number)
            if layer.locked:
                raise failure(404, "The persistent identifier does not exist.")
        if (request.body.length or 0) > LARGEST_FORM:
            raise Answer(413, page(413, "Request Entity Too Large"))
        key, content = _form(request)
        with self.records.lock:
            problem = self.records.room(layer, key, content.size)
            if problem or request.full:
                raise failure(400, problem or "Bucket quota exceeded.")
            if key in layer.files:
                raise failure(400, "Filename already exists.")
            layer.files[key] = File(key, content=content, completed=True)
            base = f"{request.origin}/api/deposit/depositions/{number}"
            return Answer(201, in_deposition(base, layer.files[key]))

    @route("DELETE", BASE + r"/([^/]+)")
    def remove(self, request: Request, number: str, file_id: str) -> Answer:
        """Delete a file of a deposition by its id."""
        one = self.invenio.owned(request, self.known(number))
        if one.draft is None or one.draft.locked:
            raise failure(403, "Permission denied.")
        for key, file in one.draft.files.items():
            if file.id == file_id:
                del one.draft.files[key]
                return Answer(204)
        raise failure(404, "The file does not exist.")

    @route("GET", BASE + r"/([^/]+)")
    def read(self, request: Request, number: str, file_id: str) -> Answer:
        """Return what is known of a file of a deposition."""
        one = self.invenio.owned(request, self.known(number))
        base = f"{request.origin}/api/deposit/depositions/{number}"
        for file in one.shown.files.values():
            if file.id == file_id:
                return Answer(200, in_deposition(base, file))
        raise failure(404, "The file does not exist.")

    def known(self, number: str) -> Record:
        """Return a record by its number."""
        if number not in self.records.all:
            raise failure(404, "The persistent identifier does not exist.")
        return self.records.all[number]

    def layer(self, request: Request, bucket: str) -> Layer:
        """Return the draft, or what was published, whose files are in a bucket."""
        for one in self.records.all.values():
            for layer in (one.draft, one.published):
                if layer and layer.bucket == bucket:
                    self.invenio.owned(request, one)
                    return layer
        self.invenio.user(request)
        raise failure(404, "Bucket does not exist.")


def in_bucket(base: str, file: File) -> Row:
    """Return a file as its bucket has it."""
    own = f"{base}/{quote(file.key)}"
    return {
        "key": file.key,
        "size": file.size,
        "mimetype": file.mimetype,
        "checksum": f"md5:{file.content.md5}" if file.content else None,
        "version_id": file.version,
        "created": file.created,
        "updated": now(),
        "is_head": True,
        "delete_marker": False,
        "links": {
            "self": own,
            "version": f"{own}?versionId={file.version}",
            "uploads": f"{own}?uploads",
        },
    }


def in_deposition(base: str, file: File) -> Row:
    """Return a file as its deposition has it: the sum has no prefix."""
    return {
        "id": file.id,
        "filename": file.key,
        "filesize": file.size,
        "checksum": file.content.md5 if file.content else None,
        "links": {
            "self": f"{base}/files/{file.id}",
            "download": f"{base.replace('/deposit/depositions/', '/records/')}/draft/files/"
            f"{quote(file.key)}/content",
        },
    }


def _form(request: Request) -> tuple[str, Content]:
    """Return the name and the bytes of a form with a file."""
    boundary = re.search(r'boundary="?([^";]+)', request.headers.get("content-type", ""))
    try:
        form = request.body.read()
    except Broken:
        raise failure(400, TRANSFER_FAILED) from None
    name, sent, data = "", "", None
    for part in form.split(b"--" + boundary[1].encode()) if boundary else []:
        head, _, content = part.partition(b"\r\n\r\n")
        said = head.decode("utf-8", "replace")
        field = re.search(r'\bname="([^"]*)"', said)
        if field and field[1] == "name":
            name = content[:-2].decode("utf-8", "replace")
        if field and field[1] == "file":
            file_name = re.search(r'filename="([^"]*)"', said)
            sent, data = file_name[1] if file_name else "", content[:-2]
    if data is None:
        raise invalid(wrong("file", "Missing data for required field."))
    key = _safe(name or sent)
    if not key or not data:
        raise failure(400, "Empty files are not accepted." if key else "Invalid file name.")
    return key, Content.of(Body(io.BytesIO(data), len(data)))


def _safe(name: str) -> str:
    """Return a name as werkzeug's `secure_filename` changes it."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    joined = "_".join(plain.replace("/", " ").split())
    return re.sub(r"[^A-Za-z0-9_.-]", "", joined).strip("._")
