"""What was made from a version of some data, anywhere in the history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from data_versioning.lineage import records
from data_versioning.lineage.data_runs import DataRun, runs_with
from data_versioning.lineage.past import Past, Versions
from data_versioning.lineage.records import Record
from data_versioning.models import model_tags
from data_versioning.study import Study
from data_versioning.tools import git, git_history

Version = tuple[str, str]  # path and hash


@dataclass(frozen=True)
class Result:
    """A file made from the data, directly or through other stages.

    Args:
        path: Where it is.
        hash: Its own hash.
        stage: The stage that wrote it.
        commit: The first commit that holds it; empty when uncommitted.
    """

    path: str
    hash: str
    stage: str
    commit: str


@dataclass(frozen=True)
class Uses:
    """What used one version of some data.

    Args:
        path: The data.
        hash: Their hash.
        results: What was made from them, in the order of the commits.
        runs: MLflow runs of reproductions with this version, and those that took it as an input.
        tags: Git tags whose commit holds a result made from it.
        releases: Those versions of models, `model@v1.2.0`, that were made from it.
        note: Why runs could not be looked up; empty if they were.
    """

    path: str
    hash: str
    results: tuple[Result, ...]
    runs: tuple[DataRun, ...] = ()
    tags: tuple[str, ...] = ()
    releases: tuple[str, ...] = ()
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return asdict(self)

    def text(self) -> str:
        """Return it for people."""
        lines = [f"{self.path} {self.hash}"]
        for result in self.results:
            commit = result.commit[:8] or "uncommitted"
            lines.append(f"result   {result.path} {result.hash[:8]} by {result.stage} ({commit})")
        lines += [f"run      {run.run_id} {run.started} {run.status}" for run in self.runs]
        lines += [f"release  {name}" for name in self.releases]
        lines += [f"tag      {name}" for name in self.tags]
        lines += ["used by nothing"] * (len(lines) == 1)
        return "\n".join([*lines, *[f"note     {self.note}"] * bool(self.note)])


def uses(study: Study, asked: Collection[Version]) -> dict[Version, Uses]:
    """Return what used some versions of data, over all branches and tags and the files on disk.

    Args:
        study: The study.
        asked: Paths and hashes.
    """
    with Past.of(study.root) as past:
        followed = _follow(past, frozenset(asked))
    models = model_tags.released(study.root)
    found_runs, note = runs_with(study, asked)
    made = {}
    for version in asked:
        results = followed.results.get(version, {})
        tags = sorted(followed.tags.get(version, ()))
        releases = [name for name in tags if models.get(name) in results]
        made[version] = Uses(
            *version, tuple(results.values()), tuple(found_runs.get(version, ())),
            tuple(tags), tuple(releases), note,
        )  # fmt: skip
    return made


def merged(found: Mapping[Version, Uses]) -> Uses:
    """Return the uses of several paths, which held the same bytes, as those of one."""
    first, *more = found.values()
    if not more:
        return first
    every = (first, *more)
    return Uses(
        path=", ".join(sorted(one.path for one in every)),
        hash=first.hash,
        results=tuple(dict.fromkeys(result for one in every for result in one.results)),
        runs=tuple(dict.fromkeys(run for one in every for run in one.runs)),
        tags=tuple(sorted({tag for one in every for tag in one.tags})),
        releases=tuple(sorted({name for one in every for name in one.releases})),
        note=first.note,
    )


def _follow(past: Past, asked: frozenset[Version]) -> Graph:
    """Go through the pipeline as each commit has it, oldest first."""
    commits = [
        commit
        for commit in reversed(past.commits)
        # A merge without changes of its own can still bring two pipelines together.
        if not commit.changes or any(records.is_lock(change.path) for change in commit.changes)
    ]
    files = sorted({*past.locks(), *filter(records.is_lock, records.on_disk(past.root))})
    readers = {file: past.versions(file) for file in files}
    graph = Graph(asked)
    seen: dict[tuple[str | None, ...], frozenset[Version]] = {}
    versions = _blobs(past, [commit.id for commit in commits], files)
    past.blobs.expect(blob for blobs in versions for blob in blobs)
    for commit, blobs in zip(commits, versions, strict=True):
        graph.move(readers, [past.blobs.read(blob) for blob in blobs], commit.id)
        seen[blobs] = graph.used()
    tagged = git.tags(past.root)
    for names, blobs in zip(tagged.values(), _blobs(past, tagged, files), strict=True):
        for version in seen.get(blobs, ()):
            graph.tags.setdefault(version, set()).update(names)
    paths = [past.root / file for file in files]
    now = [path.read_bytes() if path.is_file() else b"" for path in paths]
    graph.move(readers, now, "")
    return graph


def _blobs(
    past: Past, commits: Iterable[str], files: Collection[str]
) -> list[tuple[str | None, ...]]:
    asked = [(rev, file) for rev in commits for file in files]
    found = git_history.blob_ids(past.root, asked)
    return [tuple(found[at : at + len(files)]) for at in range(0, len(found), len(files) or 1)]


class Graph:
    """The stages of one commit at a time, and what of the asked data reaches each.

    Args:
        asked: Paths and hashes of data.
    """

    def __init__(self, asked: frozenset[Version]) -> None:
        self.results: dict[Version, dict[Version, Result]] = {}
        self.tags: dict[Version, set[str]] = {}
        self._asked = asked
        self._stages: dict[str, Record] = {}
        self._maker: dict[str, str] = {}
        self._readers: dict[str, set[str]] = {}
        self._sources: dict[str, frozenset[Version]] = {}
        self._count: Counter[Version] = Counter()

    def used(self) -> frozenset[Version]:
        """Return those of the asked versions that something was made from."""
        return frozenset(+self._count)

    def move(self, readers: Mapping[str, Versions], contents: Iterable[bytes], commit: str) -> None:
        """Go to the next commit, and note what in it was made from the asked data."""
        moved = [
            reader.move(content) for reader, content in zip(readers.values(), contents, strict=True)
        ]
        gone = [record for went, _ in moved for record in went]
        came = [record for _, new in moved for record in new]
        for record in gone:
            self._remove(record)
        for record in came:
            self._add(record)
        for record in gone:
            if record.address not in self._stages:
                self._set_sources(record.address, frozenset())
        changed = {record.address: None for record in came}
        changed |= {name: None for record in gone + came for name in self._users(record)}
        touched = {}
        while changed:
            del changed[name := next(iter(changed))]
            touched[name] = record = self._stages[name]
            if self._set_sources(name, self._sources_of(record)):
                changed |= {reader: None for reader in self._users(record)}
        for name, record in touched.items():
            for version in self._sources[name]:
                found = self.results.setdefault(version, {})
                for out in record.outs:
                    found.setdefault(out.version, Result(*out.version, name, commit))

    def _remove(self, record: Record) -> None:
        del self._stages[record.address]
        for dep in record.deps:
            self._readers[dep.path].discard(record.address)
        for out in record.outs:
            self._maker.pop(out.path, None)

    def _add(self, record: Record) -> None:
        self._stages[record.address] = record
        for dep in record.deps:
            self._readers.setdefault(dep.path, set()).add(record.address)
        self._maker |= {out.path: record.address for out in record.outs}

    def _users(self, record: Record) -> list[str]:
        return [name for out in record.outs for name in self._readers.get(out.path, ())]

    def _sources_of(self, record: Record) -> frozenset[Version]:
        sources = set()
        for dep in record.deps:
            if dep.version in self._asked:
                sources.add(dep.version)
            maker = self._stages.get(self._maker.get(dep.path, ""))
            # A stage that is out of date read another version than there is now.
            if maker and dep.version in {out.version for out in maker.outs}:
                sources |= self._sources.get(maker.address, frozenset())
        return frozenset(sources)

    def _set_sources(self, name: str, sources: frozenset[Version]) -> bool:
        before = self._sources.get(name, frozenset())
        self._count.subtract(before)
        self._count.update(sources)
        self._sources[name] = sources
        return before != sources
