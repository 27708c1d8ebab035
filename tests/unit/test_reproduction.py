"""Results checked and brought up to date in clones without data, and what that fetches."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from data_versioning.command import capture
from data_versioning.locking import exclusive
from data_versioning.pipeline.manager import LOCK
from data_versioning.reproduction.freshness import STALE, check
from data_versioning.study import Study
from data_versioning.tools import dvc_files
from dvc.repo import Repo
from mlflow import MlflowClient

from tests.conftest import git
from tests.unit.conftest import Say, edit


@pytest.fixture
def clone(science: Study, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone of the study, with its runs but without data, beside the remote.

    It is the current folder. A store of its own would take MLflow seconds to make.
    """
    root = cloned(science.root, monkeypatch)
    shutil.copy(science.root / "mlflow.db", root)
    return root


def cloned(source: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Clone a study with a name that is hard on shells, and go there."""
    root = source.parent / "a 'clone' of ü"
    git(source, "clone", "--quiet", str(source), str(root))
    monkeypatch.chdir(root)
    return root


def save(root: Path, message: str = "data: more") -> None:
    """Reproduce, commit and push a study."""
    capture(["dvc", "repro", "--quiet", "--all-pipelines"], root)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", message)
    capture(["dvc", "push", "--quiet"], root)


def cached(root: Path) -> set[str]:
    """Return the hashes in the cache of a study."""
    return {f"{one.parent.name}{one.name}" for one in root.glob(".dvc/cache/files/md5/*/*")}


def hashes(root: Path, *paths: str) -> set[str]:
    """Return the hashes on record of some data."""
    known = dvc_files.outputs(root)
    return {known[path] for path in paths}


def ran(out: str) -> list[str]:
    """Return the stages that a printed reproduction ran."""
    return [line.split("'")[1] for line in out.splitlines() if line.startswith("Running stage")]


def test_nothing_to_do_needs_no_data(clone: Path, say: Say) -> None:
    """Nor a remote, nor a change of the documents; and leaves nothing behind."""
    (clone / "mlflow.db").unlink()
    shutil.rmtree(clone.parent / "storage")
    assert say("check-pipeline") == (0, "3 stages up to date\n", "")
    (clone / "README.md").write_text("more words\n")
    assert say("reproduce") == (0, "3 stages up to date; no data fetched\n", "")
    assert not cached(clone)
    assert not (clone / "data/prepared.csv").exists()
    assert not (clone / "mlflow.db").exists()
    assert git(clone, "status", "--porcelain") == "?? README.md\n"


def test_each_reason_is_named(clone: Path, say: Say) -> None:
    """Parameter, command, code, a new input, an output that git lost; and what comes after."""
    edit(clone / "params.yaml", "alpha: 0.5", "alpha: 0.7")
    status, out, err = say("check-pipeline")
    assert (status, err) == (1, "try: make reproduce\n")
    assert [line.split(maxsplit=2) for line in out.splitlines()] == [
        ["train", "stale", "params.yaml: train changed"],
        ["evaluate", "follows", "after train"],
        ["1", "stage", "up to date"],
    ]
    edit(clone / "dvc.yaml", "cmd: python src/prepare.py", "cmd: python -B src/prepare.py")
    edit(clone / "dvc.yaml", "- src/train.py", "- src/train.py\n      - study.yaml")
    (clone / "src/evaluate.py").unlink()
    (clone / "results/metrics.json").unlink()
    stages = {one["name"]: one for one in json.loads(say("check-pipeline", "--json")[1])["stages"]}
    assert {name: one["reasons"] for name, one in stages.items()} == {
        "prepare": ["its command changed"],
        "train": ["params.yaml: train changed", "study.yaml is new to it"],
        "evaluate": [
            "src/evaluate.py is gone",
            "results/metrics.json, which git keeps, is gone",
        ],
    }
    edit(clone / "dvc.yaml", "  prepare:\n", "  first:\n")
    assert "first     stale    it never ran" in say("check-pipeline")[1]


CHANGES = [
    ("README.md", "", "words"),
    ("params.yaml", "rows: 3", "rows: 4"),
    ("src/train.py", "import json", "import json  # of the library"),
    ("dvc.yaml", "python src/evaluate.py", "python -B src/evaluate.py"),
    ("dvc.yaml", "- src/train.py", "- src/train.py\n      - study.yaml"),
    ("data/prepared.csv", "ada", "eve"),
    ("data/raw/people.csv", "ada", "eve"),
    ("results/metrics.json", "accuracy", "precision"),
    ("dvc.lock", "  train:", "  trained:"),
    ("dvc.yaml", "    cmd: python src/train.py", "    always_changed: true\n    cmd: x"),
]


def test_agrees_with_dvc_where_the_data_is(science: Study) -> None:
    for path, old, new in CHANGES:
        file = science.root / path
        content = file.read_text() if file.exists() else ""
        file.unlink(missing_ok=True)  # it can be a link into the cache
        file.write_text(content.replace(old, new, 1) if old else new)
        state = check(science)
        said = Repo(str(science.root)).status()
        stale = sorted(one for one in said if not one.endswith(".dvc"))
        assert sorted(state.names(STALE)) == stale, (path, new)
        assert bool(state) is not bool(stale)
        file.write_text(content)


def test_tracked_data_that_differs_on_disk_is_named(science: Study, say: Say) -> None:
    """Although nobody reads it, or only its version on disk is another one."""
    extra = science.root / "data/raw/extra.csv"
    extra.write_text("one\n")
    capture(["dvc", "add", "--quiet", str(extra)], science.root)
    extra.unlink()
    extra.write_text("two\n")
    status, out, _ = say("check-pipeline")
    assert (status, out.splitlines()[0]) == (
        0,
        "note: data/raw/extra.csv on disk is not the one on record",
    )
    raw = science.root / "data/raw/people.csv"
    raw.unlink()
    raw.write_text("name,age\neve,1\n")
    assert "data/raw/people.csv on disk is not the one on record" in say("check-pipeline")[1]
    status, _, err = say("reproduce")
    assert (status, err.splitlines()) == (
        1,
        [
            "error: data on disk is not the one on record: data/raw/people.csv",
            "try: dvc checkout, or dvc add data/raw/people.csv",
        ],
    )


def test_the_last_stage_takes_only_what_it_reads(clone: Path, say: Say) -> None:
    """One run is logged; what did not run stays where it is."""
    (clone / "mlflow.db").unlink()
    edit(clone / "src/evaluate.py", '"f1": 0.5', '"f1": 0.75')
    wanted = hashes(clone, "models/model.json")
    status, out, err = say("reproduce")
    assert (status, "error" in err) == (0, False)
    assert ran(out) == ["evaluate"]
    lines = out[out.index("2 stages up to date") :].splitlines()
    assert lines[:2] == ["2 stages up to date", "fetched 1 file, 28 bytes: models/model.json"]
    assert lines[2].split()[:2] == ["evaluate", "ran"]
    assert "logged MLflow run" in lines[3]
    made = hashes(clone, "results/predictions.csv", "results/metrics.json")
    assert cached(clone) - made == wanted
    assert not (clone / "data/prepared.csv").exists()
    client = MlflowClient(f"sqlite:///{clone}/mlflow.db")
    experiments = [one.experiment_id for one in client.search_experiments()]
    (run,) = client.search_runs(experiments)
    assert run.data.metrics["f1"] == 0.75
    assert say("reproduce") == (0, "3 stages up to date; no data fetched\n", "")


def test_what_comes_after_the_same_output_does_not_run(clone: Path, say: Say) -> None:
    """Nor is fetched what it would have read."""
    edit(clone / "src/train.py", "import json", "import json  # a word")
    status, out, _ = say("reproduce")
    assert (status, ran(out)) == (0, ["train"])
    assert "fetched 1 file, 33 bytes: data/prepared.csv" in out
    assert cached(clone) == hashes(clone, "data/prepared.csv", "models/model.json")
    edit(clone / "src/train.py", "sum(ages)", "max(ages)")
    assert ran(say("reproduce")[1]) == ["train", "evaluate"]


def test_new_raw_data(science: Study, clone: Path, say: Say) -> None:
    """Its pointer in git is enough to know; only the new version is fetched."""
    raw = science.root / "data/raw/people.csv"
    raw.unlink()
    raw.write_text("name,age\nada,37\ngrace,45\nmary,50\n")
    capture(["dvc", "add", "--quiet", "data/raw/people.csv"], science.root)
    git(science.root, "commit", "--quiet", "--all", "--message", "data: correct an age")
    capture(["dvc", "push", "--quiet"], science.root)
    git(clone, "pull", "--quiet")
    status, out, _ = say("check-pipeline")
    assert status == 1
    assert "prepare   stale    data/raw/people.csv is another version than it read" in out
    status, out, _ = say("reproduce")
    assert (status, ran(out)) == (0, ["prepare", "train", "evaluate"])
    assert "fetched 1 file, 33 bytes: data/raw/people.csv" in out
    assert not os.access(clone / "data/raw/people.csv", os.W_OK) or os.geteuid() == 0
    capture(["dvc", "repro", "--quiet"], science.root)
    assert (clone / "dvc.lock").read_text() == (science.root / "dvc.lock").read_text()


def test_a_remote_that_refuses(clone: Path, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is an error, but for a fork, which is told what was not checked, and why."""
    storage = clone.parent / "storage"
    storage.rename(clone.parent / "elsewhere")
    edit(clone / "params.yaml", "alpha: 0.5", "alpha: 0.7")
    status, out, err = say("reproduce")
    refused = f"fetch failed: there is no folder {storage}: remote 'storage' ({storage})"
    assert (status, out, err.splitlines()[0]) == (1, "", f"error: {refused}")
    told = f"1 stage up to date; no data fetched\nnot checked: train, evaluate: {refused}\n"
    assert say("reproduce", "--fork") == (0, told, "")
    monkeypatch.setenv("FORK", "true")
    assert say("reproduce") == (0, told, "")
    monkeypatch.setenv("FORK", "false")
    assert say("reproduce")[0] == 1
    capture(["dvc", "remote", "remove", "storage"], clone)
    status, _, err = say("reproduce")
    assert (status, err.splitlines()) == (
        1,
        [
            "error: no remote is configured: data/prepared.csv",
            "try: dvc remote add --default storage <url>",
        ],
    )
    found = json.loads(say("reproduce", "--fork", "--json")[1])
    assert found["unchecked"] == ["train", "evaluate"]


def test_a_fork_runs_what_it_can(clone: Path, say: Say) -> None:
    """What needs no data runs and is logged, though data is lacking for what follows it."""
    edit(clone / "dvc.yaml", "    deps:\n      - models/model.json",
         "    deps:\n      - note.txt\n      - models/model.json")  # fmt: skip
    with (clone / "dvc.yaml").open("a") as file:
        file.write("  note:\n    cmd: cp study.yaml note.txt\n    outs: [note.txt]\n")
    shutil.rmtree(clone.parent / "storage")
    status, out, _ = say("reproduce")
    assert (status, ran(out)) == (1, [])
    status, out, err = say("reproduce", "--fork")
    assert (status, ran(out)) == (0, ["note"]), err
    assert "logged MLflow run" in out
    assert "\nnot checked: evaluate: fetch failed: there is no folder" in out


def test_a_stage_that_fails_is_an_error_in_a_fork_too(clone: Path, say: Say) -> None:
    """As is one that writes no output, though the one before is on record."""
    (clone / "src/train.py").write_text("raise SystemExit('no cohort')\n")
    status, _, err = say("reproduce", "--fork")
    assert status == 1
    assert "error: stage 'train' failed: no cohort (exited with 1)" in err
    (clone / "src/train.py").write_text("pass\n")
    status, _, err = say("reproduce", "--fork")
    assert status == 1
    assert "'models/model.json' does not exist" in err


def test_commit_holds_records_and_results_only(
    clone: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing changed: no commit. Uncommitted changes would not be the commit's results."""
    monkeypatch.setenv("COMMIT", "true")
    before = git(clone, "rev-parse", "HEAD")
    assert say("reproduce")[:2] == (0, "3 stages up to date; no data fetched\n")
    assert git(clone, "rev-parse", "HEAD") == before
    with (clone / "src/train.py").open("a") as file:
        file.write("Path('stray.txt').write_text('x')\n")
    edit(clone / "params.yaml", "alpha: 0.5", "alpha: 0.7")
    status, _, err = say("reproduce")
    assert (status, err.splitlines()) == (
        1,
        [
            "error: uncommitted changes: params.yaml, src/train.py",
            "try: git commit, then again",
        ],
    )
    git(clone, "commit", "--quiet", "--all", "--message", "feat: a stronger penalty")
    sha = git(clone, "rev-parse", "--short=8", "HEAD").strip()
    status, out, _ = say("reproduce")
    made = git(clone, "rev-parse", "HEAD")[:8]
    assert (status, out.splitlines()[-1]) == (0, f"committed {made}; to share it: make push")
    subject = f"data(pipeline): reproduce the results of {sha}"
    assert git(clone, "log", "-1", "--format=%s").strip() == subject
    changed = git(clone, "show", "--format=", "--name-only", "HEAD").split()
    assert changed == ["dvc.lock", "results/metrics.json"]
    assert git(clone, "status", "--porcelain") == "?? stray.txt\n"


HOSTILE = """\
vars:
  - sizes: {small: 1, large: 2}
stages:
  loop:
    foreach: ${sizes}
    do:
      cmd: cp 'data/alle Größen/${key}.txt' 'out ${key}.txt'
      deps: ["data/alle Größen/${key}.txt"]
      outs: ["out ${key}.txt"]
  grid:
    matrix: {a: [x, y], b: [p]}
    cmd: cp 'out small.txt' ${item.a}${item.b}.txt
    deps: [out small.txt]
    outs: ["${item.a}${item.b}.txt"]
  all:
    cmd: ls data/raw > list.txt
    deps: [data/raw]
    outs: [list.txt]
  ice:
    frozen: true
    cmd: cp in.txt ice.txt
    deps: [in.txt]
    outs: [ice.txt]
  melt:
    cmd: cat ice.txt foreign.txt > water.txt
    deps: [ice.txt, foreign.txt]
    outs: [water.txt]
"""
NESTED = """\
stages:
  wrap:
    wdir: deep
    cmd: cp ../../water.txt wrapped.txt
    deps: [../../water.txt]
    outs:
      - wrapped.txt:
          cache: false
"""


@pytest.fixture
def hostile(study: Study, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone of a study with loops, folders, a frozen stage, an import and a second `dvc.yaml`."""
    root = study.root
    (root.parent / "storage").mkdir()
    other = root.parent / "other"
    other.mkdir()
    (other / "foreign.txt").write_text("foreign\n")
    git(other, "init", "--quiet")
    git(other, "add", "--all")
    git(other, "commit", "--quiet", "--message", "start")
    capture(["dvc", "remote", "add", "--default", "storage", "../storage"], root)
    for name, text in {
        "data/alle Größen/small.txt": "1\n",
        "data/alle Größen/large.txt": "2\n",
        "data/raw/a b.csv": "a\n",
        "data/raw/ö.csv": "b\n",
        "dvc.yaml": HOSTILE,
        "sub/dvc.yaml": NESTED,
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "sub/deep").mkdir()
    capture(["dvc", "import", "--quiet", str(other), "foreign.txt"], root)
    capture(["dvc", "add", "--quiet", "data/alle Größen", *map(str, root.glob("data/raw/*"))], root)
    edit(root / "dvc.yaml", "frozen: true", "frozen: false")
    capture(["dvc", "repro", "--quiet", "--all-pipelines"], root)
    edit(root / "dvc.yaml", "frozen: false", "frozen: true")
    save(root)
    other.rename(other.with_name("gone"))
    return cloned(root, monkeypatch)


def test_hostile_pipelines(hostile: Path, say: Say) -> None:
    """A file of a tracked folder is unknown until its list is fetched; the rest is known."""
    status, out, _ = say("check-pipeline")
    assert status == 1
    why = "its version is known only to the remote, or to a clone with the data"
    assert f"loop@small  unknown  data/alle Größen/small.txt: {why}" in out
    assert f"loop@large  unknown  data/alle Größen/large.txt: {why}" in out
    assert "ice         frozen   it is kept as it is, whatever changes" in out
    assert out.splitlines()[-1] == "5 stages up to date"
    status, out, _ = say("reproduce")
    assert (status, ran(out)) == (0, [])
    assert "fetched 2 files, 4 bytes: data/alle Größen/" in out
    assert say("check-pipeline")[0] == 0
    assert not (hostile / "data/raw/ö.csv").exists()

    # A folder with tracked files in it is read whole, though git has a part of it on disk.
    edit(hostile / "dvc.yaml", "ls data/raw > list.txt", "ls -1 data/raw > list.txt")
    status, out, _ = say("reproduce")
    assert (status, ran(out)) == (0, ["all"])
    assert "fetched 2 files, 4 bytes: " in out
    listed = (hostile / "list.txt").read_text().splitlines()
    assert listed == ["a b.csv", "a b.csv.dvc", "ö.csv", "ö.csv.dvc"]
    assert not (hostile / "ice.txt").exists()

    # An import whose repository is gone is asked for only when a stage that reads it is to run.
    edit(hostile / "dvc.yaml", "cat ice.txt", "cat -u ice.txt")
    status, _, err = say("reproduce")
    assert status == 1
    assert err.splitlines()[-2] == "error: fetch failed: it is nowhere: foreign.txt"
    status, out, _ = say("reproduce", "--fork")
    assert status == 0
    told = "not checked: melt, sub/dvc.yaml:wrap: fetch failed: it is nowhere: foreign.txt"
    assert out.splitlines()[-1] == told


def test_stages_of_another_folder_and_loops(hostile: Path, say: Say) -> None:
    """Run by their address; what a frozen stage made is fetched, never made again."""
    edit(hostile / "sub/dvc.yaml", "cp ../../", "cp -f ../../")
    edit(hostile / "dvc.yaml", "cmd: cp 'out small.txt'", "cmd: cp -f 'out small.txt'")
    edit(hostile / "dvc.yaml", "cat ice.txt", "cat -u ice.txt")
    (hostile.parent / "gone").rename(hostile.parent / "other")  # which foreign.txt is from
    (hostile / "in.txt").write_text("of no matter to a frozen stage\n")
    git(hostile, "commit", "--quiet", "--all", "--message", "feat: other commands")
    status, out, _ = say("reproduce", "--commit")
    assert status == 0
    assert sorted(ran(out)) == ["grid@x-p", "grid@y-p", "melt", "sub/dvc.yaml:wrap"]
    assert (hostile / "ice.txt").read_text() == "data\n"
    assert (hostile / "sub/deep/wrapped.txt").read_text() == "data\nforeign\n"
    assert not (hostile / "list.txt").exists()
    changed = git(hostile, "show", "--format=", "--name-only", "HEAD").split()
    assert changed == ["dvc.lock", "sub/dvc.lock"]


def test_a_stage_that_runs_every_time(clone: Path, say: Say) -> None:
    """Is said to; it runs once, and what follows it only if it made something else."""
    edit(clone / "dvc.yaml", "cmd: python src/train.py",
         "always_changed: true\n    cmd: python src/train.py")  # fmt: skip
    status, out, _ = say("check-pipeline")
    assert (status, out.splitlines()[0]) == (1, "train     stale    it runs every time")
    state = check(Study(clone))
    assert (state.names(STALE), state.stale) == (["train"], [])
    edit(clone / "params.yaml", "alpha: 0.5", "alpha: 0.7")
    assert check(Study(clone)).stale == ["train"]
    edit(clone / "params.yaml", "alpha: 0.7", "alpha: 0.5")
    status, out, _ = say("reproduce")
    assert (status, ran(out)) == (0, ["train"])
    assert "2 stages up to date" in out


def test_lost_results_that_git_keeps_are_made_again(clone: Path, say: Say) -> None:
    (clone / "results/metrics.json").unlink()
    status, out, _ = say("reproduce")
    assert (status, ran(out)) == (0, ["evaluate"])
    assert git(clone, "status", "--porcelain") == ""


def test_refusals(clone: Path, say: Say) -> None:
    """Of a broken pipeline, with its line, and while another reproduction is under way."""
    with exclusive(clone / LOCK, "a test holds it"):
        status, _, err = say("check-pipeline")
        wait = [f"error: a reproduction is under way: {clone}", "try: wait for it"]
        assert (status, err.splitlines()) == (1, wait)
    edit(clone / "dvc.yaml", "    cmd: python src/train.py\n", "")
    status, _, err = say("check-pipeline")
    assert status == 1
    assert err.startswith("error: DVC cannot read the study: dvc.yaml: ")
    assert ", in stages -> train -> cmd, line " in err
    (clone / "dvc.yaml").write_text("stages: [\n")
    assert "dvc.yaml:2" in say("check-pipeline")[2]
