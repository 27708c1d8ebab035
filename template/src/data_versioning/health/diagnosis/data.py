"""Is the data what DVC recorded, and is it in the remotes."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path, PurePath

from data_versioning.data import remotes
from data_versioning.errors import StudyError
from data_versioning.health.diagnosis.findings import Case, Finding
from data_versioning.health.drift import drift_of
from data_versioning.health.processes import is_held
from data_versioning.health.push_status import SEND, push_status
from data_versioning.health.references import WORK_TREE
from data_versioning.pipeline.manager import LOCK
from data_versioning.study import parse_yaml
from data_versioning.tools import dvc, dvc_cache, dvc_state, git, git_state
from data_versioning.wording import listed

PATIENCE = 20  # seconds that the remotes have for their answer
SHOWN = 5  # paths of a list
FILES = ("*.dvc", "dvc.lock", "*/dvc.lock", "dvc.yaml", "*/dvc.yaml")
PARAMETERS = ("params.yaml", "*/params.yaml")


def dvc_works(case: Case) -> Iterator[Finding]:
    """Look for what keeps DVC from working, and for what processes that were killed left."""
    root = case.study.root
    if not case.has_dvc:
        yield Finding("DV201", ".dvc/config", "make setup")
        return
    if dvc.is_locked_by_killed(root):
        yield Finding("DV203", dvc.RWLOCK, f"rm {dvc.RWLOCK}")
    if (aside := root / dvc_cache.ASIDE).is_dir() and any(aside.iterdir()):
        yield Finding("DV204", dvc_cache.ASIDE, f"rm -r {dvc_cache.ASIDE}")


def drift(case: Case) -> Iterator[Finding]:
    """Compare the work tree with what DVC recorded."""
    root = case.study.root
    if not case.has_dvc or not case.in_git:
        return
    if is_held(root / LOCK):
        yield Finding("DV208", mend="wait for it")
        return
    conflicted = git_state.conflicted(root)  # of which `repository.conflicts` tells
    if any(PurePath(path).match(one) for path in conflicted for one in [*FILES, *PARAMETERS]):
        return
    if broken := list(_broken(root)):
        yield from broken
        return
    try:
        found = drift_of(case.study)
    except StudyError as error:
        path = error.where.partition(":")[0]
        if (root / path).is_file():
            where = error.where if path != error.where else f"{path}: {error.what}"
            yield Finding("DV202", where, _restore(root, path))
        else:
            yield Finding("DV202", str(error), error.mend or "$EDITOR dvc.yaml")
        return
    for path in found.changed:
        yield Finding("DV205", path, f"dvc add -- {shlex.quote(path)}")
    for path in found.edited:
        yield Finding("DV205", f"{path} (what to try discards your edit)", "make repro")
    if found.absent:
        yield Finding("DV206", listed(found.absent, SHOWN), "make pull")
    if found.stale:
        yield Finding("DV207", ", ".join(found.stale), "make repro")


def _broken(root: Path) -> Iterator[Finding]:
    for path in git_state.files(root, [*FILES, *PARAMETERS]):
        if (root / path).is_file():
            try:
                parse_yaml((root / path).read_bytes(), path)
            except StudyError as error:
                yield Finding("DV202", f"{error.where}: {error.what}", _restore(root, path))
            except OSError as error:
                yield Finding(
                    "DV202", f"{path}: {error.strerror}", f"chmod u+r {shlex.quote(path)}"
                )


def _restore(root: Path, path: str) -> str:
    if path in git_state.unmerged(root):
        return "git merge --abort"
    if git.head(root) and git.file_at(root, "HEAD", path) is not None:
        return f"git checkout HEAD -- {shlex.quote(path)}"
    return f"$EDITOR {shlex.quote(path)}"


def uncommitted(case: Case) -> Iterator[Finding]:
    """Look for pointers to data that no commit holds."""
    if not case.is_committed:
        return
    root = case.study.root
    if git_state.folder(root, "MERGE_HEAD").exists() or git_state.unmerged(root):
        return  # git commits no single files then, and a side taken whole drops the other
    paths = git_state.changed(root, [*FILES, dvc_state.CONFIG])
    if older := git_state.older(root, paths):
        where = f"{', '.join(older)} is at an older version; to keep that one, commit it"
        yield Finding("DV209", where, "python -m data_versioning checkout-version HEAD")
    if paths := [path for path in paths if path not in older]:
        names = shlex.join(paths)
        yield Finding(
            "DV209", ", ".join(paths),
            f"git add -- {names} && git commit -m 'data: record what changed' -- {names}",
        )  # fmt: skip


def pushed(case: Case) -> Iterator[Finding]:
    """Look for data that the remotes lack."""
    study = case.study
    if not case.has_dvc or not case.in_git:
        return
    if not (targets := remotes.chosen(study)):
        yield Finding("DV212", mend=remotes.NO_REMOTE)
        return
    names = [one.name for one in targets if not (case.offline and one.kind)]
    older: list[set[str]] = []
    for name in names:
        try:
            found = push_status(study, [name], seconds=PATIENCE)
        except StudyError as error:
            if "YAML" in error.what or "in conflict" in error.what:
                return  # `drift` says so
            yield Finding("DV211", error.where or error.what, error.mend)
            continue
        older.append(set(found.older))
        here = [one for one in found.unpushed if one.lost < one.files]
        if here:
            paths = [f"{one.path} (of {', '.join(one.revisions[:3])})" for one in here]
            yield Finding("DV213", f"{name} lacks {listed(paths, SHOWN)}", " && ".join(found.mends))
        for one in found.unpushed:
            if one.lost:
                mend = (
                    "make repro" if WORK_TREE in one.revisions else "ask who made it to: make push"
                )
                yield Finding("DV214", f"{one.path} ({', '.join(one.revisions[:3])})", mend)
    if len(older) == len(targets) and (count := len(set.intersection(*older))):
        yield Finding("DV215", f"{count} versions, which no branch or tag ends at", SEND)


CHECKS = [pushed, drift, dvc_works, uncommitted]
