"""Upload a volume: what it costs over the bare request, to a server on this machine."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.costs import GB, GROWTH, MB, Cost, Costs, cost, sizes
from benchmarks.samples import amount, at_least, table, verdict
from benchmarks.workplace import ROOT, CommandError, Workplace, interleave, say

AT_MOST = 5  # repetitions
PROCESS = Path(__file__).with_name("uploading_process.py")
MIXED_FILES = Path(__file__).with_name("mixed_files.py")
ARCHIVES = ROOT / "tests/archives"
TOKEN = "BENCHMARK-TOKEN-0001"  # pragma: allowlist secret
OURS, BARE = "ours", "bare"
SHARE = 0.9
NAMES = {OURS: "**`ZenodoUploader.upload_file`**", BARE: "a bare streaming PUT with inline MD5"}
TEXT = (
    "A volume to the double of InvenioRDM that the tests use, in a process of its own, which reads "
    "and hashes what comes, as Zenodo does. The bare upload is httpx with a generator of 1 MiB "
    "pieces, each hashed as it is sent, a `Content-Length`, and the two small requests that "
    "announce and complete the file. Timed is the upload, without the start of Python and without "
    "making the draft; memory is that of the process. Growth is "
    "to be that of the volume, give or take a tenth."
)


def upload(place: Workplace) -> str:
    """Upload a small volume and a large one."""
    rows, targets = [], []
    found: dict[float, dict[str, Costs]] = {}
    with archive(place) as url:
        for size in sizes(1, 4):
            found[size] = _measured(place, url, size)
            for how, costs in found[size].items():
                speed = f"{size * GB / MB / costs.time.median:.0f}"
                at = f"{size:g} GB"
                rows.append([NAMES[how], at, str(costs.time), speed, amount(costs.memory)])
            share = found[size][BARE].time.median / found[size][OURS].time.median
            kept = at_least(share, SHARE)
            targets.append(["speed, of that of the bare PUT", f"{size:g} GB", f"{share:.2f}", kept])
    less, more = min(found), max(found)
    if less < more:
        growth = found[more][OURS].time.median / found[less][OURS].time.median
        kept = verdict(growth, GROWTH * more / less)
        targets.append(["growth of time", f"{less:g} to {more:g} GB", f"{growth:.2f}", kept])
    return "\n\n".join(
        [
            "## Upload",
            TEXT,
            table(["how", "size", "time", "MB/s", "memory"], rows),
            table(["what", "size", "value", "target"], targets),
        ]
    )


def _measured(place: Workplace, url: str, size: float) -> dict[str, Costs]:
    volume = place.new("volume") / "recording-0.bin"
    place.run(place.folder, sys.executable, MIXED_FILES, volume, str(int(size * GB)))
    costs: dict[str, list[Cost]] = {OURS: [], BARE: []}

    def measure(how: str) -> float:
        say(f"upload: {size:g} GB, {how}")
        costs[how].append(sent(place, url, volume, how))
        return costs[how][-1].seconds

    interleave(min(place.repeat, AT_MOST), lambda: measure(OURS), lambda: measure(BARE))
    shutil.rmtree(volume.parent)
    # The first filled the caches.
    return {how: Costs.of(repeated[1:]) for how, repeated in costs.items()}


def sent(place: Workplace, url: str, volume: Path, how: str) -> Cost:
    """Upload a file; the seconds are those that the process says."""
    nothing = place.new("nothing")
    nothing.mkdir()
    command = ("python", PROCESS, how, url, TOKEN, volume)
    tooling = {"PYTHONPATH": str(ROOT / "template/src")}
    one = cost(place, nothing, [command], nothing, tooling)
    return Cost(float(one.said), one.memory, one.temporary, one.result)


@contextmanager
def archive(place: Workplace) -> Iterator[str]:
    """Run the double of an archive, and return its address."""
    command = ("python", ARCHIVES, "--token", TOKEN)
    with subprocess.Popen(
        command, env=place.environment, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            if not url:
                raise CommandError("the double of the archive did not start")
            yield url
        finally:
            server.terminate()
