"""What differs between two versions of `dvc.lock`, found without parsing either.

Versions that follow each other share almost all of their bytes. DVC writes a record per stage,
indented by two spaces under `stages:`; only records that differ are worth a parser's time.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from itertools import pairwise

from data_versioning.errors import StudyError
from data_versioning.study import parse_yaml

_START = re.compile(rb"^  (?=[^ \n#])", re.MULTILINE)
_BLOCK = 4096  # bytes compared at first; twice as many after every match


def section(lock: bytes) -> bytes:
    """Return the records of a `dvc.lock`, in DVC's layout whoever wrote it; broken ones as none."""
    start = lock.find(b"\nstages:\n  ") + 1
    if (start or lock.startswith(b"stages:\n  ")) and b"\r" not in lock:
        end = lock.find(b"\ndatasets:", start)
        return lock[start + len(b"stages:\n") : len(lock) if end < 0 else end + 1]
    try:
        content = parse_yaml(lock, "dvc.lock")
    except StudyError:  # somebody committed it in the middle of a conflict
        return b""
    # Before DVC 1.10 stages were at the top.
    stages = content.get("stages") or ({} if "schema" in content else content)
    if not isinstance(stages, dict) or not stages:
        return b""
    import yaml

    return textwrap.indent(yaml.safe_dump(stages, allow_unicode=True), "  ").encode()


def split(records: bytes) -> list[bytes]:
    """Return the records of a section."""
    starts = [match.start() for match in _START.finditer(records)]
    return [records[a:b] for a, b in pairwise([*starts, len(records)])]


def header(record: bytes) -> bytes:
    """Return the line with the name of the stage."""
    return record.partition(b"\n")[0]


def difference(old: bytes, new: bytes) -> tuple[list[bytes], list[bytes]]:
    """Return the records that only the old section has, and those that only the new one has."""
    gone: list[bytes] = []
    came: list[bytes] = []
    for before, after in _regions(old, new):
        was, now = split(before), split(after)
        kept = set(was) & set(now)
        gone += [record for record in was if record not in kept]
        came += [record for record in now if record not in kept]
    return gone, came


def _regions(old: bytes, new: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the stretches that differ, as whole records: stage by stage, else all up to the end."""
    i = j = 0  # both where a record begins
    while True:
        same = _common(old, i, new, j)
        if i + same == len(old) and j + same == len(new):
            return
        line = max(i, old.rfind(b"\n", i, i + same) + 1)  # the one that differs
        beside = line - i + j
        if _START.match(old, line) and _START.match(new, beside):
            start = end = line
        else:
            start, end = _last_start(old, i, line), _next_start(old, line)
        begin, stop = start - i + j, _next_start(new, beside)
        if start == end or header(old[start:end]) != header(new[begin:stop]):
            back = _common_end(old, start, new, begin)  # a stage came, went or moved
            yield old[start : len(old) - back], new[begin : len(new) - back]
            return
        yield old[start:end], new[begin:stop]
        i, j = end, stop


def _common(a: bytes, i: int, b: bytes, j: int) -> int:
    """Return how many bytes two texts share from here on."""
    limit = min(len(a) - i, len(b) - j)
    done, step = 0, _BLOCK
    while done < limit:
        size = min(step, limit - done)
        if a[i + done : i + done + size] == b[j + done : j + done + size]:
            done, step = done + size, 2 * step
            continue
        low, high = 0, size  # the first `low` are the same, the first `high` are not
        while high - low > 1:
            middle = (low + high) // 2
            x, y = i + done, j + done
            if a[x + low : x + middle] == b[y + low : y + middle]:
                low = middle
            else:
                high = middle
        return done + low
    return limit


def _common_end(a: bytes, i: int, b: bytes, j: int) -> int:
    """Return how many bytes of whole records two texts share at their ends."""
    low, high = 0, min(len(a) - i, len(b) - j)
    while low < high:
        middle = (low + high + 1) // 2
        if a[len(a) - middle : len(a) - low] == b[len(b) - middle : len(b) - low]:
            low = middle
        else:
            high = middle - 1
    # The record in which the difference ends is part of it.
    return len(a) - _next_start(a, len(a) - low + 1)


def _last_start(text: bytes, floor: int, line: int) -> int:
    """Return where the last record before a line begins; the floor is the first to look at."""
    while (found := text.rfind(b"\n  ", floor, line)) >= 0:
        if _START.match(text, found + 1):
            return found + 1
        line = found
    return floor


def _next_start(text: bytes, at: int) -> int:
    """Return where the first record begins at or after a byte, or the end."""
    found = _START.search(text, at)
    return found.start() if found else len(text)
