"""Zenodo's legacy API of depositions, which is a layer over the same records (facts of 2026).

Where developers.zenodo.org and the server's code differ, this follows the code.
"""

from __future__ import annotations

import time
from typing import Any

from . import legacy_shapes
from .invenio import NO_FILES, Invenio
from .legacy_files import in_deposition
from .records import Layer, Record
from .schema import checked
from .web import Answer, Request, Row, failure, invalid, route, wrong

BASE = r"/api/deposit/depositions"
LISTS = ("creators", "contributors", "related_identifiers", "keywords", "communities", "grants")


class Legacy:
    """The API.

    Args:
        invenio: That of the records.
    """

    def __init__(self, invenio: Invenio) -> None:
        self.invenio, self.records = invenio, invenio.records

    @route("GET", BASE)
    def search(self, request: Request) -> Answer:
        """List one's depositions; what was made last is not found yet."""
        found = self.records.found(self.invenio.user(request))
        size, page = int(request.query.get("size", 10)), int(request.query.get("page", 1))
        shown = found[(page - 1) * size : page * size]
        return Answer(200, [self.shape(request, one) for one in shown])

    @route("POST", BASE)
    def create(self, request: Request) -> Answer:
        """Make a deposition."""
        owner = self.invenio.user(request)
        sent = self.sent(request)
        one = self.records.start(owner, {})
        if "metadata" in sent:
            self.fill(one, sent["metadata"])
        return Answer(201, self.shape(request, one))

    @route("GET", BASE + r"/(\d+)")
    def read(self, request: Request, number: str) -> Answer:
        """Return a deposition."""
        return Answer(200, self.shape(request, self.own(request, number)))

    @route("PUT", BASE + r"/(\d+)")
    def update(self, request: Request, number: str) -> Answer:
        """Replace the metadata; errors other than of their shape are not told."""
        one, _ = self.invenio.draft(request, number)
        sent = self.sent(request)
        if "metadata" not in sent:
            raise invalid(wrong("metadata", "Missing data for required field."))
        self.fill(one, sent["metadata"])
        return Answer(200, self.shape(request, one))

    @route("DELETE", BASE + r"/(\d+)")
    def delete(self, request: Request, number: str) -> Answer:
        """Delete a deposition that was not published."""
        self.records.discard(self.invenio.draft(request, number)[0])
        return Answer(204)

    @route("POST", BASE + r"/(\d+)/actions/publish")
    def publish(self, request: Request, number: str) -> Answer:
        """Publish it."""
        one, layer = self.invenio.draft(request, number)
        errors = checked(layer.metadata)[1]
        if not layer.files:
            errors.append(wrong("files.enabled", NO_FILES))
        errors += self.wrong_doi(layer)
        if errors:
            raise invalid(*errors)
        self.records.publish(one)
        return Answer(202, self.shape(request, one))

    @route("POST", BASE + r"/(\d+)/actions/edit")
    def edit(self, request: Request, number: str) -> Answer:
        """Open the metadata of a published one."""
        one = self.invenio.owned(request, self.invenio.published(number))
        self.records.edit(one)
        return Answer(201, self.shape(request, one))

    @route("POST", BASE + r"/(\d+)/actions/discard")
    def discard(self, request: Request, number: str) -> Answer:
        """Throw changes away."""
        self.records.discard(self.invenio.draft(request, number)[0])
        return Answer(204)

    @route("POST", BASE + r"/(\d+)/actions/newversion")
    def new_version(self, request: Request, number: str) -> Answer:
        """Make the draft of the next version, with the files; a second call is refused."""
        one = self.invenio.owned(request, self.invenio.published(number))
        following = self.records.start_next(one)
        draft = following.draft
        assert draft
        if draft.files:
            raise invalid(wrong("files.enabled", "Please remove all files first."))
        newest = self.records.versions(one.parent, published=True)[-1].published
        assert newest
        draft.files.update(newest.files)
        return Answer(201, self.shape(request, following))

    def sent(self, request: Request) -> Row:
        """Return the object that was sent, whose keys have to be known."""
        sent = request.json() or {}
        if not isinstance(sent, dict):
            raise failure(400, "Unable to decode JSON data in request body.")
        unknown = [wrong(key, "Unknown field.") for key in sent if key not in ("metadata", "files")]
        if unknown:
            raise invalid(*unknown)
        return sent

    def fill(self, one: Record, sent: Any) -> None:
        """Take metadata; refuse those of the wrong shape."""
        if not isinstance(sent, dict):
            raise invalid(wrong("metadata", "Invalid input type."))
        errors = [error for key in LISTS if key in sent for error in _shape_errors(key, sent[key])]
        if errors:
            raise invalid(*errors)
        layer = one.draft
        assert layer
        known = dict(sent)
        known.setdefault("publication_date", time.strftime("%Y-%m-%d", time.gmtime()))
        layer.metadata, layer.errors = checked(legacy_shapes.to_rdm(known))
        if known.get("doi"):
            layer.pids["doi"] = {"identifier": known["doi"], "provider": "external"}
        if known.get("access_right", "open") != "open":
            layer.access = {"record": "public", "files": "restricted"}
        layer.touch()

    def wrong_doi(self, layer: Layer) -> list[Row]:
        """Return what is wrong with a DOI that was sent: another prefix of the archive's own."""
        doi = layer.pids.get("doi", {}).get("identifier", "")
        prefix, own = doi.partition("/")[0], self.records.prefix
        if prefix in ("10.5281", "10.5072") and prefix != own:
            text = f"Wrong DOI {prefix} prefix provided, it should be {own}"
            return [wrong("pids.doi", text)]
        return []

    def own(self, request: Request, number: str) -> Record:
        """Return a deposition of the one who asks."""
        one = self.records.all.get(number)
        if one is None:
            raise failure(404, "The persistent identifier does not exist.")
        return self.invenio.owned(request, one)

    def shape(self, request: Request, one: Record) -> Row:
        """Return a deposition; before it is published it has no `doi`."""
        layer, origin = one.shown, request.origin
        base = f"{origin}/api/deposit/depositions/{one.id}"
        known = legacy_shapes.metadata(layer)
        # Not the archive's own prefix where that is another.
        known["prereserve_doi"] = {"doi": f"10.5281/zenodo.{one.id}", "recid": int(one.id)}
        links = {key: f"{base}/actions/{key}" for key in ("publish", "edit", "discard")}
        newest = self.records.versions(one.parent)[-1]
        latest = f"{origin}/api/deposit/depositions/{newest.id}"
        body: Row = {
            "created": one.created,
            "modified": layer.updated,
            "id": int(one.id),
            "record_id": int(one.id),
            "conceptrecid": one.parent,
            "owner": one.owner,
            "metadata": known,
            "title": layer.metadata.get("title", ""),
            "state": legacy_shapes.state(one),
            "submitted": one.published is not None,
            "files": [in_deposition(base, file) for file in layer.files.values() if file.completed],
            "links": {
                "self": base,
                "html": f"{origin}/deposit/{one.id}",
                "files": f"{base}/files",
                "bucket": f"{origin}/api/files/{layer.bucket}",
                "newversion": f"{base}/actions/newversion",
                "latest_draft": latest,
                "latest_draft_html": f"{origin}/deposit/{newest.id}",
                **links,
            },
        }
        if one.published:
            doi = one.published.pids["doi"]["identifier"]
            body |= {
                "doi": doi,
                "doi_url": f"https://doi.org/{doi}",
                "conceptdoi": self.records.doi(one.parent)["identifier"],
                "record_url": f"{origin}/records/{one.id}",
            }
            body["links"]["record"] = f"{origin}/api/records/{one.id}"
        return body


def _shape_errors(key: str, value: Any) -> list[Row]:
    at = f"metadata.{key}"
    if not isinstance(value, list):
        return [wrong(at, "Not a valid list.")]
    errors = []
    for number, one in enumerate(value):
        fits = isinstance(one, str if key == "keywords" else dict)
        if not fits:
            errors.append(wrong(f"{at}.{number}", "Invalid input type."))
        elif key == "related_identifiers" and not isinstance(one.get("relation"), str):
            errors.append(wrong(f"{at}.{number}.relation", "Not a valid string."))
        elif key == "communities" and "identifier" not in one:
            errors.append(wrong(f"{at}.{number}.identifier", "Missing data for required field."))
    return errors
