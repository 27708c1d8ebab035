"""Every version of a dataset, whatever happened to it in git."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from data_versioning import LineageTracker, StudyError
from data_versioning.cli import main
from data_versioning.command import capture
from data_versioning.lineage.lock_records import difference, section, split
from data_versioning.study import Study

from tests.conftest import git
from tests.unit.recorded import START, Repository, hashed, lock, pointer, stage

RAW = "data/raw.csv"
Past = list[tuple[str, str]]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A study without data."""
    root = tmp_path / "my study"
    root.mkdir()
    monkeypatch.chdir(root)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return Repository(root)


def trail(path: str = RAW) -> list[tuple[str, str, str]]:
    """Return what happened to a path: change, path, and the message of the commit."""
    entries = LineageTracker().get_audit_trail(path)
    return [(entry.change, entry.path, entry.message) for entry in entries]


def test_an_entry_tells_all_of_a_version(repository: Repository) -> None:
    """Time, author, message, commit, tags, hash and size; also in the words of the documents."""
    first = repository.commit('data: first, "raw"', {f"{RAW}.dvc": pointer("raw.csv", "1")})
    git(repository.root, "tag", "v1")
    repository.commit("docs: elsewhere", {"README.md": "x"})
    git(repository.root, "tag", "--annotate", "-m", "x", "v1-again")
    folder = pointer("raw.csv", "22", md5=f"{hashed('22')}.dir", nfiles=3)
    repository.commit("data: a folder now", {f"{RAW}.dvc": folder}, author="Zoë O'Neill")
    one, two = LineageTracker(repository.root).get_audit_trail(RAW)
    assert one.timestamp == datetime.fromtimestamp(START + 2 * 3600, UTC)
    assert one.timestamp.utcoffset() == timedelta(hours=1)
    assert (one.author, one.email) == ("Ada", "ada@example.org")
    assert (one.message, one.commit) == ('data: first, "raw"', first)
    assert (one.hash, one.size, one.nfiles, one.path) == (hashed("1"), 1, None, RAW)
    assert (one.tags, two.tags) == (("v1", "v1-again"), ())
    assert (two.hash, two.nfiles, two.author) == (f"{hashed('22')}.dir", 3, "Zoë O'Neill")
    shown = f"{one.timestamp}: {one.message} by {one.author}"
    assert shown == '2023-11-15 01:13:20+01:00: data: first, "raw" by Ada'


def test_only_a_new_version_is_an_entry(repository: Repository) -> None:
    """Neither a new spelling of the file nor a move between `.dvc` and `dvc.lock` is one."""
    repository.commit("one", {f"{RAW}.dvc": pointer("raw.csv", "1")})
    repository.commit("again", {f"{RAW}.dvc": "# a comment\n" + pointer("raw.csv", "1")})
    made = {"fetch": stage({"src/fetch.py": "a"}, {RAW: "1"})}
    repository.commit("a stage makes it", {f"{RAW}.dvc": None, "dvc.lock": lock(made)})
    repository.commit("new code", {"dvc.lock": lock({"fetch": stage({"f.py": "b"}, {RAW: "1"})})})
    repository.commit("two", {"dvc.lock": lock({"fetch": stage({"f.py": "b"}, {RAW: "2"})})})
    repository.commit("tracked", {"dvc.lock": None, f"{RAW}.dvc": pointer("raw.csv", "3")})
    repository.commit("gone", {f"{RAW}.dvc": None})
    repository.commit("back", {f"{RAW}.dvc": pointer("raw.csv", "1")})
    assert trail() == [
        ("added", RAW, "one"),
        ("changed", RAW, "two"),
        ("changed", RAW, "tracked"),
        ("deleted", RAW, "gone"),
        ("added", RAW, "back"),
    ]


def test_a_dataset_keeps_its_past_when_it_is_renamed(science: Study) -> None:
    """By `dvc move`, and once more with its folder by git; under the old name it ends there."""
    root = science.root
    capture(["dvc", "move", "data/raw/people.csv", "data/raw/persons.csv"], root)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "renamed")
    (root / "data/first").mkdir()
    git(root, "mv", "data/raw/persons.csv.dvc", "data/first/persons.csv.dvc")
    git(root, "commit", "--quiet", "--message", "moved")
    assert trail("data/first/persons.csv") == [
        ("added", "data/raw/people.csv", "data: add people"),
        ("renamed", "data/raw/persons.csv", "renamed"),
        ("renamed", "data/first/persons.csv", "moved"),
    ]
    assert trail("data/raw/people.csv")[1:] == [("deleted", "data/raw/people.csv", "renamed")]


