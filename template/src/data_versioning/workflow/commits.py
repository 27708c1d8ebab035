"""Commit messages against the convention in `.cz.toml`, as the commit-msg hook checks them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from data_versioning.errors import StudyError
from data_versioning.tools import git, git_history

if TYPE_CHECKING:
    from data_versioning.phases.phase_tags import PhaseTag

SETTINGS = ".cz.toml"
# The hook lets them pass; `git rebase --autosquash` takes them away before anybody else sees them.
PROVISIONAL = ("fixup!", "squash!", "amend!")
SQUASH = "it was made to be squashed"


@dataclass(frozen=True)
class BadCommit:
    """A commit whose message does not follow the convention.

    Args:
        commit: 40 hex digits.
        subject: The first line of its message.
        why: What is wrong with it.
    """

    commit: str
    subject: str
    why: str


@dataclass(frozen=True)
class Judged:
    """Commits and those among them that do not follow the convention.

    Args:
        since: What they were counted from, a tag or another revision; empty for the whole history.
        count: How many there are, merges not counted.
        bad: Those whose message does not follow the convention, newest first.
    """

    since: str
    count: int
    bad: tuple[BadCommit, ...]


def judge(root: Path, tip: str, since: str, without: Sequence[str]) -> Judged:
    """Judge the messages of a history.

    Args:
        root: The study.
        tip: The last of the commits.
        since: See `Judged`.
        without: Commits whose own history is left out.

    Raises:
        StudyError: `.cz.toml` is missing or broken.
    """
    revs = [tip, *(f"^{one}" for one in without)]
    return Judged(since, git_history.count(root, revs), tuple(bad_commits(root, revs)))


def judge_since_phase(root: Path, tip: str, held: Sequence[PhaseTag]) -> Judged:
    """Judge the messages of the commits since the last phase, or since there is a convention.

    Args:
        root: The study.
        tip: The last of the commits.
        held: The tags of phases in its history, the nearest last.

    Raises:
        StudyError: The clone is shallow, or `.cz.toml` is missing or broken.
    """
    if git_history.is_shallow(root):
        what = "a shallow clone: older commits are not here"
        raise StudyError(what, str(root), "git fetch --unshallow --tags")
    if held:
        return judge(root, tip, held[-1].name, [tag.commit for tag in held])
    # What was committed before the study knew the convention cannot follow it.
    asked = ["log", "--diff-filter=A", "--format=%H", tip, "--", SETTINGS]
    begin = git.run(root, asked).decode().split()[-1:]
    return judge(root, tip, "".join(begin), begin)


def bad_commits(root: Path, revs: Sequence[str]) -> list[BadCommit]:
    """Return the commits whose message does not follow the convention, newest first.

    Merges do not count, nor what git words itself, such as a revert.

    Args:
        root: The study.
        revs: What `git log` takes: a range such as `main..HEAD`, or a tip for all its history.

    Raises:
        StudyError: There is no such revision, or `.cz.toml` is missing or broken.
    """
    pattern, prefixes, example = _convention(root)
    asked = ["log", "-z", "--no-merges", "--no-show-signature", "--encoding=UTF-8"]
    listed = git.run(root, [*asked, "--format=%H%x00%B", *revs, "--"])
    tokens = listed.decode(errors="replace").split("\0")
    found = []
    for commit, message in zip(tokens[::2], tokens[1::2], strict=False):
        subject = message.partition("\n")[0]
        if subject.startswith(PROVISIONAL):
            found.append(BadCommit(commit, subject, SQUASH))
        elif not pattern.match(message.strip()) and not subject.startswith(prefixes):
            is_run_on = pattern.match(subject)
            why = "no empty line below the first one" if is_run_on else f"not like: {example}"
            found.append(BadCommit(commit, subject, why))
    return found


def _convention(root: Path) -> tuple[re.Pattern[str], tuple[str, ...], str]:
    """Return the pattern of a message, the prefixes that need not fit it, and an example."""
    mend = f"git checkout -- {SETTINGS}"
    try:
        content = tomllib.loads((root / SETTINGS).read_text(encoding="utf-8"))
        settings = content["tool"]["commitizen"]
        custom = settings["customize"]
        pattern = re.compile(custom["schema_pattern"])
        return pattern, tuple(settings["allowed_prefixes"]), custom["example"]
    except FileNotFoundError:
        raise StudyError("file is missing", SETTINGS, mend) from None
    except KeyError as error:
        raise StudyError(f"{error} is missing", SETTINGS, mend) from None
    except (ValueError, TypeError, re.error) as error:
        raise StudyError(f"not commitizen's settings ({error})", SETTINGS, mend) from None
