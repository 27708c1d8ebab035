"""Models: registered, promoted, loaded, and git and MLflow kept in step."""

from __future__ import annotations

import json
import linecache
import math
import multiprocessing
import os
import subprocess
from pathlib import Path
from typing import Any

import dvc.api
import pytest
import yaml
from data_versioning import ModelRegistry, StudyError
from data_versioning.cli import main
from data_versioning.errors import StoreError
from data_versioning.experiments.runs import log_reproduction
from data_versioning.experiments.store import setup_mlflow
from data_versioning.study import Study
from data_versioning.tools import dvc as dvc_cli
from mlflow import MlflowClient

from tests.conftest import git

MODEL = "models/model.json"


def commit(root: Path, message: str = "feat: another model") -> None:
    """Commit everything."""
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", message)


def retrain(study: Study, alpha: float) -> None:
    """Make another model, with an accuracy of 0.44 times alpha, and commit it."""
    params = study.root / "params.yaml"
    lines = params.read_text().splitlines()
    params.write_text(
        "\n".join(f"  alpha: {alpha}" if "alpha" in line else line for line in lines) + "\n"
    )
    dvc_cli.call(study.root, "repro", "--quiet")
    commit(study.root)


def gto(study: Study, *arguments: str) -> list[dict[str, object]]:
    """Return what GTO says."""
    done = subprocess.run(
        ["gto", *arguments, "--json"], cwd=study.root, check=True, capture_output=True, text=True
    )
    found = json.loads(done.stdout)
    return list(found.values()) if isinstance(found, dict) else list(found)


@pytest.fixture
def loadable(science: Study) -> Study:
    """The study, which says how its model is read."""
    with (science.root / "study.yaml").open("a") as file:
        file.write(f"model:\n  path: {MODEL}\n  load: linecache.getlines\n")
    commit(science.root, "chore: say how the model is read")
    return Study(science.root)


def test_life_of_a_model(loadable: Study) -> None:
    """Two versions, a promotion, a rollback: in tags, for GTO and DVC, in MLflow, loadable."""
    root, registry = loadable.root, ModelRegistry()
    first = registry.register("ridge", "1.9.0", MODEL, stage="production")
    assert (first.stages, first.path) == (("production",), MODEL)
    assert first.metrics == {"accuracy": pytest.approx(0.21833, abs=1e-4), "f1": 0.5}
    retrain(loadable, 0.25)
    second = registry.register("ridge", "1.10.0", metrics={"accuracy": 0.9}, stage="staging")
    assert first.md5 != second.md5 and first.commit != second.commit
    with pytest.raises(StudyError, match=r"f1: .*1\.10\.0|no metric f1: ridge 1\.10\.0"):
        registry.transition("ridge", "1.10.0", "production", no_worse="f1")
    registry.transition("ridge", "1.10.0", "production", no_worse="accuracy")
    old, new = registry.load_model("ridge", "1.9.0"), registry.load_model("ridge")
    assert json.loads(old[0])["mean"] == pytest.approx(2 * json.loads(new[0])["mean"])
    assert registry.load_model("ridge", stage="production") == new
    assert new == linecache.getlines(str(root / MODEL))

    with pytest.raises(StudyError, match=r"accuracy is worse than that of 1\.10\.0") as worse:
        registry.transition("ridge", "1.9.0", "production", no_worse="accuracy")
    assert "1.9.0" in str(worse.value)
    registry.transition("ridge", "1.9.0", "production", "accuracy", lower_is_better=True)
    history = [(one.action, one.version, one.stage) for one in registry.history("ridge")]
    assert history == [
        ("register", "1.9.0", ""),
        ("promote", "1.9.0", "production"),
        ("register", "1.10.0", ""),
        ("promote", "1.10.0", "staging"),
        ("promote", "1.10.0", "production"),
        ("promote", "1.9.0", "production"),
    ]
    assert [one.number for one in registry.history("ridge") if one.stage == "production"] == [
        1,
        2,
        3,
    ]
    assert [(one.version, one.stages) for one in registry.list()] == [
        ("1.9.0", ("production",)),
        ("1.10.0", ("staging",)),
    ]

    shown = {one["version"]: one for one in gto(loadable, "show", "ridge")}
    assert shown.keys() == {"v1.9.0", "v1.10.0"}
    assert [one["stage"] for one in shown["v1.10.0"]["stages"]] == ["staging"]  # type: ignore[attr-defined]
    found = dvc.api.artifacts_show("ridge", stage="production", repo=str(root))
    assert found == {"rev": first.commit, "path": MODEL}
    assert dvc.api.artifacts_show("ridge", version="v1.10.0")["rev"] == second.commit

    client = MlflowClient()
    held = client.get_model_version_by_alias("ridge", "production")
    assert held.tags["version"] == "1.9.0"
    assert held.tags["dvc.md5"] == first.md5
    assert held.tags["git.commit"] == git(root, "rev-parse", f"{first.commit}~1").strip()
    assert held.tags["metric.f1"] == "0.5"
    run = client.get_run(held.run_id or "none")
    assert run.data.tags[f"data:{MODEL}"] == first.md5


