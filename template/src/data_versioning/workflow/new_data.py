"""What a push to git refers to in DVC's storage, and what of it is not there."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from data_versioning.data import remotes
from data_versioning.errors import StudyError
from data_versioning.health.push_status import SEND, Unpushed, status_of
from data_versioning.health.references import Reference, added_references, committed
from data_versioning.study import Study
from data_versioning.tools import git, git_history, git_state
from data_versioning.wording import listed
from data_versioning.workflow.branches import MAIN

HEADS = "refs/heads/"
EARLIER = "earlier commits"


def new_references(
    study: Study, remote: str, tips: Mapping[str, str], replaced: Mapping[str, str]
) -> dict[Reference, list[str]]:
    """Return the data that a push refers to, and the git remote's commits so far do not.

    Args:
        study: The study.
        remote: The name of git's remote.
        tips: The branches and tags that are pushed, as `refs/heads/main`, and the commit of each.
        replaced: Those that the remote has so far, and the commit of each.

    Raises:
        StudyError: A file of DVC's that is pushed cannot be read.
    """
    root = study.root
    lost = git_state.unknown_commits(root, [*tips.values(), *replaced.values()])
    tips = {ref: tip for ref, tip in tips.items() if tip not in lost}  # or a tag of no commit
    if not tips:
        return {}
    tracked = _tracked(root, remote)
    if any(ref in tracked and ref not in replaced for ref in tips):
        tracked = {}  # the remote is another one now, or was emptied
    there = set(replaced.values()) - lost
    wanted = committed(root, tips)
    for one in added_references(root, tips, there | set(tracked.values())):
        wanted.setdefault(one, [EARLIER])
    if not wanted:
        return {}
    known = there | {tip for ref, tip in tracked.items() if ref == HEADS + MAIN}
    # With other settings of DVC, what was in a remote so far is not where it is looked for now.
    commits = [*tips.values(), *known]
    settings = git_history.blob_ids(root, [(commit, ".dvc/config") for commit in commits])
    if len(set(settings)) > 1:
        return wanted
    before = committed(root, {commit: commit for commit in known})
    return {one: names for one, names in wanted.items() if one not in before}


def _tracked(root: Path, remote: str) -> dict[str, str]:
    """Return the branches of a remote as it was when last asked, and the commit of each."""
    where = f"refs/remotes/{remote}/"
    asked = ["for-each-ref", "--format=%(objectname) %(refname)", where]
    lines = git.run(root, asked).decode(errors="surrogateescape").splitlines()
    pairs = (line.split(" ", 1) for line in lines)
    return {HEADS + ref.removeprefix(where): commit for commit, ref in pairs}


def not_sent(
    study: Study, wanted: Mapping[Reference, list[str]], send: bool = False
) -> tuple[Unpushed, ...]:
    """Return what of some data the default remote of DVC lacks, or the one named for it.

    Args:
        study: The study.
        wanted: What to look for.
        send: Send what is lacking and in the cache, first.

    Raises:
        StudyError: A remote does not answer.
    """
    names = [one.name for one in remotes.chosen(study)[:1]]  # a backup may be on a shelf
    return status_of(study, wanted, names, send=send).unpushed


def refusal(study: Study, lacking: Sequence[Unpushed], tips: Iterable[str]) -> StudyError:
    """Return the error for a push that comes before its data.

    Args:
        study: The study.
        lacking: What is not in the remote.
        tips: The branches and tags that are pushed.
    """
    remote = lacking[0].remote
    what = f"git would refer to data that the remote '{remote}' lacks"
    where = listed(list(dict.fromkeys(one.path for one in lacking)))
    if lost := [one for one in lacking if one.lost]:
        mend = "make push, on the machine that has the data; here it is not in .dvc/cache either"
        if all(one.revisions == (EARLIER,) for one in lost):
            mend += "; or, as only earlier commits name it: git push --no-verify"
        return StudyError(what, where, mend)
    here = HEADS + git.branch(study.root)
    if set(tips) == {here} or all(here in one.revisions for one in lacking):
        return StudyError(what, where, "make push, which sends data first, then commits and tags")
    if any(EARLIER in one.revisions for one in lacking):
        return StudyError(what, where, "git switch <branch> && make push, for each of them")
    return StudyError(what, where, f"{SEND} {shlex.quote(remote)}, then push again")
