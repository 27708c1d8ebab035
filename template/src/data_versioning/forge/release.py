"""A release of a phase's tag, with its manifest."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from data_versioning.errors import StudyError
from data_versioning.forge.environment import forge
from data_versioning.forge.release_file import LARGEST, ZIP, ReleaseFile
from data_versioning.phases import manifest
from data_versioning.phases.phase_tags import PhaseTag, phase_tags
from data_versioning.pipeline.metrics import shown
from data_versioning.reporting.markdown import code, table
from data_versioning.study import Study, flatten
from data_versioning.wording import printable

MANIFEST = "manifest.yaml"


def release(study: Study, name: str, dry_run: bool = False) -> str:
    """Verify the tag of a phase, and make a release of it or bring the one there is up to date.

    Args:
        study: The study.
        name: The tag.
        dry_run: Verify it, and only say what would be sent; works everywhere.

    Returns:
        What was done.

    Raises:
        StudyError: The tag does not hold what it says, this is no CI job, or the server refused.
    """
    from data_versioning.phases.gate import PhaseGate

    failed = [one for one in PhaseGate(study.root).verify(name) if one.ok is False]
    if failed:
        why = "; ".join(f"{one.gate}: {printable(one.evidence)}" for one in failed)
        raise StudyError(f"no release: {name} is not what it says", why, failed[0].mend)
    tag = next(one for one in phase_tags(study.root) if one.name == name)
    said = ReleaseFile(MANIFEST, manifest.dump(tag.manifest).encode())
    volumes, left = _volumes(study, tag)
    title, body = f"{_title(tag)} ({name})", _body(tag, volumes, left)
    files = [said, *volumes]
    if dry_run:
        listed = "\n".join(f"file: {file.name} ({file.size} bytes)" for file in files)
        return f"this release would be made:\n\n{title}\n\n{body}\n{listed}"
    there = forge(f"python -m data_versioning release {name} --dry-run")
    if not there.may_release:
        mend = "give the job a token that may make releases"
        raise StudyError(f"no release: {there.lacks_token}", there.name, mend)
    made, is_new = there.release(name, title, body, files)
    return f"{'made' if is_new else 'brought up to date:'} the release {there.address(made)}"


def _title(tag: PhaseTag) -> str:
    return tag.phase.replace("-", " ").capitalize()


def _volumes(study: Study, tag: PhaseTag) -> tuple[list[ReleaseFile], list[str]]:
    """Return the volumes of the tag's package, if one was made, and those too large to attach."""
    from data_versioning.archive.package import PACKAGES, Package
    from data_versioning.archive.replay import verify

    folder = study.root / PACKAGES / f"{study.answers['slug']}-{tag.name}"
    if not folder.is_dir():
        return [], []
    if problems := verify(folder).findings:
        path, what = problems[0]
        raise StudyError(f"no release: the package does not verify: {what}", path, "make package")
    package = Package.open(folder)
    if package.manifest["commit"] != tag.commit:
        raise StudyError(
            "no release: the package is of another commit", folder.name, "make package"
        )
    files = [ReleaseFile(path.name, path, ZIP) for path in package.volumes]
    fitting = [file for file in files if file.size <= LARGEST]
    return fitting, [file.name for file in files if file not in fitting]


def _body(tag: PhaseTag, volumes: Sequence[ReleaseFile], left: Sequence[str]) -> str:
    said = tag.manifest
    parts = [f"{_title(tag)} complete: {code(tag.author)}, {tag.time:%Y-%m-%d}, {tag.commit}."]
    if override := said["override"]:
        parts.append(f"Complete although gates failed: {code(override['reason'])}")
    gates = [[one["gate"], "holds" if one["ok"] else "FAILS", one["evidence"]]
             for one in said["gates"]]  # fmt: skip
    parts.append(table([["gate", "", "evidence"], *gates]))
    metrics = [[f"{file}:{name}", shown(value)] for file, values in said["metrics"].items()
               for name, value in flatten(values)]  # fmt: skip
    parts.append(table([["metric", "value"], *metrics]))
    parts.append(f"Versions of data, code and environment are in `{MANIFEST}`.")
    if doi := said["doi"]:
        parts.append(f"DOI: [{code(doi)}](https://doi.org/{quote(doi, safe='/')})")
    if volumes:
        names = ", ".join(code(file.name) for file in volumes)
        parts.append(f"{names}: everything to run it again; `python3 verify.py` in it checks it.")
    if left:
        parts.append(f"Too large for a release: {', '.join(map(code, left))}.")
    return "\n\n".join(filter(None, parts)) + "\n"
