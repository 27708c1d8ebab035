"""The section `archive` of `study.yaml`: what an archive needs to know beyond CITATION.cff."""

from __future__ import annotations

import math
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from data_versioning.archive.section import Section
from data_versioning.errors import StudyError
from data_versioning.study import MARKER, parse_yaml
from data_versioning.tools import git

ZENODO, ZENODO_SANDBOX, OSF = "zenodo", "zenodo-sandbox", "osf"
ARCHIVES = (ZENODO_SANDBOX, ZENODO, OSF)
DATA, POINTERS, AUTO = "data", "pointers", "auto"
RESTRICTED = "restricted"  # no open licence
COMMAND = "make repro"
IMAGES = (".png", ".jpg", ".jpeg")
# DataCite's relation types (metadata schema 4.5, appendix 1) without those for whole records.
RELATIONS = (
    "isCitedBy", "cites", "isSupplementTo", "isSupplementedBy", "isContinuedBy", "continues",
    "isDescribedBy", "describes", "hasMetadata", "isMetadataFor", "hasVersion", "isVersionOf",
    "isNewVersionOf", "isPreviousVersionOf", "isPartOf", "hasPart", "isPublishedIn",
    "isReferencedBy", "references", "isDocumentedBy", "documents", "isCompiledBy", "compiles",
    "isVariantFormOf", "isOriginalFormOf", "isIdenticalTo", "isReviewedBy", "reviews",
    "isDerivedFrom", "isSourceOf", "isRequiredBy", "requires", "isObsoletedBy", "obsoletes",
    "isCollectedBy", "collects",
)  # fmt: skip
_ROR = re.compile(r"(?:https://ror\.org/)?(0[a-hj-km-np-tv-z0-9]{6}[0-9]{2})")


@dataclass(frozen=True)
class Related:
    """Another work, and how the study relates to it.

    Args:
        identifier: Its DOI, address, ...
        relation: One of `RELATIONS`: what the study is to it.
        scheme: What kind of identifier it is, such as `doi`; empty if not said.
    """

    identifier: str
    relation: str
    scheme: str = ""


@dataclass(frozen=True)
class Funding:
    """Who paid.

    Args:
        funder: The ROR id of the funder, nine letters and digits.
        award: The number of the award; empty if not said.
        title: Its title; empty if not said.
    """

    funder: str
    award: str = ""
    title: str = ""


@dataclass(frozen=True)
class Claim:
    """What the study claims, and how to see it.

    Args:
        claim: In a sentence.
        command: What reproduces it.
        output: The file that shows it; empty if not said.
        expected: What it says there; empty if not said.
    """

    claim: str
    command: str = COMMAND
    output: str = ""
    expected: str = ""


@dataclass(frozen=True)
class Settings:
    """What `study.yaml` says about archives; see `docs/reference/study-yaml.md`.

    Args:
        to: One of `ARCHIVES`, or the address of an InvenioRDM server; empty if not said.
        data: `data`, `pointers` or `auto`.
        budget: Bytes of data and results that `auto` puts into a package at most.
        data_license: An SPDX identifier, `restricted`, or empty if not said.
        language: ISO 639-3; empty if not said.
        preregistration: Its address; empty if there is none.
        related: Other works.
        funding: Who paid.
        claims: What the study claims.
        tolerances: How far an output may differ when made again, by path.
        run_time: How long a reproduction takes, in words; empty if not said.
    """

    to: str = ""
    data: str = AUTO
    budget: int = 10 * 10**9
    data_license: str = ""
    language: str = ""
    preregistration: str = ""
    related: tuple[Related, ...] = ()
    funding: tuple[Funding, ...] = ()
    claims: tuple[Claim, ...] = ()
    tolerances: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    run_time: str = ""


def at(root: Path, commit: str) -> Settings:
    """Return what a commit says about archives.

    Args:
        root: The study.
        commit: A commit, branch or tag.

    Raises:
        StudyError: A value is not one that an archive understands; names the key.
    """
    content = git.file_at(root, commit, MARKER) or b""
    if len(re.findall(rb"(?m)^archive:", content)) > 1:  # YAML would take the last of them
        raise StudyError("archive stands there twice", f"{MARKER}: archive", f"$EDITOR {MARKER}")
    return parse(parse_yaml(content, f"{MARKER} at {commit[:12]}"))


