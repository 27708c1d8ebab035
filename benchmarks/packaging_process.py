"""One way to package a study, in a process of its own and in the study's folder.

`python packaging_process.py package OUT | md5 | calkit OUT`.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

CHUNK = 1 << 20  # bytes
NOT_CONTENT = {".git", "cache", "tmp"}  # the last two in .dvc


def package(out: str) -> None:
    """Make a package with everything that DVC keeps inside."""
    from data_versioning.archive.package import create_reproducibility_package

    create_reproducibility_package(Path(out), data="data")


def md5() -> None:
    """Read every file of the study once, and hash it."""
    buffer = bytearray(CHUNK)
    view = memoryview(buffer)
    for path in _files("."):
        found = hashlib.md5(usedforsecurity=False)
        with open(path, "rb", buffering=0) as file:
            while count := file.readinto(buffer):
                found.update(view[:count])
        found.hexdigest()


def calkit(out: str) -> None:
    """Write a zip file of what a project release of calkit 0.49.5 holds, as it compresses it.

    That is the files of git, those that DVC keeps, and DVC's whole cache.
    """
    shown = subprocess.run(
        ["git", "ls-files", "-z"], check=True, capture_output=True, text=True
    ).stdout
    kept = [*_files("data"), *_files(".dvc/cache")]
    with zipfile.ZipFile(Path(out, "archive.zip"), "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted({*filter(None, shown.split("\0")), *kept}):
            archive.write(path)


def _files(folder: str) -> Iterator[str]:
    for top, folders, names in os.walk(folder):
        folders[:] = sorted(set(folders) - NOT_CONTENT)
        yield from (f"{top}/{name}" for name in sorted(names))


if __name__ == "__main__":
    if sys.argv[1] == "md5":
        md5()
    else:
        {"package": package, "calkit": calkit}[sys.argv[1]](sys.argv[2])
