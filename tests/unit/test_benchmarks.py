"""The arithmetic and the tables of the benchmarks; how fast anything is, no test asserts."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import inventory
from benchmarks.samples import Comparison, Sample, duration, table, verdict
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
