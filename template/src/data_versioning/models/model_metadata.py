"""What is known of a model, and how it gets into `dvc.yaml`."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from data_versioning.errors import StudyError
from data_versioning.models import artifacts
from data_versioning.study import parse_yaml
from data_versioning.tools import dvc_files


@dataclass(frozen=True)
class Metadata:
    """What is known of a model.

    Args:
        name: Its name in `artifacts:` of `dvc.yaml`.
        path: The file or folder, relative to the study.
        meta: Its metrics and parameters.
        labels: Its tags.
    """

    name: str
    path: str
    meta: Mapping[str, Any]
    labels: Sequence[str]

    def into(self, pipeline: bytes | None) -> bytes:
        """Return a `dvc.yaml` with this in it."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, dvc_files.PIPELINE)
            file.write_bytes(pipeline or b"")
            artifacts.declare(Path(folder), self.name, self.path, self.meta, self.labels)
            return file.read_bytes()


def known_as(known: Mapping[str, Any], path: str) -> tuple[str, Mapping[str, Any]]:
    """Return a model's name in `dvc.yaml` and what is known of it.

    A new one is named after its file, and after its folders as well where that name is taken.
    """
    for name, artifact in known.items():
        if artifact.get("path") == path:
            return name, artifact.get("meta") or {}
    *folders, file = PurePosixPath(path).with_suffix("").parts
    name = _legal(file)
    while name in known and folders:
        name = _legal(f"{folders.pop()}-{name}")
    return name, {}


def _legal(name: str) -> str:
    """Return a name of the letters, digits, `-` and `_` that DVC and GTO allow."""
    return re.sub(r"[^a-zA-Z0-9_-]+", "-", name).strip("-_") or "model"


def plain(value: Any) -> Any:
    """Return what YAML can hold: numbers of numpy become Python's."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if hasattr(value, "item"):
        value = value.item()
    return value if isinstance(value, (bool, int, float, str, type(None))) else str(value)


def parsed(pairs: Sequence[str]) -> dict[str, Any]:
    """Return what `name=value` texts say, values as YAML reads them.

    Raises:
        StudyError: A text is no such pair.
    """
    for pair in pairs:
        if not re.match(r"[^=]+=", pair):
            raise StudyError("not of the form name=value", pair, "--metric accuracy=0.95")
    split = [pair.partition("=") for pair in pairs]
    return {name: parse_yaml(b"v: " + value.encode(), name)["v"] for name, _, value in split}
