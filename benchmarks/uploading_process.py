"""Upload a file to a new draft: `python uploading_process.py ours|bare URL TOKEN FILE`.

Prints the seconds from the first byte that is sent until the file is complete, and its checked MD5.
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CHUNK = 1 << 20  # bytes
METADATA = {
    "title": "Mixed files",
    "upload_type": "dataset",
    "description": "For a benchmark.",
    "creators": [{"name": "Lovelace, Ada"}],
    "license": "cc-by-4.0",
}


def ours(url: str, token: str, path: Path) -> float:
    """Upload by the tooling."""
    from data_versioning.archive.deposit.zenodo import ZenodoUploader

    uploader = ZenodoUploader(token, url=url)
    deposition: Any = uploader.create_deposition(METADATA)
    start = time.perf_counter()
    uploader.upload_file(deposition["id"], path)
    return time.perf_counter() - start


def bare(url: str, token: str, path: Path) -> float:
    """Upload by one request, whose body is hashed as it is sent; check what came."""
    import httpx

    size = path.stat().st_size
    md5 = hashlib.md5(usedforsecurity=False)

    def pieces() -> Iterator[bytes]:
        with path.open("rb", buffering=0) as file:
            while piece := file.read(CHUNK):
                md5.update(piece)
                yield piece

    with httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
        draft = client.post(f"{url}/api/records", json={}).raise_for_status().json()["id"]
        files = f"{url}/api/records/{draft}/draft/files"
        start = time.perf_counter()
        client.post(files, json=[{"key": path.name}]).raise_for_status()
        length = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
        client.put(
            f"{files}/{path.name}/content", content=pieces(), headers=length
        ).raise_for_status()
        done = client.post(f"{files}/{path.name}/commit").raise_for_status().json()
        seconds = time.perf_counter() - start
    assert done["checksum"] == f"md5:{md5.hexdigest()}"
    return seconds


if __name__ == "__main__":
    _, how, address, secret, file = sys.argv
    print({"ours": ours, "bare": bare}[how](address, secret, Path(file)))
