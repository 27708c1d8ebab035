"""Branches, as git's command line makes and switches them; see also `git`."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from data_versioning.errors import StudyError
from data_versioning.tools import git


def exists(root: Path, branch: str) -> bool:
    """Tell whether there is a branch of this name here, or in a remote as last fetched."""
    return _is_ref(root, f"refs/heads/{branch}", f"refs/remotes/*/{branch}")


def switch(root: Path, branch: str, make: bool) -> None:
    """Switch to a branch; what is not committed comes along.

    Args:
        root: The study.
        branch: The branch. One that only a remote has gets a local one that tracks it.
        make: Make it, from the current commit.

    Raises:
        StudyError: Git refuses; carries its reason, and the files that are in the way.
    """
    done = subprocess.run(
        ["git", "switch", "--quiet", *(["--create"] if make else ["--guess"]), branch],
        cwd=root, env={**os.environ, "LC_ALL": "C"}, capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode == 0:
        return
    lines = os.fsdecode(done.stderr).splitlines()
    reason = next((line for line in lines if line.startswith(("error: ", "fatal: "))), "unknown")
    files = ", ".join(line.strip() for line in lines if line.startswith("\t"))
    what = f"git does not switch ({reason.partition(': ')[2].rstrip(':')})"
    mend = "git add --all && make commit" if files else "git status"
    raise StudyError(what, files or branch, mend)


def missing_commits(root: Path, branch: str) -> int:
    """Return how many commits of a local branch the current one lacks; 0 if there is none such."""
    if not _is_ref(root, ref := f"refs/heads/{branch}"):
        return 0
    return int(git.run(root, ["rev-list", "--count", f"HEAD..{ref}", "--"]))


def outside(root: Path, branch: str, commits: Iterable[str]) -> set[str]:
    """Return those of some commits that a branch lacks, here and in a remote as last fetched.

    Args:
        root: The study.
        branch: The branch; where there is none such, no commit is outside.
        commits: The commits, which are all here.
    """
    asked = ["for-each-ref", "--format=^%(refname)", f"refs/heads/{branch}"]
    refs = git.run(root, [*asked, f"refs/remotes/*/{branch}"]).decode().split()
    given = list(commits)
    if not (refs and given):
        return set()
    listed = git.run(root, ["rev-list", *given, *refs, "--"]).decode().split()
    return set(listed).intersection(given)


def _is_ref(root: Path, *patterns: str) -> bool:
    return bool(git.run(root, ["for-each-ref", "--count=1", "--format=%(refname)", *patterns]))
