"""Deposits in OSF, against a server that keeps state and fails."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from data_versioning import rest
from data_versioning.archive.deposit.osf import OSFUploader
from data_versioning.archive.deposit.uploading import DRAFT, GONE, PUBLISHED
from data_versioning.errors import StudyError

from tests import archives
from tests.archives import TOKEN, Archives, Fault

METADATA = {
    "title": "People of note",
    "description": "Who they were.",
    "creators": [{"name": "Lovelace, Ada"}],
    "license": "mit",
    "keywords": ["people"],
}
SENT = b"people"


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Iterator[Archives]:
    """A server; whatever happens, the token goes to it in a header only."""
    monkeypatch.setattr(rest, "PAUSE", 0.01)
    monkeypatch.setenv("OSF_TOKEN", TOKEN)
    with archives.running() as double:
        monkeypatch.setenv("OSF_API_URL", f"{double.url}/v2")
        yield double
        assert double.leaks(TOKEN) == []
        assert double.strayed == []


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """A file with a name that has to be quoted."""
    path = tmp_path / "my study & more.zip"
    path.write_bytes(SENT)
    return path


def made(osf: OSFUploader) -> str:
    """Make a project and return its id."""
    return str(osf.create_deposition(METADATA)["id"])


def test_a_project_from_draft_to_doi(double: Archives, volume: Path) -> None:
    """Each call twice: nothing is done twice."""
    osf = OSFUploader()
    number = made(osf)
    assert not osf.find_deposition("people-of-nobody")
    osf.add_metadata(number, METADATA)
    assert double.nodes.all[number].tags == ["people"]
    for _ in range(2):
        stored = osf.upload_file(number, volume)
    assert stored.md5 == hashlib.md5(SENT).hexdigest()
    assert len(double.calls("PUT")) == 1
    volume.write_bytes(b"others")
    osf.upload_file(number, volume)
    (file,) = double.nodes.all[number].files.values()
    assert [one.size for one in file.versions] == [6, 6]
    assert osf.status(number).state == DRAFT
    for _ in range(2):
        doi = osf.publish(number)["doi"]
    assert len(double.calls("POST", "identifiers")) == 1
    there = osf.status(number)
    assert (there.state, there.doi, list(there.files)) == (PUBLISHED, doi, [volume.name])
    with pytest.raises(StudyError, match="the project is public"):
        osf.discard(number)
    osf.delete_file(number, volume.name)
    assert not osf.status(number).files

    other = made(osf)
    for _ in range(2):
        osf.discard(other)
    assert osf.status(other).state == GONE
    with pytest.raises(StudyError, match="empty"):
        volume.write_bytes(b"")
        osf.upload_file(number, volume)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("cut", "PUT", "/v1/"),
        Fault("cut", "PUT", "/v1/", at=3),
        Fault("cut", "PUT", "/v1/", after=True),
        Fault("502", "PUT", "/v1/", after=True),
        Fault("503", "PUT", "/v1/"),
        Fault("429", "", "", times=3),
        Fault("md5", "PUT", "/v1/"),
        Fault("corrupt", "PUT", "/v1/"),
        Fault("slow", "PUT", "/v1/", at=2),
        Fault("cut", "POST", "/nodes/$", after=True),
        Fault("504", "POST", "/nodes/$", after=True),
        Fault("500", "POST", "/nodes/$"),
        Fault("504", "PATCH", "", after=True),
        Fault("502", "POST", "/identifiers/$"),
        Fault("cut", "POST", "/identifiers/$", after=True),
        Fault("504", "GET", "", times=3),
    ],
    ids=lambda fault: f"{fault.kind} {fault.method} {fault.path} {fault.after} {fault.at}",
)
def test_what_passes(double: Archives, volume: Path, fault: Fault) -> None:
    """Nothing is twice at the end, and every byte is there."""
    double.faults.append(fault)
    osf = OSFUploader()
    number = made(osf)
    osf.upload_file(number, volume)
    osf.publish(number)
    assert not double.faults
    assert list(double.nodes.all) == [number]
    (file,) = double.nodes.all[number].files.values()
    assert (file.content.data, file.name) == (SENT, volume.name)
    assert osf.status(number).state == PUBLISHED


@pytest.mark.parametrize(
    ("fault", "what", "mend"),
    [
        (
            Fault("quota", times=9),
            "(507 The quota on this osfstorage project",
            "data-versioning package --data pointers",
        ),
        (Fault("redirect"), "OSF points elsewhere (302), where no token goes", ""),
        (Fault("html"), "OSF answered with something else than was asked", ""),
        (Fault("502", times=9), "OSF failed (502", "make deposit"),
        (Fault("answer", status=403, body={"code": 403}), "OSF refused (403", "osf.full_write"),
        (Fault("corrupt", times=9), "OSF got another file: 6 bytes", "make deposit"),
    ],
    ids=lambda given: given.kind if isinstance(given, Fault) else "",
)
def test_what_does_not(double: Archives, volume: Path, fault: Fault, what: str, mend: str) -> None:
    """Each is an error that says so, and the next call goes on."""
    osf = OSFUploader()
    number = made(osf)
    fault.method, fault.path = "PUT", "/v1/"
    double.faults.append(fault)
    with pytest.raises(StudyError) as found:
        osf.upload_file(number, volume)
    assert what in found.value.what and mend in found.value.mend
    assert fault.kind != "quota" or fault.matched == 1
    double.faults.clear()
    osf.upload_file(number, volume)
    (file,) = double.nodes.all[number].files.values()
    assert file.content.data == SENT


def test_where_the_token_goes(
    double: Archives, volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    osf = OSFUploader()
    number = made(osf)
    link = f"{double.elsewhere}v1/resources/{number}/providers/osfstorage/"
    entry = {"attributes": {"provider": "osfstorage"}, "links": {"upload": link}}
    double.faults.append(Fault("answer", "GET", "/files/$", body={"data": [entry]}))
    with pytest.raises(StudyError, match="named another server, which gets no token"):
        osf.upload_file(number, volume)
    assert TOKEN not in repr(osf)
    with pytest.raises(StudyError, match="no projects of this name"):
        osf.status("../users/me")
    with pytest.raises(StudyError, match="by https only") as found:
        OSFUploader(url="http://osf.example/v2").authorise()
    assert found.value.mend == "export OSF_API_URL=https://osf.example/v2"
    hosts = OSFUploader(url="https://api.osf.io/v2/")._api._hosts
    assert {"api.osf.io", "files.osf.io", "files.de-1.osf.io"} < hosts
    assert all(one.endswith(".osf.io") for one in hosts)
    monkeypatch.delenv("OSF_TOKEN")
    with pytest.raises(StudyError, match="no token for OSF: OSF_TOKEN"):
        OSFUploader().authorise()
