"""What git refuses to commit and to push, what it merges, and what it says."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import git
from tests.project.conftest import copy_study, run, user_environment
from tests.project.test_pipeline import edit

TYPES = ["feat", "fix", "docs", "test", "data", "refactor", "chore"]
ANALYSIS = """\
feat(analysis): Add sensitivity analysis for outliers

Implemented sensitivity analysis removing top/bottom 5% of observations
to assess robustness of primary results.

- Created code/analysis/sensitivity.py
- Added results to results/sensitivity_analysis.json
- Effect size remains significant (d=0.58, p=0.005)

Refs: Phase 8 (Analysis)
"""
COLLECTION = """\
data(collection): Add wave 2 participant data

Added follow-up data for 142 of original 150 participants.

- data/raw/wave2_responses.csv (tracked with DVC)
- 8 participants lost to follow-up (5.3% attrition)

DVC: dvc push required
"""
# A window of an editor: no environment on the path, and here no network either.
CLOSED = "http://127.0.0.1:9"
WINDOW = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "UV_OFFLINE": "1",
    "HTTP_PROXY": CLOSED, "HTTPS_PROXY": CLOSED, "ALL_PROXY": CLOSED,
    "http_proxy": CLOSED, "https_proxy": CLOSED, "all_proxy": CLOSED, "NO_PROXY": "",
}  # fmt: skip


@pytest.fixture(scope="module")
def desk(reproduced_study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study in a folder with spaces and accents in its name."""
    return copy_study(reproduced_study, tmp_path_factory.mktemp("desk") / "Ma première étude")


@pytest.fixture
def study(desk: Path) -> Iterator[Path]:
    """The same study for every test of this file, put back afterwards."""
    start = git(desk, "rev-parse", "HEAD").strip()
    yield desk
    git(desk, "reset", "--quiet", "--hard", start)
    git(desk, "clean", "--quiet", "-d", "--force")


def commit(study: Path, message: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Commit as from the window of an editor."""
    command = ["git", "commit", "--message", message, *options]
    return run(study, *command, check=False, **WINDOW)


def commit_file(study: Path, name: str, content: str) -> str:
    """Write a file, try to commit it with a good message, and return why that was refused."""
    (study / name).write_text(content, encoding="utf-8")
    git(study, "add", name)
    refused = commit(study, "chore: try")
    assert refused.returncode == 1, refused.stdout + refused.stderr
    return refused.stdout + refused.stderr


@pytest.mark.parametrize(
    "message",
    [ANALYSIS, COLLECTION, *(f"{one}: change it" for one in TYPES), "feat(a-b)!: break it"],
    ids=["analysis", "collection", *TYPES, "breaking"],
)
def test_good_messages_pass(study: Path, message: str) -> None:
    """Every type passes, with scope and body or without, and the text is kept as it is."""
    done = commit(study, message, "--allow-empty")
    assert done.returncode == 0, done.stdout + done.stderr
    assert git(study, "log", "-1", "--format=%B").strip() == message.strip()


@pytest.mark.parametrize(
    "message",
    [
        "stuff",
        "style: tidy",
        "perf: speed it up",
        "feature: add",
        "feat:add",
        "feat: ",
        "Feat: add",
    ],
)
def test_bad_messages_are_refused_with_a_good_one(study: Path, message: str) -> None:
    """What is no `type(scope): subject` of a known type is refused, and a good message shown."""
    before = git(study, "rev-parse", "HEAD")
    refused = commit(study, message, "--allow-empty")
    assert refused.returncode == 1
    said = refused.stdout + refused.stderr
    assert "data(collection): add wave 2 participants" in said
    assert git(study, "rev-parse", "HEAD") == before


def test_messages_that_git_writes_pass(study: Path) -> None:
    """A merge, a revert and a fixup commit keep git's own message."""
    git(study, "switch", "--quiet", "--create", "side")
    assert commit(study, "docs: on the side", "--allow-empty").returncode == 0
    git(study, "switch", "--quiet", "main")
    assert commit(study, "docs: on main", "--allow-empty").returncode == 0
    run(study, "git", "merge", "--no-edit", "side", check=True, **WINDOW)
    (study / "notes.md").write_text("Notes\n")
    git(study, "add", "notes.md")
    assert commit(study, "docs: add notes").returncode == 0
    run(study, "git", "revert", "--no-edit", "HEAD", check=True, **WINDOW)
    run(study, "git", "commit", "--allow-empty", "--fixup", "HEAD", check=True, **WINDOW)
    subjects = git(study, "log", "-4", "--format=%s", "--first-parent").splitlines()
    assert subjects[0] == 'fixup! Revert "docs: add notes"'
    assert subjects[1] == 'Revert "docs: add notes"'
    assert subjects[3].startswith("Merge branch 'side'")
    git(study, "branch", "--quiet", "--delete", "--force", "side")


def test_make_commit_asks_for_these_types(study: Path) -> None:
    """`make commit` offers exactly the types that pass, and its answers make a commit."""
    (study / "notes.md").write_text("Notes\n")
    git(study, "add", "notes.md")
    dialogue = Dialogue(["make", "commit"], study)
    shown = dialogue.until("chore: maintenance")
    offered = re.findall(r"^\W*(\w+): ", shown.partition("What kind")[2], re.MULTILINE)
    assert offered == TYPES
    dialogue.answer("\x1b[B\x1b[B\r", "Which part")
    dialogue.answer("methods\r", "What does it do")
    dialogue.answer("add notes\r", "Why?")
    dialogue.answer("\r", "References")
    dialogue.answer("\r", "")
    assert dialogue.end() == 0
    assert git(study, "log", "-1", "--format=%B").strip() == "docs(methods): add notes"


class Dialogue:
    """A command that asks questions on a terminal.

    Args:
        command: The command.
        folder: Where it runs.
    """

    def __init__(self, command: list[str], folder: Path) -> None:
        self._terminal, theirs = pty.openpty()
        self._process = subprocess.Popen(
            command, cwd=folder, env=user_environment(TERM="xterm", NO_COLOR="1"),
            stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)

    def until(self, text: str) -> str:
        """Return what the command shows until a text has appeared."""
        shown = ""
        while text not in shown:
            ready, _, _ = select.select([self._terminal], [], [], 60)
            assert ready, f"no {text!r} in {shown!r}"
            try:
                shown += os.read(self._terminal, 65536).decode()
            except OSError:  # it has ended
                break
            shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown).replace("\r", "\n")
            if "[6n" in shown:
                shown = shown.replace("[6n", "")
        assert text in shown
        return shown

    def answer(self, keys: str, then: str) -> None:
        """Press keys and wait for what follows."""
        os.write(self._terminal, keys.encode())
        if then:
            self.until(then)

    def end(self) -> int:
        """Wait for the end of the command and return its exit status."""
        deadline = time.monotonic() + 120
        while self._process.poll() is None and time.monotonic() < deadline:
            if select.select([self._terminal], [], [], 0.1)[0]:
                try:
                    os.read(self._terminal, 65536)
                except OSError:
                    break
        status = self._process.wait(timeout=60)
        os.close(self._terminal)
        return status


