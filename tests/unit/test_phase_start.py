"""How a phase begins, what its documents ask, and where the study stands."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from data_versioning.cli import main
from data_versioning.phases.documents import form, incomplete
from data_versioning.phases.plan import Phase, phases, title
from data_versioning.study import Study

from tests.conftest import ROOT, git

PLAN = """\
phases:
  - name: hypotheses
    version: 0.1.0
    documents: [docs/hypotheses.md]
  - name: analysis
    version: 0.2.0
    suffix: analysed
    gates: [clean, tests, documents]
    documents: [docs/analysis.md, docs/sub-groups.md, docs/power.pdf]
  - name: outlook
    version: 1.0.0
    documents: [notes/outlook.md]
"""
Said = Callable[..., tuple[int, str]]
DEFAULTS = phases(Study(ROOT / "template"))


@pytest.fixture
def planned(study: Study) -> Study:
    """A study with three phases, committed."""
    with (study.root / "study.yaml").open("a") as file:
        file.write(PLAN)
    shutil.copy(ROOT / "template/.cz.toml", study.root)
    git(study.root, "add", "--all")
    git(study.root, "commit", "--quiet", "--message", "chore: plan")
    return Study(study.root)


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    """Runs a verb and returns its exit status and what it printed."""

    def run(*argv: str) -> tuple[int, str]:
        capsys.readouterr()
        status = main(argv)
        captured = capsys.readouterr()
        return status, captured.out + captured.err

    return run


# --------------------------------------------------------------------------------------- documents


@pytest.mark.parametrize("phase", DEFAULTS, ids=lambda phase: phase.name)
def test_a_form_asks_and_says_nothing_itself(phase: Phase, tmp_path: Path) -> None:
    """Three to six questions, each with a line of help; answered, the document is complete."""
    text = form(phase, phase.documents[0])
    assert text.startswith(f"# {title(phase.name)}\n\n## ")
    assert all(line[:2] in ("", "# ", "##", "<!") for line in text.splitlines())
    questions = [line[3:] for line in text.splitlines() if line.startswith("## ")]
    assert 3 <= len(questions) <= 6 and all(one.endswith("?") for one in questions)
    assert text.count("<!-- ") == text.count(" -->") == len(questions)
    (tmp_path / "form.md").write_text(text)
    missing = incomplete(tmp_path, "form.md")
    assert [one.split('"')[1] for one in missing] == questions
    assert missing[1].startswith("form.md: unanswered question ") and missing[0].endswith(
        "(line 3)"
    )
    (tmp_path / "form.md").write_text(text.replace(" -->", " -->\n\nYes, 442."))
    assert incomplete(tmp_path, "form.md") == []


def test_every_form_is_some_phases() -> None:
    """None is left over when the defaults change, and another name gets the questions for any."""
    names = {path.stem for path in (ROOT / "template/src/data_versioning/phases/forms").iterdir()}
    assert names == {"any-phase", *(phase.name for phase in DEFAULTS)}


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("", ["d.md is empty"]),
        (" \n", ["d.md is empty"]),
        ("<!-- nothing -->\n", ["d.md: says nothing (line 1)"]),
        ("A word.\n", []),
        ("# A\n", ['d.md: unanswered question "A" (line 1)']),
        ("# A\n\n## B\nyes\n", []),
        ("# A\n\n## B\n\n# C\nyes\n", ['d.md: unanswered question "B" (line 3)']),
        (
            "## B ##\n### C\n- yes\n### D\n-\n1.\n* * *\n",
            ['d.md: unanswered question "D" (line 4)'],
        ),
        ("## B\n<!-- a\nb -->\n", ['d.md: unanswered question "B" (line 1)']),
        ("## B\n<!-- a -->yes\n", []),
        ("## B\n<!-- never closed\nyes\n", ['d.md: unanswered question "B" (line 1)']),
        ("## B\n```\n# no heading\n```\n", []),
        (
            "## B\n~~~sh\n<!-- no comment -->\n~~~\n## C\n",
            ['d.md: unanswered question "C" (line 5)'],
        ),
        ("A\n=\nB\n---\n", ['d.md: unanswered question "B" (line 3)']),
        ("A\r\n===\r\n\r\nyes\r\n\r\n---\r\n", []),
        ("---\ntitle: x\n---\n# A\n", ['d.md: unanswered question "A" (line 4)']),
        ("#hashtag\n", []),
        ("- a\n---\n# B\n---\nyes\n", []),
        ("\ufeff# A\n", ['d.md: unanswered question "A" (line 1)']),
        ("A TODO.\n", ["d.md: placeholder TODO (line 1)"]),
        (
            "a\n\nTBD, FIXME\n",
            ["d.md: placeholder FIXME (line 3)", "d.md: placeholder TBD (line 3)"],
        ),
        ("A XXX, `XXX`.\n", ["d.md: placeholder XXX (line 1)"]),
        ("`TODO`, ``a ` TODO``, todo, TODOS, todo el mundo\n", []),
        ("```\nTODO <your name>\n```\n", []),
        ("a\n<!-- TODO: ask Ada -->\n", ["d.md: placeholder TODO (line 2)"]),
        ("a\n<!-- <your name> -->\n", []),
        ("By <your name>.\n", ["d.md: placeholder <your name> (line 1)"]),
        ("By [insert name].\n", ["d.md: placeholder [insert name] (line 1)"]),
        ("See [your data](data.md), p <0.05, and 3 < 4 > 1.\n", []),
        ("n = <...>\n", ["d.md: placeholder <...> (line 1)"]),
        ("Lorem Ipsum dolor.\n", ["d.md: placeholder Lorem Ipsum (line 1)"]),
    ],
)
def test_what_is_missing_in_a_document(tmp_path: Path, text: str, missing: list[str]) -> None:
    """What is no answer, and what is no placeholder, each with its line."""
    (tmp_path / "d.md").write_bytes(text.encode())
    assert incomplete(tmp_path, "d.md") == missing


def test_documents_of_other_kinds(tmp_path: Path) -> None:
    """They exist and hold something; where that is text, no placeholder."""
    (tmp_path / "a.pdf").write_bytes(b"%PDF\xff TODO")
    (tmp_path / "b.tex").write_text("\\section{A}\n`TODO'\n")
    (tmp_path / "c.bin").write_bytes(b"TODO\0")
    (tmp_path / "d.md").write_bytes(b"\xff")
    (tmp_path / "folder").mkdir()
    assert incomplete(tmp_path, "a.pdf") == incomplete(tmp_path, "c.bin") == []
    assert incomplete(tmp_path, "b.tex") == ["b.tex: placeholder TODO (line 2)"]
    assert incomplete(tmp_path, "d.md") == ["d.md is not in UTF-8"]
    assert incomplete(tmp_path, "folder") == ["folder does not exist"]


def test_documents_of_a_commit(study: Study) -> None:
    """As they were then; those that DVC keeps are read from its cache."""
    (study.root / "a.md").write_text("# A\n")
    (study.root / "b.pdf").write_bytes(b"%PDF")
    subprocess.run(["dvc", "add", "--quiet", "b.pdf"], cwd=study.root, check=True)
    git(study.root, "add", "a.md")
    git(study.root, "commit", "--quiet", "--message", "docs: begin")
    (study.root / "a.md").write_text("# A\nyes\n")
    assert incomplete(study.root, "a.md") == []
    assert incomplete(study.root, "a.md", "HEAD") == ['a.md: unanswered question "A" (line 1)']
    assert incomplete(study.root, "a.md", "HEAD~1") == ["a.md does not exist"]
    assert incomplete(study.root, "b.pdf", "HEAD") == []
    subprocess.run(["rm", "-r", ".dvc/cache"], cwd=study.root, check=True)
    (missing,) = incomplete(study.root, "b.pdf", "HEAD")
    assert missing.startswith("neither in DVC's cache nor in a remote that answers: b.pdf")


# ------------------------------------------------------------------------------------------- start


def test_a_phase_begins_with_a_branch_and_its_documents(planned: Study, said: Said) -> None:
    """Made from the current commit; what is uncommitted comes along; the next steps are said."""
    (planned.root / "in.txt").write_text("edited\n")
    status, text = said("phase", "start", "analysis")
    assert status == 0
    assert text == (
        "on the new branch phase/analysis\n"
        "wrote docs/analysis.md: answer its questions\n"
        "wrote docs/sub-groups.md: answer its questions\n"
        "note: not complete yet: hypotheses\n"
        "note: docs/power.pdf is yours to make\n"
        "next:\n"
        "  git add docs/analysis.md docs/sub-groups.md\n"
        "  make commit\n"
        "and on main, when the branch is merged:\n"
        "  make phase-complete PHASE=analysis\n"
    )
    assert git(planned.root, "branch", "--show-current") == "phase/analysis\n"
    assert git(planned.root, "rev-parse", "HEAD") == git(planned.root, "rev-parse", "main")
    assert (planned.root / "in.txt").read_text() == "edited\n"
    analysis = (planned.root / "docs/analysis.md").read_text()
    assert analysis.startswith("# Analysis\n\n## What was run?\n")
    any_phase = (planned.root / "docs/sub-groups.md").read_text()
    assert any_phase.startswith("# Sub groups\n\n## What was to be settled?\n")
    assert sorted(path.name for path in (planned.root / "docs").iterdir()) == [
        "analysis.md",
        "sub-groups.md",
    ]


def test_a_second_start_changes_nothing(planned: Study, said: Said) -> None:
    """Neither documents, nor branches, nor what is staged; from elsewhere it comes back."""
    assert said("phase", "start", "outlook")[0] == 0
    (planned.root / "notes/outlook.md").write_text("mine\n")
    before = git(planned.root, "status", "--porcelain"), git(planned.root, "for-each-ref")
    status, text = said("phase", "start", "outlook")
    assert (status, text.splitlines()[0]) == (0, "on the branch phase/outlook")
    assert "wrote" not in text
    assert before == (git(planned.root, "status", "--porcelain"), git(planned.root, "for-each-ref"))
    assert (planned.root / "notes/outlook.md").read_text() == "mine\n"
    git(planned.root, "switch", "--quiet", "main")
    git(planned.root, "commit", "--quiet", "--allow-empty", "--message", "chore: go on")
    text = said("phase", "start", "outlook")[1]
    assert "note: main is ahead of this branch, commits: 1; try: git merge main\n" in text


def test_a_start_that_was_killed_is_finished_by_the_next(planned: Study, said: Said) -> None:
    """The branch is there and the document is not."""
    git(planned.root, "switch", "--quiet", "--create", "phase/hypotheses")
    status, text = said("phase", "start", "hypotheses")
    assert (status, text.splitlines()[1]) == (0, "wrote docs/hypotheses.md: answer its questions")


def test_a_branch_that_only_the_remote_has_is_taken(
    planned: Study, said: Said, tmp_path: Path
) -> None:
    """Somebody else began the phase: their document, and pushes that go to their branch."""
    said("phase", "start", "hypotheses")
    (planned.root / "docs/hypotheses.md").write_text("theirs\n")
    git(planned.root, "add", "docs")
    git(planned.root, "commit", "--quiet", "--message", "docs: theirs")
    git(tmp_path, "clone", "--quiet", "--bare", str(planned.root), "origin.git")
    git(planned.root, "switch", "--quiet", "main")
    git(planned.root, "branch", "--quiet", "-D", "phase/hypotheses")
    git(planned.root, "remote", "add", "origin", "../origin.git")
    git(planned.root, "fetch", "--quiet")
    git(planned.root, "branch", "--quiet", "-m", "main", "feature/mine")
    status, text = said("phase", "start", "hypotheses")
    assert (status, text.splitlines()[0]) == (0, "on the branch phase/hypotheses")
    assert (planned.root / "docs/hypotheses.md").read_text() == "theirs\n"
    upstream = git(planned.root, "rev-parse", "--abbrev-ref", "phase/hypotheses@{upstream}")
    assert upstream == "origin/phase/hypotheses\n"


def test_what_git_refuses_is_one_line(planned: Study, said: Said) -> None:
    """The files that are in the way, and the command that clears it."""
    said("phase", "start", "hypotheses")
    (planned.root / "in.txt").write_text("there\n")
    git(planned.root, "commit", "--quiet", "--all", "--message", "feat: there")
    git(planned.root, "switch", "--quiet", "main")
    (planned.root / "in.txt").write_text("here\n")
    assert said("phase", "start", "hypotheses") == (
        1,
        "error: git does not switch (Your local changes to the following files would be overwritten"
        " by checkout): in.txt\ntry: git add --all && make commit\n",
    )
    git(planned.root, "branch", "--quiet", "-D", "phase/hypotheses")
    git(planned.root, "branch", "phase", "main")
    status, text = said("phase", "start", "hypotheses")
    assert status == 1 and text.startswith("error: git does not switch (")
    assert text.endswith("): phase/hypotheses\ntry: git status\n") and text.count("\n") == 2


def test_a_start_without_what_it_needs(
    planned: Study, said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name, a phase of that name, a repository, and a commit."""
    status, text = said("phase", "start", "analyse")
    assert status == 1
    assert text.startswith("error: no phase 'analyse', did you mean analysis? study.yaml has hypo")
    assert said("phase", "start", "")[0] == 2
    other = tmp_path / "other"
    other.mkdir()
    (other / "study.yaml").write_text(PLAN)
    monkeypatch.chdir(other)
    where = f": {other}\ntry: make setup\n"
    for verb in (["start", "analysis"], ["status"]):
        assert said("phase", *verb) == (1, f"error: not in a git repository{where}")
    git(other, "init", "--quiet")
    assert said("phase", "start", "analysis")[1] == (
        f"error: no commit yet to begin a phase from{where}"
    )
    assert not (other / "docs").exists()


