"""What in a repository tells who made the study: commits, remotes, answers, and their deposits."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from data_versioning.archive.anonymous import Identity
from data_versioning.archive.contents import Content
from data_versioning.archive.deposit.state import STATE
from data_versioning.archive.facts import ANSWERS, Facts
from data_versioning.errors import StudyError
from data_versioning.study import parse_yaml
from data_versioning.tools import git, git_state, git_tree
from data_versioning.wording import listed, printable


def identity_of(root: Path, commit: str, facts: Facts, urls: Iterable[str]) -> Identity:
    """Return what must not be in an anonymous package of a commit.

    Args:
        root: The study.
        commit: The commit.
        facts: What it says, with names.
        urls: Where DVC's remotes are.

    Raises:
        StudyError: The clone lacks the commits that name who worked on the study; or the study's
            short name tells it.
    """
    if git_state.is_shallow(root):
        what = "a shallow clone does not know everyone who worked on the study"
        raise StudyError(what, str(root), "git fetch --unshallow")
    answers = parse_yaml(git.file_at(root, commit, ANSWERS) or b"", ANSWERS)
    told = [str(value) for key, value in answers.items() if str(key).endswith("_url") and value]
    addresses = [*urls, *git_state.remote_urls(root).values(), *told]
    identity = Identity(facts, git_tree.people(root, commit), addresses)
    if identity.is_in_name(facts.slug):
        mend = "copier update --data slug=<another name>"
        raise StudyError("its short name tells who made the study", printable(facts.slug), mend)
    return identity


def withheld(contents: Iterable[Content]) -> list[Content]:
    """Return some files without the one that says where the study is deposited."""
    return [one for one in contents if one.path != STATE]


def note(paths: list[str]) -> list[str]:
    """Return what to say of files of code in which a part of a name is left."""
    if not paths:
        return []
    return [f"a word that is a part of an author's name is left in {printable(listed(paths))}"]