def test_a_large_file_is_refused_until_tracked(study: Path) -> None:
    """The refusal names the file and `make track`, after which the same commit passes."""
    edit(study / "study.yaml", r"large_file_mb: 10", "large_file_mb: 0.5")
    git(study, "add", "study.yaml")
    (study / "data/external/großer Scan.csv").write_bytes(b"1,2\n" * 200_000)
    git(study, "add", "data/external")
    refused = commit(study, "data: add a scan")
    assert refused.returncode == 1
    said = refused.stdout + refused.stderr
    assert "data/external/großer Scan.csv" in said
    assert "try: make track" in said

    assert "tracked data/external/großer Scan.csv" in run(study, "make", "track").stdout
    assert "no large file to track" in run(study, "make", "track", "DIR=data").stdout
    git(study, "add", "--all")
    done = commit(study, "data: add a scan")
    assert done.returncode == 0, done.stdout + done.stderr
    committed = git(study, "-c", "core.quotepath=off", "show", "--name-only", "--format=")
    assert "data/external/großer Scan.csv.dvc\n" in committed
    assert "data/external/großer Scan.csv\n" not in committed


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("key.txt", "aws_access_key_id = " + "AKIA" + "Z7QH4LPTNWVX2M3K", "AWS Access Key"),
        ("id.txt", "-----BEGIN " + "RSA PRIVATE" + " KEY-----\nMIIEow\n", "Private Key"),
        (
            "setup.cfg", "<<<<<<< before updating\na\n=======\nb\n>>>>>>> after updating\n",
            "no conflict markers",
        ),
        ("dvc.lock", "<<<<<<< ours\n=======\n>>>>>>> theirs\n", "no conflict markers"),
        ("Makefile.rej", "@@ -1 +1 @@\n", "apply what is in the .rej file by hand"),
        ("src/data_versioning/new.py", "import os\n\n\ndef f():\n    return undefined\n", "F821"),
    ],
    ids=["AWS key", "private key", "conflict", "conflict in dvc.lock", "rejected", "ruff"],
)  # fmt: skip
def test_refused_content(study: Path, name: str, content: str, message: str) -> None:
    """Secrets, what an update of the template left unmerged, and wrong Python are refused."""
    said = commit_file(study, name, content)
    assert message in said
    assert name in said


def test_notebooks_lose_their_outputs(study: Path) -> None:
    """The hook takes outputs out; what is committed then has the code and nothing else."""
    output = {"output_type": "stream", "name": "stdout", "text": ["2\n"]}
    cell = {
        "cell_type": "code", "id": "a", "metadata": {}, "execution_count": 1,
        "source": ["1 + 1"], "outputs": [output],
    }  # fmt: skip
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    said = commit_file(study, "notebooks/look.ipynb", json.dumps(notebook))
    assert "notebooks without outputs" in said
    git(study, "add", "notebooks")
    done = commit(study, "docs: look at the data")
    assert done.returncode == 0, done.stdout + done.stderr
    (committed,) = json.loads(git(study, "show", "HEAD:notebooks/look.ipynb"))["cells"]
    assert "".join(committed["source"]) == "1 + 1"
    assert committed["outputs"] == []
    assert committed["execution_count"] is None


