"""One run per reproduction, also when stages log into it and when it is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from data_versioning.command import capture
from data_versioning.errors import StudyError
from data_versioning.experiments.runs import join_reproduction
from data_versioning.pipeline import unlogged
from data_versioning.pipeline.manager import reproduce
from data_versioning.pipeline.stage_results import StageFailed
from data_versioning.study import Study
from data_versioning.tools import dvc_files
from mlflow import MlflowClient
from mlflow.entities import Run

from tests.conftest import ROOT

# A stage that logs, as one with an `ExperimentTracker` does.
LOGS = """\
import sys
from data_versioning.experiments.runs import join_reproduction
from data_versioning.study import Study
from mlflow import MlflowClient

client = MlflowClient("sqlite:///mlflow.db")
run_id = join_reproduction(Study.find())
assert run_id == join_reproduction(Study.find())
for argument in sys.argv[1:]:
    kind, name, value = argument.split("=")
    if kind == "param":
        client.log_param(run_id, name, value)
    elif kind == "metric":
        client.log_metric(run_id, name, float(value))
    else:
        sys.exit(int(value))
"""


@pytest.fixture(autouse=True)
def import_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stages import the package of this repository."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "template/src"))


def logging_stages(study: Study, **stages: str) -> None:
    """Make a pipeline of stages that log what their arguments say."""
    (study.root / "logs.py").write_text(LOGS)
    text = "stages:\n"
    for name, arguments in stages.items():
        text += f"  {name}:\n    cmd: python logs.py {arguments} && date +%N > {name}.out\n"
        text += f"    params: [rate]\n    outs: [{name}.out]\n"
    (study.root / "dvc.yaml").write_text(text)


def runs(study: Study) -> list[Run]:
    """Return the runs of the study, newest first."""
    client = MlflowClient(f"sqlite:///{study.root}/mlflow.db")
    return list(client.search_runs([e.experiment_id for e in client.search_experiments()]))


def test_stages_log_into_the_run_of_their_reproduction(
    study: Study, capfd: pytest.CaptureFixture[str]
) -> None:
    """Two stages, one run; it ends with the results, and what a stage logged stays."""
    assert join_reproduction(study) is None
    logging_stages(study, one="param=depth=3 metric=loss=0.5", two="param=rate=7")
    done = reproduce(study, quiet=True)
    (run,) = runs(study)
    assert run.info.run_id == done.run_id
    assert run.info.status == "FINISHED"
    assert run.data.params == {"depth": "3", "rate": "7"}
    assert run.data.metrics == {"loss": 0.5}
    assert run.data.tags["dvc.lock.sha256"] != "none"
    assert run.data.tags["mlflow.source.name"] == "make repro"
    warning = "warning: a stage logged the parameter rate as 7, which stays; params.yaml says 1"
    assert warning in capfd.readouterr().err
    assert not (study.root / unlogged.PENDING).exists()
    assert reproduce(study, quiet=True).run_id is None
    assert len(runs(study)) == 1

    (study.root / "params.yaml").write_text("rate: 2\n")
    logging_stages(study, one="param=depth=4 exit=now=3")
    with pytest.raises(StudyError, match="stage 'one' failed"):
        reproduce(study, quiet=True)
    failed, _ = runs(study)
    assert failed.info.status == "FAILED"
    assert failed.data.tags["failed.stage"] == "one"
    assert failed.data.params == {"depth": "4", "rate": "2"}
    assert not (study.root / unlogged.PENDING).exists()


PAUSE = """\
import os, time
if not os.path.exists("go"):
    with open("two.out", "w") as file:
        file.write("half")
    open("began", "w").close()
    while not os.path.exists("go"):
        time.sleep(0.05)
