"""Reproductions of a small study, folders and shared caches included."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from data_versioning.command import capture
from data_versioning.errors import StudyError, UsageError
from data_versioning.pipeline.manager import make_read_only, reproduce
from data_versioning.study import Study
from data_versioning.tools import dvc
from mlflow import MlflowClient

from tests.conftest import ROOT, git

FOLDER = """
stages:
  split:
    cmd: mkdir parts && cp in.txt parts/a.txt && cp params.yaml parts/b.txt
    deps: [in.txt]
    params: [rate]
    outs: [parts]
"""


def objects(cache: Path) -> list[Path]:
    """Return the files of DVC's cache."""
    return sorted(path for path in cache.glob("files/md5/*/*"))


def test_one_run_per_change(study: Study) -> None:
    """A run when `dvc.lock` changed, none when not, and one that names a failed stage."""
    first = reproduce(study, quiet=True)
    assert first.changed
    assert reproduce(study, quiet=True).run_id is None
    (study.root / "in.txt").unlink()
    with pytest.raises(StudyError, match=r"stage 'copy' failed: .*in\.txt"):
        reproduce(study, quiet=True)
    client = MlflowClient(f"sqlite:///{study.root}/mlflow.db")
    (experiment,) = (e for e in client.search_experiments() if e.name == "my-study")
    failed, good = client.search_runs([experiment.experiment_id])
    assert (failed.info.status, good.info.status) == ("FAILED", "FINISHED")
    assert failed.data.tags["failed.stage"] == "copy"
    assert good.info.run_id == first.run_id
    assert good.data.params == {"rate": "1"}


def test_what_dvc_does_not_know_is_wrong_usage(study: Study) -> None:
    """An unknown option, and it changes nothing."""
    with pytest.raises(UsageError, match="--nonsense"):
        reproduce(study, ["--nonsense"])
    assert git(study.root, "status", "--porcelain") == ""


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("same_size", [False, True])
def test_a_damaged_folder_is_made_again(
    study: Study, tmp_path: Path, shared: bool, same_size: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    """One damaged file of it in the cache, a shared one too, is set aside and never believed."""
    cache = study.root / ".dvc/cache"
    if shared:
        cache = tmp_path / "cache of all"
        capture(["dvc", "cache", "dir", str(cache)], study.root)
    (study.root / "dvc.yaml").write_text(FOLDER)
    reproduce(study, quiet=True)
    git(study.root, "add", "--all")
    git(study.root, "commit", "--quiet", "--message", "parts")
    (file,) = (path for path in objects(cache) if path.read_bytes() == b"data\n")
    file.chmod(0o644)
    file.write_bytes(b"dat?\n" if same_size else b"d")
    file.chmod(0o444)
    for path in (study.root / "parts").iterdir():
        path.unlink()

    done = reproduce(study, quiet=True)
    assert f"warning: damaged in DVC's cache, so made again: {file}" in capfd.readouterr().err
    assert (study.root / "parts/a.txt").read_bytes() == b"data\n"
    assert file.read_bytes() == b"data\n"
    (aside,) = (study.root / ".dvc/tmp/damaged").iterdir()
    assert aside.name == f"{file.parent.name}{file.name}"
    assert done.run_id is None
    assert git(study.root, "status", "--porcelain") == ""


def test_a_damaged_old_result_is_made_again(study: Study) -> None:
    """Back at parameters that were tried before, DVC restores the old result; if it can."""
    (study.root / "dvc.yaml").write_text(FOLDER)
    reproduce(study, quiet=True)
    old = {path: path.read_bytes() for path in objects(study.root / ".dvc/cache")}
    (study.root / "params.yaml").write_text("rate: 2\n")
    reproduce(study, quiet=True)
    (file,) = (path for path, content in old.items() if content == b"rate: 1\n")
    file.chmod(0o644)
    file.write_bytes(b"rate: 7\n")
    file.chmod(0o444)
    (study.root / "params.yaml").write_text("rate: 1\n")
    assert reproduce(study, quiet=True).changed
    assert (study.root / "parts/b.txt").read_bytes() == b"rate: 1\n"


def test_a_restored_result_is_not_made_again(study: Study) -> None:
    """What is whole in the cache is restored, also over a link to it."""
    capture(["dvc", "config", "cache.type", "symlink"], study.root)
    (study.root / "dvc.yaml").write_text(FOLDER.replace("mkdir", "date +%N > when; mkdir"))
    reproduce(study, quiet=True)
    when = (study.root / "when").read_bytes()
    for path in (study.root / "parts").iterdir():
        path.unlink()
    assert not reproduce(study, quiet=True).changed
    assert (study.root / "parts/a.txt").read_bytes() == b"data\n"
    assert (study.root / "when").read_bytes() == when


def test_locks_of_killed_processes_are_forgotten(study: Study) -> None:
    """A zombie's and another program's number hold nothing; a living DVC does."""
    zombie = subprocess.Popen(["true"])
    other = subprocess.Popen(["sleep", "600"])
    living = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", "dvc repro"])
    path = study.root / ".dvc/tmp/rwlock"
    try:
        os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
        for readers, blocked in ([zombie, other], False), ([zombie, living], True):
            infos = [{"pid": one.pid, "cmd": "dvc repro"} for one in readers]
            out = str(study.root / "out.txt")
            path.write_text(json.dumps({"write": {out: infos[0]}, "read": {out: infos[1:]}}))
            dvc.forget_killed_processes(study.root)
            assert path.exists() == blocked
        path.write_text(json.dumps({"write": {out: infos[0]}, "read": {}}))
        assert reproduce(study, quiet=True).changed
    finally:
        for process in (zombie, other, living):
            process.kill()
            process.wait()


REPRODUCE = """
from data_versioning.pipeline.manager import reproduce
from data_versioning.study import Study
reproduce(Study.find())
"""


def test_what_a_killed_process_left_running_is_waited_for(study: Study) -> None:
    """DVC outlives the process in front of it, which was killed: no second one starts beside it."""
    (study.root / "dvc.yaml").write_text(
        "stages:\n  slow:\n    cmd: touch began; until [ -e go ]; do sleep 1; done; touch out\n"
        "    outs: [out]\n"
    )
    start = [sys.executable, "-c", REPRODUCE]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "template/src")}
    front = subprocess.Popen(start, cwd=study.root, env=environment)
    while not (study.root / "began").exists():
        assert front.poll() is None
    front.kill()
    front.wait()
    second = subprocess.Popen(
        start, cwd=study.root, env=environment, stderr=subprocess.PIPE, encoding="utf-8"
    )
    assert second.stderr
    said = second.stderr.readline()
    (study.root / "go").touch()
    _, rest = second.communicate()
    assert said == f"waiting for process {front.pid}: it reproduces the pipeline\n"
    assert second.returncode == 0, rest
    assert (study.root / "dvc.lock").exists()


def test_raw_data_become_read_only(tmp_path: Path) -> None:
    """Files in folders too; not what git keeps beside them, and not what a link leads to."""
    outside = tmp_path / "outside.csv"
    raw = tmp_path / "raw"
    (raw / "wave 1").mkdir(parents=True)
    for path in (outside, raw / "wave 1/a.csv", raw / "a.csv.dvc", raw / ".gitignore"):
        path.touch()
    (raw / "link.csv").symlink_to(outside)
    make_read_only(raw)
    make_read_only(tmp_path / "missing")
    assert stat.S_IMODE((raw / "wave 1/a.csv").stat().st_mode) == 0o444
    for path in (outside, raw / "a.csv.dvc", raw / ".gitignore"):
        assert path.stat().st_mode & stat.S_IWUSR