def test_a_rename_is_told_from_a_copy(repository: Repository) -> None:
    """A copy begins anew; of two files with the same bytes the one with the like name is meant."""
    same = {f"data/{name}.csv.dvc": pointer(f"{name}.csv", "1") for name in ("alpha", "beta")}
    repository.commit("one", same)
    repository.commit("copy", {"data/copy.csv.dvc": pointer("copy.csv", "1")})
    repository.commit(
        "both",
        {
            "data/alpha.csv.dvc": None,
            "data/beta.csv.dvc": None,
            "data/beta2.csv.dvc": pointer("beta2.csv", "1"),
            "data/alpha2.csv.dvc": pointer("alpha2.csv", "1"),
        },
    )
    assert trail("data/copy.csv") == [("added", "data/copy.csv", "copy")]
    assert trail("data/beta2.csv")[0] == ("added", "data/beta.csv", "one")
    assert trail("data/alpha2.csv")[0] == ("added", "data/alpha.csv", "one")


def test_other_names_for_other_bytes_in_the_same_pointer(repository: Repository) -> None:
    """A `.dvc` file that names its data differently still is that dataset."""
    repository.commit("one", {"data/set.dvc": pointer("old.csv", "1")})
    repository.commit("two", {"data/set.dvc": pointer("new.csv", "2")})
    assert trail("data/new.csv") == [
        ("added", "data/old.csv", "one"),
        ("renamed", "data/new.csv", "two"),
    ]


@pytest.mark.parametrize("kept_by", ["pointer", "lock"])
def test_merges(repository: Repository, kept_by: str) -> None:
    """What a branch brought is listed once, as its commit; what a merge made, as the merge's."""

    def files(version: str, other: str) -> dict[str, str | None]:
        stages = {name: stage({}, {f"data/{name}.csv": other}) for name in ("a", "z")}
        if kept_by == "lock":
            return {"dvc.lock": lock({"a": stages["a"], "m": stage({}, {RAW: version}), **stages})}
        return {f"{RAW}.dvc": pointer("raw.csv", version), "dvc.lock": lock(stages)}

    repository.commit("one", files("1", "x"))
    repository.switch("side", "main")
    repository.commit("side changes", files("2", "x"))
    repository.switch("main")
    repository.commit("main changes others", files("1", "y"))
    repository.merge("side", files("2", "y"))
    assert trail() == [("added", RAW, "one"), ("changed", RAW, "side changes")]

    repository.switch("side")
    repository.commit("side again", files("3", "y"))
    repository.switch("main")
    repository.commit("main, too", files("4", "y"))
    repository.merge("side", files("5", "y"))
    assert trail()[2:] == [
        ("changed", RAW, "side again"),
        ("changed", RAW, "main, too"),
        ("changed", RAW, "merge side"),
    ]
    assert [entry.hash for entry in LineageTracker().get_audit_trail(RAW)][-1] == hashed("5")


def test_what_a_merged_branch_tried_and_took_back_is_not_lost(repository: Repository) -> None:
    """Though the merge looks as if nothing had happened, and the branch is gone."""
    repository.commit("one", {f"{RAW}.dvc": pointer("raw.csv", "1")})
    repository.switch("side", "main")
    repository.commit("two", {f"{RAW}.dvc": pointer("raw.csv", "2")})
    repository.commit("back", {f"{RAW}.dvc": pointer("raw.csv", "1")})
    repository.switch("main")
    repository.commit("other", {"x.txt": ""})
    repository.merge("side")
    git(repository.root, "branch", "-D", "side")
    assert [message for _, _, message in trail()] == ["one", "two", "back"]


def test_all_branches_and_tags_count_but_not_dvcs_experiments(repository: Repository) -> None:
    """Nothing is lost that someone can still check out; what DVC keeps for itself is not shown."""
    repository.commit("one", {f"{RAW}.dvc": pointer("raw.csv", "1")})
    for name in ("branch", "tag", "experiment"):
        repository.switch(name, "main")
        repository.commit(name, {f"{RAW}.dvc": pointer("raw.csv", name)})
        repository.switch("main")
    git(repository.root, "tag", "only-tag", "tag")
    git(repository.root, "branch", "-D", "tag")
    git(repository.root, "update-ref", "refs/exps/aa/bb", "experiment")
    git(repository.root, "branch", "-D", "experiment")
    assert [message for _, _, message in trail()] == ["one", "branch", "tag"]


