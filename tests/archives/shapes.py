"""How records look outside: as InvenioRDM's JSON, and as DataCite's."""

from __future__ import annotations

import time
from urllib.parse import quote

from .records import File, Layer, Record, Records
from .web import Row

RDM = "application/vnd.inveniordm.v1+json"
DATACITE = "application/vnd.datacite.datacite+json"


def record(records: Records, one: Record, layer: Layer, origin: str) -> Row:
    """Return a record or draft as InvenioRDM has it."""
    is_draft = layer is one.draft
    versions = records.versions(one.parent)
    published = [other for other in versions if other.published]
    status = "published" if not is_draft else "draft"
    if is_draft:
        status = "new_version_draft" if one.index > 1 and not one.published else status
    parent: Row = {"id": one.parent, "access": {"owned_by": {"user": str(one.owner)}}}
    parent |= {"communities": {}, "pids": {}}
    if published:
        parent["pids"] = {"doi": records.doi(one.parent)}
    body: Row = {
        "id": one.id,
        "created": one.created,
        "updated": layer.updated,
        "revision_id": layer.revision,
        "is_draft": is_draft,
        "is_published": one.published is not None,
        "status": status,
        "metadata": layer.metadata,
        "custom_fields": layer.custom_fields,
        "access": {**layer.access, "embargo": {"active": False, "reason": None}, "status": "open"},
        "pids": layer.pids,
        "parent": parent,
        "files": {"enabled": layer.enabled, "order": [], **_totals(layer)},
        "media_files": {"enabled": False, "order": []},
        "versions": {
            "index": one.index,
            "is_latest": bool(published) and published[-1] is one,
            "is_latest_draft": versions[-1] is one,
        },
        "links": links(one, is_draft, origin),
    }
    if is_draft:
        month = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 30 * 86_400))
        body["expires_at"] = f"{month} 00:00:00.000000"
    if layer.errors and is_draft:
        body["errors"] = layer.errors
    return body


def links(one: Record, is_draft: bool, origin: str) -> Row:
    """Return the addresses of a record."""
    base = f"{origin}/api/records/{one.id}"
    own = f"{base}/draft" if is_draft else base
    page = f"{origin}/uploads/{one.id}" if is_draft else f"{origin}/records/{one.id}"
    return {
        "self": own,
        "self_html": page,
        "files": f"{own}/files",
        "archive": f"{own}/files-archive",
        "record": base,
        "record_html": f"{origin}/records/{one.id}",
        "draft": f"{base}/draft",
        "publish": f"{base}/draft/actions/publish",
        "review": f"{base}/draft/review",
        "versions": f"{base}/versions",
        "latest": f"{base}/versions/latest",
        "access_links": f"{base}/access/links",
        "reserve_doi": f"{base}/draft/pids/doi",
        "communities": f"{base}/communities",
        "requests": f"{base}/requests",
    }


def listing(one: Record, layer: Layer, origin: str) -> Row:
    """Return the files of a record or draft."""
    base = _base(one, layer, origin)
    return {
        "enabled": layer.enabled,
        "default_preview": None,
        "order": [],
        **_totals(layer),
        "entries": [entry(one, layer, file, origin) for file in layer.files.values()],
        "links": {"self": f"{base}/files", "archive": f"{base}/files-archive"},
    }


def entry(one: Record, layer: Layer, file: File, origin: str) -> Row:
    """Return a file; its sum and size once it is committed."""
    own = f"{_base(one, layer, origin)}/files/{quote(file.key)}"
    body: Row = {
        "key": file.key,
        "created": file.created,
        "updated": file.updated,
        "metadata": None,
        "access": {"hidden": False},
        "transfer": {"type": "L"},
        "status": "completed" if file.completed else "pending",
        "links": {"self": own, "content": f"{own}/content", "commit": f"{own}/commit"},
    }
    if file.completed and file.content:
        body |= {
            "checksum": f"md5:{file.content.md5}",
            "size": file.size,
            "mimetype": file.mimetype,
            "file_id": file.id,
            "version_id": file.version,
            "bucket_id": layer.bucket,
            "storage_class": "L",
        }
    return body


def datacite(records: Records, one: Record, layer: Layer) -> Row:
    """Return a record as DataCite's schema 4.5 has it."""
    doi = records.doi(one.id)["identifier"]
    known = layer.metadata
    concept = records.doi(one.parent)["identifier"]
    related = [
        {
            "relatedIdentifier": other["identifier"],
            "relatedIdentifierType": str(other["scheme"]).upper(),
            "relationType": other["relation_type"]["id"],
        }
        for other in known.get("related_identifiers", [])
    ]
    related.append(
        {
            "relatedIdentifier": concept,
            "relatedIdentifierType": "DOI",
            "relationType": "IsVersionOf",
        }
    )
    body: Row = {
        "identifiers": [{"identifier": f"oai:zenodo.org:{one.id}", "identifierType": "oai"}],
        "doi": doi,
        "titles": [{"title": known.get("title", "")}],
        "creators": [_datacite_creator(other) for other in known.get("creators", [])],
        "publisher": known.get("publisher", ""),
        "publicationYear": known.get("publication_date", "")[:4],
        "dates": [{"date": known.get("publication_date", ""), "dateType": "Issued"}],
        "types": {"resourceTypeGeneral": known.get("resource_type", {}).get("id", "").title()},
        "subjects": [{"subject": other.get("subject")} for other in known.get("subjects", [])],
        "rightsList": [{"rightsIdentifier": other.get("id")} for other in known.get("rights", [])],
        "descriptions": [{"description": known.get("description", "")}],
        "relatedIdentifiers": related,
        "schemaVersion": "http://datacite.org/schema/kernel-4",
    }
    return body | ({"version": known["version"]} if known.get("version") else {})


def _datacite_creator(one: Row) -> Row:
    person = one["person_or_org"]
    identifiers = [
        {"nameIdentifier": other["identifier"], "nameIdentifierScheme": other["scheme"].upper()}
        for other in person.get("identifiers", [])
    ]
    return {
        "name": person.get("name", ""),
        "nameType": person["type"].title(),
        "nameIdentifiers": identifiers,
        "affiliation": [{"name": other.get("name")} for other in one.get("affiliations", [])],
    }


def _base(one: Record, layer: Layer, origin: str) -> str:
    return f"{origin}/api/records/{one.id}{'/draft' if layer is one.draft else ''}"


def _totals(layer: Layer) -> Row:
    sizes = [file.size for file in layer.files.values() if file.completed]
    return {"count": len(sizes), "total_bytes": sum(sizes)}
