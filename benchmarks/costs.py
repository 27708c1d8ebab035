"""What a command costs beside its time: memory, and disk that is free again at its end."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.samples import Sample
from benchmarks.workplace import CommandError, Workplace

GB = 10**9
MB = 10**6
GROWTH = 1.1  # times as fast as the data a cost may grow
SIZES = "BENCH_GB"
STEP = 0.02  # seconds between two looks at the disk
STARTING = Path(__file__).with_name("cost_process.py")
Command = Sequence[str | Path]


@dataclass(frozen=True)
class Cost:
    """What some commands cost, one after the other.

    Args:
        seconds: Of all together.
        memory: Bytes of the largest process at its peak.
        temporary: Bytes that lay in `TMPDIR` and beside the result at the peak and did not become
            the result, as the file system counts them.
        result: Bytes of what was made.
        said: What the last command printed.
    """

    seconds: float
    memory: int
    temporary: int
    result: int
    said: str = ""


@dataclass(frozen=True)
class Costs:
    """What the same commands cost when they were repeated.

    Args:
        time: How long they took.
        memory: Bytes, the most of all repetitions, as the other two.
        temporary: Bytes.
        result: Bytes.
    """

    time: Sample
    memory: int
    temporary: int
    result: int

    @classmethod
    def of(cls, repeated: Iterable[Cost]) -> Costs:
        """Sum up repetitions."""
        every = list(repeated)
        return cls(
            Sample(tuple(one.seconds for one in every)),
            max(one.memory for one in every),
            max(one.temporary for one in every),
            max(one.result for one in every),
        )


def sizes(*default: float) -> list[float]:
    """Return how many GB to measure with, the smallest first.

    Args:
        *default: What to use unless `BENCH_GB` names others: `BENCH_GB="0.02 0.2"`.

    Raises:
        CommandError: It says something else.
    """
    asked = os.environ.get(SIZES, "").split()
    try:
        found = sorted({float(size) for size in asked or default})
    except ValueError:
        found = []
    if not found or not 0.001 <= found[0] <= found[-1] <= 1000:
        raise CommandError(f'{SIZES} is not a list of sizes in GB, such as {SIZES}="0.02 0.2"')
    return found


def cost(
    place: Workplace,
    cwd: Path,
    commands: Sequence[Command],
    out: Path,
    environment: Mapping[str, str] | None = None,
) -> Cost:
    """Run commands and return what they cost.

    Args:
        place: Whose settings they get.
        cwd: Where they run.
        commands: The commands.
        out: An empty folder, in which they leave what they make.
        environment: More variables.

    Raises:
        CommandError: One could not run, failed, or never ended.
    """
    temporary, report = place.new("tmp"), place.new("report")
    temporary.mkdir()
    variables = {"TMPDIR": str(temporary)} | dict(environment or {})
    seconds, memory, said = 0.0, 0, ""
    with _Watch(temporary, out) as watch:
        for command in commands:
            said = place.run(cwd, sys.executable, STARTING, report, *command, environment=variables)
            took, peak = report.read_text(encoding="utf-8").split()
            seconds, memory = seconds + float(took), max(memory, int(peak))
    left = _allocated(out)
    made = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    return Cost(seconds, memory, max(watch.peak - left, 0), made, said)


class _Watch:
    """Looks at folders again and again, for the most that they ever hold."""

    def __init__(self, *folders: Path) -> None:
        self._folders = folders
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.peak = 0

    def __enter__(self) -> _Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._ended.wait(STEP):
            self._look()

    def _look(self) -> None:
        self.peak = max(self.peak, sum(map(_allocated, self._folders)))


def _allocated(folder: Path) -> int:
    """Return the bytes that a folder takes on the disk, whatever goes away meanwhile."""
    found = 0
    for top, _, names in os.walk(folder):
        for name in names:
            try:
                found += os.lstat(Path(top, name)).st_blocks * 512
            except FileNotFoundError:
                continue
    return found
