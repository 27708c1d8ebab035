"""A package of the study that proves itself: from a commit, the same bytes wherever it is made."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import shutil
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_versioning.archive.deposit.state import STATE
from data_versioning.archive.facts import Release
from data_versioning.archive.manifest import MANIFEST
from data_versioning.errors import StudyError
from data_versioning.locking import exclusive
from data_versioning.study import Study
from data_versioning.tools import git, git_state
from data_versioning.wording import advice, counted, listed, printable, sized

__all__ = ["PACKAGES", "Package", "Release", "create_reproducibility_package", "of_commit"]

PACKAGES = "packages"  # in the study; ignored by git
PART = ".part"  # what a package that is being made ends with
OUTPUT = "data-versioning package --output <folder>"
MADE, UNCHANGED, PLANNED = "made", "unchanged", "planned"


@dataclass(frozen=True)
class Package:
    """A package: a folder of volumes.

    Args:
        folder: The folder.
        name: Its name.
        volumes: The zip files, the main one first.
        manifest: What MANIFEST.json holds; of a package that is only planned, `files` (by role, how
            many and how many bytes), `pointers` (paths) and `volumes`.
        digest: The SHA-256 of MANIFEST.json, and so of all there is; empty of one only planned.
        state: `made`, `unchanged` or `planned`.
        notes: What who publishes it should know.
    """

    folder: Path
    name: str
    volumes: tuple[Path, ...]
    manifest: dict[str, Any]
    digest: str = ""
    state: str = UNCHANGED
    notes: tuple[str, ...] = ()

    @classmethod
    def open(cls, folder: Path | str) -> Package:
        """Return a package that exists.

        Raises:
            StudyError: There is none in this folder.
        """
        folder = Path(folder).resolve()
        main = folder / f"{folder.name}.zip"
        try:
            with zipfile.ZipFile(main) as opened:
                content = opened.read(MANIFEST)
            manifest = json.loads(content)
            volumes = tuple(folder / str(name) for name in manifest["volumes"])
        except (OSError, zipfile.BadZipFile, KeyError, TypeError, ValueError):
            raise StudyError("no package there", printable(str(folder)), "make package") from None
        digest = hashlib.sha256(content).hexdigest()
        return cls(folder, folder.name, volumes, manifest, digest)

    @property
    def size(self) -> int:
        """Bytes of all volumes together."""
        return sum(path.stat().st_size for path in self.volumes)

    def by_role(self) -> dict[str, tuple[int, int]]:
        """Return how many files there are of each role, and how many bytes they have."""
        if self.state == PLANNED:
            return dict(self.manifest["files"])
        found: dict[str, tuple[int, int]] = {}
        for one in self.manifest["files"]:
            number, size = found.get(one["role"], (0, 0))
            found[one["role"]] = number + 1, size + one["size"]
        return dict(sorted(found.items()))

    def as_dict(self) -> dict[str, Any]:
        """Return it as what JSON can hold."""
        pointers = self.manifest["pointers"]
        return {
            "folder": str(self.folder),
            "name": self.name,
            "state": self.state,
            "volumes": [path.name for path in self.volumes],
            "digest": self.digest,
            "files": {
                role: {"files": number, "bytes": size}
                for role, (number, size) in self.by_role().items()
            },
            "pointers": [one if isinstance(one, str) else one["path"] for one in pointers],
            "notes": list(self.notes),
        }

    def text(self) -> str:
        """Return it for people."""
        said = self.as_dict()
        volumes = counted(len(self.volumes), "volume")
        if self.state == PLANNED:
            lines = [f"{self.folder} would have {volumes}: {listed(said['volumes'])}"]
        else:
            now = " (unchanged)" if self.state == UNCHANGED else ""
            lines = [f"{self.folder}{now}: {volumes}, {sized(self.size)}"]
        for role, found in said["files"].items():
            lines.append(f"  {role:<13} {counted(found['files'], 'file')}, {sized(found['bytes'])}")
        if said["pointers"]:
            lines.append(f"  by pointer    {printable(listed(said['pointers']))}")
        lines += [f"note: {note}" for note in self.notes]
        if self.state != PLANNED:
            folder = shlex.quote(str(self.folder))
            lines.append(advice(f"data-versioning verify-package {folder}"))
        return "\n".join(lines)


def create_reproducibility_package(
    output_dir: Path | str | None = None,
    *,
    rev: str | None = None,
    data: str | None = None,
    anonymous: bool = False,
    archive: str | None = None,
    project_dir: Path | str = ".",
    release: Release | None = None,
    dry_run: bool = False,
    volume_bytes: int | None = None,
) -> Package:
    """Make a package of the study: code, results, data, environment, and what proves them.

    Everything comes from git's objects and DVC's cache, so that the bytes are the same wherever and
    whenever it is made. The work tree stays as it is. What the cache lacks is fetched.

    Args:
        output_dir: The folder in which the package's own folder is made; `packages` in the study.
        rev: A commit, branch or tag. When not given, the current commit, and then nothing may be
            uncommitted.
        data: What of results and data goes in: `data`, all; `pointers`, none, they are pointed to;
            `auto`, what fits into the budget. As `study.yaml` says when not given.
        anonymous: Leave out, and take out of every text, who made the study and where it is.
        archive: The archive whose limits count, such as `zenodo` or `osf`; that of `study.yaml`
            when not given.
        project_dir: A folder of the study.
        release: The tag that is about to be made of this commit. A revision that is a tag already
            needs none.
        dry_run: Only say what would be in it.
        volume_bytes: Bytes of data in a volume at most; chosen by the size when not given.

    Returns:
        The package. One that is there already, and would be the same, is left alone.

    Raises:
        StudyError: Something is not committed, out of date, damaged, nowhere to be found, secret,
            too large for the archive, or has a name that other systems cannot unpack.
    """
    from data_versioning.archive.planning import plan
    from data_versioning.archive.request import Request
    from data_versioning.archive.volume_writer import Differs
    from data_versioning.archive.writing import write

    study = Study.open(project_dir)
    request = Request.of(study, rev, release, data, anonymous, archive, volume_bytes)
    to = Path(output_dir) if output_dir is not None else study.root / PACKAGES
    folder = to.absolute() / request.name
    if dry_run:
        found = plan(request, fetch=False)
        return Package(
            folder,
            request.name,
            tuple(folder / name for name in found.names),
            {
                "files": found.by_role(),
                "pointers": [one.path for one in found.pointers],
                "volumes": found.names,
            },
            state=PLANNED,
            notes=found.notes,
        )
    with exclusive(study.root / ".dvc/tmp/package.lock", "it makes a package"):
        part, old = (folder.with_name(f"{folder.name}{end}") for end in (PART, f".old{PART}"))
        for left in (part, old):  # by a process that was killed
            _remove(left)
        _refuse_other(folder)
        found = plan(request, fetch=True)
        state = UNCHANGED
        try:
            write(found, folder, compare=True)
        except Differs:
            state = MADE
            try:
                part.mkdir(parents=True)
            except OSError as error:
                raise StudyError(f"no folder: {error.strerror}", str(part.parent), OUTPUT) from None
            try:
                write(found, part, compare=False)
            except BaseException:
                _remove(part)
                raise
            if folder.exists():
                folder.rename(old)
            part.rename(folder)
            _remove(old)
        made = Package.open(folder)
    return Package(
        made.folder, made.name, made.volumes, made.manifest, made.digest, state, found.notes
    )


def of_commit(study: Study) -> Path:
    """Return the newest package of the current commit in the study's `packages`.

    What a deposit notes in `deposits.json` is committed after the package was made: a commit that
    differs in nothing else counts, too.

    Raises:
        StudyError: There is none.
    """
    commit = git.resolve(study.root, "HEAD")
    found = []
    for main in (study.root / PACKAGES).glob("*/*.zip"):
        if main.stem == main.parent.name:
            with suppress(StudyError):  # a broken one is in nobody's way
                package = Package.open(main.parent)
                made_of = package.manifest.get("commit")
                if made_of == commit or (made_of and _only_noted(study.root, made_of, commit)):
                    newest = main.stat().st_mtime_ns
                    found.append((made_of == commit, newest, package.folder))
    if not found:
        raise StudyError(
            "no package of this commit", f"{PACKAGES}/ at {commit[:8]}", "make package"
        )
    return max(found)[2]


def _only_noted(root: Path, old: str, new: str) -> bool:
    """Tell whether nothing but the record of the deposits changed after a commit."""
    if not re.fullmatch("[0-9a-f]{40}", str(old)):
        return False
    return set(git_state.changed_between(root, old, new)) <= {STATE}


def _refuse_other(folder: Path) -> None:
    """Refuse a folder that holds anything but a package: it would be deleted with it."""
    what = "a package is to go there, and something else is"
    if folder.exists() and not folder.is_dir():
        raise StudyError(what, printable(str(folder)), OUTPUT)
    for path in folder.iterdir() if folder.exists() else ():
        if not (path.name.startswith(f"{folder.name}.") and path.suffix == ".zip"):
            raise StudyError(what, printable(str(path)), OUTPUT)


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
