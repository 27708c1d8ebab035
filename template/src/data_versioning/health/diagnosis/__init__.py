"""Find what is wrong with a study: independent checks, none of which can hide another."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from data_versioning.errors import StudyError, one_line
from data_versioning.health.diagnosis import data, environment, repository, runs, template
from data_versioning.health.diagnosis.findings import CATALOGUE, ERROR, SEVERITIES, Case, Finding
from data_versioning.study import Study

__all__ = ["CATALOGUE", "ERROR", "Finding", "doctor"]

CHECKS: list[Callable[[Case], Iterable[Finding]]] = [
    *runs.CHECKS,
    *template.CHECKS,
    *data.CHECKS,
    *environment.CHECKS,
    *repository.CHECKS,
]


def doctor(project_dir: Path | str = ".", offline: bool = False) -> list[Finding]:
    """Look for everything that is known to go wrong with a study; nothing is changed.

    Args:
        project_dir: The study, or a folder in it.
        offline: Ask nothing outside this machine: no remote, no server, no template elsewhere.

    Returns:
        The findings, errors first; `diagnosis.CATALOGUE` lists what they can be.

    Raises:
        StudyError: There is no study.
    """
    case = Case(Study.open(project_dir), offline)
    # Alone: it would take the git commands of the other checks for somebody's work.
    found = _result(repository.repository, case)
    with ThreadPoolExecutor() as pool:  # most of the time other programs start
        for result in pool.map(lambda check: _result(check, case), CHECKS):
            found += result
    return sorted(set(found), key=lambda one: (SEVERITIES.index(one.severity), one.id, one.where))


def _result(check: Callable[[Case], Iterable[Finding]], case: Case) -> list[Finding]:
    found = []
    try:
        for finding in check(case):
            found.append(finding)
    except StudyError as error:
        found.append(Finding("DV001", f"{check.__name__}: {error}", error.mend))
    except Exception as error:  # a defect of this check, or of what it looks at
        what = f"{check.__name__}: {type(error).__name__}: {one_line(error)}"
        found.append(Finding("DV001", what))
    return found
