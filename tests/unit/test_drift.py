"""Drift: the numbers of the tests, the verdicts, and what a study says of its own data."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy
import pandas
import pytest
from data_versioning import DVCTracker, StudyError
from data_versioning.cli import main
from data_versioning.data.column_tests import ColumnDrift, holm
from data_versioning.data.drift import data_drift, detect_drift, last_version
from data_versioning.pipeline.manager import reproduce
from data_versioning.study import Study
from hypothesis import given, settings
from hypothesis import strategies as some

from tests.conftest import git
from tests.unit.test_datasets import damage, recorded, stored
from tests.unit.test_tracker import write

PEOPLE = "data/raw/people.csv"
OLDER = "name,age\n" + "".join(f"p{at},{80 + at}\n" for at in range(30))
FIRST = "v0.7.0-data-collected"


@pytest.fixture(autouse=True)
def no_warning() -> Any:
    """No table makes pandas or scipy warn."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", module="data_versioning|pandas|scipy|numpy")
        yield


def only(reference: list[Any], current: list[Any]) -> ColumnDrift:
    """Return what the one test of a column says."""
    before, now = pandas.DataFrame({"x": reference}), pandas.DataFrame({"x": current})
    (found,) = detect_drift(before, now).columns
    return found


def test_numbers_as_in_the_tables() -> None:
    """Statistics, p values and effects, from the formulas and by hand."""
    shifted = only([*range(1, 11)], [*range(6, 16)])
    assert (shifted.test, shifted.statistic, shifted.effect) == ("Kolmogorov-Smirnov", 0.5, 0.5)
    assert shifted.p_value == pytest.approx(0.16782134274394334)  # exact, n = m = 10, D = 1/2
    assert not shifted.drifted
    apart = only([1, 2, 3, 4, 5], [6, 7, 8, 9, 10])
    assert apart.statistic == 1
    assert apart.p_value == pytest.approx(2 / 252)  # 2 / C(10, 5)
    assert apart.drifted

    # Of 2 by 2 counts with Yates' correction: 80 (|900 - 100| - 40)^2 / 40^4.
    swapped = only(["f"] * 30 + ["m"] * 10, ["f"] * 10 + ["m"] * 30)
    assert swapped.test == "chi-squared"
    assert swapped.effect == pytest.approx(0.5)
    assert swapped.statistic == pytest.approx(18.05)
    assert swapped.p_value == pytest.approx(2.15e-5, rel=0.01)
    # Of 2 by 3 counts, each expected 20 times: 4 * 100 / 20; exp(-10) with 2 degrees of freedom.
    three = only(["a"] * 10 + ["b"] * 30 + ["c"] * 20, ["a"] * 30 + ["b"] * 10 + ["c"] * 20)
    assert three.statistic == pytest.approx(20)
    assert three.p_value == pytest.approx(numpy.exp(-10))

    halves = pandas.DataFrame({"x": [1.0] * 5 + [None] * 5}), pandas.DataFrame({"x": [1.0] * 10})
    values, missing = detect_drift(*halves).columns
    assert (values.p_value, values.missing) == (1.0, (0.5, 0.0))
    assert (missing.test, missing.effect) == ("Fisher: missing", 0.5)
    assert missing.p_value == pytest.approx(2 * 252 / 15504)  # 2 C(10, 5) / C(20, 5)


def test_holm_by_hand() -> None:
    """The example of three p values; what was not tested counts for nothing."""
    tests = [ColumnDrift(str(p), p_value=p) for p in (0.01, 0.04, None, 0.03)]
    found = holm(tests, 0.05)
    assert [one.adjusted_p_value for one in found] == [
        pytest.approx(0.03),
        pytest.approx(0.06),
        None,
        pytest.approx(0.06),
    ]
    assert [one.drifted for one in found] == [True, False, False, False]
    assert [one.p_value for one in found] == [0.01, 0.04, None, 0.03]


def test_many_columns_do_not_drift_by_chance() -> None:
    """Forty columns of noise: some p values are below 0.05, and no column has drifted."""
    random = numpy.random.default_rng(5)
    before, now = (pandas.DataFrame(random.normal(size=(100, 40))) for _ in range(2))
    found = detect_drift(before, now)
    assert min(one.p_value or 1 for one in found.columns) < 0.05
    assert found.drifted == ()
    assert detect_drift(before, now + numpy.eye(1, 40, 7), 0.01).drifted == ("7",)


