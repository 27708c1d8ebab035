"""Is everything pushed, is everything logged, where does the study stand."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.request import urlopen

import pytest
from data_versioning import check_dvc_status, check_experiment_logging, doctor
from data_versioning.cli import main
from data_versioning.command import capture
from data_versioning.errors import StudyError
from data_versioning.experiments.run_search import search
from data_versioning.experiments.runs import log_reproduction
from data_versioning.experiments.store import setup_mlflow
from data_versioning.health.push_status import Unpushed
from data_versioning.health.status import status, text
from data_versioning.study import Study
from data_versioning.tools import dvc_files
from mlflow import MlflowClient

from tests import servers
from tests.conftest import git
from tests.servers import free_port
from tests.unit.conftest import SCIENCE

LOOP = """
  score:
    foreach: [a, b]
    do:
      cmd: mkdir -p scores && cd scores && echo ${item} | tee ${item}.json > ${item}.txt
      wdir: notes
      outs:
        - scores/${item}.txt
      metrics:
        - scores/${item}.json:
            cache: false
  scratch:
    cmd: echo scratch > scratch.txt && echo elsewhere > elsewhere.txt
    outs:
      - scratch.txt:
          push: false
      - elsewhere.txt:
          remote: second
"""


@pytest.fixture
def pushed(science: Study, tmp_path: Path) -> Study:
    """The study, with all of its data in a remote of its own, `storage`."""
    storage = tmp_path / "storage"
    shutil.rmtree(storage, ignore_errors=True)
    shutil.copytree(science.root / ".dvc/cache/files", storage / "files")
    capture(["dvc", "remote", "modify", "storage", "url", str(storage)], science.root)
    save(science.root, "chore: a remote of its own")
    return science


def save(root: Path, message: str) -> None:
    """Commit everything."""
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", message)


def follow(*mends: str) -> None:
    """Run commands that a check proposed."""
    for mend in mends:
        verb = mend.removeprefix("python -m data_versioning ")
        assert main(shlex.split(verb)) in (0, 1)


def cache_file(folder: Path, md5: str) -> Path:
    """Return the file of an object in a remote or the cache."""
    return folder / "files/md5" / md5[:2] / md5[2:]


def forget(folder: Path, md5: str) -> None:
    """Delete an object from a remote or the cache."""
    path = cache_file(folder, md5)
    path.chmod(0o644)
    path.unlink()


def found(remote: str | None = None) -> dict[str, Unpushed]:
    """Return what is not pushed, by path."""
    status = check_dvc_status(remote=remote)
    assert bool(status) == (not status.unpushed)
    return {one.path: one for one in status.unpushed}


def test_what_any_revision_refers_to_is_looked_for(
    pushed: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each path of equal bytes, each file of a folder, branches, tags; not what git keeps."""
    root, storage, cache = pushed.root, tmp_path / "storage", pushed.root / ".dvc/cache"
    assert main(["check-remote"]) == 0
    assert capsys.readouterr().out == "everything is in storage: 4 files and folders\n"

    photos = root / "data/raw/my photos"
    photos.mkdir()
    (photos / "a").write_text("a\n")
    (photos / "b").write_text("b\n")
    shutil.copy(root / "data/raw/people.csv", root / "data/raw/copy.csv")
    capture(["dvc", "add", "-q", "data/raw/my photos", "data/raw/copy.csv"], root)
    save(root, "data: photos")
    lacking = found()
    assert lacking.keys() == {"data/raw/my photos"}  # the bytes of copy.csv are there
    assert lacking["data/raw/my photos"].files == 3
    assert lacking["data/raw/my photos"].revisions == ("work tree", "main")
    capture(["dvc", "push", "-q"], root)
    assert found() == {}
    capture(["dvc", "status", "-c"], root)  # fills DVC's index of what it believes to be there
    people = "cbf864b5ebc9e3aa107ae27fad5bd88d"
    b = "3b5d5c3712955042212316173ccf37be"
    forget(storage, people)
    forget(storage, b)
    lacking = found()
    assert lacking.keys() == {"data/raw/my photos", "data/raw/copy.csv", "data/raw/people.csv"}
    assert (lacking["data/raw/my photos"].files, lacking["data/raw/my photos"].lost) == (1, 0)
    assert json.loads(capture(["dvc", "status", "--cloud", "--json"], root)).keys() == {
        "data/raw/people.csv"
    }  # DVC names one path a hash, and takes the files of a folder for granted
    shutil.copy(cache_file(cache, people), tmp_path / "people")
    forget(cache, people)
    status = check_dvc_status()
    assert {one.path: one.lost for one in status.unpushed} == {
        "data/raw/my photos": 0,
        "data/raw/copy.csv": 1,
        "data/raw/people.csv": 1,
    }
    follow(*status.mends)
    assert found().keys() == {"data/raw/copy.csv", "data/raw/people.csv"}
    assert check_dvc_status().mends == []  # nothing here to send
    shutil.move(tmp_path / "people", cache_file(cache, people))
    assert main(["check-remote", "--send"]) == 0

    git(root, "checkout", "-q", "-b", "feature/other")
    for number in range(2):
        (photos / "a").unlink()
        (photos / "a").write_text(f"another {number}\n")
        capture(["dvc", "add", "-q", "data/raw/my photos"], root)
        save(root, "data: others")
        git(root, "tag", f"light{number}")
    git(root, "tag", "-a", "-m", "all", "annotated")
    git(root, "update-ref", "refs/remotes/origin/theirs", "HEAD")
    git(root, "checkout", "-q", "main")
    git(root, "checkout", "-q", "--detach")
    capture(["dvc", "checkout", "-q", "--force"], root)
    status = check_dvc_status()
    assert [(one.path, one.files, sorted(one.revisions)) for one in status.unpushed] == [
        ("data/raw/my photos", 2, ["annotated", "feature/other", "light1", "origin/theirs"]),
        ("data/raw/my photos", 2, ["light0"]),
    ]
    capsys.readouterr()
    assert main(["check-remote", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert [one["path"] for one in said["unpushed"]] == ["data/raw/my photos"] * 2
    assert main(["check-remote"]) == 1
    out = capsys.readouterr().out
    (mend,) = (line.removeprefix("try: ") for line in out.splitlines() if line.startswith("try: "))
    follow(mend)
    assert found() == {}


def test_older_versions_are_counted(pushed: Study, capsys: pytest.CaptureFixture[str]) -> None:
    """What only older commits refer to is a note; its mend sends it."""
    root = pushed.root
    photos = root / "data/raw/photos"
    photos.mkdir()
    for number in range(4):
        (photos / "a").unlink(missing_ok=True)
        (photos / "a").write_text(f"{number}\n")
        capture(["dvc", "add", "-q", "data/raw/photos"], root)
        save(root, f"data: {number}")
        if number == 0:
            git(root, "tag", "v1.0")
    assert main(["push", "storage"]) == 0
    capture(["dvc", "push", "-q", "--all-tags"], root)
    capsys.readouterr()
    assert main(["check-remote"]) == 0
    out = capsys.readouterr().out
    assert out == (
        "everything is in storage: 6 files and folders\n"
        "note: 2 older versions are on this machine only; send them: "
        "python -m data_versioning check-remote --send\n"
    )
    assert main(["check-remote", "storage", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["older"]) == 2
    (note,) = (one for one in doctor(offline=True) if one.id.startswith("DV2"))
    assert (note.id, note.where) == ("DV215", "2 versions, which no branch or tag ends at")
    follow(note.mend)
    assert check_dvc_status().older == ()

    assert main(["checkout-version", "v1.0", "data/raw/photos"]) == 0
    assert "data      at an older version: data/raw/photos.dvc" in text(status())
    (back,) = (one for one in doctor(offline=True) if one.id == "DV209")
    assert back.where.startswith("data/raw/photos.dvc is at an older version")
    follow(back.mend)
    assert not status().dirty
    assert (photos / "a").read_text() == "3\n"


def test_what_is_not_to_be_pushed_there_is_left_out(pushed: Study, tmp_path: Path) -> None:
    """`cache: false` in a loop and a working folder, `push: false`, another remote, imports."""
    root = pushed.root
    (root / "dvc.yaml").write_text(SCIENCE["dvc.yaml"] + LOOP)
    (root / "notes").mkdir()
    second = tmp_path / "second"
    second.mkdir()
    capture(["dvc", "remote", "add", "second", str(second)], root)
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    capture(["dvc", "init", "-q"], other)
    (other / "theirs.txt").write_text("theirs")
    capture(["dvc", "add", "-q", "theirs.txt"], other)
    save(other, "data: theirs")
    capture(["dvc", "import", "-q", str(other), "theirs.txt"], root)
    capture(["dvc", "repro", "-q"], root)
    save(root, "feat: more")
    lacking = found()
    assert {path: one.remote for path, one in lacking.items()} == {
        "notes/scores/a.txt": "storage",
        "notes/scores/b.txt": "storage",
        "elsewhere.txt": "second",
    }
    assert found("second")["notes/scores/a.txt"].remote == "second"
    capture(["dvc", "push", "-q"], root)
    assert found() == {}


def test_object_storage_is_listed(pushed: Study, tmp_path: Path) -> None:
    """An S3 server is asked; one file that it lost is named."""
    root, buckets, port = pushed.root, tmp_path / "buckets", free_port()
    (buckets / "study").mkdir(parents=True)
    capture(["dvc", "remote", "modify", "storage", "url", "s3://study/data"], root)
    for option, value in (
        ("endpointurl", f"http://127.0.0.1:{port}"),
        ("access_key_id", servers.S3_KEY),
        ("secret_access_key", servers.S3_SECRET),
    ):
        capture(["dvc", "remote", "modify", "--local", "storage", option, value], root)
    with servers.s3(buckets, port):
        assert len(found()) == 4
        capture(["dvc", "push", "-q"], root)
        assert found() == {}
    forget(buckets / "study/data", "cbf864b5ebc9e3aa107ae27fad5bd88d")
    with servers.s3(buckets, port):  # another, because it remembers listings
        assert found().keys() == {"data/raw/people.csv"}
        assert main(["check-remote", "--send"]) == 0


def test_a_remote_that_cannot_be_asked_is_an_error(pushed: Study, tmp_path: Path) -> None:
    """None at all, an unknown one, a drive that is not mounted, a server that is down."""
    root = pushed.root
    with pytest.raises(StudyError, match="no such remote: 'other'"):
        check_dvc_status(remote="other")
    capture(["dvc", "remote", "modify", "storage", "url", str(tmp_path / "drive/storage")], root)
    with pytest.raises(StudyError, match="could not be asked: there is no folder") as refused:
        check_dvc_status()
    assert "mount its drive" in refused.value.mend
    assert refused.value.__notes__ == [f"try: {refused.value.mend}"]  # what a traceback shows
    capture(["dvc", "remote", "modify", "storage", "url", "s3://bucket/here"], root)
    for option in ("access_key_id", "secret_access_key"):
        capture(["dvc", "remote", "modify", "--local", "storage", option, "secretvalue"], root)
    capture(["dvc", "remote", "modify", "storage", "endpointurl", "http://127.0.0.1:9"], root)
    with pytest.raises(StudyError, match="could not be asked: it does not answer") as refused:
        check_dvc_status(root / "data")
    assert "secretvalue" not in f"{refused.value} {refused.value.mend}"
    capture(["dvc", "remote", "remove", "--local", "storage"], root)
    capture(["dvc", "remote", "remove", "storage"], root)
    with pytest.raises(StudyError, match="no remote is configured"):
        check_dvc_status()
    (root / "dvc.lock").write_text("stages: [\n")
    with pytest.raises(StudyError, match=r"not valid YAML .*dvc\.lock"):
        check_dvc_status()


def test_runs_that_want_attention_are_named(
    pushed: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    """Failed, killed, dead, dirty, without metrics, of an unknown commit, in `Default`."""
    root = pushed.root
    assert main(["check-runs"]) == 0
    assert "nothing is wrong" in capsys.readouterr().out
    experiment = setup_mlflow(pushed)
    client = MlflowClient()
    head = git(root, "rev-parse", "HEAD").strip()

    def run(status: str, where: str = experiment, metrics: int = 1, **tags: str) -> str:
        tags = {key.replace("_", "."): value for key, value in tags.items()}
        run_id = str(client.create_run(where, tags={"git.commit": head} | tags).info.run_id)
        for number in range(metrics):
            client.log_metric(run_id, f"m{number}", 1.0)
        if status != "RUNNING":
            client.set_terminated(run_id, status)
        return run_id

    failed = run("FAILED", metrics=0, failed_stage="train")
    killed = run("KILLED")
    empty = run("FINISHED", metrics=0)
    dirty = run("FINISHED", git_dirty="true")
    strange = run("FINISHED", git_commit="1" * 40)
    lost = run("FINISHED", where="0")
    fine = run("FINISHED", metrics=3)
    assert {failed, killed}.isdisjoint(one.run_id for one in check_experiment_logging().findings)
    dead = run("RUNNING")
    found = check_experiment_logging()
    assert not found
    assert {one.run_id: one.what for one in found.findings if one.run_id != dead} == {
        empty: "has no metrics",
        dirty: "ran on uncommitted changes, and no commit holds its results",
        strange: "its commit 11111111 is not in this repository",
        lost: "is in the experiment Default, not in the study's own",
    }
    runs = {one["run_id"]: one for one in found.runs}
    assert (runs[fine]["metrics"], runs[fine]["status"], runs[fine]["dirty"]) == (
        3,
        "FINISHED",
        False,
    )
    assert (runs[dirty]["dirty"], runs[lost]["experiment"]) == (True, "Default")
    assert runs[fine]["commit"] == head
    (unfinished,) = (one for one in found.findings if one.run_id == dead)
    assert unfinished.what.startswith(f"unfinished since {runs[dead]['started'][:16]}")
    assert found.dead == (dead,)
    assert len(check_experiment_logging(limit=3).runs) == 3

    holding = (
        "import sqlite3, time; store = sqlite3.connect('mlflow.db')\n"
        "store.execute('PRAGMA user_version'); print(flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holding], cwd=root, stdout=subprocess.PIPE
    ) as worker:
        assert worker.stdout
        worker.stdout.readline()
        assert not check_experiment_logging().dead  # a process works on it
        worker.kill()
    assert check_experiment_logging().dead == (dead,)
    assert main(["check-runs", "--close"]) == 1
    assert client.get_run(dead).info.status == "KILLED"
    capsys.readouterr()
    assert main(["check-runs", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert {"run_id": dead, "what": "killed", "mend": "make repro"} in said["findings"]
    assert all(one["mend"] for one in said["findings"])
    for one in said["findings"]:
        if "mlflow" in one["mend"]:
            command = shlex.split(one["mend"].rpartition("or: ")[2])
            capture([sys.executable, *command[1:]], root)
    run("FINISHED", git_dirty="true", dvc_lock_sha256=str(dvc_files.lock_digest(root)))
    client.set_tag(strange, "git.commit", head)
    assert main(["check-runs"]) == 0  # failures are listed, but another run followed them
    assert "FAILED" in capsys.readouterr().out
    failure = run("FAILED")
    (one,) = check_experiment_logging().findings
    assert (one.run_id, one.what, one.mend) == (failure, "failed", "make repro")
    assert main(["status"]) == 0
    *_, last, since = capsys.readouterr().out.splitlines()
    assert last.endswith("FINISHED, of the current dvc.lock")
    assert since.startswith(f"since     {failure[:8]}")
    assert since.endswith("FAILED")


def test_results_without_a_run_are_named_and_logged(
    pushed: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    """As in a clone, or after a plain `dvc repro`; asking makes no store."""
    root = pushed.root
    (root / "mlflow.db").unlink()
    found = check_experiment_logging(root / "src")
    assert [one.what for one in found.findings] == ["no run was logged for the current dvc.lock"]
    assert found.runs == ()
    assert status().run is None
    assert search(pushed) == []
    assert doctor(offline=True)
    assert not (root / "mlflow.db").exists()
    (mend,) = (one.mend for one in found.findings)
    assert main(mend.removeprefix("python -m data_versioning ").split()) == 0
    assert check_experiment_logging()
    assert status().run
    (root / "dvc.lock").unlink()
    assert check_experiment_logging()  # nothing was reproduced, nothing is to be logged


@contextmanager
def mlflow_server(folder: Path) -> Iterator[str]:
    """Serve runs on loopback."""
    folder.mkdir()
    port = free_port()
    argv = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    argv += ["--backend-store-uri", f"sqlite:///{folder}/server.db"]
    argv += ["--artifacts-destination", str(folder / "artifacts")]
    uri = f"http://127.0.0.1:{port}"
    with subprocess.Popen(
        argv, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as server:  # fmt: skip
        try:
            for _ in range(300):
                with suppress(OSError):
                    urlopen(f"{uri}/health").close()
                    break
                time.sleep(0.2)
            yield uri
        finally:
            os.killpg(server.pid, signal.SIGKILL)


def test_runs_on_a_server(pushed: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same check; Default holds the runs of others, and who works on a run is hidden."""
    with mlflow_server(tmp_path / "server") as uri:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        log_reproduction(pushed, 1.0)
        assert check_experiment_logging()
        client = MlflowClient(uri)
        client.create_run("0", tags={"git.commit": "2" * 40})
        experiment = setup_mlflow(pushed)
        client.create_run(experiment)
        old = int((time.time() - 2 * 24 * 3600) * 1000)
        dead = client.create_run(experiment, start_time=old).info.run_id
        found = check_experiment_logging()
        assert found.dead == (dead,)
        assert [one.run_id for one in found.findings] == [dead]
        assert len(found.runs) == 3


def test_status_is_one_screen(
    pushed: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a study at rest, and of one where all of it changed."""
    root = pushed.root
    git(root, "tag", "-a", "-m", "first", "v0.1.0-a-b")
    assert main(["status"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == [
        "branch    main, last tag v0.1.0-a-b",
        "changes   none",
        "pipeline  up to date",
        "remote    the work tree's data is in storage",
    ]
    assert lines[4].startswith("last run  ")
    assert lines[4].endswith("FINISHED, of the current dvc.lock")
    assert len(lines) == 5

    (root / "params.yaml").write_text(SCIENCE["params.yaml"].replace("0.5", "0.7"))
    save(root, "feat: another alpha")
    people = root / "data/raw/people.csv"
    people.chmod(0o644)
    people.write_text(people.read_text() + "zoe,20\n")
    (root / "results/predictions.csv").unlink()
    capture(["dvc", "repro", "-q", "train"], root)  # logs no run
    shutil.rmtree(tmp_path / "storage/files")
    found = status(root / "src")
    assert found.tag == "v0.1.0-a-b (1 commits ago)"
    assert found.drift
    assert set(found.drift.stale) == {"evaluate"}
    assert found.drift.absent == ()  # another run makes it
    assert found.drift.changed == ()
    assert "dvc.lock" in found.dirty
    assert found.unpushed
    assert "models/model.json" in found.unpushed
    assert found.run
    assert not found.run.is_current
    capture(["dvc", "remote", "modify", "storage", "url", str(tmp_path / "no/drive")], root)
    assert main(["status", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["unpushed"] is None
    assert "there is no folder" in said["unknown"][0]


def test_data_that_is_absent_or_edited_is_told_apart(
    pushed: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a fresh clone nothing is stale; what `make repro` would overwrite is named."""
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(pushed.root), str(clone))
    monkeypatch.chdir(clone)
    drift = status().drift
    assert drift
    assert drift.stale == drift.changed == drift.edited == ()
    outputs = {"data/prepared.csv", "models/model.json", "results/predictions.csv"}
    assert {*drift.absent} == {"data/raw/people.csv", *outputs}
    assert {"DV206"} == {one.id for one in doctor(offline=True)} & {"DV205", "DV206", "DV207"}

    assert main(["pull"]) == 0
    prepared = clone / "data/prepared.csv"
    content = prepared.read_text()
    prepared.unlink()  # it can be a link into the cache
    prepared.write_text(content.replace("ada", "eve"))
    said = "data      changed since it was made: data/prepared.csv; make repro replaces it"
    assert said in text(status()).splitlines()
    (found,) = (one for one in doctor(offline=True) if one.id == "DV205")
    assert found.where == "data/prepared.csv (what to try discards your edit)"
    assert main(shlex.split(found.mend.removeprefix("make "))) == 0
    assert prepared.read_text() == content

    (clone / "params.yaml").write_text(SCIENCE["params.yaml"].replace("0.5", "0.7"))
    capture(["dvc", "repro", "--quiet", "train"], clone)
    git(clone, "checkout", "--quiet", "HEAD", "--", "dvc.lock", "params.yaml")
    drift = status().drift
    assert drift
    assert drift.stale == ("train", "evaluate")
    assert drift.edited == ()  # of another version, which is in the cache


def test_the_summary_says_what_was_found(pushed: Study, capsys: pytest.CaptureFixture[str]) -> None:
    """Folder, metrics of any format, figures and the latest run; asking makes no store."""
    root = pushed.root
    (root / "dvc.yaml").write_text(SCIENCE["dvc.yaml"] + "metrics:\n  - notes.yaml\n")
    (root / "notes.yaml").write_text("rmse: 0.5\n")
    (root / "results/figures").mkdir()
    (root / "results/figures/a.png").write_text("a")
    capture(["dvc", "add", "-q", "results/figures/a.png"], root)
    assert main(["summary"]) == 0
    *lines, run = capsys.readouterr().out.splitlines()
    assert lines == [
        "",
        f"study    {root}",
        "metrics  notes.yaml",
        '         {"rmse": 0.5}',
        "metrics  results/metrics.json",
        f"         {(root / 'results/metrics.json').read_text()}",
        "figure   results/figures/a.png",
    ]
    assert " FINISHED  commit " in run
    (root / "mlflow.db").unlink()
    assert main(["summary"]) == 0
    assert capsys.readouterr().out.splitlines() == lines
    assert not (root / "mlflow.db").exists()
