"""Does the tag of a phase say what it tagged? From git alone: no data, no store, no remote."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from data_versioning.errors import StoreError, StudyError
from data_versioning.phases import manifest, tag_checks
from data_versioning.phases.criteria import GATE
from data_versioning.phases.findings import Finding, verdict
from data_versioning.phases.gates import commits_until
from data_versioning.phases.phase_tags import (
    PhaseTag,
    in_history,
    other_tags,
    phase_tags,
    refuse_going_back,
)
from data_versioning.phases.plan import Phase
from data_versioning.phases.tag_checks import Answer
from data_versioning.study import Study
from data_versioning.tools import dvc_files, git, git_history
from data_versioning.wording import listed, printable

MISMATCH = "is not what the tagged commit holds"


@dataclass(frozen=True)
class _Case:
    """A tag and what it is compared with.

    Args:
        study: The study.
        tag: The tag.
        phase: The phase, as `study.yaml` of the tagged commit has it.
        before: The tags in the history of the commit that are older than this one.
    """

    study: Study
    tag: PhaseTag
    phase: Phase
    before: Sequence[PhaseTag]

    @property
    def root(self) -> Path:
        """The study's folder."""
        return self.study.root

    @property
    def said(self) -> dict[str, Any]:
        """The manifest."""
        return self.tag.manifest


def verify(study: Study, name: str) -> list[Finding]:
    """Compare a tag's manifest with what it tagged, in whatever clone.

    Args:
        study: The study.
        name: The tag.

    Returns:
        A finding for each part; one whose `ok` is None is about what cannot be told here.

    Raises:
        StudyError: There is no such tag.
    """
    root = study.root
    tags = phase_tags(root)
    tag = next((one for one in tags if one.name == name), None)
    if tag is None:
        if name in (others := other_tags(root)):
            return [Finding("manifest", False, f"{name}: {others[name]}", _again("<name>"))]
        known = ", ".join(one.name for one in tags[-5:]) or "none"
        # The version alone, the phase alone, or a slip of the pen.
        near = [one.name for one in tags if name in (f"v{one.version}", one.suffix, one.phase)]
        near += difflib.get_close_matches(name, [one.name for one in tags], n=1)
        mend = f"make phase-verify TAG={near[0]}" if near else "git fetch --tags"
        raise StudyError(f"no tag of a phase; the latest are: {known}", name, mend)
    mend = _again(tag.phase)
    try:
        phase = tag_checks.phase_at(root, tag)
    except StudyError as error:
        return [Finding("phase", False, str(error), mend)]
    older = [one for one in tags[: tags.index(tag)] if tag_checks.agrees(root, one)]
    case = _Case(study, tag, phase, in_history(root, older, tag.commit))
    overridden = (tag.manifest["override"] or {}).get("gates", ())
    checks = CHECKS | {
        gate: ask
        for gate, ask in AT_COMMIT.items()
        if gate in phase.gates and gate not in overridden
    }
    if manifest.SIGNATURE in tag.message:
        checks["signature"] = lambda case: tag_checks.signature(case.root, case.tag)
    found = [_finding(part, partial(ask, case), mend) for part, ask in checks.items()]
    if git_history.is_shallow(root):
        found = [one for one in found if one.gate != "commits"]
        what = "not checked here, in a shallow clone (git fetch --unshallow)"
        found.append(Finding("commits", None, what))
    return [*found, _runs(case), *_not_here(case)]


def _finding(part: str, ask: Callable[[], Answer], mend: str) -> Finding:
    return verdict(part, lambda: (*ask(), mend))


def _again(phase: str) -> str:
    fetch = "git fetch --tags --force, if only this copy is wrong"
    return f"{fetch}; otherwise complete it again: make phase-complete PHASE={phase}"


def _named(case: _Case) -> Answer:
    """The name is that of the phase, and no version goes back."""
    ok, evidence = tag_checks.name(case.phase, case.tag)
    if not ok:
        return False, evidence
    refuse_going_back(case.phase, case.before)
    return True, f"{case.phase.name} is {case.phase.version.major}.{case.phase.version.minor}"


def _gates(case: _Case) -> Answer:
    """Every gate of the phase is there, and those that failed were overridden with a reason."""
    gates, override = case.said["gates"], case.said["override"] or {"gates": [], "reason": ""}
    failed = [one["gate"] for one in gates if not one["ok"]]
    there = {one["gate"].partition(":")[0] for one in gates}
    if missing := [one for one in case.phase.gates if one not in there]:
        return False, f"not checked: {listed(missing)}"
    names = [one["gate"] for one in gates]
    bare = [one.partition(": ")[0] if one.startswith(f"{GATE}: ") else one for one in names]
    if unknown := [one for one in bare if one not in (*case.phase.gates, "order")]:
        return False, f"no gate of {case.phase.name}: {listed(unknown)}"
    if len(set(names)) < len(names):
        return False, "a gate is there twice"
    if failed != override["gates"]:
        return False, f"failed: {listed(failed) or 'none'}; overridden: {override['gates']}"
    if failed and not override["reason"].strip():
        return False, f"overridden without a reason: {listed(failed)}"
    held = f"{len(gates) - len(failed)} of {len(gates)} held"
    why = f"; {listed(failed)} overridden: {override['reason']}" if failed else ""
    return True, held + why


