"""Look at the runs of the study."""

from __future__ import annotations

import os
import socket
import sys
from datetime import datetime
from typing import Any

from data_versioning.errors import StudyError
from data_versioning.store import is_local, readable, setup_mlflow, shown, tracking_uri
from data_versioning.study import Study


def recent_runs(study: Study, limit: int = 10) -> list[dict[str, Any]]:
    """Return the latest runs, newest first.

    Returns:
        One mapping a run: `run_id`, `started` (ISO 8601, local time), `status`, `commit`, `dirty`,
        `failed_stage`, `metrics`, `params`.
    """
    import mlflow

    experiment_id = setup_mlflow(study)
    with readable(study):
        runs = mlflow.MlflowClient().search_runs(
            [experiment_id], max_results=limit, order_by=["attributes.start_time DESC"]
        )
    return [
        {
            "run_id": run.info.run_id,
            "started": datetime.fromtimestamp(run.info.start_time / 1000)
            .astimezone()
            .isoformat(timespec="seconds"),
            "status": run.info.status,
            "commit": run.data.tags.get("git.commit", ""),
            "dirty": run.data.tags.get("git.dirty") == "true",
            "failed_stage": run.data.tags.get("failed.stage"),
            "metrics": run.data.metrics,
            "params": run.data.params,
        }
        for run in runs
    ]


def table(runs: list[dict[str, Any]]) -> str:
    """Return runs as an aligned text table; metrics common to the newest runs are its columns."""
    metrics = sorted({name for run in runs for name in run["metrics"]})[:6]
    rows = [["run", "started", "status", "commit", *metrics]]
    for run in runs:
        status = run["status"] + (f" ({run['failed_stage']})" if run["failed_stage"] else "")
        commit = run["commit"][:8] + ("+" if run["dirty"] else "")
        started = run["started"][:16].replace("T", " ")
        values = [f"{run['metrics'][m]:.4g}" if m in run["metrics"] else "-" for m in metrics]
        rows.append([run["run_id"][:8], started, status, commit, *values])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
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
