"""Do the results come out again? Run all of a commit in a clean clone, and compare."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from data_versioning.command import stream
from data_versioning.errors import StudyError
from data_versioning.lineage import records
from data_versioning.lineage.records import Record
from data_versioning.reproduction.clean_clone import clean_clone, environment
from data_versioning.reproduction.freshness import FROZEN, state
from data_versioning.reproduction.sparse import fetch
from data_versioning.study import Study
from data_versioning.tools import dvc, git
from data_versioning.wording import counted

SAME, DIFFERENT, NOT_COMPARABLE = "same", "different", "not comparable"
AGAIN = 2  # how often a stage runs again to see whether it is deterministic
Records = dict[str, Record]


@dataclass(frozen=True)
class Output:
    """An output of a stage, made again.

    Args:
        path: The file or folder.
        stage: The stage that made it.
        verdict: `same`; `different`; or `not comparable`, because it differs, as did an input.
        recorded: DVC's hash that the commit records.
        made: The hash that came out.
    """

    path: str
    stage: str
    verdict: str
    recorded: str
    made: str


@dataclass(frozen=True)
class Proof:
    """What came out of a commit.

    Args:
        commit: The commit.
        seconds: How long the pipeline took.
        outputs: Every output of the stages that ran.
        varying: Stages that are not deterministic: from the same inputs, each run made another
            output.
        elsewhere: Stages that make the same in each run here, but not what the commit records.
        frozen: Stages that did not run, because they are frozen.
    """

    commit: str
    seconds: float
    outputs: tuple[Output, ...]
    varying: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    frozen: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether every output is the recorded one."""
        return all(one.verdict == SAME for one in self.outputs)

    def as_dict(self) -> dict[str, Any]:
        """Return it as what JSON can hold."""
        return asdict(self)

    def text(self) -> str:
        """Return a line for each output, and what is wrong with which stage."""
        width = max((len(one.verdict) for one in self.outputs), default=0)
        lines = [f"{one.verdict:<{width}}  {one.path}  ({one.stage})" for one in self.outputs]
        lines += [f"not deterministic: {name}: each run made another output from the same inputs"
                  for name in self.varying]  # fmt: skip
        lines += [f"not what the commit records, but the same in each run here: {name}"
                  for name in self.elsewhere]  # fmt: skip
        lines += [f"not run: {name}: it is frozen" for name in self.frozen]
        same = sum(one.verdict == SAME for one in self.outputs)
        of = f"{same} of {counted(len(self.outputs), 'output')} came out the same"
        return "\n".join([*lines, f"{of}: {self.commit[:8]}, {self.seconds:.0f} s without cache"])


def prove(study: Study, keep: Path | str | None = None, quiet: bool = False) -> Proof:
    """Run the whole pipeline of the current commit in a clean clone, and compare what comes out.

    The environment is that of `uv.lock`; data that no stage makes comes from the remote; nothing
    comes from a cache. The study's MLflow store does not change.

    Args:
        study: The study.
        keep: A new folder for the clone, which then stays; see `clean_clone`.
        quiet: Write nothing to standard output.

    Raises:
        StudyError: Something is not committed, or out of date; or the remote refused; or a stage
            failed.
    """
    with clean_clone(study, keep) as clone:
        pipeline = state(clone)
        if stale := pipeline.stale:
            what = "the results of this commit are not up to date"
            raise StudyError(what, ", ".join(stale), "make repro, then git commit")
        names = [stage.name for stage in pipeline.stages if stage.verdict != FROZEN]
        fetch(clone, pipeline, pipeline.missing(names))
        recorded = _records(clone)
        start = time.perf_counter()
        run(clone, names, quiet)
        seconds = time.perf_counter() - start
        made = _records(clone)
        outputs = _outputs(names, recorded, made)
        suspects = dict.fromkeys(one.stage for one in outputs if one.verdict == DIFFERENT)
        # Backwards, so that none reads what another made in its second run.
        varying = {name for name in reversed(suspects) if _varies(clone, name, made, quiet)}
        return Proof(
            commit=git.resolve(clone.root, "HEAD"),
            seconds=seconds,
            outputs=outputs,
            varying=tuple(name for name in suspects if name in varying),
            elsewhere=tuple(name for name in suspects if name not in varying),
            frozen=tuple(pipeline.names(FROZEN)),
        )


def _records(clone: Study) -> Records:
    return {record.address: record for record in records.at(clone.root) if record.is_stage}


def _outputs(names: Sequence[str], recorded: Records, made: Records) -> tuple[Output, ...]:
    found = []
    for name in names:
        if name not in made:  # it has neither inputs nor outputs
            continue
        old, new = recorded[name], made[name]
        comparable = {dep.version for dep in old.deps} == {dep.version for dep in new.deps}
        for out in new.outs:
            before = old.out(out.path)
            md5 = before.md5 if before else ""
            verdict = DIFFERENT if comparable else NOT_COMPARABLE
            if md5 == out.md5:
                verdict = SAME
            found.append(Output(out.path, name, verdict, md5, out.md5))
    return tuple(found)


def _varies(clone: Study, name: str, made: Records, quiet: bool) -> bool:
    for _ in range(AGAIN):
        run(clone, [name], quiet)
        if _records(clone)[name].outs != made[name].outs:
            return True
    return False


def run(
    clone: Study,
    names: Sequence[str],
    quiet: bool,
    where: str = "a clean clone",
    mend: str = "data-versioning prove --keep <folder>, and look there",
) -> None:
    """Run stages without a cache, in this order, whether they are up to date or not.

    Args:
        clone: The study; what the stages track goes into it.
        names: The stages.
        quiet: Write nothing to standard output.
        where: What to call the place in an error.
        mend: The mend of a stage that fails.

    Raises:
        StudyError: A stage failed, or DVC cannot run them.
    """
    argv = ["dvc", "repro", "--force", "--no-run-cache", "--single-item", "--", *names]
    out = sys.stderr if quiet else sys.stdout
    status, stderr = stream(argv, clone.root, "ERROR:", environment(clone), out)
    if status != 0:
        stage, reason = dvc.failure(stderr)
        what = f"stage '{stage}' failed in {where}" if stage else "the pipeline did not run"
        raise StudyError(what, reason, mend)
