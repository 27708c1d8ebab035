"""From nothing to a committed repository with results: here, and with the peers."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence

from benchmarks import inventory, peers
from benchmarks.samples import Sample, table
from benchmarks.workplace import CommandError, Workplace, say

Steps = dict[str, float]
AT_MOST = 3  # repetitions: what takes half a minute need not run more often
# The line that ends each step of the set-up, as `copier copy --trust` prints it.
MARKS = {
    "Setting up the study": "render",
    "ok git repository": "repository",
    "ok environment": "environment",
    "ok dvc": "DVC, remote",
    "ok mlflow": "MLflow store",
    "ok git hooks": "git hooks",
    "ok first commit": "first commit",
}


def journey(place: Workplace) -> str:
    """Time the way from nothing to a committed repository with results, and list what is in it."""
    assert place.study.is_dir(), "made by now, it has filled the package cache"
    repeat = min(place.repeat, AT_MOST)
    say(f"journey: {repeat} times")
    ours = [_ours(place) for _ in range(repeat)]
    made = ours[-1].made
    text = [
        "## From nothing to a committed repository with results",
        "With a warm package cache. The lines add up to the total: `copier copy --trust`, split "
        "where the set-up reports a step, then `make repro` (five stages) and `git commit`.",
        _steps([run.steps for run in ours]),
        "### The peers, as far as they get",
        "In environments of their own, with their own commands and without any question asked. "
        "Their installation is not counted.",
    ]
    for peer in peers.PEERS:
        say(f"journey: {peer.package}")
        title = f"#### {peer.package}"
        try:
            runs = [peer.go(place) for _ in range(repeat)]
        except CommandError as error:
            text += [title, f"Could not be run{peers.needs(error)}: `{error}`"]
            continue
        text += [title, peer.note, _steps([run.steps for run in runs])]
        made = made | runs[-1].made
    text += [
        "### What is there afterwards",
        "Found by a program in each folder, not by opinion: see `benchmarks/inventory.py`.",
        _made(made),
    ]
    return "\n\n".join(text)


def _ours(place: Workplace) -> peers.Went:
    study = place.new("study")
    steps = _marked(place, place.copier(place.template, study, "--trust"))
    steps["first reproduction"] = place.timed(study, "make", "repro")
    start = time.perf_counter()
    place.run(study, "git", "add", "--all")
    place.run(study, "git", "commit", "--quiet", "--message", "data: first results")
    steps["commit of the results"] = time.perf_counter() - start
    return peers.Went(steps, {"this template": inventory.take(place, study)})


def _marked(place: Workplace, command: Sequence[str]) -> Steps:
    """Run the command and split its time where it prints one of the marks."""
    steps: Steps = {}
    words = ""
    start = time.perf_counter()
    with subprocess.Popen(
        command, cwd=place.folder, env=place.environment, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        for line in process.stdout or ():
            words = " ".join(line.split())
            step = next((MARKS[mark] for mark in MARKS if words.startswith(mark)), None)
            if step and step not in steps:
                now = time.perf_counter()
                steps[step] = now - start
                start = now
    if process.returncode != 0 or list(steps) != list(MARKS.values()):
        raise CommandError(f"the set-up stopped after {', '.join(steps) or 'nothing'}: {words}")
    steps["end of Copier"] = time.perf_counter() - start
    return steps


def _steps(runs: Sequence[Steps]) -> str:
    rows = [[step, str(Sample(tuple(run[step] for run in runs)))] for step in runs[0]]
    total = Sample(tuple(sum(run.values()) for run in runs))
    return table(["step", "time"], [*rows, ["**total**", f"**{total}**"]])


def _made(made: dict[str, inventory.Inventory]) -> str:
    rows = [
        [part, *(found[part] or "no" for found in made.values())]
        for part in next(iter(made.values()))
    ]
    return table(["part", *made], rows)
