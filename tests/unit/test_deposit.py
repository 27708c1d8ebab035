"""The whole way of a package into an archive, against the double and all its faults."""

from __future__ import annotations

import json
import logging
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import httpx
import pytest
from data_versioning import rest
from data_versioning.archive import citation
from data_versioning.archive.deposit import depositing, drafts, state
from data_versioning.archive.deposit.metadata import Metadata
from data_versioning.archive.deposit.osf import OSFUploader
from data_versioning.archive.deposit.uploading import Uploader
from data_versioning.archive.deposit.zenodo import ZenodoUploader
from data_versioning.archive.facts import facts
from data_versioning.archive.package import Package
from data_versioning.errors import StudyError
from data_versioning.study import Study

from tests import archives
from tests.archives import TOKEN, Archives, Fault
from tests.archives.records import Record
from tests.archives.web import Seen
from tests.conftest import git
from tests.unit.conftest import waited

CITATION = """\
cff-version: 1.2.0
message: Please cite it.
title: Exercise and mood
abstract: |
  What twelve weeks of exercise <do>.

  And what they do not.
authors:
  - family-names: Lovelace # of the engine
    given-names: Ada
    orcid: https://orcid.org/0000-0001-2345-6789
    affiliation: University
keywords: [exercise, mood]
license: MIT
"""
PARTS = ("zip", "data-001.zip")
NUMBER = re.compile(r"(?<=records/)[0-9]+|(?:(?<=nodes/)|(?<=resources/))[a-z0-9]{5}(?=/)")


@pytest.fixture(scope="module")
def server() -> Iterator[Archives]:
    """One double for all tests."""
    with archives.running(lag=0) as double:
        yield double


@pytest.fixture
def double(server: Archives, monkeypatch: pytest.MonkeyPatch) -> Iterator[Archives]:
    """The double without records, and a client that does not wait; no token strays."""
    forget(server)
    monkeypatch.setattr(rest, "PAUSE", 0)
    monkeypatch.setenv("INVENIO_TOKEN", TOKEN)
    yield server
    assert server.leaks(TOKEN) == []


@pytest.fixture
def cited(study: Study) -> Study:
    """A study that says what an archive needs to know."""
    (study.root / "CITATION.cff").write_text(CITATION)
    (study.root / "README.md").write_text("# Exercise and mood\n\nText.\n")
    with (study.root / ".gitignore").open("a") as file:
        file.write("/packages/\n")
    return committed(study)


def forget(double: Archives) -> None:
    """Empty a double."""
    records, nodes = double.records.all, double.nodes.all
    for known in (records, nodes, double.faults, double.requests, double.counts):
        known.clear()


def committed(study: Study) -> Study:
    """Commit everything."""
    git(study.root, "add", "--all")
    git(study.root, "commit", "--quiet", "--message", "docs: state")
    return Study(study.root)


def packaged(study: Study, doi: str | None = None) -> Package:
    """Return a package of the current commit, as far as a deposit looks at it."""
    commit = git(study.root, "rev-parse", "HEAD").strip()
    folder = study.root / "packages" / f"my-study-{commit[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    volumes = tuple(folder / f"{folder.name}.{part}" for part in PARTS)
    for volume in volumes:
        volume.write_text(f"content of {volume.name}")
    manifest = {
        "anonymous": False, "commit": commit, "tag": None, "phase": None, "runs": [], "files": [],
        "study": {"slug": "my-study", "doi": doi, "data_license": "CC-BY-4.0"},
    }  # fmt: skip
    return Package(folder, folder.name, volumes, manifest)


def files_of(one: Record) -> dict[str, int]:
    """Return the names of the files of a record, and their sizes."""
    return {name: file.size for name, file in one.shown.files.items() if file.completed}


def sizes(package: Package) -> dict[str, int]:
    """Return the names of the volumes of a package, and their sizes."""
    return {path.name: path.stat().st_size for path in package.volumes}


