"""The list of phases in `study.yaml`: what a user may change, and how a broken one is refused."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from data_versioning.cli import main
from data_versioning.errors import StudyError, UsageError
from data_versioning.phases.plan import DEFAULTS, GATES, KEYS, Phase, phase, phases, title
from data_versioning.study import Study
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import ROOT

TAGS = [
    "v0.1.0-problem-formulation",
    "v0.2.0-literature-review",
    "v0.3.0-hypotheses",
    "v0.4.0-experimental-design",
    "v0.5.0-preregistration",
    "v0.6.0-data-management",
    "v0.7.0-data-collected",
    "v1.0.0-analysis-complete",
    "v1.1.0-interpretation",
    "v2.0.0-manuscript-submitted",
    "v2.1.0-published",
]
ONE = "phases:\n  - name: pilot\n    version: 0.1.0\n"


def another(name: str, version: str, suffix: str) -> str:
    """Return a phase of the list."""
    return f"  - name: {name}\n    version: {version}\n    suffix: {suffix}\n"


def listed(root: Path, text: str) -> tuple[Phase, ...]:
    """Return the phases of a study whose `study.yaml` is this text."""
    (root / "study.yaml").write_text(text, encoding="utf-8")
    return phases(Study(root))


def refusal(root: Path, text: str) -> str:
    """Return how a text is refused, as the command line prints it."""
    with pytest.raises(StudyError) as refused:
        listed(root, text)
    return f"{refused.value} | {refused.value.mend}"


def test_a_study_begins_with_eleven_phases() -> None:
    """Their tags are those the workflow promises, and each owes a document of its name."""
    found = phases(Study(ROOT / "template"))
    assert [one.tag() for one in found] == TAGS
    assert [one.documents for one in found] == [(f"docs/{one.name}.md",) for one in found]
    assert {"clean", "documents", "commits"} == set.intersection(*(set(one.gates) for one in found))
    assert set(GATES) == {gate for one in found for gate in one.gates}
    assert found[3].branch == "phase/experimental-design"
    assert title(found[3].name) == "Experimental design"
    assert found[3].tag(2) == "v0.4.2-experimental-design"


def test_the_template_ends_with_the_defaults() -> None:
    """What `phase defaults` appends to an old study is what a new one has."""
    assert (ROOT / "template/study.yaml").read_text().endswith("\n" + DEFAULTS.read_text().lstrip())


def test_a_study_without_a_list_is_mended_by_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file is the researcher's, so no update of the template adds the list."""
    mend = "python -m data_versioning phase defaults >> study.yaml"
    assert refusal(tmp_path, "large_file_mb: 10") == f"lists no phases: study.yaml | {mend}"
    monkeypatch.chdir(tmp_path)
    assert main(["phase", "defaults"]) == 0
    printed = capsys.readouterr().out
    assert [one.tag() for one in listed(tmp_path, f"large_file_mb: 10{printed}")] == TAGS
    assert "'phases' stands here again: study.yaml:" in refusal(tmp_path, f"{printed}{printed}")


def test_a_list_is_the_users(tmp_path: Path) -> None:
    """Renamed, dropped, added, and with the keys in any order."""
    (pilot, main_study) = listed(
        tmp_path,
        "phases:\n- version: v0.2.0\n  name: pilot\n  gates: []\n"
        "- {name: main-study, version: 1.0.0, suffix: done, documents: [a/../b.md, c.pdf]}\n",
    )
    assert (pilot.tag(), pilot.gates, pilot.documents) == ("v0.2.0-pilot", (), ())
    assert (main_study.tag(), main_study.documents) == ("v1.0.0-done", ("b.md", "c.pdf"))
    assert main_study.gates == ("clean", "documents", "commits")


NAMES = "lower-case words joined by hyphens, 60 characters at most"
VERSIONS = "like 0.4.0; the patch number, which counts repeats, begins at 0"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("phases:\n", 1, "the list of phases is empty"),
        ("a: 1\nphases: []\n", 2, "the list of phases is empty"),
        ("a: 1\nphases: {}\n", 2, "the list of phases is empty"),
        ("phases: pilot\n", 1, "phases is not a list"),
        ("phases: {pilot: 0.1.0}\n", 1, "phases is not a list"),
        ("phases:\n  - pilot\n", 2, "not a phase with a name and a version: 'pilot'"),
        ("phases:\n  - name: pilot\n", 2, "a phase without a version"),
        ("phases:\n\n  - version: 0.1.0\n", 3, "a phase without a name"),
        (ONE + "    gate: []\n", 4, "unknown key 'gate'; did you mean gates?"),
        (ONE + "    5: []\n", 4, f"unknown key 5; a phase has {', '.join(KEYS)}"),
        (ONE + "    name: again\n", 4, "the key 'name' stands here again"),
        (ONE + "    gates: clean\n", 4, "gates is not a list: 'clean'"),
        (ONE + "    gates: [clean, x]\n", 4, f"unknown gate 'x'; there are {', '.join(GATES)}"),
        (ONE + "    gates:\n    - clean\n    - [clean]\n", 6, "unknown gate ['clean']; there are "),
        (ONE + "    documents: a.md\n", 4, "documents is not a list: 'a.md'"),
        (ONE + "    suffix: [a]\n", 4, f"not a suffix ({NAMES}): ['a']"),
        (ONE + another("pilot", "0.2.0", "x"), 4, "an earlier phase is called 'pilot' already"),
        (
            ONE + another("x", "0.2.0", "pilot"),
            6,
            "an earlier phase has the suffix 'pilot' already",
        ),
        (
            "phases:\n" + another("x", "0.1.0", "y") + "  - version: 0.2.0\n    name: y\n",
            6,
            "an earlier phase has the suffix 'y' already",
        ),
        (
            ONE + another("x", "0.1.0", "x"),
            5,
            "phase 'pilot' has 0.1.0 already; its patch number counts repeats",
        ),
        (
            "phases:\n" + another("x", "1.10.0", "x") + another("y", "v1.9.0", "y"),
            6,
            "version 1.9.0 is not above 1.10.0 of the phase before it",
        ),
    ],
)
def test_a_broken_list_names_its_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    """What is wrong, the file and the line, and what opens it."""
    said = refusal(tmp_path, text)
    assert said.startswith(message)
    assert said.endswith(f": study.yaml:{line} | $EDITOR study.yaml")
    assert "\n" not in said


