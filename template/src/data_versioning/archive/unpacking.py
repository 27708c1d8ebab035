"""Put the files of a package into a folder. Runs before anything is installed."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from data_versioning.archive import verify_package as layout
from data_versioning.archive.progress import Progress
from data_versioning.archive.verify_package import LINK, MANIFEST, PROGRAM, SUMS, Checked
from data_versioning.errors import StudyError
from data_versioning.wording import printable, sized

_CHUNK = 1 << 20


def refuse_lack_of_room(checked: Checked, folder: Path, mend: str) -> None:
    """Raise a `StudyError` where a package would not find room, made again and with its pointers.

    Args:
        checked: The package.
        folder: Where it is to be unpacked; it exists.
        mend: What gives it room.
    """
    again = sum(one["size"] for one in checked.manifest["files"] if one["stage"])
    # DVC keeps each of them in the cache, and puts a copy in place.
    fetched = 2 * sum(one["size"] or 0 for one in checked.manifest["pointers"])
    needed, free = checked.size + 2 * again + fetched, shutil.disk_usage(folder).free
    if needed > free:
        raise StudyError(f"no room: {sized(needed)} needed, {sized(free)} free", str(folder), mend)


def unpack(checked: Checked, folder: Path) -> None:
    """Put the files of a package into a folder.

    Args:
        checked: The package; nothing was found to be wrong with it.
        folder: Where to; of the package's files it has none.

    Raises:
        StudyError: The package changed since it was checked.
    """
    modes = {one["path"]: layout.MODES[one["mode"]] for one in checked.manifest["files"]}
    left = dict.fromkeys([MANIFEST, SUMS], layout.FILE) | modes
    links = {}
    progress = Progress("unpacking", checked.size)
    for name, source, size in _contents(checked):
        if name not in left:
            raise _changed(name)
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = left.pop(name)
        if mode == LINK:
            links[path] = source.read(size)
            continue
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(path, flags, 0o777 if mode == PROGRAM else 0o666), "wb") as made:
            while size:
                chunk = source.read(min(size, _CHUNK))
                if not chunk:
                    raise _changed(name)
                made.write(chunk)
                size -= len(chunk)
                progress.add(len(chunk))
    if left:
        raise _changed(next(iter(left)))
    for path, target in links.items():  # when nothing is written any more
        path.symlink_to(os.fsdecode(target))
    progress.end()


def _contents(checked: Checked) -> Iterator[tuple[str, BinaryIO, int]]:
    """Yield name, an open file that stands before the content, and size of every file."""
    if checked.folder is not None:
        names = [MANIFEST, SUMS, *(one["path"] for one in checked.manifest["files"])]
        for name in names:
            path = os.path.join(checked.folder, name)
            with _opened(name, path) as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(0)
                yield name, file, size
    for volume in checked.volumes:
        with open(volume, "rb") as file:
            try:
                records, _, _ = layout.directory(file)
            except layout.Broken:
                raise _changed(volume) from None
            for record in records:
                file.seek(record.at + len(layout.local_header(record.entry)))
                yield record.entry.name, file, record.entry.size


@contextmanager
def _opened(name: str, path: str) -> Iterator[BinaryIO]:
    """Open a file, or where a link leads."""
    if os.path.islink(path):
        yield io.BytesIO(os.fsencode(os.readlink(path)))
        return
    try:
        with open(path, "rb") as file:
            yield file
    except FileNotFoundError:
        raise _changed(name) from None


def _changed(name: str) -> StudyError:
    what = "the package changed while it was read"
    return StudyError(what, printable(name), "data-versioning replay")
