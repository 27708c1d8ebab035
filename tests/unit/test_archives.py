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
from tests.live import zenodo_sandbox

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


def test_files(client: httpx.Client, double: Archives) -> None:
    """What the server refuses of them, and what a broken upload leaves."""
    at = start(client)
    files = f"{at}/draft/files"
    assert put(client, at, "a b/c.zip").json()["key"] == "a b/c.zip"
    taken = client.post(files, json=[{"key": "a b/c.zip"}])
    assert said(taken, 400) == "File with key a b/c.zip already exists."
    assert said(put(client, at, "empty", b""), 400) == "Empty files are not accepted."
    pending = client.post(f"{at}/draft/actions/publish").json()["errors"]
    waiting = "One or more files have not completed their transfer, please wait."
    assert {"field": "files", "messages": [waiting]} in pending
    many = [{"key": str(number)} for number in range(99)]
    assert "exceeding the max amount" in said(client.post(files, json=many), 400)

    double.records.quota = 20
    assert said(put(client, at, "b", b"x" * 10**6), 400) == "Bucket quota exceeded."
    assert said(client.put(f"{files}/a b/c.zip/content", content=b"x"), 400).startswith("The file")
    sized = [{"key": "sized", "size": 9}]
    assert client.post(files, json=sized).status_code == 201
    short = client.put(f"{files}/sized/content", content=b"x")
    assert said(short, 400) == "File is smaller than expected."
    assert client.delete(f"{files}/empty").status_code == 204
    keys = [one["key"] for one in client.get(files).json()["entries"]]
    assert keys == ["b", "sized"]


def test_who_may(client: httpx.Client, double: Archives) -> None:
    at = start(client)
    double.users["other"] = 2
    for token, status in (("", 403), ("wrong", 401), ("other", 403)):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = httpx.get(f"{double.url}{at}/draft", headers=headers)
        said(answer, status)
    double.rate, double.window = 2, 60
    double.counts.clear()
    answers = [client.get(f"{at}/draft") for _ in range(3)]
    assert [one.headers["x-ratelimit-remaining"] for one in answers] == ["1", "0", "0"]
    assert answers[2].status_code == 429 and int(answers[2].headers["retry-after"]) <= 60
    double.rate = 100
    assert client.get("/api/user/records").json()["hits"]["hits"] == []  # it lags
    double.records.lag = 0
    assert len(client.get("/api/user/records").json()["hits"]["hits"]) == 1
    client.get(f"{at}/draft", params={"access_token": TOKEN})
    assert double.leaks(TOKEN) == [f"GET {at}/draft?access_token={TOKEN}"]


def test_the_older_api_of_zenodo(client: httpx.Client) -> None:
    """Over the same records; errors of metadata are not told."""
    made = client.post("/api/deposit/depositions", json={}).json()
    assert "doi" not in made and made["state"] == "unsubmitted"
    assert made["metadata"]["prereserve_doi"]["doi"] == f"10.5281/zenodo.{made['id']}"
    own = made["links"]["self"]
    assert client.put(own, json={"metadata": {"title": "x"}}).status_code == 200
    relation = {"title": "People", "related_identifiers": [{"relation": 1}]}
    wrong = said(client.put(own, json={"metadata": relation}), 400)
    assert wrong["field"] == "metadata.related_identifiers.0.relation"
    metadata = {
        "title": "People",
        "upload_type": "dataset",
        "creators": [{"name": "Lovelace, Ada"}],
    }
    assert client.put(own, json={"metadata": metadata}).json()["metadata"]["license"] == "cc0-1.0"
    sent = client.put(f"{made['links']['bucket']}/a.zip", content=b"people")
    assert sent.status_code == 201 and sent.json()["checksum"] == f"md5:{MD5}"
    form = client.post(f"{own}/files", files={"file": ("ä b.txt", b"people")})
    assert (form.json()["filename"], form.json()["checksum"]) == ("a_b.txt", MD5)
    done = client.post(made["links"]["publish"])
    assert done.status_code == 202 and done.json()["doi"] == f"10.5072/zenodo.{made['id']}"
    shape = client.get(f"/api/records/{made['id']}", headers={"Accept": "application/json"}).json()
    assert "parent" not in shape and shape["conceptrecid"] == made["conceptrecid"]
    following = client.post(f"{own}/actions/newversion")
    assert [one["filename"] for one in following.json()["files"]] == ["a.zip", "a_b.txt"]
    again = said(client.post(f"{own}/actions/newversion"), 400)
    assert again["messages"] == ["Please remove all files first."]
    assert client.post(following.json()["links"]["discard"]).status_code == 204


