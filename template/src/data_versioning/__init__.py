"""Data, code, experiments and results of a study, versioned together.

Template-owned: `copier update` replaces this package. Exports are loaded on first use, so that
importing it costs next to nothing and needs nothing but the standard library.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_EXPORTS = {
    "DVCTracker": "tracker",
    "ExperimentTracker": "experiments",
    "LineageTracker": "lineage",
    "MetricsComparator": "metrics",
    "ModelRegistry": "registry",
    "PipelineManager": "pipeline",
    "Study": "study",
    "StudyError": "errors",
    "auto_track_large_files": "large_files",
    "check_dvc_status": "health",
    "check_experiment_logging": "health",
    "doctor": "diagnosis",
    "fetch_dataset": "datasets",
    "load_params": "study",
    "setup_mlflow": "store",
    "track_experiment": "experiment_decorator",
}
__all__ = list(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_EXPORTS[name]}"), name)
