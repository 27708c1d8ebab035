"""What `artifacts:` of `dvc.yaml` says of models: path, labels and metadata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from data_versioning.tools import dvc_files
from data_versioning.yaml_edit import edited


def read(root: Path, rev: str | None = None) -> dict[str, dict[str, Any]]:
    """Return the artifacts that `dvc.yaml` declares, by name.

    Args:
        root: The study.
        rev: A commit, branch or tag; the file on disk when not given.
    """
    return dvc_files.artifacts(root, rev)


def declare(
    root: Path,
    name: str,
    path: str,
    meta: Mapping[str, Any],
    labels: Sequence[str] = (),
) -> None:
    """Write a model into `dvc.yaml`; what is said there of it already stays where not given anew.

    Args:
        root: The study.
        name: Letters, digits, `-` and `_`, as DVC and GTO allow.
        path: The model, relative to the study.
        meta: Metrics, parameters and the like, merged into what is there.
        labels: Further labels.
    """
    with edited(root / dvc_files.PIPELINE) as content:
        # Not setdefault: a section can be there and empty.
        content["artifacts"] = artifacts = content.get("artifacts") or {}
        artifacts[name] = artifact = artifacts.get(name) or {}
        artifact["path"] = path
        artifact.setdefault("type", "model")
        if added := [label for label in labels if label not in artifact.get("labels", [])]:
            artifact["labels"] = [*artifact.get("labels", []), *added]
        if meta:
            artifact["meta"] = {**(artifact.get("meta") or {}), **meta}
