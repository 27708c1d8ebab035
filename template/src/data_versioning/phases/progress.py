"""Where the study stands: the phases done, the current one and its gates, those to come."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from data_versioning.errors import StudyError
from data_versioning.phases.plan import Phase, phases
from data_versioning.study import Study
from data_versioning.tools import git

if TYPE_CHECKING:
    from data_versioning.phases.gates import Finding
    from data_versioning.phases.phase_tags import PhaseTag

SLOW = ("tests",)  # gates that `phase complete` alone checks: this is to answer in seconds


@dataclass(frozen=True)
class Progress:
    """Where a study stands.

    Args:
        phases: Its phases, in their order.
        done: The last tag of each complete phase, by the phase's name.
        current: The phase that is worked on; None when all are complete.
        branch: The current branch.
        findings: What the gates of the current phase found.
        unchecked: The gates of the current phase that were not looked at.
    """

    phases: tuple[Phase, ...]
    done: dict[str, PhaseTag]
    current: Phase | None
    branch: str
    findings: tuple[Finding, ...]
    unchecked: tuple[str, ...]

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
                }
                for name, tag in self.done.items()
            ],
            "current": self.current.name if self.current else None,
            "gates": [asdict(finding) for finding in self.findings],
            "unchecked": list(self.unchecked),
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
    from data_versioning.phases.gates import check

    if git.toplevel(study.root) is None:
        raise StudyError("not in a git repository", str(study.root), "make setup")
    listed = phases(study)
    done = completions(study)
    branch = git.branch(study.root)
    worked_on = [phase for phase in listed if phase.branch == branch]
    current = next(iter(worked_on + [phase for phase in listed if phase.name not in done]), None)
    gates = current.gates if current else ()
    looked_at = [gate for gate in gates if gate not in SLOW]
    findings = check(study, current, looked_at) if current else []
    unchecked = tuple(gate for gate in gates if gate in SLOW)
    return Progress(listed, done, current, branch, tuple(findings), unchecked)


def completions(study: Study) -> dict[str, PhaseTag]:
    """Return the last tag of each phase that is complete, by the phase's name, in their order."""
    from data_versioning.phases.phase_tags import phase_tags

    tags = {tag.phase: tag for tag in phase_tags(study.root)}  # oldest first: the last one stays
    return {phase.name: tags[phase.name] for phase in phases(study) if phase.name in tags}
