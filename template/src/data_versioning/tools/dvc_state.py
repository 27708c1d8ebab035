"""The state of the study's data as DVC tells it; see also `dvc`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from data_versioning.command import stream

CONFIG = ".dvc/config"
_SECRET = re.compile(
    r"(?!ask_).*(password|passphrase|secret\w*|token|account_key|connection_string)"
)
_URL_SECRET = re.compile(r"://[^/@]*:(?!\d+/)[^@]+@")


def lacking(
    root: Path,
    remote: str,
    objects: Mapping[str, Sequence[str]],
    seconds: float | None = None,
    send: bool = False,
    older: Mapping[str, Sequence[str]] | None = None,
) -> tuple[int, dict[str, tuple[int, int]], str]:
    """Ask a remote which objects it lacks; files of folders are asked for one by one.

    Args:
        root: The study.
        remote: The name of the remote.
        objects: Hashes, by the algorithm that made them: `md5`, or `md5-dos2unix` before DVC 3.
        seconds: How long to wait; as long as it takes when not given.
        send: Send what is lacking and in the cache, first.
        older: More hashes, which are left out where the cache lacks them.

    Returns:
        Exit status, by hash how many files are lacking and how many of these are lost, not in the
        cache either, and what was written to standard error.
    """
    # -P: this package's `dvc` must not hide DVC.
    argv = [sys.executable, "-P", str(Path(__file__).with_name("remote_objects.py"))]
    question = {
        "root": str(root), "remote": remote, "objects": objects, "older": older or {}, "send": send,
    }  # fmt: skip
    environment = {"AWS_MAX_ATTEMPTS": "3", **os.environ}
    try:
        done = subprocess.run(
            argv,
            cwd=root, input=json.dumps(question), env=environment, timeout=seconds,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return 1, {}, f"ERROR: timed out after {seconds} seconds"
    return done.returncode, json.loads(done.stdout) if done.returncode == 0 else {}, done.stderr


def open_secrets(root: Path) -> list[tuple[str, str]]:
    """Return remote and option of each secret in the configuration that git keeps."""
    import configobj

    path = str(root / CONFIG)
    return secret_options(configobj.ConfigObj(path, interpolation=False, list_values=False))


def secret_options(config: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return remote and option of each secret in a configuration.

    Args:
        config: The options of each section.
    """
    return [
        (section.removeprefix("remote").strip(" '\""), key)
        for section, options in config.items()
        if isinstance(options, dict)
        for key, value in options.items()
        if value and (_SECRET.fullmatch(key) or _URL_SECRET.search(value))
    ]


def fetch(root: Path, remote: str, hashes: Sequence[str]) -> tuple[int, str]:
    """Get objects from a remote into the cache, whatever commit refers to them.

    Args:
        root: The study.
        remote: The name of the remote.
        hashes: Those of DVC 3; of a folder with the suffix `.dir`, which gets its files, too.

    Returns:
        Exit status and what was written to standard error; what the remote lacks is no error.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".json") as asked:
        json.dump({"root": str(root), "remote": remote, "hashes": list(hashes)}, asked)
        asked.flush()
        script = Path(__file__).with_name("fetch_objects.py")
        argv = [sys.executable, "-P", str(script), asked.name]
        environment = {"AWS_MAX_ATTEMPTS": "3", **os.environ}
        chatter = ("ERROR:", "WARNING:") if sys.stderr.isatty() else ("",)
        return stream(argv, root, chatter, environment, subprocess.DEVNULL)
