"""A study on its way through phases: what is in the way, and whether the mend helps."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

import pytest
from data_versioning.cli import main
from data_versioning.command import capture
from data_versioning.study import Study

from tests.conftest import git
from tests.unit.phases import PHASES, furnish, gate, save, tag_manifest, write

Said = Callable[..., tuple[int, str, str]]
NOTE = (
    "note: this commit is not in main yet; merge it without squashing it, or the tag stays outside"
)


@pytest.fixture
def ready(science: Study) -> Study:
    """The study, with all that its phases ask for."""
    furnish(science.root)
    return science


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    """Runs `phase ...` and returns its exit status, what it printed, and the last mend."""

    def run(*argv: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main(["phase", *argv])
        captured = capsys.readouterr()
        printed = captured.out + captured.err
        mends = [line[5:] for line in captured.err.splitlines() if line.startswith("try: ")]
        return status, printed, "".join(mends[-1:])

    return run


def test_data_changed_by_hand_is_not_clean(ready: Study) -> None:
    """Git ignores it, so only DVC can tell; the mend is what a data set or an output needs."""
    root = ready.root
    people = root / "data/raw/people.csv"
    people.chmod(0o644)
    people.write_text(people.read_text().replace("36", "63"))
    found = gate(ready, "clean", "problem-formulation")
    assert not found.ok
    assert found.evidence == "tracked data was changed: data/raw/people.csv"
    assert found.mend == "dvc add -- data/raw/people.csv"
    capture(["dvc", "checkout", "--quiet", "--force"], root)
    assert gate(ready, "clean", "problem-formulation").ok
    prepared = root / "data/prepared.csv"
    prepared.chmod(0o644)
    prepared.write_text("name,age\nada,63\n")
    found = gate(ready, "clean", "problem-formulation")
    assert found.evidence == (
        "changed, but not by its stage: data/prepared.csv (make repro replaces it)"
    )
    assert found.mend == "make repro"
    prepared.unlink()  # what was never fetched is no change
    assert gate(ready, "clean", "problem-formulation").ok


def test_phases_are_completed_in_order_and_on_main(ready: Study, said: Said) -> None:
    """Out of order only with a reason; on a branch with a note, and marked until it is merged."""
    root = ready.root
    status, printed, mend = said("complete", "analysis", "--dry-run")
    order = "not complete yet: problem-formulation, data-management; "
    order += "after this, only with a higher version"
    assert status == 1 and printed.startswith(f"FAILS  order: {order}\n")
    assert mend == "make phase-start PHASE=problem-formulation"
    assert "v1.0.0" not in git(root, "tag")

    git(root, "switch", "--quiet", "--create", "phase/problem-formulation")
    save(root, "docs: more", "--allow-empty")
    status, printed, _ = said("complete", "problem-formulation")
    assert status == 0 and NOTE in printed
    assert "Test  (not in main)\n" in said("status")[1]
    (done,) = json.loads(said("status", "--json")[1])["done"]
    assert done["in_main"] is False
    git(root, "switch", "--quiet", "main")
    git(root, "merge", "--quiet", "--no-ff", "-m", "docs: merge", "phase/problem-formulation")
    assert "not in main" not in said("status")[1]

    status, printed, _ = said("complete", "analysis", "--override", "a rehearsal")
    assert status == 0 and NOTE not in printed
    written = tag_manifest(root)
    assert written["override"] == {"reason": "a rehearsal", "gates": ["order"]}
    assert written["gates"][0]["evidence"] == order.replace("problem-formulation, ", "")
    status, printed, _ = said("verify")
    assert status == 0 and printed.startswith("v0.1.0-problem-formulation\nholds  phase: ")
    assert "\n\nv1.0.0-analysis-complete\nholds  phase: " in printed
    assert len(json.loads(said("verify", "", "--json")[1])) == 2
    for near in ("v1.0.0", "analysis", "v1.0.0-analysis-completed"):
        status, _, mend = said("verify", near)
        assert (status, mend) == (1, "make phase-verify TAG=v1.0.0-analysis-complete")
    save(root, "docs: again", "--allow-empty")
    assert "order" not in said("complete", "analysis")[1]  # its place is settled


def test_a_document_that_waits_on_a_branch(ready: Study, said: Said) -> None:
    """It is to be merged, not begun again; and no form takes its place."""
    root = ready.root
    write(root, "study.yaml", PHASES + "    documents: [docs/answer.md]\n")
    save(root, "chore: one more document")
    assert said("start", "interpretation")[0] == 0
    git(root, "add", "docs")
    git(root, "commit", "--quiet", "--no-verify", "-m", "docs: a form")
    assert "try: $EDITOR docs/answer.md\n" in said("complete", "interpretation")[1]
    write(root, "docs/answer.md", "# Answer\n\nYes.\n")
    save(root, "docs: answer")
    git(root, "switch", "--quiet", "main")
    found = gate(ready, "documents", "interpretation")
    assert found.evidence == (
        "docs/answer.md does not exist: phase/interpretation is not merged, 2 commits"
    )
    assert found.mend == "git merge --no-ff phase/interpretation"
    capture(found.mend.split(), root)
    assert gate(ready, "documents", "interpretation").ok

    git(root, "switch", "--quiet", "--create", "feature/old", "HEAD~1")
    git(root, "branch", "--quiet", "-D", "phase/interpretation")
    status, printed, _ = said("start", "interpretation")
    assert status == 0 and "wrote" not in printed
    mend = printed.partition("try: ")[2].splitlines()[0]
    capture(mend.split(), root)
    assert (root / "docs/answer.md").read_text() == "# Answer\n\nYes.\n"


def test_the_first_mend_is_the_one_that_helps(ready: Study, said: Said) -> None:
    """A form is filled in before it is committed; what was written and not committed is that."""
    root = ready.root
    write(root, "study.yaml", PHASES.replace("docs/question.md", "docs/other.md"))
    save(root, "chore: another document")
    said("start", "problem-formulation")
    status, printed, mend = said("complete", "problem-formulation")
    assert status == 1 and "FAILS  clean: 1 not committed: docs/other.md\n" in printed
    assert mend == "$EDITOR docs/other.md"
    write(root, "docs/other.md", "# Other\n\nYes.\n")
    assert gate(ready, "documents", "problem-formulation").evidence == (
        "docs/other.md is not committed"
    )


def test_data_that_main_keeps_is_not_added_to_git(ready: Study) -> None:
    """On an older branch nothing ignores it; the mend is to merge, and git never has it."""
    root = ready.root
    git(root, "branch", "feature/old")
    write(root, "data/raw/more.csv", "name,age\nlin,7\n")
    capture(["dvc", "add", "--quiet", "data/raw/more.csv"], root)
    save(root, "data: add more")
    content = (root / "data/raw/more.csv").read_bytes()
    git(root, "switch", "--quiet", "feature/old")
    assert (root / "data/raw/more.csv").read_bytes() == content  # git left it
    found = gate(ready, "clean")
    assert found.evidence == (
        "1 not committed: data/raw/more.csv; on main, DVC keeps data/raw/more.csv"
    )
    assert found.mend == "git merge main"
    subprocess.run(found.mend.split(), cwd=root, check=True, capture_output=True)
    assert gate(ready, "clean").ok
    assert git(root, "ls-files", "data/raw/more.csv") == ""
