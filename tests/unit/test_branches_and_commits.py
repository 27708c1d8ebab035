"""Names of branches, messages of commits, and what commitizen makes of the history."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from data_versioning import cli
from data_versioning.command import capture
from data_versioning.errors import StudyError
from data_versioning.study import Study
from data_versioning.workflow.branches import check_name
from data_versioning.workflow.commits import bad_commits

from tests.conftest import ROOT, git

PHASES = """\
phases:
  - name: problem-formulation
    version: 0.1.0
  - name: analysis
    version: 1.0.0
    suffix: analysis-complete
"""
# As GitHub checks out a pull request: the merge it would make, and no branch.
REQUEST = {
    "GITHUB_HEAD_REF": "feature/x",
    "GITHUB_BASE_REF": "main",
    "GITHUB_REF_NAME": "7/merge",
    "GITHUB_REF_TYPE": "branch",
}


@pytest.fixture
def root(study: Study, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study with phases and a convention, outside of CI."""
    for name in (*REQUEST, "CI_COMMIT_BRANCH", "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME"):
        monkeypatch.delenv(name, raising=False)
    shutil.copy(ROOT / "template/.cz.toml", study.root)
    with (study.root / "study.yaml").open("a") as settings:
        settings.write(PHASES)
    commit(study.root, "chore: begin")
    return study.root


def commit(root: Path, message: str) -> str:
    """Commit everything, if only the message."""
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(root, "rev-parse", "HEAD").strip()


def branch(root: Path, name: str) -> None:
    """Begin a branch."""
    git(root, "switch", "--quiet", "--create", name)


