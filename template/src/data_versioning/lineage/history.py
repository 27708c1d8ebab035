"""Every version of a dataset over the history of the study."""

from __future__ import annotations

import csv
import difflib
import io
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from data_versioning.errors import StudyError
from data_versioning.lineage import records
from data_versioning.lineage.past import Delta, Held, Past, tags_holding
from data_versioning.lineage.usage import Uses, uses
from data_versioning.study import Study
from data_versioning.tools import git, git_history

COLUMNS = ("timestamp", "commit_hash", "data_path", "description")
UNCOMMITTED = "uncommitted"


@dataclass(frozen=True)
class AuditEntry:
    """One event in the life of a dataset.

    Args:
        timestamp: When the author made the commit, with the time zone; of an uncommitted version
            when its `*.dvc` file or `dvc.lock` was written.
        author: Who made it.
        email: The author's address.
        message: The subject of the commit.
        commit: 40 hex digits; empty when uncommitted.
        change: `added`, `changed`, `renamed`, `deleted` or `uncommitted`.
        path: Where the dataset was from then on, or until then if deleted.
        hash: DVC's hash (MD5, of folders with the suffix `.dir`); empty if deleted.
        size: In bytes, if recorded.
        nfiles: How many files a folder holds, if recorded.
        tags: The git tags whose commit holds this version.
        used_by: What was made from this version; None unless asked for.
    """

    timestamp: datetime
    author: str
    email: str
    message: str
    commit: str
    change: str
    path: str
    hash: str
    size: int | None
    nfiles: int | None
    tags: tuple[str, ...] = ()
    used_by: Uses | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        made = asdict(self) | {"timestamp": self.timestamp.isoformat()}
        if self.used_by is None:
            del made["used_by"]
        return made


def audit_trail(study: Study, names: Sequence[str], used_by: bool = False) -> list[AuditEntry]:
    """Return every version of a tracked path or stage output, oldest first.

    See `LineageTracker.get_audit_trail`.

    Args:
        study: The study.
        names: What the path can be; the first that DVC ever kept is it.
        used_by: Whether to add what was made from each version.
    """
    entries: list[AuditEntry] = []
    tags: dict[tuple[str, str], list[str]] = {}
    with Past.of(study.root) as past:
        for path in names:
            entries, files = _trail(past, path)
            entries += _uncommitted(past, path, files)
            if entries:
                break
        else:
            raise unknown(study, names[0])
        for name in dict.fromkeys(entry.path for entry in entries):
            tags |= tags_holding(past, name, files)
    entries = [replace(one, tags=tuple(tags.get((one.path, one.hash), ()))) for one in entries]
    if not used_by:
        return entries
    found = uses(study, {(entry.path, entry.hash) for entry in entries if entry.hash})
    return [replace(one, used_by=found.get((one.path, one.hash))) for one in entries]


def _trail(past: Past, path: str) -> tuple[list[AuditEntry], list[str]]:
    """Return the events of a path and of its earlier names, and the files that told of them."""
    names = {path}
    files: dict[str, None] = {}
    entries = []
    for commit in past.walk():
        delta = past.delta(commit, {records.readable_part(name) for name in names})
        for name in sorted(names & delta.keys()):
            old, new = delta[name]
            files |= {held.file: None for held in (old, new) if held}
            if old and new and old.kept.version == new.kept.version:
                continue
            change = "changed" if old and new else "added" if new else "deleted"
            if change == "added" and new:
                before = _renamed_from(past.delta(commit), new)
                if before:
                    names.add(before)
                    change = "renamed"
            elif change == "deleted" and old and names & _appeared(past.delta(commit), old):
                continue  # it went on under the name that led here
            entries.append(_entry(commit, change, name, new))
    return entries[::-1], list(files)


def _renamed_from(delta: Delta, new: Held) -> str | None:
    """Return the path that these bytes had until this commit moved them, or what its file held."""
    gone = {path: old for path, (old, now) in delta.items() if old and not now}
    same = [path for path, old in gone.items() if old.kept.md5 == new.kept.md5]
    close = difflib.get_close_matches(new.kept.path, same, 1, cutoff=0)
    if close:
        return close[0]
    # The same `*.dvc` file, which holds one dataset, now names it differently.
    return next(
        (path for path, old in gone.items() if old.file == new.file and not new.record.is_stage),
        None,
    )


def _appeared(delta: Delta, old: Held) -> set[str]:
    return {
        path
        for path, (was, new) in delta.items()
        if new and not was and (new.kept.md5 == old.kept.md5 or new.file == old.file)
    }


