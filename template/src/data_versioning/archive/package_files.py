"""What a package holds, as its MANIFEST.json lists it."""

from __future__ import annotations

from dataclasses import dataclass

CODE, DATA, RESULT = "code", "data", "result"
ENVIRONMENT, DOCUMENTATION, METADATA = "environment", "documentation", "metadata"
ROLES = (CODE, DATA, RESULT, ENVIRONMENT, DOCUMENTATION, METADATA)


@dataclass(frozen=True)
class PackagedFile:
    """A file in one of the volumes.

    Args:
        path: Where it is in the unpacked package, with `/` between its parts.
        role: One of `ROLES`.
        size: In bytes.
        sha256: In hexadecimal.
        md5: In hexadecimal; of what DVC keeps also DVC's hash.
        stage: The stage that makes it, as DVC addresses it; None for what no stage makes.
        origin: `git:<blob>`, `dvc:<md5>`, or `generated` for what only the package has.
        volume: The zip file that it is in.
    """

    path: str
    role: str
    size: int
    sha256: str
    md5: str
    stage: str | None
    origin: str
    volume: str


@dataclass(frozen=True)
class Pointer:
    """Data that is not in the package; DVC fetches it by its hash.

    Args:
        path: A file, or a folder that DVC keeps as one.
        role: `data` or `result`.
        md5: DVC's hash, of a folder with the suffix `.dir`.
        size: In bytes, if recorded.
        nfiles: How many files a folder holds, if recorded.
        stage: The stage that makes it, if one does.
        remote: The name of the DVC remote.
        url: Where the remote is, without credentials; empty in an anonymous package.
    """

    path: str
    role: str
    md5: str
    size: int | None
    nfiles: int | None
    stage: str | None
    remote: str
    url: str
