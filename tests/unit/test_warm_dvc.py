"""The `dvc` of these tests, which starts at once, does what the real one does."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable

import pytest
from data_versioning.study import Study
from data_versioning.tools.dvc import is_locked_by_killed

from tests.conftest import ROOT
from tests.unit.warm_dvc import Warm

REAL = ROOT / ".venv/bin/dvc"
WAITING = """\
stages:
  wait:
    cmd: echo "$ANSWER" > part && mv part answer && until [ -e over ]; do sleep 0.1; done
    outs: [answer]
"""


@pytest.mark.parametrize(
    "arguments", [["config", "--list"], ["status"], ["nonsense"], ["remote", "remove", "nowhere"]]
)
def test_it_answers_like_the_real_one(study: Study, warm: Warm, arguments: list[str]) -> None:
    """With the same status, output and errors."""
    answers = [
        subprocess.run([program, *arguments], cwd=study.root, capture_output=True, check=False)
        for program in (warm.path / "dvc", REAL)
    ]
    assert len({(one.returncode, one.stdout, one.stderr) for one in answers}) == 1
    assert answers[0].stdout or answers[0].stderr


def test_it_is_the_process_that_was_started(study: Study, warm: Warm) -> None:
    """It has its folder and environment, and who kills the one kills the other."""
    root = study.root
    (root / "dvc.yaml").write_text(WAITING)
    started = subprocess.Popen(
        [warm.path / "dvc", "repro", "wait"], cwd=root, env=os.environ | {"ANSWER": "é"}
    )
    wait_until((root / "answer").exists)
    assert not is_locked_by_killed(root)
    started.kill()
    started.wait()
    wait_until(lambda: is_locked_by_killed(root))
    (root / "over").touch()
    assert (root / "answer").read_text() == "é\n"


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until something holds, for a minute at most."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
