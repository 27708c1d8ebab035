"""What the numbers were measured on and with."""

from __future__ import annotations

import datetime
import os
import platform
from importlib import metadata
from pathlib import Path

from benchmarks.workplace import Workplace

PRINT_VERSIONS = (
    "from importlib.metadata import version;"
    "print(', '.join(f'{name} {version(name)}' for name in ('dvc', 'mlflow')))"
)


def description(place: Workplace, load: float) -> str:
    """Return date, processor and versions as a Markdown list.

    Args:
        place: Where it was measured; its study says which versions it installed.
        load: The load average before anything ran.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    study = place.run(place.study, ".venv/bin/python", "-c", PRINT_VERSIONS).strip()
    uv = place.run(place.folder, "uv", "--version").split()[1]
    return "\n".join(
        [
            f"- date: {datetime.date.today().isoformat()}",
            f"- processor: {_processor()}, {cores} cores; {load:.1f} busy before the start",
            f"- Python {platform.python_version()}, uv {uv}, Copier {metadata.version('copier')}, "
            f"{study}",
        ]
    )


def _processor() -> str:
    """Return the name of the processor's model, on any system."""
    table = Path("/proc/cpuinfo")
    lines = table.read_text(encoding="utf-8").splitlines() if table.is_file() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return f"{next(names, platform.processor() or 'unknown')} ({platform.machine()})"
