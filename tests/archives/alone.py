"""The double on its own, until it is interrupted."""

from __future__ import annotations

import argparse
import json
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

from .control import read_faults
from .server import running
from .state import TOKEN


def serve(argv: Sequence[str]) -> int:
    """Serve, and print the address as one line.

    Args:
        argv: The arguments of the command.
    """
    parser = argparse.ArgumentParser(
        prog="archives",
        description="Zenodo, InvenioRDM and OSF on this machine: nothing that is deposited here "
        "leaves it, and nothing lasts. State: /_double/state, /_double/requests, /_double/faults.",
    )
    add = parser.add_argument
    add("--port", type=int, default=0, help="of loopback; 0, the default, for any that is free")
    add("--token", default=TOKEN, help="what clients have to send (default: %(default)s)")
    add("--quota", type=int, help="bytes of a record and of a project (default: as the archives)")
    add("--faults", type=Path, help="a JSON list of what goes wrong, as tests/archives/faults.py")
    add("--prefix", default="10.5072", help="of DOIs (default: %(default)s, as Zenodo's sandbox)")
    add("--lag", type=float, default=2.0, help="seconds until searches find something")
    asked = parser.parse_args(argv)
    try:
        faults = read_faults(json.loads(asked.faults.read_text())) if asked.faults else []
    except (OSError, ValueError) as error:
        parser.error(f"{asked.faults}: {error}")
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    try:
        with running(
            asked.token,
            quota=asked.quota,
            faults=faults,
            prefix=asked.prefix,
            lag=asked.lag,
            port=asked.port,
        ) as state:
            print(state.url, flush=True)
            ended.wait()
    except OSError as error:  # somebody else has the port
        parser.error(f"port {asked.port}: {error}")
    return 0