def check(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Call `check-history`; returns status, output and errors."""
    capfd.readouterr()
    status = cli.main(["check-history", *arguments])
    return status, *capfd.readouterr()


@pytest.mark.parametrize(
    "name",
    [
        "main", "phase/analysis", "feature/wave-2", "feature/ada/wave_2", "fix/Typo.1", "docs/éa",
        "dependabot/npm_and_yarn/x-1.0", "renovate/x", "gh-readonly-queue/main/pr-7-1a2b",
        "pre-commit-ci-update-config", "copier/update", "template/v1.2.0",
    ],
)  # fmt: skip
def test_names_that_say_what_a_branch_is_for(root: Path, name: str) -> None:
    """Ours pass, and those of programs."""
    check_name(Study(root), name)


@pytest.mark.parametrize(
    ("name", "what", "mend"),
    [
        (
            "stuff",
            "one of main, phase/<name>, feature/<topic>",
            "git branch -m stuff feature/stuff",
        ),
        ("feat/x", "feature/<topic>, fix/<topic>, docs/<topic>", "git branch -m feat/x feature/x"),
        ("master", "one of main", "git branch -m master feature/master"),
        ("mains", "one of main", "git branch -m mains feature/mains"),
        ("fix/", "fix/<topic>", "git branch -m fix/ fix/topic"),
        ("fix/a;b", "fix/<topic>", "git branch -m 'fix/a;b' fix/a-b"),
        ("$(rm -rf .)", "one of", "git branch -m '$(rm -rf .)' feature/rm--rf"),
        ("phase/analsis", "it has problem-formulation, analysis", "phase/analsis phase/analysis"),
        ("phase/x y", "no phase 'x y'", "git branch -m 'phase/x y' feature/x-y"),
    ],
)
def test_other_names_are_refused_with_the_command_that_renames(
    root: Path, name: str, what: str, mend: str
) -> None:
    """The message names what is allowed; a name never reaches a shell as anything else."""
    with pytest.raises(StudyError) as refused:
        check_name(Study(root), name)
    assert what in str(refused.value)
    assert str(refused.value).endswith(f": {name}")
    assert refused.value.mend.endswith(mend)


def test_every_commit_of_a_range_is_checked_as_the_hook_checks_one(root: Path) -> None:
    """For every message the verdict is that of `cz check`, but for a fixup, which is to go."""
    messages = {
        "feat(analysis): ridge": "",
        "data!: wave 2\n\nwith a body\n\n- and more": "",
        "docs: two\nlines": "no empty line below the first one",
        "did things": "not like: data(collection): add wave 2 participants",
        "style: tidy": "not like: data(collection): add wave 2 participants",
        'Revert "feat(analysis): ridge"\n\nThis reverts commit 1.': "",
        "Reverted it": "not like: data(collection): add wave 2 participants",
        "Merge branch 'x'": "",
        "fixup! feat(analysis): ridge": "it was made to be squashed",
        "squash! feat(analysis): ridge": "it was made to be squashed",
        "\x1b[31mfeat: red": "not like: data(collection): add wave 2 participants",
    }
    start = git(root, "rev-parse", "HEAD").strip()
    made = {commit(root, message): message for message in messages}
    found = {one.commit: one for one in bad_commits(root, [f"{start}..HEAD"])}
    for sha, message in made.items():
        assert (found[sha].why if sha in found else "") == messages[message]
        asked = ["cz", "check", "--message", message]
        hook = subprocess.run(asked, cwd=root, capture_output=True, check=False)
        provisional = message.startswith(("fixup!", "squash!"))
        assert (hook.returncode == 0) == (sha not in found or provisional), message
    assert [one.subject for one in bad_commits(root, ["HEAD", f"^{start}"])][:1] == [
        "\x1b[31mfeat: red"
    ]


def test_a_merge_is_no_commit_of_ours_whatever_it_says(root: Path) -> None:
    """GitLab and people word merges as they like; what was merged is checked."""
    branch(root, "feature/x")
    bad = commit(root, "side")
    git(root, "switch", "--quiet", "main")
    git(root, "merge", "--quiet", "--no-ff", "-m", "whatever", "feature/x")
    assert [one.commit for one in bad_commits(root, ["HEAD~1..HEAD"])] == [bad]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, "file is missing: .cz.toml"),
        ("[tool.commitizen", "not commitizen's settings"),
        ("[tool.commitizen]\n", "'customize' is missing: .cz.toml"),
        ('[tool.commitizen]\nallowed_prefixes=[]\n[tool.commitizen.customize]\nschema_pattern="("\n',
         "not commitizen's settings"),
    ],
)  # fmt: skip
def test_a_broken_convention_is_named(
    root: Path, capfd: pytest.CaptureFixture[str], content: str | None, what: str
) -> None:
    """No message is called good or bad by a rule that cannot be read."""
    (root / ".cz.toml").unlink()
    if content is not None:
        (root / ".cz.toml").write_text(content)
    status, _, errors = check(capfd)
    assert (status, errors.splitlines()[-1]) == (1, "try: git checkout -- .cz.toml")
    assert what in errors


def test_a_branch_is_checked_from_main_on(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The base is `main`; a bad message is named with what mends it."""
    branch(root, "feature/x")
    commit(root, "feat: good")
    assert check(capfd)[:2] == (
        0,
        "branch feature/x: a good name\n1 commit since main: all messages follow the convention\n",
    )
    bad = commit(root, "stuff \x1b[31m")
    status, said, _ = check(capfd)
    assert status == 1
    assert said.endswith(
        "1 of 2 commits since main does not follow the convention:\n"
        f"{bad[:10]}  'stuff \\x1b[31m': not like: data(collection): add wave 2 participants\n"
        "try: git commit --amend\n"
    )
    commit(root, "fixup! feat: good")
    assert check(capfd)[1].endswith(
        "note: make `pick` a `reword` before each of them\n"
        "try: git rebase --interactive --rebase-merges --autosquash main\n"
    )
    assert check(capfd, "--base", "HEAD")[0] == 0
    assert check(capfd, "--json")[1].count('"why"') == 2


def test_refusals_of_the_check(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A bad name, an unknown base, and nothing to compare with."""
    status, _, errors = check(capfd, "--base", "nowhere")
    assert (status, errors) == (
        1,
        "error: no such revision: nowhere\ntry: git tag; git log --oneline\n",
    )
    git(root, "branch", "-m", "topic")
    assert check(capfd)[2].endswith("try: git branch -m topic feature/topic\n")
    git(root, "branch", "-m", "feature/topic")
    assert check(capfd)[2].splitlines() == [
        "error: nothing to compare with: this clone has neither origin/main nor main: " + str(root),
        "try: git fetch origin main:refs/remotes/origin/main",
    ]


def test_main_is_checked_from_the_last_phase_on(
    root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Before the first phase, from the commit on that brought the convention."""
    begin = git(root, "rev-parse", "HEAD")[:10]
    commit(root, "stuff")
    bad = f"1 of 1 commit since {begin} does not follow"  # not "start", which is older
    assert bad in check(capfd)[1]
    for name in ("people-v1.0.0", "v9.9.9-anything", "v0.9.0-problem-formulation"):
        git(root, "tag", "--annotate", "--message", "by hand", name)
    assert bad in check(capfd)[1]  # none of them says that a phase is complete
    assert cli.main(["phase", "complete", "problem-formulation", "--override", "it is"]) == 0
    commit(root, "feat: good")
    git(root, "tag", "--annotate", "--message", "x", "people-v1.1.0")
    assert "1 commit since v0.1.0-problem-formulation: all" in check(capfd)[1]


def test_a_public_commit_of_main_is_not_to_be_rewritten(
    root: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """What `origin/main` has stays; the phase is completed with a reason instead."""
    commit(root, "stuff")
    commit(root, "feat: good")
    assert "try: git rebase --interactive " in check(capfd)[1]
    git(root, "init", "--quiet", "--bare", str(tmp_path / "origin.git"))
    git(root, "remote", "add", "origin", str(tmp_path / "origin.git"))
    git(root, "push", "--quiet", "origin", "main")
    assert check(capfd)[1].endswith(
        "note: what is public stays, and its phase is completed with a reason\n"
        "try: make phase-complete PHASE=<name> OVERRIDE=<reason>\n"
    )


def clone(root: Path, to: Path, *options: str) -> None:
    """Clone as CI does, with all the history or without."""
    git(to.parent, "clone", "--quiet", *options, root.as_uri(), str(to))


def test_a_request_is_checked_as_ci_checks_it_out(
    root: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """GitHub's merge of branch and base, with no branch; that of a fork can be called `main`."""
    branch(root, "feature/x")
    commit(root, "feat: good")
    git(root, "switch", "--quiet", "main")
    commit(root, "feat: elsewhere")
    there = tmp_path / "clone"
    clone(root, there)
    git(there, "switch", "--quiet", "--detach")
    git(there, "merge", "--quiet", "-m", "Merge 1a into 2b", "origin/feature/x")
    monkeypatch.chdir(there)
    for name, value in REQUEST.items():
        monkeypatch.setenv(name, value)
    good = "1 commit since origin/main: all messages follow the convention\n"
    assert check(capfd)[:2] == (0, f"branch feature/x: a good name\n{good}")
    monkeypatch.setenv("GITHUB_HEAD_REF", "main")
    assert check(capfd)[:2] == (0, f"branch main: a good name\n{good}")
    monkeypatch.setenv("GITHUB_HEAD_REF", "patch-1")
    assert check(capfd)[2].endswith("try: git branch -m patch-1 feature/patch-1\n")


def test_gitlab_has_no_other_branch(
    root: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a merge request it knows the commit where it began; of a branch, how to fetch main."""
    branch(root, "feature/x")
    commit(root, "feat: good")
    there = tmp_path / "clone"
    clone(root, there, "--single-branch", "--branch=feature/x")
    git(there, "switch", "--quiet", "--detach")
    git(there, "branch", "--quiet", "-D", "feature/x")
    monkeypatch.chdir(there)
    monkeypatch.setenv("CI_COMMIT_BRANCH", "feature/x")
    assert "try: git fetch origin main:refs/remotes/origin/main" in check(capfd)[2]
    monkeypatch.delenv("CI_COMMIT_BRANCH")
    monkeypatch.setenv("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "feature/x")
    monkeypatch.setenv("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main")
    monkeypatch.setenv("CI_MERGE_REQUEST_DIFF_BASE_SHA", git(root, "rev-parse", "main").strip())
    status, said, _ = check(capfd)
    assert (status, said.splitlines()[0]) == (0, "branch feature/x: a good name")
    assert said.splitlines()[1].startswith("1 commit since ")


def test_a_shallow_clone_does_not_guess(
    root: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the base or the last phase is too far back, it says so, and what fetches it."""
    commit(root, "stuff")
    branch(root, "feature/x")
    commit(root, "feat: good")
    commit(root, "feat: better")
    there = tmp_path / "clone"
    clone(root, there, "--depth=1", "--no-single-branch")
    monkeypatch.chdir(there)
    status, _, errors = check(capfd)
    assert (status, errors) == (
        1,
        "error: the clone is too shallow to tell which commits are new: since origin/main\n"
        "try: git fetch --unshallow\n",
    )
    git(there, "switch", "--quiet", "main")
    assert check(capfd)[2] == (
        f"error: a shallow clone: older commits are not here: {there}\n"
        "try: git fetch --unshallow --tags\n"
    )
    git(there, "fetch", "--quiet", "--unshallow")
    assert "1 of 1 commit" in check(capfd)[1]


def test_a_tag_has_no_branch(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A tag's checkout is detached; its commits are checked all the same."""
    git(root, "switch", "--quiet", "--detach")
    commit(root, "stuff")
    assert check(capfd)[:1] == (1,)
    assert check(capfd)[1].startswith("no branch to check\n1 of 1 commit")


def test_commitizen_tells_version_and_changes_by_phases(root: Path) -> None:
    """Tags of data sets and models are no versions; `data:` has a section; `cz bump` is refused."""
    assert capture(["cz", "version", "--project"], root).strip() == "0.0.0"
    commit(root, "docs(question): state it")
    git(root, "tag", "--annotate", "--message", "x", "v0.1.0-problem-formulation")
    commit(root, "data(collection): add wave 1")
    for name in ("people-v9.0.0", "model@v9.0.0", "model@v9.0.0!", "model#prod#1"):
        git(root, "tag", "--annotate", "--message", "x", name)
    commit(root, "feat(analysis)!: ridge")
    commit(root, "test: more of them")
    git(root, "tag", "--annotate", "--message", "x", "v1.0.1-analysis-complete")
    commit(root, "fix: a typo")
    assert capture(["cz", "version", "--project"], root).strip() == "1.0.1"

    done = subprocess.run(["cz", "changelog"], cwd=root, capture_output=True, text=True, check=True)
    assert done.stderr == ""  # nothing about tags it does not know
    text = (root / "CHANGELOG.md").read_text()
    day = git(root, "log", "-1", "--format=%cs").strip()
    assert text == (
        "## Unreleased\n\n### Fixes\n\n- a typo\n\n"
        f"## v1.0.1-analysis-complete ({day})\n\n"
        "### Data\n\n- **collection**: add wave 1\n\n"
        "### Analyses and features\n\n- **analysis**: ridge\n\n"
        f"## v0.1.0-problem-formulation ({day})\n\n"
        "### Documents\n\n- **question**: state it\n"
    )
    before = git(root, "tag")
    bump = subprocess.run(
        ["cz", "bump", "--yes"], cwd=root, capture_output=True, text=True, check=False
    )
    assert bump.returncode != 0
    assert "try: make phase-complete PHASE=<name>\n" in bump.stderr
    assert git(root, "tag") == before
