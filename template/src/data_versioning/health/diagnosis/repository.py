"""Is what git keeps small, whole and free of secrets."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from data_versioning.experiments.store import shown
from data_versioning.health.diagnosis.findings import Case, Finding
from data_versioning.phases.phase_tags import phase_tags
from data_versioning.study import mend_of_conflict
from data_versioning.tools import dvc_files, dvc_state, git, git_branches, git_state
from data_versioning.workflow.branches import MAIN

_SECRET = re.compile(
    r".*(PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|ACCOUNT_KEY|STORAGE_KEY|CONNECTION_STRING).*", re.I
)
_IN_URL = re.compile(r"://([^/@\s]*:(?!\d+/)[^@\s]+|[^/@\s:]{20,})@")
_LOCKS = re.compile(r"(?:.*/)?(uv\.lock|dvc\.lock|.*\.dvc)")  # no data, however large
CHANGE = "then change it where it was made: the history keeps this one"


def repository(case: Case) -> Iterator[Finding]:
    """Look for a repository, a commit and locks that killed processes left."""
    root = case.study.root
    if not case.in_git:
        yield Finding("DV401", str(root), "make setup")
        return
    if not case.is_committed:
        yield Finding("DV402", str(root), "git add --all . && git commit")
    for path in git_state.stale_locks(root):
        shown_path = os.path.relpath(path, root)
        yield Finding("DV403", shown_path, f"rm {shlex.quote(shown_path)}")


def conflicts(case: Case) -> Iterator[Finding]:
    """Look for what merges and template updates left to do."""
    if not case.in_git:
        return
    paths = git_state.conflicted(case.study.root)
    for path in paths:
        mend = mend_of_conflict(path)
        if Path(path).name == dvc_files.LOCK:
            if git_state.folder(case.study.root, "MERGE_HEAD").exists():
                mend += " && git add --all && git commit --no-edit; or: git merge --abort"
            where = f"{path} (mend the others first)" if len(paths) > 1 else path
            yield Finding("DV404", where, mend)
        else:
            yield Finding("DV404", path, mend)
    for path in git_state.files(case.study.root, ["*.rej"]):
        if (case.study.root / path).exists():
            name = shlex.quote(path)
            yield Finding(
                "DV405", path, f"$EDITOR {name}, do what it says by hand, then: rm {name}"
            )


def phase_tags_outside_main(case: Case) -> Iterator[Finding]:
    """Look for tags of phases that a rebase or an unmerged branch left outside main."""
    if not case.is_committed:
        return
    tags = phase_tags(case.study.root)
    outside = git_branches.outside(case.study.root, MAIN, [tag.commit for tag in tags])
    for tag in tags:
        if tag.commit in outside:
            mend = f"git switch {MAIN} && git merge --no-ff --no-edit {tag.name}"
            yield Finding("DV408", tag.name, mend)


def large_files(case: Case) -> Iterator[Finding]:
    """Look for large files in the current commit, and in the history."""
    if not case.is_committed:
        return
    root, limit = case.study.root, case.study.large_file_bytes
    files = git_state.tree_files(root, "HEAD")
    for path, _, size in files:
        if size >= limit and not _LOCKS.fullmatch(path):
            name = shlex.quote(path)
            mend = f"git rm --cached -- {name} && dvc add -- {name} && git commit -m 'data: to DVC'"
            yield Finding("DV406", f"{path} ({size / 1024**2:.3g} MB)", mend)
    past = git_state.large_past_files(root, limit, [blob for _, blob, _ in files])
    for path, size in past:
        if not _LOCKS.fullmatch(path):
            yield Finding("DV407", f"{path} ({size / 1024**2:.3g} MB)")


def secrets(case: Case) -> Iterator[Finding]:
    """Look for passwords, tokens and keys in the configuration that git keeps."""
    root = case.study.root
    if not case.in_git:
        return
    if case.has_dvc and git.is_tracked(root, dvc_state.CONFIG):
        for remote, key in dvc_state.open_secrets(root):
            name = shlex.quote(remote)
            mend = f"dvc remote modify --local {name} {key} <value>"
            if key != "url":
                mend = f"dvc remote modify --unset {name} {key} && {mend}"
            yield Finding(
                "DV411", f"{dvc_state.CONFIG}: remote {remote}: {key}", f"{mend}; {CHANGE}"
            )
    if git.is_tracked(root, ".env"):
        yield Finding("DV411", ".env", f"git rm --cached -- .env && git commit; {CHANGE}")
    from dotenv import dotenv_values

    for path in git.tracked_files(root, "profiles/*.env"):
        if not (root / path).is_file():
            continue
        for key, value in dotenv_values(root / path, interpolate=False).items():
            if value and (_SECRET.fullmatch(key) or _IN_URL.search(value)):
                yield Finding("DV411", f"{path}: {key}", f"move the line to .env; {CHANGE}")
    for name, url in git_state.remote_urls(root).items():
        if _IN_URL.search(url):
            mend = shlex.join(["git", "remote", "set-url", name, shown(url)])
            yield Finding("DV412", f"{name}: {shown(url)}", mend)


CHECKS = [conflicts, phase_tags_outside_main, large_files, secrets]
