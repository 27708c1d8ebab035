"""The folder that a package is replayed in: empty before, and gone afterwards."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data_versioning.errors import StudyError

MARK = ".dvc/tmp/replay"  # in such a folder; locked while a replay is at work there
AT_WORK, KEPT = "at work", "kept"


def temporary(package: Path | str, keep: bool) -> Path:
    """Return a folder among the temporary ones to unpack a package into.

    Unless it is kept it is the same each time, so that a replay finds what a killed one left.
    """
    if keep:
        return Path(tempfile.mkdtemp(prefix="replay-"))
    name = hashlib.sha256(os.fsencode(os.path.abspath(package))).hexdigest()[:12]
    return Path(tempfile.gettempdir(), f"replay-{os.getuid()}-{name}")


@contextmanager
def workplace(target: Path, given: bool, keep: bool, again: str) -> Iterator[int]:
    """Make a folder to unpack into, and delete it afterwards.

    What a replay that was killed left there is deleted first.

    Args:
        target: The folder; it is empty, or there is none.
        given: Whether the user named it.
        keep: Whether it stays, after a failure too.
        again: The command that replays the package.

    Yields:
        The folder's lock, an open file. A process that inherits it holds it, too.

    Raises:
        StudyError: It holds something else, or another replay is at work there.
    """
    mend = f"{again} --into <a new folder>"
    made = not target.exists()
    try:
        target.mkdir(mode=0o777 if given else 0o700, parents=True, exist_ok=True)
    except FileExistsError:
        raise StudyError("not a folder", str(target), mend) from None
    if not given and (target.is_symlink() or target.stat().st_uid != os.getuid()):
        raise StudyError("it is somebody else's", str(target), mend)
    mark = target / MARK
    if mark.is_file():
        with mark.open() as file:
            _lock(file.fileno(), target, mend)
            if file.read() != KEPT:
                _empty(target)
    if any(target.iterdir()):
        raise StudyError("not empty", str(target), mend)
    mark.parent.mkdir(parents=True)
    with mark.open("w") as file:
        _lock(file.fileno(), target, mend)
        file.write(AT_WORK)
        file.flush()
        kept = False
        try:
            yield file.fileno()
            kept = keep
        except StudyError:
            kept = keep  # to look for the reason there
            raise
        finally:
            if kept:
                file.seek(0)
                file.truncate()
                file.write(KEPT)
            else:
                _empty(target)
                if made or not given:
                    target.rmdir()


def _lock(file: int, target: Path, mend: str) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StudyError("a replay is under way there", str(target), mend) from None


def _empty(folder: Path) -> None:
    # The mark last: without it, what a kill leaves would be nobody's.
    mark = folder / MARK
    for path in [*folder.iterdir()]:
        if path.is_symlink() or not path.is_dir():
            path.unlink()
        elif path != folder / ".dvc":
            shutil.rmtree(path)
    for parent in (folder / ".dvc", mark.parent):
        for path in [*parent.iterdir()] if parent.is_dir() else []:
            if path not in (mark, mark.parent):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    if (folder / ".dvc").exists():
        shutil.rmtree(folder / ".dvc")