def test_two_versions_under_one_concept_doi(cited: Study, double: Archives) -> None:
    """From a study without anything to a DOI inside, a publication, and the next version."""
    doi = depositing.reserve(cited, double.url)
    (number,) = double.records.all
    concept = f"10.5072/zenodo.{int(number) - 1}"
    assert doi == f"10.5072/zenodo.{number}"
    said = citation.read((cited.root / "CITATION.cff").read_bytes())
    assert (said.doi, said.concept_doi) == (doi, concept)
    assert "# of the engine" in (cited.root / "CITATION.cff").read_text()
    assert doi in (cited.root / "README.md").read_text().replace("%2F", "/")
    (kept,) = state.read(cited)
    assert (kept.server, kept.id, kept.doi, kept.state) == (double.url, number, doi, "draft")
    assert (kept.concept_doi, kept.parent) == (concept, concept.rpartition(".")[2])
    study = committed(cited)
    # Again, nothing is made and nothing changes.
    assert depositing.reserve(study, double.url) == doi and len(double.records.all) == 1
    assert git(study.root, "status", "--porcelain") == ""

    package = packaged(study, doi)
    planned = depositing.deposit(study, package, double.url, publish=True, dry_run=True)
    double.requests.clear()
    made = depositing.deposit(study, package, double.url)
    assert (made.state, made.others, made.notes) == ("draft", [], [])
    # A draft changes nothing that is committed.
    assert git(study.root, "status", "--porcelain") == ""
    sent = [one for one in double.requests if one.method not in ("GET", "POST")]
    made = depositing.deposit(study, package, double.url, publish=True)
    assert (made.state, made.doi, made.concept_doi) == ("published", doi, concept)
    assert made.text().startswith(f"published at {made.archive}: {doi}  {double.url}/records/")
    (kept,) = state.read(study)
    assert (kept.state, kept.package, kept.marker) == ("published", package.name, None)
    assert kept.files == made.files and set(made.files) == set(sizes(package))
    one = double.records.all[number]
    assert one.published and not one.draft and files_of(one) == sizes(package)
    metadata = one.published.metadata
    assert metadata["description"] == (
        "<p>What twelve weeks of exercise &lt;do&gt;.</p><p>And what they do not.</p>"
    )
    assert "identifiers" not in metadata and metadata["version"] == package.name[-12:]
    # No file was sent twice, and each with its length.
    uploads = [one for one in double.requests if one.path.endswith("/content")]
    assert [one.headers["content-length"] for one in uploads] == [
        str(size) for size in sizes(package).values()
    ]
    assert sent and len(planned.requests) > len(sent)
    agents = {one.headers["user-agent"] for one in double.requests}
    assert agents == {"data-versioning (+https://github.com/copier-research/copier-research)"}

    # The same package is published already, and the same study needs no other DOI.
    study = committed(study)
    double.requests.clear()
    again = depositing.deposit(study, package, double.url, publish=True)
    assert (again.state, again.doi, again.notes) == ("published", doi, [])
    assert depositing.reserve(study, double.url) == doi
    assert {one.method for one in double.requests} == {"GET"}

    (study.root / "notes.txt").write_text("more\n")
    study = committed(study)
    newer = depositing.reserve(study, double.url)
    assert newer != doi and newer in (study.root / "CITATION.cff").read_text()
    study = committed(study)
    made = depositing.deposit(study, packaged(study, newer), double.url, publish=True)
    assert (made.doi, made.concept_doi) == (newer, concept)
    assert [one.doi for one in state.read(study)] == [doi, newer]
    assert len(double.records.all) == 2
    known = depositing.deposits(study)
    assert [one["said"][:18] for one in known.as_dict()["deposits"]] == ["published, 2 files"] * 2
    assert known.text().count("published ") == 2
    # The token goes to no server that only `deposits.json` names.
    state.put(study, replace(state.read(study)[0], server="https://archive.example"))
    said = depositing.deposits(study).as_dict()["deposits"][-1]["said"]
    assert said.startswith("not asked: study.yaml does not name it")