def test_the_run_of_a_model_is_found_whatever_its_path(science: Study) -> None:
    """Also where MLflow does not take the path into the name of a tag."""
    path = "models/it's `new` (1)+é.json"
    (science.root / path).write_text("{}")
    dvc_cli.call(science.root, "add", "--quiet", "--", path)
    commit(science.root)
    run_id = log_reproduction(science, 1.0)
    ModelRegistry().register("other", "1.0.0", path)
    (version,) = MlflowClient().search_model_versions("name='other'")
    assert version.run_id == run_id


def test_a_version_is_registered_once(loadable: Study) -> None:
    """The same again changes nothing, other bytes and other files are refused."""
    registry = ModelRegistry()
    made = registry.register("ridge", "1.0.0", MODEL, stage="production")
    before = git(loadable.root, "for-each-ref", "refs"), git(loadable.root, "status", "--short")
    assert registry.register("ridge", "1.0.0", MODEL, stage="production") == made
    after = git(loadable.root, "for-each-ref", "refs"), git(loadable.root, "status", "--short")
    assert before == after
    assert len(MlflowClient().search_model_versions("name='ridge'")) == 1
    retrain(loadable, 0.25)
    with pytest.raises(StudyError, match="registered already with other bytes"):
        registry.register("ridge", "1.0.0", MODEL)
    with pytest.raises(StudyError, match="registered already with other bytes"):
        registry.register("ridge", "1.0.0", "data/prepared.csv")


def test_what_is_staged_stays_out(loadable: Study) -> None:
    """The commit of a version holds dvc.yaml alone, and its comments survive."""
    root = loadable.root
    text = "# why these stages\n" + (root / "dvc.yaml").read_text()
    (root / "dvc.yaml").write_text(text)
    commit(root)
    (root / "notes.md").write_text("half a thought\n")
    git(root, "add", "notes.md")
    made = ModelRegistry().register("ridge", "0.1.0-rc.1", MODEL)
    assert git(root, "show", "--format=%s", "--name-only", made.commit).split("\n\n") == [
        "data: register ridge 0.1.0-rc.1",
        "dvc.yaml\n",
    ]
    assert git(root, "status", "--short") == "A  notes.md\n"
    assert (root / "dvc.yaml").read_text().startswith(text)
    declared = yaml.safe_load((root / "dvc.yaml").read_text())["artifacts"]["ridge"]
    assert declared["path"] == MODEL and declared["meta"]["version"] == "0.1.0-rc.1"


@pytest.mark.parametrize(
    ("name", "version", "path", "stage", "complaint"),
    [
        ("--all", "1.0.0", MODEL, None, "not a name of a model"),
        ("a/b", "1.0.0", MODEL, None, "not a name of a model"),
        ("a$(touch x)", "1.0.0", MODEL, None, "not a name of a model"),
        ("ridge", "1.0", MODEL, None, "not a semantic version"),
        ("ridge", "v1.0.0", MODEL, None, "not a semantic version"),
        ("ridge", "1.0.0", MODEL, "v1", "keeps this name"),
        ("ridge", "1.0.0", MODEL, "in production", "not a name of a stage"),
        ("ridge", "1.0.0", "src/train.py", None, "DVC does not keep this: src/train.py"),
        ("ridge", "1.0.0", "../elsewhere", None, "outside the study"),
        ("ridge", "1.0.0", None, None, "which file is this model"),
    ],
)
def test_nonsense_is_refused(
    science: Study, name: str, version: str, path: str | None, stage: str | None, complaint: str
) -> None:
    """With what is wrong, and nothing is left behind."""
    with pytest.raises(StudyError, match=complaint.replace("$", r"\$")):
        ModelRegistry().register(name, version, path, stage=stage)
    assert git(science.root, "tag", "--list") == git(science.root, "status", "--short") == ""