def test_osf(client: httpx.Client) -> None:
    def node(key: str, method: str = "POST", kind: str = "nodes", **attributes: Any) -> Any:
        data = {"type": kind, "attributes": attributes, "id": guid}
        return client.request(method, f"/v2/{key}", json={"data": data})

    guid = ""
    missing = node("nodes/", category="project").json()["errors"][0]
    assert missing["source"] == {"pointer": "/data/attributes/title"}
    guid = node("nodes/", title="People", category="project").json()["data"]["id"]
    identifiers = f"nodes/{guid}/identifiers/"
    assert node(identifiers, kind="identifiers", category="doi").status_code == 403  # private
    storage = client.get(f"/v2/nodes/{guid}/files/").json()["data"][0]["links"]["upload"]
    named = {"kind": "file", "name": "a b.zip"}
    chunks = client.put(storage, params=named, content=iter([b"people"]))
    assert chunks.status_code == 411
    made = client.put(storage, params=named, content=b"people")
    assert made.status_code == 201
    assert made.json()["data"]["attributes"]["extra"]["hashes"]["md5"] == MD5
    taken = client.put(storage, params=named, content=b"others")
    assert taken.status_code == 409
    upload = taken.json()["data"]["links"]["upload"]
    assert client.put(upload, params=named, content=b"others").status_code == 400
    changed = client.put(upload, params={"kind": "file"}, content=b"others").json()["data"]
    assert changed["attributes"]["extra"]["version"] == 2
    assert node(f"nodes/{guid}/", "PATCH", public=True).status_code == 200
    ark = node(identifiers, kind="identifiers", category="ark").json()["errors"][0]["detail"]
    assert ark == "You can only mint a DOI, not a different type of identifier."
    doi = node(identifiers, kind="identifiers", category="doi")
    assert doi.json()["data"]["attributes"]["value"] == f"10.17605/OSF.IO/{guid.upper()}"
    again = node(identifiers, kind="identifiers", category="doi").json()["errors"][0]["detail"]
    assert again == "A DOI already exists for this resource."
    assert client.delete(f"/v2/nodes/{guid}/").status_code == 204
    assert client.get(f"/v2/nodes/{guid}/").status_code == 410


def test_faults(client: httpx.Client, double: Archives) -> None:
    """Each happens once, before or after what it spoils; an upload that is cut leaves nothing."""
    at = start(client)
    path = f"{at}/draft"
    double.faults.append(Fault("cut", "PUT", "/content", at=3))
    with pytest.raises(httpx.RemoteProtocolError):
        put(client, at)
    assert double.requests[-1].received == 3
    assert client.get(f"{path}/files").json()["entries"] == []
    double.faults.append(Fault("stall", path="/draft$", seconds=30))
    with pytest.raises(httpx.ReadTimeout):
        client.get(path, timeout=0.1)
    double.faults.append(Fault("504", "POST", "/pids/doi", after=True))
    assert client.post(f"{path}/pids/doi").text.startswith("<html>")
    assert client.get(path).json()["pids"]["doi"]
    double.faults.append(Fault("md5", path="/commit"))
    assert MD5 not in put(client, at).json()["checksum"]
    assert client.get(f"{path}/files/a.zip").json()["checksum"] == f"md5:{MD5}"
    double.faults.append(Fault("corrupt", "PUT"))
    assert MD5 not in put(client, at, "b.zip").json()["checksum"]
    double.faults.append(Fault("429", "GET", nth=2, wait="7"))
    assert [client.get(path).status_code for _ in range(3)] == [200, 429, 200]
    double.faults.append(Fault("redirect", status=307))
    elsewhere = client.get(path, follow_redirects=True)
    assert elsewhere.status_code == 200 and len(double.strayed) == 1
    assert not double.leaks(TOKEN) and not double.faults


def test_the_script_for_the_sandbox(
    double: Archives, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It runs against the double, and says what is not as it should be."""
    monkeypatch.setenv("INVENIO_TOKEN", TOKEN)
    double.records.lag = 0
    assert zenodo_sandbox.main(["--url", double.url, "--publish"]) == 0
    assert capsys.readouterr().out.endswith("all is as expected\n")
    double.faults.append(Fault("answer", "PUT", "/draft$", status=200, body={}))
    assert zenodo_sandbox.main(["--url", double.url]) == 1
    assert "OTHERWISE    stale revision: status: expected 412" in capsys.readouterr().out
    assert not [one for one in double.records.all.values() if one.draft]
    assert not double.leaks(TOKEN)