def test_a_folder_in_the_way_of_a_document(planned: Study, said: Said) -> None:
    """Is named, and nothing is written over."""
    (planned.root / "notes").write_text("a file\n")
    status, text = said("phase", "start", "outlook")
    assert status == 1 and text.startswith("error: ") and "/notes" in text
    assert (planned.root / "notes").read_text() == "a file\n"


# ------------------------------------------------------------------------------------------ status


def complete(study: Study, path: str, name: str) -> None:
    """Write a phase's document, commit it and tag the phase."""
    (study.root / path).parent.mkdir(exist_ok=True)
    (study.root / path).write_text(f"# A\n\nAnswered for {name}.\n")
    git(study.root, "add", path)
    git(study.root, "commit", "--quiet", "--message", f"docs: {name}")
    assert main(["phase", "complete", name]) == 0


def test_where_the_study_stands(planned: Study, said: Said) -> None:
    """Phases done with tag, date and who; the gates of the current one; what is to come."""
    complete(planned, "docs/hypotheses.md", "hypotheses")
    commit = git(planned.root, "rev-parse", "--short=8", "HEAD").strip()
    status, text = said("phase", "status")
    today = git(planned.root, "log", "-1", "--format=%cs").strip()
    assert status == 0
    assert text.splitlines() == [
        "done        tag                completed   by",
        f"hypotheses  v0.1.0-hypotheses  {today}  Test",
        "",
        "current: analysis  (make phase-start PHASE=analysis)",
        f"holds  clean: nothing uncommitted at {commit}",
        "-      tests: not run here; make phase-complete runs them",
        "FAILS  documents: docs/analysis.md does not exist",
        "       try: make phase-start PHASE=analysis",
        "",
        "to come: outlook",
    ]
    found = json.loads(said("phase", "status", "--json")[1])
    assert found["branch"] == "main"
    assert found["current"] == "analysis" and found["to_come"] == ["outlook"]
    assert [one["tag"] for one in found["done"]] == ["v0.1.0-hypotheses"]
    assert [(one["gate"], one["ok"]) for one in found["gates"]] == [
        ("clean", True),
        ("tests", None),
        ("documents", False),
    ]


