"""Data and models under version control: DVC keeps the bytes, a commit says which they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_versioning.data import remotes, trackable
from data_versioning.data.checkout import checkout_version
from data_versioning.data.data_commit import DataCommit, conventional, writing
from data_versioning.errors import StudyError
from data_versioning.models import artifacts
from data_versioning.models.model_metadata import Metadata, known_as, plain
from data_versioning.pipeline.manager import make_read_only
from data_versioning.study import Study
from data_versioning.tools import dvc, dvc_files, git


@dataclass(frozen=True)
class Tracked:
    """What tracking did with one path.

    Args:
        path: The file or folder, relative to the study.
        md5: Its hash in DVC: MD5 in hexadecimal, of a folder with the suffix `.dir`; empty for
            the output of a stage that has not run.
        size: In bytes.
        files: How many files it is.
        commit: The commit that was made, or None if nothing had changed.
        pushed: Whether it was sent to a remote.
    """

    path: str
    md5: str
    size: int
    files: int
    commit: str | None
    pushed: bool


class DVCTracker:
    """Track data and models.

    Args:
        project_dir: The study, or a folder in it.
        remote: The DVC remote to push to and pull from; the default one when not given.

    Raises:
        StudyError: There is no study.
    """

    def __init__(self, project_dir: Path | str = ".", remote: str | None = None) -> None:
        self._study = Study.open(project_dir)
        self._root = self._study.root
        self._remotes = [remote] if remote else []
        self._data = DataCommit(self._root)

    def add(self, *paths: Path | str) -> None:
        """Put files or folders into DVC; `commit` then puts that on record.

        Args:
            paths: Each a file or a folder; a relative one is looked for here, then in the study's
                folder. What DVC tracks already is updated; what git tracks is moved over to DVC.

        Raises:
            StudyError: A path is missing, empty, outside the study, ignored, made by the pipeline,
                or lies in or around something DVC tracks. Nothing was added.
        """
        with writing(self._study) as lock:
            self._data.add([self._checked(path) for path in paths], lock)

    def commit(self, message: str) -> str | None:
        """Commit what this tracker added, and nothing else that is staged or edited.

        Args:
            message: In the form of the study's convention; other words become its subject, so
                that "Add training data" is committed as "data: Add training data".

        Returns:
            The commit, or None if the last one says the same already.

        Raises:
            StudyError: Nothing was added, or a git hook refused the commit. What was added stays
                added; the same call finishes it.
        """
        if not self._data:
            raise StudyError("nothing was added since the last commit", mend="tracker.add(<path>)")
        with writing(self._study):
            return self._data.commit(message)

    def track_data(self, path: Path | str, message: str, push: bool = False) -> Tracked:
        """Put a file or folder into DVC, commit that, and send it to the remote if asked to.

        Args:
            path: See `add`.
            message: See `commit`.
            push: Send the study's data to the remote.

        Raises:
            StudyError: See `add` and `commit`; or the remote refused, with all else done.
        """
        return self.track_all([path], message, push)[0]

    def track_all(
        self, paths: Sequence[Path | str], message: str, push: bool = False
    ) -> list[Tracked]:
        """Do as `track_data` does for several paths, in one commit."""
        with writing(self._study) as lock:
            added = [self._checked(path) for path in paths]
            self._data.add(added, lock)
            commit = self._data.commit(message)
        return self._tracked(added, commit, push)

    def track_model(
        self,
        path: Path | str,
        metrics: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        tags: Sequence[str] | None = None,
        message: str | None = None,
        push: bool = False,
    ) -> Tracked:
        """Do as `track_data` does for a model, and keep what is known of it in git.

        `artifacts:` of `dvc.yaml` gets its path, its tags as `labels`, and `metrics` and `params`
        under `meta`; the comments in the file stay. Of a model that the pipeline makes, only that
        is written. Metrics and parameters that are not given stay what they were while the model
        does.

        Args:
            path: See `add`; the output of a stage, too.
            metrics: What the model scored.
            params: What it was made with.
            tags: Words to find it by, added to those it has.
            message: See `commit`; "track model <name>" when not given.
            push: Send the study's data to the remote.

        Raises:
            StudyError: See `track_data`.
        """
        given = {"metrics": metrics, "params": params}
        with writing(self._study) as lock:
            own = trackable.inside(self._study, path)
            made = own in dvc_files.made_by_stages(self._root)
            before = dvc_files.outputs(self._root, "HEAD") if git.head(self._root) else {}
            if not made:
                trackable.refuse(self._study, own)
            dvc_files.stages(self._root)  # for its errors, before anything changes
            name, known = known_as(artifacts.read(self._root), own)
            if not made:
                self._data.add([own], lock)
            meta = {key: plain(dict(value)) for key, value in given.items() if value is not None}
            if before.get(own) != dvc_files.outputs(self._root).get(own):
                # What another model scored says nothing of this one.
                meta = {key: {} for key in given if key in known} | meta
            self._data.declare(Metadata(name, own, meta, tags or ()))
            commit = self._data.commit(message or f"track model {name}")
        return self._tracked([own], commit, push)[0]

    def push(self) -> str:
        """Send what the study refers to to the remote; returns what was done, in a sentence.

        Raises:
            StudyError: The remote is unknown or refused; a repeated call goes on from there.
        """
        return remotes.push(self._study, self._remotes)

    def pull(self) -> str:
        """Fetch what the study refers to and put it in place; returns what was done.

        Raises:
            StudyError: The remote is unknown, refused, or lacks something.
        """
        return remotes.pull(self._study, *self._remotes)

    def checkout_version(
        self, tag: str | None = None, rev: str | None = None, paths: Sequence[Path | str] = ()
    ) -> list[str]:
        """Put the data of an earlier version in place; the code stays at today's.

        The files that name the data (`*.dvc`, `dvc.lock`) and the data become what they were;
        what was tracked later is gone from disk, but not from DVC; so are the outputs of stages
        that had not run then, be it all of them. Code, parameters and whatever
        else git keeps stay, and so does the branch: `git status` shows the change. To come back:
        `tracker.checkout_version(rev="HEAD")`. To make it the current version again: commit it.

        Args:
            tag: A git tag, such as `v1.0`; or
            rev: any other revision.
            paths: Data files or folders to restore; everything when empty.

        Returns:
            The paths whose data changed, relative to the study.

        Raises:
            StudyError: Not exactly one of `tag` and `rev`; no such version; a path that was not
                tracked then; data or pointers on disk that no commit knows and would be lost; or
                bytes that are neither in the cache nor in the remote. Nothing was changed.
        """
        if (tag is None) == (rev is None):
            raise StudyError("give either a tag or a revision", mend='checkout_version(tag="v1.0")')
        at = git.resolve(self._root, f"refs/tags/{tag}" if tag is not None else str(rev))
        with writing(self._study):
            changed = checkout_version(self._study, at, paths, self._remotes)
            make_read_only(self._root / "data/raw")
        return changed

    def status(self) -> dict[str, list[str]]:
        """Return the paths that need attention.

        Returns:
            `modified` on disk since they were tracked, `missing` on disk, `uncommitted` (DVC knows
            them as they are, the last commit does not), and `unpushed`: not in the remote, None
            of them where there is no remote.

        Raises:
            StudyError: The remote refused.
        """
        found = dvc.data_status(self._root)
        on_disk, committed = found.get("uncommitted", {}), found.get("committed", {})
        lacking = remotes.not_in_remote(self._study, self._remotes)
        return {
            "modified": sorted(on_disk.get("modified", [])),
            "missing": sorted(on_disk.get("deleted", [])),
            "uncommitted": sorted({path for paths in committed.values() for path in paths}),
            "unpushed": sorted({path for paths in lacking.values() for path in paths}),
        }

    def plan(self, paths: Sequence[Path | str], message: str, push: bool = False) -> list[str]:
        """Return what `track_all` would do, a line for each thing; raises what it would raise."""
        lines = [f"would track {self._checked(path)}" for path in paths]
        lines.append(f"would commit as: {conventional(self._root, message)}")
        if push:
            to = remotes.not_in_remote(self._study, self._remotes)
            lines += [f"would send it to {name}" for name in to]
            lines += [f"would send {path} to {name}" for name in to for path in to[name]]
        return lines

    def _checked(self, path: Path | str) -> str:
        own = trackable.inside(self._study, path)
        trackable.refuse(self._study, own)
        return own

    def _tracked(self, paths: Sequence[str], commit: str | None, push: bool) -> list[Tracked]:
        pushed = push and self.push().startswith("pushed")
        known = dvc_files.details(self._root)
        return [
            Tracked(
                path=path,
                md5=known.get(path, {}).get("md5", ""),
                size=known.get(path, {}).get("size", 0),
                files=known.get(path, {}).get("nfiles", 1),
                commit=commit,
                pushed=pushed,
            )
            for path in paths
        ]


def summary(tracked: Sequence[Tracked]) -> str:
    """Return what tracking did, a line for each path and one for the commit."""
    lines = [f"{one.path}: {one.files} file(s), {one.size} bytes, {one.md5}" for one in tracked]
    commit = tracked[0].commit
    lines.append(f"committed as {commit[:10]}" if commit else "nothing had changed: no commit")
    return "\n".join(lines + ["pushed"] * tracked[0].pushed)
