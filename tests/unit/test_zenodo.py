"""The client of InvenioRDM on its own: what it sends, refuses, compares, and makes of answers."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from data_versioning import rest, rest_answers
from data_versioning.archive.deposit import uploading, zenodo_files, zenodo_shapes
from data_versioning.archive.deposit.uploading import Body
from data_versioning.archive.deposit.zenodo import ZenodoUploader
from data_versioning.archive.limits import Limits
from data_versioning.errors import StudyError
from data_versioning.rest import Api
from data_versioning.rest_failures import asked_to_wait

from tests import archives
from tests.archives import TOKEN, Archives, Fault
from tests.unit.test_deposit_metadata import LEGACY


@pytest.fixture(scope="module")
def server() -> Iterator[Archives]:
    """One double for all tests."""
    with archives.running(lag=0) as double:
        yield double


@pytest.fixture
def double(server: Archives, monkeypatch: pytest.MonkeyPatch) -> Iterator[Archives]:
    """The double without records, and a client that does not wait."""
    for known in (server.records.all, server.faults, server.requests, server.strayed):
        known.clear()
    server.rate = 5000
    monkeypatch.setattr(rest, "PAUSE", 0)
    yield server
    assert server.leaks(TOKEN) == []


@pytest.fixture
def archive(double: Archives) -> ZenodoUploader:
    """The client."""
    return ZenodoUploader(TOKEN, url=double.url)


def refused(*call: object) -> StudyError:
    """Return the error of a call."""
    function, *arguments = call
    assert callable(function)
    with pytest.raises(StudyError) as found:
        function(*arguments)
    assert str(found.value).isprintable() and TOKEN not in str(found.value)
    return found.value


def test_as_the_documents_have_it(
    archive: ZenodoUploader, double: Archives, tmp_path: Path
) -> None:
    """Create, upload, describe, publish: with the same dictionary, and numbers for ids."""
    made = archive.create_deposition(LEGACY)
    number = int(made["id"])
    file = tmp_path / "my data (1) é.csv"
    file.write_bytes(b"x" * (3 << 20))
    stored = archive.upload_file(number, file)
    assert (stored.size, stored.md5) == (3 << 20, hashlib.md5(file.read_bytes()).hexdigest())
    assert dict(stored) == {"key": file.name, "size": 3 << 20, "checksum": f"md5:{stored.md5}"}
    again = archive.upload_file(number, file)
    assert again == stored and len(double.calls("PUT", "/content")) == 1
    doi = archive.reserve_doi(number)
    assert archive.reserve_doi(number) == doi == f"10.5072/zenodo.{number}"
    # Some servers give a DOI back when an update does not name it.
    double.records.drops_pids = True
    assert archive.add_metadata(number, LEGACY)["pids"]["doi"]["identifier"] == doi
    double.records.drops_pids = False
    assert archive.publish(number)["doi"] == doi
    assert archive.publish(number)["doi"] == doi  # an answer 404: it is published
    there = archive.status(number)
    assert (there.state, there.doi) == ("published", doi)
    assert there.files == {file.name: stored} and there.address.endswith(f"/records/{number}")
    assert archive.status(999_999).state == "gone"
    accepted = {one.headers["accept"] for one in double.requests}
    assert accepted == {"application/vnd.inveniordm.v1+json"}
    lengths = [one.headers for one in double.requests if one.path.endswith("/content")]
    assert [one.get("transfer-encoding") for one in lengths] == [None]

    unreserved = archive.create_deposition(LEGACY)["id"]
    archive.upload_file(unreserved, file)
    assert archive.publish(unreserved)["doi"] == f"10.5072/zenodo.{unreserved}"
    newer = archive.new_version(number)
    assert newer["metadata"]["publication_date"] == uploading.today()
    assert "version" not in newer["metadata"] and newer["parent"]["id"] == there.parent
    assert archive.new_version(number, LEGACY)["id"] == newer["id"]
    assert archive.status(newer["id"]).files == {}
    archive.discard(newer["id"])
    assert archive.status(newer["id"]).state == "gone"


def test_what_is_refused_before_any_call(
    archive: ZenodoUploader, double: Archives, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each with what to do instead."""
    small, empty, large = (tmp_path / name for name in ("small", "empty", "large"))
    small.write_text("x")
    empty.touch()
    large.touch()
    os.truncate(large, 50 * 10**9 + 1)
    long = tmp_path / ("n" * 255)
    long.write_text("x")
    host = archive.name
    monkeypatch.setattr(ZenodoUploader, "limits", Limits("it", 50 * 10**9, 60 * 10**9, 100, 254))
    for path, what in (
        (empty, "takes no empty file"), (large, "takes files of 50.0 GB at most, not 50.0 GB"),
        (long, "takes names of 254 letters at most"),
    ):  # fmt: skip
        error = refused(archive.upload_file, 1, path)
        assert (error.what, error.where) == (f"{host} {what}", str(path)) and error.mend
    assert refused(archive.upload_file, 1, tmp_path / "none").what == "no such file"
    refuse, limits = uploading.refuse, archive.limits
    assert "100 files at most, not 101" in refused(refuse, [small] * 101, host, limits).what
    assert "two files have the same" in refused(refuse, [small, small], host, limits).what
    os.truncate(large, 40 * 10**9)
    os.truncate(empty, 40 * 10**9)
    assert "60.0 GB in all, not 80.0 GB" in refused(refuse, [large, empty], host, limits).what
    assert "without a file" in refused(refuse, [], host, limits).what
    refused(archive.create_deposition, LEGACY | {"title": ""})
    for strange in ("../1", "1/../2", "", "a b"):
        refused(archive.status, strange)
    assert double.requests == []


