"""From a commit to a publication, with a real package, a real replay and an archive's double."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from data_versioning.archive import evidence, publishing
from data_versioning.archive.deposit import depositing, state
from data_versioning.archive.facts import Release
from data_versioning.archive.package import PACKAGES, Package, create_reproducibility_package
from data_versioning.command import capture
from data_versioning.errors import StudyError
from data_versioning.lineage.tracker import LineageTracker
from data_versioning.phases.gate import PhaseGate
from data_versioning.pipeline.manager import reproduce
from data_versioning.study import Study

from tests import archives
from tests.conftest import git
from tests.once import made_once
from tests.unit.conftest import SCIENCE, SETTINGS, Say, copied, edit, start
from tests.unit.small_packages import CITED

TAG = "v2.1.0-published"
NAME = f"my-study-{TAG}"
FILES = {
    "study.yaml": SCIENCE["study.yaml"]
    + """\
archive:
  data_license: CC0-1.0
  claims:
    - {claim: They are not old., output: results/metrics.json}
phases:
  - name: publication
    version: 2.1.0
    suffix: published
    gates: [clean, pipeline, logged, documents, archive]
    documents: [docs/publication.md]
""",
    "docs/publication.md": "# Publication\n\nAs a preprint.\n",
    "README.md": "# Ages\n",
    "CITATION.cff": CITED.decode() + "abstract: How old they are.\nlicense: MIT\n",
    "LICENSE": "MIT\n",
    # Nothing to install, so that an environment costs no more than a folder.
    "pyproject.toml": '[project]\nname = "study"\nversion = "0"\nrequires-python = ">=3.11"\n',
    ".gitignore": "/mlflow.db*\n/mlartifacts/\n/packages/\n.venv/\n/.dvc/tmp\n",
}


@pytest.fixture
def ready(
    tools: None,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Study:
    """A study that lacks nothing but its publication."""

    def make(folder: Path) -> None:
        root = folder / "study"
        root.mkdir()
        start(root, SETTINGS | SCIENCE | FILES)
        (folder / "storage").mkdir()
        capture(["dvc", "remote", "add", "--default", "storage", "../storage"], root)
        capture(["dvc", "add", "--quiet", "data/raw/people.csv"], root)
        capture(["uv", "lock", "--quiet", "--offline"], root)
        save(root, "data: add people")
        reproduce(Study(root), quiet=True)
        save(root, "feat: first results")
        capture(["dvc", "push", "--quiet"], root)

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)  # which MLflow itself sets
    made = made_once(tmp_path_factory, "publishing", make)
    shutil.copytree(made / "storage", tmp_path / "storage")
    return copied(made / "study", tmp_path, monkeypatch)


def save(root: Path, message: str) -> None:
    """Commit everything."""
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", message)


def gate(study: Study) -> tuple[bool | None, str, str]:
    """Return what the gate of the archive finds."""
    found = next(one for one in PhaseGate(study.root).check("publication") if one.gate == "archive")
    return found.ok, found.evidence, found.mend


def test_without_an_archive(ready: Study, say: Say) -> None:
    """A package that was replayed, and the tag; what stands in the way is said before that."""
    root = ready.root
    assert gate(ready) == (False, f"there is no package {PACKAGES}/{NAME}", "make publish")
    status, out, _ = say("publish", "--dry-run")
    assert status == 0 and out.splitlines()[-1] == f"would tag {TAG}"
    status, _, err = say("publish", "--publish", "--dry-run")
    assert status == 1 and "no archive is named to publish in" in err
    status, out, _ = say("package", "v0.1.0-nothing", "--if-results", "--json")
    assert status == 0 and json.loads(out)["state"] == "none"
    status, _, err = say("publish")
    assert status == 1 and "error: it asks before it goes on: no terminal" in err
    with pytest.raises(StudyError, match="not confirmed"):
        publishing.publish(ready, lambda question: False)
    (root / "README.md").write_text("# Edited\n")
    status, _, err = say("publish", "--yes")
    assert status == 1 and "uncommitted changes: README.md" in err
    (root / "docs/publication.md").write_text("# Publication\n\n## Where?\n")
    save(root, "docs: a question")
    status, _, err = say("publish", "--yes")
    assert status == 1 and "is not complete: documents" in err and "Where?" in err
    assert not (root / PACKAGES).exists()
    (root / "docs/publication.md").write_text(FILES["docs/publication.md"])
    save(root, "docs: an answer")

    status, out, err = say("publish", "--yes")
    assert (status, err.count("error")) == (0, 0), err
    assert f"{TAG}: {NAME}" in out and "4 of 4 outputs came out as packaged" in out
    (tag,) = PhaseGate(root).status().done.values()
    held = {one["gate"]: one["evidence"] for one in tag.manifest["gates"]}
    assert "1 of 1 claim reproduced" in held["archive"]
    assert held["archive"].endswith("; no archive is named")
    said = Package.open(root / PACKAGES / NAME).manifest
    assert (said["tag"], said["phase"]) == (TAG, "publication")
    assert (said["commit"], said["runs"]) == (tag.commit, tag.manifest["runs"])
    # Made of the tag, it is the same: the archive and its tag name each other.
    status, out, _ = say("package", TAG)
    assert status == 0 and "(unchanged)" in out
    # A second time there is nothing to ask and nothing to do.
    again = publishing.publish(ready, lambda question: pytest.fail(question))
    assert (again.tag, again.state) == (TAG, "tagged")
    assert git(root, "tag").split() == [TAG]

    (root / PACKAGES / f"{NAME}.replay.json").unlink()
    (root / "notes.txt").write_text("more\n")
    save(root, "docs: more")
    shutil.copytree(root / PACKAGES / NAME, root / PACKAGES / "my-study-v2.1.1-published")
    found = gate(ready)
    assert found[0] is False and found[1].startswith("no package there: ")  # but another's


def test_with_an_archive(
    ready: Study, say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The DOI is in commit, package, tag, runs and lineage; a run that is cut off goes on."""
    root = ready.root
    monkeypatch.setenv("INVENIO_TOKEN", archives.TOKEN)
    with archives.running() as double:
        status, out, err = say("publish", "--to", double.url, "--yes", "--json")
        assert status == 0, err
        (number,) = double.records.all
        noted = json.loads((root / PACKAGES / f"{NAME}.deposit.json").read_text())
        assert noted["server"] == double.url
        doi = f"10.5072/zenodo.{number}"
        assert f'"doi": "{doi}"' in out and '"state": "draft"' in out
        head = git(root, "log", "-1", "--format=%s").strip()
        assert head == f"docs(citation): reserve {doi}"
        (tag,) = PhaseGate(root).status().done.values()
        assert tag.manifest["doi"] == doi
        said = Package.open(root / PACKAGES / NAME).manifest
        assert said["study"]["doi"] == doi
        assert LineageTracker(root).get_lineage("models/model.json").dois == (doi,)
        assert not double.records.all[number].published

        said = {one["gate"]: one["evidence"] for one in tag.manifest["gates"]}
        assert said["archive"].endswith(f"; draft {doi} at {double.url.partition('//')[2]}")
        status, out, _ = say("publish", "--publish", "--dry-run", "--json")
        assert status == 0
        (step,) = json.loads(out)["steps"]
        assert step.startswith(f"make {TAG} public at {double.url}: ")
        status, out, _ = say("deposit", "--reserve", "--dry-run")
        assert status == 0 and out.startswith("would make a draft at")
        assert say("deposit", "--reserve", "--publish")[0] == 2

        # Killed between the publication and the commit of what it came to.
        real = publishing._commit_state
        with monkeypatch.context() as cut:
            cut.setattr(
                publishing, "_commit_state", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
            )
            with pytest.raises(KeyboardInterrupt):
                publishing.publish(ready, lambda question: True, double.url, publish=True)
        assert publishing._commit_state is real
        assert double.records.all[number].published
        assert git(root, "status", "--porcelain").split() == ["M", depositing.STATE]
        # Where the draft is, is known by now.
        status, out, err = say("publish", "--publish", "--yes")
        assert status == 0 and f"published: {doi}" in out, err
        assert git(root, "status", "--porcelain") == ""
        assert [one.state for one in state.read(ready)] == ["published"]
        assert len(double.records.all) == 1 and len(double.calls("PUT", "/content")) == 1
        assert double.leaks(archives.TOKEN) == []
    import mlflow

    client = mlflow.MlflowClient()
    (run,) = tag.manifest["runs"]
    assert client.get_run(run).data.tags["doi"] == doi


