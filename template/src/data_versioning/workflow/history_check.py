"""The name of a branch and the messages of its commits, as CI asks for them."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from data_versioning.errors import StudyError
from data_versioning.phases.phase_tags import held
from data_versioning.study import Study
from data_versioning.tools import git, git_history
from data_versioning.wording import advice, counted
from data_versioning.workflow import branches, commits
from data_versioning.workflow.commits import BadCommit

# As GitHub and GitLab call it; of a request the branch it comes from, not the merge they try.
# https://docs.github.com/en/actions/reference/workflows-and-actions/variables
# https://docs.gitlab.com/ci/variables/predefined_variables/
CI_BRANCH = ("GITHUB_HEAD_REF", "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "CI_COMMIT_BRANCH")
CI_TARGET = ("GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME")


@dataclass(frozen=True)
class HistoryCheck:
    """What the check looked at; true when nothing is wrong with it.

    Args:
        branch: The branch; empty where none is checked out, as for a tag.
        base: What the commits were counted from; empty for the whole history.
        commits: How many there are, merges not counted.
        bad: Those whose message does not follow the convention, newest first.
        mend: The command that mends them.
        note: What to know about it.
    """

    branch: str
    base: str
    commits: int
    bad: tuple[BadCommit, ...] = ()
    mend: str = ""
    note: str = ""

    def __bool__(self) -> bool:
        """Tell whether all messages follow the convention."""
        return not self.bad


def check_history(study: Study, base: str | None = None) -> HistoryCheck:
    """Check the branch's name and the messages of its commits.

    Args:
        study: The study.
        base: Where the commits begin. When not given, what the branch is to be merged into; on
            `main` itself, the last phase's tag.

    Raises:
        StudyError: The branch has no allowed name, there is no such base, or the clone is too
            shallow to tell.
    """
    root = study.root
    if git.head(root) is None:
        raise StudyError("no commit yet", str(root), "make setup")
    branch = git.branch(root) or ci_branch()
    if branch:
        branches.check_name(study, branch)
    if base := base or _base(root, branch):
        found = commits.judge(root, "HEAD", base, [_connected(root, base)])
    else:
        found = commits.judge_since_phase(root, "HEAD", held(root))
    facts = (branch, found.since, found.count, found.bad)
    return HistoryCheck(*facts, *(mend(root, found.since, found.bad) if found.bad else ()))


def ci_branch() -> str:
    """Return the branch that CI checked out as a mere commit; empty for a tag and outside of CI."""
    names = list(CI_BRANCH)
    if os.environ.get("GITHUB_REF_TYPE") == "branch":  # that of a request is called `7/merge`
        names.append("GITHUB_REF_NAME")
    return next(filter(None, map(os.environ.get, names)), "")


def _base(root: Path, branch: str) -> str:
    """Return what the branch is to be merged into; empty for `main`, and where there is none."""
    target = next(filter(None, map(os.environ.get, CI_TARGET)), "")
    if not target and branch in ("", branches.MAIN):
        return ""
    target = target or branches.MAIN
    # GitLab fetches no other branch, but the commit that the request began at.
    began = os.environ.get("CI_MERGE_REQUEST_DIFF_BASE_SHA", "")
    for candidate in filter(None, (f"origin/{target}", target, began)):
        with suppress(StudyError):
            git.resolve(root, candidate)
            return candidate
    deeper = " --unshallow" if git_history.is_shallow(root) else ""
    ref = shlex.quote(f"{target}:refs/remotes/origin/{target}")
    what = f"nothing to compare with: this clone has neither origin/{target} nor {target}"
    raise StudyError(what, str(root), f"git fetch{deeper} origin {ref}")


def _connected(root: Path, base: str) -> str:
    commit = git.resolve(root, base)
    if not git_history.common_ancestor(root, commit, "HEAD") and git_history.is_shallow(root):
        what = "the clone is too shallow to tell which commits are new"
        raise StudyError(what, f"since {base}", "git fetch --unshallow")
    return commit


def mend(root: Path, base: str, bad: Sequence[BadCommit]) -> tuple[str, str]:
    """Return the command that mends messages, and what to know about it.

    Args:
        root: The study.
        base: What the commits were counted from; empty for the whole history.
        bad: The commits, newest first.
    """
    last, main = bad[-1].commit, f"origin/{branches.MAIN}"
    if git_history.common_ancestor(root, last, main) == last:
        command = "make phase-complete PHASE=<name> OVERRIDE=<reason>"
        return command, "what is public stays, and its phase is completed with a reason"
    if [one.commit for one in bad] == [git.head(root)]:
        return "git commit --amend", ""
    squash = " --autosquash" if any(one.why == commits.SQUASH for one in bad) else ""
    since = shlex.quote(base) if base else "--root"
    command = f"git rebase --interactive --rebase-merges{squash} {since}"
    return command, "make `pick` a `reword` before each of them"


def as_text(found: HistoryCheck) -> str:
    """Return the result for people."""
    branch = f"branch {found.branch}: a good name\n" if found.branch else "no branch to check\n"
    base = found.base[:10] if re.fullmatch("[0-9a-f]{40}", found.base) else found.base
    since = f" since {base}" if base else ""
    if found:
        count = counted(found.commits, "commit")
        return f"{branch}{count}{since}: all messages follow the convention"
    lines = [f"{one.commit[:10]}  {one.subject!r}: {one.why}" for one in found.bad]
    of = f"{len(lines)} of {counted(found.commits, 'commit')}{since}"
    verdict = f"{of} {'does' if len(lines) == 1 else 'do'} not follow the convention:"
    notes = [f"note: {found.note}"] if found.note else []
    return "\n".join([f"{branch}{verdict}", *lines, *notes, advice(found.mend)])
