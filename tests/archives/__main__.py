"""The double as a server: `python3 tests/archives [--port N]`; it prints its address."""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> int:
    """Serve until it is interrupted."""
    # Started as a folder, this is no part of a package yet.
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    from archives.alone import serve

    return int(serve(sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(main())
