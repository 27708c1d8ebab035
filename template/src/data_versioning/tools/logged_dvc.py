"""The `dvc` command with a copy of its own messages in a file; run as a script, never imported.

Standard output mixes what DVC says with what the stages print; only DVC's log tells them apart.
Arguments: the descriptor of an open file, then those of `dvc`. A line of the file is a JSON list:
seconds since the epoch, message.
"""

import json
import logging
import os
import sys
from contextlib import suppress

from dvc.cli import main


class _Copy(logging.Handler):
    def __init__(self, file: int) -> None:
        super().__init__()
        self._file = file

    def emit(self, record: logging.LogRecord) -> None:
        line = json.dumps([record.created, record.getMessage()])
        with suppress(OSError):  # no reason to end a pipeline
            os.write(self._file, f"{line}\n".encode())


if __name__ == "__main__":
    logging.getLogger("dvc").addHandler(_Copy(int(sys.argv.pop(1))))
    sys.argv[0] = "dvc"  # what DVC calls itself in its locks
    sys.exit(main(sys.argv[1:]))
