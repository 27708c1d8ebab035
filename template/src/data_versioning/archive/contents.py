"""The files of a package, before they are in one: from git, and from DVC's cache."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from data_versioning.archive import verify_package as layout
from data_versioning.archive.kept import KeptByDVC
from data_versioning.archive.objects import Objects
from data_versioning.archive.roles import role_of
from data_versioning.errors import StudyError
from data_versioning.tools.git_history import Blobs
from data_versioning.tools.git_tree import LINK, SUBMODULE, Entry
from data_versioning.wording import printable

_OF_PASSWORDS = (".netrc", "_netrc", ".pypirc", ".pgpass", ".git-credentials")
GIT, DVC, MADE = "git:", "dvc:", "generated"  # how an origin begins


@dataclass(frozen=True)
class Content:
    """A file that is to be in a package.

    Args:
        path: Where it is in the package, and in the study.
        mode: As zip files and git have it.
        role: See `package_files.ROLES`.
        size: In bytes.
        stage: The stage that makes it, if one does.
        origin: `git:<blob>`, `dvc:<md5>` or `generated`.
        file: Where its bytes are, of what DVC keeps.
        content: Its bytes, where they are not those of the origin.
    """

    path: str
    mode: int
    role: str
    size: int
    stage: str | None
    origin: str
    file: str | None = None
    content: bytes | None = None

    @property
    def is_link(self) -> bool:
        """Tell a symbolic link, which holds its target, from a file."""
        return self.mode == layout.LINK

    def read(self, blobs: Blobs) -> bytes:
        """Return what it holds, of what git keeps."""
        if self.content is not None:
            return self.content
        return blobs.read(self.origin[len(GIT) :])

    def with_content(self, content: bytes) -> Content:
        """Return it with other bytes; git would call them by this origin."""
        import hashlib

        head = f"blob {len(content)}\0".encode()
        blob = hashlib.sha1(head + content, usedforsecurity=False).hexdigest()
        return replace(self, content=content, size=len(content), origin=f"{GIT}{blob}")


def of_git(entries: Iterable[Entry], stages: Mapping[str, str]) -> list[Content]:
    """Return the files and links that git keeps.

    Args:
        entries: What a commit holds.
        stages: The stage that makes a file or folder, by its path.

    Raises:
        StudyError: There is a submodule, or a file with passwords.
    """
    found = []
    for entry in entries:
        name = shlex.quote(entry.path)
        if entry.mode == SUBMODULE:
            what = "a submodule is in another repository, and no package holds it"
            mend = f"git rm -- {name}, and add what you need of it as files"
            raise StudyError(what, printable(entry.path), mend)
        if _holds_passwords(entry.path):
            mend = f"git rm --cached -- {name} && git commit, and change the passwords in it"
            raise StudyError("a file for passwords is committed", printable(entry.path), mend)
        role, stage = role_of(entry.path, stages)
        if entry.mode == LINK:
            mode = layout.LINK
        else:
            mode = layout.PROGRAM if entry.mode & 0o111 else layout.FILE
        found.append(Content(entry.path, mode, role, entry.size, stage, f"{GIT}{entry.blob}"))
    return found


def of_dvc(kept: Iterable[KeptByDVC], objects: Objects) -> list[Content]:
    """Return the files that DVC keeps, those of folders one by one.

    Args:
        kept: What goes into the package; the cache has it.
        objects: The cache.
    """
    found = []
    for one in kept:
        for path, md5 in objects.files(one).items():
            facts = objects.facts(md5)
            assert facts, path  # it was fetched
            origin, size = f"{DVC}{md5}", facts.st_size
            file = objects.path(md5)
            found.append(Content(path, layout.FILE, one.role, size, one.stage, origin, file))
    return found


def in_order(contents: Iterable[Content]) -> list[Content]:
    """Return some files in the order in which a package has them: that of the paths' bytes."""
    # A list of DVC's can hold half of a pair, which `refuse_names` tells.
    return sorted(contents, key=lambda one: one.path.encode(errors="surrogatepass"))


def read_each(root: Path, contents: Sequence[Content]) -> Iterator[tuple[Content, bytes]]:
    """Yield what git keeps of some files, with what they hold.

    Args:
        root: The study.
        contents: The files.
    """
    with Blobs(root) as blobs:
        mine = [one for one in contents if not one.file]
        blobs.expect(one.origin[len(GIT) :] for one in mine)
        for one in mine:
            yield one, one.read(blobs)


def _holds_passwords(path: str) -> bool:
    name = path.rpartition("/")[2].lower()
    if name in _OF_PASSWORDS or path.endswith(".dvc/config.local"):
        return True
    kind = name.removeprefix(".env").strip(".")
    return name == ".env" or (
        name.startswith(".env.") and kind not in ("example", "sample", "template", "dist")
    )
