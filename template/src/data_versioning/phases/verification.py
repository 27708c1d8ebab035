"""Does the tag of a phase say what it tagged? From git alone: no data, no store, no remote."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from data_versioning.errors import StoreError, StudyError
from data_versioning.phases import manifest
from data_versioning.phases.findings import Finding, verdict
from data_versioning.phases.gates import commits_until
from data_versioning.phases.phase_tags import (
    PhaseTag,
    in_history,
    other_tags,
    phase_tags,
    refuse_going_back,
)
from data_versioning.phases.plan import Phase, listed_in
from data_versioning.study import MARKER, Study
from data_versioning.tools import git, git_history
from data_versioning.wording import listed, printable

Answer = tuple[bool | None, str]  # does it hold, and the evidence
SLACK = timedelta(minutes=1)  # between the manifest's time and the tag's
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
        raise StudyError(f"no tag of a phase; the latest are: {known}", name, "git fetch --tags")
    mend = _again(tag.phase)
    try:
        phase = _phase_at(root, tag)
    except StudyError as error:
        return [Finding("phase", False, str(error), mend)]
    case = _Case(study, tag, phase, in_history(root, tags[: tags.index(tag)], tag.commit))
    overridden = (tag.manifest["override"] or {}).get("gates", ())
    checks = CHECKS | {
        gate: ask
        for gate, ask in AT_COMMIT.items()
        if gate in phase.gates and gate not in overridden
    }
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


def _phase_at(root: Path, tag: PhaseTag) -> Phase:
    content = git.file_at(root, tag.commit, MARKER)
    listed_then = listed_in(content or b"")
    phase = next((one for one in listed_then if one.name == tag.phase), None)
    if phase is None:
        raise StudyError(f"{MARKER} of the tagged commit has no phase {tag.phase!r}")
    return phase


def _named(case: _Case) -> Answer:
    """The name is that of the phase, and the manifest repeats it."""
    tag, said = case.tag, case.said
    if said["format"] != manifest.FORMAT:
        return False, f"format {said['format']!r}; this tooling knows {manifest.FORMAT}"
    if said["version"] != str(tag.version):
        return False, f"the manifest is of version {said['version']}"
    if case.phase.tag(tag.version.patch) != tag.name:
        return False, f"{MARKER} of the tagged commit has {case.phase.tag()} for {tag.phase}"
    refuse_going_back(case.phase, case.before)
    return True, f"{tag.phase} is {case.phase.version.major}.{case.phase.version.minor}"


def _commit(case: _Case) -> Answer:
    if case.said["commit"] != case.tag.commit:
        return False, f"the manifest is of commit {case.said['commit'][:40]}"
    return True, case.tag.commit


def _signed(case: _Case) -> Answer:
    """Who and when are those of the tag itself."""
    tag, said = case.tag, case.said
    if said["who"] != tag.author:
        return False, f"the manifest is of {said['who']!r}, the tag of {tag.author!r}"
    try:
        time = datetime.fromisoformat(said["time"])
        is_close = timedelta() <= tag.time - time <= SLACK
    except (ValueError, TypeError):  # no time, or one without its zone
        is_close = False
    if not is_close:
        return False, f"the manifest is of {said['time']!r}, the tag of {tag.time.isoformat()}"
    return True, f"{tag.author}, {tag.time:%Y-%m-%d %H:%M}"


def _text(case: _Case) -> Answer:
    above, below = case.tag.message.partition(manifest.SIGNATURE)[0], manifest.text(case.said)
    if above.strip() != below.strip():
        return False, "the message says something else than its manifest"
    return True, "the message says what its manifest says"


def _gates(case: _Case) -> Answer:
    """Every gate of the phase is there, and those that failed were overridden with a reason."""
    gates, override = case.said["gates"], case.said["override"] or {"gates": [], "reason": ""}
    failed = [one["gate"] for one in gates if not one["ok"]]
    there = {one["gate"].partition(":")[0] for one in gates}
    if missing := [one for one in case.phase.gates if one not in there]:
        return False, f"not checked: {listed(missing)}"
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
    # Those that DVC keeps are among the data; their content is not here.
    said = {
        path: values
        for path, values in case.said["metrics"].items()
        if path in now or path not in case.said["data"]
    }
    return _same(said, now)


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
    return not stale, listed(stale) or "dvc.lock is that of the commit's code, parameters and data"


def _documents(case: _Case) -> Answer:
    from data_versioning.phases.documents import incomplete

    documents = case.phase.documents
    missing = [what for path in documents for what in incomplete(case.root, path, case.tag.commit)]
    return not missing, listed(missing or documents) or "it owes none"


def _commits(case: _Case) -> Answer:
    return commits_until(case.root, case.tag.commit, case.before)[:2]


CHECKS: dict[str, Callable[[_Case], Answer]] = {
    "phase": _named,
    "commit": _commit,
    "tagger": _signed,
    "message": _text,
    "gates": _gates,
    "dvc.lock": _fact("dvc_lock"),
    "metrics": _metrics,
    "data": _fact("data"),
    "environment": _environment,
    "template": _fact("template"),
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
    dropped = [one["gate"] for one in case.said["gates"] if one["gate"] not in AT_COMMIT]
    yield Finding("other gates", None, f"not checked here: {', '.join(dropped)}")