def test_a_dry_run_says_what_is_sent(cited: Study, double: Archives) -> None:
    """Bodies and all, for a first deposit, for a draft, and for the next version."""
    package = packaged(cited)

    def compared(publish: bool, is_new: bool) -> str:
        double.requests.clear()
        dry = depositing.deposit(cited, package, double.url, publish, dry_run=True)
        assert dry.state == "planned" and double.requests == []
        assert ("its DOI, which is not reserved yet: make publish" in dry.text()) is is_new
        depositing.deposit(cited, package, double.url, publish)
        sent = [one for one in double.requests if one.method != "GET"]
        assert [(one.method, one.path) for one in sent] == [
            (one.method, "/api" + one.path.replace("<id>", list(double.records.all)[-1]))
            for one in dry.requests
        ]
        for planned, request in zip(dry.requests, sent, strict=True):
            if planned.file:
                assert request.received == planned.file[1]
                assert f"{planned.file[0]}, {planned.file[1]} bytes" in dry.text()
            else:
                said = json.loads(request.body or "null")
                if said and planned.path.endswith(("/draft", "/records")):
                    assert said["metadata"].pop("identifiers", 0) == 0 or "urn:uuid:" in dry.text()
                    said.pop("pids", None)
                    planned.body["metadata"].pop("identifiers", None)
                    planned.body.pop("pids", None)
                assert said == planned.body
        return dry.text()

    assert "POST /records\n" in compared(False, is_new=True)
    for volume in package.volumes:
        volume.write_text("other content")
    # The draft has other files of these names: they are announced anew.
    for one in double.records.all.values():
        one.shown.files.clear()
    (kept,) = state.read(cited)
    said = depositing.deposit(cited, package, double.url, publish=True, dry_run=True).text()
    assert f"note: it would not be published: the package does not hold its DOI, {kept.doi}" in said
    package.manifest["study"]["doi"] = kept.doi
    assert f"POST /records/{kept.id}/draft/actions/publish" in compared(True, is_new=False)
    said = depositing.deposit(cited, package, double.url, True, dry_run=True).text()
    assert f"{package.name} is published already" in said
    package.volumes[0].write_text("the next version")
    assert f"POST /records/{kept.id}/versions" in compared(False, is_new=True)


class Flow:
    """Reserve, package, deposit and publish: without git, and with one client for all tries."""

    def __init__(self, study: Study, double: Archives, archive: str) -> None:
        self.study, self.double, self.package = study, double, packaged(study)
        commit = self.package.manifest["commit"]
        self.metadata = Metadata.from_facts(facts(study, commit), "2026-01-02")
        self.uploader: Uploader = ZenodoUploader(url=double.url)
        if archive == "osf":
            self.uploader = OSFUploader(TOKEN, url=f"{double.url}/v2")

    def start(self) -> None:
        """Forget everything, here and there."""
        forget(self.double)
        (self.study.root / state.STATE).unlink(missing_ok=True)

    def run(self) -> None:
        """Do all of it; the DOI is put into the package when it is there."""
        last = state.last(self.study, self.uploader.server)
        there = self.uploader.status(last.id) if last and last.id else None
        if there is None or there.state != "published":
            made = drafts.ensure(self.study, self.uploader, self.metadata, last, there)
            self.package.manifest["study"]["doi"] = made.status.doi
        depositing.send(self.study, self.uploader, self.package, self.metadata, publish=True)

    def is_complete(self) -> None:
        """Assert that there is one deposit, published, with all of a package, and nothing else."""
        if self.uploader.has_versions:
            (one,) = self.double.records.all.values()
            assert one.published and not one.draft and files_of(one) == sizes(self.package)
            number, title = one.id, one.published.metadata["title"]
        else:
            (node,) = self.double.nodes.all.values()
            assert node.public and node.doi
            found = {file.name: file.content.size for file in node.files.values()}
            assert found == sizes(self.package)
            number, title = node.id, node.title
        (kept,) = state.read(self.study)
        assert (kept.state, kept.id) == ("published", number) and kept.doi
        assert set(kept.files) == set(sizes(self.package)) and title == "Exercise and mood"
        assert not list(self.study.root.glob(".*.tmp"))


