"""One run per reproduction, also when stages log into it and when it is killed."""

from __future__ import annotations

import pytest
from data_versioning import unlogged
from data_versioning.errors import StudyError
from data_versioning.pipeline import reproduce
from data_versioning.runs import join_reproduction
from data_versioning.study import Study
from mlflow import MlflowClient
from mlflow.entities import Run

from tests.conftest import ROOT

# A stage that logs, as one with an `ExperimentTracker` does.
LOGS = """\
import sys
from data_versioning.runs import join_reproduction
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
