"""Run other programs: quietly for an answer, or in full view while keeping the end of it."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from data_versioning.errors import StudyError

TAIL = 64 * 1024  # bytes of stderr kept for the diagnosis of a failure
COLOUR = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")


def capture(argv: Sequence[str], cwd: Path, mend: str = "") -> str:
    """Return what a command prints.

    Raises:
        StudyError: The command is missing or failed; carries the last line it wrote.
    """
    try:
        done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise StudyError("command not found", argv[0], mend or "make setup") from None
    if done.returncode != 0:
        raise StudyError(f"`{' '.join(argv[:3])}` failed", last_line(done.stderr), mend)
    return done.stdout


def last_line(text: str) -> str:
    """Return the last line that says something."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def stream(
    argv: Sequence[str],
    cwd: Path,
    hide: str | tuple[str, ...] | None = None,
    environment: Mapping[str, str] | None = None,
    stdout: int | None = None,
    keep: Sequence[int] = (),
    tail: Tail | None = None,
) -> tuple[int, str]:
    """Run a command in full view.

    On a terminal the command gets a pseudo-terminal for its standard error, because DVC and
    uv draw their progress bars only there.

    Args:
        argv: The command.
        cwd: Where it runs.
        hide: Lines of standard error that begin with this, or one of these, are kept back.
        environment: Its environment; this process's when not given.
        stdout: Where its standard output goes, as `subprocess` understands it.
        keep: Open files that it inherits.
        tail: Takes what it writes to standard error, too.

    Returns:
        Its exit status and the end of what it wrote to standard error, without colours.
    """
    if sys.stderr.isatty():
        import pty

        reader, writer = pty.openpty()
    else:
        reader, writer = os.pipe()
    try:
        child = subprocess.Popen(
            argv, cwd=cwd, stdout=stdout, stderr=writer, env=environment, pass_fds=keep
        )
    except FileNotFoundError:
        raise StudyError("command not found", argv[0], "make setup") from None
    finally:
        os.close(writer)
    errors = Tail()
    line = b""
    while chunk := _read(reader):
        errors.add(chunk)
        if tail:
            tail.add(chunk)
        for piece in chunk.splitlines(keepends=True):
            line += piece
            if line.endswith((b"\n", b"\r")):
                _echo(line, hide)
                line = b""
    _echo(line, hide)
    os.close(reader)
    return child.wait(), str(errors)


@contextmanager
def shown(out: TextIO, tail: Tail) -> Iterator[int]:
    """Give a command a file to write to, which is a terminal where that is one.

    Args:
        out: Where it is shown.
        tail: Takes what the command writes, too.

    Yields:
        The descriptor of the file.
    """
    if out.isatty():
        import pty
        import termios

        reader, writer = pty.openpty()
        termios.tcsetwinsize(writer, termios.tcgetwinsize(out.fileno()))
    else:
        reader, writer = os.pipe()
    ended = threading.Event()
    copying = threading.Thread(target=_copy, args=(reader, out, tail, ended), daemon=True)
    copying.start()
    try:
        yield writer
    finally:
        os.close(writer)
        ended.set()
        copying.join()
        os.close(reader)


def _copy(reader: int, out: TextIO, tail: Tail, ended: threading.Event) -> None:
    """Copy until the end, or until all is read where something else still holds the file open."""
    while True:
        if select.select([reader], [], [], 0.1)[0]:
            if not (chunk := _read(reader)):
                return
            tail.add(chunk)
            with suppress(OSError):  # nobody reads it any more
                _write(out, chunk)
        elif ended.is_set():
            return


class Tail:
    """The end of what a command wrote, without colours."""

    def __init__(self) -> None:
        self._bytes = b""
        self._adding = threading.Lock()

    def add(self, chunk: bytes) -> None:
        """Append what it wrote."""
        with self._adding:
            self._bytes = (self._bytes + chunk)[-TAIL:]

    def __str__(self) -> str:
        """Return it as text."""
        return COLOUR.sub(b"", self._bytes).decode(errors="replace")


def _read(reader: int) -> bytes:
    try:
        return os.read(reader, 65536)
    except OSError:  # Linux reports the closed end of a pseudo-terminal as an error
        return b""


def _echo(line: bytes, hide: str | tuple[str, ...] | None) -> None:
    text = COLOUR.sub(b"", line).decode(errors="replace")
    if not (hide and text.startswith(hide)):
        _write(sys.stderr, line)


def _write(out: TextIO, content: bytes) -> None:
    if buffer := getattr(out, "buffer", None):
        buffer.write(content)
    else:  # a notebook's
        out.write(content.decode(errors="replace"))
    out.flush()
