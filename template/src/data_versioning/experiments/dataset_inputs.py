"""Datasets as inputs of a run: path, hash, address, commit and tags, so that MLflow finds both."""

from __future__ import annotations

import json
import shlex
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from data_versioning.errors import StudyError
from data_versioning.experiments.store import shown
from data_versioning.hashing import digest
from data_versioning.study import Study
from data_versioning.tools import dvc_files, git, git_history

UNCOMMITTED = "uncommitted"
TAG_LENGTH = 500  # MLflow's limit for a tag of an input
SOURCES = ("s3", "gs")  # schemes that MLflow reads datasets from


def log_datasets(client: Any, study: Study, run_id: str, contexts: dict[str, str | None]) -> None:
    """Log datasets that DVC keeps as inputs of a run, by reference.

    Each carries the tags `dvc.path`, `dvc.md5`, `dvc.url` (of its object in the remote; without a
    remote, where it is on this disk), `git.commit` (a commit that holds this version, or
    `uncommitted`) and `git.tags` (those that name it, with `, ` between them).

    Args:
        client: MLflow's client.
        study: The study.
        run_id: The run.
        contexts: What each dataset is for, such as `training`, by its path in the study.

    Raises:
        StudyError: DVC does not keep one of them.
    """
    from mlflow.entities import Dataset, DatasetInput, InputTag

    kept = dvc_files.outputs(study.root)
    for path in contexts:
        if not kept.get(path):
            raise _not_kept(path, kept)
    in_git = versions(study, {path: kept[path] for path in contexts})
    inputs = []
    for path, context in contexts.items():
        md5, url = kept[path], data_url(study, path)
        commit, names = in_git[path]
        tags = {
            "dvc.path": path,
            "dvc.md5": md5,
            "dvc.url": url,
            "git.commit": commit,
            "git.tags": _joined(names),
        }
        if context:
            tags["mlflow.data.context"] = context
        inputs.append(
            DatasetInput(
                Dataset(path[-TAG_LENGTH:], md5, *_source(url)),
                [InputTag(key, value[:TAG_LENGTH]) for key, value in tags.items()],
            )
        )
    client.log_inputs(run_id, inputs)


def refuse_changed(study: Study, path: str) -> None:
    """Refuse a dataset that is not here, or no longer what DVC knows it as.

    Raises:
        StudyError: Says which.
    """
    known = dvc_files.outputs(study.root)
    if not (study.root / path).exists():
        raise StudyError("no such dataset", path, "make pull")
    if path not in known:
        raise _not_kept(path, known)
    if digest(study.root / path) != known[path]:
        made = path in dvc_files.made_by_stages(study.root)
        mend = "make repro" if made else f"dvc add -- {shlex.quote(path)}"
        raise StudyError("changed since DVC hashed it", path, mend)


def data_url(study: Study, path: str) -> str:
    """Return where the remote keeps a file, or its path on this disk while there is no remote.

    Passwords and signatures are left out.
    """
    import dvc.api

    local = study.root / path
    try:
        url = str(dvc.api.get_url(path, repo=str(study.root)))
    except Exception:  # DVC's own, and whatever the plugin of a storage raises without its keys
        return str(local)
    return str(local) if Path(url).is_relative_to(study.root) else shown(url)


def versions(study: Study, hashes: dict[str, str]) -> dict[str, tuple[str, list[str]]]:
    """Return where each version of a dataset is in git.

    Args:
        study: The study.
        hashes: The hash of each dataset, by its path in the study.

    Returns:
        By path: a commit that holds this version, the current one if that does, otherwise a
        tagged one, or `uncommitted`; and the tags whose commits hold it.
    """
    tags, head = git.tags(study.root), git.head(study.root)
    commits = list(dict.fromkeys([head, *tags] if head else tags))
    files = [name for path in hashes for name in (f"{path}.dvc", dvc_files.LOCK)]
    asked = [(commit, name) for commit in commits for name in files]
    ids = dict(zip(asked, git_history.blob_ids(study.root, asked), strict=True))
    with git_history.Blobs(study.root) as blobs:
        contents = {blob: blobs.read(blob) for blob in set(ids.values()) if blob}
    found = {}
    for path, md5 in hashes.items():
        at = [
            commit
            for commit in commits
            if any(
                _records(contents.get(ids[commit, name] or ""), name, path, md5)
                for name in (f"{path}.dvc", dvc_files.LOCK)
            )
        ]
        names = sorted(name for commit in at for name in tags.get(commit, []))
        found[path] = (at[0] if at else UNCOMMITTED, names)
    return found


@lru_cache(maxsize=1000)  # most commits hold the same
def _records(content: bytes | None, name: str, path: str, md5: str) -> bool:
    """Tell whether a file of DVC's records this hash for a path."""
    if content is None or md5.encode() not in content:  # which is quicker than to parse it
        return False
    with suppress(StudyError):  # somebody committed it in the middle of a conflict
        return dvc_files.recorded(content, name).get(path) == md5
    return False


def _not_kept(path: str, kept: dict[str, str]) -> StudyError:
    for folder in Path(path).parents:
        if folder.as_posix() in kept:
            return StudyError(f"part of the dataset {folder.as_posix()}", path, "log the folder")
    mend = f"python -m data_versioning track-data {shlex.quote(path)} -m <message>"
    return StudyError("neither a stage's output nor tracked by DVC", path, mend)


def _joined(names: list[str]) -> str:
    """Return as many names as a tag of an input holds."""
    while len(text := ", ".join(names)) > TAG_LENGTH:
        names = names[:-1]
    return text


def _source(url: str) -> tuple[str, str]:
    """Return the kind and the description of MLflow's dataset source."""
    scheme = url.partition("://")[0] if "://" in url else "local"
    if scheme in (*SOURCES, "local"):
        return scheme, json.dumps({"uri": url})
    return "code", json.dumps({"tags": {"dvc.url": url}})
