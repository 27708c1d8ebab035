"""Run the measurements and write them down: `python -m benchmarks --help`."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import history, journey, machine, many_files, packaging, uploading, wrapping
from benchmarks.costs import SIZES
from benchmarks.workplace import ROOT, CommandError, Workplace, say

PAGE = ROOT / "docs/reference/benchmarks.md"
MEASUREMENTS: dict[str, Callable[[Workplace], str]] = {
    "render": wrapping.render,
    "repro": wrapping.repro,
    "tracking": wrapping.tracking,
    "commands": wrapping.commands,
    "history": history.history,
    "files": many_files.many_files,
    "package": packaging.package,
    "upload": uploading.upload,
    "journey": journey.journey,
}
HEAD = """\
# Benchmarks

What the template costs on top of the tools it wraps, and what it saves. `{command}` (`make bench`)
wrote this page.

{machine}

Each time is the median of {repeat} repetitions (from nothing to results: at most {journeys}), with
the smallest and the largest in brackets. A ratio is that of two medians; what it compares took
turns.
"""


def main() -> int:
    """Measure, print the page, and write it unless told not to."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=main.__doc__,
        epilog=f'{SIZES}="0.02 0.2" makes package and upload small: sizes in GB.',
    )
    parser.add_argument("--repeat", type=_positive, default=7, metavar="N", help="default: 7")
    parser.add_argument("--only", choices=MEASUREMENTS, help="one measurement; writes no page")
    parser.add_argument("--no-write", action="store_true", help="leave the page as it is")
    args = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        place = Workplace(Path(folder).resolve(), args.repeat)
        sections = []
        for name in [args.only] if args.only else MEASUREMENTS:
            say(f"{name}: measuring")
            sections.append(MEASUREMENTS[name](place))
        head = HEAD.format(
            command=shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]]),
            machine=machine.description(place, load),
            repeat=args.repeat,
            journeys=journey.AT_MOST,
        )
    page = "\n\n".join([head.rstrip(), *sections]) + "\n"
    print(page)
    if not (args.only or args.no_write):
        PAGE.write_text(page, encoding="utf-8")
        say(f"wrote {PAGE.relative_to(ROOT)}")
    return 0


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except CommandError as error:
        raise SystemExit(f"error: {error}") from None
