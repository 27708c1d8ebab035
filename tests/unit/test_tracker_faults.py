"""Tracking when processes are killed, disks are full, remotes vanish and hooks refuse."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from data_versioning import DVCTracker, StudyError
from data_versioning.study import Study

from tests.conftest import ROOT, git
from tests.unit.test_tracker import committed, own_remote, subject, write

TRACK = """
from data_versioning import DVCTracker
DVCTracker().track_data({path!r}, 'data: {path}')
"""
KILLED = """
import os, signal
from data_versioning.tools import {module}
inner = {module}.{name}
def killed(*args, **options):
    if {after}:
        inner(*args, **options)
    os.kill(os.getpid(), signal.SIGKILL)
{module}.{name} = killed
"""
POINTS = [
    ("dvc", "add", False),
    ("dvc", "add", True),
    ("git_index", "stage_contents", True),
    ("git", "commit", False),
    ("git", "commit", True),
]


def start(root: Path, code: str) -> subprocess.Popen[str]:
    """Run Python in a study, in a process of its own."""
    here = {**os.environ, "PYTHONPATH": str(ROOT / "template/src")}
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=root, env=here, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_killed_at_any_point(study: Study) -> None:
    """The same call again finishes, for data that git had before, and loses nothing staged."""
    root = study.root
    for number in range(len(POINTS)):
        write(root / f"data/{number}.csv", f"{number}\n")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "in git")
    write(root / "notes.md", "staged\n")
    git(root, "add", "notes.md")
    write(root / "in.txt", "edited\n")
    for number, (module, name, after) in enumerate(POINTS):
        path = f"data/{number}.csv"
        code = KILLED.format(module=module, name=name, after=after) + TRACK.format(path=path)
        process = start(root, code)
        process.communicate(timeout=60)
        assert process.returncode == -9
        DVCTracker().track_data(path, f"data: {path}")
        assert (root / path).read_text() == f"{number}\n"
        assert subject(root) == f"data: {path}"
        ignored = "A" if number == 0 else "M"
        assert committed(root) == sorted(
            [f"{ignored} data/.gitignore", f"A {path}.dvc", f"D {path}"]
        )
        assert git(root, "status", "--porcelain").splitlines() == [" M in.txt", "A  notes.md"]


def test_dvc_killed_too(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """DVC in the middle of its work leaves locks and half a cache: the same call again finishes."""
    root = study.root
    for number in range(3000):
        write(root / f"data/many/{number}.txt", f"{number}\n")
    wrapper = write(
        root.parent / "bin/dvc",
        f'#!/bin/sh\n"{ROOT}/.venv/bin/dvc" "$@" &\n'
        f'while ! ls "{root}/.dvc/cache/files/md5/"* > /dev/null 2>&1; do sleep 0.01; done\n'
        "kill -9 $! $PPID\n",
    )
    wrapper.chmod(0o755)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", f"{wrapper.parent}{os.pathsep}{os.environ['PATH']}")
        process = start(root, TRACK.format(path="data/many"))
        process.communicate(timeout=60)
    assert process.returncode == -9
    assert git(root, "log", "--format=%s").split() == ["start"]
    done = DVCTracker().track_data("data/many", "data: many")
    assert (done.files, committed(root)) == (3000, ["A data/.gitignore", "A data/many.dvc"])
    assert git(root, "status", "--porcelain") == ""


def test_a_dvc_that_outlives_its_caller(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same call again waits for it."""
    root = study.root
    write(root / "data/x.csv", "x\n")
    begun = root.parent / "begun"
    wrapper = write(
        root.parent / "bin/dvc",
        f'#!/bin/sh\ntouch "{begun}"\nsleep 2\nexec "{ROOT}/.venv/bin/dvc" "$@"\n',
    )
    wrapper.chmod(0o755)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", f"{wrapper.parent}{os.pathsep}{os.environ['PATH']}")
        process = start(root, TRACK.format(path="data/x.csv"))
        while not begun.exists():
            time.sleep(0.01)
        process.kill()  # and not DVC
    # Its pipes are DVC's too: they are not read to their end.
    process.wait()
    again = start(root, TRACK.format(path="data/x.csv"))
    _, said = again.communicate(timeout=60)
    assert (again.returncode, "waiting for process" in said) == (0, True), said
    assert committed(root) == ["A data/.gitignore", "A data/x.csv.dvc"]


def test_two_at_once(study: Study) -> None:
    """Both wait for the other, and both commits are made."""
    root = study.root
    for name in ("a", "b"):
        write(root / f"data/{name}.csv", f"{name}\n")
    both = [start(root, TRACK.format(path=f"data/{name}.csv")) for name in ("a", "b")]
    said = [one.communicate(timeout=60) for one in both]
    assert [one.returncode for one in both] == [0, 0], said
    assert sorted(git(root, "log", "-2", "--format=%s").splitlines()) == [
        "data: data/a.csv", "data: data/b.csv"
    ]  # fmt: skip
    assert git(root, "show", "HEAD:data/.gitignore").split() in (
        ["/a.csv", "/b.csv"],
        ["/b.csv", "/a.csv"],
    )
    assert git(root, "status", "--porcelain") == ""


