"""Exactly the version of a dataset that a tag, commit or MLflow run names, in a clean folder."""

from __future__ import annotations

import shlex
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from data_versioning.data import remotes, trackable
from data_versioning.errors import StudyError
from data_versioning.hashing import digest
from data_versioning.locking import exclusive
from data_versioning.study import Study
from data_versioning.tools import dvc, dvc_cache, dvc_files, git, git_index
from data_versioning.tools.dvc import Remote

TEMPORARY = ".dvc/tmp"


@dataclass(frozen=True)
class Fetched:
    """A dataset that was fetched and verified.

    Args:
        path: Where the study has it.
        md5: Its hash in DVC, computed anew from what was fetched.
        commit: The commit that records this version.
        to: The file or folder that was made, an absolute path.
    """

    path: str
    md5: str
    commit: str
    to: str


def fetch_dataset(
    path: Path | str,
    at: str,
    to: Path | str,
    remote: str | None = None,
    project_dir: Path | str = ".",
) -> Fetched:
    """Copy a version of a dataset into a folder of its own; the study stays as it is.

    Every byte is hashed again. What is damaged in the cache is taken from the remote instead.
    The folder appears when all is in it; a call that was killed can be repeated.

    Args:
        path: A file or folder that DVC tracks, or that a stage makes; relative to here or to the
            study's folder.
        at: A tag, branch or commit; or the MLflow run that used it: its id, at least 8 digits of
            it, or its name.
        to: The folder; it does not exist yet, or is empty. The dataset keeps its own name in it.
        remote: The DVC remote to fetch from what the cache lacks; the default one if not given.
        project_dir: The study, or a folder in it.

    Raises:
        StudyError: The folder is not empty; nothing of that name, or no such data then; or its
            bytes are nowhere, or damaged wherever they are. Nothing was made.
    """
    study = Study.open(project_dir)
    own = trackable.named(study, path)
    target = Path(to).absolute()
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise StudyError("not an empty folder", str(to), "name a new one")
    source = _source(study, remote)
    commit, known = _version(study, own, at)
    beside = target.with_name(f".{target.name}.part")
    with exclusive(study.root / TEMPORARY / "fetch.lock", "it fetches a dataset") as lock:
        for left in (beside, *(study.root / TEMPORARY).glob("fetch-*")):
            dvc_cache.delete(left)  # by a call that was killed
        beside.mkdir(parents=True)
        try:
            _fetch(study, own, commit, known, beside / Path(own).name, source, lock)
            beside.rename(target)
        finally:
            dvc_cache.delete(beside)
    return Fetched(own, known, commit, str(target / Path(own).name))


def _source(study: Study, name: str | None) -> Remote | None:
    default, known = dvc.remotes(study.root)
    if name and name not in known:
        raise StudyError("no such remote", f"'{name}'", f"dvc remote add {name} <url>")
    return known.get(name or default or "")


def _version(study: Study, path: str, at: str) -> tuple[str, str]:
    """Return the commit that records a version of a dataset, and its hash."""
    try:
        commit = git.resolve(study.root, at)
    except StudyError:
        return _version_of_run(study, path, at)
    known = dvc_files.outputs(study.root, commit)
    if not known.get(path):
        near = trackable.first_overlap(path, known)
        mend = f"fetch {near} instead" if near else "git tag; git log -- '*.dvc' dvc.lock"
        raise StudyError(f"DVC did not keep it at {at}", path, mend)
    return commit, known[path]


def _version_of_run(study: Study, path: str, name: str) -> tuple[str, str]:
    from data_versioning.experiments.run_search import find
    from data_versioning.experiments.run_values import legal_name
    from data_versioning.experiments.store import readable

    try:
        runs = find(study, [name])
    except StudyError as error:
        if not error.what.startswith("no "):
            raise
        mend = "git tag; python -m data_versioning search"
        raise StudyError("no such revision, and no such run", name, mend) from None
    if len(runs) > 1:
        raise StudyError("more than one run", name, "python -m data_versioning search")
    import mlflow

    with readable(study):
        tags = mlflow.MlflowClient().get_run(runs[0]["run_id"]).data.tags
    if not (known := tags.get(legal_name(f"data:{path}"))):
        raise StudyError(f"run {name} did not use it", path, "python -m data_versioning search")
    # Of a run on uncommitted data, a later commit has it.
    patterns = [f":(literal){path}.dvc", dvc_files.LOCK]
    later = git_index.commits_that_changed(study.root, known, patterns)
    for commit in (tags.get("git.commit", "none"), *later):
        with suppress(StudyError):
            if dvc_files.outputs(study.root, git.resolve(study.root, commit)).get(path) == known:
                return commit, known
    mend = f"find the bytes: ls .dvc/cache/files/md5/{known[:2]}/{known[2:]}"
    raise StudyError(f"run {name} used a version that no commit records", f"{path} ({known})", mend)


def _fetch(
    study: Study, path: str, commit: str, known: str, to: Path, remote: Remote | None, lock: int
) -> None:
    files = dvc.cache_dir(study.root) / "files/md5"
    name = remote.name if remote else None
    where = f"remote '{remote.name}'" if remote else "cache; there is no remote"
    with tempfile.TemporaryDirectory(dir=study.root / TEMPORARY, prefix="fetch-") as scratch:
        # A second time past the cache, which DVC does not verify.
        for cache in [None, Path(scratch, "cache")] if remote else [None]:
            status, stderr = dvc.get(study.root, path, commit, to, name, Path(scratch), cache, lock)
            if status != 0:
                reason = remotes.masked(dvc.error_message(stderr))
                raise StudyError(
                    f"not in the {where} ({reason})", f"{path} at {commit}", "make pull"
                )
            if to.exists() and digest(to) == known:
                return
            damaged = list(dvc_cache.damaged(files, known, time.time_ns()))
            if damaged and cache is None:
                names = ", ".join(map(str, damaged))
                print(f"warning: damaged in DVC's cache: {names}", file=sys.stderr, flush=True)
            dvc_cache.delete(to)
    if not remote:
        names = " ".join(shlex.quote(str(one)) for one in damaged)
        raise StudyError(f"damaged in the {where}", names or path, f"rm -f {names}; make repro")
    thing = f"files/md5/{known[:2]}/{known[2:]}"
    mend = f"delete it there, then where the data is whole: dvc push --remote {remote.name}"
    raise StudyError(f"damaged in the {where}", f"{path} at {commit} ({thing})", mend)
