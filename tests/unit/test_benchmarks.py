"""The arithmetic and the tables of the benchmarks; how fast anything is, no test asserts."""

from __future__ import annotations

import sys
import zipfile
import zlib
from pathlib import Path

import pytest

from benchmarks import inventory, mixed_files, packaging, uploading
from benchmarks.costs import Costs, cost, sizes
from benchmarks.samples import (
    Comparison,
    Sample,
    amount,
    at_least,
    duration,
    table,
    verdict,
)
from benchmarks.workplace import CommandError, Workplace, interleave


def test_a_sample_is_its_median_and_its_extremes() -> None:
    """An outlier shows in the spread and leaves the median alone."""
    assert Sample((3.0, 1.0, 200.0)).median == 3.0
    assert Sample((1.0, 2.0)).median == 1.5
    assert str(Sample((3.0, 1.0, 200.0))) == "3.00 s (1.00 s to 200.0 s)"


def test_what_was_measured_once_has_no_spread() -> None:
    """One measurement claims no spread."""
    assert str(Sample((0.25,))) == "250 ms"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0004, "0.4 ms"),
        (0.0099, "9.9 ms"),
        (0.00996, "10 ms"),
        (0.0377, "38 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.00 s"),
        (9.994, "9.99 s"),
        (9.996, "10.0 s"),
        (75.04, "75.0 s"),
    ],
)
def test_a_duration_has_the_unit_it_rounds_to(seconds: float, text: str) -> None:
    """No duration reads `1000 ms` or `10.00 s`."""
    assert duration(seconds) == text


def test_a_ratio_above_one_says_that_ours_is_slower() -> None:
    """The ratio is that of the medians, and a missed target stands out."""
    slower = Comparison("x", Sample((3.0, 2.0, 9.0)), "y", Sample((1.0, 2.0, 3.0)), target=1.3)
    assert slower.ratio == 1.5
    assert slower.row()[-2:] == ["1.50", "**missed:** at most 1.3"]


@pytest.mark.parametrize(("value", "kept"), [(1.29, True), (1.304, True), (1.306, False)])
def test_a_target_is_judged_by_the_number_that_is_shown(value: float, kept: bool) -> None:
    """Nobody reads `1.30` as missing `at most 1.3`."""
    assert ("missed" not in verdict(value, 1.3)) is kept


@pytest.mark.parametrize(("value", "kept"), [(0.846, True), (0.844, False)])
def test_a_smallest_value_is_judged_by_the_number_that_is_shown(value: float, kept: bool) -> None:
    """Nobody reads `0.85` as missing `at least 0.85`."""
    assert ("missed" not in at_least(value, 0.85)) is kept


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0.0 MB"), (9_960_000, "10 MB"), (999_600_000, "1.00 GB"), (10**10, "10.00 GB")],
)
def test_an_amount_has_the_unit_it_rounds_to(count: int, text: str) -> None:
    """No amount reads `1000 MB`."""
    assert amount(count) == text


def test_without_a_target_nothing_is_judged() -> None:
    """Information has no verdict."""
    assert verdict(100.0, None) == ""


def test_a_table_is_markdown_whatever_its_cells_hold() -> None:
    """Neither a pipe nor a line break in a cell breaks the table."""
    assert table(["a", "b"], [["1 | 2", "two\nlines"]]) == (
        "| a | b |\n| --- | --- |\n| 1 \\| 2 | two lines |"
    )


def test_actions_take_turns_after_a_round_that_does_not_count() -> None:
    """Rounds alternate their order, and filling caches is not measured."""
    calls: list[str] = []

    def action(name: str) -> float:
        calls.append(name)
        return float(len(calls))

    first, second = interleave(2, lambda: action("a"), lambda: action("b"))
    assert "".join(calls) == "ab" + "ab" + "ba"
    assert (first.seconds, second.seconds) == ((3.0, 6.0), (4.0, 5.0))


def test_a_command_that_fails_says_why(tmp_path: Path) -> None:
    """A missing program and a failing one both end in one line."""
    place = Workplace(tmp_path, repeat=1)
    with pytest.raises(CommandError, match="no-such-command"):
        place.run(tmp_path, "no-such-command")
    with pytest.raises(CommandError, match=r"^fatal: .*no-such-folder"):
        place.run(tmp_path, "git", "-C", "no-such-folder", "status")


def test_an_inventory_claims_only_what_is_there(tmp_path: Path) -> None:
    """Nothing is found in an empty folder, and an empty file is no licence."""
    place, folder = Workplace(tmp_path, repeat=1), tmp_path / "project"
    folder.mkdir()
    assert not any(inventory.take(place, folder).values())

    (folder / "dvc.yaml").write_text("stages: {a: {cmd: x}, b: {cmd: y}}\n")
    (folder / "dvc.lock").write_text("stages: {a: {outs: [{path: here}, {path: gone}]}}\n")
    (folder / "here").touch()
    (folder / "LICENSE").touch()
    (folder / "CITATION.cff").write_text("cff-version: 1.2.0\n")
    place.commit_all(folder)
    found = inventory.take(place, folder)
    assert (found["pipeline"], found["results"]) == ("2 stages", "1 output")
    assert found["every stage has run"] == ""
    assert found["licence"] == "", "the file is empty"
    assert found["citation"] == "`CITATION.cff`"
    assert (found["commits"], found["nothing left to commit"]) == ("1", "yes")


