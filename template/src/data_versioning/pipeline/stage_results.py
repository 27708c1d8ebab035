"""What a reproduction did with each stage, from DVC's own log and from `dvc.lock`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from data_versioning.errors import StudyError

OUTPUT_LINES = 20
SAID = [
    (r"Running stage '(.+)':", "ran"),
    (r"Stage '(.+)' is cached - skipping run, checking out outputs", "cached"),
    (r"Stage '(.+)' didn't change, skipping", "skipped"),
    (r"Verifying outputs in frozen stage: '(.+)'", "skipped"),
]


@dataclass(frozen=True)
class StageResult:
    """What became of a stage.

    Args:
        name: The stage, of a loop with its key, such as `train@large`.
        outcome: `ran`; `cached`, its outputs of an earlier run were put in place; or `skipped`,
            it was up to date.
        seconds: How long its command ran, if it did.
        changed: The outputs that hold something else than before, or are new.
    """

    name: str
    outcome: str
    seconds: float | None = None
    changed: tuple[str, ...] = ()


class StageFailed(StudyError):
    """A stage ended in an error; those after it did not run.

    Args:
        stage: Its name.
        exit_status: What its command exited with, 128 and the signal when one killed it; None if
            it was DVC that failed, before or after the command.
        reason: Why, on one line.
        output: The end of what it printed, standard output and errors.
    """

    def __init__(self, stage: str, exit_status: int | None, reason: str, output: str) -> None:
        super().__init__(f"stage '{stage}' failed", reason, "mend it, then: make repro")
        self.stage = stage
        self.exit_status = exit_status
        self.output = output


def stage_failed(stage: str, reason: str, printed: str) -> StageFailed:
    """Return the error of a stage that failed.

    Args:
        stage: Its name.
        reason: What DVC and the stage gave as a reason.
        printed: All that DVC and the stages printed, or the end of it.
    """
    said = re.search(r"exited with (-?\d+)", reason)
    # DVC has a shell run the command. One that becomes the command is killed itself, which Python
    # gives as -9; one that waits for it exits with 137.
    status = (int(said[1]) if int(said[1]) >= 0 else 128 - int(said[1])) if said else None
    _, _, own = printed.rpartition(f"Running stage '{stage}':")
    lines = [line.rstrip("\r").rpartition("\r")[2] for line in own.split("ERROR: ")[0].split("\n")]
    output = "\n".join(line for line in lines if line.strip()).split("\n")
    return StageFailed(stage, status, reason, "\n".join(output[-OUTPUT_LINES:]))


def stage_results(
    log: list[tuple[float, str]], before: dict[str, Any], after: dict[str, Any]
) -> tuple[StageResult, ...]:
    """Return what became of each stage, in the order in which DVC looked at them.

    Args:
        log: What DVC said and when, in seconds.
        before: The stages of `dvc.lock` before the reproduction.
        after: The same after it.
    """
    results: dict[str, StageResult] = {}
    for i, (time, message) in enumerate(log):
        for pattern, outcome in SAID:
            if not (found := re.fullmatch(pattern, message)):
                continue
            name = found[1]
            if name in results and outcome != "ran":
                continue  # the first of two attempts did more
            seconds = None
            if outcome == "ran":
                # It repeats each command before it runs it.
                later = (when for when, said in log[i + 1 :] if not said.startswith("> "))
                seconds = round(next(later) - time, 3)
            changed = _changed(before.get(name, {}), after.get(name, {}))
            results[name] = StageResult(name, outcome, seconds, changed)
    return tuple(results.values())


def _changed(before: dict[str, Any], after: dict[str, Any]) -> tuple[str, ...]:
    old = {out["path"]: out.get("md5") for out in before.get("outs", [])}
    new = {out["path"]: out.get("md5") for out in after.get("outs", [])}
    return tuple(path for path, digest in new.items() if path not in old or digest != old[path])
