"""Finish a freshly rendered study: hand over to its own set-up.

Copier runs this in the new study, on `copier copy` only. It never fails: Copier deletes a new
project whose task fails, and `make setup` can finish what could not run.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Run the set-up of the study in the current folder."""
    root = Path.cwd()
    environment = os.environ | {"PYTHONPATH": str(root / "src")}
    print("Setting up the study:", flush=True)
    command = [sys.executable, "-m", "data_versioning", "setup"]
    try:
        status = subprocess.call(command, cwd=root, env=environment)
    except KeyboardInterrupt:
        status = 130
    if status != 0:
        print(
            "\nThe set-up did not finish; the study is kept. Mend what it says above, then:\n"
            f"  cd {shlex.quote(str(root))} && make setup",
            file=sys.stderr,
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
