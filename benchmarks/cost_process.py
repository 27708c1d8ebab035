"""Run a command from a small process: `python cost_process.py REPORT COMMAND ...`.

A process inherits the peak memory of what started it, so this one does nothing else.
"""

import os
import sys
import time

UNIT = 1 if sys.platform == "darwin" else 1024  # bytes of the unit of ru_maxrss


def main(report: str, *command: str) -> int:
    """Write seconds and the bytes of the largest process at its peak, and return the status."""
    start = time.perf_counter()
    process = os.posix_spawnp(command[0], command, os.environ)
    _, status, used = os.wait4(process, 0)
    seconds = time.perf_counter() - start
    with open(report, "w", encoding="utf-8") as file:
        file.write(f"{seconds} {used.ru_maxrss * UNIT}")
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
