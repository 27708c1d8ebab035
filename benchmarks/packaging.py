"""Package data: how near to the speed of one pass of MD5, and what other ways cost."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.costs import GB, GROWTH, MB, Command, Cost, Costs, cost, sizes
from benchmarks.samples import amount, at_least, table, verdict
from benchmarks.workplace import ROOT, Workplace, interleave, say

AT_MOST = 3  # repetitions: a large package differs by little
ROOM = 2.3  # times the data: the study, one package, and what else comes and goes
PROCESS = Path(__file__).with_name("packaging_process.py")
MIXED_FILES = Path(__file__).with_name("mixed_files.py")
DATA = ("data/recordings", "data/tables", "data/samples")
SCRIPTS, SCRIPT = 1000, "# A line of code that does nothing at all.\n" * 100
MD5_SHARE, FASTER_THAN_ZIP, MEMORY_MB = 0.85, 15, 200
TEXT = (
    "Data that DVC keeps, in a study with 1,000 scripts: six tenths are four binary files that "
    "nothing compresses, the largest with 45 % of all bytes; three tenths are three CSV files; "
    "one tenth are files of 20 kB. Everything was read before, and the work tree's files are hard "
    "links into DVC's cache. Each is a process of its own, whose start counts. Memory is that of "
    "the largest process; temporary disk is what lay in `TMPDIR` and beside the result at the "
    "peak, looked at 50 times a second. What takes long ran once, and only with the smallest "
    "size; the rest ran {repeat} times, after one that does not count. Slow are `tar`, `zip` and "
    "calkit's method, which is DEFLATE at level 6 by Python's `zipfile` over the files of git, "
    "those of DVC, and `.dvc/cache`: the data twice. Calkit itself was not run. Ours checks "
    "before that nothing is uncommitted, and looks for secrets; it alone has an MD5 and a SHA-256 "
    "of every file, and of those with data it alone has the same bytes when it is made elsewhere. "
    "Targets are those of the largest size; growth is to be that of the data, give or take a "
    "tenth."
)
# What a package is made from, beside data and code.
STUDY = {
    "study.yaml": "large_file_mb: 10\n",
    ".copier-answers.yml": "slug: mixed\n",
    "CITATION.cff": """\
cff-version: 1.2.0
message: Please cite it.
title: Mixed files
authors:
  - given-names: Ada
    family-names: Lovelace
""",
    "pyproject.toml": '[project]\nname = "mixed"\nversion = "0.1.0"\nrequires-python = ">=3.11"\n',
    "uv.lock": """\
version = 1
revision = 3
requires-python = ">=3.11"

