"""Which package is asked for: of which commit, with how much data, for which archive."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from data_versioning.archive import settings
from data_versioning.archive.anonymous import LABEL
from data_versioning.archive.facts import ANSWERS, Facts, Release, facts
from data_versioning.archive.volumes import Limits, limits
from data_versioning.errors import StudyError, UsageError
from data_versioning.phases.findings import Verdict
from data_versioning.phases.phase_tags import phase_tags
from data_versioning.phases.work_tree import uncommitted
from data_versioning.study import Study, parse_yaml
from data_versioning.tools import git

_DIGITS = 12  # of a commit, in the name of a package


@dataclass(frozen=True)
class Request:
    """A package that is asked for.

    Args:
        study: The study.
        commit: The commit, 40 hex digits.
        facts: What the commit says, with names.
        name: The name of the package.
        data: `data`, `pointers` or `auto`.
        budget: Bytes of data and results for `auto`.
        anonymous: Whether to withhold who made it.
        limits: What the archive takes.
        volume_bytes: Bytes of data in a volume at most; None to choose by the size.
        of_work_tree: Whether nothing on disk may differ from the commit.
    """

    study: Study
    commit: str
    facts: Facts
    name: str
    data: str
    budget: int
    anonymous: bool
    limits: Limits
    volume_bytes: int | None
    of_work_tree: bool

    @classmethod
    def of(
        cls,
        study: Study,
        rev: str | None,
        release: Release | None,
        data: str | None,
        anonymous: bool,
        archive: str | None,
        volume_bytes: int | None,
    ) -> Request:
        """Return what is asked for; see `package.create_reproducibility_package`."""
        root = study.root
        if rev is None:
            refuse_dirty(study, uncommitted(study))
        commit = git.resolve(root, rev or "HEAD")
        release = release or _tag(root, rev)
        said = settings.at(root, commit)
        answers = parse_yaml(git.file_at(root, commit, ANSWERS) or b"", ANSWERS)
        if data not in (None, settings.DATA, settings.POINTERS, settings.AUTO):
            raise UsageError("neither data, pointers nor auto", str(data), "--data auto")
        known = facts(study, commit, release)
        label = LABEL if anonymous else release.tag if release else commit[:_DIGITS]
        return cls(
            study,
            commit,
            known,
            re.sub(r"[^A-Za-z0-9._-]+", "-", f"{known.slug}-{label}").lstrip("-."),
            data or said.data,
            said.budget,
            anonymous,
            limits(archive or settings.destination(said, answers)),
            volume_bytes,
            rev is None,
        )


def refuse_dirty(study: Study, found: Verdict | None) -> None:
    """Refuse a package of the current commit where something on disk differs from it."""
    if found and not found[0]:
        raise StudyError(f"a package is made of a commit: {found[1]}", str(study.root), found[2])


def _tag(root: Path, rev: str | None) -> Release | None:
    """Return the tag that a revision is the name of, if it is one."""
    if rev is None or not any(rev in names for names in git.tags(root).values()):
        return None
    for tag in phase_tags(root):
        if tag.name == rev:
            return Release(rev, tag.phase, tuple(tag.manifest["runs"]))
    return Release(rev)
