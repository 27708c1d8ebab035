"""The state of the study's data as DVC tells it; see also `dvc`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_versioning.errors import StudyError
from data_versioning.health.processes import is_held
from data_versioning.pipeline.manager import LOCK
from data_versioning.tools import dvc

CONFIG = ".dvc/config"
ABSENT = {"deleted", "not in cache"}
_SECRET = re.compile(
    r"(?!ask_).*(password|passphrase|secret\w*|token|account_key|connection_string)"
)
_URL_SECRET = re.compile(r"://[^/@]*:(?!\d+/)[^@]+@")


@dataclass(frozen=True)
class Drift:
    """Where the work tree is not what DVC recorded.

    Args:
        stale: Stages to run again.
        changed: Tracked data that was changed.
        absent: Tracked data, and outputs of stages that are not stale, that are not here.
    """

    stale: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


def drift(root: Path) -> Drift:
    """Return where the work tree is not what DVC recorded, by one call of DVC.

    Raises:
        StudyError: DVC cannot read its files, or a reproduction is under way.
    """
    if is_held(root / LOCK):
        raise StudyError("a reproduction is under way", str(root), "wait for it")
    asked = ["dvc", "status", "--json"]
    try:
        done = subprocess.run(asked, cwd=root, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise StudyError("command not found", "dvc", "make setup") from None
    if done.returncode != 0:
        raise StudyError("DVC cannot read the study", dvc.failure(done.stderr)[1])
    stale, changed, absent = [], [], []
    for address, said in json.loads(done.stdout or "{}").items():
        outs = {path: how for one in said if isinstance(one, dict)
                for path, how in one.get("changed outs", {}).items()}  # fmt: skip
        others = any(not isinstance(one, dict) or one.keys() - {"changed outs"} for one in said)
        gone = [path for path, how in outs.items() if how in ABSENT]
        if not address.endswith(".dvc") and (others or len(gone) < len(outs)):
            stale.append(address)  # another run makes what is gone
            continue
        absent += gone
        changed += [path for path in outs if path not in gone]
    return Drift(tuple(stale), tuple(changed), tuple(absent))


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
        older: More hashes, which are left out where the cache lacks them, and never sent.

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


def files(root: Path, rev: str, folder: str) -> dict[str, str]:
    """Return the MD5 of every file of a tracked folder at a revision, by its path in the folder.

    Raises:
        StudyError: The list of its files is neither in the cache nor in the remote.
    """
    asked = ["ls", "--recursive", "--show-hash", "--json", "--rev", rev, "--", ".", folder]
    listed = json.loads(dvc.call(root, *asked))
    return {entry["path"]: str(entry["md5"]) for entry in listed}


def open_secrets(root: Path) -> list[tuple[str, str]]:
    """Return remote and option of each secret in the configuration that git keeps."""
    import configobj

    config = configobj.ConfigObj(str(root / CONFIG), interpolation=False, list_values=False)
    return [
        (section.removeprefix("remote").strip(" '\""), key)
        for section, options in config.items()
        if isinstance(options, dict)
        for key, value in options.items()
        if value and (_SECRET.fullmatch(key) or _URL_SECRET.search(value))
    ]
