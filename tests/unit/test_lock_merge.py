"""Two branches merged: their `dvc.lock` stage by stage, their tracked folders file by file."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from data_versioning.cli import main
from data_versioning.command import capture
from data_versioning.errors import StudyError
from data_versioning.merging.lock_merge import merge_lock
from data_versioning.setup import git_hooks
from data_versioning.study import Study
from dvc.utils.serialize import dumps_yaml, loads_yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import ROOT, git
from tests.once import made_once
from tests.unit.conftest import SETTINGS, copied, start

STAGES = ["alpha", "beta", "gamma", "delta"]
CONFLICT = re.compile(r"<<<<<<< ours\n(.*?)=======\n(.*?)>>>>>>> theirs\n", re.DOTALL)
Lock = dict[str, Any]


def written(stages: Lock, datasets: list[Any] | None = None) -> str:
    """Return a `dvc.lock` as DVC writes it."""
    content = {"schema": "2.0"} | ({"datasets": datasets} if datasets else {}) | {"stages": stages}
    return str(dumps_yaml(content))


def merged(base: str, ours: str, theirs: str) -> tuple[str, tuple[str, ...]]:
    """Merge, and return the text and the stages in conflict."""
    result = merge_lock(base.encode(), ours.encode(), theirs.encode())
    return result.text.decode(), result.conflicts


def resolved(text: str, side: int) -> str:
    """Take one side of every conflict."""
    return CONFLICT.sub(lambda found: str(found[1 + side]), text)


def records(text: str) -> dict[str, str]:
    """Return each stage of a `dvc.lock`, as DVC reads it, as one text in which 1 and 1.0 differ."""
    stages = loads_yaml(text)["stages"] or {}
    return {name: json.dumps(stage, sort_keys=True) for name, stage in stages.items()}


VALUES = st.one_of(
    st.sampled_from([1, 1.0, True, "1", "yes", float("nan"), None, "a: b # c", "two\nlines\n"]),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=100),
)
RECORD = st.fixed_dictionaries(
    {
        "cmd": st.sampled_from(["python a.py", "python 'b c.py' " + "--long " * 30, "x\ny\n"]),
        "deps": st.lists(
            st.fixed_dictionaries({"path": st.sampled_from("ab"), "md5": st.sampled_from("12")}),
            max_size=2,
        ),
    },
    optional={"params": st.fixed_dictionaries({"p.yaml": st.dictionaries(st.just("k"), VALUES)})},
)
NAMES = st.sampled_from(["train", "train@a", "1", "yes", "été", "a-b", "schema", "stages"])
LOCKS = st.dictionaries(NAMES, RECORD, max_size=6)


@st.composite
def versions(draw: st.DrawFn) -> tuple[Lock, Lock, Lock]:
    """Draw a lock and two edits of it, each of which adds, removes, changes and moves stages."""
    base = draw(LOCKS)
    sides = []
    for _ in range(2):
        side = base | draw(LOCKS)
        kept = draw(st.permutations(list(side))) if draw(st.booleans()) else list(side)
        gone = draw(st.sets(NAMES, max_size=3))
        sides.append({name: side[name] for name in kept if name not in gone})
    return base, sides[0], sides[1]


@settings(max_examples=200, deadline=None)
@given(versions())
def test_any_edits_of_two_sides(drawn: tuple[Lock, Lock, Lock]) -> None:
    """Nothing that one side did alone is lost; what both did to a stage is in conflict."""
    base, ours, theirs = map(written, drawn)
    was, our, their = map(records, (base, ours, theirs))
    text, conflicts = merged(base, ours, theirs)
    mirrored, same_conflicts = merged(base, theirs, ours)
    assert sorted(conflicts) == sorted(same_conflicts)
    for side, own in enumerate((our, their)):
        result = records(resolved(text, side))
        assert result == records(resolved(mirrored, 1 - side))
        for name in was | our | their:
            before, one, other = (version.get(name) for version in (was, our, their))
            if one == other or other == before:
                expected = one
            elif one == before:
                expected = other
            else:
                assert name in conflicts
                expected = own.get(name)
            assert result.get(name) == expected
    assert all(was.get(name) != our.get(name) != their.get(name) for name in conflicts)
    assert len(CONFLICT.findall(text)) == len(conflicts)
    if not conflicts:  # as DVC would write it
        assert text == written(loads_yaml(text)["stages"])


@settings(max_examples=50, deadline=None)
@given(versions())
def test_one_side_only(drawn: tuple[Lock, Lock, Lock]) -> None:
    """What only one side did, or both, is taken byte by byte."""
    base, ours, _ = map(written, drawn)
    assert merged(base, ours, base) == merged(base, base, ours) == (ours, ())
    assert merged(base, ours, ours) == (ours, ())


def stage(md5: str, **more: Any) -> Lock:
    """Return what DVC records of a stage."""
    return {"cmd": "run", "deps": [{"path": "in", "md5": md5}], **more}


def test_one_content_in_two_orders() -> None:
    """Who wrote the keys of a record in which order is no conflict."""
    base, ours = written({"a": stage("1")}), written({"a": stage("2"), "b": stage("1")})
    other = {"deps": [{"md5": "2", "path": "in"}], "cmd": "run"}
    assert merged(base, ours, written({"a": other})) == (ours, ())
    again = {"deps": [{"md5": "1", "path": "in"}], "cmd": "run"}
    assert merged(base, ours, written({"a": again})) == (ours, ())
    assert merged(base, written({"a": again}), ours) == (ours, ())
    both = merged(base, written({"a": stage("1"), "b": stage("1")}), written({"a": again}))
    assert both == (written({"a": again, "b": stage("1")}), ())


def test_only_the_stage_in_conflict_is_marked() -> None:
    """As a whole, with both versions; a stage removed here and changed there, too."""
    names = ["one", "two", "three"]
    base = written({name: stage("0") for name in names})
    ours = written({name: stage("1" if name == "one" else "0") for name in names})
    theirs = written({"one": stage("2"), "two": stage("0"), "three": stage("3")})
    text, conflicts = merged(base, ours, theirs)
    assert conflicts == ("one",)
    assert text == written({"one": stage("X"), "two": stage("0"), "three": stage("3")}).replace(
        "  one:\n    cmd: run\n    deps:\n    - path: in\n      md5: X\n",
        "<<<<<<< ours\n  one:\n    cmd: run\n    deps:\n    - path: in\n      md5: '1'\n"
        "=======\n  one:\n    cmd: run\n    deps:\n    - path: in\n      md5: '2'\n"
        ">>>>>>> theirs\n",
    )
    text, conflicts = merged(base, written({"two": stage("0")}), theirs)
    assert conflicts == ("one", "three")
    assert records(resolved(text, 0)) == records(written({"two": stage("0")}))
    assert records(resolved(text, 1)) == records(theirs)


def test_data_sets_of_dvc_stay_where_they_are() -> None:
    """`dvc ds` writes a section of its own; it is merged as a whole."""
    base = written({"a": stage("1")}, [{"name": "x", "lock": 1}])
    ours = written({"a": stage("2")}, [{"name": "x", "lock": 1}])
    theirs = written({"a": stage("1"), "b": stage("1")}, [{"name": "x", "lock": 2}])
    text, conflicts = merged(base, ours, theirs)
    assert not conflicts
    assert text == written({"a": stage("2"), "b": stage("1")}, [{"name": "x", "lock": 2}])
    text, conflicts = merged(base, ours.replace("lock: 1", "lock: 3"), theirs)
    assert conflicts == ("datasets",)
    assert resolved(text, 1) == merged(base, ours, theirs)[0]


def test_comments_stay() -> None:
    """DVC keeps them, too."""
    base, theirs = written({"a": stage("1"), "b": stage("1")}), written({"a": stage("1")})
    ours = base.replace("  a:\n", "  # mine\n  a:\n")
    text, conflicts = merged(base, ours, theirs)
    assert not conflicts
    assert text == theirs.replace("  a:\n", "  # mine\n  a:\n")


def test_the_first_and_the_last_stage() -> None:
    """Both sides made the file; or each side removed what the other kept."""
    a, b = written({"a": stage("1")}), written({"b": stage("1")})
    assert merged("", a, b) == (written({"a": stage("1"), "b": stage("1")}), ())
    assert merged(written({"a": stage("1"), "b": stage("1")}), a, b) == (written({}), ())


@pytest.mark.parametrize(
    "broken",
    [
        "", "a: [\n", "[]\n", "schema: '1.0'\nstages: {}\n", "schema: '2.0'\n",
        '{"schema": "2.0", "stages": {"a": {"cmd": "x"}}}\n', "schema: '2.0'\nstages: [a]\n",
        "# mine\nschema: '2.0'\nstages: {}\n",
        "schema: '2.0'\nstages:\n  a:\n    cmd: x", "schema: '2.0'\r\nstages: {}\r\n",
        "schema: '2.0'\nstages:\n  a:\n    cmd: x\n  a:\n    cmd: y\n",
        "schema: '2.0'\nstages:\n  a: &a\n    cmd: x\n  b: *a\n",
        "schema: '2.0'\nstages:\n    a:\n        cmd: x\n", "schema: '2.0'\nstages:\n  {a: {}}\n",
        "schema: '2.0'\nstages:\n  b:\n    cmd: x\r  c:\n    cmd: x\n",
        "<<<<<<< HEAD\nschema: '2.0'\n=======\n>>>>>>> x\nstages: {}\n", "a: \udcff\n",
    ],
)  # fmt: skip
def test_what_dvc_did_not_write_is_merged_as_text(
    broken: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whichever side it is, both are still there, between git's markers."""
    content = broken.encode(errors="surrogateescape")
    whole = written({"a": stage("1")}).encode()
    with pytest.raises(StudyError):
        merge_lock(written({}).encode(), content, whole)
    files = [tmp_path / name for name in ("base", "ours", "theirs")]
    for side in (1, 2):
        for path in files:
            path.write_text(written({"b": stage("2")}))
        files[3 - side].write_bytes(whole)
        files[side].write_bytes(content)
        assert main(["merge-lock", *map(str, files), "my/dvc.lock"]) == 1
        text = files[1].read_bytes()
        assert b"<<<<<<< ours\n" in text
        assert all(line in text for line in [*content.split(b"\n"), *whole.split(b"\n")])
        said = capsys.readouterr().err
        told = "merged my/dvc.lock as text, look at it before `git add`: "
        assert f"{told}not a dvc.lock of DVC's making\n" in said


