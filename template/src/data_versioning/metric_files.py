"""The metrics files of the pipeline, read as they are; a start of DVC costs as much as MLflow's."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

from data_versioning import dvc_files
from data_versioning.errors import StudyError
from data_versioning.study import Study, parse_yaml


def read_metrics(study: Study) -> dict[str, Any]:
    """Return the metrics of all files together, as `dvc.api.metrics_show` does.

    A name that several files have becomes `<file>:<name>`.

    Raises:
        StudyError: A file is not what its ending says.
    """
    paths = dvc_files.metrics_files(study.root)
    if paths is None:  # only DVC can tell which they are
        import dvc.api

        return dict(dvc.api.metrics_show(repo=str(study.root)))
    contents = {path: _content(study.root / path, path) for path in sorted(paths)}
    uses = Counter(name for content in contents.values() for name in content)
    return {
        (name if uses[name] == 1 else f"{path}:{name}"): value
        for path, content in contents.items()
        for name, value in content.items()
    }


def _content(path: Path, name: str) -> dict[str, Any]:
    if not path.is_file():
        return {}
    text = path.read_bytes()
    if path.suffix in {".yaml", ".yml"}:
        return parse_yaml(text, name)
    kind = "TOML" if path.suffix == ".toml" else "JSON"
    try:
        content = tomllib.loads(text.decode()) if kind == "TOML" else json.loads(text)
    except ValueError as error:
        raise StudyError(f"not valid {kind} ({error})", name, f"$EDITOR {name}") from None
    return content if isinstance(content, dict) else {}
