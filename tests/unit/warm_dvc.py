"""A `dvc` that starts at once: the real one, forked from a process that has imported it.

Most of the time of a small study's tests went into importing DVC, a third of a second for every
command. A process per test worker imports it once. What is on the path as `dvc` sends it the
arguments, the folder, the environment and the open files, and the copy that it forks runs DVC's own
program with them. Killing either kills the other. The tests of whole studies start DVC as users do.
"""

from __future__ import annotations

import array
import atexit
import gc
import importlib
import json
import os
import random
import runpy
import select
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SCRIPTS = Path(__file__).parents[2] / "template/src/data_versioning/tools"

IMPORTED = (
    "dvc.cli.parser", "dvc._debug", "dvc.analytics", "dvc.cachemgr", "dvc.data_cloud", "dvc.info",
    "dvc.repo.artifacts", "dvc.repo.brancher", "dvc.repo.datasets", "dvc.repo.graph",
    "dvc.repo.index", "dvc.repo.init", "dvc.repo.open_repo", "dvc.repo.plots", "dvc.repo.stage",
    "dvc.repo.worktree", "dvc.utils.strictyaml", "dvc_data.hashfile._progress",
    "dvc_data.hashfile.db.index", "dvc_data.hashfile.db.local", "dvc_data.hashfile.status",
    "dvc_data.index.checkout", "dvc_data.index.collect", "dvc_data.index.fetch",
    "dvc_data.index.push", "dulwich.filters", "dulwich.line_ending", "dulwich.porcelain",
    "dulwich.worktree", "fsspec.implementations.memory", "networkx", "rich.console", "rich.json",
    "scmrepo.git.backend.pygit2.filter", "sqlite3",
)  # fmt: skip
# What `dvc` on the path does; as little as possible, for it is started hundreds of times.
CLIENT = """
import array, json, os, signal, socket, sys
address, *argv = sys.argv[1:]
files = []
for number in map(int, os.listdir("/dev/fd")):
    try:
        os.fstat(number)
        files.append(number)
    except OSError:  # the listing's own
        pass
mask = os.umask(0)
os.umask(mask)
told = json.dumps([argv, os.getcwd(), dict(os.environ), mask, files]).encode()
server = socket.socket(socket.AF_UNIX)
server.connect(address)
rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))]
server.sendmsg([len(told).to_bytes(8, "big")], rights)
server.sendall(told)
status = server.recv(1)
if not status:  # it was killed
    os.kill(os.getpid(), signal.SIGKILL)
os._exit(status[0])
"""


@dataclass(frozen=True)
class Warm:
    """Programs that start at once.

    Args:
        path: A folder with `dvc`, for the path.
        python: The environment's Python; scripts that ask DVC for something start at once.
    """

    path: Path
    python: Path


@contextmanager
def warm_dvc(environment: Path) -> Iterator[Warm]:
    """Yield programs of an environment that start at once, as long as the block lasts."""
    python, script = environment / "bin/python", environment / "bin/dvc"
    with tempfile.TemporaryDirectory() as name:  # a socket's path is short
        folder = Path(name)
        client, address = folder / "client.py", folder / "socket"
        client.write_text(CLIENT)
        ask = shlex.join([str(python), "-I", "-S", str(client), str(address)])
        made = Warm(folder / "bin", folder / "python")
        made.path.mkdir()
        _program(made.path / "dvc", f'exec {ask} {shlex.quote(str(script))} "$@"\n')
        _program(
            made.python,
            f'case "$1 $2" in "-P {SCRIPTS}/"*) shift; exec {ask} "$@" ;; esac\n'
            f'exec {shlex.quote(str(python))} "$@"\n',
        )
        argv = [str(python), "-P", __file__, str(address)]
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
            assert server.stdin and server.stdout
            assert server.stdout.readline()
            yield made
            server.stdin.close()


def _program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}")
    path.chmod(0o755)


def serve(address: str) -> None:
    """Fork a copy for each client, until standard input ends."""
    for name in IMPORTED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(16)
        print("ready", flush=True)
        while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
            client, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                work(client)
            client.close()


def work(client: socket.socket) -> None:
    """Run what a client asks for as if this process were the client, and end."""
    room = socket.CMSG_SPACE(256 * array.array("i").itemsize)
    length, ancillary, _, _ = client.recvmsg(8, room, socket.MSG_WAITALL)
    received = array.array("i")
    for _, _, content in ancillary:
        received.frombytes(content)
    told = client.makefile("rb").read(int.from_bytes(length, "big"))
    argv, folder, environment, mask, files = json.loads(told)
    spare = max([*files, *received, client.fileno()]) + 1
    client = socket.socket(fileno=os.dup2(client.detach(), spare, inheritable=False))
    held = [os.dup2(file, spare + 1 + place) for place, file in enumerate(received)]
    for number in {*received, 0, 1, 2} - set(files):
        os.close(number)
    for number, file in zip(files, held, strict=True):
        os.dup2(file, number)
        os.close(file)
    threading.Thread(target=_follow, args=[client], daemon=True).start()
    os.chdir(folder)
    os.umask(mask)
    os.environ.clear()
    os.environ.update(environment)
    random.seed()
    sys.argv[:] = argv
    sys.stdout.reconfigure(line_buffering=os.isatty(1))  # type: ignore[union-attr]
    status = 0
    try:
        runpy.run_path(argv[0], run_name="__main__")
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    client.sendall(bytes([status & 255]))
    os._exit(status)


def _follow(client: socket.socket) -> None:
    """Die with the client."""
    if not client.recv(1):
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    serve(sys.argv[1])
