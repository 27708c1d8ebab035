"""Files of a run: small ones as copies, large ones that DVC keeps by hash and address."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from data_versioning.errors import StudyError
from data_versioning.experiments.dataset_inputs import data_url
from data_versioning.experiments.run_values import legal_name
from data_versioning.hashing import digest
from data_versioning.study import Study
from data_versioning.tools import dvc_files


def log_file(
    client: Any,
    study: Study,
    run_id: str,
    path: Path,
    folder: str | None = None,
    known: str | None = None,
) -> bool:
    """Log a file or a folder.

    From `large_file_mb` on, what DVC keeps is not copied: the run gets the tags `data:<path>`,
    its hash, and `url:<path>`, where the remote keeps it, or where it is on this disk until then.

    Args:
        client: MLflow's client.
        study: The study.
        run_id: The run.
        path: The file or the folder.
        folder: Where the run keeps the copy; at its top when not given.
        known: The hash of the file, where it was just computed.

    Returns:
        Whether it was copied.

    Raises:
        StudyError: There is no such file.
    """
    if not path.exists():
        raise StudyError("no such file", str(path))
    if _size(path) >= study.large_file_bytes and (kept := _kept(study, path, known)):
        name, md5, url = kept
        client.set_tag(run_id, legal_name(f"data:{name}"), md5)
        client.set_tag(run_id, legal_name(f"url:{name}"), url)
        return False
    if path.is_dir():
        client.log_artifacts(run_id, str(path), f"{folder}/{path.name}" if folder else path.name)
    else:
        client.log_artifact(run_id, str(path), folder)
    return True


def _kept(study: Study, path: Path, known: str | None) -> tuple[str, str, str] | None:
    """Return path, hash and address of what DVC keeps, or will when the stage that made it ends."""
    try:
        name = study.relative(path)
    except StudyError:
        return None
    recorded = dvc_files.outputs(study.root).get(name)
    made_here = name in dvc_files.stage_outputs(study.root, ["outs"])
    if recorded is None and not made_here:
        return None
    md5 = known or digest(path)
    if md5 == recorded:
        return name, md5, data_url(study, name)
    return (name, md5, str(path)) if made_here else None  # the remote has an earlier one


def _size(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
