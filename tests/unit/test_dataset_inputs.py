"""Which data made this model, and what did this data make: MLflow alone tells."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from typing import Any

import mlflow
import pytest
from data_versioning import ExperimentTracker
from data_versioning.errors import StudyError
from data_versioning.experiments import store
from data_versioning.experiments.dataset_inputs import data_url, versions
from data_versioning.pipeline.manager import reproduce
from data_versioning.pipeline.metrics import read_metrics
from data_versioning.study import Study

from tests.conftest import git

RAW = "data/raw/people.csv"


def inputs(study: Study, run_id: str) -> dict[str, dict[str, Any]]:
    """Return the tags of the dataset inputs of a run by name, with digest and source."""
    run = mlflow.MlflowClient(store.tracking_uri(study)).get_run(run_id)
    return {
        one.dataset.name: {tag.key: tag.value for tag in one.tags}
        | {"digest": one.dataset.digest, "source": mlflow.data.get_source(one.dataset).to_dict()}
        for one in (run.inputs.dataset_inputs if run.inputs else [])
    }


def md5_of(study: Study, path: str) -> str:
    from data_versioning.tools import dvc_files

    return dvc_files.outputs(study.root)[path]


def test_from_a_run_to_its_data_and_back(science: Study) -> None:
    """Path, hash, object in the remote, commit and tags of what was logged, and the way back."""
    root = science.root
    subprocess.run(["dvc", "remote", "modify", "storage", "url", "../storage"], check=True)
    subprocess.run(["dvc", "push", "-q"], check=True)
    head = git(root, "rev-parse", "HEAD").strip()
    git(root, "tag", "--annotate", "people-v1.0.0", "HEAD~1", "--message", "people")
    git(root, "tag", "study-v1")
    tracker = ExperimentTracker()
    with tracker.start_run() as run:
        tracker.log_dataset(RAW, context="training")
        tracker.log_dataset(root / "data/prepared.csv")
    logged = inputs(science, run.info.run_id)
    md5 = md5_of(science, RAW)
    stored = f"{root.parent / 'storage'}/files/md5/{md5[:2]}/{md5[2:]}"
    assert Path(stored).read_bytes() == (root / RAW).read_bytes()
    assert logged[RAW] == {
        "dvc.path": RAW,
        "dvc.md5": md5,
        "dvc.url": stored,
        "git.commit": head,
        "git.tags": "people-v1.0.0, study-v1",
        "mlflow.data.context": "training",
        "digest": md5,
        "source": {"uri": stored},
    }
    assert logged["data/prepared.csv"]["git.tags"] == "study-v1"
    assert "mlflow.data.context" not in logged["data/prepared.csv"]

    # The other way: from data to runs.
    for query, found in (
        (f"dataset.digest = '{md5}'", True),
        (f"dataset.name = '{RAW}' and dataset.context = 'training'", True),
        (f"dataset.digest LIKE '{md5[:8]}%'", True),
        (f"dataset.digest = '{'0' * 32}'", False),
    ):
        ids = list(tracker.search(query)["run_id"])
        assert ids == ([run.info.run_id] if found else [])


def test_versions_in_git(science: Study) -> None:
    """The current commit if that holds it, else a tagged one, else none; parsed, not guessed."""
    root = science.root
    first = md5_of(science, RAW)
    tagged = git(root, "rev-parse", "HEAD").strip()
    git(root, "tag", "v1")
    git(root, "tag", "a-tree", git(root, "mktree", "--missing", "-z").strip())
    (root / RAW).chmod(0o644)
    (root / RAW).write_text("name,age\nada,37\n")
    subprocess.run(["dvc", "add", "-q", RAW], check=True)
    second = md5_of(science, RAW)
    (root / "notes.dvc").write_text(f"# was {first}\nouts:\n- path: notes\n  md5: {second}\n")
    git(root, "add", "notes.dvc")
    assert versions(science, {RAW: first, "notes": first}) == {
        RAW: (tagged, ["v1"]),
        "notes": ("uncommitted", []),
    }
    assert versions(science, {RAW: second}) == {RAW: ("uncommitted", [])}
    git(root, "commit", "--quiet", "--all", "--message", "data: correct ada")
    head = git(root, "rev-parse", "HEAD").strip()
    assert versions(science, {RAW: second}) == {RAW: (head, [])}
    for number in range(100):
        git(root, "tag", f"people-v1.0.{number:02}")
    assert versions(science, {RAW: first})[RAW] == (tagged, ["v1"])
    with ExperimentTracker().start_run() as run:
        tracker = ExperimentTracker()
        with tracker.start_run(nested=True) as inner:
            tracker.log_dataset(RAW)
    tags = inputs(science, inner.info.run_id)[RAW]["git.tags"]
    assert len(tags) <= 500 and tags.startswith("people-v1.0.00, ")
    assert all(len(name) == len("people-v1.0.00") for name in tags.split(", "))  # none is cut
    assert run


def test_a_reproduction_logs_the_datasets_of_the_study(science: Study) -> None:
    """Those that `study.yaml` names; what it just made is in no commit yet."""
    root = science.root
    settings = (root / "study.yaml").read_text() + f"  - path: {RAW}\n"
    (root / "study.yaml").write_text(settings)
    params = (root / "params.yaml").read_text()
    (root / "params.yaml").write_text(params.replace("rows: 3", "rows: 4"))
    run_id = reproduce(science, quiet=True).run_id
    assert run_id
    logged = inputs(science, run_id)
    assert set(logged) == {"data/prepared.csv", RAW}
    assert logged["data/prepared.csv"]["digest"] == md5_of(science, "data/prepared.csv")
    assert logged["data/prepared.csv"]["git.commit"] == "uncommitted"
    assert logged["data/prepared.csv"]["mlflow.data.context"] == "training"
    assert logged[RAW]["git.commit"] == git(root, "rev-parse", "HEAD").strip()

    (root / "study.yaml").write_text(settings + "  - path: data/raw/nobody.csv\n")
    (root / "params.yaml").write_text(params.replace("rows: 3", "rows: 2"))
    with pytest.raises(StudyError, match=r"tracked by DVC: data/raw/nobody\.csv"):
        reproduce(Study(root), quiet=True)


def test_folders_and_what_is_no_dataset(study: Study) -> None:
    """Folders are datasets as a whole; what DVC does not know or what changed is refused."""
    root = study.root
    for name in ("-n 'quoted' ü.csv", "folder/a.csv", "folder/b/c.csv"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    subprocess.run(["dvc", "add", "-q", "--", "-n 'quoted' ü.csv", "folder"], check=True)
    tracker = ExperimentTracker()
    with tracker.start_run() as run:
        tracker.log_dataset("-n 'quoted' ü.csv")
        tracker.log_dataset("folder/", "evaluation")
        for path, what in (
            ("in.txt", "neither a stage's output nor tracked by DVC: in.txt"),
            ("folder/a.csv", "part of the dataset folder: folder/a.csv"),
            ("absent", "no such dataset: absent"),
            ("../elsewhere.csv", "outside the study"),
        ):
            with pytest.raises(StudyError, match=what):
                tracker.log_dataset(path)
        with pytest.raises(StudyError) as no:
            tracker.log_dataset("in.txt")
        assert no.value.mend == "python -m data_versioning track-data in.txt -m <message>"
        for path, edited in (("folder", "folder/b/c.csv"), ("-n 'quoted' ü.csv",) * 2):
            (root / edited).chmod(0o644)
            (root / edited).write_text("edited")
            with pytest.raises(StudyError, match=f"changed since DVC hashed it: {path}") as no:
                tracker.log_dataset(path)
            assert no.value.mend == f"dvc add -- {shlex.quote(path)}"
    logged = inputs(study, run.info.run_id)
    assert set(logged) == {"-n 'quoted' ü.csv", "folder"}
    assert logged["folder"]["digest"] == md5_of(study, "folder")
    assert logged["folder"]["digest"].endswith(".dir")
    assert logged["folder"]["dvc.url"] == str(root / "folder")  # there is no remote
    assert logged["folder"]["git.commit"] == "uncommitted"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://me:ge/he@im@example.org/data", "https://example.org/data/"),
        ("https://geheim@example.org/data", "https://example.org/data/"),
        ("https://example.org:8080/da@ta", "https://example.org:8080/da@ta/"),
        ("s3://bucket/da@ta", "s3://bucket/da@ta/"),
        ("ssh://me:geheim@example.org/data", "/"),
    ],
)
def test_no_password_gets_into_mlflow(science: Study, url: str, expected: str) -> None:
    """Neither in a tag nor in the source, whatever DVC says the address is."""
    subprocess.run(["dvc", "remote", "add", "-q", "-f", "-d", "storage", url], check=True)
    tracker = ExperimentTracker()
    with tracker.start_run() as run:
        tracker.log_dataset(RAW)
    logged = inputs(science, run.info.run_id)[RAW]
    assert logged["dvc.url"].startswith(expected)
    told = str(logged) + (science.root / "mlflow.db").read_bytes().decode("latin-1")
    assert "geheim" not in told and "he@im" not in told
    assert data_url(science, RAW) == logged["dvc.url"]


def test_addresses_are_shown_without_secrets() -> None:
    """A port is no password, and an @ in a path no user."""
    for address, shown in {
        "https://me:geheim@host:5000/x": "https://host:5000/x",
        "https://me:ge/he@im@host/x@y": "https://y",  # rather too little than a password
        "https://token@host/x": "https://host/x",
        "https://host:5000/x@y": "https://host:5000/x@y",
        "s3://bucket/x@y": "s3://bucket/x@y",
        "azure://c/x?sig=geheim": "azure://c/x",
        "/a?b@c": "/a?b@c",
        "postgresql+psycopg2://me:geheim@host/db": "postgresql+psycopg2://host/db",
    }.items():
        assert store.shown(address) == shown


def test_metrics_files_are_read_as_dvc_reads_them(science: Study) -> None:
    """JSON, YAML and TOML, in stages and outside of them; the same names, the same values."""
    import dvc.api

    root = science.root
    (root / "m.yaml").write_text("f1: 0.25\nsub: {n: 1}\n")
    (root / "m.toml").write_text("[sub]\nx = 1.5\n[more]\ny = 2\n")
    pipeline = (root / "dvc.yaml").read_text()
    top = "metrics:\n  - m.yaml\n  - m.toml\n"
    (root / "dvc.yaml").write_text(pipeline + top)
    expected = dvc.api.metrics_show(repo=str(root))
    assert read_metrics(science) == expected
    assert set(expected) == {
        "accuracy", "results/metrics.json:f1", "m.yaml:f1", "m.yaml:sub", "m.toml:sub", "more",
    }  # fmt: skip
    (root / "results/metrics.json").write_text("{")
    with pytest.raises(StudyError, match=r"not valid JSON: results/metrics\.json"):
        read_metrics(science)
    # Named by a loop, in another folder, and by a pipeline of its own.
    (root / "sub").mkdir()
    for name in ("a", "b"):
        (root / f"sub/{name}.json").write_text(f'{{"{name}": 1}}')
    (root / "dvc.yaml").write_text(
        "stages:\n  s:\n    foreach: [a, b]\n    do:\n      cmd: echo ${item}\n      wdir: sub\n"
        "      metrics:\n        - ${item}.json:\n            cache: false\n"
    )
    subprocess.run(["dvc", "commit", "-q", "-f"], check=True)
    assert read_metrics(science) == dvc.api.metrics_show(repo=str(root)) == {"a": 1, "b": 1}
    (root / "other").mkdir()
    (root / "other/dvc.yaml").write_text("metrics:\n  - more.json\n")
    (root / "other/more.json").write_text('{"c": 1}')
    git(root, "add", "other")
    assert read_metrics(science) == dvc.api.metrics_show(repo=str(root))
    assert read_metrics(science)["c"] == 1
