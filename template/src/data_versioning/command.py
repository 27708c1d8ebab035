"""Run other programs: quietly for an answer, or in full view while keeping the end of it."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from data_versioning.errors import StudyError

PAUSE = 0.2  # seconds between looks at a command that is silent
TAIL = 64 * 1024  # bytes of output kept for the diagnosis of a failure
COLOUR = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")


def last_line(text: str) -> str:
    """Return the last line that says something."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def capture(
    argv: Sequence[str], cwd: Path, mend: str = "", reason: Callable[[str], str] = last_line
) -> str:
    """Return what a command prints; names of files in it need not be UTF-8.

    Args:
        argv: The command.
        cwd: Where it runs.
        mend: What to do when it fails.
        reason: Finds the reason of a failure in what it wrote to standard error.

    Raises:
        StudyError: The command is missing or failed; carries the reason.
    """
    try:
        done = subprocess.run(
            argv, cwd=cwd, capture_output=True, text=True, errors="surrogateescape", check=False
        )
    except FileNotFoundError:
        raise StudyError("command not found", argv[0], mend or "make setup") from None
    if done.returncode != 0:
        raise StudyError(f"`{' '.join(argv[:3])}` failed", reason(done.stderr), mend)
    return done.stdout


def stream(
    argv: Sequence[str],
    cwd: Path,
    hide: str | tuple[str, ...] = (),
    environment: Mapping[str, str] | None = None,
    out: TextIO | int | None = None,
    keep: Sequence[int] = (),
    tail: Tail | None = None,
) -> tuple[int, str]:
    """Run a command in full view.

    On a terminal the command gets a pseudo-terminal, because DVC and uv draw their progress bars
    only there.

    Args:
        argv: The command.
        cwd: Where it runs.
        hide: Lines of standard error that begin with this, or one of these, are kept back.
        environment: Its environment; this process's when not given.
        out: Where its standard output is shown; or goes, as `subprocess` understands it.
        keep: Open files that it inherits.
        tail: Takes what it writes to standard error and what of its standard output is shown.

    Returns:
        Its exit status and the end of what it wrote to standard error, without colours.
    """
    tail = tail or Tail()
    errors = Tail()
    line = b""
    reader, writer = _like(sys.stderr)
    shown, stdout = (None, out) if out is None or isinstance(out, int) else _like(out)
    try:
        child = subprocess.Popen(
            argv, cwd=cwd, stdout=stdout, stderr=writer, env=environment, pass_fds=keep
        )
    except FileNotFoundError:
        raise StudyError("command not found", argv[0], "make setup") from None
    finally:
        os.close(writer)
        if shown is not None and stdout is not None:
            os.close(stdout)
    # Its output first: whatever it wrote before an error is there when the error is.
    opened = [one for one in (shown, reader) if one is not None]
    while opened:
        ready = select.select(opened, [], [], PAUSE)[0]
        if not ready and child.poll() is not None:
            break  # it ended, and something it started still holds the files open
        for one in ready:
            chunk = _read(one)
            tail.add(chunk)
            if not chunk:
                opened.remove(one)
                os.close(one)
            elif one != reader:
                with suppress(OSError):  # nobody reads it any more
                    _write(out, chunk)
            else:
                errors.add(chunk)
                for piece in chunk.splitlines(keepends=True):
                    line += piece
                    if line.endswith((b"\n", b"\r")):
                        _echo(line, hide)
                        line = b""
    _echo(line, hide)
    for one in opened:
        os.close(one)
    return child.wait(), str(errors)


def _like(file: TextIO) -> tuple[int, int]:
    """Return both ends of a pipe, or of a pseudo-terminal where a file is a terminal."""
    if not file.isatty():
        return os.pipe()
    import pty
    import termios

    reader, writer = pty.openpty()
    termios.tcsetwinsize(writer, termios.tcgetwinsize(file.fileno()))
    return reader, writer


class Tail:
    """The end of what a command wrote, without colours."""

    def __init__(self) -> None:
        self._bytes = b""

    def add(self, chunk: bytes) -> None:
        """Append what it wrote."""
        self._bytes = (self._bytes + chunk)[-TAIL:]

    def __str__(self) -> str:
        """Return it as text."""
        return COLOUR.sub(b"", self._bytes).decode(errors="replace")


def _read(reader: int) -> bytes:
    try:
        return os.read(reader, 65536)
    except OSError:  # Linux reports the closed end of a pseudo-terminal as an error
        return b""


def _echo(line: bytes, hide: str | tuple[str, ...]) -> None:
    text = COLOUR.sub(b"", line).decode(errors="replace")
    if not text.startswith(hide):
        _write(sys.stderr, line)


def _write(out: Any, content: bytes) -> None:
    if buffer := getattr(out, "buffer", None):
        buffer.write(content)
    else:  # a notebook's
        out.write(content.decode(errors="replace"))
    out.flush()
