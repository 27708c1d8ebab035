"""The gate `clean`: the files of git, and the data of DVC, are as they were committed."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from pathlib import Path

from data_versioning.phases.findings import Verdict
from data_versioning.phases.plan import Phase
from data_versioning.study import Study
from data_versioning.tools import dvc_files, git, git_branches, git_state
from data_versioning.wording import listed
from data_versioning.workflow.branches import MAIN

COMMIT = "git add --all && git commit"
UNDERWAY = {
    "MERGE_HEAD": "merge",
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
}


def clean(study: Study, _: Phase | None = None) -> Verdict:
    """Judge whether anything on disk is not what the commit has on record."""
    root = study.root
    if found := uncommitted(study):
        return found
    if dvc_files.outputs(root):  # without any, DVC need not be started
        from data_versioning.reproduction import freshness

        # What stages made is asked, too: not every phase has the gate `pipeline`.
        pipeline = freshness.check(study)
        if differing := pipeline.differing:
            what = f"tracked data was changed: {listed(differing)}"
            return False, what, f"dvc add -- {shlex.join(differing)}"
        made = [out for one in pipeline.facts.values() if one["is_stage"] for out in one["outs"]]
        if edited := [out["path"] for out in made if out["cached"] and out["here"] == "modified"]:
            what = f"changed, but not by its stage: {listed(edited)} (make repro replaces it)"
            return False, what, "make repro"
    return True, f"nothing uncommitted at {git.resolve(root, 'HEAD')[:8]}", ""


def uncommitted(study: Study) -> Verdict | None:
    """Return what of the files of git is not as the commit has it; None if all are."""
    root = study.root
    for name, work in UNDERWAY.items():
        if git_state.folder(root, name).exists():
            what = f"in the middle of a {work} (git {work} --abort takes it back)"
            return False, what, f"git {work} --continue"
    if changed := git_state.changed(root, ["."]):
        what = f"{len(changed)} not committed: {listed(sorted(changed))}"
        if data := _data_of_main(root, changed):
            return False, f"{what}; on {MAIN}, DVC keeps {listed(data)}", f"git merge {MAIN}"
        return False, what, COMMIT
    if hidden := _hidden(root):
        flag = "skip-worktree" if hidden[0][0] == "S" else "assume-unchanged"
        names = [path for _, path in hidden]
        mend = f"git update-index --no-{flag} -- {shlex.quote(names[0])}"
        return False, f"git was told not to look at {listed(names)}", mend
    return None


def _hidden(root: Path) -> list[tuple[str, str]]:
    """Return the files whose changes git does not show, each with its tag in `git ls-files -v`."""
    entries = os.fsdecode(git.run(root, ["ls-files", "-v", "-z"])).split("\0")
    return [(entry[0], entry[2:]) for entry in entries if entry[:1] == "S" or entry[:1].islower()]


def _data_of_main(root: Path, changed: Iterable[str]) -> list[str]:
    """Return the files that DVC keeps on main, and that nothing ignores before that is merged."""
    if not git_branches.missing_commits(root, MAIN):
        return []
    kept = dvc_files.outputs(root, MAIN)
    return [
        path
        for path in sorted(changed)
        if any(path == one or path.startswith(f"{one}/") for one in kept)
        and git.file_at(root, MAIN, path) is None
    ]
