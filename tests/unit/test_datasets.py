"""A dataset as a tag, a commit or a run names it: in a clean folder, verified."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import mlflow
import pytest
import yaml
from data_versioning import DVCTracker, StudyError, fetch_dataset
from data_versioning.cli import main
from data_versioning.hashing import digest
from data_versioning.pipeline.manager import reproduce
from data_versioning.study import Study

from tests.conftest import ROOT, git
from tests.unit.test_tracker import own_remote, write

PEOPLE = "data/raw/people.csv"


def stored(folder: Path, known: str) -> Path:
    """Return the object of a hash in a cache or a remote."""
    return folder / "files/md5" / known[:2] / known[2:]


def recorded(root: Path, path: str, rev: str = "HEAD") -> str:
    """Return the hash that a revision has for tracked data."""
    return str(yaml.safe_load(git(root, "show", f"{rev}:{path}.dvc"))["outs"][0]["md5"])


def damage(path: Path) -> None:
    """Change a byte of a file that is write-protected, and keep its size."""
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    path.chmod(0o444)


def test_versions_by_tag_commit_and_run(
    science: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Files, folders and outputs of stages are what they were, wherever the study is now."""
    root = science.root
    own_remote(root)
    (run,) = mlflow_runs(science)
    git(root, "tag", "v1.0")
    first = (root / PEOPLE).read_text()
    write(root / "data/scans/a/1.txt", "1\n")
    DVCTracker().track_data("data/scans", "data: scans", push=True)
    (root / PEOPLE).unlink()
    write(root / PEOPLE, first.replace("36", "37"))

    # A run on data that is committed only later.
    reproduce(science, quiet=True)
    dirty = next(one for one in mlflow_runs(science) if one != run)
    with pytest.raises(StudyError, match="a version that no commit records"):
        fetch_dataset(PEOPLE, dirty, tmp_path / "never")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "data: mend ada")
    later = git(root, "rev-parse", "HEAD").strip()

    fetched = fetch_dataset(PEOPLE, "v1.0", tmp_path / "old")
    assert (tmp_path / "old/people.csv").read_text() == first
    assert fetched.md5 == digest(tmp_path / "old/people.csv") == recorded(root, PEOPLE, "v1.0")
    assert fetched.commit == git(root, "rev-parse", "v1.0").strip()
    (tmp_path / "made").mkdir()
    argv = ["fetch", "data/scans", "--at", later[:8], "--to", str(tmp_path / "made"), "--json"]
    capsys.readouterr()
    assert main(argv) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["to"] == str(tmp_path / "made/scans")
    assert (tmp_path / "made/scans/a/1.txt").read_text() == "1\n"
    assert fetch_dataset(PEOPLE, run[:8], tmp_path / "run").md5 == fetched.md5
    of_dirty = fetch_dataset(PEOPLE, dirty, tmp_path / "dirty")
    assert (of_dirty.commit, "37" in Path(of_dirty.to).read_text()) == (later, True)
    made = fetch_dataset("models/model.json", run, tmp_path / "model")
    assert digest(Path(made.to)) == made.md5 != digest(root / "models/model.json")

    for path, at, reason in (
        (PEOPLE, "v9", "no such revision, and no such run"),
        (PEOPLE, "0" * 32, "no such revision, and no such run"),
        ("data/scans", "v1.0", "DVC did not keep it at v1.0"),
        ("data/scans/a/1.txt", "HEAD", "DVC did not keep it at HEAD"),
        ("data/scans", run, "did not use it"),
    ):
        with pytest.raises(StudyError, match=reason) as error:
            fetch_dataset(path, at, tmp_path / "never")
        assert error.value.mend
    with pytest.raises(StudyError, match="not an empty folder"):
        fetch_dataset(PEOPLE, "HEAD", tmp_path / "old")
    with pytest.raises(StudyError, match="no such remote"):
        fetch_dataset(PEOPLE, "HEAD", tmp_path / "never", remote="nowhere")
    assert not (tmp_path / "never").exists()
    assert not list(tmp_path.glob(".*.part"))
    assert git(root, "status", "--porcelain") == ""


def mlflow_runs(study: Study) -> list[str]:
    """Return the ids of the study's runs."""
    mlflow.set_tracking_uri(f"sqlite:///{study.root / 'mlflow.db'}")
    return [run.info.run_id for run in mlflow.search_runs(
        search_all_experiments=True, output_format="list"
    )]  # fmt: skip


def test_damage_is_found(
    science: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Damaged bytes of the cache come from the remote; damaged ones of the remote are refused."""
    root = science.root
    storage = own_remote(root)
    for name in "abc":
        write(root / f"data/scans/{name}.txt", f"{name}\n")
    DVCTracker().track_data("data/scans", "data: scans", push=True)
    people = recorded(root, PEOPLE)
    one = digest(root / "data/scans/b.txt")
    cache = root / ".dvc/cache"

    damage(stored(cache, people))
    damage(stored(cache, one))
    assert fetch_dataset(PEOPLE, "HEAD", tmp_path / "1").md5 == people
    assert (tmp_path / "1/people.csv").read_text() == (root / PEOPLE).read_text()
    fetch_dataset("data/scans", "HEAD", tmp_path / "2")
    assert (tmp_path / "2/scans/b.txt").read_text() == "b\n"

    damage(stored(storage, people))
    damage(stored(storage, one))
    for path, known in ((PEOPLE, people), ("data/scans", recorded(root, "data/scans"))):
        with pytest.raises(StudyError, match="damaged in the remote 'storage'") as error:
            fetch_dataset(path, "HEAD", tmp_path / "3")
        assert f"{known[:2]}/{known[2:]}" in str(error.value)
    stored(storage, people).unlink()
    stored(cache, people).unlink()
    with pytest.raises(StudyError, match="not in the remote 'storage'"):
        fetch_dataset(PEOPLE, "HEAD", tmp_path / "3")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "1", "2", "my study", "own storage", "storage"
    ]  # fmt: skip
    assert not list((root / ".dvc/tmp").glob("fetch-*"))


def test_a_killed_fetch_can_be_repeated(science: Study, tmp_path: Path) -> None:
    """Half a dataset is never under the name that was asked for."""
    root = science.root
    call = f"from data_versioning import fetch_dataset; fetch_dataset({PEOPLE!r}, 'HEAD', 'out')"
    command = [sys.executable, "-c", call]
    here = {**os.environ, "PYTHONPATH": str(ROOT / "template/src")}
    killed = subprocess.Popen(command, cwd=root, env=here)
    while not list((root / ".dvc/tmp").glob("fetch-*/config")):
        time.sleep(0.01)
    killed.kill()  # and not the DVC that it has begun
    killed.wait()
    assert not (root / "out").exists()
    subprocess.run(command, cwd=root, env=here, check=True)
    assert not list((root / ".dvc/tmp").glob("fetch-*"))
    assert digest(root / "out/people.csv") == recorded(root, PEOPLE)
    assert not (root / ".out.part").exists()
