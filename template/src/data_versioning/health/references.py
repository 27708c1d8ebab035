"""What branches, tags and the work tree refer to in DVC's storage."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from data_versioning.errors import StudyError
from data_versioning.lineage import lock_records, records
from data_versioning.study import parse_yaml
from data_versioning.tools import dvc_files, git_history, git_state
from data_versioning.tools.git_history import Blobs, Commit

WORK_TREE = "work tree"
_WANTED = re.compile(rf"(?:.*/)?(?:{dvc_files.LOCK}|{dvc_files.PIPELINE}|[^/]+\.dvc)", re.DOTALL)
_VARIABLE = re.compile(r"\$\{[^}]*\}")


@dataclass(frozen=True)
class Reference:
    """Something that belongs into a remote.

    Args:
        path: The file or folder, relative to the study.
        md5: DVC's hash, of a folder with the suffix `.dir`.
        algorithm: What made the hash: `md5`, or `md5-dos2unix` before DVC 3.
        remote: The remote that the study names for it; empty for the default one.
    """

    path: str
    md5: str
    algorithm: str
    remote: str


@dataclass(frozen=True)
class _Declared:
    """What `dvc.yaml` says of a stage and `dvc.lock` does not repeat."""

    folder: str = ""
    outs: tuple[tuple[str, bool, str], ...] = ()  # pattern of the path, is it pushed, remote


def references(root: Path, revisions: bool = True) -> dict[Reference, list[str]]:
    """Return what belongs into a remote, with the branches and tags that refer to it.

    Outputs that git keeps (`cache: false`), that are not to be pushed (`push: false`) and what
    `dvc import` can fetch again from where it came are left out.

    Args:
        root: The study.
        revisions: Look at every branch and tag, not only at the work tree.

    Raises:
        StudyError: A file of the work tree holds no valid YAML; in the past, nobody can mend it.
    """
    on_disk = [path for path in git_state.files(root, ["*"]) if _WANTED.fullmatch(path)]
    texts = {path: (root / path).read_bytes() for path in on_disk if (root / path).is_file()}
    for path, text in texts.items():
        parse_yaml(text, path)
    found = {
        reference: [WORK_TREE]
        for path, text in texts.items()
        for reference in _of_file(path, text, texts.get(_pipeline_of(path), b""))
    }
    if revisions:
        for reference, names in committed(root, git_state.trees(root)).items():
            found.setdefault(reference, []).extend(names)
    return found


def committed(root: Path, trees: Mapping[str, str]) -> dict[Reference, list[str]]:
    """Return what some commits refer to, with those that do.

    Args:
        root: The study.
        trees: What to call each of them, and its tree or the commit itself.
    """
    revs: dict[str, list[str]] = {}
    for name, tree in trees.items():
        revs.setdefault(tree, []).append(name)
    found: dict[Reference, list[str]] = {}
    known: dict[tuple[str, str, str | None], frozenset[Reference]] = {}
    with Blobs(root) as blobs:
        for tree, names in revs.items():
            there = {
                path: blob
                for path, blob, _ in git_state.tree_files(root, tree)
                if _WANTED.fullmatch(path)
            }
            for path, blob in there.items():
                key = path, blob, there.get(_pipeline_of(path))
                if key not in known:
                    known[key] = _of_file(path, blobs.read(blob), blobs.read(key[2]))
                for reference in known[key]:
                    found.setdefault(reference, []).extend(names)
    return found


def past_references(root: Path, revs: Sequence[str] = git_history.EVERYTHING) -> set[Reference]:
    """Return what the commits of a history refer to, not only the newest ones.

    Args:
        root: The study.
        revs: Where the history ends; all branches and tags, and the current commit.
    """
    return _of_commits(root, git_history.log(root, records.PATTERNS, revs))


def added_references(root: Path, tips: Mapping[str, str], known: Iterable[str]) -> set[Reference]:
    """Return what the commits refer to that some tips bring, those in between included.

    Args:
        root: The study.
        tips: What to call each of them, and the commit.
        known: The commits that are no news, nor are those before them.

    Raises:
        StudyError: What a tip brings cannot be read; in the past, nobody can mend it.
    """
    revs = [*dict.fromkeys(tips.values()), "--not", *known]
    commits = git_history.log(root, records.PATTERNS, revs)
    brought = {(change.path, change.after) for commit in commits for change in commit.changes}
    files = [(name, path) for path in sorted({path for path, _ in brought}) for name in tips]
    there = git_history.blob_ids(root, [(tips[name], path) for name, path in files])
    with Blobs(root) as blobs:
        for (name, path), blob in zip(files, there, strict=True):
            if blob and (path, blob) in brought:
                _refuse_unreadable(blobs.read(blob), path, name)
    return _of_commits(root, commits)


def _refuse_unreadable(text: bytes, path: str, name: str) -> None:
    mend = f"$EDITOR {shlex.quote(path)}, commit it, then push again"
    try:
        content = parse_yaml(text, path)
    except StudyError as error:
        raise StudyError(error.what, f"{error.where} of {name}", mend) from None
    stages = (
        content.get("stages") or {} if posixpath.basename(path) == dvc_files.LOCK else [content]
    )
    bodies = list(stages.values()) if isinstance(stages, dict) else stages
    for body in bodies if isinstance(bodies, list) else [bodies]:
        if not isinstance(body, dict) or _entries(body, "outs") != (body.get("outs") or []):
            raise StudyError("not what DVC writes", f"{path} of {name}", mend)


def _of_commits(root: Path, commits: Sequence[Commit]) -> set[Reference]:
    files = [
        (commit.id, change.path, change.after)
        for commit in commits
        for change in commit.changes
        if change.after
    ]
    if not files:
        return set()
    beside = [(commit, _pipeline_of(path)) for commit, path, _ in files]
    pipelines = git_history.blob_ids(root, beside)
    texts = {
        (path, blob, pipeline)
        for (_, path, blob), pipeline in zip(files, pipelines, strict=True)
    }  # fmt: skip
    found: set[Reference] = set()
    with Blobs(root) as blobs:
        for path, blob, pipeline in texts:
            found |= _of_file(path, blobs.read(blob), blobs.read(pipeline))
    return found


def _pipeline_of(path: str) -> str:
    return posixpath.join(posixpath.dirname(path), dvc_files.PIPELINE)


def _of_file(path: str, text: bytes, pipeline: bytes) -> frozenset[Reference]:
    """Return what a `dvc.lock`, with the `dvc.yaml` beside it, or a `*.dvc` file refers to."""
    name = posixpath.basename(path)
    if name == dvc_files.PIPELINE:
        return frozenset()
    folder = posixpath.dirname(path)
    if name != dvc_files.LOCK:
        return _of_record(folder, b"-\n" + text, _Declared())
    declared = _declarations(pipeline)
    found: set[Reference] = set()
    for record in lock_records.split(lock_records.section(text)):
        stage = lock_records.header(record).decode(errors="replace").strip(" :'\"")
        found |= _of_record(folder, record, declared.get(stage.partition("@")[0], _Declared()))
    return frozenset(found)


@lru_cache(maxsize=100_000)
def _of_record(folder: str, record: bytes, declared: _Declared) -> frozenset[Reference]:
    is_file = record.startswith(b"-\n")
    content = _parsed(record.removeprefix(b"-\n"))
    bodies = [content] if is_file else content.values()
    return frozenset(
        reference
        for body in bodies
        if isinstance(body, dict)
        for reference in _of_body(folder, body, declared)
    )


def _of_body(folder: str, body: Mapping[str, Any], declared: _Declared) -> Iterator[Reference]:
    if any("repo" in dep for dep in _entries(body, "deps")):
        return
    here = posixpath.join(folder, str(body.get("wdir") or declared.folder))
    for out in _entries(body, "outs"):
        path = str(out.get("path", ""))
        said = [(pushed, remote) for pattern, pushed, remote in declared.outs
                if re.fullmatch(pattern, path, re.DOTALL)]  # fmt: skip
        # Where a pattern is too wide, a false alarm is better than a silent loss.
        pushed = any(pushed for pushed, _ in said) if said else _is_pushed(out)
        remote = next((remote for _, remote in said if remote), str(out.get("remote") or ""))
        if pushed and (md5 := out.get("md5")) and "://" not in path:
            where = posixpath.normpath(posixpath.join(here, path))
            yield Reference(where, str(md5), str(out.get("hash") or "md5-dos2unix"), remote)


def _entries(body: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found = body.get(key)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _is_pushed(out: Mapping[str, Any]) -> bool:
    return out.get("cache") is not False and out.get("push") is not False


@lru_cache(maxsize=1000)
def _declarations(pipeline: bytes) -> dict[str, _Declared]:
    """Return what a `dvc.yaml` says, by the name of the stage without that of its loop."""
    found = {}
    for name, stage in (_parsed(pipeline).get("stages") or {}).items():
        body = stage.get("do", stage) if isinstance(stage, dict) else {}
        outs = []
        for kind in ("outs", "metrics", "plots"):
            for entry in body.get(kind) or []:
                options = entry if isinstance(entry, dict) else {str(entry): {}}
                for path, said in options.items():
                    pattern = ".*".join(map(re.escape, _VARIABLE.split(str(path))))
                    said = said or {}
                    outs.append((pattern, _is_pushed(said), str(said.get("remote") or "")))
        found[str(name)] = _Declared(str(body.get("wdir") or ""), tuple(outs))
    return found


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        return parse_yaml(text, "")
    except StudyError:  # committed in the middle of a conflict
        return {}