@pytest.fixture(params=["invenio", "osf"])
def flow(request: pytest.FixtureRequest, cited: Study, double: Archives) -> Flow:
    """A flow into either archive."""
    return Flow(cited, double, request.param)


def steps(double: Archives) -> list[tuple[str, str, int, bool]]:
    """Return the requests of a flow: method, pattern of the path, which of its kind, if needed."""
    counted: Counter[tuple[str, str]] = Counter()
    found = []
    for one in double.requests:
        path = NUMBER.sub("[a-z0-9]+", one.path.partition("?")[0])
        key = (one.method, f"^{path}$")
        counted[key] += 1
        found.append((*key, counted[key], "datacite" not in one.headers["accept"]))
    return found


FAULTS = [
    Fault("cut"), Fault("cut", after=True), Fault("500"), Fault("502"), Fault("504", after=True),
    Fault("429"), Fault("html"),
]  # fmt: skip
OF_UPLOADS = [Fault("cut", at=5), Fault("corrupt"), Fault("md5", path="commit")]


def test_every_fault_at_every_step(double: Archives, flow: Flow) -> None:
    """What passes leaves no trace; what stays is told in a line, and the next run completes it."""
    flow.run()
    found = steps(double)
    assert len(found) > 15
    for method, path, nth, is_needed in found:
        if method == "GET" and not flow.uploader.has_versions:
            continue  # OSF's client is tested on its own, too
        kinds = FAULTS if method != "GET" else Random(f"{path} {nth}").sample(FAULTS, 1)
        is_upload = method == "PUT" and ("/content" in path or "/v1/" in path)
        for kind in [*kinds, *(OF_UPLOADS if is_upload else [])]:
            flow.start()
            at = path.replace("content", kind.path) if kind.path else path
            what = "" if at != path else method
            double.faults.append(replace(kind, method=what, path=at, nth=nth))
            try:
                flow.run()
            except StudyError as failed:  # a page in place of an answer
                assert (kind.kind, failed.mend) == ("html", "make deposit"), (kind, path, failed)
                flow.run()
            assert double.faults == [], (kind, method, path)
            flow.is_complete()
        flow.start()
        double.faults.append(Fault("504", method, path, nth, times=99, after=True))
        try:
            flow.run()
        except StudyError as failed:
            assert failed.mend == "make deposit" and "(504 " in str(failed), failed
        else:  # what is done is found, whatever the answer to doing it was
            assert method != "GET" or not is_needed
        double.faults.clear()
        flow.run()
        flow.is_complete()