def test_odd_metrics(
    loadable: Study, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names that MLflow does not take are cleaned; what is no number is refused before the tag."""
    registry = ModelRegistry()
    values: list[Any] = ["good", None, [1], math.nan]
    for value in values:
        with pytest.raises(StudyError, match=r"not a number: .*: metric 'f1'"):
            registry.register("ridge", "1.0.0", MODEL, {"f1": value})
    wrong: list[tuple[Any, Any, Any]] = [
        ("clf", 1, None), (1, "1.0.0", None), ("x" * 101, "1.0.0", None), ("a", "1.0.0", "x" * 101)
    ]  # fmt: skip
    for name, version, stage in wrong:
        with pytest.raises(StudyError, match=r"not a text but int|longer than 100 letters"):
            registry.register(name, version, MODEL, stage=stage)
    assert git(loadable.root, "tag") == ""

    argv = ["registry", "register", "ridge", "1.0.0", "--stage", "production"]
    for metric in ("R^2=0.5", "two\nlines=1", f"{'x' * 300}=2", "f1=0.25"):
        argv += ["--metric", metric]
    assert main(argv) == 0
    assert capsys.readouterr().out.startswith("registered ridge 1.0.0 (production); share it")
    (made,) = MlflowClient().search_model_versions("name='ridge'")
    assert {made.tags["metric.R_2"], made.tags["metric.two_lines"]} == {"0.5", "1.0"}
    assert main(argv) == 0
    assert capsys.readouterr().out == "already registered: ridge 1.0.0 (production)\n"
    assert main(["registry", "promote", "ridge", "1.0.0", "production"]) == 0
    assert capsys.readouterr().out == "ridge 1.0.0 already holds production\n"
    assert main(["registry", "register", "ridge", "1.0.0", "--stage", "staging"]) == 0
    assert capsys.readouterr().out.startswith("promoted ridge 1.0.0 (production, staging)")
    assert main(["registry", "register", "ridge", "1.1.0", "--metric", "f1=0.5"]) == 0
    promote = ["registry", "promote", "ridge", "1.1.0", "production", "--no-worse", "f1"]
    assert main(promote) == 0
    assert "f1: 0.5 against 0.25 of 1.0.0, more is better" in capsys.readouterr().out
    assert main(["registry", "list"]) == 0
    assert "R^2=0.5" in (listed := capsys.readouterr().out) and "+1 more" in listed
    assert "f1=0.25" not in listed

    # A version that MLflow refuses, whoever made its tag, keeps none of the others away.
    long = loadable.root / "message"
    long.write_text(f"Register ridge 0.0.1\n\npath: {'x' * 100_001}\nmd5: '0'\n")
    git(loadable.root, "tag", "--annotate", "--file", "message", "ridge@v0.0.1", "HEAD~3")
    git(loadable.root, "tag", "--annotate", "--message", "by hand", "ridge#old#1", "HEAD~3")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///empty.db")
    assert main(["registry", "rebuild"]) == 1
    assert "MLflow refuses this version: ridge@v0.0.1: " in capsys.readouterr().err
    client = MlflowClient()
    assert client.get_model_version_by_alias("ridge", "production").tags["version"] == "1.1.0"
    assert client.get_model_version_by_alias("ridge", "staging").tags["version"] == "1.0.0"


def test_what_is_not_committed_is_refused(loadable: Study) -> None:
    """A model that was changed by hand or by a reproduction since the commit."""
    registry, model = ModelRegistry(), loadable.root / MODEL
    bytes_of_it = model.read_bytes()
    model.chmod(0o644)
    model.write_text("{}")
    with pytest.raises(StudyError, match="changed since it was committed: models"):
        registry.register("ridge", "1.0.0")
    model.write_bytes(bytes_of_it)
    (loadable.root / "params.yaml").write_text("prepare:\n  rows: 3\ntrain:\n  alpha: 0.75\n")
    dvc_cli.call(loadable.root, "repro", "--quiet")
    with pytest.raises(StudyError, match="not committed: models"):
        registry.register("ridge", "1.0.0")
    with pytest.raises(StudyError, match="no such model: ridge"):
        registry.load_model("ridge")


def test_lost_store(
    loadable: Study, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tags bring MLflow's registry back; what was changed there alone is found and undone."""
    registry = ModelRegistry()
    registry.register("ridge", "1.0.0", MODEL, stage="production")
    retrain(loadable, 0.25)
    registry.register("ridge", "1.1.0", MODEL)
    assert main(["registry", "verify"]) == 0
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///empty.db")
    capsys.readouterr()
    assert main(["registry", "verify", "--json"]) == 1
    lost = {(one["what"], one["in_git"]) for one in json.loads(capsys.readouterr().out)}
    assert lost == {
        ("version 1.0.0", "registered"), ("version 1.1.0", "registered"),
        ("stage production", "1.0.0"),
    }  # fmt: skip
    assert main(["registry", "rebuild"]) == 0
    assert "mended ridge: stage production: - is 1.0.0" in capsys.readouterr().out
    assert main(["registry", "verify"]) == 0
    client = MlflowClient()
    client.set_registered_model_alias("ridge", "production", "2")
    client.set_registered_model_alias("ridge", "shadow", "1")
    client.create_model_version("ridge", "dvc:elsewhere")
    assert main(["registry", "verify", "--json"]) == 1
    capsys.readouterr()
    assert main(["registry", "rebuild", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 2
    assert client.get_model_version_by_alias("ridge", "production").tags["version"] == "1.0.0"
    assert list(client.get_registered_model("ridge").aliases) == ["production"]
    assert main(["registry", "verify"]) == 1  # the stranger is left alone, and named
    assert "version [3]" in capsys.readouterr().out


def test_a_server_that_is_down(loadable: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tags are made, the error names the server, and the same call finishes."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    registry = ModelRegistry()
    with pytest.raises(StoreError, match="does not answer"):
        registry.register("ridge", "1.0.0", MODEL, stage="production")
    assert git(loadable.root, "tag").split() == ["ridge@v1.0.0"]
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert registry.register("ridge", "1.0.0", MODEL, stage="production").stages == ("production",)
    assert main(["registry", "verify"]) == 0


def register(root: str, version: str) -> None:
    """Register and promote a version, as a process of its own."""
    os.chdir(root)
    ModelRegistry().register("ridge", version, MODEL, stage="production")


def test_two_at_once(loadable: Study) -> None:
    """Both versions and both promotions are there."""
    context = multiprocessing.get_context("spawn")
    both = [
        context.Process(target=register, args=(str(loadable.root), version))
        for version in ("1.0.0", "1.1.0")
    ]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert [one.exitcode for one in both] == [0, 0]
    registry = ModelRegistry()
    assert len(registry.list()) == 2
    assert [one.number for one in registry.history("ridge") if one.stage] == [1, 2]
    setup_mlflow(loadable)
    assert main(["registry", "verify"]) == 0


def test_other_clones_know(
    loadable: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Pushed tags carry the history; a clone loads the model from the remote."""
    registry = ModelRegistry(remote="storage")
    registry.register("ridge", "1.0.0", MODEL, stage="production")
    with pytest.raises(StudyError, match="no such remote: s3://models"):
        ModelRegistry(remote="s3://models").register("ridge", "1.0.0", MODEL)
    git(tmp_path, "init", "--quiet", "--bare", "central.git")
    git(loadable.root, "push", "--quiet", "--follow-tags", "../central.git", "HEAD:main")
    git(tmp_path, "clone", "--quiet", "central.git", "clone")
    os.chdir(tmp_path / "clone")
    assert main(["registry", "history", "ridge"]) == 0
    assert "Promote ridge 1.0.0 to production" in capsys.readouterr().out
    assert main(["registry", "list"]) == 0
    assert "ridge  1.0.0    production" in capsys.readouterr().out
    model = ModelRegistry().load_model("ridge", stage="production")
    assert model == linecache.getlines(str(loadable.root / MODEL))


def test_tags_that_gto_made(loadable: Study, capsys: pytest.CaptureFixture[str]) -> None:
    """A promotion, its end and a withdrawn version count like our own."""
    registry = ModelRegistry()
    registry.register("ridge", "1.0.0", MODEL)
    run = ["gto", "assign", "ridge", "--version", "v1.0.0", "--stage", "shadow"]
    subprocess.run(run, cwd=loadable.root, check=True, capture_output=True)
    assert registry.list()[0].stages == ("shadow",)
    git(loadable.root, "tag", "-a", "-m", "by hand", "ridge#canary#1", "HEAD~1")  # no version
    assert main(["registry", "rebuild"]) == 0
    assert list(MlflowClient().get_registered_model("ridge").aliases) == ["shadow"]
    git(loadable.root, "tag", "--delete", "ridge#canary#1")
    assert MlflowClient().get_model_version_by_alias("ridge", "shadow").tags["version"] == "1.0.0"
    run = ["gto", "deprecate", "ridge", "v1.0.0", "shadow"]
    subprocess.run(run, cwd=loadable.root, check=True, capture_output=True)
    assert registry.list()[0].stages == ()
    assert main(["registry", "rebuild"]) == 0
    assert not MlflowClient().get_registered_model("ridge").aliases
    run = ["gto", "deprecate", "ridge", "v1.0.0"]
    subprocess.run(run, cwd=loadable.root, check=True, capture_output=True)
    assert registry.list() == []
    assert [one.action for one in registry.history("ridge")] == [
        "register", "promote", "demote", "withdraw"
    ]  # fmt: skip
    with pytest.raises(StudyError, match="no such model"):
        registry.load_model("ridge")
    with pytest.raises(StudyError, match="withdrawn"):
        registry.register("ridge", "1.0.0", MODEL)
