"""The double of the archives behaves as the servers' code does."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests import archives
from tests.archives import TOKEN, Archives, Fault
from tests.conftest import ROOT

RDM = "application/vnd.inveniordm.v1+json"
METADATA = {
    "resource_type": {"id": "dataset"},
    "creators": [{"person_or_org": {"type": "personal", "family_name": "Lovelace"}}],
    "title": "People",
    "publication_date": "2026-11-28",
    "publisher": "Zenodo",
}
MD5 = hashlib.md5(b"people").hexdigest()


@pytest.fixture
def double() -> Iterator[Archives]:
    """A double."""
    with archives.running() as double:
        yield double


@pytest.fixture
def client(double: Archives) -> Iterator[httpx.Client]:
    """A client with a token."""
    headers = {"Authorization": f"Bearer {TOKEN}", "Accept": RDM}
    with httpx.Client(base_url=double.url, headers=headers) as client:
        yield client


def start(client: httpx.Client, metadata: dict[str, Any] = METADATA) -> str:
    """Make a draft and return where it is."""
    made = client.post("/api/records", json={"metadata": metadata})
    assert made.status_code == 201, made.text
    return f"/api/records/{made.json()['id']}"


def put(client: httpx.Client, at: str, key: str = "a.zip", content: bytes = b"people") -> Any:
    """Announce, upload and commit a file, and return the last answer."""
    assert client.post(f"{at}/draft/files", json=[{"key": key}]).status_code == 201
    sent = client.put(f"{at}/draft/files/{key}/content", content=content)
    if sent.status_code != 200:
        return sent
    assert sent.json()["status"] == "pending" and "checksum" not in sent.json()
    return client.post(f"{at}/draft/files/{key}/commit")


def said(answer: httpx.Response, status: int) -> Any:
    """Return the message, or the first error, of a refusal."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body["status"] == status
    return body["errors"][0] if "errors" in body else body["message"]


def test_a_record_from_draft_to_next_version(client: httpx.Client, double: Archives) -> None:
    """Also: what is wrong with a draft stands in a 2xx, and hinders publishing only."""
    at = start(client, {"title": "ab", "creators": [{"person_or_org": {"type": "personal"}}]})
    draft = client.get(f"{at}/draft")
    errors = {one["field"]: one["messages"] for one in draft.json()["errors"]}
    assert errors["metadata.title"] == ["Shorter than minimum length 3."]
    assert errors["metadata.resource_type"] == ["Missing data for required field."]
    assert "metadata.creators.0.person_or_org.family_name" in errors
    assert draft.json()["pids"] == {}
    fields = client.post(f"{at}/draft/actions/publish").json()["errors"]
    assert {"metadata.resource_type", "files.enabled"} <= {one["field"] for one in fields}
    changed = client.put(f"{at}/draft", json={"metadata": METADATA})
    assert changed.status_code == 200 and "errors" not in changed.json()
    assert changed.headers["etag"] == f'"{changed.json()["revision_id"]}"'
    stale = client.put(f"{at}/draft", json={"metadata": METADATA}, headers={"If-Match": "1"})
    assert stale.status_code == 412

    assert client.post(f"{at}/draft/pids/doi").json()["pids"]["doi"] == {
        "identifier": f"10.5072/zenodo.{at.rpartition('/')[2]}",
        "provider": "datacite",
        "client": "datacite",
    }
    again = client.post(f"{at}/draft/pids/doi")
    taken = {"field": "pids.doi", "messages": ["A PID already exists for type doi"]}
    assert said(again, 400) == taken
    done = put(client, at).json()
    assert (done["checksum"], done["size"], done["status"]) == (f"md5:{MD5}", 6, "completed")
    assert said(client.get(at), 404) == "The persistent identifier is not registered."
    published = client.post(f"{at}/draft/actions/publish")
    assert published.status_code == 202 and published.json()["is_published"]
    assert client.post(f"{at}/draft/actions/publish").status_code == 404
    assert client.put(f"{at}/draft", json={"metadata": METADATA}).status_code == 404
    assert client.get(at).json()["parent"]["pids"]["doi"]["identifier"].startswith("10.5072/")
    assert client.get(f"{at}/files/a.zip/content").content == b"people"

    following = client.post(f"{at}/versions")
    assert following.status_code == 201
    assert client.post(f"{at}/versions").json()["id"] == following.json()["id"]
    assert following.json()["versions"]["index"] == 2
    assert not {"version", "publication_date"} & following.json()["metadata"].keys()
    next_one = f"/api/records/{following.json()['id']}"
    assert client.get(f"{next_one}/draft/files").json()["entries"] == []
    assert client.post(f"{next_one}/draft/actions/files-import").status_code == 201
    taken = said(client.post(f"{next_one}/draft/actions/files-import"), 400)
    assert taken == "Please remove all files first."
    assert client.delete(f"{next_one}/draft").status_code == 204
    assert client.get(f"{next_one}/draft").status_code == 404

    edited = client.post(f"{at}/draft")
    assert edited.status_code == 201
    locked = client.delete(f"{at}/draft/files/a.zip")
    assert said(locked, 403) == "Bucket is locked for modifications."
    double.records.delete(at.rpartition("/")[2])
    assert client.get(at).json()["message"] == "Record deleted"


def test_it_runs_alone() -> None:
    """From a folder, with nothing but Python."""
    command: list[Any] = [
        sys.executable,
        "-I",
        "-S",
        ROOT / "tests/archives",
        "--token",
        "x",
        "--quota",
        "3",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        url = server.stdout.readline().strip()
        headers = {"Authorization": "Bearer x"}
        with httpx.Client(base_url=url, headers=headers) as client:
            fault = [{"kind": "502", "path": "/draft$"}]
            assert client.post("/_double/faults", json=fault).status_code == 200
            at = start(client)
            assert client.get(f"{at}/draft").text.startswith("<html>")
            assert said(put(client, at), 400) == "Bucket quota exceeded."
            assert client.get("/_double/requests").json()[-1]["status"] == 400
        server.terminate()
        assert server.wait() == 0


def test_faults(client: httpx.Client, double: Archives) -> None:
    at = start(client)
    double.faults.append(Fault("cut", "PUT", "/content", at=3))
    with pytest.raises(httpx.RemoteProtocolError):
        put(client, at)
    assert client.get(f"{at}/draft/files").json()["entries"] == []