def test_halves_of_two_records_are_a_conflict(tmp_path: Path) -> None:
    """As text they merge into a record of a run that never was."""
    record = "# ours\nschema: '2.0'\nstages:\n  a:\n    deps: [1]\n    cmd: x\n"
    record += "    md5: a\n    outs: [1]\n"
    files = [tmp_path / name for name in ("base", "ours", "theirs")]
    for path, old in zip(files, ("none", "deps: [1]", "outs: [1]"), strict=True):
        path.write_text(record.replace(old, old.replace("1", "2")))
    assert main(["merge-lock", *map(str, files), "dvc.lock"]) == 1


@pytest.fixture
def team(
    tools: None,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Study:
    """A study with four stages beside each other, on which two people work."""
    return copied(made_once(tmp_path_factory, "team", make_team), tmp_path, monkeypatch)


@pytest.fixture
def diverged(
    tools: None,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Study:
    """The same after `diverge`; what is checked out is `side`."""
    made = made_once(tmp_path_factory, "team", make_team)

    def make(folder: Path) -> None:
        shutil.copytree(made, folder, symlinks=True, dirs_exist_ok=True)
        diverge(folder)

    return copied(made_once(tmp_path_factory, "diverged team", make), tmp_path, monkeypatch)


def make_team(root: Path) -> None:
    """Fill a folder with a study of four stages and a branch `side`."""
    start(root, SETTINGS)
    (root / ".venv").symlink_to(ROOT / ".venv")
    (root / "src").mkdir()
    (root / "src/data_versioning").symlink_to(ROOT / "template/src/data_versioning")
    (root / ".gitignore").write_text("/.venv\n/src\n/*/out\n")
    (root / ".gitattributes").write_text((ROOT / "template/.gitattributes").read_text())
    (root / "data/folder").mkdir(parents=True)
    for name in STAGES:
        (root / name).mkdir()
        (root / name / "in").write_text(f"{name}\n")
        (root / name / "also in").write_text(f"{name}\n")
        (root / "data/folder" / name).write_text(f"{name}\n")
    (root / "data/file.csv").write_text("id\n")
    pipeline(root, STAGES)
    capture(["dvc", "add", "-q", "data/folder", "data/file.csv"], root)
    reproduce(root, "feat: first")
    git_hooks.install_drivers(Study(root))
    git(root, "branch", "side")


def pipeline(root: Path, names: list[str]) -> None:
    """Write a pipeline of stages that copy."""
    stages = {
        name: {
            "cmd": f"cat {name}/in {name}/also* > {name}/out",
            "deps": [f"{name}/in", f"{name}/also in"],
            "outs": [f"{name}/out"],
        }
        for name in names
    }
    (root / "dvc.yaml").write_text(dumps_yaml({"stages": stages}))


def reproduce(root: Path, message: str) -> None:
    """Bring the pipeline up to date and commit everything."""
    capture(["dvc", "repro", "-q"], root)
    git(root, "add", "--all")
    git(root, "commit", "-q", "-m", message)


def switch(root: Path, branch: str) -> None:
    """Check a branch out, with its data."""
    git(root, "switch", "-q", branch)
    capture(["dvc", "checkout", "-q"], root)


def called(root: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Call git, which may find a conflict."""
    return subprocess.run(["git", *command], cwd=root, capture_output=True, text=True, check=False)


def diverge(root: Path) -> None:
    """On `main` a stage is changed and one comes first; on `side` one is changed and one goes."""
    (root / "first").mkdir()
    for name in ("in", "also in"):
        (root / "first" / name).write_text("first\n")
    (root / "alpha/in").write_text("alpha of main\n")
    pipeline(root, ["first", *STAGES])
    reproduce(root, "feat: on main")
    switch(root, "side")
    (root / "gamma/in").write_text("gamma of side\n")
    capture(["dvc", "remove", "--outs", "delta"], root)
    reproduce(root, "feat: on side")


def test_branches_that_change_other_stages(diverged: Study) -> None:
    """Merge without conflict, whichever way; nothing has to run again, nor is rewritten."""
    root = diverged.root
    results = []
    for branch, *command in (
        ("side", "merge", "--no-edit", "main"),
        ("side", "rebase", "main"),
        ("main", "cherry-pick", "side"),
        ("main", "merge", "--no-edit", "side"),
    ):
        git(root, "switch", "-q", "--detach", branch)
        done = called(root, *command)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "merged dvc.lock by stage: check with make repro\n" in done.stdout + done.stderr
        assert git(root, "status", "--porcelain") == ""
        results.append(records((root / "dvc.lock").read_text()))
    assert set(results[0]) == {"first", "alpha", "beta", "gamma"}
    assert all(one == results[0] for one in results)
    lock = (root / "dvc.lock").read_text()
    capture(["dvc", "checkout", "-q"], root)
    assert "up to date" in capture(["dvc", "status"], root)
    assert (root / "alpha/out").read_text() == "alpha of main\nalpha\n"
    assert (root / "gamma/out").read_text() == "gamma of side\ngamma\n"
    capture(["dvc", "repro", "-q"], root)
    assert (root / "dvc.lock").read_text() == lock


def test_without_the_driver_the_same_branches_conflict(diverged: Study) -> None:
    """So that what the tests above see is the driver's work."""
    root = diverged.root
    git(root, "config", "--remove-section", "merge.dvc-lock")
    assert called(root, "merge", "main").returncode == 1
    assert "=======\n" in (root / "dvc.lock").read_text()


def test_stash(diverged: Study) -> None:
    """What was put aside comes back on top of what was merged meanwhile."""
    root = diverged.root
    switch(root, "main")
    (root / "beta/in").write_text("beta, not committed\n")
    capture(["dvc", "repro", "-q"], root)
    git(root, "stash", "-q")
    git(root, "merge", "-q", "side")
    git(root, "stash", "pop")
    text = (root / "dvc.lock").read_text()
    assert set(records(text)) == {"first", "alpha", "beta", "gamma"}
    capture(["dvc", "repro", "-q"], root)
    assert (root / "dvc.lock").read_text() == text


def test_branches_that_change_the_same_stage(team: Study) -> None:
    """That stage alone is in conflict; any side will do, for the next run makes it true."""
    root = team.root
    (root / "alpha/in").write_text("main\n")
    (root / "beta/in").write_text("main\n")
    reproduce(root, "feat: on main")
    switch(root, "side")
    (root / "alpha/also in").write_text("side\n")
    (root / "gamma/in").write_text("side\n")
    reproduce(root, "feat: on side")
    for into, take in (("side", "--ours"), ("main", "--theirs"), ("main", "neither")):
        git(root, "switch", "-q", "--detach", into)
        done = called(root, "merge", "side" if into == "main" else "main")
        assert done.returncode == 1
        assert "both sides changed, in dvc.lock: alpha\n" in done.stdout + done.stderr
        assert git(root, "diff", "--name-only", "--diff-filter=U") == "dvc.lock\n"
        text = (root / "dvc.lock").read_text()
        ((ours, theirs),) = CONFLICT.findall(text)
        assert ours.startswith("  alpha:\n") and theirs.startswith("  alpha:\n")
        assert set(records(resolved(text, 0))) == set(STAGES)
        if take == "neither":
            (root / "dvc.lock").write_text(CONFLICT.sub("", text))
        else:
            git(root, "checkout", take, "dvc.lock")
        reproduce(root, "merge both")
        assert "up to date" in capture(["dvc", "status"], root)
        assert git(root, "status", "--porcelain") == ""
        outputs = {name: (root / name / "out").read_text() for name in STAGES}
        assert outputs == {
            "alpha": "main\nside\n", "beta": "main\nbeta\n", "gamma": "side\ngamma\n",
            "delta": "delta\ndelta\n",
        }  # fmt: skip


def change_data(root: Path, **contents: str | None) -> None:
    """Write and delete files of the tracked folder, and commit its new version."""
    for name, content in contents.items():
        path = root / "data/folder" / name
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_text(content)
    capture(["dvc", "add", "-q", "data/folder"], root)
    git(root, "commit", "-q", "-a", "-m", f"data: {', '.join(contents)}")


def test_folders_of_data(team: Study) -> None:
    """Files added, changed and removed on either side are so in the merged folder."""
    root = team.root
    change_data(root, alpha="main\n", new="main\n")
    switch(root, "side")
    change_data(root, beta=None, gamma="side\n", newer="side\n")
    pointers = set()
    for into, other in (("side", "main"), ("main", "side")):
        git(root, "switch", "-q", "--detach", into)
        done = called(root, "merge", "--no-edit", other)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "data/folder.dvc file by file" in done.stdout + done.stderr
        assert git(root, "status", "--porcelain") == ""
        pointers.add((root / "data/folder.dvc").read_text())
    assert len(pointers) == 1
    capture(["dvc", "checkout", "-q"], root)
    found = {path.name: path.read_text() for path in (root / "data/folder").iterdir()}
    assert found == {
        "alpha": "main\n", "new": "main\n", "delta": "delta\n",
        "gamma": "side\n", "newer": "side\n",
    }  # fmt: skip
    assert "up to date" in capture(["dvc", "status"], root)


def test_data_that_both_sides_changed(team: Study) -> None:
    """A file of a folder, and a file tracked by itself: both hashes stay, between markers."""
    root = team.root
    hashes: dict[str, list[str]] = {}
    for branch in ("main", "side"):
        switch(root, branch)
        (root / "data/file.csv").write_text(f"id\n{branch}\n")
        capture(["dvc", "add", "-q", "data/file.csv"], root)
        change_data(root, alpha=f"{branch}\n")
        for name in ("file.csv", "folder"):
            pointer = (root / f"data/{name}.dvc").read_text()
            hashes.setdefault(name, []).extend(re.findall("md5: (.{32})", pointer))
    for into, other in (("side", "main"), ("main", "side")):
        git(root, "reset", "-q", "--hard")
        git(root, "switch", "-q", "--detach", into)
        done = called(root, "merge", other)
        assert done.returncode == 1
        said = done.stdout + done.stderr
        files = "merged data/file.csv.dvc as text, for DVC could not: .*not directories"
        assert re.search(files, said)
        assert re.search("merged data/folder.dvc as text, for DVC could not: .*alpha", said)
        for name, expected in hashes.items():
            text = (root / f"data/{name}.dvc").read_text()
            assert "<<<<<<< ours" in text and all(one in text for one in expected)
    git(root, "checkout", "--theirs", "data")
    git(root, "commit", "-q", "-a", "-m", "merge: theirs")
    capture(["dvc", "checkout", "-q"], root)
    assert (root / "data/file.csv").read_text() == "id\nside\n"


def test_a_folder_without_dvc(team: Study, capfd: pytest.CaptureFixture[str]) -> None:
    """DVC's own driver would keep one side and call it a success."""
    shutil.rmtree(team.root / ".dvc")
    contents = {"base": "outs: []\n", "ours": "outs: [1]\n", "theirs": "outs: [2]\n"}
    for name, content in contents.items():
        (team.root / name).write_text(content)
    assert main(["merge-data", *contents, "data/folder.dvc"]) == 1
    said = "merged data/folder.dvc as text, for DVC could not: DVC is not set up: "
    assert capfd.readouterr().err.startswith(said)
    marked = (team.root / "ours").read_text()
    assert all(content in marked for content in ("<<<<<<< ", "outs: [1]\n", "outs: [2]\n"))


def test_data_that_dvc_cannot_read(team: Study) -> None:
    """Of a colleague's version that was not fetched, nothing is lost."""
    root = team.root
    change_data(root, alpha="main\n")
    hash_of_main = re.findall("md5: (.{32})", (root / "data/folder.dvc").read_text())[0]
    switch(root, "side")
    change_data(root, beta="side\n")
    (root / f".dvc/cache/files/md5/{hash_of_main[:2]}/{hash_of_main[2:]}.dir").unlink()
    assert called(root, "merge", "main").returncode == 1
    assert hash_of_main in (root / "data/folder.dvc").read_text()


def test_without_tooling_files_are_merged_as_text(diverged: Study) -> None:
    """In a clone that was not set up, or an old commit: said, and nothing is lost."""
    root = diverged.root
    change_data(root, alpha="side\n")
    switch(root, "main")
    change_data(root, beta="main\n")
    (root / ".venv").unlink()
    done = called(root, "merge", "side")
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert "merged as text, for the tooling in . did not run (try: make setup)" in said
    for path in ("dvc.lock", "data/folder.dvc"):
        text = (root / path).read_text()
        assert "<<<<<<< ours\n" in text and ">>>>>>> theirs\n" in text
        for side in ("main", "side"):
            lines = git(root, "show", f"{side}:{path}").splitlines()
            assert all(line in text for line in lines if "md5" in line and path != "dvc.lock")
    assert "gamma" in (root / "dvc.lock").read_text()


def test_studies_in_folders_of_one_repository(team: Study, tmp_path: Path) -> None:
    """Each file is merged by the study it belongs to, wherever that has been moved."""
    top = tmp_path / "all my work"
    top.mkdir()
    git(top, "init", "-q")
    (team.root / ".git").rename(tmp_path / "old.git")
    (team.root / ".dvc/config").write_text("[core]\n    autostage = true\n")
    root = team.root.rename(top / "my first study")
    git(top, "add", "--all")
    git(top, "commit", "-q", "-m", "start")
    git(top, "branch", "side")
    git_hooks.install_drivers(Study(root))
    diverge(root)
    change_data(root, alpha="side\n")
    switch(root, "main")
    change_data(root, beta="main\n")
    root = root.rename(top / "it's mine")
    git(top, "add", "--all")
    git(top, "commit", "-q", "-m", "chore: rename")
    done = called(root, "merge", "--no-edit", "side")
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(records((root / "dvc.lock").read_text())) == {"first", "alpha", "beta", "gamma"}
    capture(["dvc", "checkout", "-q"], root)
    assert (root / "data/folder/alpha").read_text() == "side\n"
    assert (root / "data/folder/beta").read_text() == "main\n"


def test_the_verb_starts_fast() -> None:
    """Git waits for it, file by file: no heavy library is loaded."""
    code = (
        "import sys; from data_versioning.cli import main;"
        "main(['merge-lock', *['/dev/null'] * 3]);"
        "print(sorted({'dvc', 'mlflow', 'pandas', 'numpy', 'httpx'} & set(sys.modules)))"
    )
    python = str(ROOT / ".venv/bin/python")
    argv = ["env", f"PYTHONPATH={ROOT / 'template/src'}", python, "-c", code]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
