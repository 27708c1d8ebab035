"""One MLflow run per reproduction that changed something, and no way to lose or spoil one."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import yaml
from mlflow import MlflowClient
from mlflow.entities import Run, ViewType

from tests.conftest import ROOT, git
from tests.project.conftest import clone_study, run, user_environment
from tests.project.test_pipeline import REPRO, edit

SLUG = "body-mass-and-diabetes-progression"


def runs(uri: str | Path, state: int = ViewType.ACTIVE_ONLY) -> list[Run]:
    """Return every run of a study's own store or of an address, newest first."""
    client = MlflowClient(f"sqlite:///{uri}/mlflow.db" if isinstance(uri, Path) else uri)
    experiments = [one.experiment_id for one in client.search_experiments()]
    return list(client.search_runs(experiments, run_view_type=state))


def start(root: Path, **environment: str) -> subprocess.Popen[str]:
    """Start `make repro` and go on."""
    return subprocess.Popen(
        ["make", "repro"], cwd=root, env=user_environment(**environment),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for a process that must succeed, and return what it said."""
    out, err = process.communicate()
    assert process.returncode == 0, out + err
    return out + err


def free_port() -> int:
    """Return a port on loopback that nobody listens on."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def serving(command: list[str], folder: Path, url: str, **environment: str) -> Iterator[Path]:
    """Run a web server until the block ends; yields the file of what it says."""
    log = folder / f"server-{time.time_ns()}.log"
    with log.open("w") as out:
        server = subprocess.Popen(
            command, cwd=folder, env=user_environment(**environment), stdout=out, stderr=out,
            start_new_session=True,
        )  # fmt: skip
        try:
            while not answers(url):
                assert server.poll() is None, log.read_text()
                time.sleep(0.1)
            yield log
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait()


def answers(url: str) -> bool:
    """Tell whether a web server gives the page."""
    try:
        return bool(urlopen(url, timeout=5).status == 200)
    except (URLError, OSError):
        return False


def mlflow_server(folder: Path, port: int) -> tuple[list[str], Path, str]:
    """Return what starts an MLflow server that keeps everything in a folder."""
    arguments = [
        "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{folder}/server.db",
        "--artifacts-destination", str(folder / "artifacts"),
    ]  # fmt: skip
    command = [str(ROOT / ".venv/bin/mlflow"), *arguments]
    return command, folder, f"http://127.0.0.1:{port}/health"


def test_the_first_run_holds_everything(reproduced_study: Path) -> None:
    """Params, metrics, figures, model, data sets and the lineage key, as they are in the files."""
    root = reproduced_study
    (first,) = runs(root)
    assert first.info.status == "FINISHED"
    assert first.info.end_time - first.info.start_time > 1000

    params = yaml.safe_load((root / "params.yaml").read_text())
    flat = {f"{s}.{k}": str(v) for s, section in params.items() for k, v in section.items()}
    assert first.data.params == flat
    metrics = json.loads((root / "results/metrics.json").read_text())
    assert first.data.metrics == {
        f"{s}.{k}": v for s, section in metrics.items() for k, v in section.items()
    }

    tags = first.data.tags
    setup, _ = git(root, "log", "--reverse", "--format=%H").split()
    assert tags["git.commit"] == setup
    assert tags["git.branch"] == "main"
    assert tags["git.dirty"] == "false"  # only the pipeline's own files were new
    assert tags["dvc.lock.sha256"] == digest(root / "dvc.lock")
    assert tags["environment.sha256"] == digest(root / "uv.lock")
    locked = {
        out["path"]: out["md5"]
        for stage in yaml.safe_load((root / "dvc.lock").read_text())["stages"].values()
        for out in stage["outs"]
    }
    assert len(locked) == 13
    for path, md5 in locked.items():
        assert tags[f"data:{path}"] == md5
        assert hashlib.md5((root / path).read_bytes()).hexdigest() == md5

    assert first.inputs
    inputs = {one.dataset.name: one for one in first.inputs.dataset_inputs}
    assert set(inputs) == {"data/processed/train.csv", "data/processed/test.csv"}
    for path, one in inputs.items():
        labels = {tag.key: tag.value for tag in one.tags}
        assert one.dataset.digest == labels["dvc.md5"] == locked[path]
        assert labels["dvc.path"] == path
        assert Path(labels["dvc.url"]).read_bytes() == (root / path).read_bytes()

    client = MlflowClient(f"sqlite:///{root}/mlflow.db")
    for path in locked:
        if path.startswith("results/"):
            kept = client.download_artifacts(first.info.run_id, path)
            assert Path(kept).read_bytes() == (root / path).read_bytes()


def digest(file: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


PREDICT = """
import json, sys, joblib, mlflow
mlflow.set_tracking_uri(f"sqlite:///{sys.argv[1]}/mlflow.db")
experiments = [one.experiment_id for one in mlflow.search_experiments()]
(model,) = mlflow.search_logged_models(experiments, output_format="list")
sklearn = mlflow.sklearn.load_model(model.model_uri)
pyfunc = mlflow.pyfunc.load_model(model.model_uri)
example = pyfunc.input_example
here = joblib.load(f"{sys.argv[1]}/models/model.joblib")
predicted = [list(one.predict(example)) for one in (sklearn, pyfunc, here)]
names = pyfunc.metadata.signature.inputs.input_names()
requirements = mlflow.pyfunc.get_model_dependencies(model.model_uri)
print(json.dumps([predicted, names, len(example), open(requirements).read()]))
"""


def test_a_moved_study_finds_its_model(study: Path) -> None:
    """In another folder the logged model loads and predicts, with its signature and example."""
    moved = study.parent / "Étude déplacée"
    study.rename(moved)
    assert "nothing changed, nothing logged" in run(moved, "make", "repro").stdout
    assert "FINISHED" in run(moved, "make", "experiments").stdout
    run(moved, "make", "setup")
    said = run(moved, ".venv/bin/python", "-c", PREDICT, str(moved)).stdout
    (sklearn, pyfunc, here), names, rows, requirements = json.loads(said)
    assert sklearn == pyfunc == here
    assert len(set(here)) == rows == 5
    assert len(names) == 10
    assert "progression" not in names
    assert re.search(r"^scikit-learn==[\d.]+$", requirements, re.MULTILINE)
    (first,) = runs(moved)
    assert first.info.artifact_uri.startswith(moved.as_uri())


def test_a_failed_stage_leaves_a_failed_run(study: Path) -> None:
    """It names the stage and the reason and holds no result; the next run is as good as any."""
    edit(study / "params.yaml", r"dpi: 300", "dpi: low")
    assert run(study, "make", "repro", check=False).returncode != 0
    failed, _ = runs(study)
    assert failed.info.status == "FAILED"
    assert failed.data.tags["failed.stage"] == "figures"
    assert "figures.dpi" in failed.data.tags["failed.reason"]
    assert failed.data.tags["git.dirty"] == "true"
    assert failed.data.params["figures.dpi"] == "low"
    assert failed.data.metrics == {}

    edit(study / "params.yaml", r"dpi: low", "dpi: 80")
    run(study, "make", "repro")
    good, *others = runs(study)
    assert good.info.status == "FINISHED"
    assert good.data.tags["git.dirty"] == "true"  # params.yaml is not committed
    assert good.data.params["figures.dpi"] == "80"
    assert "failed.stage" not in good.data.tags
    assert len(others) == 2

    table = run(study, "make", "experiments").stdout.splitlines()
    assert table[0].split()[:5] == ["run", "name", "started", "status", "commit"]
    assert good.info.run_id[:8] in table[1]
    assert "FAILED (figures)" in table[2]
    assert len(table) == 4
    listed = json.loads(run(study, *REPRO[:-1], "experiments", "--json", "--limit", "2").stdout)
    assert [one["run_id"] for one in listed] == [good.info.run_id, failed.info.run_id]
    assert listed[0]["metrics"] == good.data.metrics


def test_a_wrong_setting_of_the_model_is_named(study: Path) -> None:
    """The results stay, no half run does, and the run is logged once the setting is mended."""
    edit(study / "study.yaml", r"flavor: sklearn", "flavor: no_such_flavor")
    edit(study / "params.yaml", r"dpi: 300", "dpi: 90")
    failed = run(study, *REPRO, check=False)
    assert failed.returncode == 1
    assert "Traceback" not in failed.stderr
    assert "study.yaml: model" in failed.stderr
    assert "no_such_flavor" in failed.stderr
    assert len(runs(study)) == 1

    git(study, "restore", "study.yaml")
    assert "logged MLflow run" in run(study, "make", "repro").stdout
    assert runs(study)[0].data.params["figures.dpi"] == "90"


def test_two_reproductions_of_one_study_take_turns(study: Path) -> None:
    """The second waits for the first, says so, and finds nothing left to do: one run."""
    edit(study / "params.yaml", r"dpi: 300", "dpi: 100")
    both = [start(study), start(study)]
    said = sorted(map(finish, both), key=lambda text: "nothing changed, nothing logged" in text)
    assert "logged MLflow run" in said[0]
    assert "nothing changed, nothing logged" in said[1]
    assert len(runs(study)) == 2
    assert runs(study)[0].info.status == "FINISHED"


LOG_FIVE = """
import mlflow
from data_versioning import setup_mlflow
experiment = setup_mlflow()
for number in range(5):
    with mlflow.start_run(experiment_id=experiment):
        mlflow.log_metric("number", number)
"""


def test_a_cold_store_is_made_once(study: Path, tmp_path: Path) -> None:
    """Four processes that find no store make one and lose no run."""
    uri = f"sqlite:///{tmp_path}/shared folder/mlflow.db"
    (tmp_path / "shared folder").mkdir()
    python = [str(study / ".venv/bin/python"), "-c", LOG_FIVE]
    environment = user_environment(MLFLOW_TRACKING_URI=uri, MLFLOW_LOGGING_LEVEL="ERROR")
    together = [
        subprocess.Popen(
            python, cwd=study, env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
        )
        for _ in range(4)
    ]  # fmt: skip
    for process in together:
        finish(process)
    logged = runs(uri)
    assert [one.info.status for one in logged] == ["FINISHED"] * 20
    assert len({one.info.experiment_id for one in logged}) == 1
    assert logged[0].info.artifact_uri.startswith((tmp_path / "shared folder").as_uri())


def test_a_server_keeps_the_runs_of_every_clone(
    reproduced_study: Path, study: Path, tmp_path: Path
) -> None:
    """Two clones log to a server at once; while it is down the results are kept, and logged later.

    The profile names the server, and nothing of it is in the study's own store.
    """
    port = free_port()
    home = tmp_path / "server"
    home.mkdir()
    other = clone_study(reproduced_study, tmp_path / "other")
    for root in (study, other):
        edit(
            root / "profiles/server.env", r"(MLFLOW_TRACKING_URI=).*", rf"\1http://127.0.0.1:{port}"
        )
        edit(root / "params.yaml", r"dpi: 300", "dpi: 110")
    shutil.copytree(study / ".dvc/cache", other / ".dvc/cache")
    run(other, ".venv/bin/dvc", "checkout")

    down = run(study, "make", "repro", "PROFILE=server")
    assert "no run logged: the MLflow server does not answer: http://127.0.0.1" in down.stderr
    assert "try: make repro" in down.stderr
    unread = run(study, "make", "experiments", "PROFILE=server", check=False)
    assert unread.stderr.startswith("error: the MLflow server does not answer: http://127.0.0.1")
    assert "Traceback" not in unread.stderr

    with serving(*mlflow_server(home, port)):
        both = [start(root, PROFILE="server") for root in (study, other)]
        said = [finish(process) for process in both]
        assert "Running stage" not in said[0]
        assert "logged MLflow run" in said[0]
        assert "logged MLflow run" in said[1]
        logged = runs(f"http://127.0.0.1:{port}")
        assert [one.info.status for one in logged] == ["FINISHED"] * 2
        assert {one.data.params["figures.dpi"] for one in logged} == {"110"}
        assert len({one.info.experiment_id for one in logged}) == 1
        shown = run(study, "make", "experiments", "PROFILE=server").stdout
        assert shown.count("FINISHED") == 2
        where = run(study, "make", "ui", "PROFILE=server").stdout
        assert f"http://127.0.0.1:{port}" in where
    assert list(home.glob("artifacts/**/prediction.png"))
    assert len(runs(study)) == 1
    assert not (other / "mlflow.db").exists()


def test_the_ui_is_on_loopback_only(study: Path) -> None:
    """`make ui` prints its address, shows runs and figures, and says when the port is taken."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    (first,) = runs(study)
    with serving(["make", "ui", f"PORT={port}"], study, f"{url}/health") as log:
        page = f"{url}/#/experiments/{first.info.experiment_id}/runs"
        assert f"MLflow UI: {page}  (Ctrl-C ends it)" in log.read_text()
        figure = urlopen(
            f"{url}/get-artifact?path=results/figures/prediction.png&run_uuid={first.info.run_id}"
        ).read()
        assert figure == (study / "results/figures/prediction.png").read_bytes()
        listening = Path("/proc/net/tcp").read_text()
        assert re.findall(rf"([0-9A-F]+):{port:04X} 00000000:0000 0A", listening) == ["0100007F"]
        taken = run(study, "make", "ui", f"PORT={port}", check=False)
    assert f"error: port is taken: 127.0.0.1:{port}" in taken.stderr
    assert f"try: make ui PORT={port + 1}" in taken.stderr