def _entry(commit: git_history.Commit, change: str, path: str, new: Held | None) -> AuditEntry:
    kept = new.kept if new else records.Kept(path, "")
    return AuditEntry(
        commit.time, commit.author, commit.email, commit.message, commit.id, change,
        path, kept.md5, kept.size, kept.nfiles,
    )  # fmt: skip


def _uncommitted(past: Past, path: str, files: Sequence[str]) -> list[AuditEntry]:
    now = next((found for record in records.at(past.root) if (found := record.out(path))), None)
    then = past.holders(["HEAD"], files, path).get("HEAD")
    if (now.version if now else None) == (then.version if then else None):
        return []
    author, email = git_history.identity(past.root)
    times = [(past.root / file).stat().st_mtime for file in files if (past.root / file).is_file()]
    time = datetime.fromtimestamp(max(times)) if times else datetime.now()
    kept = now or records.Kept(path, "")
    message = "not committed" if now else "deleted, not committed"
    return [
        AuditEntry(
            time.astimezone(), author, email, message, "", UNCOMMITTED,
            path, kept.md5, kept.size, kept.nfiles,
        )
    ]  # fmt: skip


def data_versions(
    study: Study, paths: Iterable[Sequence[str]] | None = None
) -> list[dict[str, str]]:
    """Return the versions of datasets from the history, oldest first, as rows of a table.

    See `LineageTracker.data_versions`.

    Args:
        study: The study.
        paths: What each path can be, as for `audit_trail`.
    """
    choices = None if paths is None else [list(names) for names in paths]
    wanted = {name for names in choices or () for name in names}
    named = {str(entry.get("path")) for entry in study.settings.get("datasets") or []}
    rows = []
    seen = set()
    with Past.of(study.root) as past:
        needles = {b""} if choices is None else {records.readable_part(path) for path in wanted}
        for commit in past.walk():
            for path, (old, new) in sorted(past.delta(commit, needles).items()):
                if not new or (old and old.kept.version == new.kept.version):
                    continue
                if path in wanted or (choices is None and (path in named or _is_dataset(new))):
                    seen.add(path)
                    rows.append((commit.time.isoformat(), commit.id, path, commit.message))
    for names in choices or ():
        if not seen & set(names):
            raise unknown(study, names[0])
    return [dict(zip(COLUMNS, row, strict=True)) for row in reversed(rows)]


def _is_dataset(held: Held) -> bool:
    folder = held.kept.path.partition("/")[0]
    return folder == "data" or (not held.record.is_stage and folder != "models")


def as_csv(rows: Iterable[dict[str, str]]) -> str:
    """Return the rows of `data_versions` as the text of a CSV file."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def unknown(study: Study, path: str, rev: str | None = None) -> StudyError:
    """Return the error for a path that DVC does not keep, with the names that come near.

    Of a file that git keeps, it names git's own history.
    """
    what = f"DVC does not keep this{f' at {rev}' if rev else ''}"
    if (study.root / path).is_file() and git.is_tracked(study.root, path):
        return StudyError(what, path, f"git log -- {shlex.quote(path)}")
    known = sorted({out.path for record in records.at(study.root, rev) for out in record.outs})
    return StudyError(what, path, _near(path, known))


def _near(path: str, known: Sequence[str]) -> str:
    name = Path(path).name
    near = [one for one in known if Path(one).name == name]
    near += difflib.get_close_matches(path, known, 5, cutoff=0.5)
    names = list(dict.fromkeys(near or known))[:5]
    return f"one of: {', '.join(names)}" if names else "dvc add, or dvc repro"


def _lines(entries: Iterable[AuditEntry]) -> Iterator[str]:
    for entry in entries:
        size = "" if entry.size is None else f"  {entry.size:,} bytes"
        files = "" if entry.nfiles is None else f" in {entry.nfiles:,} files"
        tags = f"  [{', '.join(entry.tags)}]" if entry.tags else ""
        yield (
            f"{entry.timestamp:%Y-%m-%d %H:%M %z}  {entry.commit[:8] or '-':8}  {entry.change:11}"
            f"  {entry.hash[:8] or '-':8}{size}{files}{tags}  {entry.path}"
        )
        yield f"    {entry.message} ({entry.author})"
        if entry.used_by is not None:
            yield from (f"    {line}" for line in entry.used_by.text().splitlines()[1:])


def as_text(entries: Iterable[AuditEntry]) -> str:
    """Return an audit trail for people."""
    return "\n".join(_lines(entries))
