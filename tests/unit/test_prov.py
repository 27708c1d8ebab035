"""Lineage as PROV-JSON, as the `prov` package reads it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from data_versioning import LineageTracker
from data_versioning.cli import main
from data_versioning.study import Study
from prov.constants import PROV_TYPE
from prov.model import (
    ProvActivity,
    ProvAgent,
    ProvAssociation,
    ProvDerivation,
    ProvDocument,
    ProvEntity,
    ProvGeneration,
    ProvRecord,
    ProvStart,
    ProvUsage,
)

from tests.conftest import git
from tests.unit.recorded import Repository, hashed, lock, pointer, stage

AWKWARD = 'data/a "b" [c] 100%: {d}, (e) ünï\n#x.csv'


def read(text: str) -> ProvDocument:
    """Return the document, after a round through the package's own writer."""
    document: ProvDocument = ProvDocument.deserialize(content=text, format="json")
    assert ProvDocument.deserialize(content=document.serialize(format="json")) == document
    assert document.get_provn()
    return document


def pairs(document: ProvDocument, kind: type[ProvRecord]) -> set[tuple[str, str]]:
    """Return the first two ends of every relation of a kind, without the hashes of files."""
    return {
        tuple(str(end).partition("@")[0] for end in relation.args[:2])  # type: ignore[misc]
        for relation in document.get_records(kind)
    }


def test_the_package_reads_the_lineage_of_a_study(
    science: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    """Files, stages, people and programs, and how they hang together."""
    lineage = LineageTracker().get_lineage("models/model.json")
    assert main(["lineage", "models/model.json", "--format", "prov"]) == 0
    document = read(capsys.readouterr().out)
    assert document == read(json.dumps(lineage.prov()))
    names = {str(record.identifier) for record in document.get_records(ProvEntity)}
    assert names == {f"file:{file.path}@{file.hash}" for file in lineage.upstream.files}
    assert pairs(document, ProvUsage) == {
        ("stage:train", "file:data/prepared.csv"),
        ("stage:train", "file:src/train.py"),
        ("stage:prepare", "file:data/raw/people.csv"),
        ("stage:prepare", "file:src/prepare.py"),
    }
    assert pairs(document, ProvGeneration) == {
        ("file:models/model.json", "stage:train"),
        ("file:data/prepared.csv", "stage:prepare"),
    }
    assert pairs(document, ProvDerivation) == {
        ("file:models/model.json", "file:data/prepared.csv"),
        ("file:data/prepared.csv", "file:data/raw/people.csv"),
    }
    person = "agent:test%40example.org"
    assert pairs(document, ProvAssociation) == {
        (name, agent)
        for name in ("stage:train", "stage:prepare")
        for agent in (person, "agent:dvc")
    }
    kinds = {
        str(agent.identifier): str(agent.get_attribute(PROV_TYPE).pop())
        for agent in document.get_records(ProvAgent)
    }
    assert kinds == {person: "prov:Person", "agent:dvc": "prov:SoftwareAgent"}
    (run,) = lineage.runs
    activities = {str(one.identifier): one for one in document.get_records(ProvActivity)}
    started = activities[f"run:{run.run_id}"]
    assert isinstance(started, ProvActivity)
    start, end = started.get_startTime(), started.get_endTime()
    assert start and end and (start.isoformat(timespec="milliseconds")) == run.started
    assert start < end
    (begun,) = document.get_records(ProvStart)
    assert [str(end) for end in begun.args if end] == ["stage:train", f"run:{run.run_id}"]
    shown = dict((str(key), value) for key, value in activities["stage:train"].attributes)
    assert shown["dv:command"] == "python src/train.py"
    assert shown["param:train.alpha"] == 0.5


def test_any_path_and_any_value_make_a_valid_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names are percent-encoded, labels are not; tracked data have no stage, nor have notes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    repository = Repository(tmp_path)
    params = {"a b:c": float("nan"), "list": [1, "ü"], "none": None, "flag": True}
    made = {"make@a b": stage({AWKWARD: "1", "src/x y.py": "1"}, {"out": "1"}, params)}
    files = {"data/x.dvc": pointer(Path(AWKWARD).name, "1"), "dvc.lock": lock(made)}
    commit = repository.commit("one", files, author='Zoë "Z" <z>')
    document = read(json.dumps(LineageTracker().get_lineage("out").prov()))
    labels = {
        str(entity.identifier): str(entity.label) for entity in document.get_records(ProvEntity)
    }
    awkward = next(name for name, label in labels.items() if label == AWKWARD)
    assert awkward == (
        "file:data/a%20%22b%22%20%5Bc%5D%20100%25%3A%20%7Bd%7D%2C%20%28e%29%20%C3%BCn%C3%AF%0A%23x.csv"
        f"@{hashed('1')}"
    )
    (activity,) = document.get_records(ProvActivity)
    values = {str(key): value for key, value in activity.attributes}
    assert values["param:a%20b%3Ac"] == "nan"
    assert values["param:list"] == '[1, "ü"]'
    assert (values["param:none"], values["param:flag"]) == ("null", True)
    out = document.get_record(f"file:out@{hashed('1')}")[0]
    assert commit in {str(value) for _, value in out.attributes}

    tracked = read(json.dumps(LineageTracker().get_lineage(AWKWARD).prov()))
    assert not list(tracked.get_records(ProvActivity))
    assert len(list(tracked.get_records(ProvEntity))) == 1

    repository.write({"dvc.lock": lock({"new": stage({}, {"out": "2"})})})
    dirty = read(json.dumps(LineageTracker().get_lineage("out").prov()))
    assert [str(agent.identifier) for agent in dirty.get_records(ProvAgent)] == ["agent:dvc"]
    assert git(tmp_path, "status", "--porcelain").strip() == "M dvc.lock"
