"""Tracking data and models: what is committed, what is refused, what comes back."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import dvc.api
import numpy
import pytest
import yaml
from data_versioning import DVCTracker, StudyError
from data_versioning.cli import main
from data_versioning.command import capture
from data_versioning.hashing import digest
from data_versioning.study import Study
from data_versioning.tools.git import commit_only

from tests.conftest import ROOT, git

CONVENTION = (ROOT / "template/.cz.toml").read_text()


def own_remote(root: Path) -> Path:
    """Make `storage` a folder that no other test uses."""
    folder = root.parent / "own storage"
    folder.mkdir()
    write(root / ".dvc/config.local", f"['remote \"storage\"']\n    url = {folder}\n")
    return folder


def committed(root: Path, rev: str = "HEAD") -> list[str]:
    """Return what a commit changed, as git's letters and paths."""
    form = ["show", "--no-renames", "--name-status", "--format=", "-z", rev]
    fields = git(root, *form).strip("\0").split("\0")
    return sorted(" ".join(pair) for pair in zip(fields[::2], fields[1::2], strict=True))


def subject(root: Path) -> str:
    """Return the message of the last commit."""
    return git(root, "log", "-1", "--format=%B").strip()


def write(path: Path, text: str) -> Path:
    """Write a file, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_only_what_tracking_changed_is_committed(study: Study) -> None:
    """What else is staged or edited stays so, also in the files that the commit shares."""
    root = study.root
    write(root / ".cz.toml", CONVENTION)
    write(root / "data/.gitignore", "/scratch\n")
    write(root / "notes.md", "one\n")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "more")
    write(root / "data/.gitignore", "/scratch\n/staged\n")
    write(root / "notes.md", "two\n")
    git(root, "add", "data/.gitignore", "notes.md")
    write(root / "notes.md", "three\n")
    write(root / "data/.gitignore", "/scratch\n/staged\n/edited\n")
    write(root / "in.txt", "edited\n")
    write(root / "loose.txt", "untracked\n")
    write(root / "data/training.csv", "a,b\n")

    done = DVCTracker(project_dir=".").track_data(
        path="data/training.csv", message="Add training dataset v1.0"
    )

    assert committed(root) == ["A data/training.csv.dvc", "M data/.gitignore"]
    assert git(root, "show", "HEAD:data/.gitignore") == "/scratch\n/training.csv\n"
    assert git(root, "show", ":data/.gitignore") == "/scratch\n/staged\n/training.csv\n"
    assert (root / "data/.gitignore").read_text() == "/scratch\n/staged\n/edited\n/training.csv\n"
    assert git(root, "show", ":notes.md") == "two\n"
    assert git(root, "diff", "--cached", "--name-only").split() == ["data/.gitignore", "notes.md"]
    changed = ["data/.gitignore", "in.txt", "notes.md"]
    assert git(root, "diff", "--name-only").split() == changed
    assert git(root, "ls-files", "--others", "--exclude-standard").split() == ["loose.txt"]
    assert subject(root) == "data: Add training dataset v1.0"
    assert done.commit == git(root, "rev-parse", "HEAD").strip()
    assert (done.path, done.size, done.files, done.pushed) == ("data/training.csv", 4, 1, False)
    assert done.md5 == digest(root / "data/training.csv")
    assert not list((root / ".git").glob("data-versioning-*"))


def test_versions_of_a_file_and_a_folder(science: Study) -> None:
    """A path is updated; one that did not change makes no commit; everything can be pushed."""
    root = science.root
    tracker = DVCTracker(remote="storage")
    first = tracker.track_data("data/raw/people.csv", "data: the same")
    assert first.commit is None
    assert first.md5 == digest(root / "data/raw/people.csv")

    for number in range(3):
        write(root / f'data/scans/été {number}/-scan\'s "{number}".txt', f"{number}\n")
    folder = tracker.track_data("data/scans", "data(scans): add three", push=True)
    assert (folder.files, folder.size, folder.pushed) == (3, 6, True)
    assert folder.md5 == digest(root / "data/scans")
    assert subject(root) == "data(scans): add three"
    write(root / "data/scans/more.txt", "4\n")
    again = tracker.track_data(root / "data/scans", "data: add one", push=True)
    assert (again.files, again.commit is None, again.md5 == folder.md5) == (4, False, False)
    assert committed(root) == ["M data/scans.dvc"]
    assert tracker.status() == {
        key: [] for key in ("modified", "missing", "uncommitted", "unpushed")
    }

    write(root / "-v1 é's.csv", "x\n")
    assert tracker.track_data("-v1 é's.csv", "-m is no option").files == 1
    assert subject(root) == "-m is no option"
    assert committed(root) == ["A -v1 é's.csv.dvc", "M .gitignore"]
    write(root / "data/scans/more.txt", "5\n")
    (root / "data/raw/people.csv").unlink()
    status = tracker.status()
    assert status["missing"] == ["data/raw/people.csv"]
    assert "data/scans/more.txt" in status["modified"]
    assert status["unpushed"] == ["-v1 é's.csv"]
    json.dumps(status)


def test_add_then_commit(study: Study) -> None:
    """The two halves of `track_data` do what it does, for all that was added between."""
    root = study.root
    tracker = DVCTracker()
    with pytest.raises(StudyError, match="nothing was added"):
        tracker.commit("data: nothing")
    write(root / "data/imagenet.tar.gz", "bytes\n")
    write(root / "data/other.txt", "bytes\n")
    write(root / "notes.md", "staged\n")
    write(root / ".gitignore", (root / ".gitignore").read_text() + "*.txt\n!other.txt\n")
    git(root, "commit", "--quiet", "--all", "--message", "ignore")
    git(root, "add", "notes.md")
    tracker.add("data/imagenet.tar.gz")
    tracker.add("data/other.txt")
    commit = tracker.commit("data: add ImageNet dataset")
    assert commit == git(root, "rev-parse", "HEAD").strip()
    assert committed(root) == [
        "A data/.gitignore", "A data/imagenet.tar.gz.dvc", "A data/other.txt.dvc"
    ]  # fmt: skip
    assert git(root, "status", "--porcelain").split() == ["A", "notes.md"]
    with pytest.raises(StudyError, match="nothing was added"):
        tracker.commit("data: nothing")


def test_what_git_tracks_is_moved_over(study: Study) -> None:
    """A file and a folder of git's become DVC's in one commit, edits and staged ones included."""
    root = study.root
    for name in ("a.csv", "many/1", "many/2"):
        write(root / f"data/{name}", "first\n")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "in git")
    write(root / "data/many/1", "staged\n")
    git(root, "add", "--all")
    write(root / "data/many/1", "edited\n")
    write(root / "data/many/new", "new\n")

    assert main(["track-data", "data/a.csv", "data/many", "-m", "move", "--json"]) == 0

    assert committed(root) == [
        "A data/.gitignore", "A data/a.csv.dvc", "A data/many.dvc",
        "D data/a.csv", "D data/many/1", "D data/many/2",
    ]  # fmt: skip
    assert git(root, "status", "--porcelain") == ""
    assert (root / "data/many/1").read_text() == "edited\n"
    assert yaml.safe_load((root / "data/many.dvc").read_text())["outs"][0]["nfiles"] == 3


def test_refusals(science: Study, tmp_path: Path) -> None:
    """What cannot be tracked is refused with a mend, and nothing changes."""
    root = science.root
    outside = write(tmp_path / "elsewhere/x.csv", "x\n")
    (root / "way-out").symlink_to(outside.parent)
    (root / "link.csv").symlink_to(outside)
    (root / "inner.csv").symlink_to(root / "params.yaml")
    (root / "empty").mkdir()
    write(root / "empty.csv", "")
    write(root / "private/x.csv", "x\n")
    write(root / "x.log", "x\n")
    write(root / "x.skip", "x\n")
    write(root / "two\nlines", "x\n")
    write(root / "blank ", "x\n")
    write(root / "images/1.png", "x\n")
    write(root / ".gitignore", (root / ".gitignore").read_text() + "private/\n*.log\n")
    write(root / ".dvcignore", "*.skip\n")
    DVCTracker().track_data("images", "data: add images")
    before = git(root, "rev-parse", "HEAD"), git(root, "status", "--porcelain")
    for path, reason in {
        "../elsewhere/x.csv": "outside the study",
        str(outside): "outside the study",
        "way-out/x.csv": "outside the study",
        "link.csv": "a link to",
        "inner.csv": "a link to",
        "nowhere.csv": "no such file or folder",
        "empty": "empty",
        "empty.csv": "empty",
        "private": "git ignores it, because of 'private/'",
        "private/x.csv": "git ignores it, because of 'private/'",
        "x.log": r"git ignores it, because of '\*.log'",
        "x.skip": r"ignored by .dvcignore",
        "two\nlines": "a line break",
        "blank ": "a blank at the end",
        "models/model.json": "the pipeline makes models/model.json",
        "models": "the pipeline makes models/model.json",
        "data": "the pipeline makes data/prepared.csv",
        "data/raw": "DVC tracks data/raw/people.csv already",
        "images/1.png": "DVC tracks images already",
        "images.dvc": "this is not data",
        "dvc.lock": "this is not data",
        ".git": "this is not data",
        ".": "this is not data",
    }.items():
        with pytest.raises(StudyError, match=reason) as refused:
            DVCTracker().track_data(path, "data: try")
        assert refused.value.mend, path
        after = git(root, "rev-parse", "HEAD"), git(root, "status", "--porcelain")
        assert after == before, path
    with pytest.raises(StudyError, match="empty message"):
        DVCTracker().track_data("images", " ")
    with pytest.raises(StudyError, match="no such remote"):
        DVCTracker(remote="nowhere").push()


def test_a_study_in_a_folder_of_a_repository(
    tools: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files of git that hide data are found from the top of the repository."""
    root = tmp_path / "sub"
    write(root / "study.yaml", "")
    write(tmp_path / ".gitignore", "*.log\n")
    git(tmp_path, "init", "--quiet")
    capture(["dvc", "init", "--quiet", "--subdir"], root)
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "start")
    monkeypatch.chdir(root)
    for text in ("x\n", "y\n"):
        write(root / "data/raw/x.csv", text)
        DVCTracker().track_data("data/raw/x.csv", "data: x")
    assert git(tmp_path, "show", "HEAD:sub/data/raw/.gitignore") == "/x.csv\n"
    assert git(tmp_path, "status", "--porcelain") == ""
    write(root / "x.log", "x\n")
    with pytest.raises(StudyError, match=r"because of '\*\.log' in \.\./\.gitignore: x\.log"):
        DVCTracker().track_data("x.log", "data: try")
    lock = write(tmp_path / ".git/index.lock", "")
    write(root / "data/raw/x.csv", "z\n")
    with pytest.raises(StudyError, match=f"another git is at work, or was killed: {lock}") as error:
        commit_only(root, ["study.yaml"], "x")
    assert f"rm {lock}" in error.value.mend