def test_every_kind_of_column() -> None:
    """What can be tested is; what cannot be says why, and needs no test where it is plain."""
    n = 60
    random = numpy.random.default_rng(1)
    days = pandas.Timestamp("2026-01-01") + pandas.to_timedelta(range(n), unit="D")
    before = pandas.DataFrame(
        {
            "same": 1,
            "never": [None] * n,
            "days": days,
            "moved": days,
            "flag": [True, False] * (n // 2),
            "id": [f"p{at}" for at in range(n)],
            "lists": [[1], [2]] * (n // 2),
            "rare": ["a"] * 50 + [f"r{at}" for at in range(10)],
            "code": range(n),
            "lost": random.normal(size=n),
            "few": [1.0] * 4 + [None] * (n - 4),
            "dropped": 1,
            "infinite": [numpy.inf, 1.0] * (n // 2),
        }
    )
    now = before.drop(columns="dropped").assign(
        days=days.tz_localize("UTC").as_unit("s"),
        moved=days + pandas.to_timedelta(60, unit="D"),
        flag=[True] * n,
        rare=["a"] * 50 + [f"s{at}" for at in range(10)],
        code=["A", "B"] * (n // 2),
        lost=None,
        added=1,
    )
    found = detect_drift(before, now)
    verdicts = {
        f"{one.column} {one.test}".strip(): (one.drifted, one.note) for one in found.columns
    }
    assert verdicts == {
        "same Kolmogorov-Smirnov": (False, ""),
        "never": (False, "too few values (0 and 0)"),
        "never Fisher: missing": (False, ""),
        "days Kolmogorov-Smirnov": (False, ""),
        "moved Kolmogorov-Smirnov": (True, ""),
        "flag chi-squared": (True, ""),
        "id": (False, "values too rare to compare (60 different ones)"),
        "lists chi-squared": (False, ""),
        "rare chi-squared": (False, "20 rare values taken together"),
        "code": (True, "held numbers, holds other values"),
        "lost": (False, "too few values (60 and 0)"),
        "lost Fisher: missing": (True, ""),
        "few": (False, "too few values (4 and 4)"),
        "few Fisher: missing": (False, ""),
        "infinite Kolmogorov-Smirnov": (False, ""),
        "added": (True, "added"),
        "dropped": (True, "dropped"),
    }
    assert found.drifted == ("moved", "flag", "code", "lost", "added", "dropped")
    assert found.rows == (n, n)
    same = only(["k"] * 9, ["k"] * 9)
    assert (same.drifted, same.note) == (False, "the same value everywhere")
    # One value that is rare even with all the other rare ones goes with the next.
    rarest = only(["a"] * 40 + ["b"] * 20 + ["c"], ["a"] * 40 + ["b"] * 20)
    assert rarest.note == "2 rare values taken together"
    assert json.loads(json.dumps(found.as_dict()))["drifted"] == list(found.drifted)
    nothing = pandas.DataFrame()
    assert detect_drift(nothing, nothing).columns == ()
    assert detect_drift(before.head(0), before.head(0)).drifted == ()


CELLS = some.one_of(
    some.none(), some.booleans(), some.integers(-9, 9), some.floats(), some.text(max_size=2)
)
FEW = some.sampled_from([None, "a", "b", "c"])
ROWS = some.lists(some.tuples(CELLS, FEW, some.floats()), max_size=40)
TABLES = ROWS.map(lambda rows: pandas.DataFrame(rows, columns=["x\n|", "", "<y>"]))


@settings(max_examples=60, deadline=None)
@given(TABLES, TABLES, some.randoms(use_true_random=False))
def test_any_table(before: pandas.DataFrame, now: pandas.DataFrame, random: Any) -> None:
    """The same table never drifts, and the order of rows means nothing, whatever is in it."""
    assert detect_drift(before, before).drifted == ()
    order = [*range(len(now))]
    random.shuffle(order)
    assert detect_drift(before, now.iloc[order]) == detect_drift(before, now)


def test_refusals_of_tables(tmp_path: Path) -> None:
    """Files that are none, columns of one name, and an alpha that is no probability."""
    ages = write(tmp_path / "ages.csv", "age\n3\n")
    for reference, alpha, said in [
        (tmp_path / "none.csv", 0.05, "no such file: .*none.csv"),
        (write(tmp_path / "a.xlsx", "x"), 0.05, "no table: its name does not end in .csv, .tsv"),
        (write(tmp_path / "empty.csv", ""), 0.05, "cannot be read .*: .*empty.csv"),
        (write(tmp_path / "twice.csv", "a,a\n1,2\n"), 0.05, "two columns have one name: 'a'"),
        (ages, 0, "not a number between 0 and 1: 0: alpha"),
        (ages, float("nan"), "not a number between 0 and 1: nan: alpha"),
    ]:
        with pytest.raises(StudyError, match=said):
            detect_drift(reference, str(ages), alpha)


def replace(study: Study, content: str, path: str = PEOPLE) -> None:
    """Put other data in place, and on record in DVC."""
    (study.root / path).unlink(missing_ok=True)
    write(study.root / path, content)
    DVCTracker(study.root).track_data(path, f"data: other {Path(path).name}")


def explain(study: Study, text: str) -> None:
    """Append to study.yaml."""
    with (study.root / "study.yaml").open("a") as file:
        file.write(text)


def test_drift_of_a_study(science: Study, capsys: pytest.CaptureFixture[str]) -> None:
    """From a phase's tag to now: unchanged, drifted, explained; a blank explains nothing."""
    root = science.root
    git(root, "tag", FIRST)
    assert main(["drift"]) == 0
    commit = git(root, "rev-parse", "HEAD")[:10]
    unchanged = f"since {FIRST} ({commit})\ndata/prepared.csv: unchanged\n{PEOPLE}: unchanged\n"
    assert capsys.readouterr().out == unchanged

    replace(science, OLDER)
    reproduce(science, quiet=True)
    capsys.readouterr()
    assert main(["drift"]) == 1
    assert (
        capsys.readouterr().out
        == f"""\
since {FIRST} ({commit})
data/prepared.csv: changed, rows: 3, now 3
  column  test  statistic  p  adjusted  effect  missing       verdict
  name    -     -          -  -         -       0.0% -> 0.0%  (too few values (3 and 3))
  age     -     -          -  -         -       0.0% -> 0.0%  (too few values (3 and 3))
{PEOPLE}: changed, rows: 5, now 30
  column  test                statistic  p         adjusted  effect  missing       verdict
  name    -                   -          -         -         -       0.0% -> 0.0%  \
(values too rare to compare (35 different ones))
  age     Kolmogorov-Smirnov  1          6.16e-06  6.16e-06  1       0.0% -> 0.0%  \
drifted: unexplained
say why it drifted, under drift: explained:
  try: $EDITOR study.yaml
"""
    )
    before = (root / "study.yaml").read_text()
    explain(science, f"drift:\n  explained:\n    {PEOPLE}: {{age: ' ', name: no}}\n")
    assert main(["drift"]) == 1
    said = capsys.readouterr().err
    assert said.startswith(
        f"error: not a sentence: False: study.yaml: drift.explained.{PEOPLE}.name"
    )
    for words, verdict in [("{age: ' '}", 1), ("{age: second site}", 0), ("second site", 0)]:
        (root / "study.yaml").write_text(before)
        explain(science, f"drift:\n  explained:\n    {PEOPLE}: {words}\n")
        assert main(["drift"]) == verdict
        assert ("drifted: second site\n" in capsys.readouterr().out) == (verdict == 0)
    (root / "study.yaml").write_text(before)
    explain(science, "drift: {alpha: 0.000001}\n")
    assert main(["drift", "--since", FIRST, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    (age,) = (one for one in said["datasets"][1]["drift"]["columns"] if one["column"] == "age")
    assert (age["p_value"], age["drifted"]) == (pytest.approx(2 / 324632), False)
    assert said["unexplained"] == []


def test_codes_that_are_declared_texts(science: Study) -> None:
    """They are counted, not measured, and leading zeros make a difference."""
    replace(science, "site\n" + "01\n10\n" * 30)
    replace(science, "site\n" + "1\n10\n" * 30)

    def tests() -> list[tuple[str, bool]]:
        (found,) = (one.drift for one in data_drift(science, "HEAD~1").datasets if one.drift)
        return [(test.test, test.drifted) for test in found.columns]

    assert tests() == [("Kolmogorov-Smirnov", False)]
    explain(science, f"data: {{{PEOPLE}: {{columns: {{site: {{type: text}}}}}}}}\n")
    science = Study(science.root)  # which reads study.yaml once
    assert tests() == [("chi-squared", True)]


def test_versions_from_wherever_they_are(science: Study) -> None:
    """Not in the cache: from the remote; not there either, or damaged: a problem with a mend."""
    root = science.root
    old = recorded(root, PEOPLE)
    replace(science, OLDER)
    new = recorded(root, PEOPLE)
    DVCTracker(root).push()
    verdict = ((PEOPLE, "age"),)

    shutil.rmtree(root / ".dvc/cache")
    (root / PEOPLE).unlink()  # as in a clone without its data
    assert data_drift(science, "HEAD~1").unexplained == verdict
    write(root / PEOPLE, "name,age\nedited,1\n")
    (problem,) = data_drift(science, "HEAD~1").problems
    assert (problem.path, problem.what) == (PEOPLE, "changed since DVC hashed it")
    (root / PEOPLE).write_text(OLDER)

    kept = stored(root.parent / "storage", old)
    content = kept.read_bytes()
    shutil.rmtree(root / ".dvc/cache", ignore_errors=True)
    damage(kept)
    (problem,) = data_drift(science, "HEAD~1").problems
    assert problem.what == "damaged in DVC's cache or in the remote"
    assert problem.mend.startswith(f"python -m data_versioning fetch {PEOPLE} --at ")
    kept.unlink()
    shutil.rmtree(root / ".dvc/cache", ignore_errors=True)
    (problem,) = data_drift(science, "HEAD~1").problems
    assert problem.what.startswith("the version at ")
    assert problem.mend == "dvc fetch --all-commits"
    kept.write_bytes(content)
    assert data_drift(science, "HEAD~1").unexplained == verdict
    assert new != old


def test_folders_and_what_comes_and_goes(
    science: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    """Folders are counted, other files named, and a data set that is gone has to be explained."""
    root = science.root
    write(root / "data/scans/1.txt", "1\n")
    write(root / "data/scans/2.txt", "2\n")
    write(root / "data/raw/sites.csv", "site\nA\n")
    tracker = DVCTracker(root)
    tracker.track_data("data/scans", "data: scans")
    tracker.track_data("data/raw/sites.csv", "data: sites")
    text = (root / "study.yaml").read_text()
    write(root / "study.yaml", text + "  - path: data/scans\n  - path: models/model.json\n")
    git(root, "commit", "--quiet", "--all", "--message", "chore: scans")
    git(root, "tag", "then")
    (root / "data/scans/1.txt").unlink()
    (root / "data/scans/2.txt").unlink()
    write(root / "data/scans/2.txt", "other\n")
    write(root / "data/scans/3.txt", "3\n")
    tracker.track_data("data/scans", "data: other scans")
    git(root, "rm", "--quiet", "data/raw/sites.csv.dvc")
    write(root / "data/raw/new.csv", "site\nB\n")
    tracker.track_data("data/raw/new.csv", "data: new")
    (root / "params.yaml").write_text((root / "params.yaml").read_text().replace("0.5", "0.6"))
    reproduce(science, quiet=True)
    capsys.readouterr()

    assert main(["drift", "--since", "then"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:7] == [
        "data/prepared.csv: unchanged",
        "data/raw/new.csv: new",
        f"{PEOPLE}: unchanged",
        "data/raw/sites.csv: gone (unexplained)",
        "data/scans: changed, files: 1 added, 1 removed, 1 changed",
        "models/model.json: changed, no table",
    ]
    explain(science, "  - path: never.csv\ndrift: {explained: {data/raw/sites.csv: merged}}\n")
    assert main(["drift", "--since", "then"]) == 1
    assert capsys.readouterr().out.splitlines()[4:] == [
        "data/raw/sites.csv: gone (merged)",
        *lines[5:7],
        "never.csv: unknown",
        "  DVC has no version of it on record",
        "  try: make repro",
    ]


def test_refusals_of_a_study(science: Study, capsys: pytest.CaptureFixture[str]) -> None:
    """No tag, no revision, and words in study.yaml that mean nothing."""

    def refusal(*argv: str) -> str:
        assert main(["drift", *argv]) == 1
        return capsys.readouterr().err

    assert refusal() == (
        "error: no tag to compare with: the history of HEAD\n"
        "try: python -m data_versioning drift --since <commit>\n"
    )
    assert "no such revision: --all" in refusal("--since=--all")
    for words, said in [
        ("alpha: 5", "not a number between 0 and 1: 5: study.yaml: drift.alpha"),
        ("aplha: 0.1", "unknown key 'aplha' (there are alpha, explained): study.yaml: drift"),
        ("explained: {../x: why}", "outside the study {root}: study.yaml: drift.explained.../x"),
        ("explained: [x]", "not a mapping: study.yaml: drift.explained"),
    ]:
        (science.root / "study.yaml").write_text(f"drift: {{{words}}}\n")
        said = said.replace("{root}", str(science.root))
        assert refusal("--since", "HEAD") == f"error: {said}\ntry: $EDITOR study.yaml\n"


LISTED = [("question", "0.1.0"), ("review", "0.2.0")]


def test_since_the_last_phase(study: Study) -> None:
    """The tag of a phase comes before nearer tags of other kinds; without one, any tag will do."""
    git(study.root, "tag", "people-v1.0.0")
    assert last_version(study) == "people-v1.0.0"
    phases = [f"  - {{name: {name}, version: {number}, gates: []}}\n" for name, number in LISTED]
    explain(study, "phases:\n" + "".join(phases))
    for name, _ in LISTED:
        git(study.root, "commit", "--quiet", "--all", "--allow-empty", "--message", name)
        assert main(["phase", "complete", name]) == 0
    git(study.root, "commit", "--quiet", "--allow-empty", "--message", "more")
    for tag in ("people-v1.1.0", "v9.9.9-by-hand"):
        git(study.root, "tag", tag)
    assert last_version(study) == "v0.2.0-review"
