"""What archives take at most."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What an archive takes.

    Args:
        name: The archive.
        file: Bytes of a file at most.
        record: Bytes of all files of a deposit at most.
        files: Files of a deposit at most.
        letters: Characters of a file's name at most.
    """

    name: str
    file: int
    record: int
    files: int
    letters: int = 255


# help.zenodo.org, and invenio.cfg of zenodo/zenodo-rdm; help.osf.io. A draft in OSF is a private
# project, which holds a tenth of a public one.
LIMITS = {
    "zenodo": Limits("zenodo", 50 * 10**9, 50 * 10**9, 100),
    "osf": Limits("osf", 5 * 10**9, 5 * 10**9, 1000),
}
