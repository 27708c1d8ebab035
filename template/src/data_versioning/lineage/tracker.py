"""Where results come from, and what became of data."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable
from pathlib import Path

from data_versioning.errors import StudyError, UsageError
from data_versioning.lineage import history, records, usage
from data_versioning.lineage.history import AuditEntry
from data_versioning.lineage.origin import Lineage, origin
from data_versioning.lineage.past import Past
from data_versioning.lineage.records import Record
from data_versioning.lineage.usage import Uses
from data_versioning.study import Study
from data_versioning.tools import git


class LineageTracker:
    """Traces artifacts back to their origins, and data forward to their uses.

    Args:
        project_dir: A folder of the study.
    """

    def __init__(self, project_dir: Path | str = ".") -> None:
        self._study = Study.open(project_dir)

    def get_lineage(self, artifact: Path | str, rev: str | None = None) -> Lineage:
        """Return where an artifact comes from.

        Args:
            artifact: A stage output (model, metric, figure, data) or tracked file; its path from
                here, from the study's folder or absolute. For a file in a folder that DVC keeps
                as one, the folder answers.
            rev: A commit, branch or tag; the files on disk when not given.

        Raises:
            StudyError: DVC does not keep it, or there is no such revision.
        """
        root = self._study.root
        commit = rev and git.resolve(root, rev)
        known = records.at(root, commit)
        path, notes = self._kept(artifact, known, rev)
        return origin(self._study, path, known, rev=rev or "", commit=commit, notes=notes)

    def used_by(self, data: Path | str, rev: str | None = None) -> Uses:
        """Return what was made from a version of some data, directly or through other stages.

        Looks at all branches and tags, and at the files on disk. A result counts where the
        `dvc.lock` of one commit leads from it to this very hash.

        Args:
            data: A path, as for `get_lineage`, or anything a stage read; or a hash, for which all
                paths count that ever held it.
            rev: The revision whose version of the path is meant; that on disk when not given.

        Raises:
            StudyError: Neither DVC nor a stage knows it.
        """
        root = self._study.root
        if records.HASH.fullmatch(str(data)):
            versions = _versions_of(root, str(data))
            if not versions:
                raise StudyError("no data ever had this hash", str(data), "dvc.lock, *.dvc")
            return usage.merged(usage.uses(self._study, versions))
        known = records.at(root, rev and git.resolve(root, rev))
        read = {dep.path: dep.md5 for record in known for dep in record.deps}
        held = read | {out.path: out.md5 for record in known for out in record.outs}
        path = next((one for one in self._names(data) if one in held), None)
        if path is None:
            raise history.unknown(self._study, str(data), rev)
        return usage.merged(usage.uses(self._study, [(path, held[path])]))

    def get_audit_trail(self, path: Path | str, used_by: bool = False) -> list[AuditEntry]:
        """Return every version of a dataset over all branches and tags, oldest first.

        Follows renames, of the data and of the `*.dvc` file, where the bytes stay the same, and
        moves between `*.dvc` files and `dvc.lock`. What came with a merge stands there once, with
        the commit that made it; a merge stands there only if it made a version of its own. The
        last entry is the version on disk, if `*.dvc` or `dvc.lock` are not committed as they are.

        Args:
            path: A tracked file or folder, or a stage output; a deleted one too.
            used_by: Whether to add what was made from each version.

        Raises:
            StudyError: DVC never kept it.
        """
        return history.audit_trail(self._study, self._names(path), used_by)

    def data_versions(self, paths: Iterable[Path | str] | None = None) -> list[dict[str, str]]:
        """Return the versions of datasets as rows of `data_versions.csv`, oldest first.

        Args:
            paths: The datasets; by default what lies under `data/`, what `*.dvc` files track
                outside `models/`, and what `datasets:` of `study.yaml` names.

        Returns:
            Rows with `timestamp` (ISO 8601), `commit_hash`, `data_path` and `description` (the
            subject of the commit).

        Raises:
            StudyError: DVC never kept one of the paths.
        """
        names = None if paths is None else [self._names(path) for path in paths]
        return history.data_versions(self._study, names)

    def _names(self, path: Path | str) -> list[str]:
        """Return what a path can mean: one from here, or one from the study's folder."""
        if not str(path):
            raise UsageError("say which file", "make lineage OF=<file>, or make audit OF=<file>")
        names = [] if Path(path).is_absolute() else [posixpath.normpath(str(path))]
        try:
            names.insert(0, self._study.relative(path))
        except StudyError:
            if not names:
                raise
        return list(dict.fromkeys(names))

    def _kept(
        self, artifact: Path | str, known: Collection[Record], rev: str | None
    ) -> tuple[str, list[str]]:
        kept = {out.path for record in known for out in record.outs}
        names = self._names(artifact)
        for name in names:
            if name in kept:
                return name, []
        for name in names:
            folders = [str(parent) for parent in Path(name).parents if str(parent) in kept]
            if folders:
                return folders[0], [f"{name} is in {folders[0]}, which DVC keeps as a whole"]
        raise history.unknown(self._study, str(artifact), rev)


def _versions_of(root: Path, digest: str) -> list[tuple[str, str]]:
    """Return the paths that ever held these bytes, each with the hash."""
    found: dict[tuple[str, str], None] = {}
    with Past.of(root) as past:
        for commit in past.walk():
            for pair in past.delta(commit, [digest.encode()]).values():
                for held in filter(None, pair):
                    for kept in (held.kept, *held.record.deps):
                        if kept.md5 == digest:
                            found[kept.version] = None
    for record in records.at(root):
        found |= {kept.version: None for kept in (*record.deps, *record.outs) if kept.md5 == digest}
    return list(found)
