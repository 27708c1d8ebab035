"""Data, code, experiments and results of a study, versioned together.

Template-owned: `copier update` replaces this package. Exports are loaded on first use, so that
importing it costs next to nothing and needs nothing but the standard library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what editors and type checkers read
    from data_versioning.archive.deposit.osf import OSFUploader as OSFUploader
    from data_versioning.archive.deposit.zenodo import ZenodoUploader as ZenodoUploader
    from data_versioning.archive.package import (
        create_reproducibility_package as create_reproducibility_package,
    )
    from data_versioning.archive.replay import replay as replay
    from data_versioning.archive.replay import verify as verify
    from data_versioning.data.datasets import fetch_dataset as fetch_dataset
    from data_versioning.data.drift import detect_drift as detect_drift
    from data_versioning.data.large_files import auto_track_large_files as auto_track_large_files
    from data_versioning.data.quality import validate_data as validate_data
    from data_versioning.data.tracker import DVCTracker as DVCTracker
    from data_versioning.errors import StudyError as StudyError
    from data_versioning.experiments.decorator import track_experiment as track_experiment
    from data_versioning.experiments.store import setup_mlflow as setup_mlflow
    from data_versioning.experiments.tracker import ExperimentTracker as ExperimentTracker
    from data_versioning.health.checks import check_dvc_status as check_dvc_status
    from data_versioning.health.checks import check_experiment_logging as check_experiment_logging
    from data_versioning.health.diagnosis import doctor as doctor
    from data_versioning.lineage.tracker import LineageTracker as LineageTracker
    from data_versioning.models.registry import ModelRegistry as ModelRegistry
    from data_versioning.phases.gate import PhaseGate as PhaseGate
    from data_versioning.pipeline.manager import PipelineManager as PipelineManager
    from data_versioning.pipeline.metrics import MetricsComparator as MetricsComparator
    from data_versioning.pipeline.stage_results import StageFailed as StageFailed
    from data_versioning.study import Study as Study
    from data_versioning.study import load_params as load_params

_EXPORTS = {
    "DVCTracker": "data.tracker",
    "ExperimentTracker": "experiments.tracker",
    "LineageTracker": "lineage.tracker",
    "MetricsComparator": "pipeline.metrics",
    "ModelRegistry": "models.registry",
    "OSFUploader": "archive.deposit.osf",
    "PhaseGate": "phases.gate",
    "PipelineManager": "pipeline.manager",
    "StageFailed": "pipeline.stage_results",
    "Study": "study",
    "StudyError": "errors",
    "ZenodoUploader": "archive.deposit.zenodo",
    "auto_track_large_files": "data.large_files",
    "check_dvc_status": "health.checks",
    "check_experiment_logging": "health.checks",
    "create_reproducibility_package": "archive.package",
    "detect_drift": "data.drift",
    "doctor": "health.diagnosis",
    "fetch_dataset": "data.datasets",
    "load_params": "study",
    "replay": "archive.replay",
    "setup_mlflow": "experiments.store",
    "track_experiment": "experiments.decorator",
    "validate_data": "data.quality",
    "verify": "archive.replay",
}
__all__ = list(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_EXPORTS[name]}"), name)
