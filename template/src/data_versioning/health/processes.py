"""Does a process of this machine work on something, or was it killed."""

from __future__ import annotations

import fcntl
import os
import re
from contextlib import suppress
from pathlib import Path

_READERS = re.compile(r"mlflow[ .](ui|server)")  # they open a store, and log nothing


def is_held(lock: Path) -> bool:
    """Tell whether a process holds a lock of `locking.exclusive`."""
    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def is_open_elsewhere(file: Path) -> bool:
    """Tell whether another process has a file open, the pages of MLflow apart."""
    import psutil

    path = str(file.resolve())
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            has_it = any(one.path == path for one in process.open_files())
            is_reader = _READERS.search(" ".join(process.cmdline()))
            if has_it and not is_reader and process.pid != os.getpid():
                return True
    return False


def git_works_in(folder: Path) -> bool:
    """Tell whether a git command runs in a folder."""
    import psutil

    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            is_git = process.name() == "git" and process.status() != psutil.STATUS_ZOMBIE
            if is_git and Path(process.cwd()).is_relative_to(folder):
                return True
    return False
