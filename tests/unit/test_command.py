"""Other programs are run in full view, and what they say is understood."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
from pathlib import Path

import pytest
from data_versioning.command import capture, stream
from data_versioning.errors import StudyError
from data_versioning.tools import dvc

from tests.conftest import ROOT

SAYS = """
import sys
print("terminal" if sys.stderr.isatty() else "pipe", file=sys.stderr)
print("\\033[31mERROR\\033[39m: hidden", file=sys.stderr)
print("last", end="", file=sys.stderr)
sys.exit(3)
"""
WITH_TOOLING = os.environ | {"PYTHONPATH": str(ROOT / "template/src")}
FRONT = """
import sys
from pathlib import Path
from data_versioning.command import stream
status, tail = stream([sys.executable, "-c", sys.argv[1]], Path("."), hide="ERROR:")
print([status, tail])
"""


def test_a_failure_carries_the_last_line(tmp_path: Path) -> None:
    """And a missing command its name."""
    with pytest.raises(StudyError, match=r"`git show nothing` failed: fatal"):
        capture(["git", "show", "nothing"], tmp_path)
    with pytest.raises(StudyError, match="command not found: no-such-command"):
        capture(["no-such-command"], tmp_path)


def test_a_streamed_command_keeps_its_errors(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its status and the end of its errors come back; what begins as asked is not shown."""
    status, tail = stream([sys.executable, "-c", SAYS], tmp_path, hide="ERROR:")
    assert (status, tail) == (3, "pipe\nERROR: hidden\nlast")
    assert capfd.readouterr().err == "pipe\nlast"


def test_on_a_terminal_the_command_has_one_too() -> None:
    """Colours do not keep an error from being recognised."""
    terminal, theirs = pty.openpty()
    front = [sys.executable, "-c", FRONT, SAYS]
    done = subprocess.run(
        front, env=WITH_TOOLING, stdout=subprocess.PIPE, stderr=theirs, encoding="utf-8", check=True
    )
    os.close(theirs)
    assert done.stdout.strip() == repr([3, "terminal\r\nERROR: hidden\r\nlast"])
    assert os.read(terminal, 4096) == b"terminal\r\r\nlast"
    os.close(terminal)


@pytest.mark.parametrize(
    ("stderr", "stage", "reason"),
    [
        (
            "Traceback\nValueError: no patient\nERROR: failed to reproduce 'fit': failed to run: "
            "python fit.py, exited with 1\n",
            "fit",
            "ValueError: no patient (exited with 1)",
        ),
        (
            "ERROR: failed to reproduce 'fit': failed to run: false, exited with 1\n",
            "fit",
            "failed to run: false, exited with 1",
        ),
        (
            "ERROR: failed to reproduce 'fit': missing data 'source':\n  in.txt\n",
            "fit",
            "missing data 'source': in.txt",
        ),
        (
            "'./dvc.yaml' validation failed.\n\nextra keys not allowed, in stages -> fit ->\n  a, "
            "line 3, column 5\n  2   fit:\n  3    a: 1\n",
            None,
            "dvc.yaml: extra keys not allowed, in stages -> fit -> a, line 3",
        ),
        ("ERROR: Unable to acquire\nlock\n", None, "Unable to acquire lock"),
        ("", None, ""),
    ],
)
def test_why_dvc_failed(stderr: str, stage: str | None, reason: str) -> None:
    """The stage is known by its name, and its own last words come before DVC's."""
    assert dvc.failure(stderr) == (stage, reason)


HOLD = """
import sys, time
from pathlib import Path
from data_versioning.locking import exclusive
with exclusive(Path("new folder/lock"), "it counts"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_lock_has_one_holder(tmp_path: Path) -> None:
    """Who comes second waits, says for which process, and goes on when that one was killed."""
    both = [
        subprocess.Popen(
            [sys.executable, "-c", HOLD], cwd=tmp_path, env=WITH_TOOLING, encoding="utf-8",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]  # fmt: skip
    try:
        outs = [one.stdout for one in both if one.stdout]
        held, _, _ = select.select(outs, [], [], 60)
        first, second = both if held == outs[:1] else both[::-1]
        assert first.stdout and second.stdout and second.stderr
        assert first.stdout.readline() == "held\n"
        assert select.select([second.stdout, second.stderr], [], [], 60)[0] == [second.stderr]
        assert second.stderr.readline() == f"waiting for process {first.pid}: it counts\n"
        first.kill()
        assert second.stdout.readline() == "held\n"
    finally:
        for one in both:
            one.kill()
            one.communicate()