def test_sizes_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable says which, in whatever order; nonsense is refused."""
    monkeypatch.delenv("BENCH_GB", raising=False)
    assert sizes(1, 10) == [1, 10]
    monkeypatch.setenv("BENCH_GB", "0.2 0.02")
    assert sizes(1, 10) == [0.02, 0.2]
    for nonsense in ("much", "0", "nan", "1 inf"):
        monkeypatch.setenv("BENCH_GB", nonsense)
        with pytest.raises(CommandError, match="not a list of sizes in GB"):
            sizes(1, 10)


def test_a_command_costs_memory_and_disk(tmp_path: Path) -> None:
    """The peak is that of the command, not of what started it, and a result is not temporary."""
    place, out = Workplace(tmp_path, repeat=1), tmp_path / "out"
    out.mkdir()
    before = bytearray(100 * 2**20)
    program = (
        "import os, pathlib; held = bytearray(40 * 2**20); made = pathlib.Path('out/made');"
        "made.write_bytes(held[:3_000_000]); there = pathlib.Path(os.environ['TMPDIR'], 'there');"
        "there.write_bytes(held[:2_000_000]); print('done')"
    )
    costs = cost(place, tmp_path, [(sys.executable, "-c", program), ("true",)], out)
    assert len(before) > costs.memory > 40 * 2**20
    assert (costs.result, costs.said) == (3_000_000, "")
    assert 2_000_000 <= costs.temporary < 2_100_000
    with pytest.raises(CommandError, match="no-such-command"):
        cost(place, tmp_path, [("no-such-command",)], out)


def test_mixed_files_are_what_the_page_says(tmp_path: Path) -> None:
    """Their bytes add up, no two are the same, and they compress as far as they should."""
    mixed_files.main(str(tmp_path), "2000000")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    content = {path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in files}
    assert len(set(content.values())) == len(content) == 4 + 3 + 10
    assert sum(map(len, content.values())) == pytest.approx(2_000_000, abs=10)
    largest, table = content["recordings/recording-0.bin"], content["tables/visits-0.csv"]
    assert len(largest) == 900_000
    assert len(zlib.compress(largest)) > 0.99 * len(largest)
    assert len(zlib.compress(table)) < 0.6 * len(table)


def test_the_other_ways_to_package_hold_what_the_page_says(tmp_path: Path) -> None:
    """`git archive` holds no data, calkit's method all of it twice."""
    place, study = Workplace(tmp_path, repeat=1), tmp_path / "study"
    for path in ("code.py", "data/one.csv", ".dvc/cache/files/md5/ab/c", ".dvc/tmp/lock"):
        (study / path).parent.mkdir(parents=True, exist_ok=True)
        (study / path).write_text(path)
    (study / ".gitignore").write_text("/data\n/.dvc\n")
    place.run(study, "git", "init", "--quiet")
    place.run(study, "git", "add", "--all")
    place.run(study, "git", "commit", "--quiet", "--message", "start")
    held = []
    for method in (packaging.GIT, packaging.CALKIT):
        (out := place.new("out")).mkdir()
        cost(place, study, method.commands(out), out)
        with zipfile.ZipFile(next(out.iterdir())) as archive:
            held.append(set(archive.namelist()))
    code = {".gitignore", "code.py"}
    assert held == [code, code | {"data/one.csv", ".dvc/cache/files/md5/ab/c"}]
    assert packaging.run(place, study, packaging.MD5).result == 0


def test_targets_of_packaging_compare_with_the_limit_and_with_zip() -> None:
    """What takes twice as long as MD5 has half its speed; growth needs two sizes."""

    def costs(seconds: float, memory: int = 0) -> Costs:
        return Costs(Sample((seconds,)), memory, 0, 0)

    found = {
        1.0: {
            packaging.OURS.name: costs(2, 100_000_000),
            packaging.MD5.name: costs(1),
            packaging.ZIP.name: costs(40),
        }
    }
    shown = {row[0]: row[2:] for row in packaging.targets(found)}
    assert shown["speed, of that of MD5"] == ["0.50", "**missed:** at least 0.85"]
    assert shown["times as fast as `zip -r`"] == ["20.0", "at least 15"]
    assert shown["memory"] == ["100 MB", "at most 200 MB"]
    assert "growth of time" not in shown
    found[10.0] = {packaging.OURS.name: costs(30, 300_000_000), packaging.MD5.name: costs(10)}
    shown = {row[0]: row[2:] for row in packaging.targets(found)}
    assert shown["growth of time"] == ["15.00", "**missed:** at most 11"]
    assert shown["memory"] == ["300 MB", "**missed:** at most 200 MB"]


def test_both_ways_to_upload_end_in_a_complete_file(tmp_path: Path) -> None:
    """What is compared does the same, against the double of the other tests."""
    place, volume = Workplace(tmp_path, repeat=1), tmp_path / "volume.zip"
    volume.write_bytes(b"some bytes")
    with uploading.archive(place) as url:
        for how in (uploading.OURS, uploading.BARE):
            assert uploading.sent(place, url, volume, how).seconds > 0
        import httpx

        records = httpx.get(f"{url}/_double/state").json()["records"].values()
    files = [one["draft"]["files"]["volume.zip"] for one in records]
    assert [(file["size"], file["completed"]) for file in files] == [(10, True)] * 2
