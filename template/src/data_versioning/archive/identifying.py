"""What in a repository tells who made the study: commits, remotes, answers, and their deposits."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from data_versioning.archive import citation
from data_versioning.archive.anonymous import Identity
from data_versioning.archive.citation import Author
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
    cited = parse_yaml(git.file_at(root, commit, citation.FILE) or b"", citation.FILE)
    told = [str(value) for key, value in answers.items() if str(key).endswith("_url") and value]
    named = [str(one.get("value")) for one in cited.get("identifiers") or ()]
    places, dois = _deposited(git.file_at(root, commit, STATE))
    addresses = [*urls, *git_state.remote_urls(root).values(), *told, *places]
    addresses += [one for one in named if "://" in one]
    identity = Identity(
        replace(facts, authors=(*facts.authors, _answered(answers))),
        git_tree.people(root, commit),
        addresses,
        [*dois, *(one for one in named if "://" not in one)],
    )
    if identity.is_in_name(facts.slug):
        mend = "copier update --data slug=<another name>"
        raise StudyError("its short name tells who made the study", printable(facts.slug), mend)
    return identity


def _answered(answers: Mapping[str, Any]) -> Author:
    """Return whom the study was rendered for: the licence names them, whoever is cited."""
    said = {key: str(answers.get(key) or "") for key in ("author", "email", "orcid", "affiliation")}
    given, _, family = said["author"].strip().rpartition(" ")
    rest = (said["orcid"] or None, said["affiliation"] or None, said["email"] or None)
    return Author(said["author"], given or None, family if given else None, *rest)


def _deposited(content: bytes | None) -> tuple[list[str], list[str]]:
    """Return where deposits are, and their DOIs; of a file that is broken, nothing."""
    places, dois = [], []
    with suppress(ValueError, KeyError, TypeError, AttributeError):
        for one in json.loads(content or b"")["deposits"]:
            dois += [str(one[key]) for key in ("doi", "concept_doi") if one.get(key)]
            server, number = str(one["server"]).rstrip("/"), one.get("id")
            if number:
                places += [f"{server}/records/{number}", f"https://osf.io/{number}"]
    return places, dois


def withheld(contents: Iterable[Content]) -> list[Content]:
    """Return some files without the one that says where the study is deposited."""
    return [one for one in contents if one.path != STATE]


def note(paths: list[str]) -> list[str]:
    """Return what to say of files of code in which a part of a name is left."""
    if not paths:
        return []
    return [f"a word that is a part of an author's name is left in {printable(listed(paths))}"]
