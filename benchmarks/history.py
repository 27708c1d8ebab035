"""Questions about the past of a study: seconds on a long history, and how they grow with it."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from benchmarks.samples import Sample, table, verdict
from benchmarks.workplace import ROOT, CommandError, Workplace, interleave, say

STAGES = 1_000
DATASETS = 10
COMMITS = (1_000, 10_000)
AT_MOST = 3  # repetitions: they differ by little
START = 1_700_000_000  # seconds: the first commit's date
HOUR = 3_600


# What is asked, and the verb that answers.
QUESTIONS = {
    "where does a result come from (`get_lineage`)": ("lineage", "data/made/stage0011.csv"),
    "the same at a revision in the middle": (
        "lineage", "data/made/stage0011.csv", "--rev", "v500",
    ),
    "every version of a dataset (`get_audit_trail`)": ("audit", "data/raw/set4.csv"),
    "every version of a stage's output": ("audit", "data/made/stage0011.csv"),
    "what used a dataset (`used_by`)": ("used-by", "data/raw/set3.csv", "--rev", "v0"),
    "`data_versions.csv` of everything": ("data-versions",),
    "where does the study stand (`status`)": ("status",),
}  # fmt: skip


def history(place: Workplace) -> str:
    """Ask about the past of a study with a short history and one with a long one."""
    few, many = COMMITS
    say(f"history: make {few:,} and {many:,} commits")
    short, long = (make_study(place, commits) for commits in COMMITS)
    rows = []
    for question, verb in QUESTIONS.items():
        say(f"history: {verb[0]}")
        less, more = interleave(
            min(place.repeat, AT_MOST),
            lambda verb=verb: _ask(place, short, verb),  # type: ignore[misc]
            lambda verb=verb: _ask(place, long, verb),  # type: ignore[misc]
        )
        rows.append(_row(question, less, more, many / few))
    head = ["question", f"{few:,} commits", f"{many:,} commits", "growth", "target"]
    return "\n\n".join(
        [
            "## Questions about the past",
            f"On a generated study: `dvc.lock` holds {STAGES:,} stages, and every commit changes "
            f"one of them or one of {DATASETS} `.dvc` files. Each time is that of the whole "
            "command, the start of Python included. The target is growth no faster than that of "
            "the history.",
            table(head, rows),
        ]
    )


def _ask(place: Workplace, study: Path, verb: tuple[str, ...]) -> float:
    tooling = {"PYTHONPATH": str(ROOT / "template/src")}
    return place.timed(study, "python", "-m", "data_versioning", *verb, environment=tooling)


def _row(question: str, less: Sample, more: Sample, longer: float) -> list[str]:
    growth = more.median / less.median
    return [question, str(less), str(more), f"{growth:.1f}", verdict(growth, longer)]


def make_study(place: Workplace, commits: int, stages: int = STAGES) -> Path:
    """Make a study with a long history; nothing in it ever ran.

    The worst case: each commit changes a stage's record in `dvc.lock`, or every fifth one a
    `.dvc` file.

    Args:
        place: Where.
        commits: How many.
        stages: How many records `dvc.lock` holds: every tenth prepares data for the next nine.
    """
    study = place.new("study")
    study.mkdir()
    place.run(study, "git", "init", "--quiet")
    with subprocess.Popen(
        ["git", "fast-import", "--quiet"], cwd=study, env=place.environment, stdin=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        for piece in _stream(commits, stages):
            process.stdin.write(piece)
    if process.returncode != 0:
        raise CommandError("git fast-import failed")
    place.run(study, "git", "reset", "--quiet", "--hard")
    return study


def _stream(commits: int, stages: int) -> Iterator[bytes]:
    records = [_record(index, 0) for index in range(stages)]
    pipeline = "stages:\n" + "".join(
        f"  stage{index:04}:\n    cmd: python src/stage.py {index}\n"
        f"    deps:\n    - {_source(index)}\n    - src/stage.py\n"
        f"    outs:\n    - {_result(index)}\n"
        for index in range(stages)
    )
    first = {
        "study.yaml": "large_file_mb: 10\n",
        ".copier-answers.yml": "slug: long\n",
        ".dvc/config": "[core]\n    analytics = false\n",
        "dvc.yaml": pipeline,
    } | {f"{_raw(number)}.dvc": _pointer(number, 0) for number in range(DATASETS)}
    for number in range(commits):
        changed = first if number == 0 else {}
        if number % 5 == 4:
            changed[f"{_raw(number % DATASETS)}.dvc"] = _pointer(number % DATASETS, number)
        else:
            index = number * 7 % stages
            index += index % 10 == 0  # what prepares data has users, which would be out of date
            records[index] = _record(index, number)
            changed["dvc.lock"] = "schema: '2.0'\nstages:\n" + "".join(records)
        yield _commit(number, changed)


def _commit(number: int, changed: dict[str, str]) -> bytes:
    text = f"data: change {number}"
    head = (
        f"commit refs/heads/main\ncommitter Ada <ada@example.org> {START + number * HOUR} +0000\n"
        f"data {len(text)}\n{text}\n"
    )
    files = [
        f"M 100644 inline {path}\ndata {len(content)}\n{content}\n"
        for path, content in changed.items()
    ]
    tag = f"reset refs/tags/v{number}\nfrom refs/heads/main\n\n" if number % 100 == 0 else ""
    return "".join([head, *files, "\n", tag]).encode()


def _record(index: int, version: int) -> str:
    """Return what `dvc.lock` says of one stage after the commit of this number."""
    source = _source(index)
    return (
        f"  stage{index:04}:\n    cmd: python src/stage.py {index}\n    deps:\n"
        f"    - path: {source}\n      hash: md5\n      md5: {_md5(source, 0)}\n      size: 1000\n"
        f"    - path: src/stage.py\n      hash: md5\n      md5: {_md5('code', 0)}\n"
        f"      size: 2000\n    params:\n      params.yaml:\n        stage{index}.rate: 0.5\n"
        f"    outs:\n    - path: {_result(index)}\n      hash: md5\n"
        f"      md5: {_md5(_result(index), version)}\n      size: {1000 + version}\n"
    )


def _source(index: int) -> str:
    return _result(index - index % 10) if index % 10 else _raw(index // 10 % DATASETS)


def _raw(number: int) -> str:
    return f"data/raw/set{number}.csv"


def _result(index: int) -> str:
    return f"data/made/stage{index:04}.csv"


def _pointer(number: int, version: int) -> str:
    path = _raw(number)
    return (
        f"outs:\n- md5: {_md5(path, version)}\n  size: {1000 + version}\n  hash: md5\n"
        f"  path: {Path(path).name}\n"
    )


def _md5(path: str, version: int) -> str:
    return hashlib.md5(f"{path} {version}".encode()).hexdigest()
