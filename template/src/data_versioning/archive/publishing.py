"""From a commit to a publication: DOI, package, proof, deposit, and the tag of the phase."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from data_versioning.archive import evidence
from data_versioning.archive.deposit import depositing
from data_versioning.archive.deposit.archives import uploader_for
from data_versioning.archive.deposit.checks import Public
from data_versioning.archive.deposit.deposited import Deposited
from data_versioning.archive.facts import Release
from data_versioning.archive.package import Package, create_reproducibility_package
from data_versioning.archive.replay import replay, verify
from data_versioning.errors import StudyError
from data_versioning.phases import gates, plan
from data_versioning.phases.gate import PhaseGate
from data_versioning.phases.phase_tags import PhaseTag, next_version, phase_tags
from data_versioning.phases.plan import Phase
from data_versioning.phases.progress import order
from data_versioning.phases.tag_checks import agrees
from data_versioning.reproduction.sparse import refuse_uncommitted
from data_versioning.study import MARKER, Study
from data_versioning.tools import git, git_state

GATE = "archive"
LATER = ("tests", GATE)  # gates that are checked once, at the end, or not before there is a package
WRITTEN = (depositing.STATE, *depositing.CITED)
REFUSED = StudyError("nothing was done: it was not confirmed", "", "make publish")
Confirm = Callable[[str], bool]


@dataclass(frozen=True)
class Published:
    """What `publish` did.

    Args:
        tag: The tag of the phase.
        package: The name of the package.
        replay: What its replay said.
        doi: Its DOI; empty without a deposit.
        state: `tagged`, `draft` or `published`.
        address: Where the deposit is; empty without one.
    """

    tag: str
    package: str
    replay: str
    doi: str = ""
    state: str = "tagged"
    address: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it as what JSON can hold."""
        return asdict(self)

    def text(self) -> str:
        """Return it for people."""
        lines = [f"{self.tag}: {self.package}", f"replay: {self.replay}"]
        if self.doi or self.address:
            lines.append(f"{self.state}: {self.doi}  {self.address}".rstrip())
        if self.state == "draft":
            lines.append("look at the draft, then: make push && make publish PUBLISH=yes")
        else:
            lines.append("to share it: make push")
        return "\n".join(lines)


def steps(study: Study, phase: Phase, to: str, publish: bool) -> Iterator[str]:
    """Yield what `publish` is going to do, in words, but for what only looks whether it is done."""
    tagged = _tagged(study, phase, to)
    if tagged is None:
        tag = phase.tag(next_version(study.root, phase).patch)
        if to:
            yield f"reserve a DOI at {to}, unless one is, and commit it to {', '.join(WRITTEN)}"
        yield f"check the gates of the phase {phase.name}"
        yield f"make the package {study.answers['slug']}-{tag}, verify it, and replay it"
        if to:
            yield f"upload it to a draft at {to}"
        yield f"tag {tag}"
    if publish:
        name = f"{tagged.name} " if tagged else ""
        yield f"make {name}public at {to}: what is published can never be deleted again"


def planned(study: Study, to: str | None = None, publish: bool = False) -> list[str]:
    """Return what `publish` would do, step by step; nothing is asked of any server.

    Args:
        study: The study.
        to: The archive, as for `publish`.
        publish: Whether the draft would be made public.

    Raises:
        StudyError: No phase has the gate `archive`, or no archive is named.
    """
    return list(steps(study, _phase(study), _archive(study, to, publish), publish))


def publish(
    study: Study,
    confirm: Confirm,
    to: str | None = None,
    publish: bool = False,
    quiet: bool = False,
) -> Published:
    """Publish the current commit as its phase: the one that has the gate `archive`.

    Can be run again at any time: what is done already stays, and what was cut off goes on.

    Args:
        study: The study.
        confirm: Asked once, with what is going to be done; for the publication in an archive that
            is no rehearsal once more.
        to: The archive; that of `study.yaml` or of the answers when not given. Without any, the
            package is made, proved and tagged.
        publish: Make the draft public, too.
        quiet: The replay writes nothing to standard output.

    Returns:
        What there is now.

    Raises:
        StudyError: Something is not committed, a gate fails, the package does not prove itself, or
            the archive refused.
    """
    root = study.root
    phase = _phase(study)
    _finish(study)
    refuse_uncommitted(root, "only a commit can be published: uncommitted changes")
    there = _archive(study, to, publish)
    tagged = _tagged(study, phase, there)
    ahead = list(steps(study, phase, there, publish))
    if ahead and not confirm("\n".join(f"{i}. {what}" for i, what in enumerate(ahead, 1))):
        raise REFUSED
    if tagged is None:
        _refuse_failing(study, phase)
    if tagged is None and there:
        _reserve(study, there)
    package = _package(study, phase, tagged, there)
    replayed = _replayed(package, quiet)
    kept = _drafted(study, package, there, publish) if there else None
    tag = tagged or PhaseGate(root).complete(phase.name)
    if kept and kept.doi:
        _tag_runs(study, tag, kept.doi)
    if there and publish:
        kept = depositing.deposit(study, package, there, publish=True, confirm=confirm)
        _commit_state(study, f"data(archive): {kept.doi} is published")
        _tag_runs(study, tag, kept.doi)
    if kept is None:
        return Published(tag.name, package.name, replayed)
    return Published(tag.name, package.name, replayed, kept.doi, kept.state, kept.address)


