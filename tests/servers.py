"""Storage servers on loopback, started and stopped by a test."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

S3_KEY = "TESTACCESSKEY0001"
S3_SECRET = "TESTSECRETKEYTESTSECRETKEY0001"  # pragma: allowlist secret
WEBDAV_USER = "ada"
WEBDAV_PASSWORD = "TESTWEBDAVPASSWORD0001"  # pragma: allowlist secret

Server = subprocess.Popen[bytes]


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def s3(folder: Path, port: int) -> Iterator[Server]:
    """Serve a folder by the S3 protocol, with signatures checked; its folders are the buckets."""
    with _rclone("s3", folder, port, "--auth-key", f"{S3_KEY},{S3_SECRET}") as server:
        yield server


@contextmanager
def webdav(folder: Path, port: int) -> Iterator[Server]:
    """Serve a folder by WebDAV to one user with a password."""
    with _rclone("webdav", folder, port, "--user", WEBDAV_USER, "--pass", WEBDAV_PASSWORD) as it:
        yield it


@contextmanager
def _rclone(protocol: str, folder: Path, port: int, *options: str) -> Iterator[Server]:
    server = subprocess.Popen(
        [
            Path(sys.prefix, "bin/rclone"), "serve", protocol, folder,
            "--addr", f"127.0.0.1:{port}", "--config", "/dev/null", *options,
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait_for(server, port)
        yield server
    finally:
        server.kill()
        server.wait()


def _wait_for(server: Server, port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        assert server.poll() is None, f"the server ended: {server.args!r}"
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise AssertionError(f"no answer on port {port}: {server.args!r}")
