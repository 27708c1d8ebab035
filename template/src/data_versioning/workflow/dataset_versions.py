"""Tag the next version of a data set."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

import semver

from data_versioning.data import remotes, trackable
from data_versioning.data.versions import Version, changed_files
from data_versioning.errors import StudyError, UsageError
from data_versioning.health.references import Reference, committed
from data_versioning.lineage import records
from data_versioning.study import Study
from data_versioning.tools import dvc, git, git_history, git_state
from data_versioning.wording import listed
from data_versioning.workflow.dataset_tags import TAG, DatasetTag, dataset_tags, write
from data_versioning.workflow.new_data import not_sent

FIRST = "1.0.0"
BUMPS = ("major", "minor", "patch")
SHOWN = 20  # files in a message
PATIENCE = 20  # seconds for git's remote


def tag_dataset(
    study: Study, name: str, bump: str, message: str, dry_run: bool = False
) -> DatasetTag:
    """Tag the committed version of a data set.

    Args:
        study: The study.
        name: Its path, or the name of its file or folder without ending, where only one has it.
        bump: Which number goes up: `major`, `minor` or `patch`; the first version is 1.0.0.
        message: What is new.
        dry_run: Make no tag, only return it.

    Raises:
        UsageError: There is no such bump, no message, or no name.
        StudyError: There is no such data set, it has uncommitted changes, it is not in the remote,
            or nothing changed since its last version.
    """
    root = study.root
    said = "".join(filter(str.isprintable, " ".join(message.split())))
    level = bump.strip().lower()
    if level not in BUMPS:
        got = f", not {bump!r}" if level else ""
        raise UsageError(f"no bump: major, minor or patch{got}", mend=_again(name))
    if not said:
        raise UsageError("no message", "say what is new", _again(name, level))
    if git.head(root) is None:
        raise StudyError("no commit yet", str(root), "make setup")
    head = git.resolve(root, "HEAD")
    known = {one.path: one for one in committed(root, {"HEAD": head})}
    path = _path(study, name, known, level)
    _refuse_uncommitted(root, path)
    tags = dataset_tags(root)
    dataset = _dataset(path, known, tags)
    last = next((tag for tag in reversed(tags) if tag.dataset == dataset), None)
    if last and last.md5 == known[path].md5:
        raise StudyError(f"nothing changed since {last.name}", path, f"git show {last.name}")
    _refuse_unsent(study, known[path])
    _refuse_unknown_versions(root, dataset, tags)
    version = _next(last, level)
    kept = next(out for record in records.at(root, head) for out in record.outs if out.path == path)
    tagger, address = git_history.committer(root)
    made = DatasetTag(
        name=f"{dataset}-v{version}",
        dataset=dataset,
        version=version,
        path=path,
        md5=known[path].md5,
        size=kept.size or 0,
        files=kept.nfiles or 1,
        commit=head,
        author=f"{tagger} <{address}>",
        time=datetime.now().astimezone().replace(microsecond=0),
        message=said,
        since=last.name if last else "",
        changes=_changes(study, last, Version(path, known[path].md5, head), kept.size or 0)
        if last
        else {},
    )
    if not dry_run:
        write(root, made, last.time if last else None)
    return made


def _path(study: Study, name: str, known: Iterable[str], bump: str) -> str:
    paths = sorted(known)
    if not paths:
        track = "python -m data_versioning track-data <path> -m <what it is>"
        raise StudyError("DVC keeps no data in the last commit", name, track)
    if not name:
        raise UsageError(f"no data set is named; there are {listed(paths)}", "", _again("", bump))
    own = trackable.named(study, name)
    if own in paths:
        return own
    found = [one for one in paths if name in (PurePosixPath(one).name, _stem(one))]
    if len(found) == 1:
        return found[0]
    if found:
        what = f"more than one data set is called {name!r}"
        raise StudyError(what, listed(found), _again(found[0], bump))
    what = f"DVC keeps no data set {name!r} in the last commit"
    raise StudyError(what, f"there are {listed(paths)}", _again("", bump))


def _again(name: str, bump: str = "minor") -> str:
    named = shlex.quote(name) if name else "<name>"
    return f"make data-tag NAME={named} BUMP={bump} MESSAGE='what is new'"


def _stem(path: str) -> str:
    name = PurePosixPath(path).name
    return name.partition(".")[0] or name


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z0-9]+", "-", plain).strip("-") or "data"


def _dataset(path: str, known: Iterable[str], tags: Sequence[DatasetTag]) -> str:
    """Return what the versions of a data set are called.

    After its file, or, where others have that name, after its path. Once tagged, it keeps its name.
    """
    names = {tag.path: tag.dataset for tag in tags}
    if path in names:
        return names[path]
    short = _slug(_stem(path))
    others = {names.get(other, _slug(_stem(other))) for other in known if other != path}
    return _slug(path) if short in others else short


def _next(last: DatasetTag | None, bump: str) -> str:
    if last is None:
        return FIRST
    return str(semver.Version.parse(last.version).next_version(bump))


def _refuse_uncommitted(root: Path, path: str) -> None:
    status = dvc.data_status(root)
    is_here = (root / path).exists()  # what was never fetched is no change
    for kind, mend in (
        ("uncommitted", "make repro, or python -m data_versioning track-data; then commit"),
        ("committed", "git commit"),
    ):
        changed = {one for paths in status.get(kind, {}).values() for one in paths if is_here}
        if any(str(one).rstrip("/") == path or str(one).startswith(f"{path}/") for one in changed):
            raise StudyError("it differs from the last commit", path, mend)


def _refuse_unsent(study: Study, reference: Reference) -> None:
    if not remotes.chosen(study):
        what = "nobody else could fetch it: DVC has no remote"
        raise StudyError(what, reference.path, f"{remotes.NO_REMOTE} && make push")
    if lacking := not_sent(study, {reference: ["HEAD"]}):
        what = f"not in the remote '{lacking[0].remote}', where others are to fetch it"
        raise StudyError(what, reference.path, "make push, then repeat this")


def _refuse_unknown_versions(root: Path, dataset: str, tags: Iterable[DatasetTag]) -> None:
    """Refuse where git's remote has versions that are not here: theirs could be this number."""
    if "origin" not in git_state.remote_urls(root):
        return
    asked = ["git", "ls-remote", "--tags", "--refs", "origin", f"refs/tags/{dataset}-v*"]
    try:
        done = subprocess.run(
            asked, cwd=root, capture_output=True, text=True, timeout=PATIENCE, check=True
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        print(
            "note: origin did not answer; whether it has this version shows when you push",
            file=sys.stderr,
        )
        return
    names = {line.rpartition("refs/tags/")[2] for line in done.stdout.splitlines()}
    unknown = {one for one in names if TAG.fullmatch(one)} - {tag.name for tag in tags}
    if unknown:
        what = "origin has versions that are not here"
        raise StudyError(what, ", ".join(sorted(unknown)), "git fetch --tags origin")


def _changes(study: Study, last: DatasetTag, version: Version, size: int) -> dict[str, Any]:
    changes: dict[str, Any] = {"bytes": size - last.size}
    if not last.md5.endswith(".dir"):
        return changes
    found = changed_files(study, Version(last.path, last.md5, last.commit), version)
    changes |= {kind: len(names) for kind, names in found.items()}
    files = [f"{kind} {one}" for kind, names in found.items() for one in names]
    return changes | {"files": files[:SHOWN]}
