"""Released versions of models: git tags in GTO's grammar, and the file that each stands for."""

from __future__ import annotations

from pathlib import Path

from data_versioning.errors import StudyError
from data_versioning.models import model_tags
from data_versioning.study import parse_yaml
from data_versioning.tools import dvc_files, git


def released(root: Path) -> dict[str, tuple[str, str]]:
    """Return commit and path of the model of each released version, by tag.

    The path is what the message of the tag says, or else `artifacts:` of `dvc.yaml` at the tagged
    commit. Withdrawn versions are left out.
    """
    found = {}
    for event in model_tags.versions(model_tags.events(root)).values():
        path = event.details.get("path") or _declared(root, event.commit, event.model)
        if path:
            found[event.tag] = event.commit, str(path)
    return found


def _declared(root: Path, commit: str, model: str) -> str | None:
    content = git.file_at(root, commit, dvc_files.PIPELINE) or b""
    try:
        artifacts = parse_yaml(content, dvc_files.PIPELINE).get("artifacts") or {}
    except StudyError:
        return None
    path = (artifacts.get(model) or {}).get("path")
    return None if path is None else str(path)
