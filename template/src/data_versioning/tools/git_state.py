"""The state of the repository as git tells it: references, sizes, locks, hooks; see also `git`."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from data_versioning.health.processes import git_works_in
from data_versioning.tools import git, git_history

LOCKS = ("index.lock", "HEAD.lock", "config.lock", "packed-refs.lock")


def trees(root: Path) -> dict[str, str]:
    """Return the tree of every branch, the remotes' ones too, of every tag and of `HEAD`."""
    form = "--format=%(if)%(*tree)%(then)%(*tree)%(else)%(tree)%(end) %(refname:short)"
    listed = git.run(root, ["for-each-ref", form, "refs/heads", "refs/tags", "refs/remotes"])
    found = {}
    for line in listed.decode(errors="surrogateescape").splitlines():
        tree, _, name = line.partition(" ")
        if tree:  # a tag can name something else than a commit
            found[name] = tree
    if git.head(root) and not git.branch(root):
        found["HEAD"] = git.run(root, ["rev-parse", "HEAD^{tree}"]).decode().strip()
    return found


def tree_files(root: Path, tree: str) -> list[tuple[str, str, int]]:
    """Return path, blob and size in bytes, 0 if git lacks it, of the study's files in a tree."""
    found = []
    for entry in _names(git.run(root, ["ls-tree", "-r", "-l", "-z", tree])):
        facts, _, path = entry.partition("\t")
        _, kind, blob, size = facts.split()
        if kind == "blob":
            found.append((path, blob, int(size) if size.isdecimal() else 0))  # `BAD`
    return found


def last_tag(root: Path) -> str:
    """Return the last tag in the history of the current commit, and how many commits ago it was.

    Such as `v0.1.0`, or `v0.1.0 (3 commits ago)`; empty if there is none.
    """
    asked = ["git", "describe", "--tags", "--long", "HEAD"]
    done = subprocess.run(asked, cwd=root, capture_output=True, text=True, check=False)
    name, ago = [*done.stdout.strip().rsplit("-", 2), "", ""][:2]
    return f"{name} ({ago} commits ago)" if ago not in ("", "0") else name


def files(root: Path, patterns: Iterable[str]) -> list[str]:
    """Return the files that match some patterns of git's, untracked ones too, ignored ones not."""
    asked = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"]
    return _names(git.run(root, [*asked, "--", *patterns]))


def changed(root: Path, patterns: Iterable[str]) -> list[str]:
    """Return the files that match some patterns and differ from the commit, untracked ones too."""
    asked = ["status", "--porcelain", "-z", "--no-renames", "--untracked-files=all"]
    listed = _names(git.run(root, [*asked, "--", *patterns]))
    prefix = os.fsdecode(git.run(root, ["rev-parse", "--show-prefix"])).rstrip("\n")
    return [entry[3:].removeprefix(prefix) for entry in listed]


def changed_between(root: Path, old: str, new: str) -> list[str]:
    """Return the paths that differ between two commits, relative to the study."""
    asked = ["diff", "--name-only", "-z", "--no-renames", "--relative", old, new, "--"]
    return _names(git.run(root, asked))


def older(root: Path, paths: Iterable[str]) -> list[str]:
    """Return those of some changed files that are as an earlier commit holds them."""
    asked = [path for path in paths if (root / path).is_file()]
    if not asked or git.head(root) is None:
        return []
    here = git.run(root, ["hash-object", "--", *asked]).decode().split()
    literal = [f":(literal){path}" for path in asked]
    held = {
        (change.path, blob)
        for commit in git_history.log(root, literal, ["HEAD"])
        for change in commit.changes
        for blob in (change.after, *change.before)
    }
    return [path for path, blob in zip(asked, here, strict=True) if (path, blob) in held]


def conflicted(root: Path) -> list[str]:
    """Return the tracked text files that hold the markers of a conflict."""
    markers = r"^(<<<<<<<|>>>>>>>|\|\|\|\|\|\|\|)( |$)"
    asked = ["git", "grep", "-l", "-z", "-I", "-E", "-e", markers, "--", "."]
    done = subprocess.run(asked, cwd=root, capture_output=True, check=False)  # 1: there is none
    return _names(done.stdout)


def unmerged(root: Path) -> list[str]:
    """Return the files that a merge, rebase or the like left to decide on."""
    asked = ["diff", "--name-only", "-z", "--diff-filter=U", "--relative"]
    return _names(git.run(root, asked))


def large_past_files(root: Path, limit: int, without: Iterable[str]) -> list[tuple[str, int]]:
    """Return path and size of large blobs of the history.

    Args:
        root: The study.
        limit: The size in bytes from which a blob is large.
        without: Blobs that do not count.
    """
    asked = ["cat-file", "--batch-all-objects", "--unordered", "--buffer"]
    form = "--batch-check=%(objecttype) %(objectname) %(objectsize)"
    large = {}
    for line in git.run(root, [*asked, form]).decode().splitlines():
        kind, name, size = line.split()
        if kind == "blob" and int(size) >= limit:
            large[name] = int(size)
    for name in without:
        large.pop(name, None)
    if not large:  # naming them is what takes time
        return []
    objects = git.run(root, ["rev-list", "--objects", "--all"])
    lines = objects.decode(errors="surrogateescape").splitlines()
    named = (line.partition(" ") for line in lines)
    return [(path, large[name]) for name, _, path in named if name in large and path]


def unknown_commits(root: Path, commits: Iterable[str]) -> set[str]:
    """Return those of some commits that the repository does not have."""
    asked = sorted(set(commits))
    given = "".join(f"{commit}^{{commit}}\n" for commit in asked).encode()
    lines = git.run(root, ["cat-file", "--batch-check=%(objectname)"], given).splitlines()
    return {commit for commit, line in zip(asked, lines, strict=True) if line.endswith(b"missing")}


def is_shallow(root: Path) -> bool:
    """Tell whether the repository lacks the older part of its history."""
    return git.run(root, ["rev-parse", "--is-shallow-repository"]).strip() == b"true"


def remote_urls(root: Path) -> dict[str, str]:
    """Return the address of each remote of git, as it is configured."""
    asked = ["git", "config", "--null", "--get-regexp", r"^remote\..*\.url$"]
    done = subprocess.run(asked, cwd=root, capture_output=True, check=False)  # 1: there is none
    pairs = (entry.partition("\n") for entry in _names(done.stdout))
    return {key.removeprefix("remote.").removesuffix(".url"): url for key, _, url in pairs}


def folder(root: Path, name: str) -> Path:
    """Return where git keeps something of its own, such as `hooks/pre-commit`."""
    found = git.run(root, ["rev-parse", "--git-path", name])
    return root / os.fsdecode(found).rstrip("\n")


def stale_locks(root: Path) -> list[Path]:
    """Return the locks that git processes left behind when they were killed."""
    found = [path for path in (folder(root, name) for name in LOCKS) if path.exists()]
    return [] if found and git_works_in(git.toplevel(root) or root) else found


def _names(listed: bytes) -> list[str]:
    return [name for name in os.fsdecode(listed).split("\0") if name]
