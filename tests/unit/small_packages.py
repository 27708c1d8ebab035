"""Packages made of a few files by the layout's own functions, to break at will."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from data_versioning.archive import verify_package
from data_versioning.archive.verify_package import (
    CITATION,
    CRATE,
    FILE,
    FORMAT,
    LINK,
    MANIFEST,
    SUMS,
    Entry,
)

TIME = 1_700_000_000
CITED = b"cff-version: 1.2.0\nmessage: Cite it.\ntitle: A study\nauthors:\n  - name: A\n"
TREE = {
    CITATION: CITED,
    "code/run.py": b"print(1)\n",
    "data/raw/a file.csv": b"a,b\n1,2\n",
    "results/metrics.json": b'{"score": 0.5}\n',
    "empty.txt": b"",
    "caf\u00e9.txt": b"coffee\n",
    "verify.py": b"# stands for the check\n",
}


def manifest(files: list[dict[str, Any]], names: list[str], more: dict[str, Any]) -> dict[str, Any]:
    """Return a manifest of files in these volumes, and what more, or else, it says."""
    nothing = ("commit", "tag", "phase", "dvc_lock")
    return {
        "format": FORMAT,
        "study": {"title": "A study", "slug": "small", "authors": []},
        **dict.fromkeys(nothing),
        "commit_time": "2023-11-14T22:13:20Z",
        "runs": [],
        "environment": {},
        "anonymous": False,
        "data": "data",
        "volumes": names,
        "tolerances": {},
        "claims": [],
        "files": files,
        "pointers": [],
    } | more


def crate(paths: list[str]) -> bytes:
    """Return a crate that lists these files."""
    listed = [{"@id": quote(path), "@type": "File"} for path in paths]
    root = {"@id": "./", "@type": "Dataset", "hasPart": [{"@id": one["@id"]} for one in listed]}
    about = {"@id": CRATE, "@type": "CreativeWork", "about": {"@id": "./"}}
    context = "https://w3id.org/ro/crate/1.1/context"
    return json.dumps({"@context": context, "@graph": [about, root, *listed]}).encode()


def contents(
    tree: Mapping[str, bytes],
    where: Mapping[str, str] | None = None,
    links: tuple[str, ...] = (),
    stages: Mapping[str, str] | None = None,
    dvc: tuple[str, ...] = (),
    **more: Any,
) -> dict[str, dict[str, tuple[int, bytes]]]:
    """Return mode and content of every file, by volume and path.

    Args:
        tree: The content of files, by path.
        where: In which volume a file is; `small.zip` if not given.
        links: Which of the files are links.
        stages: Which stage makes a file.
        dvc: The files that DVC keeps.
        more: Of the manifest.
    """
    where, stages = where or {}, stages or {}
    tree = {**tree, CRATE: crate([path for path in tree if path != CRATE])}
    files = [
        {
            "path": path,
            "role": "code",
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "md5": hashlib.md5(content).hexdigest(),
            "stage": stages.get(path),
            "origin": f"dvc:{hashlib.md5(content).hexdigest()}" if path in dvc else "git:0",
            "volume": where.get(path, "small.zip"),
            "mode": "120777" if path in links else "100644",
        }
        for path, content in sorted(tree.items())
    ]
    names = ["small.zip", *sorted(set(where.values()) - {"small.zip"})]
    text = json.dumps(manifest(files, names, more), sort_keys=True, indent=1, ensure_ascii=False)
    tree = {**dict(sorted(tree.items())), MANIFEST: f"{text}\n".encode()}
    sums = {path: hashlib.sha256(content).hexdigest() for path, content in tree.items()}
    summed = sorted(sums.keys() - set(links), key=str.encode)
    lines = (f"{sums[path]}  {path}\n" for path in summed)
    tree[SUMS] = "".join(lines).encode()
    found: dict[str, dict[str, tuple[int, bytes]]] = {name: {} for name in names}
    for path, content in tree.items():
        mode = LINK if path in links else FILE
        found[where.get(path, "small.zip")][path] = mode, content
    return found


def volume(entries: Mapping[str, tuple[int, bytes]]) -> bytes:
    """Return a volume with these entries."""
    made, records = bytearray(), bytearray()
    for path, (mode, content) in entries.items():
        entry = Entry(path, mode, TIME, zlib.crc32(content), len(content))
        records += verify_package.central_header(entry, len(made))
        made += verify_package.local_header(entry) + content
    end = verify_package.end_of_volume(len(entries), len(made), len(records))
    return bytes(made + records + end)


def write(folder: Path, parts: Mapping[str, Mapping[str, tuple[int, bytes]]]) -> Path:
    """Write the volumes of a package into a new folder."""
    folder.mkdir(parents=True)
    for name, entries in parts.items():
        (folder / name).write_bytes(volume(entries))
    return folder


def unpack(parts: Mapping[str, Mapping[str, tuple[int, bytes]]], folder: Path) -> Path:
    """Write the files of a package into a new folder."""
    folder.mkdir(parents=True)
    for entries in parts.values():
        for path, (mode, content) in entries.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            if mode == LINK:
                (folder / path).symlink_to(content.decode())
            else:
                (folder / path).write_bytes(content)
    return folder
