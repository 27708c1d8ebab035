"""What was found about a package of this study: beside it in `packages/`, for the phase's gate."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from data_versioning.archive.package import PACKAGES, Package
from data_versioning.phases.findings import Verdict
from data_versioning.phases.phase_tags import next_version
from data_versioning.phases.plan import Phase
from data_versioning.study import Study
from data_versioning.tools import git
from data_versioning.wording import counted

REPLAY, DEPOSIT = "replay", "deposit"
PUBLISH = "make publish"


def note(package: Package, kind: str, found: dict[str, Any]) -> None:
    """Keep what was found about a package, with the digest of what it was found about.

    Args:
        package: The package; one that lies elsewhere than in the study's `packages/` is left alone.
        kind: `replay` or `deposit`.
        found: What JSON can hold.
    """
    if package.folder.parent.name != PACKAGES:
        return
    file = _file(package.folder, kind)
    beside = file.with_name(f"{file.name}.tmp")
    content = {"manifest": package.digest, **found}
    beside.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(beside, file)


def noted(package: Package, kind: str) -> dict[str, Any] | None:
    """Return what was found about these very bytes of a package, or None if nothing was."""
    try:
        found = json.loads(_file(package.folder, kind).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    is_of_it = isinstance(found, dict) and found.get("manifest") == package.digest
    return found if is_of_it else None


def _file(folder: Path, kind: str) -> Path:
    return folder.with_name(f"{folder.name}.{kind}.json")


def archived(study: Study, phase: Phase) -> Verdict:
    """Tell whether the package that a phase is about to tag exists, proves itself, and is kept.

    A deposit is asked for where `study.yaml` or the answers name an archive.

    Args:
        study: The study.
        phase: The phase.
    """
    from data_versioning.archive.deposit.archives import destination, uploader_of
    from data_versioning.archive.replay import verify

    tag = phase.tag(next_version(study.root, phase).patch)
    folder = study.root / PACKAGES / f"{study.answers['slug']}-{tag}"
    if not folder.is_dir():
        return False, f"there is no package {PACKAGES}/{folder.name}", PUBLISH
    if problems := verify(folder).findings:
        path, what = problems[0]
        return False, f"{folder.name} does not verify: {path}: {what}", PUBLISH
    package = Package.open(folder)
    head = git.resolve(study.root, "HEAD")
    if package.manifest["commit"] != head:
        of = str(package.manifest["commit"])[:8]
        return False, f"{folder.name} is of commit {of}, not of {head[:8]}", PUBLISH
    replayed = noted(package, REPLAY)
    if replayed is None:
        return False, f"{folder.name} was not replayed", PUBLISH
    if not replayed["ok"]:
        return False, f"the replay of {folder.name}: {replayed['said']}", PUBLISH
    said = f"{folder.name}, {counted(len(package.volumes), 'volume')}, {replayed['said']}"
    kept = noted(package, DEPOSIT)
    to = destination(study)
    if not to and kept is None:
        return True, f"{said}; no archive is named", ""
    if kept is None or (to and kept["server"] != uploader_of(to).server):
        return False, f"{said}; not in {to} yet", PUBLISH
    return True, f"{said}; {kept['said']}", ""
