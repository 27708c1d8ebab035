"""Show the runs of the study."""

from __future__ import annotations

import os
import re
import socket
import sys
from itertools import zip_longest
from math import isfinite
from typing import Any

from data_versioning.errors import StudyError
from data_versioning.experiments.store import is_local, setup_mlflow, shown, tracking_uri
from data_versioning.study import Study

WIDTH = 40  # characters of a value in a comparison
TABLE = 120  # of a line in a table
METRICS = 6  # in a table
_FACTS = ["run", "name", "started", "status", "commit"]


def table(runs: list[dict[str, Any]], asked: str = "") -> str:
    """Return runs as an aligned text table, with a few of their metrics by name.

    Args:
        runs: As `search` returns them.
        asked: The filter and the order. The metrics that it names come first, then those that
            differ between the runs.
    """
    if not runs:
        return "no run matches" if asked else "no runs yet"
    named = re.findall(r"metrics?\.[`\"]?([^`\"\s<>=!]+)", asked)
    values = {
        name: {repr(run["metrics"].get(name)) for run in runs}
        for name in sorted({name for run in runs for name in run["metrics"]})
    }
    order = {name: place for place, name in reversed(list(enumerate(named)))}
    metrics = sorted(values, key=lambda name: (order.get(name, len(named)), len(values[name]) == 1))
    for most in range(min(METRICS, len(metrics)), -1, -1):
        text = _aligned([_FACTS + metrics[:most], *(_row(run, metrics[:most]) for run in runs)])
        if max(map(len, text.splitlines())) <= TABLE:
            break
    return text


def _row(run: dict[str, Any], metrics: list[str]) -> list[str]:
    values = [f"{run['metrics'][m]:.4g}" if m in run["metrics"] else "-" for m in metrics]
    facts = [run["run_id"][:8], _value(run["name"] or "-"), _minute(run), _status(run)]
    return [*facts, _commit(run), *values]


def comparison(runs: list[dict[str, Any]]) -> str:
    """Return runs as the columns of a text table: metrics and parameters, what differs first."""
    same: list[list[str]] = []
    differ: list[list[str]] = []
    for kind in ("metrics", "params"):
        for name in sorted({name for run in runs for name in run[kind]}):
            values = [run[kind].get(name) for run in runs]
            rows = same if len(set(map(repr, values))) == 1 else differ
            rows.append([name, *map(_value, values)])
    facts = [
        ["", *(run["name"] for run in runs)],
        ["run", *(run["run_id"][:8] for run in runs)],
        ["started", *(_minute(run) for run in runs)],
        ["status", *(_status(run) for run in runs)],
        ["commit", *(_commit(run) for run in runs)],
    ]
    return _aligned([*facts, [""], *differ, *([[""]] if same and differ else []), *same])


def without_nan(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return runs as JSON can hold them: null in place of NaN and infinity."""
    return [
        run | {"metrics": {k: v if isfinite(v) else None for k, v in run["metrics"].items()}}
        for run in runs
    ]


def _value(value: Any) -> str:
    if value is None:
        return "-"
    text = f"{value:.6g}" if isinstance(value, float) else " ".join(value.split())
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 3]}..."


def _minute(run: dict[str, Any]) -> str:
    return str(run["started"][:16].replace("T", " "))


def _status(run: dict[str, Any]) -> str:
    failed = f" ({run['failed_stage']})" if run["failed_stage"] else ""
    return f"{run['status']}{failed}"


def _commit(run: dict[str, Any]) -> str:
    return f"{run['commit'][:8]}{'+' if run['dirty'] else ''}"


def _aligned(rows: list[list[str]]) -> str:
    columns = zip_longest(*rows, fillvalue="")
    widths = [max(map(len, column)) for column in columns]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "\n".join(lines)


def open_ui(study: Study, port: int) -> int:
    """Serve the MLflow UI on loopback until interrupted, or name the server that has one."""
    if not is_local(study):
        print(f"the runs of this profile are at {shown(tracking_uri(study))}")
        return 0
    page = f"#/experiments/{setup_mlflow(study)}/runs"
    if not 0 < port < 65536:
        raise StudyError("no such port", str(port), "make ui PORT=5001")
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise StudyError("port is taken", f"127.0.0.1:{port}", f"make ui PORT={port + 1}")
    print(f"MLflow UI: http://127.0.0.1:{port}/{page}  (Ctrl-C ends it)", flush=True)
    argv = [sys.executable, "-m", "mlflow", "ui", "--host", "127.0.0.1", "--port", str(port)]
    environment = os.environ | {"MLFLOW_BACKEND_STORE_URI": tracking_uri(study)}
    os.chdir(study.root)
    os.execve(sys.executable, [*argv, "--workers", "1"], environment)  # its signals are ours
