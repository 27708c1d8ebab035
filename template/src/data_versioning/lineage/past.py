"""What each commit changed in what DVC keeps, and what a revision holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from data_versioning.lineage import lock_records, records
from data_versioning.lineage.records import Kept, Record
from data_versioning.tools import git, git_history
from data_versioning.tools.git_history import Blobs, Commit

_KEPT = 4  # versions of a file


@dataclass(frozen=True)
class Held:
    """A version of a path, with the record that it stands in and the file of that."""

    kept: Kept
    record: Record
    file: str


Delta = dict[str, tuple[Held | None, Held | None]]


class Past:
    """The history of what DVC keeps; open it with `Past.of`.

    Args:
        root: The study.
        blobs: Reads the repository.
        revs: Where the history ends.
    """

    def __init__(self, root: Path, blobs: Blobs, revs: Sequence[str]) -> None:
        self.root = root
        self.commits = git_history.log(root, records.PATTERNS, revs)  # newest first
        self.blobs = blobs
        self._folders = records.working_folders(root)
        self._texts: dict[str, dict[str | None, bytes]] = {}

    @classmethod
    @contextmanager
    def of(cls, root: Path, *more: str) -> Iterator[Past]:
        """Open the history of all branches and tags, the current commit's and more commits'."""
        with Blobs(root) as blobs:
            yield cls(root, blobs, [*git_history.EVERYTHING, *more])

    def walk(self, oldest_first: bool = False) -> Iterator[Commit]:
        """Yield the commits; what they changed is then read ahead."""
        commits = self.commits[::-1] if oldest_first else self.commits
        self.blobs.expect(
            blob
            for commit in commits
            for change in commit.changes
            if records.is_record_file(change.path)
            for blob in (change.after, *change.before)[:: -1 if oldest_first else 1]
        )
        yield from commits

    def delta(self, commit: Commit, needles: Iterable[bytes] = (b"",)) -> Delta:
        """Return the paths whose version or record a commit changed, as they were and became.

        Args:
            commit: One of `commits`. What a merge took over from a parent is no change.
            needles: Only records that hold one of these are looked at.
        """
        parents = max((len(change.before) for change in commit.changes), default=1)
        needles = tuple(needles)
        per_parent = [self._against(commit, parent, needles) for parent in range(parents)]
        found = per_parent[0]
        for other in per_parent[1:]:
            found = {path: pair for path, pair in found.items() if path in other}
        return found

    def _against(self, commit: Commit, parent: int, needles: tuple[bytes, ...]) -> Delta:
        old: dict[str, Held] = {}
        new: dict[str, Held] = {}
        for change in commit.changes:
            if not records.is_record_file(change.path):
                continue
            after = self._text(change.path, change.after)
            before = self._text(change.path, change.before[parent])
            gone, came = difference(change.path, before, after)
            for parts, held in ((gone, old), (came, new)):
                for part in parts:
                    if any(needle in part for needle in needles):
                        for record in records.parse(change.path, part, self._folders):
                            held |= {
                                out.path: Held(out, record, change.path) for out in record.outs
                            }
        return {
            path: (old.get(path), new.get(path))
            for path in old | new
            if not _same(old.get(path), new.get(path))
        }

    def holders(self, revs: Sequence[str], files: Iterable[str], path: str) -> dict[str, Kept]:
        """Return the version of a path at those of some revisions that hold it.

        Args:
            revs: Commits.
            files: The `dvc.lock` and `*.dvc` files that can hold it.
            path: The path.
        """
        asked = [(rev, file) for file in files for rev in revs]
        found = {}
        states: dict[str, Versions] = {}
        held: dict[str, Kept | None] = {}
        for (rev, file), blob in zip(asked, git_history.blob_ids(self.root, asked), strict=True):
            state = states.setdefault(file, self.versions(file, records.readable_part(path)))
            gone, came = state.move(self.blobs.read(blob))
            if any(record.out(path) for record in gone):
                held[file] = None
            held[file] = next((out for record in came if (out := record.out(path))), held.get(file))
            if kept := held[file]:
                found[rev] = kept
        return found

    def locks(self) -> list[str]:
        """Return the paths of all `dvc.lock` there ever were."""
        changed = {change.path for commit in self.commits for change in commit.changes}
        return sorted(filter(records.is_lock, changed))

    def versions(self, file: str, needle: bytes = b"") -> Versions:
        """Return a reader of one file's versions; see `Versions`."""
        return Versions(file, self._folders, needle)

    def _text(self, path: str, blob: str | None) -> bytes:
        # Versions that follow each other are compared in pairs: some of each file are kept.
        recent = self._texts.setdefault(path, {})
        text = recent.pop(blob) if blob in recent else text_of(path, self.blobs.read(blob))
        recent[blob] = text
        if len(recent) > _KEPT:
            del recent[next(iter(recent))]
        return text


class Versions:
    """The records of one file as they change from one version of it to the next.

    Args:
        path: The `dvc.lock` or `*.dvc` file.
        folders: See `records.working_folders`.
        needle: What a record must hold to be looked at.
    """

    def __init__(self, path: str, folders: Mapping[str, str], needle: bytes = b"") -> None:
        self._path = path
        self._folders = folders
        self._needle = needle
        self._text = b""

    def move(self, content: bytes) -> tuple[list[Record], list[Record]]:
        """Go to a version; return the records that went and those that came."""
        old, self._text = self._text, text_of(self._path, content)
        gone, came = difference(self._path, old, self._text)
        return self._parsed(gone), self._parsed(came)

    def _parsed(self, parts: Iterable[bytes]) -> list[Record]:
        return [
            record
            for part in parts
            if self._needle in part
            for record in records.parse(self._path, part, self._folders)
        ]


def text_of(path: str, content: bytes) -> bytes:
    """Return what `difference` compares: of a `dvc.lock` its records in DVC's layout."""
    return lock_records.section(content) if records.is_lock(path) else content


def difference(path: str, old: bytes, new: bytes) -> tuple[list[bytes], list[bytes]]:
    """Return the records that only the old version of a file has, and those of the new one."""
    if old == new:
        return [], []
    if records.is_lock(path):
        return lock_records.difference(old, new)
    return [old] if old else [], [new] if new else []


def same_making(a: Record, b: Record) -> bool:
    """Tell whether two records say that the same was made from the same by the same."""
    return _making(a) == _making(b)


def _making(record: Record) -> tuple[object, ...]:
    deps = sorted(dep.version for dep in record.deps)
    return record.command, deps, dict(record.params), sorted(out.version for out in record.outs)


def _same(a: Held | None, b: Held | None) -> bool:
    if a is None or b is None:
        return a is b
    return a.kept.version == b.kept.version and same_making(a.record, b.record)


def tags_holding(past: Past, path: str, files: Iterable[str]) -> dict[tuple[str, str], list[str]]:
    """Return the git tags that hold each version of a path, by path and hash."""
    tagged = git.tags(past.root)
    held = past.holders(list(tagged), files, path)
    found: dict[tuple[str, str], list[str]] = {}
    for commit, kept in held.items():
        found.setdefault(kept.version, []).extend(tagged[commit])
    return {version: sorted(names) for version, names in found.items()}
