"""What DVC keeps of a study at a commit: the outputs of stages, and tracked data."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_versioning.archive.package_files import DATA, RESULT
from data_versioning.errors import StudyError
from data_versioning.health.references import committed
from data_versioning.lineage.records import HASH, Record
from data_versioning.study import parse_yaml
from data_versioning.tools import dvc_files, git


@dataclass(frozen=True)
class KeptByDVC:
    """A file or folder whose bytes are in DVC's cache, or in a remote.

    Args:
        path: Relative to the study.
        role: `data` or `result`.
        md5: DVC's hash, of a folder with the suffix `.dir`.
        size: In bytes, if recorded.
        nfiles: How many files a folder holds, if recorded.
        stage: The stage that makes it, if one does.
        remote: The remote that the study names for it; empty for the default one.
    """

    path: str
    role: str
    md5: str
    size: int | None
    nfiles: int | None
    stage: str | None
    remote: str

    @property
    def is_folder(self) -> bool:
        """Tell a folder from a file."""
        return self.md5.endswith(".dir")


def current(root: Path, commit: str, records: Iterable[Record]) -> list[Record]:
    """Return those of some records whose stage is still described: DVC keeps the others, too.

    Args:
        root: The study.
        commit: The commit that they are of.
        records: What it has on record.
    """
    pipelines: dict[str, dict[str, Any]] = {}
    return [one for one in records if not one.is_stage or _described(root, commit, one, pipelines)]


def _described(
    root: Path, commit: str, record: Record, pipelines: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """Return what a `dvc.yaml` says of a stage; of one that is gone, nothing."""
    path, _, name = record.address.rpartition(":")
    path = path or dvc_files.PIPELINE
    if path not in pipelines:
        content = parse_yaml(git.file_at(root, commit, path) or b"", path)
        pipelines[path] = content.get("stages") or {}
    return dict(pipelines[path].get(name.partition("@")[0]) or {})


def stage_of_each(records: Iterable[Record]) -> dict[str, str]:
    """Return the stage that makes a file or folder, by its path."""
    return {out.path: one.address for one in records if one.is_stage for out in one.outs}


def kept_by_dvc(
    root: Path, commit: str, records: Iterable[Record], in_git: Collection[str]
) -> list[KeptByDVC]:
    """Return what DVC keeps of a commit, by path.

    Args:
        root: The study.
        commit: The commit.
        records: What it has on record of stages that are described, and of data.
        in_git: The files of the commit.

    Raises:
        StudyError: An output is of DVC 2, has no hash, lies outside, or is kept nowhere.
    """
    references = {
        (one.path, one.md5): one for one in committed(root, {commit: commit})
    }  # without what git keeps, imports, and what is not pushed
    folders = {parent for path in in_git for parent in _parents(path)}
    found = []
    for record in records:
        for out in record.outs:
            known = references.get((out.path, out.md5))
            if known is None and (out.path in in_git or out.path in folders):
                continue
            if known is None and record.is_stage and _is_uncached(root, commit, record, out.path):
                mend = f"git add --force -- {shlex.quote(out.path)} && git commit"
                raise StudyError("neither git nor DVC keeps what a stage made", out.path, mend)
            if out.path.startswith(("../", "/")) or "://" in out.path:
                mend = "$EDITOR dvc.yaml, so that the study holds all it makes, then: make repro"
                raise StudyError("a package cannot hold what lies outside", out.path, mend)
            if not HASH.fullmatch(out.md5):
                mend = f"make repro && git commit --all  # {record.address}"
                raise StudyError("DVC has no hash of it on record", out.path, mend)
            if known and known.algorithm != "md5":
                mend = "dvc cache migrate --dvc-files && git commit --all"
                raise StudyError("it has a hash of DVC 2", out.path, mend)
            found.append(
                KeptByDVC(
                    out.path,
                    role_of_kept(out.path, record.is_stage),
                    out.md5,
                    out.size,
                    out.nfiles,
                    record.address if record.is_stage else None,
                    known.remote if known else "",
                )
            )
    return sorted(found, key=lambda one: one.path.encode(errors="surrogateescape"))


def role_of_kept(path: str, made: bool) -> str:
    """Return the role of what DVC keeps: what stages make outside of `data/` is a result."""
    return RESULT if made and path.split("/")[0] != "data" else DATA


def chosen(kept: Iterable[KeptByDVC], data: str, budget: int) -> list[KeptByDVC]:
    """Return what of it goes into the package; the rest is pointed to.

    Args:
        kept: What DVC keeps.
        data: `data`, all of it; `pointers`, nothing; `auto`, results first, then data, the smallest
            first, while their sum stays within the budget.
        budget: In bytes.
    """
    kept = list(kept)
    if data != "auto":
        return kept if data == "data" else []
    inside, total = [], 0
    for one in sorted(kept, key=lambda one: (one.role != RESULT, one.size or 0, one.path)):
        total += one.size or 0
        if total > budget:
            break
        inside.append(one)
    return [one for one in kept if one in inside]


def _is_uncached(root: Path, commit: str, record: Record, path: str) -> bool:
    """Tell whether `dvc.yaml` leaves an output to git; of names with `${}` it is not known."""
    stage = _described(root, commit, record, {})
    body = stage.get("do") or stage
    folder = posixpath.join(
        posixpath.dirname(record.address.rpartition(":")[0]), str(body.get("wdir") or "")
    )
    return any(
        posixpath.normpath(posixpath.join(folder, str(name))) == path
        and (options or {}).get("cache") is False
        for kind in ("outs", "metrics", "plots")
        for entry in body.get(kind) or []
        if isinstance(entry, dict)
        for name, options in entry.items()
    )


def _parents(path: str) -> Iterable[str]:
    while path := posixpath.dirname(path):
        yield path
