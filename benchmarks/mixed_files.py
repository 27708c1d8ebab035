"""Data of a study, few large files and many small ones: `python mixed_files.py FOLDER BYTES`.

Six tenths are bytes that nothing compresses, three are tables, one are small files. The same bytes
at every call. With the name of a file, one that nothing compresses.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

RECORDINGS = (0.75, 0.1, 0.1, 0.05)  # how the large files share what they have
TABLES = 3
SMALL = 20_000  # bytes of a small file
GROUPS = ("control_arm", "Kidney_disease")
# More than any peer looks back for repetitions, which is 2 MiB.
BLOCK = 32 * 1024**2  # bytes
ROWS = 150_000


def main(folder: str, size: str) -> None:
    """Write the files."""
    source = random.Random(5)
    noise = source.randbytes(BLOCK)
    if Path(folder).suffix:
        _write(Path(folder), noise, int(size), 0, 0)
        return
    rows = "".join(
        f"{number},2024-0{1 + value % 9}-{10 + value % 19},{33 + value % 9000 / 1000:.3f},"
        f"{GROUPS[value & 1]},{value >> 12}\n"
        for number, value in enumerate(memoryview(noise)[: 4 * ROWS].cast("I"))
    ).encode()
    total, root = int(size), Path(folder)
    for number, share in enumerate(RECORDINGS):
        path = root / "recordings" / f"recording-{number}.bin"
        _write(path, noise, int(0.6 * total * share), number, number * BLOCK // 5)
    for number in range(TABLES):
        path = root / "tables" / f"visits-{number}.csv"
        _write(path, rows, int(0.3 * total / TABLES), number, number * len(rows) // TABLES)
    for number in range(int(0.1 * total / SMALL)):
        path = root / "samples" / f"{number // 500:03}" / f"{number:06}.txt"
        _write(path, rows, SMALL, number, source.randrange(len(rows)))


def _write(path: Path, block: bytes, size: int, number: int, at: int) -> None:
    """Write a line with the number of the file, then a block again and again from a place in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        size -= file.write(f"number,{number}\n".encode())
        while size > 0:
            size -= file.write(block[at : at + size])
            at = 0


if __name__ == "__main__":
    main(*sys.argv[1:])
