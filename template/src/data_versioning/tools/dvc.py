"""The only module that knows DVC's command line."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_versioning.command import Tail, capture, last_line, stream
from data_versioning.errors import StudyError
from data_versioning.pipeline.unlogged import REPRODUCTION
from data_versioning.tools import dvc_files

LONGEST_COMMAND = 1_000_000  # bytes; Linux takes two million, the environment included
POINTER = 9  # bytes that an argument costs besides its own
RWLOCK = ".dvc/tmp/rwlock"
BAD_USAGE = 254  # what `dvc` exits with when it does not know an argument


def cache_dir(root: Path) -> Path:
    """Return the folder of DVC's cache, which can be shared among studies."""
    return Path(root, call(root, "cache", "dir").strip())


def forget_killed_processes(root: Path) -> None:
    """Take away the locks of DVC processes that were killed; DVC would be blocked by some of them.

    DVC asks only whether there is a process with that number, be it dead and not yet buried or
    another program.
    """
    if is_locked_by_killed(root):
        (root / RWLOCK).unlink(missing_ok=True)


def is_locked_by_killed(root: Path) -> bool:
    """Tell whether the locks that DVC noted are all those of processes that were killed."""
    try:
        text = (root / RWLOCK).read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    try:
        locks = json.loads(text)
    except ValueError:
        return True  # written half; DVC would refuse it for ever
    holders = [*locks.get("write", {}).values(), *itertools.chain(*locks.get("read", {}).values())]
    return bool(holders) and not any(_is_dvc(holder["pid"]) for holder in holders)


def _is_dvc(pid: int) -> bool:
    import psutil

    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and "dvc" in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False


@dataclass(frozen=True)
class Remote:
    """A remote of DVC.

    Args:
        name: What DVC calls it.
        url: Where it is; of a folder, the absolute path.
        endpoint: The server, where the address does not name it.
    """

    name: str
    url: str
    endpoint: str = ""

    @property
    def kind(self) -> str:
        """The scheme of its address, such as `s3`; empty for a folder."""
        return self.url.partition("://")[0] if "://" in self.url else ""


def remotes(root: Path) -> tuple[str | None, dict[str, Remote]]:
    """Return the name of the default remote, if there is one, and every remote by its name."""
    default, options = remote_options(root)
    return default, {
        name: Remote(name, option.get("url", ""), option.get("endpointurl", ""))
        for name, option in options.items()
    }


def remote_options(root: Path) -> tuple[str | None, dict[str, dict[str, str]]]:
    """Return the default remote's name, and of every remote all that is configured, secrets too."""
    default = None
    options: dict[str, dict[str, str]] = {}
    for line in call(root, "config", "--list").splitlines():
        key, _, value = line.partition("=")
        if key == "core.remote":
            default = value
        elif found := re.fullmatch(r"remote\.(.+)\.(\w+)", key):
            options.setdefault(found[1], {})[found[2]] = value
    return default, options


def transfer(root: Path, verb: str, remote: str, targets: Iterable[str] = ()) -> tuple[int, str]:
    """Push, pull or fetch, with progress but no error on a terminal; see `command.stream`.

    Raises:
        StudyError: It failed, as a file of DVC's is broken or in conflict.
    """
    terminal = sys.stderr.isatty()
    chatter = ("ERROR:", "WARNING:", "Having any troubles?") if terminal else ("",)
    # botocore tries a server that is down five times, and s3fs each of those five times.
    environment = {"AWS_MAX_ATTEMPTS": "3", **os.environ}
    argv = ["dvc", verb, "--remote", remote, "--", *targets]
    out = 2 if terminal else subprocess.DEVNULL
    status, stderr = stream(argv, root, chatter, environment, out)
    if status != 0:
        dvc_files.refuse_broken(root)
    return status, stderr