"""


def start(study: Study) -> subprocess.Popen[str]:
    """Start a reproduction in a process group of its own; return amid its last stage."""
    (study.root / "began").unlink(missing_ok=True)
    front = subprocess.Popen(
        [sys.executable, "-m", "data_versioning", "repro"], cwd=study.root, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
        # Where the tests run in the background, they inherit that interrupts are ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    while not (study.root / "began").exists():
        assert front.poll() is None, front.communicate()[0]
        time.sleep(0.02)
    return front


def pausing_stages(study: Study, logs: bool = True) -> None:
    """Make a pipeline that logs in its first stage and pauses in its second, until `go` is there.

    The second one writes half its output first.
    """
    logging_stages(study, one="param=depth=3", two="")
    pipeline = study.root / "dvc.yaml"
    text = pipeline.read_text().replace("python logs.py  &&", "python pause.py &&")
    pipeline.write_text(text if logs else text.replace("python logs.py", "true"))
    (study.root / "pause.py").write_text(PAUSE)


@pytest.mark.parametrize("everything", [True, False])
def test_a_killed_reproduction_has_one_run(study: Study, everything: bool) -> None:
    """The next one waits for what is left of it, goes on, and ends its run."""
    pausing_stages(study)
    front = start(study)
    if everything:
        os.killpg(front.pid, signal.SIGKILL)
    else:
        front.kill()
    front.wait()
    (running,) = runs(study)
    assert running.info.status == "RUNNING"
    first = (study.root / "one.out").read_bytes()
    (study.root / "go").touch()
    done = reproduce(study, quiet=True)
    assert (study.root / "two.out").read_text() != "half"
    assert (study.root / "one.out").read_bytes() == first
    (run,) = runs(study)
    assert (run.info.run_id, run.info.status) == (done.run_id, "FINISHED")
    assert done.run_id == running.info.run_id
    assert run.data.params == {"depth": "3", "rate": "1"}
    assert reproduce(study, quiet=True).run_id is None


def test_a_run_that_nothing_is_left_to_do_for(study: Study) -> None:
    """The run of a killed reproduction ends as KILLED when its change was taken back."""
    reproduce(study, quiet=True)
    plain = (study.root / "dvc.yaml").read_text()
    logging_stages(study, two="param=a=1 && python pause.py")
    (study.root / "dvc.yaml").write_text(plain + (study.root / "dvc.yaml").read_text()[8:])
    (study.root / "pause.py").write_text(PAUSE)
    front = start(study)
    os.killpg(front.pid, signal.SIGKILL)
    front.wait()
    (study.root / "dvc.yaml").write_text(plain)
    done = reproduce(study, quiet=True)
    assert (done.changed, done.run_id) == (False, None)
    assert [run.info.status for run in runs(study)] == ["KILLED", "FINISHED"]
    assert not (study.root / unlogged.PENDING).exists()


def test_a_stage_that_changes_nothing_logs(study: Study) -> None:
    """Its run ends, too; one that was deleted meanwhile is not written to."""
    logging_stages(study, one="param=depth=3")
    text = (study.root / "dvc.yaml").read_text().replace("date +%N", "echo same")
    (study.root / "dvc.yaml").write_text(text)
    first = reproduce(study, quiet=True).run_id
    assert first
    unlogged.begin(study.root, dvc_files.lock_digest(study.root))
    unlogged.set_run(study.root, first)
    MlflowClient(f"sqlite:///{study.root}/mlflow.db").delete_run(first)
    again = reproduce(study, ["--force"], quiet=True)
    assert not again.changed
    assert again.run_id not in {None, first}
    (run,) = runs(study)
    assert (run.info.status, run.data.params) == ("FINISHED", {"depth": "3", "rate": "1"})
    assert not (study.root / unlogged.PENDING).exists()


def test_two_reproductions_at_once(study: Study) -> None:
    """The second waits, also when the first is interrupted, and finishes; one run."""
    pausing_stages(study, logs=False)
    first = start(study)
    second = subprocess.Popen(
        [sys.executable, "-m", "data_versioning", "repro"], cwd=study.root,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip
    assert second.stderr
    waits = second.stderr.readline()
    assert waits == f"waiting for process {first.pid}: it reproduces the pipeline\n"
    os.killpg(first.pid, signal.SIGINT)
    assert first.wait() != 0
    (study.root / "go").touch()
    out, err = second.communicate()
    assert second.returncode == 0, err
    assert "one  skipped" in out
    assert "two  ran" in out
    (run,) = runs(study)
    assert run.info.status == "FINISHED"


@pytest.fixture
def small_disk(study: Study) -> Iterator[Path]:
    """A cache on a disk of 1 MB; needs root."""
    disk = study.root.parent / "disk"
    disk.mkdir()
    mounted = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if subprocess.run(mounted, check=False, capture_output=True).returncode != 0:
        pytest.skip("only root may mount a disk")
    capture(["dvc", "cache", "dir", str(disk / "cache")], study.root)
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


BIG = """\
stages:
  big:
    cmd: head -c 3000000 /dev/zero > big.bin
    outs: [big.bin]
  next:
    cmd: wc -c < big.bin > size.txt
    deps: [big.bin]
    outs: [size.txt]
"""


def test_a_full_disk(study: Study, small_disk: Path) -> None:
    """The stage fails and says why; with room, a rerun completes."""
    (study.root / "dvc.yaml").write_text(BIG)
    with pytest.raises(StageFailed, match=r"stage 'big' failed: .*No space left") as caught:
        reproduce(study, quiet=True)
    assert caught.value.exit_status is None
    assert not (study.root / "size.txt").exists()
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    done = reproduce(study, quiet=True)
    assert [stage.outcome for stage in done.stages] == ["ran", "ran"]
    assert (study.root / "size.txt").read_text() == "3000000\n"
    assert [run.info.status for run in runs(study)] == ["FINISHED", "FAILED"]
    (study.root / "big.bin").unlink()
    assert not reproduce(study, quiet=True).changed
    assert (study.root / "big.bin").stat().st_size == 3000000


def test_a_cache_that_cannot_be_written(study: Study, small_disk: Path) -> None:
    """The same of one that is mounted read-only."""
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(StudyError, match="Read-only file system"):
        reproduce(study, quiet=True)
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    assert reproduce(study, quiet=True).changed


def test_a_run_that_could_not_be_logged_is_kept(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stage's own run is ended, never deleted; the next reproduction goes on with it."""
    monkeypatch.setenv(unlogged.REPRODUCTION, str(study.root))
    assert join_reproduction(study) is None  # it outlived its reproduction
    unlogged.begin(study.root, None)
    unlogged.set_run(study.root, "0" * 32)  # of another store
    run_id = join_reproduction(study)
    assert run_id
    assert join_reproduction(study) == run_id
    settings = study.root / "study.yaml"
    good = settings.read_text()
    settings.write_text(f"{good}model: {{load: json.load}}\n")
    with pytest.raises(StudyError, match="setting is missing"):
        reproduce(Study(study.root), quiet=True)
    assert [(run.info.run_id, run.info.status) for run in runs(study)] == [(run_id, "FAILED")]
    settings.write_text(good)
    assert reproduce(Study(study.root), quiet=True).run_id == run_id
    assert [(run.info.run_id, run.info.status) for run in runs(study)] == [(run_id, "FINISHED")]
