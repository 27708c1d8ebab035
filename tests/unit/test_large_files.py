"""Large files go to DVC by themselves; what is tracked, ignored or made is left alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
import zc.lockfile
from data_versioning import StudyError, auto_track_large_files
from data_versioning.cli import main
from data_versioning.data import large_files
from data_versioning.study import Study
from data_versioning.tools import dvc

from tests.conftest import ROOT, git
from tests.unit.test_tracker import write

LARGE = "x" * 2000  # the studies here call 0.001 MiB large


def test_only_what_nothing_tracks_or_makes(
    science: Study,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever its name is; in one call of DVC, and what the user edits beside it stays his."""
    root = science.root
    outside = write(tmp_path / "outside/large.bin", LARGE)
    write(root / "dvc.yaml", (root / "dvc.yaml").read_text() + LOOP)
    for path in ("made/never-run.bin", "made/a-loop.bin", "committed.bin", "secret/x.bin"):
        write(root / path, LARGE)
    write(root / ".gitignore", (root / ".gitignore").read_text() + "/secret/\n")
    git(root, "add", "committed.bin", ".gitignore", "dvc.yaml")
    git(root, "commit", "--quiet", "--message", "more")
    names = ["-m.bin", 'data/it\'s "large".bin', "data/été/[a]*?.bin", "made/else.bin"]
    for name in names:
        write(root / name, LARGE)
    write(root / "staged.bin", LARGE)
    git(root, "add", "staged.bin")
    write(root / "small.txt", "x")
    write(root / "two\nlines.bin", LARGE)
    (root / "link.bin").symlink_to(outside)
    (root / "linked").symlink_to(outside.parent)
    write(root / "data/.gitignore", "/mine\n" + (root / "data/.gitignore").read_text())

    calls = counted(root, monkeypatch)
    assert auto_track_large_files(".") == sorted([*names, "staged.bin"])
    assert "two\\nlines.bin" in capsys.readouterr().err
    assert calls() == 1
    untracked = git(root, "ls-files", "-z", "--others", "--exclude-standard").split("\0")
    assert sorted(filter(None, untracked)) == [
        "link.bin", "linked", "made/a-loop.bin", "made/never-run.bin", "small.txt",
        "two\nlines.bin",
    ]  # fmt: skip
    staged = git(root, "diff", "--cached", "--name-only", "-z").split("\0")
    assert {f"{name}.dvc" for name in names} < set(staged)
    assert "staged.bin" not in staged
    assert "/mine" not in git(root, "show", ":data/.gitignore")
    assert auto_track_large_files() == []
    write(root / "data/late.bin", LARGE)
    assert main(["track", "made"]) == 0
    assert "no large file to track" in capsys.readouterr().out
    assert main(["track", "data", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == ["data/late.bin"]
    for folder, reason in (("nowhere", "no such folder"), ("..", "no study.yaml")):
        with pytest.raises(StudyError, match=reason):
            auto_track_large_files(folder)


LOOP = """\
  never:
    cmd: "true"
    outs:
      - made/never-run.bin
  loop:
    foreach: [a, b]
    do:
      cmd: "true"
      outs:
        - made/${item}-loop.bin
"""


def counted(root: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Return what counts the calls of `dvc add` from now on; DVC itself still answers them."""
    log = root.parent / "calls"
    wrapper = root.parent / "bin/dvc"
    real = ROOT / ".venv/bin/dvc"
    count = f'case " $* " in *" add "*) echo >> "{log}";; esac'
    write(wrapper, f'#!/bin/sh\n{count}\nexec "{real}" "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}{os.pathsep}{os.environ['PATH']}")
    return lambda: len(log.read_text()) if log.exists() else 0


def test_very_many_files_are_tracked_as_their_folder(study: Study) -> None:
    """The outermost folder that holds nothing else; the others' files one by one."""
    root = study.root
    for number in range(10_000):
        write(root / f"data/images/{number % 7}/{number}.png", f"{number}")
    for number in range(1000):
        write(root / f"data/mixed/{number}.txt", f"{number}")
        write(root / f"data/linked/{number}.txt", f"{number}")
    for number in range(999):
        write(root / f"data/few/{number}.txt", f"{number}")
    write(root / "data/few/large.bin", "x" * 500)
    write(root / "data/mixed/large.bin", LARGE)
    (root / "data/linked/out").symlink_to("/etc")
    write(root / "data/mixed/README.md", "kept by git\n")
    write(root / "data/README.md", "kept by git\n")
    git(root, "add", "data/mixed/README.md", "data/README.md")
    git(root, "commit", "--quiet", "--message", "read")
    assert auto_track_large_files("data", 1) == []  # together they are not large
    few = auto_track_large_files("data/few")
    assert few == ["data/few"]  # with the large one it is 1,000
    assert auto_track_large_files("data") == ["data/images", "data/mixed/large.bin"]
    (out,) = yaml.safe_load((root / "data/images.dvc").read_text())["outs"]
    assert out["nfiles"] == 10_000
    assert git(root, "ls-files", "--others", "--exclude-standard", "data/images") == ""


def test_two_at_once_and_beside_dvc(study: Study) -> None:
    """Whoever comes second waits, and tracks what the first has left."""
    root = study.root
    for number in range(4):
        write(root / f"data/{number}.bin", LARGE)
    call = "from data_versioning import auto_track_large_files as track; print(track())"
    here = {**os.environ, "PYTHONPATH": str(ROOT / "template/src")}
    # What a user's own DVC holds while it works.
    held = zc.lockfile.LockFile(str(root / ".dvc/tmp/lock"))
    both = [
        subprocess.Popen(
            [sys.executable, "-c", call],
            cwd=root, env=here, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]  # fmt: skip
    time.sleep(5)  # DVC itself gives up after 3 seconds
    assert [one.poll() for one in both] == [None, None]
    held.close()
    said = [one.communicate(timeout=60) for one in both]
    assert sorted(out.strip() for out, _ in said) == [
        "['data/0.bin', 'data/1.bin', 'data/2.bin', 'data/3.bin']", "[]"
    ]  # fmt: skip
    assert sum("waiting for process" in error for _, error in said) == 1


def test_more_names_than_a_command_takes(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """They go to DVC in as few calls as the system allows."""
    root = study.root
    for number in range(30):
        write(root / f"data/{number}.bin", LARGE)
    monkeypatch.setattr(dvc, "LONGEST_COMMAND", 400)  # bytes
    calls = counted(root, monkeypatch)
    assert len(auto_track_large_files()) == 30
    assert calls() == 2
    assert len(list((root / "data").glob("*.dvc"))) == 30


def test_the_hook_refuses_only_large_data(study: Study) -> None:
    """What is not there, small, or a pointer of DVC's passes."""
    root = study.root
    write(root / "large.bin", LARGE)
    write(root / "dvc.lock", LARGE)
    (root / "link").symlink_to("large.bin")
    large_files.refuse_large_files(["in.txt", "link", "nowhere", "dvc.lock"])
    with pytest.raises(StudyError, match=r"large_file_mb in study\.yaml.*large\.bin"):
        large_files.refuse_large_files(["in.txt", "large.bin"])
