"""The files that only a package has, in the order in which they follow the study's own."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from data_versioning.archive import verify_package
from data_versioning.archive.facts import Facts
from data_versioning.archive.manifest import MANIFEST, SUMS
from data_versioning.archive.package_files import (
    DOCUMENTATION,
    ENVIRONMENT,
    METADATA,
    PackagedFile,
    Pointer,
)

VERIFY, README, REQUIREMENTS = "verify.py", "README-ARTIFACT.md", "requirements.txt"
SBOM, CODECHECK, PROV = "sbom.cdx.json", "codecheck.yml", "prov.json"
CRATE = "ro-crate-metadata.json"
GENERATED = (VERIFY, README, REQUIREMENTS, SBOM, CODECHECK, PROV, CRATE, MANIFEST, SUMS)
ROLES = {README: DOCUMENTATION, REQUIREMENTS: ENVIRONMENT, SBOM: ENVIRONMENT}


def role(name: str) -> str:
    """Return the role of a generated file."""
    return ROLES.get(name, METADATA)


def made(
    facts: Facts,
    files: Sequence[PackagedFile],
    pointers: Sequence[Pointer],
    volumes: Sequence[str],
    uv_lock: bytes,
    pyproject: bytes,
    locked: str,
) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each generated file but the last two, MANIFEST.json and SHA256SUMS.

    Args:
        facts: About the study.
        files: The package's files; whoever asks for the next one has added the one before.
        pointers: What the package points to.
        volumes: The zip files, the main one first.
        uv_lock: The study's `uv.lock`.
        pyproject: The study's `pyproject.toml`.
        locked: The locked packages as pip reads them.
    """
    from data_versioning.archive import codecheck, crate, reviewers_readme, sbom
    from data_versioning.archive.provenance import prov_of_commit

    yield VERIFY, Path(verify_package.__file__).read_bytes()
    yield REQUIREMENTS, locked.encode()
    yield SBOM, _json(sbom.document(uv_lock, pyproject, facts))
    yield CODECHECK, codecheck.text(facts, [*files, *pointers]).encode()
    yield PROV, _json(prov_of_commit(facts))
    yield README, reviewers_readme.text(facts, files, pointers, volumes).encode()
    yield CRATE, _json(crate.document(facts, files, pointers))


def _json(document: dict[str, Any]) -> bytes:
    """Return a document with each part of each of its lists and mappings on a line of its own."""
    # Python's encoder is in C for what is on one line only: ten times as fast for many files.
    encode = json.JSONEncoder(sort_keys=True, ensure_ascii=False, allow_nan=False).encode
    # Written as it is made: the parts, and a text of them all, would be the most there ever is.
    made = io.BytesIO()
    comma = "{"
    for key, value in sorted(document.items()):
        made.write(f"{comma}\n {encode(key)}: ".encode())
        comma = ","
        if not value or not isinstance(value, list | dict):
            made.write(encode(value).encode())
            continue
        begin, end = "[]" if isinstance(value, list) else "{}"
        parts = (
            map(encode, value)
            if isinstance(value, list)
            else (f"{encode(name)}: {encode(one)}" for name, one in sorted(value.items()))
        )
        for part in parts:
            made.write(f"{begin}\n  {part}".encode())
            begin = ","
        made.write(f"\n {end}".encode())
    made.write(b"\n}\n")
    return made.getvalue()