def test_a_commit_that_is_refused(study: Study) -> None:
    """What was added stays so; the same call commits it once the hook is content."""
    root = study.root
    hook = write(root / ".git/hooks/pre-commit", HOOK)
    hook.chmod(0o755)
    write(root / "data/x.csv", "x\n")
    write(root / "notes.md", "staged\n")
    git(root, "add", "notes.md")
    tracker = DVCTracker()
    with pytest.raises(StudyError, match=r"(?s)git has no commit of it.*not today") as refused:
        tracker.track_data("data/x.csv", "data: x")
    assert "repeat" in refused.value.mend
    assert git(root, "log", "--format=%s").split() == ["start"]
    (root / ".git/refuse").unlink(missing_ok=True)
    write(root / ".git/content", "")
    done = DVCTracker().track_data("data/x.csv", "data: x")
    assert done.commit == git(root, "rev-parse", "HEAD").strip()
    # The hook saw what was about to be committed, and nothing else.
    assert (root / ".git/seen").read_text().split() == ["data/.gitignore", "data/x.csv.dvc"]
    assert git(root, "status", "--porcelain").split() == ["A", "notes.md"]

    # In the middle of a merge, a commit of ours would be the merge.
    git(root, "switch", "--quiet", "--create", "side", "HEAD~1")
    git(root, "commit", "--quiet", "--message", "aside")
    git(root, "merge", "--quiet", "--no-commit", "--no-ff", "main")
    write(root / "y.csv", "y\n")
    write(root / "out.txt", "made\n")
    for call in (DVCTracker().track_data, DVCTracker().track_model):
        path = "y.csv" if call.__name__ == "track_data" else "out.txt"
        with pytest.raises(StudyError, match="a git merge is not finished"):
            call(path, message="data: y")
    assert not (root / "y.csv.dvc").exists()
    assert "artifacts" not in (root / "dvc.yaml").read_text()


HOOK = """\
#!/bin/sh
git diff --cached --name-only > .git/seen
[ -e .git/content ] || { echo "not today" >&2; exit 1; }
"""


def test_inside_a_stage(study: Study) -> None:
    """A stage cannot wait for the pipeline that it is a part of."""
    write(study.root / "x.csv", "x\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVC_STAGE", "train")
        with pytest.raises(StudyError, match="a stage of the pipeline cannot track data: train"):
            DVCTracker().track_data("x.csv", "data: x")


@pytest.fixture
def drive(tmp_path: Path) -> Iterator[Path]:
    """A drive of one MiB."""
    folder = tmp_path / "drive"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root may mount a drive")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_full_and_read_only_caches(study: Study, drive: Path) -> None:
    """The error says so, git and the data stay as they were, and the same call finishes later."""
    root = study.root
    cache = write(root / ".dvc/config.local", f"[cache]\n    dir = {drive}\n")
    write(root / "data/big.bin", "x" * 2_000_000)
    before = git(root, "rev-parse", "HEAD")

    def refused(reason: str) -> None:
        with pytest.raises(StudyError, match=reason):
            DVCTracker().track_data("data/big.bin", "data: big")
        assert git(root, "rev-parse", "HEAD") == before
        assert (root / "data/big.bin").stat().st_size == 2_000_000
        assert "big.bin.dvc" not in git(root, "status", "--porcelain")

    refused("No space left on device")
    subprocess.run(["mount", "-o", "remount,ro", str(drive)], check=True)
    refused("Read-only file system")
    cache.unlink()
    DVCTracker().track_data("data/big.bin", "data: big")
    assert committed(root) == ["A data/.gitignore", "A data/big.bin.dvc"]


def test_a_remote_gone_half_way(science: Study, drive: Path) -> None:
    """The commit is made, nothing is lost, and a push completes once there is room."""
    root = science.root
    own_remote(root).rmdir()
    own = root.parent / "own storage"
    own.symlink_to(drive)
    for number in range(6):
        write(root / f"data/scans/{number}.bin", f"{number}" * 300_000)
    with pytest.raises(StudyError, match="push failed"):
        DVCTracker().track_data("data/scans", "data: scans", push=True)
    assert subject(root) == "data: scans"
    assert DVCTracker().status()["unpushed"]
    subprocess.run(["mount", "-o", "remount,size=8m", str(drive)], check=True)
    assert DVCTracker().track_data("data/scans", "data: scans", push=True).pushed
    assert DVCTracker().status()["unpushed"] == []
    shutil.rmtree(root / ".dvc/cache")
    shutil.rmtree(root / "data/scans")
    DVCTracker().pull()
    assert len(list((root / "data/scans").iterdir())) == 6