def test_what_the_gate_believes(ready: Study) -> None:
    """A replay that came out, of these very bytes; a deposit in the archive that is named."""
    release = Release(TAG, "publication")
    package = create_reproducibility_package(release=release, project_dir=ready.root)
    assert gate(ready)[1] == f"{NAME} was not replayed"
    evidence.note(package, evidence.REPLAY, {"ok": False, "said": "1 of 4 outputs came out"})
    assert gate(ready)[:2] == (False, f"the replay of {NAME}: 1 of 4 outputs came out")
    evidence.note(package, evidence.REPLAY, {"ok": True, "said": "4 of 4 outputs came out"})
    assert gate(ready)[0]
    evidence.note(package, evidence.DEPOSIT, {"said": "draft", "server": "https://example.org"})
    edit(ready.root / "study.yaml", "  data_license", "  to: zenodo-sandbox\n  data_license")
    assert gate(Study(ready.root))[1].endswith("; not in zenodo-sandbox yet")
    noted = ready.root / PACKAGES / f"{NAME}.replay.json"
    noted.write_text(noted.read_text().replace(package.digest, "0" * 64))
    assert gate(ready)[1] == f"{NAME} was not replayed"


def test_a_replay_that_misses(ready: Study, say: Say) -> None:
    """Nothing is tagged, and nothing is uploaded."""
    root = ready.root
    edit(root / "src/train.py", "alpha * sum", "__import__('random').random() * sum")
    reproduce(ready, quiet=True)
    save(root, "feat: a model that nobody can make again")
    capture(["dvc", "push", "--quiet"], root)
    status, _, err = say("publish", "--yes")
    assert status == 1 and "error: the package does not come out the same: 1 of 4 outputs" in err
    assert git(root, "tag") == ""
    assert not (root / depositing.STATE).exists()