def parse(study: Mapping[str, Any]) -> Settings:
    """Return what the content of a `study.yaml` says about archives; see `at`."""
    section = Section(study.get("archive") or {}, "archive")
    made = Settings(
        to=section.checked("to", archive, "not zenodo-sandbox, zenodo, osf or an https address"),
        data=section.one_of("data", (DATA, POINTERS, AUTO)) or AUTO,
        budget=round(section.number("budget_gb", 10, "a number of GB") * 10**9),
        data_license=section.matching("data_license", r"[A-Za-z0-9.+-]+", "an SPDX identifier"),
        language=section.matching("language", "[a-z]{3}", "ISO 639-3, such as eng"),
        preregistration=section.checked("preregistration", _address, "not an address or a DOI"),
        related=tuple(map(_related, section.entries("related"))),
        funding=tuple(map(_funding, section.entries("funding"))),
        claims=tuple(map(_claim, section.entries("claims"))),
        tolerances=_tolerances(section.inner("tolerances")),
        run_time=section.text("run_time"),
    )
    section.refuse_others()
    return made


def destination(said: Settings, answers: Mapping[str, Any]) -> str:
    """Return where a study is deposited: as `study.yaml` says, or the answers; empty for nowhere.

    Args:
        said: What `study.yaml` says.
        answers: Those to the questions of the template.
    """
    archives = answers.get("archives") or []
    known = {ZENODO: ZENODO_SANDBOX, OSF: OSF}
    return said.to or next((to for answer, to in known.items() if answer in archives), "")


def is_osf(to: str) -> bool:
    """Tell whether an archive, by its name or address, is OSF."""
    host = urlsplit(to).hostname or ""
    return to == OSF or host == "osf.io" or host.endswith(".osf.io")


def _related(entry: Section) -> Related:
    relation = entry.one_of("relation", RELATIONS, required=True)
    found = Related(
        entry.text("identifier", required=True),
        relation,
        entry.matching("scheme", "[a-z0-9]+", "a scheme, such as doi or url"),
    )
    entry.refuse_others()
    return found


def _funding(entry: Section) -> Funding:
    funder = entry.checked("funder", _ror, "not a ROR id, such as 00k4n6c32", required=True)
    found = Funding(funder, entry.text("award"), entry.text("title"))
    entry.refuse_others()
    return found


def _claim(entry: Section) -> Claim:
    found = Claim(
        entry.text("claim", required=True),
        entry.text("command") or COMMAND,
        entry.checked("output", _inside, "not a file of the study"),
        entry.text("expected"),
    )
    entry.refuse_others()
    return found


def _tolerances(section: Section) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for path in sorted(section.content):
        if not _inside(path):
            raise section.error(path, "not a file of the study")
        entry = section.inner(path)
        keys = ("pixels",) if path.lower().endswith(IMAGES) else ("relative", "absolute")
        for key in entry.content:
            if key not in keys:
                raise entry.error(key, f"unknown; {path} knows {' and '.join(keys)}")
        found[path] = {
            key: entry.number(key, 0, "a number of 0 and more", 1 if key == "pixels" else math.inf)
            for key in sorted(entry.content)
        }
        if not found[path]:
            raise section.error(path, f"says no tolerance; it knows {' and '.join(keys)}")
    return found


def archive(value: str) -> str:
    """Return what a name or an address of an archive stands for; nothing if it is none.

    Only a rehearsal on this machine may do without https, and no address has a secret in it.
    """
    if value in ARCHIVES:
        return value
    try:
        address = urlsplit(value)
        local = address.hostname in ("127.0.0.1", "localhost", "::1")
        secret = address.username or address.password or address.query or address.fragment
        good = address.scheme == "https" or (address.scheme == "http" and local)
        return value.rstrip("/") if good and address.hostname and not secret else ""
    except ValueError:
        return ""


def _address(value: str) -> str:
    if re.fullmatch(r"10\.[0-9.]+/\S+", value):
        return f"https://doi.org/{value}"
    return value if re.fullmatch(r"https?://[^\s/]+\S*", value) else ""


def _ror(value: str) -> str:
    found = _ROR.fullmatch(value)
    return found[1] if found else ""


def _inside(value: str) -> str:
    path = posixpath.normpath(value)
    outside = path.startswith(("/", "../")) or path in (".", "..")
    return "" if outside or "\\" in path or path != value else path
