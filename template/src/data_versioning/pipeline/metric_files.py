"""The metrics files of the pipeline, read as they are; a start of DVC would cost more."""

from __future__ import annotations

from collections import Counter
from typing import Any

from data_versioning.pipeline.metrics import parse_values
from data_versioning.study import Study
from data_versioning.tools import dvc_files, git


def read_metrics(study: Study) -> dict[str, Any]:
    """Return the metrics of all files together, as `dvc.api.metrics_show` does.

    A name that several files have becomes `<file>:<name>`.

    Raises:
        StudyError: A file is not what its ending says.
    """
    paths = sorted(dvc_files.value_files(study.root)[0])
    folders = any((study.root / path).is_dir() for path in paths)
    if folders or len(git.tracked_files(study.root, f"*{dvc_files.PIPELINE}")) > 1:
        import dvc.api

        return dict(dvc.api.metrics_show(repo=str(study.root)))
    contents = {
        path: parse_values(content, path)
        for path in paths
        if (content := dvc_files.content(study.root, path)) is not None
    }
    uses = Counter(name for content in contents.values() for name in content)
    return {
        (name if uses[name] == 1 else f"{path}:{name}"): value
        for path, content in contents.items()
        for name, value in content.items()
    }
