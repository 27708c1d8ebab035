"""Names of branches."""

from __future__ import annotations

import difflib
import re
import shlex

from data_versioning.errors import StudyError
from data_versioning.study import Study

MAIN = "main"
PHASE = "phase/"
KINDS = ("feature/", "fix/", "docs/")
# Branches that programs make: Dependabot, Renovate, GitHub's merge queue, pre-commit.ci, updates
# of the template.
AUTOMATION = (
    "dependabot/",
    "renovate/",
    "gh-readonly-queue/",
    "pre-commit-ci-update-config",
    "copier/",
    "template/",
)
_TOPIC = re.compile(r"[\w.+-]+(/[\w.+-]+)*")


def check_name(study: Study, name: str) -> None:
    """Refuse a branch whose name says nothing of what it is for.

    Args:
        study: The study; its phases name the branches below `phase/`.
        name: The branch, without `refs/heads/`.

    Raises:
        StudyError: Names what is allowed, and the command that renames the branch.
    """
    if name == MAIN or name.startswith(AUTOMATION):
        return
    kind, slash, topic = name.partition("/")
    words = re.sub(r"[^\w.+-]+", "-", topic if slash else name).strip("-.") or "topic"
    if f"{kind}/" == PHASE:
        from data_versioning.phases.plan import phases

        names = [phase.name for phase in phases(study)]
        if topic in names:
            return
        near = difflib.get_close_matches(topic, names, n=1)
        what = f"study.yaml has no phase {topic!r}; it has {', '.join(names)}"
        raise _refusal(what, name, f"{PHASE}{near[0]}" if near else f"feature/{words}")
    if f"{kind}/" in KINDS and _TOPIC.fullmatch(topic):
        return
    allowed = ", ".join([MAIN, f"{PHASE}<name>", *(f"{one}<topic>" for one in KINDS)])
    better = f"{kind}/" if f"{kind}/" in KINDS else "feature/"
    raise _refusal(f"a branch is called one of {allowed}", name, f"{better}{words}")


def _refusal(what: str, name: str, better: str) -> StudyError:
    return StudyError(what, name, f"git branch -m {shlex.quote(name)} {shlex.quote(better)}")
