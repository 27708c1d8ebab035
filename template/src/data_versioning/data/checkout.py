"""Put the data of another version in place, and lose nothing that is not on record."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from data_versioning.data import remotes, trackable
from data_versioning.errors import StudyError
from data_versioning.hashing import digest
from data_versioning.study import Study
from data_versioning.tools import dvc, dvc_cache, dvc_files, git, git_index

Pointers = Mapping[str, bytes | None]


def checkout_version(
    study: Study, rev: str, paths: Sequence[Path | str] = (), remote: Sequence[str] = ()
) -> list[str]:
    """Make the data, `*.dvc` and `dvc.lock` what they were; see `DVCTracker.checkout_version`.

    Args:
        study: The study.
        rev: The commit.
        paths: The data to restore; everything when empty.
        remote: The name of the remote to fetch from; the default one when empty.

    Returns:
        The paths whose data changed.
    """
    root = study.root
    then, now = dvc_files.outputs(root, rev), dvc_files.outputs(root)
    wanted = [_pointer(study, path, then) for path in paths]
    only = [f":(literal){pointer}" for pointer in wanted] or ["*.dvc", dvc_files.LOCK]
    before = {path: _content(root / path) for path in git_index.differing(root, rev, only)}
    uncommitted = set(git_index.differing(root, "HEAD", only))
    _refuse_lost_pointers(root, [path for path in before if path in uncommitted and before[path]])
    _refuse_lost_data(study, wanted)
    _write(root, {path: git.file_at(root, rev, path) for path in before})
    try:
        _fetch(study, remote, wanted)
        dvc.checkout(root, wanted)
    except (StudyError, OSError, KeyboardInterrupt):
        _write(root, before)
        with suppress(StudyError):  # the first error says more
            dvc.checkout(root, wanted)
        raise
    in_git = set(git.tracked_files(root, "."))  # such as metrics
    if later := set() if wanted else now.keys() - then.keys() - in_git:
        cache = dvc.cache_dir(root)
        for path in later:
            if _is_cached(cache, now[path]):
                dvc_cache.delete(root / path)
    return sorted(
        path
        for path in (now.keys() | then.keys()) - in_git
        if now.get(path) != then.get(path) and (not wanted or f"{path}.dvc" in wanted)
    )


def _pointer(study: Study, path: Path | str, then: Mapping[str, str]) -> str:
    """Return the `*.dvc` file of a path; the path need not be on disk."""
    own = trackable.named(study, path)
    quoted = shlex.quote(own)
    if own in dvc_files.made_by_stages(study.root):
        mend = f"python -m data_versioning fetch {quoted} --at <revision> --to <folder>"
        raise StudyError("the pipeline makes it: it comes with all the others, or alone", own, mend)
    if own not in then:
        near = trackable.first_overlap(own, then)
        mend = f"name {near} instead" if near else f"git log -- {shlex.quote(own + '.dvc')}"
        raise StudyError("DVC did not track it then", own, mend)
    return f"{own}.dvc"


def _refuse_lost_pointers(root: Path, paths: Sequence[str]) -> None:
    for path in paths:
        if not git_index.is_saved(root, path):
            mend = f"git add -- {shlex.quote(path)} && git commit"
            raise StudyError("not committed, and would be lost", path, mend)


def _refuse_lost_data(study: Study, pointers: Sequence[str]) -> None:
    """Refuse to replace data that DVC does not keep as it is on disk."""
    root = study.root
    status = dvc.data_status(root)
    modified = status.get("uncommitted", {}).get("modified", [])
    changed = {*modified, *status.get("not_in_cache", [])}
    data = {path.rstrip("/") for path in changed} & dvc_files.outputs(root).keys()
    if pointers:
        data &= {pointer.removesuffix(".dvc") for pointer in pointers}
    for path in sorted(data - set(git.tracked_files(root, "."))):
        if (root / path).exists() and not _is_kept(root, path):
            quoted = shlex.quote(path)
            mend = f"python -m data_versioning track-data {quoted} -m <message>"
            if path in dvc_files.made_by_stages(root):
                mend = "make repro"
            mend += f", or, to lose it: dvc checkout --force {quoted}"
            raise StudyError("changed on disk since it was tracked", path, mend)


def _is_kept(root: Path, path: str) -> bool:
    """Tell whether data on disk, other than its pointer says, is some version on record.

    A checkout that was killed leaves such data.
    """
    known = digest(root / path)
    if not _is_cached(dvc.cache_dir(root), known):
        return False
    patterns = [f":(literal){path}.dvc", dvc_files.LOCK]
    return bool(git_index.commits_that_changed(root, known, patterns))


def _is_cached(cache: Path, known: str) -> bool:
    # Of some imports DVC knows no hash.
    return bool(known) and (cache / "files/md5" / known[:2] / known[2:]).exists()


def _fetch(study: Study, remote: Sequence[str], pointers: Sequence[str]) -> None:
    """Get into the cache what it lacks.

    Raises:
        StudyError: Some of it is nowhere.
    """
    if not _wanted(study, pointers):
        return
    remotes.fetch(study, remote, pointers)
    if lacking := _wanted(study, pointers):
        raise StudyError(
            "neither in the cache nor in the remote", ", ".join(lacking), "ask who made it to push"
        )


def _wanted(study: Study, pointers: Sequence[str]) -> list[str]:
    lacking = dvc.data_status(study.root).get("not_in_cache", [])
    data = [pointer.removesuffix(".dvc") for pointer in pointers]
    return [
        path
        for path in lacking
        if not data or path.rstrip("/") in data or trackable.first_overlap(path, data)
    ]


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _write(root: Path, pointers: Pointers) -> None:
    for path, content in pointers.items():
        if content is None:
            (root / path).unlink(missing_ok=True)
        elif _content(root / path) != content:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)
