"""Lineage: from a result back to its origins, and from data forward to its uses."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import mlflow
import pytest
from data_versioning import ExperimentTracker, LineageTracker, StudyError
from data_versioning.cli import main
from data_versioning.pipeline.manager import reproduce
from data_versioning.study import Study
from data_versioning.tools import dvc_files

from tests.conftest import git
from tests.unit.recorded import Repository, hashed, lock, pointer, stage

RAW = "data/raw.csv"
MODEL = "models/model.json"
PEOPLE = "data/raw/people.csv"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A study without data."""
    root = tmp_path / "my study"
    root.mkdir()
    monkeypatch.chdir(root)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return Repository(root)


def commit(root: Path, message: str) -> str:
    """Commit everything and return the commit."""
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", message)
    return git(root, "rev-parse", "HEAD").strip()


def test_the_lineage_of_a_model_through_its_life(
    science: Study, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Committed, tagged, released, made again with another parameter, looked at from anywhere."""
    root = science.root
    first = git(root, "rev-parse", "HEAD").strip()
    kept = dvc_files.outputs(root)
    artifacts = f"artifacts:\n  people:\n    path: {MODEL}\n    type: model\n"
    (root / "dvc.yaml").write_text((root / "dvc.yaml").read_text() + artifacts)
    (root / "uv.lock").write_text("later\n")
    commit(root, "docs: declare the model")
    git(root, "tag", "--annotate", "--message", "by GTO", "people@v1.0.0")
    git(root, "tag", "plain")

    tracker = LineageTracker(project_dir=".")
    lineage = tracker.get_lineage(artifact=MODEL)
    assert (lineage.artifact, lineage.hash, lineage.rev) == (MODEL, kept[MODEL], "")
    assert (lineage.stage, lineage.command) == ("train", "python src/train.py")
    assert lineage.params == {"train.alpha": 0.5, "train.name": "ridge"}
    assert lineage.upstream_params == {"train": lineage.params, "prepare": {"prepare.rows": 3}}
    assert lineage.training_data == {
        "data/prepared.csv": kept["data/prepared.csv"], PEOPLE: kept[PEOPLE]
    }  # fmt: skip
    assert list(lineage.code) == ["src/train.py", "src/prepare.py"]
    digest = hashlib.md5((root / "src/train.py").read_bytes()).hexdigest()
    assert lineage.code["src/train.py"] == digest
    assert (lineage.code_commit, lineage.dirty) == (first, False)
    assert (lineage.author, lineage.email) == ("Test", "test@example.org")
    assert lineage.environment == "none", "there was no uv.lock in that commit"
    assert [one.address for one in lineage.upstream.stages] == ["train", "prepare"]
    assert {(file.path, file.kind) for file in lineage.upstream.files} == {
        (MODEL, "result"), ("data/prepared.csv", "result"), (PEOPLE, "data"),
        ("src/train.py", "code"), ("src/prepare.py", "code"),
    }  # fmt: skip
    (run,) = lineage.runs
    assert (run.status, run.dirty) == ("FINISHED", False)
    assert run.started < run.ended
    by_hand = ExperimentTracker()
    with pytest.raises(ZeroDivisionError), by_hand.start_run("boom"):
        raise ZeroDivisionError  # its tags name all data of the study, but it used none
    assert tracker.get_lineage(MODEL).runs == (run,)
    with by_hand.start_run("reads") as reads:
        by_hand.log_dataset(MODEL)
    assert [one.run_id for one in tracker.get_lineage(MODEL).runs] == [
        run.run_id, reads.info.run_id
    ]  # fmt: skip
    assert tracker.used_by(PEOPLE).runs == (run,)
    mlflow.delete_run(reads.info.run_id)
    assert lineage.model_versions == ("people@v1.0.0",)
    assert lineage.tags == ("people@v1.0.0", "plain")
    assert lineage.notes == ()

    (root / "params.yaml").write_text((root / "params.yaml").read_text().replace("0.5", "0.25"))
    reproduce(science, quiet=True)
    dirty = tracker.get_lineage(MODEL)
    assert (dirty.code_commit, dirty.dirty, dirty.author) == ("none", True, "")
    assert dirty.params["train.alpha"] == 0.25
    assert (dirty.tags, dirty.model_versions) == ((), ())
    assert dirty.hash != lineage.hash
    assert dirty.environment == hashlib.sha256(b"later\n").hexdigest()
    (other,) = dirty.runs
    assert other.run_id != run.run_id
    second = commit(root, "feat: a smaller alpha")
    monkeypatch.chdir(root / "models")
    for name in ("model.json", MODEL, root / MODEL, "./model.json"):
        assert tracker.get_lineage(name).code_commit == second
    assert tracker.get_lineage("data/prepared.csv").code_commit == first, "its bytes are older"
    old = tracker.get_lineage(MODEL, rev="plain")
    assert (old.hash, old.code_commit, old.rev) == (lineage.hash, first, "plain")
    assert old.params["train.alpha"] == 0.5
    assert [one.run_id for one in old.runs] == [run.run_id]
    assert old.tags == lineage.tags

    used = tracker.used_by(PEOPLE)
    assert used.text().splitlines()[0] == f"{PEOPLE} {kept[PEOPLE]}" == f"{used.path} {used.hash}"
    models = [(one.hash, one.stage, one.commit) for one in used.results if one.path == MODEL]
    assert models == [(lineage.hash, "train", first), (dirty.hash, "train", second)]
    assert [one.run_id for one in used.runs] == [run.run_id, other.run_id]
    assert used.releases == ("people@v1.0.0",)
    assert used.tags == ("people@v1.0.0", "plain")
    assert tracker.used_by(kept[PEOPLE]) == used
    later = tracker.used_by(dirty.hash)
    assert {one.path for one in later.results} == {
        "results/metrics.json", "results/predictions.csv"
    }  # fmt: skip
    assert (later.releases, [one.run_id for one in later.runs]) == ((), [other.run_id])

    monkeypatch.chdir(root)
    assert main(["lineage", MODEL, "--rev", "plain"]) == 0
    text = capsys.readouterr().out
    for part in (MODEL, "plain", first, "train.alpha: 0.5", run.run_id, "people@v1.0.0", PEOPLE):
        assert part in text
    assert f"{PEOPLE}: {kept[PEOPLE]} (raw)\n" in text
    assert f"data/prepared.csv: {kept['data/prepared.csv']}\n" in text
    assert main(["lineage", MODEL, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["upstream"]["stages"][0]["params"] == {"train.alpha": 0.25, "train.name": "ridge"}
    assert shown["runs"][0]["run_id"] == other.run_id
    assert main(["lineage", "results/metrics.json", "--format", "mermaid"]) == 0
    assert capsys.readouterr().out.startswith("flowchart LR\n")
    assert main(["used-by", PEOPLE, "--rev", "plain", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["results"]) == len(used.results)


def test_the_commit_is_the_first_that_says_the_same(repository: Repository) -> None:
    """Not the first with the same bytes: its code was another. Nor one on another branch."""
    deps = {RAW: "1", "src/train.py": "a"}
    record = stage(deps, {MODEL: "m"}, {"alpha": 1})
    repository.commit("one", {"dvc.lock": lock({"train": record})})
    repository.switch("side", "main")
    newer = stage(deps | {"src/train.py": "b"}, {MODEL: "m"}, {"alpha": 1})
    side = repository.commit("elsewhere", {"dvc.lock": lock({"train": newer})})
    repository.switch("main")
    repository.commit("other", {"dvc.lock": lock({"train": record, "x": stage({}, {"x": "1"})})})
    here = repository.commit("here", {"dvc.lock": lock({"train": newer})})
    repository.commit("on", {"dvc.lock": lock({"renamed": newer})})
    tracker = LineageTracker()
    assert tracker.get_lineage(MODEL).code_commit == here
    assert tracker.get_lineage(MODEL, "side").code_commit == side
    assert tracker.get_lineage(MODEL, side[:10]).code == {"src/train.py": hashed("b")}
    repository.merge("side")
    assert tracker.get_lineage(MODEL).code_commit == side, "the older one, now that it is here"


def test_dates_among_parameters(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    """They are text in JSON, as deep as they may be."""
    train = stage({"data/a.csv": "1"}, {MODEL: "m"}, {"begin": date(2020, 1, 2)})
    prepare = stage({RAW: "1"}, {"data/a.csv": "1"}, {"all": {"end": [date(2021, 1, 2)]}})
    repository.commit("one", {"dvc.lock": lock({"prepare": prepare, "train": train})})
    assert main(["lineage", MODEL, "--rev", "HEAD", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["params"] == {"begin": "2020-01-02"}
    assert shown["upstream_params"]["prepare"] == {"all.end": ["2021-01-02"]}
    assert shown["upstream"]["stages"][0]["params"] == shown["params"]


def test_tracked_files_and_their_parts(repository: Repository) -> None:
    """A dataset, a model with metadata, a file of a folder, and what was imported."""
    folder = pointer("images", "1", md5=f"{hashed('1')}.dir", nfiles=2)
    imported = {"path": "data.csv", "repo": {"url": "https://x.org/r", "rev_lock": "abc"}}
    meta = "artifacts:\n  net:\n    path: models/net.pt\n    meta:\n      params: {lr: 0.1}\n"
    files = {
        "data/images.dvc": folder,
        "models/net.pt.dvc": pointer("net.pt", "1"),
        "data/got.csv.dvc": pointer("got.csv", "1") + f"deps:\n- {json.dumps(imported)}\n",
        "dvc.yaml": meta,
        "dvc.lock": lock(
            {
                "all": stage({"data": "x"}, {"a": "1"}),
                "part": stage({"data/images/1.png": "x"}, {"b": "1"}),
            }
        ),
    }
    one = repository.commit("one", files)
    repository.write({"dvc.yaml": meta.replace("0.1", "0.2")})
    tracker = LineageTracker()
    model = tracker.get_lineage("models/net.pt")
    assert (model.stage, model.command, model.code_commit) == ("", "", one)
    assert (model.params, model.training_data) == ({"lr": 0.2}, {})
    assert tracker.get_lineage("models/net.pt", rev="main").params == {"lr": 0.1}
    part = tracker.get_lineage("data/images/1.png")
    assert part.artifact == "data/images" and "data/images/1.png is in" in part.notes[0]
    got = tracker.get_lineage("data/got.csv")
    assert got.training_data == {"https://x.org/r#data.csv": "abc"}
    files_of_all = {file.path: file.made_by for file in tracker.get_lineage("a").upstream.files}
    assert set(files_of_all["data"]) == {"data/got.csv.dvc", "data/images.dvc"}
    files_of_part = {file.path: file.made_by for file in tracker.get_lineage("b").upstream.files}
    assert files_of_part["data/images/1.png"] == ("data/images.dvc",)


def test_what_is_out_of_date_is_not_taken_for_the_origin(repository: Repository) -> None:
    """Neither the data nor the stage's output that are there now made this result."""
    stages = {
        "prepare": stage({RAW: "2"}, {"data/p.joblib": "new"}),
        "train": stage({"data/p.joblib": "old", RAW: "1"}, {MODEL: "m"}),
    }
    files = {f"{RAW}.dvc": pointer("raw.csv", "2"), "dvc.lock": lock(stages)}
    repository.commit("one", files)
    lineage = LineageTracker().get_lineage(MODEL)
    assert lineage.training_data == {"data/p.joblib": hashed("old"), RAW: hashed("1")}
    assert [one.address for one in lineage.upstream.stages] == ["train"]
    assert len(lineage.notes) == 3, "and one says that there is no MLflow store"
    assert "train read another version of data/p.joblib" in lineage.notes[0]
    uses = LineageTracker().used_by(RAW)
    assert [one.path for one in uses.results] == ["data/p.joblib"]
    assert [one.path for one in LineageTracker().used_by(hashed("1")).results] == [MODEL]


def test_uses_are_those_of_one_version_only(repository: Repository) -> None:
    """Also where two versions of the raw data give the same prepared bytes, or two files agree."""

    def stages(raw: str, model: str) -> dict[str, str | None]:
        made = {
            "train": stage({"data/p.csv": "same"}, {MODEL: model}),
            "prepare": stage({RAW: raw}, {"data/p.csv": "same"}),
        }
        return {"dvc.lock": lock(made), f"{RAW}.dvc": pointer("raw.csv", raw)}

    one = repository.commit("one", stages("1", "m1"))
    git(repository.root, "tag", "v1")
    repository.commit("unrelated", {"x.txt": ""})
    git(repository.root, "tag", "v1-too")
    two = repository.commit("two", stages("2", "m2"))
    git(repository.root, "tag", "v2")
    repository.switch("side", one)
    side = repository.commit("side", stages("1", "m3"))
    repository.switch("main")
    repository.write(stages("2", "m4"))
    tracker = LineageTracker()

    def models(data: str, rev: str | None = None) -> list[tuple[str, str]]:
        uses = tracker.used_by(data, rev)
        return [(one.hash, one.commit) for one in uses.results if one.path == MODEL]

    assert models(RAW, "v1") == models(hashed("1")) == [(hashed("m1"), one), (hashed("m3"), side)]
    assert models(RAW) == [(hashed("m2"), two), (hashed("m4"), "")]
    assert tracker.used_by(RAW, "v1").tags == ("v1", "v1-too")
    assert tracker.used_by(RAW).tags == ("v2",)
    assert "uncommitted" in tracker.used_by(RAW).text()
    assert tracker.used_by(MODEL).results == () and "nothing" in tracker.used_by(MODEL).text()

    repository.commit("a copy", {"data/copy.csv.dvc": pointer("copy.csv", "1")})
    both = tracker.used_by(hashed("1"))
    assert both.path == f"data/copy.csv, {RAW}" and both.tags == ("v1", "v1-too")
    trail = tracker.get_audit_trail(RAW, used_by=True)
    by_hash = {entry.hash: entry.used_by for entry in trail}
    assert {one.hash for one in by_hash[hashed("1")].results} == {  # type: ignore[union-attr]
        hashed("same"), hashed("m1"), hashed("m3")
    }  # fmt: skip


def test_a_release_of_another_model_is_no_use(repository: Repository) -> None:
    """Though its tag is on a commit that holds a result made from the data."""
    stages = {
        "train": stage({RAW: "1"}, {MODEL: "m"}),
        "other": stage({"data/other.csv": "1"}, {"models/other.json": "o"}),
    }
    declared = "".join(f"  {name}:\n    path: models/{name}.json\n" for name in ("model", "other"))
    files = {"dvc.yaml": f"artifacts:\n{declared}", "dvc.lock": lock(stages)}
    repository.commit("one", files)
    for name in ("model", "other", "unknown"):
        git(repository.root, "tag", "--annotate", "--message", "by GTO", f"{name}@v1.0.0")
    uses = LineageTracker().used_by(RAW)
    assert uses.tags == ("model@v1.0.0", "other@v1.0.0", "unknown@v1.0.0")
    assert uses.releases == ("model@v1.0.0",)
    assert LineageTracker().get_lineage(MODEL).model_versions == ("model@v1.0.0",)


def test_a_result_that_lost_its_source_is_followed_no_further(repository: Repository) -> None:
    """Stages that go, come back, and change places with their users in the file."""
    chain = {
        "a": stage({RAW: "1"}, {"a": "1"}),
        "b": stage({"a": "1"}, {"b": "1"}),
        "c": stage({"b": "1"}, {"c": "1"}),
    }
    repository.commit("without b", {"dvc.lock": lock({key: chain[key] for key in "ca"})})
    whole = repository.commit("all", {"dvc.lock": lock({key: chain[key] for key in "bca"})})
    git(repository.root, "tag", "whole")
    chain["c"] = stage({"b": "1"}, {"c": "2"})
    repository.commit("without b again", {"dvc.lock": lock({key: chain[key] for key in "ac"})})
    repository.commit("nothing", {"dvc.lock": lock({"c": chain["c"]})})
    git(repository.root, "tag", "nothing")
    uses = LineageTracker().used_by(hashed("1"))
    raw = [one for one in uses.results if one.path == "c"]
    assert next((one.hash, one.commit) for one in raw) == (hashed("1"), whole)
    only_raw = LineageTracker().used_by(RAW, "whole")
    assert [(one.path, one.hash) for one in only_raw.results] == [
        ("a", hashed("1")), ("b", hashed("1")), ("c", hashed("1"))
    ]  # fmt: skip
    assert only_raw.tags == ("whole",)


def test_pipelines_in_folders(repository: Repository) -> None:
    """Addresses and paths are DVC's; `wdir` counts; one pipeline reads what another wrote."""
    one = {"make@0": stage({"../../data/raw.csv": "1"}, {"out.csv": "1"}, {"rate": 1})}
    two = {"use": stage({"pipelines/x/out.csv": "1", "src/a.py": "a"}, {"results/fig.png": "1"})}
    files = {
        f"{RAW}.dvc": pointer("raw.csv", "1"),
        "pipelines/x/dvc.yaml": "stages: {}\n",
        "pipelines/x/dvc.lock": lock(one),
        "pipelines/y/dvc.yaml": "stages:\n  use:\n    wdir: ../..\n    cmd: x\n",
        "pipelines/y/dvc.lock": lock(two),
    }
    made = repository.commit("one", files)
    git(repository.root, "tag", "v1")
    later = {"use": stage({"pipelines/x/out.csv": "1"}, {"results/fig.png": "2"})}
    repository.switch("side", "main")
    repository.commit("x again", {"pipelines/x/dvc.lock": lock({"make@0": stage({}, {"q": "1"})})})
    repository.switch("main")
    repository.commit("y again", {"pipelines/y/dvc.lock": lock(later)})
    tracker = LineageTracker()
    lineage = tracker.get_lineage("results/fig.png", rev="v1")
    assert (lineage.stage, lineage.code_commit) == ("pipelines/y/dvc.yaml:use", made)
    assert lineage.training_data == {"pipelines/x/out.csv": hashed("1"), RAW: hashed("1")}
    assert lineage.upstream_params == {"pipelines/x/dvc.yaml:make@0": {"rate": 1}}
    assert [(one.path, one.hash) for one in tracker.used_by(RAW).results] == [
        ("pipelines/x/out.csv", hashed("1")),
        ("results/fig.png", hashed("1")),
        ("results/fig.png", hashed("2")),
    ]
    assert tracker.used_by(RAW).tags == ("v1",)
    assert next(entry.commit for entry in tracker.get_audit_trail("pipelines/x/out.csv")) == made
    assert dvc_files.locked_stages(repository.root) == {}, "other verbs know the root's pipeline"


def test_a_merge_can_bring_two_pipelines_together(repository: Repository) -> None:
    """Neither side alone leads from the data to the result."""
    repository.commit("start", {f"pipelines/{name}/dvc.yaml": "stages: {}\n" for name in "xy"})
    repository.switch("side", "main")
    makes = {"pipelines/x/dvc.lock": lock({"make": stage({"in": "1"}, {"out": "1"})})}
    repository.commit("x", makes)
    repository.switch("main")
    uses = {"use": stage({"../x/out": "1"}, {"fig": "1"})}
    repository.commit("y", {"pipelines/y/dvc.lock": lock(uses)})
    merge = repository.merge("side", makes)
    found = LineageTracker().used_by("pipelines/x/in")
    assert [(one.path, one.commit) for one in found.results][1:] == [("pipelines/y/fig", merge)]


def test_a_chain_of_thousands_of_stages(repository: Repository) -> None:
    """No recursion ends it."""
    count = 3000
    stages = {f"s{n}": stage({f"f{n}": "1"}, {f"f{n + 1}": "1"}) for n in range(count)}
    files = {"f0.dvc": pointer("f0", "1"), "dvc.lock": lock(stages)}
    repository.commit("one", files)
    lineage = LineageTracker().get_lineage(f"f{count}")
    assert len(lineage.upstream.stages) == count
    assert lineage.training_data["f0"] == hashed("1")
    assert len(LineageTracker().used_by("f0").results) == count


def test_labels_of_a_diagram_mean_nothing_to_mermaid(repository: Repository) -> None:
    """Whatever a path holds; every arrow has two ends that are drawn."""
    awkward = 'results/a "b" [c] {d} (e) <f> #g; `h` | end\n—ü.csv'
    stages = {
        "make": stage({awkward: "1", "data/in.csv": "1"}, {"graph": "1"}),
        "first": stage({}, {awkward: "1"}),
    }
    repository.commit("one", {"dvc.lock": lock(stages)})
    text = LineageTracker().get_lineage("graph").mermaid()
    lines = [line.strip() for line in text.splitlines()]
    nodes = [line for line in lines[1:] if "-->" not in line]
    assert all(
        re.fullmatch(r'\w+(\[|\(\[|\[\(|>)"[\w ./:@=,;#<>-]*"(\]|\]\)|\)\])', node)
        for node in nodes
    )
    drawn = {re.match(r"\w+", node)[0] for node in nodes}  # type: ignore[index]
    arrows = [line.split(" --> ") for line in lines if "-->" in line]
    assert len(arrows) == 4 and {end for arrow in arrows for end in arrow} <= drawn
    assert "#34;b#34; #91;c#93;" in text and "ü" in text and "#10;" in text


def test_without_a_store_the_rest_is_told(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No store, a broken one, a server that is down: a note says which, and nothing is made."""
    record = lock({"train": stage({RAW: "1"}, {MODEL: "m"})})
    repository.commit("one", {"dvc.lock": record})
    tracker = LineageTracker()
    assert tracker.get_lineage(MODEL).notes == ("there is no MLflow store yet",)
    assert not (repository.root / "mlflow.db").exists()
    (repository.root / "mlflow.db").write_text("no database")
    assert "the MLflow store failed" in tracker.get_lineage(MODEL).notes[0]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@127.0.0.1:9")
    lineage = tracker.get_lineage(MODEL)
    assert lineage.runs == () and "does not answer" in lineage.notes[0]
    assert "secret" not in lineage.text() and "does not answer" in lineage.text()
    assert "does not answer" in tracker.used_by(RAW).note


def test_errors_name_what_is_near(
    repository: Repository, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """No artifact, no revision, no such hash, no study; a shallow clone is called one."""
    with pytest.raises(StudyError, match="DVC does not keep this"):
        LineageTracker().get_lineage(MODEL)
    stages = {"train": stage({RAW: "1", "src/a.py": "1"}, {MODEL: "m"})}
    repository.commit("one", {"dvc.lock": lock(stages)})
    repository.commit("two", {"dvc.lock": lock({**stages, "x": stage({}, {"models/x": "1"})})})
    repository.commit("three", {"src/tool.py": "print()\n"})
    assert main(["lineage", "src/tool.py"]) == 1
    assert "try: git log -- src/tool.py" in capsys.readouterr().err
    for verb in ("lineage", "audit", "used-by"):
        assert main([verb, ""]) == 2
        assert "say which file: make lineage OF=<file>" in capsys.readouterr().err
    cases: dict[tuple[str, ...], str] = {
        ("lineage", "model.json"): f"one of: {MODEL}",
        ("lineage", "models/modle.json"): f"one of: {MODEL}",
        ("lineage", MODEL, "--rev", "--all"): "no such revision: --all",
        ("lineage", "models/x", "--rev", "HEAD~2"): "at HEAD~2: models/x",
        ("used-by", hashed("none")): "no data ever had this hash",
        ("used-by", "data/none.csv"): "DVC does not keep this: data/none.csv",
        ("lineage", str(tmp_path / "elsewhere")): "outside the study",
    }
    for arguments, message in cases.items():
        given = [f"--rev={arguments[3]}" if word == "--all" else word for word in arguments]
        assert main([word for word in given if word != "--rev" or "--all" not in arguments]) == 1
        assert message in capsys.readouterr().err, arguments
    assert LineageTracker().used_by("src/a.py").results[0].path == MODEL, "code is used, too"
    repository.write({"data/x.dvc": "outs: 3\n"})
    git(repository.root, "add", "--all")
    with pytest.raises(StudyError, match=r"not what DVC writes: data/x\.dvc"):
        LineageTracker().get_lineage(MODEL)
    repository.write({"data/x.dvc": "outs: [\n"})
    with pytest.raises(StudyError, match="not valid YAML"):
        LineageTracker().get_lineage(MODEL)
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "--quiet", "--depth=1", repository.root.as_uri(), str(shallow))
    assert "shallow" in LineageTracker(shallow).get_lineage(MODEL).notes[0]
    with pytest.raises(StudyError, match=r"no study\.yaml"):
        LineageTracker(tmp_path)


def test_before_the_first_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a lineage, without history."""
    monkeypatch.chdir(tmp_path)
    git(tmp_path, "init", "--quiet")
    (tmp_path / "study.yaml").touch()
    (tmp_path / "dvc.lock").write_text(lock({"train": stage({RAW: "1"}, {MODEL: "m"})}))
    lineage = LineageTracker().get_lineage(MODEL)
    assert (lineage.code_commit, lineage.dirty) == ("none", True)
    assert [one.commit for one in LineageTracker().used_by(RAW).results] == [""]
    (entry,) = LineageTracker().get_audit_trail(MODEL)
    assert entry.change == "uncommitted"
    assert LineageTracker().data_versions() == []


def test_a_lineage_is_json(repository: Repository) -> None:
    """With whatever parameters YAML can hold."""
    params: dict[str, Any] = {"when": "2020-01-01", "list": [1, 2], "none": None, "big": 1e300}
    made = stage({RAW: "1"}, {MODEL: "m"}, params, cmd=["one", "two"])
    repository.commit(
        "one", {"dvc.lock": lock({"train": made}).replace("'2020-01-01'", "2020-01-01")}
    )
    lineage = LineageTracker().get_lineage(MODEL)
    assert lineage.command == "one\ntwo"
    shown = json.loads(json.dumps(lineage.as_dict(), default=str))
    assert shown["params"] == params
    assert main(["lineage", MODEL, "--json"]) == 0
