"""The tags of completed phases, `v<major>.<minor>.<patch>-<suffix>`, annotated with a manifest."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import semver

from data_versioning.errors import StudyError
from data_versioning.phases import manifest
from data_versioning.phases.plan import Phase
from data_versioning.phases.tag_checks import agrees
from data_versioning.tools import git

_NUMBER = "(?:0|[1-9][0-9]*)"
TAG = re.compile(rf"v({_NUMBER}\.{_NUMBER}\.{_NUMBER})-([a-z][a-z0-9]*(?:-[a-z0-9]+)*)")


@dataclass(frozen=True)
class PhaseTag:
    """The tag of a completed phase.

    Args:
        name: Its name, such as `v1.0.0-analysis-complete`.
        version: The version in it.
        suffix: What follows the version.
        phase: The name of the phase, as the manifest has it.
        commit: The tagged commit.
        author: Who made the tag.
        time: When.
        message: Its whole message.
        manifest: What the message says to machines; see `phases.manifest`.
    """

    name: str
    version: semver.Version
    suffix: str
    phase: str
    commit: str
    author: str
    time: datetime
    message: str
    manifest: dict[str, Any]


def phase_tags(root: Path) -> list[PhaseTag]:
    """Return the tags of completed phases, oldest first."""
    return _read(root)[0]


def other_tags(root: Path) -> dict[str, str]:
    """Return why a tag that is named like a phase's is none, by its name."""
    return _read(root)[1]


def held(root: Path, commit: str = "HEAD") -> list[PhaseTag]:
    """Return the tags of phases that a commit or one before it has, the nearest last.

    Those that contradict themselves, or the list of phases, are nobody's.
    """
    return [one for one in in_history(root, phase_tags(root), commit) if agrees(root, one)]


def in_history(root: Path, tags: Sequence[PhaseTag], commit: str) -> list[PhaseTag]:
    """Return those of some tags that a commit or one before it has, the nearest last."""
    listed = git.run(root, ["rev-list", "--topo-order", commit]).decode().split()
    distance = {one: place for place, one in enumerate(listed)}
    held = [tag for tag in tags if tag.commit in distance]
    return sorted(held, key=lambda tag: (-distance[tag.commit], tag.time))


def next_version(root: Path, phase: Phase) -> semver.Version:
    """Return the version of a phase with the first patch number that no tag has."""
    names = [name for listed in git.tags(root).values() for name in listed]
    taken = [semver.Version.parse(found[1]) for name in names if (found := TAG.fullmatch(name))]
    patches = [one.patch for one in taken if one.to_tuple()[:2] == phase.version.to_tuple()[:2]]
    return phase.version.replace(patch=max(patches, default=-1) + 1)


def refuse_going_back(phase: Phase, held: Sequence[PhaseTag]) -> None:
    """Refuse a phase that was never complete and whose version is below that of one which is.

    Args:
        phase: The phase.
        held: The tags in the history of what is to be tagged.

    Raises:
        StudyError: Names the tag with the highest version.
    """
    mine = phase.version.to_tuple()[:2]
    others = [
        tag for tag in held if (tag.version.to_tuple()[:2], tag.suffix) != (mine, phase.suffix)
    ]
    highest = max(others, key=lambda tag: tag.version, default=None)
    if len(others) < len(held) or highest is None or highest.version.to_tuple()[:2] < mine:
        return
    raise StudyError(
        f"versions do not go back: {phase.name} would be {phase.version}",
        f"{highest.name} is in the history; list it below {highest.phase}, with a version above "
        f"{highest.version}",
        "$EDITOR study.yaml",
    )


def _read(root: Path) -> tuple[list[PhaseTag], dict[str, str]]:
    names = [name for listed in git.tags(root).values() for name in listed]
    others = {
        name: "not annotated, so there is no manifest" for name in names if TAG.fullmatch(name)
    }
    found = []
    for tag in git.annotated_tags(root):
        if not (match := TAG.fullmatch(tag.name)):
            continue
        try:
            content = manifest.read(tag.message)
        except StudyError as error:
            others[tag.name] = str(error)
            continue
        if not content:
            others[tag.name] = "there is no manifest in its message"
            continue
        del others[tag.name]
        version = semver.Version.parse(match[1])
        facts = (tag.commit, tag.author, tag.time, tag.message, content)
        found.append(PhaseTag(tag.name, version, match[2], content["phase"], *facts))
    return sorted(found, key=lambda one: one.time), others
