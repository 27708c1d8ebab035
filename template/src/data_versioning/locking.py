"""One reproduction at a time, and one maker of the MLflow store."""

from __future__ import annotations

import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


@contextmanager
def exclusive(path: Path, doing: str) -> Iterator[int]:
    """Hold a lock file; wait for whoever holds it, and say so.

    The operating system lets go of the lock when its holder dies, so none is ever stale.

    Args:
        path: The lock file; its folder is made when missing.
        doing: What the holder does, for the message of the one who waits.

    Yields:
        The open lock file. A child process that inherits it holds the lock too, and goes on
        holding it when this process is killed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for process {_holder(file)}: {doing}", file=sys.stderr, flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        yield file.fileno()


def _holder(file: TextIO) -> str:
    for _ in range(20):
        file.seek(0)
        if pid := file.read():
            return pid
        time.sleep(0.05)  # it has the lock and is about to write its number
    return "?"