def test_a_public_project_stays_as_it_is(
    cited: Study, double: Archives, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of OSF, where a file that is replaced is public at once: not without --publish."""
    flow = Flow(cited, double, "osf")
    flow.run()
    monkeypatch.setenv("OSF_API_URL", flow.uploader.server)
    monkeypatch.setenv("OSF_TOKEN", TOKEN)
    for volume in flow.package.volumes:
        volume.write_text("the next version")
    double.requests.clear()
    with pytest.raises(StudyError, match="public at OSF: what is changed is public at") as failed:
        depositing.deposit(cited, flow.package, "osf")
    assert failed.value.mend == "data-versioning deposit --publish"
    git(cited.root, "add", "--all")
    git(cited.root, "commit", "--quiet", "--message", "docs: more")
    assert depositing.reserve(cited, "osf") == state.read(cited)[0].doi
    monkeypatch.setattr(OSFUploader, "is_production", True, raising=False)
    vars(flow.uploader).pop("is_production")
    send = (cited, flow.uploader, flow.package, flow.metadata, True)
    told = depositing.send(*send, confirm=lambda _: False)
    assert told.notes == [depositing.UNCONFIRMED, *OSFUploader.unsent]
    assert "licence, relations and version are not sent to OSF" in told.text()
    assert {one.method for one in double.requests} == {"GET"}
    asked: list[str] = []

    def confirm(question: str) -> bool:
        asked.append(question)
        return True

    depositing.send(*send, confirm=confirm)
    assert len(asked) == 1
    flow.is_complete()
    # A DOI of bytes that stay is not overwritten by that of a project.
    (kept,) = state.read(cited)
    cff = cited.root / citation.FILE
    assert citation.read(cff.read_bytes()).doi == kept.doi
    cff.write_text(CITATION)
    fixed = state.Deposit("https://zenodo.org", "7", doi="10.5281/zenodo.7", state="published")
    state.put(cited, fixed)
    depositing.send(*send, confirm=confirm)
    assert cff.read_text() == CITATION
    state.put(cited, replace(fixed, server="https://sandbox.zenodo.org"), fixed)
    depositing.send(*send, confirm=confirm)
    assert citation.read(cff.read_bytes()).doi == kept.doi


class Killed(BaseException):
    """The process ends."""


def test_a_kill_after_every_request(
    double: Archives, flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run goes on: one deposit, and no file that was complete is sent again."""
    flow.run()
    total, left = len(double.requests), 0
    send = httpx.Client.send

    def counted(client: httpx.Client, *args: Any, **more: Any) -> httpx.Response:
        nonlocal left
        answer = send(client, *args, **more)
        left -= 1
        if left == 0:
            raise Killed
        return answer

    monkeypatch.setattr(httpx.Client, "send", counted)
    for number in range(1, total + 1):
        flow.start()
        left = number
        with pytest.raises(Killed):
            flow.run()
        cut = double.requests[-1]
        flow.run()
        flow.is_complete()
        sent = Counter(one.path for one in double.requests if one.received > 0 and is_content(one))
        twice = [path for path, count in sent.items() if count > 1]
        # Only what had arrived, and was not complete yet, is sent once more.
        assert twice == ([cut.path] if cut.path.endswith("/content") else []), cut


def is_content(request: Seen) -> bool:
    """Tell whether a request uploads a file."""
    return request.method == "PUT" and not request.path.endswith("/draft")


def test_what_is_in_the_draft_besides(cited: Study, double: Archives) -> None:
    """Volumes of an older package are replaced; what is somebody else's is told, or deleted."""
    first = packaged(cited)
    depositing.deposit(cited, first, double.url)
    (one,) = double.records.all.values()
    figures = cited.root / "my-study-figures.zip"
    figures.write_text("by hand")
    tagged = cited.root / "my-study-v1.0.0-data.data-001.zip"
    tagged.write_text("of an older tag")
    git(cited.root, "tag", "v1.0.0-data")
    for path in (cited.root / "in.txt", figures, tagged):
        ZenodoUploader(url=double.url).upload_file(one.id, path)
    figures.unlink()
    tagged.unlink()
    (cited.root / "notes.txt").write_text("more\n")
    study = committed(cited)
    package = packaged(study)
    made = depositing.deposit(study, package, double.url)
    assert (
        made.others == ["in.txt", figures.name]
        and "try: data-versioning deposit --delete" in made.text()
    )
    assert made.notes == [f"the package does not hold its DOI, {made.doi}: make publish"]
    assert files_of(one) == sizes(package) | {"in.txt": 5, figures.name: 7}
    made = depositing.deposit(study, package, double.url, delete_others=True)
    assert made.others == [] and files_of(one) == sizes(package)
    assert "look at it, then: make publish PUBLISH=yes" in made.text()


def test_what_is_not_published(
    cited: Study, double: Archives, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its DOI, without a yes, without a licence for the data, without authors."""
    package = packaged(cited)

    def refused(**more: Any) -> str:
        with pytest.raises(StudyError) as found:
            depositing.deposit(cited, package, double.url, publish=True, **more)
        assert found.value.mend
        return str(found.value)

    assert "does not hold its DOI, 10.5072/zenodo." in refused()
    (kept,) = state.read(cited)
    said = package.manifest["study"]
    said |= {"doi": kept.doi, "data_license": None}
    package.manifest["files"] = [{"path": "data/x.csv", "role": "data", "origin": "dvc:0"}]
    assert refused().startswith("1 file of data without an open licence would be public: data/x")
    said["data_license"] = "CC0-1.0"
    monkeypatch.setattr(ZenodoUploader, "is_production", True)
    assert "is for good, and has to be confirmed" in refused()
    asked: list[str] = []

    def no(question: str) -> bool:
        asked.append(question)
        return False

    made = depositing.deposit(cited, package, double.url, publish=True, confirm=no)
    assert (made.state, made.notes) == ("draft", ["not published: not confirmed"])
    assert asked[0].startswith(f"publish {package.name} (2 files, ") and str(kept.doi) in asked[0]
    made = depositing.deposit(cited, package, double.url, publish=True, confirm=lambda _: True)
    assert made.state == "published"
    package.manifest["anonymous"] = True
    assert refused().startswith("an anonymous package is for reviewers")
    monkeypatch.delenv("INVENIO_TOKEN")
    package.manifest["anonymous"] = False
    host = double.url.removeprefix("http://")
    assert refused() == f"no token for {host}: INVENIO_TOKEN"
    with pytest.raises(StudyError, match=r"no archive is named: study\.yaml: archive\.to"):
        depositing.deposit(cited, package)


def test_what_was_done_by_hand(
    cited: Study, double: Archives, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A draft that was thrown away or published there, a server that was emptied, a broken file."""
    package = packaged(cited)
    archive = ZenodoUploader(url=double.url)
    _, said = waited(
        cited.root / ".dvc/tmp/deposit.lock",
        lambda: depositing.deposit(cited, package, double.url),
        monkeypatch,
    )
    assert said == "waiting for process 4242: it deposits a package\n"
    (first,) = double.records.all
    archive.discard(first)
    archive.discard(first)
    depositing.deposit(cited, package, double.url)
    (second,) = double.records.all
    assert second != first and [one.id for one in state.read(cited)] == [second]
    archive.publish(second)
    package.volumes[0].write_text("other")
    made = depositing.deposit(cited, package, double.url)
    assert [one.state for one in state.read(cited)] == ["published", "draft"]
    assert double.records.all[made.id].parent == double.records.all[second].parent
    double.records.all.clear()
    made = depositing.deposit(cited, package, double.url)
    assert [one.id for one in state.read(cited)] == [made.id]
    file = cited.root / state.STATE
    for broken in ("{", "[]", '{"format": 2}', '{"format": 1, "deposits": [{"server": 1}]}',
                   '{"format": 1, "deposits": [{"server": "", "id": "../1"}]}'):  # fmt: skip
        file.write_text(broken)
        with pytest.raises(StudyError) as found:
            depositing.deposit(cited, package, double.url)
        assert found.value.mend == "git checkout -- deposits.json"


def test_a_draft_is_found_though_the_index_lags(
    cited: Study, double: Archives, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one that came too late is thrown away before the publication."""
    package = packaged(cited)
    double.records.lag = 0.3
    monkeypatch.setattr(rest, "PAUSE", 0.02)
    double.faults.append(Fault("504", "POST", "/records$", after=True))
    depositing.deposit(cited, package, double.url)
    assert len(double.records.all) == 1
    forget(double)
    (cited.root / state.STATE).unlink()
    double.records.lag = 600
    monkeypatch.setattr(rest, "PAUSE", 0)
    double.faults.append(Fault("504", "POST", "/records$", after=True))
    made = depositing.deposit(cited, package, double.url)
    assert len(double.records.all) == 2
    double.records.lag = 0
    package.manifest["study"]["doi"] = made.doi
    assert depositing.deposit(cited, package, double.url, publish=True).state == "published"
    assert list(double.records.all) == [made.id]


def test_what_the_archive_has_is_read_back(
    cited: Study, double: Archives, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sums and metadata, after the publication too."""
    package = packaged(cited)
    package.manifest["study"]["doi"] = depositing.reserve(cited, double.url)
    double.faults.append(Fault("md5", "GET", r"records/\d+/files$"))
    with pytest.raises(StudyError, match=r"has another file than was sent: .*: my-study-"):
        depositing.deposit(cited, package, double.url, publish=True)
    assert [one.state for one in state.read(cited)] == ["published"]
    (one,) = double.records.all.values()
    assert one.published
    one.published.metadata["title"] = "Another title"
    one.published.metadata["creators"] = []
    one.published.metadata["subjects"] = []
    made = depositing.deposit(cited, package, double.url, publish=True)
    assert made.notes == [
        "the archive has otherwise than it was told: title, creators, subjects",
        "DataCite has otherwise than it was told: title, creators",
    ]
    refusal = Fault("answer", "GET", rf"records/{one.id}$", nth=2, status=406, body={})
    double.faults.append(refusal)
    made = depositing.deposit(cited, package, double.url, publish=True)
    assert made.notes[1].startswith("what it registers at DataCite cannot be read: ")
    assert "(406 " in made.notes[1] and double.faults == []


def test_the_token_is_nowhere(
    cited: Study, double: Archives, caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Not in logs, errors, files, what is printed, or requests; not sent on by a redirect."""
    package = packaged(cited)
    caplog.set_level(logging.DEBUG)
    told = []
    body = {"message": f"Bearer {TOKEN} may not", "errors": [{"field": TOKEN, "messages": [TOKEN]}]}
    for fault in (
        Fault("redirect", "POST"), Fault("answer", "PUT", "draft$", status=400, body=body),
        Fault("answer", "PUT", "content", status=403, body=body), Fault("html", "GET", "files$"),
        Fault("429", "POST", "commit", wait="3600"), Fault("500", "POST", "commit", times=99),
        Fault("answer", "GET", "draft$", body={"id": TOKEN, "links": {"self_html": TOKEN}}),
    ):  # fmt: skip
        double.faults[:] = [fault]
        with pytest.raises(StudyError) as found:
            depositing.deposit(cited, package, double.url)
        told.append(f"{found.value!r} {found.value} {found.value.where} {found.value.mend}")
    double.faults.clear()
    assert "points elsewhere (302)" in told[0] and "*** may not" in told[1]
    assert "give the token deposit:write" in told[2]
    assert f"wait 60 minutes, then: make deposit TO={double.url}" in told[4]
    assert "; what has arrived is kept: POST" in told[5]
    made = depositing.deposit(cited, package, double.url)
    uploader = ZenodoUploader(TOKEN, url=double.url)
    echo = {"id": made.id, "links": {"self_html": f"{double.url}/{TOKEN}"}}
    double.faults.append(Fault("answer", "GET", "draft$", body=echo))
    address = uploader.status(made.id).address
    assert address == f"{double.url}/***"
    told += [made.text(), str(made.as_dict()), repr(uploader), repr(uploader._api)]
    written = [path.read_bytes() for path in cited.root.rglob("*") if path.is_file()]
    assert not [one for one in written if TOKEN.encode() in one]
    assert TOKEN not in "\n".join([*told, caplog.text, *capfd.readouterr()])
    assert caplog.text and double.leaks(TOKEN) == []