def test_badly_formatted_python_is_mended(study: Path) -> None:
    """The first commit is refused and the file put right; the second passes."""
    commit_file(study, "src/data_versioning/new.py", "x = {  'a':1 }\n")
    assert (study / "src/data_versioning/new.py").read_text() == 'x = {"a": 1}\n'
    git(study, "add", "src")
    assert commit(study, "feat: add x").returncode == 0


@pytest.fixture
def origin(study: Path, tmp_path: Path) -> Iterator[Path]:
    """A remote of git, which has everything."""
    origin = tmp_path / "origin.git"
    git(study, "init", "--quiet", "--bare", str(origin))
    git(study, "remote", "add", "origin", str(origin))
    git(study, "push", "--quiet", "--no-verify", "origin", "main")
    yield origin
    git(study, "remote", "remove", "origin")


def push(study: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Push as from the window of an editor."""
    return run(study, "git", "push", "origin", *arguments, check=False, **WINDOW)


def test_pushes_are_checked(study: Path, origin: Path) -> None:
    """The hook gets what git tells it, in a study that was moved; what it allows goes through."""
    assert commit(study, "docs: nothing", "--allow-empty").returncode == 0
    refused = push(study, "main:refs/heads/whatever")
    assert refused.returncode == 1
    assert "error: " in refused.stderr and "whatever" in refused.stderr
    assert "\ntry: " in refused.stderr
    done = push(study, "main:refs/heads/docs/nothing")
    assert done.returncode == 0, done.stderr
    assert git(origin, "branch", "--list", "docs/*", "--format=%(refname:short)").strip()
    assert not git(origin, "branch", "--list", "whatever")


def test_a_push_without_environment_is_refused(study: Path, origin: Path) -> None:
    """In one line that names the folder, and one that says what to do; a linked work tree, too."""
    linked = origin.parent / "linked"
    git(study, "worktree", "add", "--quiet", "-b", "docs/linked", str(linked))
    refused = push(linked, "docs/linked")
    git(study, "worktree", "remove", str(linked))
    git(study, "branch", "--quiet", "--delete", "--force", "docs/linked")
    assert refused.returncode == 1
    lines = [line for line in refused.stderr.splitlines() if "failed to push" not in line]
    assert lines == [
        f"error: no environment that could check this push: {linked}/.venv",
        "try: make setup",
    ]


def change_stage(folder: Path, branch: str, stage: str, size: int, start: str = "main") -> None:
    """Commit, on a new branch, a lock whose stage has an output of another size."""
    git(folder, "switch", "--quiet", "--create", branch, start)
    before, found, after = (folder / "dvc.lock").read_text().partition(f"\n  {stage}:\n")
    assert found
    after = re.sub(r"(outs:\n(?:    .*\n)*?      size:) \d+", rf"\1 {size}", after, count=1)
    (folder / "dvc.lock").write_text(before + found + after)
    git(folder, "commit", "--quiet", "--all", "--no-verify", "--message", "data: by hand")


@pytest.fixture
def branches(study: Path) -> Iterator[None]:
    """Branches a, b and c: a and c change the stage `train`, b changes `evaluate`."""
    for branch, stage, size in (("a", "train", 1), ("b", "evaluate", 2), ("c", "train", 3)):
        change_stage(study, branch, stage, size)
    yield
    run(study, "git", "merge", "--abort", check=False)
    git(study, "switch", "--quiet", "main")
    git(study, "branch", "--quiet", "--delete", "--force", "a", "b", "c")


def test_locks_are_merged_by_stage(study: Path, branches: None) -> None:
    """In a moved study, without its environment on the path; a conflict names the stage."""
    git(study, "switch", "--quiet", "a")
    done = run(study, "git", "merge", "--no-edit", "b", check=False, **WINDOW)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "merged dvc.lock by stage: check with make repro\n" in done.stderr
    sizes = re.findall(r"size: (\d)$", (study / "dvc.lock").read_text(), re.MULTILINE)
    assert sizes == ["1", "2"]
    done = run(study, "git", "merge", "--no-edit", "c", check=False, **WINDOW)
    assert done.returncode == 1
    assert "both sides changed, in dvc.lock: train\n" in done.stderr
    assert re.search("^<<<<<<< ours\n  train:\n", (study / "dvc.lock").read_text(), re.MULTILINE)


def test_a_linked_work_tree_merges_as_text(study: Path, branches: None, tmp_path: Path) -> None:
    """It has no environment; both sides of a conflict are there all the same."""
    linked = tmp_path / "linked"
    git(study, "worktree", "add", "--quiet", str(linked), "a")
    done = run(linked, "git", "merge", "--no-edit", "c", check=False, **WINDOW)
    text = (linked / "dvc.lock").read_text()
    git(study, "worktree", "remove", "--force", str(linked))
    assert done.returncode == 1
    assert "the tooling in . did not run (try: make setup)" in done.stderr
    assert re.search("<<<<<<< ours\n *size: 1\n=======\n *size: 3\n>>>>>>> theirs\n", text)