def not_in_remote(root: Path, remote: str) -> tuple[int, list[str], str]:
    """Return DVC's exit status, the paths that are here but not in a remote, and its errors."""
    argv = ["dvc", "data", "status", "--not-in-remote", "--json", "--remote", remote]
    environment = {"AWS_MAX_ATTEMPTS": "3", **os.environ}
    done = subprocess.run(
        argv, cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    found = json.loads(done.stdout) if done.returncode == 0 else {}
    lost = set(found.get("not_in_cache", []))
    paths = [path for path in found.get("not_in_remote", []) if path not in lost]
    return done.returncode, sorted(paths), done.stderr


def add(root: Path, paths: Iterable[str], lock: int) -> None:
    """Track files and folders, showing progress on a terminal.

    Args:
        root: The study.
        paths: What to track; in one call of DVC, or in as few as the system lets commands be long.
        lock: An open lock file that DVC holds, too.

    Raises:
        StudyError: DVC refused; carries its reason.
    """
    chatter = "ERROR:" if sys.stderr.isatty() else ("",)
    batches: list[list[str]] = [[]]
    length = 0
    for path in paths:
        length += len(os.fsencode(path)) + POINTER
        if length > LONGEST_COMMAND:
            batches.append([])
            length = 0
        batches[-1].append(path)
    for batch in batches:
        argv = ["dvc", "--wait-for-lock", "add", "--", *batch]
        status, stderr = stream(argv, root, chatter, out=subprocess.DEVNULL, keep=[lock])
        if status != 0:
            raise StudyError("DVC could not track it", error_message(stderr))


def data_status(root: Path) -> dict[str, Any]:
    """Return how the data differs from what is tracked, as `dvc data status --json` says it.

    By key: `uncommitted`, `committed` (each of `added`, `modified`, `deleted`), `not_in_cache`.
    """
    found: dict[str, Any] = json.loads(call(root, "data", "status", "--granular", "--json"))
    return found


def checkout(root: Path, targets: Iterable[str]) -> None:
    """Put data in place as `*.dvc` and `dvc.lock` say; of all of them, where none is given.

    Outputs of stages of which `dvc.lock` says nothing go; lacking data in the cache is no error.
    """
    call(root, "--wait-for-lock", "checkout", "--allow-missing", "--", *targets)


def get(
    root: Path,
    path: str,
    rev: str,
    to: Path,
    remote: str | None,
    scratch: Path,
    cache: Path | None,
    lock: int,
) -> tuple[int, str]:
    """Copy data of any revision, from the cache or a remote; see `command.stream`.

    Args:
        root: The study.
        path: The data, relative to the study.
        rev: The revision.
        to: What to make.
        remote: The remote, as it is configured now, not then.
        scratch: An empty folder that others cannot read, for a configuration with passwords.
        cache: The cache to look in; the study's own when not given.
        lock: An open lock file that DVC holds, too.
    """
    import configobj

    config = configobj.ConfigObj(interpolation=False, list_values=False)
    for name, options in remote_options(root)[1].items():
        config[f'remote "{name}"'] = options
    if remote:
        config["core"] = {"remote": remote}
    if cache:
        config["cache"] = {"dir": str(cache)}
    file = scratch / "config"
    with file.open("wb") as opened:
        config.write(opened)
    argv = ["dvc", "get", "--rev", rev, "--out", str(to), "--config", str(file), "--", ".", path]
    chatter = "ERROR:" if sys.stderr.isatty() else ("",)
    return stream(argv, root, chatter, out=subprocess.DEVNULL, keep=[lock])


def call(root: Path, *args: str) -> str:
    """Run a DVC command for its answer.

    Raises:
        StudyError: It failed; carries DVC's reason.
    """
    try:
        return capture(["dvc", *args], root, reason=error_message)
    except StudyError:
        dvc_files.refuse_broken(root)
        raise


@dataclass(frozen=True)
class Reproduced:
    """What `dvc repro` did.

    Args:
        status: Its exit status.
        stderr: The end of what it and the stages wrote to standard error.
        printed: The end of all that it and the stages wrote.
        log: What it said itself, and when, in seconds since the epoch; its end is the last line.
    """

    status: int
    stderr: str
    printed: str
    log: list[tuple[float, str]]


def repro(root: Path, args: Sequence[str], quiet: bool, lock: int) -> Reproduced:
    """Run `dvc repro` in full view but for its errors; see `command.stream`.

    Args:
        root: The study.
        args: Its further arguments.
        quiet: Write nothing to standard output.
        lock: An open lock file that it holds, too.
    """
    environment = {**os.environ, REPRODUCTION: str(root)}
    # -P: the folder of that script holds modules of the names of others.
    dvc = [sys.executable, "-P", str(Path(__file__).with_name("logged_dvc.py"))]
    printed = Tail()
    out = sys.stderr if quiet else sys.stdout
    with tempfile.TemporaryFile() as log:
        keep = [lock, log.fileno()]
        argv = [*dvc, str(log.fileno()), "repro", *args]
        status, stderr = stream(argv, root, "ERROR:", environment, out, keep, printed)
        log.seek(0)
        said = [(when, message) for when, message in map(json.loads, log)]
    return Reproduced(status, stderr, str(printed), [*said, (time.time(), "")])


def error_message(stderr: str) -> str:
    """Return the reason that DVC gives for a failure, on one line."""
    _, found, reason = stderr.partition("Having any troubles?")[0].rpartition("ERROR: ")
    return " ".join(reason.split()) if found else last_line(stderr)


def failure(stderr: str) -> tuple[str | None, str]:
    """Return the stage that failed, or None if it was no stage, and the reason, on one line.

    The reason of a stage is the last line it wrote before it ended.
    """
    pattern = r"'(?:\./)?([^'\n]+)' validation failed[^\n]*\n\s*\n(.+?), column \d"
    if invalid := re.search(pattern, stderr, re.DOTALL):
        return None, f"{invalid[1]}: {' '.join(invalid[2].split())}"
    said, _, _ = stderr.rpartition("ERROR: ")
    message = error_message(stderr)
    if not (failed := re.match(r"failed to reproduce '([^']+)': (.*)", message)):
        return None, message
    stage, reason = failed.groups()
    if reason.startswith("failed to run: ") and (last := last_line(said)):
        reason = f"{last.removeprefix('error: ')} ({reason.rpartition(', ')[2]})"
    return stage, reason
