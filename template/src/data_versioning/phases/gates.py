"""The gates of a phase: what has to hold before it is complete, each with its evidence."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from data_versioning.phases.findings import Finding, Verdict, verdict
from data_versioning.phases.phase_tags import PhaseTag, held
from data_versioning.phases.plan import Phase
from data_versioning.phases.work_tree import COMMIT, clean
from data_versioning.study import Study
from data_versioning.tools import dvc_files, git, git_branches, git_state
from data_versioning.wording import counted, listed

if TYPE_CHECKING:
    from data_versioning.workflow.commits import Judged

RECENT = 100  # runs
_COUNTED = re.compile(r"=*\s*(.*\b\d+ (?:passed|failed|error|skipped|xfailed|xpassed).*?)\s*=*")


def check(study: Study, phase: Phase, gates: Sequence[str] | None = None) -> list[Finding]:
    """Return what the gates of a phase find, in their order; nothing is changed.

    Args:
        study: The study.
        phase: The phase.
        gates: Which gates; all of the phase's when not given.
    """
    from data_versioning.phases import criteria

    names = phase.gates if gates is None else gates
    found: dict[str, list[Finding]] = {}
    with ThreadPoolExecutor() as pool:  # DVC, the remote and MLflow each take a second to start
        asked = {name: pool.submit(_found, name, study, phase) for name in names if name in SLOW}
        for name, answer in asked.items():
            _progress(f"checking {name}")
            found[name] = [answer.result()]
    # One after the other: tests and the doctor start the same programs. Last, whether any of this
    # left something in the work tree.
    for name in sorted(set(names) - found.keys(), key=ORDER.index):
        _progress(f"checking {name}")
        if name == "data-management":
            tests = found.get("tests") or [_found("tests", study, phase)]
            found[name] = criteria.check(study, phase, tests[0])
        else:
            found[name] = [_found(name, study, phase)]
    _progress("")
    return [one for name in names for one in found[name]]


def _found(name: str, study: Study, phase: Phase) -> Finding:
    return verdict(name, lambda: GATES[name](study, phase))


def _pipeline(study: Study, _: Phase) -> Verdict:
    from data_versioning.phases.lock_check import stale_at
    from data_versioning.reproduction import freshness

    pipeline = freshness.check(study)
    if not pipeline.stages:
        return False, f"{dvc_files.PIPELINE} has no stages", "dvc stage add"
    if wrong := [*pipeline.stale, *pipeline.names(freshness.UNKNOWN)]:
        said = [f"{one.name} ({'; '.join(one.reasons)})" for one in pipeline.stages
                if one.name in wrong]  # fmt: skip
        mend = "make repro" if pipeline.stale else "make pull"
        return False, f"not up to date: {listed(said)}", mend
    if differing := pipeline.differing:
        names = shlex.join(differing)
        return False, f"tracked data was changed: {listed(differing)}", f"dvc add -- {names}"
    if stale := stale_at(study.root, _head(study.root)):
        return False, f"in the commit: {listed(stale)}", f"make repro; {COMMIT}"
    digest = dvc_files.lock_digest(study.root)
    lock = f"dvc.lock {digest[:8]}" if digest else "no dvc.lock"
    frozen = len(pipeline.names(freshness.FROZEN))
    fresh = counted(len(pipeline.stages) - frozen, "stage")
    return True, f"{fresh} up to date{f', {frozen} frozen' if frozen else ''}, {lock}", ""


def _pushed(study: Study, _: Phase) -> Verdict:
    from data_versioning.health.push_status import push_status

    found = push_status(study, revisions=False)
    where = " and ".join(found.remotes)
    if found:
        return True, f"{found.versions} files and folders, all in {where}", ""
    paths = [f"{one.path} ({counted(one.files, 'file')})" for one in found.unpushed]
    mend = "make push" if found.mends else "make repro && make push"
    return False, f"{where} lacks {listed(paths)}", mend


def _logged(study: Study, _: Phase) -> Verdict:
    from data_versioning.health import checks

    root = study.root
    if (digest := dvc_files.lock_digest(root)) is None:
        return False, "no results: there is no dvc.lock", checks.REPRODUCE
    if git.file_at(root, _head(root), dvc_files.LOCK) != (root / dvc_files.LOCK).read_bytes():
        return False, "dvc.lock is not committed", COMMIT
    status = checks.logging_status(study, RECENT)
    for one in status.runs:
        if one["status"] == "RUNNING":
            mend = checks.CLOSE if one["run_id"] in status.dead else "wait for it"
            since = one["started"][:16].replace("T", " ")
            return False, f"run {one['run_id'][:8]} is unfinished since {since}", mend
    if (run := checks.run_of_lock(study)) is None:
        return False, f"no finished run holds dvc.lock {digest[:8]}", checks.LOG
    name, commit = run["run_id"][:8], run["commit"]
    # A run before the first commit is as good as one on changes that were committed since.
    is_known = commit == "none" or not git_state.unknown_commits(root, [commit])
    if not is_known:
        what = f"run {name} ran on commit {commit[:8]}, which is not in this repository"
        return False, what, "git fetch --all --tags"
    metrics = counted(len(run["metrics"]), "metric")
    on = f"{commit[:8]} and changes committed since" if run["dirty"] else commit[:8]
    on = "what was committed first" if commit == "none" else on
    return True, f"run {name} finished with {metrics}, dvc.lock {digest[:8]}, on {on}", ""


def _tests(study: Study, _: Phase) -> Verdict:
    # Not -q: the study's own options can hold another one, and then there are no counts.
    argv = [sys.executable, "-m", "pytest", "--verbosity=-1", "--color=no"]
    environment = {key: value for key, value in os.environ.items() if key != "PYTEST_ADDOPTS"}
    done = subprocess.run(
        argv, cwd=study.root, env=environment, capture_output=True, text=True, check=False
    )
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    counts = next((found[1] for line in reversed(lines) if (found := _COUNTED.fullmatch(line))), "")
    if done.returncode == 5:
        return False, "no tests", "write tests/test_<topic>.py"
    said = counts or f"pytest ended with {done.returncode}"
    if done.returncode == 0 and not re.search(r"\b[1-9]\d* passed\b", counts):
        return False, f"no test passed: {said}", "make test"
    return done.returncode == 0, said, "make test"


def _data(study: Study, _: Phase) -> Verdict:
    from data_versioning.data.declared import table_rules
    from data_versioning.data.quality import validate_data
    from data_versioning.data.tables import data_sets

    problems = validate_data(study.root)
    if problems:
        said = [": ".join(filter(None, (one.path, one.column, one.what))) for one in problems]
        return False, f"{counted(len(said), 'problem')}: {listed(said)}", problems[0].mend
    count = len(data_sets(study) | table_rules(study).keys())
    return True, f"nothing is wrong with {counted(count, 'data set')}", ""


def _drift(study: Study, _: Phase) -> Verdict:
    from data_versioning.data.declared import EDIT
    from data_versioning.data.drift import data_drift

    if not (complete := held(study.root)):
        return True, "nothing to compare with: no phase is complete yet", ""
    # A phase without this gate let drift pass that nobody looked at.
    asked = [one for one in complete if _has_gate(one, "drift")]
    since = next((one.name for one in [*asked[-1:], *complete] if one.manifest["data"]), "")
    if not since:
        return True, "nothing to compare with: no phase with data is complete yet", ""
    found = data_drift(study, since)
    if found.problems:
        said = [f"{one.path}: {one.what}" for one in found.problems]
        return False, f"not compared with {since}: {listed(said)}", found.problems[0].mend
    if found.unexplained:
        said = [f"{path}: {column}" if column else f"{path} is gone"
                for path, column in found.unexplained]  # fmt: skip
        what = f"unexplained since {since}: {listed(said)}; say why under drift: explained:"
        return False, what, EDIT
    changed = sum(one.state != "unchanged" for one in found.datasets)
    return (
        True,
        f"{changed} of {len(found.datasets)} data sets changed since {since}, none unexplained",
        "",
    )


def _has_gate(tag: PhaseTag, name: str) -> bool:
    return any(one["gate"] == name for one in tag.manifest["gates"])


def _documents(study: Study, phase: Phase) -> Verdict:
    from data_versioning.phases.documents import incomplete

    root, head = study.root, _head(study.root)
    for path in phase.documents:
        if not (missing := incomplete(root, path, head)):
            continue
        if not (here := incomplete(root, path)):
            is_known = git.is_tracked(root, path)
            what = f"{path} is not committed{' as it is' if is_known else ''}"
            return False, what, f"git add -- {shlex.quote(path)} && git commit"
        if (root / path).exists():
            return False, listed(here), f"$EDITOR {shlex.quote(path)}"
        if count := git_branches.missing_commits(root, phase.branch):
            what = f"{missing[0]}: {phase.branch} is not merged, {counted(count, 'commit')}"
            return False, what, f"git merge --no-ff {phase.branch}"
        return False, listed(here), f"make phase-start PHASE={phase.name}"
    said = ", ".join(phase.documents) or "it owes none"
    return True, f"complete: {said}" if phase.documents else said, ""


def _commits(study: Study, _: Phase) -> Verdict:
    from data_versioning.workflow import history_check
    from data_versioning.workflow.commits import judge_since_phase

    root, head = study.root, _head(study.root)
    complete = held(root, head)
    found = judge_since_phase(root, head, complete)
    ok, said = _said_of(found, complete)
    if ok:
        return True, said, ""
    mend, note = history_check.mend(root, found.since, found.bad)
    return False, f"{said}; {note}" if note else said, mend


def commits_until(root: Path, commit: str, complete: Sequence[PhaseTag]) -> tuple[bool, str]:
    """Judge the messages of the commits since the last phase, or since there is a convention.

    Args:
        root: The study.
        commit: The last of the commits.
        complete: The tags of phases in its history, the nearest last.

    Raises:
        StudyError: The clone is shallow, or `.cz.toml` is missing or broken.
    """
    from data_versioning.workflow.commits import judge_since_phase

    return _said_of(judge_since_phase(root, commit, complete), complete)


def _said_of(found: Judged, complete: Sequence[PhaseTag]) -> tuple[bool, str]:
    count = counted(found.count, "commit")
    since = (found.since if complete else found.since[:8]) or "the first one"
    if not found.bad:
        return True, f"{count} since {since}, all following the convention"
    said = [f"{one.commit[:8]} {one.subject!r}: {one.why}" for one in found.bad]
    return False, f"{len(said)} of {count} since {since}: {listed(said)}"


def _archive(study: Study, phase: Phase) -> Verdict:
    from data_versioning.archive.evidence import archived

    return archived(study, phase)


def _head(root: Path) -> str:
    return git.resolve(root, "HEAD")


GATES: dict[str, Callable[[Study, Phase], Verdict]] = {
    "pipeline": _pipeline,
    "pushed": _pushed,
    "logged": _logged,
    "data": _data,
    "drift": _drift,
    "tests": _tests,
    "documents": _documents,
    "commits": _commits,
    "archive": _archive,
    "clean": clean,
}
SLOW = ("pipeline", "pushed", "logged", "data", "drift")
ORDER = ("tests", "data-management", "documents", "commits", "archive", "clean")


def _progress(what: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{what}", end="", file=sys.stderr, flush=True)
