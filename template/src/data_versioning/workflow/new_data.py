"""What a push to git refers to in DVC's storage, and what of it is not there."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence

from data_versioning.data import remotes
from data_versioning.errors import StudyError
from data_versioning.health.push_status import SEND, Unpushed, status_of
from data_versioning.health.references import Reference, committed
from data_versioning.study import Study
from data_versioning.tools import git, git_state
from data_versioning.wording import listed
from data_versioning.workflow.branches import MAIN


def new_references(
    study: Study, remote: str, tips: Mapping[str, str], replaced: Iterable[str] = ()
) -> dict[Reference, list[str]]:
    """Return the data that a push refers to, and the git remote's commits so far do not.

    Args:
        study: The study.
        remote: The name of git's remote.
        tips: The branches and tags that are pushed, and the commit of each.
        replaced: The commits that the remote's branches name so far.
    """
    root = study.root
    lost = git_state.unknown_commits(root, [*tips.values(), *replaced])  # or a tag of no commit
    wanted = committed(root, {name: tip for name, tip in tips.items() if tip not in lost})
    if not wanted:
        return {}
    asked = ["for-each-ref", "--format=%(objectname)", f"refs/remotes/{remote}/{MAIN}"]
    known = {*replaced, *git.run(root, asked).decode().split()} - lost
    before = committed(root, {commit: commit for commit in known})
    return {one: names for one, names in wanted.items() if one not in before}


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


def refusal(study: Study, lacking: Sequence[Unpushed]) -> StudyError:
    """Return the error for a push that comes before its data."""
    paths = list(dict.fromkeys(one.path for one in lacking))
    remote = lacking[0].remote
    what = f"git would refer to data that the remote '{remote}' lacks"
    where = listed(paths)
    if any(one.lost for one in lacking):
        mend = "make push, on the machine that has the data; here it is not in .dvc/cache either"
        return StudyError(what, where, mend)
    here = git.branch(study.root)
    if all(here in one.revisions for one in lacking):
        return StudyError(what, where, "make push, which sends data first, then commits and tags")
    return StudyError(what, where, f"{SEND} {shlex.quote(remote)}, then push again")