def test_the_current_phase_is_the_branchs(planned: Study, said: Said) -> None:
    """Also where an earlier one is not complete, or where it is complete itself."""
    said("phase", "start", "outlook")
    text = said("phase", "status")[1]
    assert "current: outlook\n" in text and "to come: hypotheses, analysis\n" in text
    git(planned.root, "switch", "--quiet", "main")
    (planned.root / "notes/outlook.md").unlink()
    complete(planned, "docs/hypotheses.md", "hypotheses")
    text = said("phase", "start", "hypotheses")[1]
    note = "v0.1.0-hypotheses completed it; this reopens it, and the next tag is v0.1.1-hypotheses"
    assert f"note: {note}\n" in text and "wrote" not in text
    text = said("phase", "status")[1]
    assert "v0.1.0-hypotheses" in text and "current: hypotheses\n" in text


def test_a_study_whose_phases_are_all_complete(planned: Study, said: Said) -> None:
    """Says so, with the last tag of each; a list that was cut since is what counts."""
    complete(planned, "docs/hypotheses.md", "hypotheses")
    (planned.root / "study.yaml").write_text(PLAN.partition("  - name: analysis")[0])
    git(planned.root, "commit", "--quiet", "--all", "--message", "chore: one phase is enough")
    assert main(["phase", "complete", "hypotheses"]) == 0
    text = said("phase", "status")[1]
    assert "v0.1.1-hypotheses" in text and "v0.1.0" not in text
    assert text.endswith("every phase is complete\n")


def test_data_management_is_looked_at_without_running_tests(planned: Study, said: Said) -> None:
    """Its items are listed one by one; the one about tests is left to the completion."""
    plan = PLAN.replace("    gates: [clean, tests, documents]", "    gates: [data-management]")
    (planned.root / "study.yaml").write_text(plan)
    git(planned.root, "switch", "--quiet", "--create", "phase/analysis")
    tests = planned.root / "tests"
    tests.mkdir()
    (tests / "test_it.py").write_text("open('it-ran', 'w')\n")
    status, text = said("phase", "status")
    assert status == 0 and "data-management: documentation: " in text
    assert not (planned.root / "it-ran").exists()
