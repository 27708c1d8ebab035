"""Complete a phase: check its gates, and tag it if they hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from data_versioning.errors import StudyError, UsageError
from data_versioning.locking import exclusive
from data_versioning.phases import gates, manifest, plan
from data_versioning.phases.findings import Finding, text
from data_versioning.phases.phase_tags import (
    PhaseTag,
    in_history,
    next_version,
    phase_tags,
    refuse_going_back,
)
from data_versioning.phases.plan import Phase
from data_versioning.phases.tag_checks import agrees
from data_versioning.study import Study
from data_versioning.tools import git, git_branches, git_history, git_state
from data_versioning.workflow.branches import MAIN

if TYPE_CHECKING:
    from data_versioning.phases.progress import Progress

LOCK = "phase-complete.lock"  # in git's own folder


class PhaseGate:
    """The gates between the phases of a study.

    Args:
        project_dir: The study's folder, or one in it.

    Raises:
        StudyError: There is no study.
    """

    def __init__(self, project_dir: Path | str = ".") -> None:
        self.study = Study.open(project_dir)

    def status(self) -> Progress:
        """Return where the study stands: phases done, the current one and its gates."""
        from data_versioning.phases.progress import progress

        return progress(self.study)

    def check(self, phase: str) -> list[Finding]:
        """Return what the gates of a phase find; nothing is changed.

        Args:
            phase: Its name.

        Raises:
            StudyError: There is no such phase, or no commit yet.
        """
        self._head()
        return self._findings(plan.phase(self.study, phase))

    def complete(self, phase: str, override: str | None = None, dry_run: bool = False) -> PhaseTag:
        """Check the gates of a phase, print what each finds, and tag the commit if all hold.

        A commit that is tagged for this phase already stays as it is.

        Args:
            phase: Its name.
            override: Why it is complete although gates fail; recorded in the tag.
            dry_run: Make no tag, print the message that it would have.

        Returns:
            The tag.

        Raises:
            StudyError: A gate fails, versions would go back, or the commit changed meanwhile.
            UsageError: The reason for the override is empty.
        """
        if override is not None and not override.strip():
            raise UsageError("an override needs its reason", phase, "OVERRIDE='why it is complete'")
        chosen = plan.phase(self.study, phase)
        commit = self._head()
        root = self.study.root
        with exclusive(git_state.folder(root, LOCK), "it completes a phase"):
            tags = [one for one in phase_tags(root) if agrees(root, one)]
            mine = [one for one in tags if one.commit == commit and _is_of(one, chosen)]
            if mine:
                print(f"complete already: {mine[-1].name} is on this commit")
                return mine[-1]
            if git_history.is_shallow(root):
                what = "a shallow clone: the tags of earlier phases are not in it"
                raise StudyError(what, str(root), "git fetch --unshallow --tags")
            refuse_going_back(chosen, in_history(root, tags, commit))
            who, _ = git_history.committer(root)
            findings = self._findings(chosen)
            print(text(findings))
            failed = [one for one in findings if not one.ok]
            if failed and override is None:
                fail = "1 gate fails" if len(failed) == 1 else f"{len(failed)} gates fail"
                # A form that has no answers yet is not to be committed.
                first = min(failed, key=lambda one: (one.gate != "order", one.gate != "documents"))
                raise StudyError(f"phase {phase} is not complete", fail, first.mend)
            if override is not None and not failed:
                print("every gate holds, so there is nothing to override")
            if git_branches.outside(root, MAIN, [commit]):
                what = f"this commit is not in {MAIN} yet; merge it without squashing it"
                print(f"note: {what}, or the tag stays outside")
            made = self._tag(chosen, commit, who, findings, override, tags)
            if dry_run:
                print(f"would tag {commit[:8]} {made.name}:\n\n{made.message}", end="")
                return made
            if (now := git.head(root)) != commit:
                what = f"the commit changed while the gates were checked, to {(now or '')[:8]}"
                raise StudyError(what, commit[:8], f"make phase-complete PHASE={phase}")
            git.make_tag(root, made.name, commit, made.message, _latest(tags))
            print(f"tagged {commit[:8]} {made.name}; to share it: make push")
            return next(one for one in phase_tags(root) if one.name == made.name)

    def verify(self, tag: str) -> list[Finding]:
        """Compare the manifest of a tag with what it tagged, in whatever clone.

        Needs neither data nor store nor remote; what these alone could tell has `ok` None.

        Args:
            tag: Its name.

        Raises:
            StudyError: There is no such tag.
        """
        from data_versioning.phases.verification import verify

        return verify(self.study, tag)

    def verify_all(self) -> dict[str, list[Finding]]:
        """Return what `verify` finds of each tag of a phase, by its name, oldest first."""
        return {tag.name: self.verify(tag.name) for tag in phase_tags(self.study.root)}

    def _head(self) -> str:
        root = self.study.root
        if git.toplevel(root) is None or (commit := git.head(root)) is None:
            raise StudyError("no commit yet, so there is nothing to tag", str(root), "make setup")
        return commit

    def _findings(self, phase: Phase) -> list[Finding]:
        from data_versioning.phases.progress import order

        return [*order(self.study, phase), *gates.check(self.study, phase)]

    def _tag(
        self,
        phase: Phase,
        commit: str,
        who: str,
        findings: Sequence[Finding],
        override: str | None,
        tags: Sequence[PhaseTag],
    ) -> PhaseTag:
        """Return the tag that is to be made."""
        from data_versioning.health.checks import run_of_lock

        root = self.study.root
        version = next_version(root, phase)
        time = datetime.now().astimezone().replace(microsecond=0)
        if latest := _latest(tags):
            time = max(time, latest + timedelta(seconds=1))
        logged = any(one.gate == "logged" and one.ok for one in findings)
        run = run_of_lock(self.study) if logged else None
        runs = [str(run["run_id"])] if run else []
        content = manifest.make(
            root, phase, str(version), commit, time, who, findings, override, runs
        )
        facts = (phase.suffix, phase.name, commit, who, time, manifest.text(content), content)
        return PhaseTag(phase.tag(version.patch), version, *facts)


def _is_of(tag: PhaseTag, phase: Phase) -> bool:
    same = tag.version.to_tuple()[:2] == phase.version.to_tuple()[:2]
    return same and tag.suffix == phase.suffix


def _latest(tags: Sequence[PhaseTag]) -> datetime | None:
    return max((one.time for one in tags), default=None)
