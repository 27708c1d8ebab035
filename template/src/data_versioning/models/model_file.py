"""The file of a model: which it is, what it holds, what scored it, what reads it."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from data_versioning.errors import StudyError
from data_versioning.experiments.run_values import as_number
from data_versioning.hashing import digest
from data_versioning.models import artifacts
from data_versioning.study import MARKER, Study, flatten
from data_versioning.tools import dvc_files

# What reads a file, by its ending, where study.yaml does not say.
LOADERS = {
    ".joblib": "joblib.load",
    ".onnx": "onnx.load",
    ".pickle": "joblib.load",
    ".pkl": "joblib.load",
    ".pt": "torch.load",
    ".pth": "torch.load",
}


def model_path(study: Study, name: str, given: Path | str | None) -> str:
    """Return the path of a model relative to the study.

    Args:
        study: The study.
        name: The model.
        given: What the caller says; `artifacts:` of `dvc.yaml` or `study.yaml` is asked when None.

    Raises:
        StudyError: None of them says, or the path is outside the study.
    """
    if given is None:
        declared = artifacts.read(study.root).get(name, {}).get("path")
        given = declared or (study.settings.get("model") or {}).get("path")
    if given is None:
        mend = "python -m data_versioning registry register NAME VERSION --path FILE"
        raise StudyError("which file is this model?", name, mend)
    return study.relative(given)


def committed_digest(study: Study, path: str) -> str:
    """Return the hash that the current commit has for a path.

    Raises:
        StudyError: DVC does not keep it, or it is not committed as it is.
    """
    known, committed = (dvc_files.outputs(study.root, rev).get(path) for rev in (None, "HEAD"))
    if known is None:
        mend = shlex.join(["python", "-m", "data_versioning", "track-model", "--", path])
        raise StudyError("DVC does not keep this", path, mend)
    if known != committed:
        raise StudyError("not committed", path, "git add --all && git commit")
    if (study.root / path).is_file() and digest(study.root / path) != known:
        mend = f"dvc commit, or: {shlex.join(['dvc', 'checkout', '--', path])}"
        raise StudyError("changed since it was committed", path, mend)
    return known


def pipeline_metrics(study: Study, path: str) -> dict[str, float]:
    """Return the metrics of the pipeline, if it makes this model."""
    if path not in dvc_files.stage_outputs(study.root):
        return {}
    import dvc.api

    found = flatten(dvc.api.metrics_show(repo=str(study.root)))
    return {name: float(value) for name, value in found if isinstance(value, (int, float))}


def numeric(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Return metrics as Python's own numbers.

    Raises:
        StudyError: One of them is no number.
    """
    found = {}
    for name, value in metrics.items():
        number = as_number(value)
        if number is None or math.isnan(number):
            raise StudyError(f"not a number: {value!r}", f"metric {name!r}", "give it a number")
        found[str(name)] = number
    return found


def loader(study: Study, path: str) -> Callable[[Any], Any]:
    """Return the function that reads a model.

    Raises:
        StudyError: Nothing is known to read it, or what reads it is not installed.
    """
    model: Mapping[str, Any] = study.settings.get("model") or {}
    name = model.get("load") if path == model.get("path") else LOADERS.get(Path(path).suffix)
    mend = f"$EDITOR {MARKER}"
    if not name:
        raise StudyError("what reads this file?", f"{path} ({MARKER}: model.load)", mend)
    module, _, function = str(name).rpartition(".")
    try:
        found: Callable[[Any], Any] = getattr(import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise StudyError(f"cannot read {path} with {name}", str(error), mend) from None
    return found
