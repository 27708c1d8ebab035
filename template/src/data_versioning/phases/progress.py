"""Where the study stands: the phases done, the current one and its gates, those to come."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from data_versioning.errors import StudyError
from data_versioning.phases.findings import Finding
from data_versioning.phases.plan import Phase, phases
from data_versioning.study import Study
from data_versioning.tools import git, git_branches
from data_versioning.wording import listed as some_of
from data_versioning.workflow.branches import MAIN

if TYPE_CHECKING:
    from data_versioning.phases.phase_tags import PhaseTag

NOT_RUN = "not run here; make phase-complete runs them"  # this is to answer in seconds


@dataclass(frozen=True)
class Progress:
    """Where a study stands.

    Args:
        phases: Its phases, in their order.
        done: The last tag of each complete phase, by the phase's name.
        outside: The names of those of these tags whose commit is not in `main`.
        current: The phase that is worked on; None when all are complete.
        branch: The current branch.
        findings: What the gates of the current phase found; tests are not run.
    """

    phases: tuple[Phase, ...]
    done: dict[str, PhaseTag]
    outside: frozenset[str]
    current: Phase | None
    branch: str
    findings: tuple[Finding, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {
            "branch": self.branch,
            "done": [
                {
                    "phase": name,
                    "tag": tag.name,
                    "time": tag.time.isoformat(),
                    "author": tag.author,
                    "commit": tag.commit,
                    "in_main": tag.name not in self.outside,
                }
                for name, tag in self.done.items()
            ],
            "current": self.current.name if self.current else None,
            "gates": [asdict(finding) for finding in self.findings],
            "to_come": [phase.name for phase in self.to_come],
        }

    @property
    def to_come(self) -> tuple[Phase, ...]:
        """The phases that are neither complete nor the current one."""
        return tuple(
            phase for phase in self.phases if phase != self.current and phase.name not in self.done
        )


def progress(study: Study) -> Progress:
    """Return where a study stands.

    Raises:
        StudyError: The list of phases is broken, or there is no repository.
    """
    if git.toplevel(study.root) is None:
        raise StudyError("not in a git repository", str(study.root), "make setup")
    listed = phases(study)
    done = completions(study)
    branch = git.branch(study.root)
    worked_on = [phase for phase in listed if phase.branch == branch]
    current = next(iter(worked_on + [phase for phase in listed if phase.name not in done]), None)
    findings = [*order(study, current), *_findings(study, current)] if current else []
    outside = git_branches.outside(study.root, MAIN, [tag.commit for tag in done.values()])
    names = frozenset(tag.name for tag in done.values() if tag.commit in outside)
    return Progress(listed, done, names, current, branch, tuple(findings))


def _findings(study: Study, phase: Phase) -> list[Finding]:
    """Return what the gates of a phase find, all but the tests."""
    from data_versioning.phases import criteria
    from data_versioning.phases.gates import check

    tests = Finding("tests", None, NOT_RUN)
    quick = [gate for gate in phase.gates if gate not in ("tests", criteria.GATE)]
    found = {one.gate: [one] for one in check(study, phase, quick)} | {"tests": [tests]}
    if criteria.GATE in phase.gates:
        found[criteria.GATE] = criteria.check(study, phase, tests)
    return [one for gate in phase.gates for one in found[gate]]


def completions(study: Study) -> dict[str, PhaseTag]:
    """Return the last tag of each phase that is complete, by the phase's name, in their order."""
    from data_versioning.phases.phase_tags import phase_tags

    tags = {tag.phase: tag for tag in phase_tags(study.root)}  # oldest first: the last one stays
    return {phase.name: tags[phase.name] for phase in phases(study) if phase.name in tags}


def open_before(study: Study, phase: Phase) -> list[str]:
    """Return the phases that come before one in the list and were never completed."""
    done = completions(study)
    names = [one.name for one in phases(study)]
    return [name for name in names[: names.index(phase.name)] if name not in done]


def order(study: Study, phase: Phase) -> list[Finding]:
    """Return a finding that fails if a phase is about to be completed before an earlier one."""
    if phase.name in completions(study) or not (skipped := open_before(study, phase)):
        return []
    what = f"not complete yet: {some_of(skipped)}; after this, only with a higher version"
    return [Finding("order", False, what, f"make phase-start PHASE={skipped[0]}")]
