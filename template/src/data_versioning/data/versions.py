"""Data as DVC has it on record, now or at a revision, wherever its bytes are."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from data_versioning.data.remotes import masked
from data_versioning.errors import StudyError, one_line
from data_versioning.hashing import md5
from data_versioning.study import Study


@dataclass(frozen=True)
class Version:
    """A version of a file or folder.

    Args:
        path: Relative to the study.
        md5: The hash that DVC has on record, None if it has none.
        rev: The commit; the work tree if None.
    """

    path: str
    md5: str | None
    rev: str | None = None


def files(study: Study, version: Version) -> dict[str, str]:
    """Return the hash of each file that DVC has on record in a folder, or of the one file.

    Raises:
        StudyError: What the folder holds is nowhere to be read.
    """
    with _asked(version):
        listed = _file_system(study, version).find(version.path, detail=True)
    hashes = {name: (found.get("dvc_info") or {}).get("md5") for name, found in listed.items()}
    return {name: known for name, known in hashes.items() if known}


def changed_files(study: Study, old: Version, new: Version) -> dict[str, list[str]]:
    """Return which files of a folder were `added`, `removed` and `changed`, by their path in it.

    Raises:
        StudyError: As `files`.
    """
    before, now = (
        {str(PurePosixPath(name).relative_to(one.path)): md5 for name, md5 in of.items()}
        for one, of in ((old, files(study, old)), (new, files(study, new)))
    )
    return {
        "added": sorted(now.keys() - before.keys()),
        "removed": sorted(before.keys() - now.keys()),
        "changed": sorted(one for one in before.keys() & now.keys() if before[one] != now[one]),
    }


def content(study: Study, version: Version) -> bytes:
    """Return what a file holds, verified: from disk, DVC's cache or the remote.

    Raises:
        StudyError: It is nowhere, or damaged.
    """
    here = study.root / version.path
    if here.is_file() and md5(here) == version.md5:
        return here.read_bytes()
    with _asked(version):
        content = bytes(_file_system(study, version).cat_file(version.path))
    if hashlib.md5(content, usedforsecurity=False).hexdigest() == version.md5:
        return content
    if version.rev:
        mend = f"python -m data_versioning fetch {shlex.quote(version.path)} --at {version.rev}"
        mend += " --to <folder>, which says where"
        raise StudyError("damaged in DVC's cache or in the remote", version.path, mend)
    raise StudyError("changed since DVC hashed it", version.path, "make status")


def _file_system(study: Study, version: Version) -> Any:
    from dvc.api import DVCFileSystem

    return DVCFileSystem(str(study.root), rev=version.rev)


@contextmanager
def _asked(version: Version) -> Iterator[None]:
    """Raise a `StudyError` for whatever DVC and the library of a storage raise."""
    try:
        yield
    except Exception as error:
        at = f"at {version.rev[:8]}" if version.rev else "of now"
        what = f"the version {at} is neither here nor in the remote ({masked(one_line(error))})"
        mend = "dvc fetch --all-commits" if version.rev else "make pull"
        raise StudyError(what, version.path, mend) from None
