"""The only module that knows DVC's command line."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data_versioning.command import last_line, stream
from data_versioning.errors import StudyError
from data_versioning.unlogged import REPRODUCTION

BAD_USAGE = 254  # what `dvc` exits with when it does not know an argument


def cache_dir(root: Path) -> Path:
    """Return the folder of DVC's cache, which can be shared among studies."""
    return Path(root, call(root, "cache", "dir").strip())


def forget_killed_processes(root: Path) -> None:
    """Take away the locks of DVC processes that were killed; DVC would be blocked by some of them.

    DVC asks only whether there is a process with that number, be it dead and not yet buried or
    another program.
    """
    path = root / ".dvc/tmp/rwlock"
    try:
        locks = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return
    holders = [*locks.get("write", {}).values(), *itertools.chain(*locks.get("read", {}).values())]
    if holders and not any(_is_dvc(holder["pid"]) for holder in holders):
        path.unlink()


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
    default = None
    options: dict[str, dict[str, str]] = {}
    for line in call(root, "config", "--list").splitlines():
        key, _, value = line.partition("=")
        if key == "core.remote":
            default = value
        elif found := re.fullmatch(r"remote\.(.+)\.(\w+)", key):
            options.setdefault(found[1], {})[found[2]] = value
    return default, {
        name: Remote(name, option.get("url", ""), option.get("endpointurl", ""))
        for name, option in options.items()
    }


def transfer(root: Path, verb: str, remote: str) -> tuple[int, str]:
    """Push or pull, showing progress and the count of files but no error; see `command.stream`."""
    chatter = ("ERROR:", "WARNING:", "Having any troubles?") if sys.stderr.isatty() else ("",)
    # botocore tries a server that is down five times, and s3fs each of those five times.
    environment = {"AWS_MAX_ATTEMPTS": "3", **os.environ}
    return stream(["dvc", verb, "--remote", remote], root, chatter, environment)


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


def call(root: Path, *args: str) -> str:
    """Run a DVC command for its answer.

    Raises:
        StudyError: It failed; carries DVC's reason.
    """
    argv = ["dvc", *args]
    try:
        done = subprocess.run(argv, cwd=root, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise StudyError("command not found", "dvc", "make setup") from None
    if done.returncode != 0:
        raise StudyError(f"`{' '.join(argv[:3])}` failed", error_message(done.stderr))
    return done.stdout


def repro(root: Path, args: Sequence[str], quiet: bool, lock: int) -> tuple[int, str]:
    """Run `dvc repro` in full view but for its errors; see `command.stream`.

    Args:
        root: The study.
        args: Its further arguments.
        quiet: Write nothing to standard output.
        lock: An open lock file that it holds, too.
    """
    stdout = sys.stderr.fileno() if quiet else None
    environment = {**os.environ, REPRODUCTION: str(root)}
    return stream(["dvc", "repro", *args], root, "ERROR:", environment, stdout, [lock])


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
