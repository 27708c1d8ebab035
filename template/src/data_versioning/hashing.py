"""DVC's hashes, computed from the files themselves."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path


def md5(path: Path) -> str:
    """Return the MD5 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def digest(path: Path) -> str:
    """Return the hash that DVC gives a file or a folder.

    That of a folder is the MD5 of a JSON list of its files, sorted by path, with the suffix
    `.dir` (dvc_data.hashfile.tree); files that `.dvcignore` hides do not belong to it, but are
    counted here.
    """
    return md5(path) if path.is_file() else folder_digest(listing(path))


def listing(folder: Path) -> dict[str, str]:
    """Return the MD5 of every file in a folder, by its path in it."""
    files = (Path(top, name) for top, _, names in os.walk(folder) for name in names)
    return {file.relative_to(folder).as_posix(): md5(file) for file in files}


def folder_digest(files: dict[str, str]) -> str:
    """Return the hash of a folder with these files, given by path."""
    entries = [{"md5": files[path], "relpath": path} for path in sorted(files)]
    text = json.dumps(entries, sort_keys=True).encode()
    return f"{hashlib.md5(text, usedforsecurity=False).hexdigest()}.dir"