def test_no_token_and_which_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable, and the page where one gets it; each server has its own."""
    for name in ("ZENODO_SANDBOX_TOKEN", "ZENODO_TOKEN", "INVENIO_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for archive, name, page in (
        (ZenodoUploader(), "ZENODO_SANDBOX_TOKEN", "https://sandbox.zenodo.org/"),
        (ZenodoUploader(sandbox=False), "ZENODO_TOKEN", "https://zenodo.org/"),
        (
            ZenodoUploader(url="https://data.example.org/api"),
            "INVENIO_TOKEN",
            "https://data.example",
        ),
    ):
        error = refused(archive.authorise)
        assert error.where == name and error.mend.startswith(f"get a token at {page}")
        assert error.mend.endswith(f"write {name}=<token> into .env")
        monkeypatch.setenv(name, TOKEN)
        archive.authorise()
        assert TOKEN not in repr(archive)
    assert not ZenodoUploader().is_production and ZenodoUploader(sandbox=False).is_production
    error = refused(ZenodoUploader(TOKEN, url="http://x.org").authorise)
    assert "by https only" in error.what and error.mend == "make deposit TO=https://x.org"
    error = refused(ZenodoUploader("one\ntwo").authorise)
    assert error.mend == "write ZENODO_SANDBOX_TOKEN=<token> into .env"


def test_uploads_that_do_not_arrive(
    archive: ZenodoUploader, double: Archives, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another sum is sent again three times; quota and silence are told."""
    number = archive.create_deposition(LEGACY)["id"]
    file = tmp_path / "file"
    file.write_bytes(b"content" * 100_000)
    double.faults.append(Fault("corrupt", "PUT", "content", times=99))
    error = refused(archive.upload_file, number, file)
    assert " got another file: 700000 bytes of MD5 " in error.what and error.mend == "make deposit"
    assert len(double.calls("PUT", "/content")) == rest.TRIES
    assert archive.status(number).files == {}
    # A cut takes the announcement with it: the body is not sent to where nothing waits for it.
    double.requests.clear()
    double.faults[:] = [Fault("cut", "PUT", "content", at=100)]
    archive.upload_file(number, file)
    assert [one.status for one in double.requests if one.path.endswith("/content")] == [0, 200]
    archive.delete_file(number, file.name)
    archive.delete_file(number, file.name)
    # What arrived is not sent again because the server fails to complete it.
    double.requests.clear()
    double.faults[:] = [Fault("500", "POST", "commit", times=99)]
    assert "failed (500 " in refused(archive.upload_file, number, file).what
    assert len(double.calls("PUT", "/content")) == 1
    double.faults[:] = [Fault("quota", "PUT", "content")]
    error = refused(archive.upload_file, number, file)
    assert "(400 Bucket quota exceeded.)" in error.what and "--data pointers" in error.mend
    double.faults[:] = [Fault("stall", "PUT", "content", seconds=5, at=100)]
    monkeypatch.setattr(zenodo_files, "SLOW", 0.3)
    monkeypatch.setattr(rest, "IDLE", 0.3)
    before = time.monotonic()
    assert archive.upload_file(number, file).complete
    assert time.monotonic() - before < 4
    file.write_bytes(b"shorter")
    body = Body(file)
    file.write_bytes(b"longer than it was")
    assert refused(list, body()).what == "the file changed while it was uploaded"
    file.write_bytes(b"less")
    assert "changed" in refused(list, body()).what
    # The draft has it, but other bytes of the same length: it is replaced.
    stored = archive.upload_file(number, file)
    file.write_bytes(b"LESS")
    assert archive.upload_file(number, file).md5 != stored.md5


