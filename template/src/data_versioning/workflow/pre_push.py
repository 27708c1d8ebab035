"""The pre-push hook: what must not leave this machine, or not yet; see githooks(5)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from data_versioning.data import remotes
from data_versioning.errors import StudyError
from data_versioning.phases.phase_tags import TAG as PHASE_TAG
from data_versioning.study import Study
from data_versioning.tools import git_history, git_state
from data_versioning.workflow import branches
from data_versioning.workflow.dataset_tags import TAG as DATASET_TAG
from data_versioning.workflow.new_data import HEADS, new_references, not_sent, refusal

TAGS = "refs/tags/"


@dataclass(frozen=True)
class Update:
    """What a push does to a branch or tag of the remote.

    Args:
        local: The commit or tag object that it is to name; empty when it is to be deleted.
        ref: The branch or tag, such as `refs/heads/main`.
        remote: What it names there now; empty when it is new.
    """

    local: str
    ref: str
    remote: str


def check_push(study: Study, remote: str, lines: Iterable[str]) -> list[str]:
    """Refuse a push that destroys something public, or refers to data that nobody can fetch.

    Args:
        study: The study.
        remote: The name of git's remote, or its address.
        lines: What git tells the hook: local name, local object, remote name, remote object.

    Returns:
        What the researcher should know all the same.

    Raises:
        StudyError: The push is refused.
    """
    updates = [_update(line) for line in lines if line.strip()]
    for update in updates:
        if update.ref.startswith(HEADS):
            _check_branch(study, update, remote)
        elif update.ref.startswith(TAGS):
            _refuse_moved_tag(update)
    return _check_data(study, updates, remote)


def _update(line: str) -> Update:
    _, local, ref, remote = line.split()
    return Update(*("" if set(one) == {"0"} else one for one in (local, ref, remote)))


def _check_branch(study: Study, update: Update, remote: str) -> None:
    name = update.ref.removeprefix(HEADS)
    if name != branches.MAIN:
        if update.local:
            branches.check_name(study, name)
        return
    if not update.local:
        raise StudyError("main is never deleted", remote, "git push without --delete")
    if not update.remote:
        return
    if git_state.unknown_commits(study.root, [update.remote]):
        what = "main there has commits that are not here"
        raise StudyError(what, remote, "git pull --rebase, then push again")
    held = git_history.common_ancestor(study.root, update.remote, update.local)
    if held != update.remote:
        what = "main is never rewritten: this push drops commits that are public"
        raise StudyError(what, remote, "git pull --rebase, then push again without --force")


def _refuse_moved_tag(update: Update) -> None:
    name = update.ref.removeprefix(TAGS)
    if not update.remote:
        return
    if PHASE_TAG.fullmatch(name):
        kind, mend = "a phase's", "make phase-complete PHASE=<name>, which makes the next one"
    elif DATASET_TAG.fullmatch(name):
        kind, mend = "a data set's", "make data-tag NAME=<name> ..., which makes the next version"
    else:
        return
    done = "moved" if update.local else "deleted"
    raise StudyError(f"{kind} tag is never {done}, others cite it", name, mend)


def _check_data(study: Study, updates: Sequence[Update], remote: str) -> list[str]:
    tips = {update.ref: update.local for update in updates if update.local}
    replaced = {update.ref: update.remote for update in updates if update.remote}
    wanted = new_references(study, remote, tips, replaced)
    if not wanted:
        return []
    if not remotes.chosen(study):
        return [f"DVC has no remote, so the data stays on this machine: {remotes.NO_REMOTE}"]
    try:
        lacking = not_sent(study, wanted)
    except StudyError as error:
        mend = f"{error.mend}; or, if you know that the data is there: git push --no-verify"
        raise StudyError(error.what, error.where, mend) from None
    if lacking:
        raise refusal(study, lacking, tips)
    return []