[[package]]
name = "mixed"
version = "0.1.0"
source = { virtual = "." }
""",
}


@dataclass(frozen=True)
class Method:
    """A way to package a study.

    Args:
        name: As the page shows it.
        commands: Returns the commands, given the folder for what they make.
        needs: The programs that have to be there.
    """

    name: str
    commands: Callable[[Path], Sequence[Command]]
    needs: tuple[str, ...] = ()


def _python(*arguments: str) -> Callable[[Path], Sequence[Command]]:
    return lambda out: [("python", PROCESS, *arguments, *[out] * (arguments != ("md5",)))]


OURS = Method("**`create_reproducibility_package`**", _python("package"))
MD5 = Method("one pass of MD5: reads, makes nothing", _python("md5"))
ZIP = Method(
    "`zip -r`",
    lambda out: [("zip", "-qr", out / "a.zip", ".", "-x", ".git/*", ".dvc/cache/*", ".dvc/tmp/*")],
    ("zip",),
)
TAR = Method(
    "`tar --zstd`, then `sha256sum`",
    lambda out: [
        ("tar", "--zstd", "--exclude=./.git", "--exclude=./.dvc/cache", "--exclude=./.dvc/tmp",
         "-cf", out / "a.tar.zst", "."),
        ("sha256sum", out / "a.tar.zst"),
    ],
    ("tar", "zstd", "sha256sum"),
)  # fmt: skip
GIT = Method(
    "`git archive`: without data",
    lambda out: [("git", "archive", "--format=zip", f"--output={out / 'a.zip'}", "HEAD")],
)
CALKIT = Method("calkit's method", _python("calkit"))
FAST = (OURS, MD5, GIT)
SLOW = (TAR, ZIP, CALKIT)


def package(place: Workplace) -> str:
    """Package a study of mixed files, in sizes that differ by ten."""
    parts = ["## Package", TEXT.format(repeat=min(place.repeat, AT_MOST))]
    found: dict[float, dict[str, Costs]] = {}
    first, *_ = asked = sizes(1, 10)
    for size in asked:
        free = shutil.disk_usage(place.folder).free
        if free < size * GB * ROOM:
            parts.append(
                f"{size:g} GB could not be measured: {amount(free)} free, "
                f"{amount(int(size * GB * ROOM))} needed."
            )
            continue
        found[size], missing = _measured(place, size, with_slow=size == first)
        ours = found[size][OURS.name]
        rows = [_row(size, name, costs, ours) for name, costs in found[size].items()]
        rows += [[name, f"not on this machine: {lacks}", *[""] * 5] for name, lacks in missing]
        head = [f"{size:g} GB", "time", "MB/s", "as long as ours", "memory", "temporary disk"]
        parts.append(table([*head, "result"], rows))
    if found:
        parts.append(table(["what", "size", "value", "target"], targets(found)))
    return "\n\n".join(parts)


def _measured(
    place: Workplace, size: float, with_slow: bool
) -> tuple[dict[str, Costs], list[tuple[str, str]]]:
    """Return what each method cost, by its name, and which could not run, with what it lacks."""
    say(f"package: make {size:g} GB")
    study = make_study(place, size)
    costs: dict[str, list[Cost]] = {}

    def measure(method: Method) -> float:
        say(f"package: {size:g} GB, {method.name}")
        one = run(place, study, method)
        costs.setdefault(method.name, []).append(one)
        return one.seconds

    interleave(min(place.repeat, AT_MOST), *(lambda one=one: measure(one) for one in FAST))  # type: ignore[misc]
    for repeated in costs.values():
        del repeated[0]  # which filled the caches
    missing = []
    for method in SLOW if with_slow else ():
        path = place.environment["PATH"]
        lacks = [name for name in method.needs if not shutil.which(name, path=path)]
        if lacks:
            missing.append((method.name, ", ".join(lacks)))
        else:
            measure(method)
    shutil.rmtree(study.parent)
    return {name: Costs.of(repeated) for name, repeated in costs.items()}, missing


def run(place: Workplace, study: Path, method: Method) -> Cost:
    """Package a study by a method, and delete what that made."""
    out = place.new("out")
    out.mkdir()
    tooling = {"PYTHONPATH": str(ROOT / "template/src")}
    try:
        return cost(place, study, method.commands(out), out, tooling)
    finally:
        shutil.rmtree(out.parent)


def make_study(place: Workplace, size: float) -> Path:
    """Make a study of so many GB of data, tracked by DVC and committed."""
    study = place.new("study")
    study.mkdir()
    for name, content in STUDY.items():
        (study / name).write_text(content)
    (study / "src").mkdir()
    for number in range(SCRIPTS):
        (study / f"src/step_{number}.py").write_text(f"number = {number}\n{SCRIPT}")
    place.run(study, sys.executable, MIXED_FILES, "data", str(int(size * GB)))
    place.run(study, "git", "init", "--quiet")
    place.run(study, "dvc", "init", "--quiet")
    place.run(study, "dvc", "config", "core.analytics", "false")
    place.run(study, "dvc", "config", "cache.type", "hardlink")
    place.run(study, "dvc", "add", "--quiet", *DATA)
    place.run(study, "git", "add", "--all")
    place.run(study, "git", "commit", "--quiet", "--message", "data: mixed files")
    return study


def _row(size: float, name: str, costs: Costs, ours: Costs) -> list[str]:
    seconds = costs.time.median
    speed = "" if name == GIT.name else f"{size * GB / MB / seconds:.0f}"
    ratio = f"{seconds / ours.time.median:.2f}"
    made = [amount(costs.memory), amount(costs.temporary), amount(costs.result)]
    return [name, str(costs.time), speed, ratio, *made]


def targets(found: dict[float, dict[str, Costs]]) -> list[list[str]]:
    """Return what the design asks for, and whether it was kept.

    Args:
        found: The costs by size in GB and by the name of the method.
    """
    rows = []
    for size, costs in found.items():
        ours, at, last = costs[OURS.name], f"{size:g} GB", size == max(found)
        share = costs[MD5.name].time.median / ours.time.median
        kept = at_least(share, MD5_SHARE) if last else ""
        rows.append(["speed, of that of MD5", at, f"{share:.2f}", kept])
        if ZIP.name in costs:
            faster = costs[ZIP.name].time.median / ours.time.median
            kept = at_least(faster, FASTER_THAN_ZIP)
            rows.append(["times as fast as `zip -r`", at, f"{faster:.1f}", kept])
        kept = verdict(ours.memory / MB, MEMORY_MB if last else None, " MB")
        rows.append(["memory", at, amount(ours.memory), kept])
        # Less than that is the entry of a folder, and no copy.
        kept = verdict(ours.temporary / MB, 1 if last else None, " MB")
        rows.append(["temporary disk", at, amount(ours.temporary), kept])
    small, *_, large = [0.0, *found] if len(found) < 2 else found
    if small:
        less, more = found[small][OURS.name], found[large][OURS.name]
        for what, value in (
            ("time", more.time.median / less.time.median),
            ("memory", more.memory / less.memory),
        ):
            at = f"{small:g} to {large:g} GB"
            rows.append(
                [f"growth of {what}", at, f"{value:.2f}", verdict(value, GROWTH * large / small)]
            )
    return rows
