"""Versions of data sets as annotated git tags, such as `people-v1.2.0`.

The message is a sentence, what changed since the version before, and a mapping in YAML below
`---`. A consumer names the tag: `dvc.api.open("data/raw/people.csv", repo=..., rev=tag)`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from data_versioning.errors import StudyError
from data_versioning.study import parse_yaml
from data_versioning.tools import git
from data_versioning.wording import counted

TAG = re.compile(r"(?P<dataset>[a-z0-9]+(?:-[a-z0-9]+)*)-v(?P<version>\d+\.\d+\.\d+)")
SEPARATOR = "\n---\n"
KINDS = ("added", "removed", "changed")


@dataclass(frozen=True)
class DatasetTag:
    """A version of a data set.

    Args:
        name: The tag.
        dataset: What the versions of this data set are called.
        version: Its number.
        path: The file or folder, relative to the study.
        md5: DVC's hash, of a folder with the suffix `.dir`.
        size: In bytes.
        files: How many files it holds.
        commit: The tagged commit.
        author: Who made the tag.
        time: When.
        message: What is new, in the words of who made it.
        since: The tag of the version before; empty for the first.
        changes: What changed since: `bytes`, and of a folder how many files were `added`,
            `removed` and `changed`, and `files`, the first of them.
    """

    name: str
    dataset: str
    version: str
    path: str
    md5: str
    size: int
    files: int
    commit: str
    author: str
    time: datetime
    message: str
    since: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return asdict(self) | {"time": self.time.isoformat()}


def dataset_tags(root: Path) -> list[DatasetTag]:
    """Return every version of every data set, by number."""
    import semver

    found = [
        tag
        for one in git.annotated_tags(root)
        if (match := TAG.fullmatch(one.name)) and (tag := _read(one, match))
    ]
    return sorted(found, key=lambda tag: semver.Version.parse(tag.version))


def write(root: Path, tag: DatasetTag, after: datetime | None) -> None:
    """Make the tag.

    Args:
        root: The study.
        tag: The version.
        after: When the version before was tagged.

    Raises:
        StudyError: There is a tag of this name, or git does not know who makes it.
    """
    import yaml

    details = {
        "dataset": tag.path,
        "version": tag.version,
        "md5": tag.md5,
        "size": tag.size,
        "files": tag.files,
        "commit": tag.commit,
        "since": tag.since or None,
        "changes": dict(tag.changes),
        "by": tag.author,
        "message": tag.message,
    }
    body = yaml.safe_dump(details, sort_keys=False, allow_unicode=True, width=10_000)
    text = f"{tag.name}: {tag.message}\n\n{summary(tag)}\n{SEPARATOR}{body}"
    git.make_tag(root, tag.name, tag.commit, text, after)


def summary(tag: DatasetTag) -> str:
    """Return what a version holds and what changed since the one before, in two lines."""
    lines = [f"{tag.path}: {counted(tag.files, 'file')}, {tag.size} bytes, {tag.md5}"]
    if tag.since:
        counts = [f"{tag.changes[kind]} {kind}" for kind in KINDS if tag.changes.get(kind)]
        files = f", files: {', '.join(counts)}" if counts else ""
        lines.append(f"since {tag.since}: {tag.changes['bytes']:+} bytes{files}")
    else:
        lines.append("the first version")
    return "\n".join(lines)


def _read(tag: git.Tag, match: re.Match[str]) -> DatasetTag | None:
    """Return what a tag says; None of one that was made by hand."""
    body = tag.message.partition(SEPARATOR)[2]
    try:
        said = parse_yaml(body.encode(errors="replace"), tag.name)
        return DatasetTag(
            name=tag.name,
            dataset=match["dataset"],
            version=match["version"],
            path=str(said["dataset"]),
            md5=str(said["md5"]),
            size=int(said["size"]),
            files=int(said["files"]),
            commit=tag.commit,
            author=str(said["by"]),
            time=tag.time,
            message=str(said["message"]),
            since=str(said["since"] or ""),
            changes=dict(said["changes"]),
        )
    except (StudyError, KeyError, TypeError, ValueError):
        return None