def test_what_is_not_committed_comes_last(repository: Repository) -> None:
    """Added, changed or deleted on disk."""
    repository.commit("other", {"data/b.csv.dvc": pointer("b.csv", "1")})
    repository.write({f"{RAW}.dvc": pointer("raw.csv", "1")})
    git(repository.root, "add", "--all")
    (entry,) = LineageTracker().get_audit_trail(RAW)
    assert (entry.change, entry.commit, entry.hash) == ("uncommitted", "", hashed("1"))
    assert entry.timestamp.tzinfo and entry.author == "Test"
    assert abs(datetime.now(UTC) - entry.timestamp) < timedelta(minutes=1)
    repository.commit("one")
    assert [change for change, _, _ in trail()] == ["added"]
    repository.write({f"{RAW}.dvc": pointer("raw.csv", "2")})
    assert [entry.hash for entry in LineageTracker().get_audit_trail(RAW)] == [
        hashed("1"), hashed("2")
    ]  # fmt: skip
    repository.write({f"{RAW}.dvc": None})
    assert trail()[-1] == ("uncommitted", RAW, "deleted, not committed")


def test_a_lock_that_no_parser_reads_hides_nothing_else(repository: Repository) -> None:
    """A conflict committed by mistake, CRLF, a layout by hand, DVC's first layout, datasets."""
    body = {"m": stage({}, {RAW: "1"}), "z": stage({}, {"data/z.csv": "1"})}
    repository.commit("one", {"dvc.lock": lock(body)})
    repository.commit("conflict", {"dvc.lock": f"<<<<<<< HEAD\n{lock(body)}=======\n"})
    body["m"] = stage({}, {RAW: "2"})
    repository.commit("by hand", {"dvc.lock": json.dumps({"stages": body})})
    repository.commit("windows", {"dvc.lock": lock(body).replace("\n", "\r\n")})
    body["m"] = stage({}, {RAW: "3"})
    more = lock(body) + "datasets:\n- name: m\n  url: s3://x\n  type: url\n"
    repository.commit("datasets", {"dvc.lock": more})
    old = "\n".join(line[2:] for line in lock(body).splitlines()[2:]) + "\n"
    repository.commit("first layout", {"dvc.lock": old.replace(hashed("3"), hashed("4"))})
    repository.commit("nonsense", {"dvc.lock": "[1, 2]", f"{RAW}.dvc": pointer("raw.csv", "5")})
    repository.commit("more nonsense", {"data/x.dvc": "outs: {a: [}", "data/y.dvc": "outs: 3"})
    repository.write({"dvc.lock": None, "data/x.dvc": None, "data/y.dvc": None})
    hashes = {entry.message: entry.hash for entry in LineageTracker().get_audit_trail(RAW)}
    assert hashes == {
        name: hashed(version)
        for name, version in {
            "one": "1", "by hand": "2", "datasets": "3", "first layout": "4",
            "nonsense": "5",
        }.items()
    }  # fmt: skip


def test_names_that_yaml_writes_differently(repository: Repository) -> None:
    """Quotes, unicode, spaces, line breaks, options, patterns, and long ones, which are wrapped."""
    names = [
        'data/it\'s "quoted": yes.csv',
        "data/データ.csv",
        "data/-rf *.csv",
        "data/a\nb.csv",
        "data/null",
        "data/" + "very long name " * 12 + "end.csv",
    ]
    for number in range(2):
        body = {f"s{n}": stage({}, {name: str(number)}) for n, name in enumerate(names)}
        repository.commit(f"commit {number}", {"dvc.lock": lock(body)})
    git(repository.root, "tag", "v1")
    for name in names:
        entries = LineageTracker().get_audit_trail(name)
        assert [entry.hash for entry in entries] == [hashed("0"), hashed("1")], name
        assert entries[1].tags == ("v1",)
    repository.commit("a pointer", {"data/c\nd.csv.dvc": pointer("c\nd.csv", "1")})
    assert LineageTracker().get_lineage("data/c\nd.csv", rev="main").hash == hashed("1")


