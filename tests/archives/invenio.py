"""InvenioRDM's API of records and drafts, as Zenodo serves it (archival facts of 2026).

Where the official documents and the servers' code differ, this follows the code.
"""

from __future__ import annotations

from . import legacy_shapes, shapes
from .records import Layer, Record, Records
from .schema import checked
from .web import Answer, Request, Row, failure, invalid, route, wrong

NO_FILES = (
    "Missing uploaded files. To disable files for this record please mark it as metadata-only."
)


class Invenio:
    """The API.

    Args:
        records: What it serves.
        users: The number of the user of each token.
        zenodo: Whether it is Zenodo's, which answers other types of JSON in its legacy shape.
    """

    def __init__(self, records: Records, users: dict[str, int], zenodo: bool = True) -> None:
        self.records, self.users, self.zenodo = records, users, zenodo

    @route("GET", r"/api/records")
    def search(self, request: Request) -> Answer:
        """Find published records; what was published last is not found yet."""
        return self.hits(request, self.records.found())

    @route("GET", r"/api/user/records")
    def own(self, request: Request) -> Answer:
        """Find one's records and drafts."""
        return self.hits(request, self.records.found(self.user(request)))

    @route("POST", r"/api/records")
    def create(self, request: Request) -> Answer:
        """Make a draft; what is wrong with it does not hinder that."""
        owner, sent = self.user(request), self.sent(request)
        one = self.records.start(owner, {})
        assert one.draft
        self.fill(one.draft, sent)
        return self.told(request, 201, one, one.draft)

    @route("GET", r"/api/records/(\d+)/draft")
    def read_draft(self, request: Request, number: str) -> Answer:
        """Return a draft."""
        one, layer = self.draft(request, number)
        return self.told(request, 200, one, layer)

    @route("PUT", r"/api/records/(\d+)/draft")
    def update(self, request: Request, number: str) -> Answer:
        """Replace what a draft says."""
        one, layer = self.draft(request, number)
        expected = request.headers.get("if-match", "").strip('W/"')
        if expected and expected != str(layer.revision):
            message = f"Revision id provided({expected}) doesn't match record's one"
            raise failure(412, f"{message}({layer.revision})")
        self.fill(layer, self.sent(request))
        return self.told(request, 200, one, layer)

    @route("POST", r"/api/records/(\d+)/draft")
    def edit(self, request: Request, number: str) -> Answer:
        """Make a draft of a published record."""
        one = self.owned(request, self.published(number))
        return self.told(request, 201, one, self.records.edit(one))

    @route("DELETE", r"/api/records/(\d+)/draft")
    def discard(self, request: Request, number: str) -> Answer:
        """Throw a draft away."""
        self.records.discard(self.draft(request, number)[0])
        return Answer(204)

    @route("POST", r"/api/records/(\d+)/draft/pids/doi")
    def reserve(self, request: Request, number: str) -> Answer:
        """Reserve the DOI of a draft."""
        one, layer = self.draft(request, number)
        if layer.pids.get("doi"):
            raise invalid(wrong("pids.doi", "A PID already exists for type doi"))
        layer.pids["doi"] = self.records.doi(one.id)
        layer.touch()
        return self.told(request, 201, one, layer)

    @route("DELETE", r"/api/records/(\d+)/draft/pids/doi")
    def release(self, request: Request, number: str) -> Answer:
        """Give a reserved DOI back."""
        one, layer = self.draft(request, number)
        if one.published or not layer.pids.pop("doi", None):
            raise failure(404, "The persistent identifier does not exist.")
        layer.touch()
        return Answer(204)

    @route("POST", r"/api/records/(\d+)/draft/actions/publish")
    def publish(self, request: Request, number: str) -> Answer:
        """Publish a draft whose metadata and files are complete."""
        one, layer = self.draft(request, number)
        errors = checked(layer.metadata)[1]
        if layer.enabled and not layer.files:
            errors.append(wrong("files.enabled", NO_FILES))
        if not all(file.completed for file in layer.files.values()):
            waiting = "One or more files have not completed their transfer, please wait."
            errors.append(wrong("files", waiting))
        if not layer.metadata.get("publisher"):
            missing = "Missing publisher field required for DOI registration."
            errors.append(wrong("metadata.publisher", missing))
        if errors:
            raise invalid(*errors)
        told = dict(layer.pids)
        self.records.publish(one)
        answer = self.told(request, 202, one, layer)
        if "pids" in answer.body:  # a DOI that was not reserved shows later only
            answer.body["pids"] = told
        return answer

    @route("POST", r"/api/records/(\d+)/versions")
    def new_version(self, request: Request, number: str) -> Answer:
        """Return the draft of the next version, made if there is none."""
        one = self.records.start_next(self.owned(request, self.published(number)))
        assert one.draft
        return self.told(request, 201, one, one.draft)

    @route("GET", r"/api/records/(\d+)/versions")
    def versions(self, request: Request, number: str) -> Answer:
        """List the published versions."""
        one = self.published(number)
        return self.hits(request, self.records.versions(one.parent, published=True)[::-1])

    @route("GET", r"/api/records/(\d+)/versions/latest")
    def latest(self, request: Request, number: str) -> Answer:
        """Lead to the newest version."""
        newest = self.records.versions(self.published(number).parent, published=True)[-1]
        where = f"{request.origin}/api/records/{newest.id}"
        raise failure(301, "Moved Permanently.", Location=where)

    @route("GET", r"/api/records/(\d+)")
    def read(self, request: Request, number: str) -> Answer:
        """Return what was published."""
        one = self.published(number)
        if one.moved_to:
            where = f"{request.origin}/api/records/{one.moved_to}"
            raise failure(301, "Moved Permanently.", Location=where)
        if one.deleted:
            tombstone = {"removal_reason": {"id": "spam"}, "is_visible": True}
            raise Answer(410, {"status": 410, "message": "Record deleted", "tombstone": tombstone})
        assert one.published
        return self.told(request, 200, one, one.published)

    def fill(self, layer: Layer, sent: Row) -> None:
        """Take what was sent for a draft, and note what is wrong with it."""
        layer.metadata, layer.errors = checked(sent.get("metadata") or {})
        layer.access = sent.get("access") or layer.access
        layer.custom_fields = sent.get("custom_fields") or {}
        enabled = sent.get("files", {}).get("enabled", layer.enabled)
        if enabled or not layer.files:
            layer.enabled = enabled
        if "pids" in sent or self.records.drops_pids:
            layer.pids = {} if not sent.get("pids") else dict(sent["pids"])
        doi = layer.pids.get("doi", {})
        if doi.get("provider") == "datacite" and doi.get("identifier"):
            prefix = doi["identifier"].partition("/")[0]
            if prefix != self.records.prefix:
                text = f"Wrong DOI {prefix} prefix provided, it should be {self.records.prefix}"
                layer.errors.append(wrong("pids.doi", text))
        layer.touch()

    def told(self, request: Request, status: int, one: Record, layer: Layer) -> Answer:
        """Return a record in the type of JSON that the client accepts."""
        accepted = request.headers.get("accept", "*/*")
        headers = {"ETag": f'"{layer.revision}"'}
        if shapes.DATACITE in accepted and layer is one.published:
            headers["Content-Type"] = shapes.DATACITE
            return Answer(status, shapes.datacite(self.records, one, layer), headers)
        if shapes.RDM in accepted or not self.zenodo:
            headers["Content-Type"] = shapes.RDM if self.zenodo else "application/json"
            return Answer(status, shapes.record(self.records, one, layer, request.origin), headers)
        if not any(kind in accepted for kind in ("application/json", "*/*", "application/*")):
            raise failure(406, "Not Acceptable")
        body = legacy_shapes.record(self.records, one, layer, request.origin)
        return Answer(status, body, headers)

    def hits(self, request: Request, found: list[Record]) -> Answer:
        """Return a page of what was found."""
        size, number = int(request.query.get("size", 25)), int(request.query.get("page", 1))
        shown = found[(number - 1) * size : number * size]
        rows = [self.told(request, 200, one, one.published or one.shown).body for one in shown]
        return Answer(200, {"hits": {"hits": rows, "total": len(found)}, "aggregations": {}})

    def sent(self, request: Request) -> Row:
        """Return the object that was sent; nothing is an empty one."""
        sent = request.json() or {}
        if not isinstance(sent, dict):
            raise failure(400, "Unable to decode JSON data in request body.")
        return sent

    def user(self, request: Request) -> int:
        """Return who asks, which has to be somebody."""
        if request.token is None:
            raise failure(403, "Permission denied.")
        return self.users[request.token]

    def owned(self, request: Request, one: Record) -> Record:
        """Return a record of the one who asks."""
        if one.owner != self.user(request):
            raise failure(403, "Permission denied.")
        return one

    def draft(self, request: Request, number: str) -> tuple[Record, Layer]:
        """Return a draft of the one who asks."""
        one = self.records.all.get(number)
        if one is None:
            raise failure(404, "The persistent identifier does not exist.")
        if one.draft is None:
            raise failure(404, "Not found.")
        return self.owned(request, one), one.draft

    def published(self, number: str) -> Record:
        """Return a record that was published."""
        one = self.records.all.get(number)
        if one is None:
            raise failure(404, "The persistent identifier does not exist.")
        if one.published is None:
            raise failure(404, "The persistent identifier is not registered.")
        return one
