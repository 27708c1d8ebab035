"""MANIFEST.json and SHA256SUMS: what a package says about its files."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from json.encoder import encode_basestring
from typing import Any

from data_versioning.archive import verify_package as layout
from data_versioning.archive.facts import Facts
from data_versioning.archive.package_files import PackagedFile, Pointer
from data_versioning.study import plain

FORMAT = "data-versioning-package/1"
MANIFEST, SUMS = "MANIFEST.json", "SHA256SUMS"


def document(
    facts: Facts,
    files: Iterable[PackagedFile],
    modes: Mapping[str, int],
    pointers: Iterable[Pointer],
    volumes: Sequence[str],
    data: str,
) -> dict[str, Any]:
    """Return what MANIFEST.json holds.

    Args:
        facts: About the study.
        files: Every file of the package but MANIFEST.json and SHA256SUMS.
        modes: The mode of each, by its path.
        pointers: What the package points to.
        volumes: The zip files, the main one first.
        data: `data`, `pointers` or `auto`, as it was asked for.
    """
    return {
        "format": FORMAT,
        "study": {
            "title": facts.title,
            "slug": facts.slug,
            "version": facts.version,
            "description": facts.description,
            "authors": [
                {
                    "name": one.name,
                    "given_names": one.given_names,
                    "family_names": one.family_names,
                    "orcid": one.orcid,
                    "affiliation": one.affiliation,
                }
                for one in facts.authors
            ],
            "license": facts.license,
            "data_license": facts.data_license,
            "doi": facts.doi,
            "concept_doi": facts.concept_doi,
            "preregistration": facts.preregistration,
            "repository": facts.repository,
        },
        "commit": facts.commit,
        "commit_time": facts.time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "tag": facts.tag,
        "phase": facts.phase,
        "runs": list(facts.runs),
        "dvc_lock": facts.dvc_lock,
        "environment": {"uv.lock": facts.uv_lock, "python": facts.python},
        "anonymous": facts.is_anonymous,
        "data": data,
        "volumes": list(volumes),
        "tolerances": plain(facts.tolerances),
        "claims": [asdict(one) for one in facts.claims],
        "files": [
            vars(one) | {"mode": format(modes[one.path], "o")}
            for one in sorted(files, key=lambda one: one.path.encode())
        ],
        "pointers": [asdict(one) for one in pointers],
    }


def text(document: Mapping[str, Any]) -> bytes:
    """Return a document as it stands in a package: indented by one, and with its keys in order."""
    # Python's encoder is in C for what is on one line only: twenty times as fast for many files.
    around = json.dumps(
        {**document, "files": []}, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False
    )
    before, empty, after = around.partition('\n "files": []')
    # Written as it is made: the parts, and a text of them all, would be the most there ever is.
    made = io.BytesIO()
    made.write(before.encode())
    begin = '\n "files": [\n'
    for one in document["files"]:
        made.write(f"{begin}{_entry(one)}".encode())
        begin = ",\n"
    end = "\n ]" if document["files"] else empty
    made.write(f"{end}{after}\n".encode())
    return made.getvalue()


def _entry(file: Mapping[str, Any]) -> str:
    fields = ",\n".join(
        f'   "{key}": {encode_basestring(value) if isinstance(value, str) else json.dumps(value)}'
        for key, value in sorted(file.items())
    )
    return f"  {{\n{fields}\n  }}"


def sums(files: Iterable[PackagedFile], modes: Mapping[str, int], manifest: str) -> bytes:
    """Return what SHA256SUMS holds, as `sha256sum -c` reads it.

    Links are left out: that command would follow them. MANIFEST.json has theirs.

    Args:
        files: Every file of the package but MANIFEST.json and SHA256SUMS.
        modes: The mode of each, by its path.
        manifest: The SHA-256 of MANIFEST.json.
    """
    known = {one.path: one.sha256 for one in files if modes[one.path] != layout.LINK}
    known[MANIFEST] = manifest
    lines = (f"{known[path]}  {path}\n" for path in sorted(known, key=str.encode))
    return "".join(lines).encode()
