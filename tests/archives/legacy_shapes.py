"""Zenodo's older shape of records, and how its metadata become InvenioRDM's and come back."""

from __future__ import annotations

from . import shapes
from .records import File, Layer, Record, Records
from .web import Row


def record(records: Records, one: Record, layer: Layer, origin: str) -> Row:
    """Return a record or draft as `Accept: application/json` gets it: no pids, parent, errors."""
    doi = layer.pids.get("doi", {}).get("identifier")
    base = f"{origin}/api/records/{one.id}"
    body: Row = {
        "created": one.created,
        "modified": layer.updated,
        "updated": layer.updated,
        "id": int(one.id),
        "recid": one.id,
        "conceptrecid": one.parent,
        "metadata": metadata(layer),
        "title": layer.metadata.get("title", ""),
        "links": {
            **shapes.links(one, layer is one.draft, origin),
            "bucket": f"{origin}/api/files/{layer.bucket}",
            "latest_draft": f"{origin}/api/deposit/depositions/{one.id}",
        },
        "revision": layer.revision,
        "files": [published_file(base, file) for file in layer.files.values() if file.completed],
        "owners": [{"id": str(one.owner)}],
        "status": "published" if layer is one.published else "draft",
        "state": state(one),
        "submitted": one.published is not None,
    }
    if doi:
        body |= {"doi": doi, "doi_url": f"https://doi.org/{doi}"}
    if one.published:
        body["conceptdoi"] = records.doi(one.parent)["identifier"]
    return body


def state(one: Record) -> str:
    """Return what a deposition is."""
    if one.published is None:
        return "unsubmitted"
    return "inprogress" if one.draft else "done"


def published_file(base: str, file: File) -> Row:
    """Return a file of a record."""
    return {
        "id": file.id,
        "key": file.key,
        "size": file.size,
        "checksum": f"md5:{file.content.md5}" if file.content else None,
        "links": {"self": f"{base}/files/{file.key}/content"},
    }


def metadata(layer: Layer) -> Row:
    """Return metadata in the older shape."""
    known = layer.metadata
    body: Row = {key: known[key] for key in SAME if known.get(key)}
    kind, _, subtype = known.get("resource_type", {}).get("id", "").partition("-")
    if kind:
        body["upload_type"] = kind
        body["resource_type"] = {"title": kind.title(), "type": kind}
    if subtype:
        body[f"{kind}_type"] = subtype
    body["creators"] = [_person(one) for one in known.get("creators", [])]
    body["access_right"] = "open" if layer.access.get("files") == "public" else "restricted"
    if known.get("rights"):
        body["license"] = known["rights"][0].get("id")
    if known.get("subjects"):
        body["keywords"] = [one.get("subject") for one in known["subjects"]]
    if known.get("languages"):
        body["language"] = known["languages"][0]["id"]
    if known.get("related_identifiers"):
        body["related_identifiers"] = [
            {
                "identifier": one["identifier"],
                "relation": one["relation_type"]["id"],
                "scheme": one["scheme"],
            }
            for one in known["related_identifiers"]
        ]
    return body


def to_rdm(sent: Row) -> Row:
    """Return what was sent in the older shape in InvenioRDM's; unknown keys are ignored."""
    body: Row = {key: sent[key] for key in SAME if sent.get(key)}
    body["publisher"] = sent.get("imprint_publisher") or "Zenodo"
    if kind := sent.get("upload_type"):
        subtype = sent.get(f"{kind}_type")
        body["resource_type"] = {"id": f"{kind}-{subtype}" if subtype else kind}
    if sent.get("creators"):
        body["creators"] = [_person_or_org(one) for one in sent["creators"]]
    if sent.get("contributors"):
        body["contributors"] = [
            {**_person_or_org(one), "role": {"id": str(one.get("type", "")).lower()}}
            for one in sent["contributors"]
        ]
    default = "cc0-1.0" if sent.get("upload_type") == "dataset" else "cc-by-4.0"
    if sent.get("access_right", "open") in ("open", "embargoed"):
        body["rights"] = [{"id": str(sent.get("license") or default).lower()}]
    if sent.get("keywords"):
        body["subjects"] = [{"subject": one} for one in sent["keywords"]]
    if sent.get("language"):
        body["languages"] = [{"id": sent["language"]}]
    if sent.get("related_identifiers"):
        body["related_identifiers"] = [
            {
                "identifier": one.get("identifier"),
                "relation_type": {"id": str(one.get("relation", "")).lower()},
                **({"scheme": one["scheme"]} if one.get("scheme") else {}),
            }
            for one in sent["related_identifiers"]
            if one.get("relation") != "isAlternateIdentifier"
        ]
    return body


SAME = ("title", "description", "publication_date", "version", "publisher")


def _person(one: Row) -> Row:
    person = one["person_or_org"]
    body: Row = {"name": person.get("name", "")}
    if one.get("affiliations"):
        body["affiliation"] = one["affiliations"][0].get("name")
    for other in person.get("identifiers", []):
        body[other["scheme"]] = other["identifier"]
    return body


def _person_or_org(one: Row) -> Row:
    name = str(one.get("name", ""))
    family, comma, given = name.partition(",")
    person: Row = {"type": "personal", "family_name": name}
    if comma and "," not in given:
        person = {"type": "personal", "family_name": family.strip(), "given_name": given.strip()}
    if one.get("orcid"):
        person["identifiers"] = [{"scheme": "orcid", "identifier": one["orcid"]}]
    affiliation = one.get("affiliation")
    return {
        "person_or_org": person,
        **({"affiliations": [{"name": affiliation}]} if affiliation else {}),
    }