@pytest.mark.parametrize(
    "name", ["Pilot", "a b", "a--b", "-a", "a/b", "a.lock", "7", "x" * 61, "$(id)", "é", "[a]"]
)
def test_a_name_is_a_part_of_branches_and_tags(tmp_path: Path, name: str) -> None:
    """So it is one that git and every file system take."""
    said = refusal(tmp_path, f"phases:\n  - version: 0.1.0\n    name: {name}\n")
    assert said.startswith(f"not a name ({NAMES}): ") and "study.yaml:3 " in said


@pytest.mark.parametrize(
    "version",
    [
        "0.1",
        "1",
        "0.1.1",
        "0.01.0",
        "0.1.0-a",
        "vv0.1.0",
        '"\\u0661.1.0"',
        "[1]",
        "1234567890.0.0",
    ],
)
def test_a_version_has_three_numbers_the_last_one_0(tmp_path: Path, version: str) -> None:
    """In digits of ASCII."""
    said = refusal(tmp_path, f"phases:\n  - name: pilot\n    version: {version}\n")
    assert said.startswith(f"not a version ({VERSIONS}): ") and "study.yaml:3 " in said


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../a.md", "a/../../b.md", ".", "docs/", '"a\\n"', '""', "5", "[a]"]
)
def test_a_document_is_a_file_of_the_study(tmp_path: Path, path: str) -> None:
    """Nothing outside of it, and no folder."""
    said = refusal(tmp_path, f"{ONE}    documents:\n    - a.md\n    - {path}\n")
    assert said.startswith("not the path of a file inside the study: ") and "study.yaml:6 " in said


def test_the_first_of_several_errors_is_named(tmp_path: Path) -> None:
    """In the order of the file, whatever is checked first."""
    text = ONE + "    gates: [a]\n  - name: Pilot\n    version: 0\n    name: x\n"
    assert "unknown gate 'a'" in refusal(tmp_path, text)
    assert "not a name" in refusal(tmp_path, text.replace("[a]", "[]").replace("name: x", "suf: x"))
    assert refusal(tmp_path, "phases: [\n").startswith("not valid YAML (")


def test_common_keys_may_stand_in_an_anchor(tmp_path: Path) -> None:
    """YAML's own way to say a thing once; an error in it is on the line of who refers to it."""
    text = "common: &common\n  gates: [clean]\n" + ONE.replace("name", "<<: *common\n    name")
    assert listed(tmp_path, text)[0].gates == ("clean",)
    said = refusal(tmp_path, text.replace("[clean]", "[cleen]"))
    assert said.startswith("unknown gate 'cleen'") and ": study.yaml:4 |" in said
    said = refusal(tmp_path, "all: &all\n  phases: [x]\n<<: *all\n")
    assert said.startswith("not a phase with a name and a version: 'x': study.yaml:1 |")


def test_a_phase_is_found_by_its_name(tmp_path: Path) -> None:
    """Another name is answered with those there are, and with the one that was meant."""
    (tmp_path / "study.yaml").write_text(ONE)
    study = Study(tmp_path)
    assert phase(study, "pilot").name == "pilot"
    with pytest.raises(
        StudyError, match=r"^no phase 'pilto', did you mean pilot\? study\.yaml has pilot: "
    ):
        phase(study, "pilto")
    with pytest.raises(StudyError, match=r"^no phase 'x\\n'; study\.yaml has pilot: study\.yaml"):
        phase(study, "x\n")
    with pytest.raises(UsageError, match=r"^no phase is named; study\.yaml has pilot"):
        phase(study, "")


JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.just([]),
    st.lists(st.text(max_size=4), max_size=2), st.dictionaries(st.text(max_size=4), st.integers()),
    st.sampled_from(["analysis", "0.4.0", "v1.0.0", "clean", "docs/a.md", "../a"]),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(seed=st.randoms(use_true_random=False), junk=st.lists(JUNK, min_size=3, max_size=3))
def test_no_edit_ends_in_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, seed: random.Random, junk: list[Any]
) -> None:
    """Whatever is dropped, moved, renamed or replaced: a list in order, or an error with a line."""
    content = yaml.safe_load(DEFAULTS.read_text())["phases"]
    for value in junk:
        at = seed.randrange(len(content))
        match seed.randrange(5):
            case 0:
                del content[at]
            case 1:
                seed.shuffle(content)
            case 2:
                content[at] = value
            case 3 if isinstance(content[at], dict):
                content[at][seed.choice(["name", "version", "suffix", "gates", "x"])] = value
            case 4 if isinstance(content[at], dict) and content[at]:
                del content[at][seed.choice(list(content[at]))]
    root = tmp_path_factory.mktemp("study")
    text = yaml.safe_dump({"phases": content}, sort_keys=False, allow_unicode=seed.random() < 0.5)
    try:
        found = listed(root, text)
    except StudyError as error:
        where = error.where.removeprefix("study.yaml:")
        assert error.mend and 1 <= int(where) <= text.count("\n")
    else:
        versions = [one.version for one in found]
        assert versions == sorted(set(versions)) and len(found) == len(content)
        assert len({one.suffix for one in found}) == len(found)
