"""The locked environment for pip: `requirements.txt` with hashes, from the commit's `uv.lock`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from data_versioning.errors import StudyError

NOTHING = "# The study has no uv.lock.\n"
# The groups of `make setup` but `dev`: what a reproduction needs, and no tool of the author's.
OPTIONS = (
    "--frozen", "--offline", "--no-cache", "--no-config", "--no-header", "--no-annotate",
    "--no-emit-project", "--no-dev", "--format=requirements.txt", "--quiet",
)  # fmt: skip


def text(uv_lock: bytes, pyproject: bytes) -> str:
    """Return the locked packages as pip reads them, without the address of any index.

    Args:
        uv_lock: The content of `uv.lock`; without any the result is a comment.
        pyproject: The content of `pyproject.toml`.

    Raises:
        StudyError: There is no uv, or it does not understand the files; carries its reason.
    """
    if not uv_lock or not pyproject:
        return NOTHING
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "uv.lock").write_bytes(uv_lock)
        (folder / "pyproject.toml").write_bytes(pyproject)
        # Settings of the user's could name indexes or groups.
        environment = {key: one for key, one in os.environ.items() if not key.startswith("UV_")}
        done = subprocess.run(
            [_uv(), "export", *OPTIONS],
            cwd=folder, env=environment | {"NO_COLOR": "1"}, capture_output=True, check=False,
        )  # fmt: skip
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").replace(scratch, ".").splitlines()
        told = [re.match(r" *(?:error|cause|Caused by): (.*)", line) for line in lines]
        reason = ": ".join(line[1] for line in told if line)
        raise StudyError(reason or "uv export failed", "uv.lock", "uv lock && git commit uv.lock")
    return done.stdout.decode()


def _uv() -> str:
    """Return uv: that of the study's environment, which `uv.lock` pins, or else any."""
    here = Path(sys.executable).with_name("uv")
    found = str(here) if here.exists() else shutil.which("uv")
    if not found:
        raise StudyError("uv is not installed", "", "make setup")
    return found