def test_refusals_in_the_researchers_terms(
    archive: ZenodoUploader, double: Archives, tmp_path: Path
) -> None:
    """Which file and key to edit, what the token lacks, and that a page is no answer."""
    number = archive.create_deposition(LEGACY | {"language": "eng"})["id"]
    error = refused(archive.publish, number)
    assert "Missing uploaded files" in error.what
    errors = [{"field": "metadata.languages.0", "messages": ["Invalid value eng."]}]
    body = archive.create_deposition(LEGACY) | {"errors": errors}
    double.faults.append(Fault("answer", "PUT", "draft$", body=body))
    error = refused(archive.add_metadata, number, LEGACY)
    assert error.what.endswith("takes this not: metadata.languages.0: Invalid value eng.")
    assert (error.where, error.mend) == ("study.yaml: archive.language", "$EDITOR study.yaml")
    body = {"message": "A validation error occurred.", "errors": errors}
    double.faults.append(Fault("answer", "POST", "publish", status=400, body=body))
    assert refused(archive.publish, number).where == "study.yaml: archive.language"
    for status, mend in ((401, "get a new token at"), (403, "give the token deposit:write")):
        double.faults.append(Fault("answer", "POST", "records$", status=status, body={}))
        assert refused(archive.create_deposition, LEGACY).mend.startswith(mend)
    double.faults.append(Fault("html", "GET", "draft$"))
    error = refused(archive.status, number)
    assert "answered with something else" in error.what and error.mend == "make deposit"
    double.faults.append(Fault("redirect", "GET", "draft$"))
    assert "points elsewhere (302)" in refused(archive.status, number).what
    assert double.strayed == []
    body = {"id": number, "metadata": {}, "links": {"content": double.elsewhere}}
    assert (
        "named another server, which gets no token"
        in refused(archive._api.call, "PUT", double.elsewhere).what
    )
    assert double.strayed == []


def test_limits_end(
    archive: ZenodoUploader, double: Archives, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit is waited for as long as the server says, and no longer than a minute."""
    number = archive.create_deposition(LEGACY)["id"]
    with monkeypatch.context() as patch:  # as that to read an answer without end
        patch.setattr(rest_answers, "MOST", 100)
        assert "did not answer (DecodingError)" in refused(archive.status, number).what
    double.rate, double.window = 3, 0.2
    double.counts.clear()
    for _ in range(3):
        archive.status(number)
    assert 429 in {one.status for one in double.requests}
    double.rate, double.window = 1, 3600
    double.counts.clear()
    archive._api.get(f"/records/{number}/draft")
    error = refused(archive.status, number)
    assert "(429 1 per 3600 second)" in error.what
    assert error.mend == "wait 60 minutes, then: make deposit"
    double.counts.clear()
    double.window = 60.0

    def asked(**headers: str) -> float | None:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return asked_to_wait(httpx.Response(429, headers=named))

    date = "Wed, 21 Oct 2026 07:28:00 GMT"
    assert asked(retry_after="7") == 7
    assert asked(retry_after="Wed, 21 Oct 2026 07:28:09 GMT", date=date) == 9
    assert asked(x_ratelimit_reset="1792567690", date=date) == 10
    assert asked(x_ratelimit_reset="12") == 12 and asked(retry_after="soon") is None
    assert asked(retry_after="Wed, 21 Oct 2026 07:27:00 GMT", date=date) == 0


def test_who_asks() -> None:
    """The template's version is in the name, and nothing that a header cannot hold."""
    assert rest.user_agent("v1.2.0-3-gabc\n") == (
        "data-versioning/1.2.0-3-gabc (+https://github.com/copier-research/copier-research)"
    )
    api = Api("X", "https://x.org", {}, ("Authorization", f"Bearer {TOKEN}"))
    assert TOKEN not in repr(api) and api.again == "try again later"


def test_a_doi_is_only_what_looks_like_one() -> None:
    for identifier in ("10.5072/x y", "https://evil.example/", "", None):
        assert zenodo_shapes.doi_of({"pids": {"doi": {"identifier": identifier}}}) == ""
    assert zenodo_shapes.doi_of({}) == ""