def test_what_would_be_done(science: Study, capsys: pytest.CaptureFixture[str]) -> None:
    """`--dry-run` says it and does nothing."""
    root = science.root
    own_remote(root)
    write(root / ".cz.toml", CONVENTION)
    write(root / "data/x.csv", "x\n")
    before = git(root, "status", "--porcelain"), git(root, "rev-parse", "HEAD")
    argv = ["track-data", "data/x.csv", "-m", "Add x\nand why", "--push"]
    assert main([*argv, "--dry-run"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[:2] == ["would track data/x.csv", "would commit as: data: Add x"]
    assert "would send it to storage" in said
    assert "would send data/raw/people.csv to storage" in said
    assert (git(root, "status", "--porcelain"), git(root, "rev-parse", "HEAD")) == before
    assert main([*argv, "--json"]) == 0
    (done,) = json.loads(capsys.readouterr().out)
    assert done["pushed"] is True
    assert subject(root) == "data: Add x\n\nand why"
    assert main(["track-data", "data/x.csv", "-m", "again"]) == 0
    assert "nothing had changed" in capsys.readouterr().out
    assert main(["track-data", "nowhere", "-m", "x"]) == 1
    assert "try: " in capsys.readouterr().err


PIPELINE = """\
# The pipeline of the study.
stages:
  copy: # one stage
    cmd: cp in.txt out.txt
    deps: [in.txt]
    outs: [out.txt]
"""


def test_model_metadata(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    """Metrics, parameters and tags are in git with the model, for people and for DVC."""
    root = study.root
    write(root / ".cz.toml", CONVENTION)
    write(root / "dvc.yaml", PIPELINE)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "pipeline")
    write(root / "dvc.yaml", PIPELINE.replace("cp in.txt", "cp  -p in.txt"))  # not finished yet
    write(root / "models/resnet50_v1.0.pt", "weights\n")
    tracker = DVCTracker()
    done = tracker.track_model(
        path="models/resnet50_v1.0.pt",
        metrics={"accuracy": numpy.float32(0.5), "inference_time_ms": 15},
        params={"architecture": "resnet50", "pretrained": True, "layers": (1, 2)},
        tags=["production", "v1.0"],
    )
    assert done.files == 1
    assert subject(root) == "data: track model resnet50_v1-0"
    assert committed(root) == [
        "A models/.gitignore", "A models/resnet50_v1.0.pt.dvc", "M dvc.yaml"
    ]  # fmt: skip
    text = git(root, "show", "HEAD:dvc.yaml")
    assert text.startswith(PIPELINE)
    assert yaml.safe_load(text)["artifacts"] == {
        "resnet50_v1-0": {
            "path": "models/resnet50_v1.0.pt",
            "type": "model",
            "labels": ["production", "v1.0"],
            "meta": {
                "metrics": {"accuracy": 0.5, "inference_time_ms": 15},
                "params": {"architecture": "resnet50", "pretrained": True, "layers": [1, 2]},
            },
        }
    }
    assert git(root, "diff", "--name-only").split() == ["dvc.yaml"]
    assert "cp  -p in.txt" in (root / "dvc.yaml").read_text()
    assert git(root, "diff", "--cached", "--name-only") == ""
    git(root, "tag", "--annotate", "resnet50_v1-0@v1.0.0", "--message", "version")
    assert dvc.api.artifacts_show("resnet50_v1-0") == {
        "rev": done.commit,
        "path": "models/resnet50_v1.0.pt",
    }

    # The name that is in dvc.yaml stays; what another model scored goes.
    write(root / "models/resnet50_v1.0.pt", "other weights\n")
    argv = ["track-model", "models/resnet50_v1.0.pt", "--metric", "f1=0.25", "--tag", "new"]
    assert main([*argv, "-m", "feat(model): train on", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["md5"] == digest(root / done.path)
    (model,) = yaml.safe_load(git(root, "show", "HEAD:dvc.yaml"))["artifacts"].values()
    assert model["labels"] == ["production", "v1.0", "new"]
    assert model["meta"] == {"metrics": {"f1": 0.25}, "params": {}}
    assert main([*argv, "--metric", "f1"]) == 1
    assert "not of the form name=value" in capsys.readouterr().err

    # A taken name gets the folder in front.
    write(root / "more/resnet50_v1.0.pt", "third\n")
    tracker.track_model("more/resnet50_v1.0.pt", message="chore: third")
    assert "more-resnet50_v1-0" in yaml.safe_load((root / "dvc.yaml").read_text())["artifacts"]


def test_a_model_that_the_pipeline_makes(science: Study) -> None:
    """Only what is known of it is written and committed."""
    root = science.root
    done = DVCTracker().track_model("models/model.json", {"accuracy": 0.4}, message="data: note")
    assert committed(root) == ["M dvc.yaml"]
    assert done.md5 == digest(root / "models/model.json")
    text = (root / "dvc.yaml").read_text()
    before = git(root, "show", "HEAD~1:dvc.yaml")
    assert text.startswith(before)
    assert yaml.safe_load(text)["artifacts"]["model"]["meta"] == {"metrics": {"accuracy": 0.4}}
    assert git(root, "status", "--porcelain") == ""
    again = DVCTracker().track_model("models/model.json", tags=["kept"], message="data: note")
    known = yaml.safe_load((root / "dvc.yaml").read_text())["artifacts"]["model"]
    assert (known["labels"], known["meta"]["metrics"]) == (["kept"], {"accuracy": 0.4})
    assert again.commit != done.commit


@pytest.fixture
def versions(science: Study) -> Study:
    """A study whose tag v1.0 has people and old; the current commit has new people, and later."""
    root = science.root
    own_remote(root)
    tracker = DVCTracker()
    write(root / "data/old/1.txt", "1\n")
    write(root / "data/old/2.txt", "2\n")
    tracker.track_data("data/old", "data: old", push=True)
    git(root, "tag", "--annotate", "v1.0", "--message", "first")
    write(root / "data/old/2.txt", "two\n")
    write(root / "data/old/3.txt", "3\n")
    write(root / "data/later.txt", "later\n")
    people = root / "data/raw/people.csv"
    people.chmod(0o644)
    people.write_text(people.read_text() + "emmy,30\n")
    tracker.track_all(["data/old", "data/later.txt", "data/raw/people.csv"], "data: later", True)
    return science


def contents(root: Path) -> dict[str, str]:
    """Return what the data files hold."""
    files = [path for path in (root / "data").rglob("*") if path.is_file()]
    kept = [path for path in files if path.suffix in {".txt", ".csv"}]
    return {path.relative_to(root).as_posix(): path.read_text() for path in sorted(kept)}


def test_checkout_of_a_version_and_back(versions: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """Data becomes what it was, from the remote where the cache lacks it; HEAD brings it back."""
    root = versions.root
    now = contents(root)
    head = git(root, "rev-parse", "HEAD")
    write(root / "notes.md", "staged\n")
    git(root, "add", "notes.md")
    shutil.rmtree(root / ".dvc/cache/files")
    capture(["dvc", "fetch", "--quiet"], root)  # today's; yesterday's is only in the remote
    tracker = DVCTracker()
    changed = tracker.checkout_version(tag="v1.0")
    assert changed == ["data/later.txt", "data/old", "data/raw/people.csv"]
    then = contents(root)
    assert then.keys() == now.keys() - {"data/later.txt", "data/old/3.txt"}
    assert then["data/old/2.txt"] == "2\n"
    assert "emmy" not in then["data/raw/people.csv"]
    assert not os.access(root / "data/raw/people.csv", os.W_OK) or os.geteuid() == 0
    assert git(root, "rev-parse", "HEAD") == head
    assert git(root, "diff", "--cached", "--name-only").split() == ["notes.md"]
    assert tracker.checkout_version(tag="v1.0") == []
    assert main(["checkout-version", "HEAD"]) == 0
    assert contents(root) == now
    assert git(root, "status", "--porcelain").split() == ["A", "notes.md"]

    monkeypatch.chdir(root / "src")  # as a notebook is in a folder, too
    assert tracker.checkout_version(rev="v1.0", paths=["data/old"]) == ["data/old"]
    assert (root / "data/old/2.txt").read_text() == "2\n"
    assert not (root / "data/old/3.txt").exists()
    assert (root / "data/later.txt").exists()
    # Where DVC does not know that it put the data there.
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(root.parent / "new"))
    tracker.checkout_version(tag="v1.0")
    assert contents(root) == then
    # Before the first reproduction: the outputs of the pipeline go, and come back.
    tracker.checkout_version(rev=git(root, "rev-list", "HEAD").split()[-1])
    assert not (root / "models/model.json").exists()
    assert "emmy" not in contents(root)["data/raw/people.csv"]
    assert (root / "results/metrics.json").exists()  # which git keeps
    # Data that DVC has no hash of, as of some imports, stays.
    tracker.checkout_version(rev="HEAD")
    write(root / "data/import.txt", "precious\n")
    write(root / "data/import.txt.dvc", "outs:\n- path: import.txt\n")
    git(root, "add", "data/import.txt.dvc")
    git(root, "commit", "--quiet", "--message", "import")
    tracker.checkout_version(tag="v1.0")
    assert contents(root) == {**then, "data/import.txt": "precious\n"}


def test_checkout_loses_nothing(versions: Study) -> None:
    """What no commit knows is not replaced, and what cannot be had leaves all as it was."""
    root = versions.root
    tracker = DVCTracker()

    def refused(reason: str, **arguments: Any) -> None:
        before = contents(root), git(root, "status", "--porcelain")
        with pytest.raises(StudyError, match=reason) as error:
            tracker.checkout_version(**arguments)
        assert error.value.mend
        assert (contents(root), git(root, "status", "--porcelain")) == before

    refused("either a tag or a revision")
    refused("either a tag or a revision", tag="v1.0", rev="HEAD")
    refused("no such revision", tag="HEAD")
    refused("did not track it then", tag="v1.0", paths=["data/later.txt"])
    refused("the pipeline makes it", tag="v1.0", paths=["models/model.json"])
    # Edited data, a new file in a folder, pointers that no commit has.
    write(root / "data/later.txt", "precious\n")
    refused("changed on disk since", tag="v1.0")
    capture(["dvc", "add", "--quiet", "data/later.txt"], root)
    refused("not committed", tag="v1.0")
    tracker.track_data("data/later.txt", "data: keep")
    write(root / "data/old/precious.txt", "4\n")
    refused("changed on disk since", tag="v1.0")
    (root / "data/old/precious.txt").unlink()
    # A checkout that was killed between the pointers and the data.
    git(root, "restore", "--source=v1.0", "--worktree", "--", "data/old.dvc")
    tracker.checkout_version(rev="HEAD")
    assert git(root, "status", "--porcelain") == ""
    assert (root / "data/old/3.txt").exists()
    # Neither in the cache nor in the remote.
    known = yaml.safe_load(git(root, "show", "v1.0:data/raw/people.csv.dvc"))["outs"][0]["md5"]
    for store in (root / ".dvc/cache", root.parent / "own storage"):
        (store / "files/md5" / known[:2] / known[2:]).unlink(missing_ok=True)
    refused("some data is not there|neither in the cache", tag="v1.0")