def _archive(study: Study, to: str | None, publish: bool) -> str:
    """Return where to deposit; empty for nowhere, unless something is to be made public."""
    there = to or depositing.destination(study)
    if publish and not there:
        what, mend = "no archive is named to publish in", "make publish TO=zenodo-sandbox"
        raise StudyError(what, f"{MARKER}: archive.to", mend)
    return there


def _phase(study: Study) -> Phase:
    phase = next((one for one in plan.phases(study) if GATE in one.gates), None)
    if phase is None:
        raise StudyError(f"no phase has the gate {GATE}", f"{MARKER}: phases", f"$EDITOR {MARKER}")
    return phase


def _tagged(study: Study, phase: Phase, to: str) -> PhaseTag | None:
    """Return the tag of this phase that the current commit has, but for what a deposit wrote."""
    root = study.root
    head = git.resolve(root, "HEAD")
    for tag in reversed(phase_tags(root)):
        if tag.phase == phase.name and agrees(root, tag):
            changed = git_state.changed_between(root, tag.commit, head)
            # Where a DOI comes with the publication, it is written down after the tag.
            later = depositing.STATE in changed and to and not uploader_for(study, to).reserves
            return tag if set(changed) <= set(WRITTEN if later else [depositing.STATE]) else None
    return None


def _reserve(study: Study, to: str) -> None:
    doi = depositing.reserve(study, to)
    _commit_state(study, f"docs(citation): reserve {doi or 'a draft'}")


def _finish(study: Study) -> None:
    """Commit what a run that was killed has written down, if nothing else is uncommitted."""
    changed = set(git_state.changed(study.root, ["."]))
    if depositing.STATE in changed and changed <= set(WRITTEN):
        _commit_state(study, "data(archive): note what is deposited")


def _commit_state(study: Study, message: str) -> None:
    there = [path for path in WRITTEN if (study.root / path).is_file()]
    git.commit_only(study.root, there, message)


def _refuse_failing(study: Study, phase: Phase) -> None:
    """Check what takes seconds before what takes minutes."""
    quick = [gate for gate in phase.gates if gate not in LATER]
    found = [*order(study, phase), *gates.check(study, phase, quick)]
    failed = [one for one in found if not one.ok]
    if failed:
        what = f"phase {phase.name} is not complete: {failed[0].gate}"
        raise StudyError(what, failed[0].evidence, failed[0].mend)


def _package(study: Study, phase: Phase, tagged: PhaseTag | None, to: str) -> Package:
    if tagged:
        package = create_reproducibility_package(
            rev=tagged.name, archive=to or None, project_dir=study.root
        )
    else:
        from data_versioning.health.checks import run_of_lock

        run = run_of_lock(study)
        runs = (str(run["run_id"]),) if run else ()
        release = Release(phase.tag(next_version(study.root, phase).patch), phase.name, runs)
        package = create_reproducibility_package(
            release=release, archive=to or None, project_dir=study.root
        )
    if problems := verify(package.folder).findings:
        path, what = problems[0]
        raise StudyError(f"the package does not verify: {what}", path, "make publish")
    return package


def _replayed(package: Package, quiet: bool) -> str:
    """Replay a package unless its bytes were; returns what that said."""
    found = evidence.noted(package, evidence.REPLAY)
    if found is None or not found["ok"]:
        result = replay(package.folder, quiet=quiet)
        found = {"ok": bool(result), "said": result.said()}
        evidence.note(package, evidence.REPLAY, found)
        if not result:
            mend = f"data-versioning replay {shlex.quote(str(package.folder))} --keep"
            raise StudyError("the package does not come out the same", result.said(), mend)
    return str(found["said"])


def _drafted(study: Study, package: Package, to: str, publish: bool) -> Deposited | None:
    """Upload a package to a draft; None where it would be public at once, which comes last."""
    try:
        kept = depositing.deposit(study, package, to)
    except Public as error:
        if not publish:
            raise StudyError(error.what, error.where, "make publish PUBLISH=yes") from None
        said = f"to be put into the public project {error.where}"
        server = uploader_for(study, to).server
        evidence.note(package, evidence.DEPOSIT, {"said": said, "server": server})
        return None
    evidence.note(package, evidence.DEPOSIT, {"said": kept.said(), "server": kept.server})
    return kept


def _tag_runs(study: Study, tag: PhaseTag, doi: str) -> None:
    """Give the runs that a tag names the DOI of what they made."""
    from data_versioning.experiments.runs import tag_run

    for run in tag.manifest["runs"]:
        tag_run(study, run, {"doi": doi})