def _fact(key: str) -> Callable[[_Case], Answer]:
    def check(case: _Case) -> Answer:
        now = manifest.facts(case.root, case.tag.commit)[key]
        return _same(case.said[key], now)

    return check


def _metrics(case: _Case) -> Answer:
    now = manifest.metrics(case.root, case.tag.commit, kept_by_git=True)
    said, elsewhere = dict(case.said["metrics"]), _kept_by_dvc(case)
    if missing := [path for path in elsewhere if said.pop(path, None) is None]:
        return False, f"{listed(missing)}: not in the manifest"
    return _same(said, now)


def _kept_by_dvc(case: _Case) -> list[str]:
    """Return the files of metrics that are among the data: their content is not here."""
    root, commit = case.root, case.tag.commit
    data = dvc_files.outputs(root, commit)
    named = sorted(dvc_files.value_files(root, commit)[0])
    return [path for path in named if path in data and git.file_at(root, commit, path) is None]


def _environment(case: _Case) -> Answer:
    now = manifest.environment(case.root, case.tag.commit)
    return _same(case.said["environment"].get("uv.lock"), now)


def _same(said: Any, now: Any) -> Answer:
    if manifest.dump(said) == manifest.dump(now):
        return True, _short(now)
    if not (isinstance(said, Mapping) and isinstance(now, Mapping)):
        return False, f"{_short(said)} {MISMATCH}: {_short(now)}"
    differing = [str(key) for key in {**said, **now}
                 if manifest.dump(said.get(key)) != manifest.dump(now.get(key))]  # fmt: skip
    return False, f"{listed(differing)} {MISMATCH}"


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{len(value)} as in the tagged commit"
    return "none" if value is None else printable(str(value))[:40]


def _pipeline(case: _Case) -> Answer:
    from data_versioning.phases.lock_check import stale_at

    stale = stale_at(case.root, case.tag.commit)
    held = "dvc.lock is that of the commit's code, parameters and data, as far as git can tell"
    return not stale, listed(stale) or held


def _documents(case: _Case) -> Answer:
    from data_versioning.phases.documents import incomplete

    documents = case.phase.documents
    missing = [what for path in documents for what in incomplete(case.root, path, case.tag.commit)]
    return not missing, listed(missing or documents) or "it owes none"


def _commits(case: _Case) -> Answer:
    return commits_until(case.root, case.tag.commit, case.before)[:2]


CHECKS: dict[str, Callable[[_Case], Answer]] = {
    "phase": _named,
    "commit": lambda case: tag_checks.commit(case.tag),
    "tagger": lambda case: tag_checks.tagger(case.tag),
    "message": lambda case: tag_checks.message(case.tag),
    "gates": _gates,
    "dvc.lock": _fact("dvc_lock"),
    "metrics": _metrics,
    "data": _fact("data"),
    "environment": _environment,
    "template": _fact("template"),
    "doi": _fact("doi"),
}
AT_COMMIT: dict[str, Callable[[_Case], Answer]] = {
    "pipeline": _pipeline,
    "documents": _documents,
    "commits": _commits,
}


def _runs(case: _Case) -> Finding:
    """Compare the runs with a store, where there is one on this machine."""
    from data_versioning.experiments.run_search import search
    from data_versioning.experiments.store import database
    from data_versioning.pipeline.unlogged import DIGEST

    said = case.said["runs"]
    if not said:
        return Finding("runs", None, "the manifest names none")
    file = database(case.study)
    if file is None or not file.exists():
        return Finding("runs", None, f"not checked here, the store is elsewhere: {listed(said)}")
    asked = f"tags.\"{DIGEST}\" = '{case.said['dvc_lock']}' AND attributes.status = 'FINISHED'"
    try:
        there = {run["run_id"] for run in search(case.study, asked)}
    except StoreError as error:
        return Finding("runs", None, f"not checked here: {error}")
    if lost := [run for run in said if run not in there]:
        return Finding("runs", None, f"not checked here, not in this store: {listed(lost)}")
    return Finding("runs", True, f"{listed(said)} finished with this dvc.lock")


def _not_here(case: _Case) -> Iterator[Finding]:
    """Yield what no clone can tell."""
    python = case.said["environment"].get("python")
    yield Finding("python", None, f"not checked here: {printable(str(python))} was used")
    if case.said["data"]:
        ask = "python -m data_versioning check-remote"
        yield Finding("remote", None, f"not checked here: does it hold the data ({ask})")
    with suppress(StudyError):  # which is a finding of its own
        if metrics := _kept_by_dvc(case):
            yield Finding("metrics of DVC", None, f"not checked here: {listed(metrics)}")
    dropped = [one["gate"] for one in case.said["gates"] if one["gate"] not in AT_COMMIT]
    yield Finding("other gates", None, f"not checked here: {', '.join(dropped)}")
