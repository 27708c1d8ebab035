"""One render in a process of its own: `python rendering_process.py <template> <to> <answers>`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import yaml
from copier import run_copy


def main(template: str, to: str, answers: str) -> None:
    """Render, and print how long that took."""
    data = yaml.safe_load(Path(answers).read_text(encoding="utf-8"))
    start = time.perf_counter()
    run_copy(
        template, to, data=data, defaults=True, quiet=True, skip_tasks=True, unsafe=True,
        vcs_ref="HEAD",
    )  # fmt: skip
    print(time.perf_counter() - start)


if __name__ == "__main__":
    main(*sys.argv[1:])
