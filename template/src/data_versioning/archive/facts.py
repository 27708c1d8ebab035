"""Everything a package says about the study, read from one commit and from nowhere else."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from data_versioning.archive import citation, settings
from data_versioning.archive.citation import Author
from data_versioning.archive.settings import Claim, Funding, Related
from data_versioning.errors import StudyError
from data_versioning.lineage import records
from data_versioning.lineage.records import Kept, Record
from data_versioning.study import MARKER, Study, parse_yaml
from data_versioning.tools import dvc_files, git, git_history

ANSWERS = ".copier-answers.yml"
DEPOSITS = "deposits.json"
WITHHELD = "withheld"  # in an anonymous package, the address of data from elsewhere


@dataclass(frozen=True)
class Release:
    """The tag that a package is made of, be it there already or about to be made.

    Args:
        tag: Its name.
        phase: The phase that it completes, if it is a phase's.
        runs: The ids of the MLflow runs that hold the results.
    """

    tag: str
    phase: str | None = None
    runs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Facts:
    """What is known about a study at a commit; None where the study does not say.

    Args:
        title: The title.
        slug: The short name.
        version: That of the tag, such as `1.0.0`.
        description: The abstract, or the sentence that the study was rendered with.
        authors: In their order; none in an anonymous package.
        keywords: In their order.
        license: The code's, an SPDX expression.
        data_license: The data's, an SPDX identifier, or `restricted`.
        language: ISO 639-3.
        doi: Of this version.
        concept_doi: Of all versions.
        repository: The web address of the code's repository.
        preregistration: Its address.
        related: Other works.
        funding: Who paid.
        claims: What the study claims.
        tolerances: How far an output may differ when made again, by path.
        run_time: How long a reproduction takes, in words.
        commit: 40 hex digits; None in an anonymous package.
        time: When it was committed, in UTC.
        tag: The tag's name.
        phase: The phase that the tag completes.
        runs: The ids of the MLflow runs that hold the results.
        dvc_lock: The SHA-256 of `dvc.lock`.
        uv_lock: The SHA-256 of `uv.lock`.
        python: Which versions of Python the study runs on, such as `>=3.11,<3.14`.
        stages: What DVC recorded: stages and `*.dvc` files, by address.
    """

    title: str
    slug: str
    version: str | None
    description: str | None
    authors: tuple[Author, ...]
    keywords: tuple[str, ...]
    license: str | None
    data_license: str | None
    language: str | None
    doi: str | None
    concept_doi: str | None
    repository: str | None
    preregistration: str | None
    related: tuple[Related, ...]
    funding: tuple[Funding, ...]
    claims: tuple[Claim, ...]
    tolerances: Mapping[str, Mapping[str, float]]
    run_time: str | None
    commit: str | None
    time: datetime
    tag: str | None
    phase: str | None
    runs: tuple[str, ...]
    dvc_lock: str | None
    uv_lock: str | None
    python: str | None
    stages: tuple[Record, ...]

    @property
    def is_anonymous(self) -> bool:
        """Tell whether who made the study is withheld."""
        return self.commit is None

    def anonymous(self) -> Facts:
        """Return these facts without what tells who made the study.

        Of the time the day is left: forges find commits by the second.
        """
        return replace(
            self,
            authors=(),
            doi=None,
            concept_doi=None,
            repository=None,
            preregistration=None,
            related=(),
            funding=(),
            commit=None,
            time=self.time.replace(hour=0, minute=0, second=0, microsecond=0),
            version=None,
            tag=None,
            phase=None,
            runs=(),
            stages=tuple(map(_without_addresses, self.stages)),
        )


def facts(study: Study, commit: str, release: Release | None = None) -> Facts:
    """Return what a commit says about its study.

    Args:
        study: The study.
        commit: The commit, 40 hex digits.
        release: The tag that the package is made of.

    Raises:
        StudyError: CITATION.cff is missing or not valid, or a value in `study.yaml` is broken.
    """
    root = study.root
    cited = git.file_at(root, commit, citation.FILE)
    if cited is None:
        what = f"no {citation.FILE}, which says whom to cite"
        raise StudyError(what, f"commit {commit[:12]}", citation.EDIT)
    said = citation.read(cited)
    asked = settings.at(root, commit)
    stages = tuple(sorted(records.at(root, commit), key=lambda one: one.address))
    _refuse_unknown(root, commit, asked, stages)
    answers = parse_yaml(git.file_at(root, commit, ANSWERS) or b"", ANSWERS)
    project = _project(git.file_at(root, commit, "pyproject.toml"))
    tag = release.tag if release else None
    return Facts(
        title=said.title,
        slug=str(answers.get("slug") or project.get("name") or "study"),
        version=version_of(tag) if tag else None,
        description=said.abstract or str(answers.get("description") or "") or None,
        authors=said.authors,
        keywords=said.keywords,
        license=said.license,
        data_license=asked.data_license or str(answers.get("data_license") or "") or None,
        language=asked.language or None,
        doi=None if said.doi and _is_of_another(root, commit, said.doi) else said.doi,
        concept_doi=said.concept_doi,
        repository=said.repository,
        preregistration=asked.preregistration or None,
        related=asked.related,
        funding=asked.funding,
        claims=asked.claims,
        tolerances=asked.tolerances,
        run_time=asked.run_time or None,
        commit=commit,
        time=git_history.commit_time(root, commit),
        tag=tag,
        phase=release.phase if release else None,
        runs=release.runs if release else (),
        dvc_lock=_digest(git.file_at(root, commit, dvc_files.LOCK)),
        uv_lock=_digest(git.file_at(root, commit, "uv.lock")),
        python=str(project.get("requires-python") or "") or None,
        stages=stages,
    )


def _is_of_another(root: Path, commit: str, doi: str) -> bool:
    """Tell whether a DOI is that of a version which was published before a commit."""
    try:
        known = json.loads(git.file_at(root, commit, DEPOSITS) or b"{}").get("deposits", [])
        published = [one for one in known if one["state"] == "published"]
        return any(one["doi"] == doi for one in published)
    except (ValueError, LookupError, TypeError, AttributeError):
        return False  # whoever deposits it says that the file is broken


def _refuse_unknown(
    root: Path, commit: str, asked: settings.Settings, stages: Sequence[Record]
) -> None:
    """Raise a `StudyError` where a claim or a tolerance is about a file that is not there."""
    named = {f"tolerances.{path}": path for path in asked.tolerances}
    named |= {f"claims[{n}].output": one.output for n, one in enumerate(asked.claims, 1)}
    made = {out.path for stage in stages for out in stage.outs}
    for key, path in named.items():
        inside = any(f"{path}/".startswith(f"{out}/") or out.startswith(f"{path}/") for out in made)
        if path and not inside and git.file_at(root, commit, path) is None:
            what = f"no stage makes {path}, and git has none"
            raise StudyError(what, f"{MARKER}: archive.{key}", f"$EDITOR {MARKER}")


def version_of(tag: str) -> str:
    """Return the version in the name of a tag: `1.0.0` of `v1.0.0-analysis-complete`.

    The name itself, if there is no version in it.
    """
    found = re.search(r"(?:^|[-@/_])v?(\d+\.\d+(?:\.\d+)?)(?![\d.])", tag)
    return found[1] if found else tag


def _digest(content: bytes | None) -> str | None:
    return None if content is None else hashlib.sha256(content).hexdigest()


def _project(pyproject: bytes | None) -> dict[str, Any]:
    try:
        return dict(tomllib.loads((pyproject or b"").decode()).get("project", {}))
    except ValueError as error:
        raise StudyError(str(error), "pyproject.toml", "$EDITOR pyproject.toml") from None


def _without_addresses(record: Record) -> Record:
    return replace(record, deps=tuple(map(_withheld, record.deps)))


def _withheld(kept: Kept) -> Kept:
    return replace(kept, path=WITHHELD, md5="") if "://" in kept.path or "#" in kept.path else kept