def test_what_dvc_never_kept_is_an_error(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    """It lists the names that come near."""
    with pytest.raises(StudyError) as caught:
        LineageTracker().get_audit_trail(RAW)
    repository.commit("one", {"data/rows.csv.dvc": pointer("rows.csv", "1")})
    assert main(["audit", "data/row.csv"]) == 1
    error = capsys.readouterr().err
    assert "data/row.csv" in error and "one of: data/rows.csv" in error
    assert main(["data-versions", "data/row.csv"]) == 1
    assert caught.value.mend


def test_the_table_of_versions(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    """All datasets, no models and no deletions, in the columns of the documents."""
    text = 'data: commas, "quotes"'
    one = repository.commit(
        text,
        {
            f"{RAW}.dvc": pointer("raw.csv", "1"),
            "models/big.pt.dvc": pointer("big.pt", "1"),
            "elsewhere.csv.dvc": pointer("elsewhere.csv", "1"),
            "study.yaml": "datasets:\n  - path: results/made.csv\n",
            "dvc.lock": lock(
                {"m": stage({}, {"results/made.csv": "1", "results/m.json": "1", "data/p": "1"})}
            ),
        },
    )
    two = repository.commit("data: two", {f"{RAW}.dvc": pointer("raw.csv", "2")})
    repository.commit("data: none", {f"{RAW}.dvc": None})
    assert main(["data-versions"]) == 0
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert rows[0] == ["timestamp", "commit_hash", "data_path", "description"]
    assert sorted(row[2] for row in rows[1:-1]) == sorted(
        [RAW, "elsewhere.csv", "results/made.csv", "data/p"]
    )
    assert {tuple(row[1::2]) for row in rows[1:-1]} == {(one, text)}
    assert rows[-1] == ["2023-11-15T02:13:20+01:00", two, RAW, "data: two"]

    assert main(["data-versions", RAW, "models/big.pt", "--output", "data_versions.csv"]) == 0
    with open("data_versions.csv", newline="", encoding="utf-8") as file:
        paths = [row["data_path"] for row in csv.DictReader(file)]
    assert sorted(paths) == [RAW, RAW, "models/big.pt"]


def test_a_study_in_a_folder_of_a_larger_repository(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paths are relative to the study; what lies beside it does not count."""
    files = {
        "inner/study.yaml": "",
        f"inner/{RAW}.dvc": pointer("raw.csv", "1"),
        f"{RAW}.dvc": pointer("raw.csv", "2"),
        "inner/dvc.lock": lock({"m": stage({RAW: "1"}, {"out.csv": "1"})}),
    }
    repository.commit("both", files)
    git(repository.root, "tag", "v1")
    monkeypatch.chdir("inner/data")
    (entry,) = LineageTracker().get_audit_trail("raw.csv")
    assert (entry.path, entry.hash, entry.tags) == (RAW, hashed("1"), ("v1",))
    assert LineageTracker().get_lineage("out.csv", rev="v1").training_data == {RAW: hashed("1")}


def test_the_command_prints_the_trail(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    """As text and as JSON, with those who used each version if asked."""
    made = {"m": stage({RAW: "1"}, {"out.csv": "1"})}
    files = {f"{RAW}.dvc": pointer("raw.csv", "1"), "dvc.lock": lock(made)}
    commit = repository.commit("data: one", files)
    git(repository.root, "tag", "v1")
    assert main(["audit", RAW]) == 0
    text = capsys.readouterr().out
    for part in (commit[:8], "added", hashed("1")[:8], "1 bytes", "[v1]", RAW, "data: one (Ada)"):
        assert part in text
    assert "out.csv" not in text
    assert main(["audit", RAW, "--used-by"]) == 0
    assert "out.csv" in capsys.readouterr().out
    assert main(["audit", RAW, "--json", "--used-by"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert entry["timestamp"] == "2023-11-15T01:13:20+01:00"
    assert entry["used_by"]["results"][0]["path"] == "out.csv"
    assert entry["used_by"]["tags"] == ["v1"]
    assert main(["audit", RAW, "--json"]) == 0
    assert "used_by" not in json.loads(capsys.readouterr().out)[0]


def test_the_difference_of_two_locks_is_what_a_parser_would_find() -> None:
    """Records that changed, came, went and moved, at random."""
    chance = random.Random(0)
    for _ in range(3000):
        names = [f"{chance.choice('abc') * chance.randint(1, 3)}{n}" for n in range(8)]
        old = [_record(chance, name) for name in names[: chance.randint(0, 8)]]
        new = list(old)
        for _ in range(chance.randint(0, 4)):
            _edit(chance, new)
        gone, came = difference(b"".join(old), b"".join(new))
        assert sorted(gone) == sorted(record for record in old if record not in new)
        assert sorted(came) == sorted(record for record in new if record not in old)


def _record(chance: random.Random, name: str) -> bytes:
    lines = [f"  {name}:", f"    cmd: {chance.choice(['1', '22', '333'])}"]
    return "\n".join([*lines, *["    x:\n      y: z"] * chance.randint(0, 3), ""]).encode()


def _edit(chance: random.Random, records: list[bytes]) -> None:
    at = chance.randrange(len(records) + 1)
    changes: list[Callable[[], object]] = [
        lambda: records.insert(at, _record(chance, f"new{chance.randint(0, 999)}")),
    ]
    if at < len(records):
        name = split(records[at])[0].split(b":")[0].strip().decode()
        changes += [
            lambda: records.pop(at),
            lambda: records.__setitem__(at, _record(chance, name)),
            lambda: records.append(records.pop(at)),
        ]
    chance.choice(changes)()


def test_the_section_of_stages_is_in_one_layout() -> None:
    """Whoever wrote the file."""
    body = {"a": stage({}, {"x": "1"}), "b": stage({}, {"y": "1"})}
    plain = section(lock(body).encode())
    assert len(split(plain)) == 2
    assert len(split(section(json.dumps({"stages": body}).encode()))) == 2
    assert section(b"schema: '2.0'\n") == section(b"a: [") == section(b"") == b""
