"""The past as git tells it, in few processes however long it is; see also `git`."""

from __future__ import annotations

import subprocess
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from data_versioning.errors import StudyError
from data_versioning.tools import git

# Not --all: that takes in the stash, and the references of DVC's experiments.
EVERYTHING = ("--branches", "--tags", "--remotes", "HEAD")
_AHEAD = 16  # blobs asked for before they are needed; so few that no pipe fills up
_FIELDS = ("%H", "%aN", "%aE", "%aI", "%s")


@dataclass(frozen=True)
class Change:
    """What a commit did to a file.

    Args:
        path: The file, relative to the study.
        before: What it held in each parent, as the id of git's blob; None where it was not.
        after: What it holds in the commit.
    """

    path: str
    before: tuple[str | None, ...]
    after: str | None


@dataclass(frozen=True)
class Commit:
    """A commit that changed files one asked for.

    Args:
        id: 40 hex digits.
        author: The author's name.
        email: The author's e-mail address.
        time: When the author wrote it, with the time zone of then and there.
        message: The subject line.
        changes: What it did; of a merge only what differs from every parent.
    """

    id: str
    author: str
    email: str
    time: datetime
    message: str
    changes: tuple[Change, ...]


def log(root: Path, patterns: Sequence[str], revs: Sequence[str] = EVERYTHING) -> list[Commit]:
    """Return the commits that changed some files, newest first, children before parents.

    Args:
        root: The study.
        patterns: The files, as git's patterns.
        revs: Where the history ends; all branches and tags, and the current commit.
    """
    if git.head(root) is None:
        revs = [rev for rev in revs if rev != "HEAD"]
    options = ["--full-history", "--date-order", "-c", "--raw", "-z", "--relative", "--no-abbrev"]
    options += ["--root", "--no-renames", "--no-show-signature", "--encoding=UTF-8"]
    options += [f"--format={'%x00'.join(_FIELDS)}"]
    listed = git.run(root, ["log", *options, *revs, "--", *patterns])
    return list(_commits(listed.decode(errors="surrogateescape").split("\0")))


def _commits(tokens: Sequence[str]) -> Iterator[Commit]:
    rest = deque(tokens)
    while len(rest) > len(_FIELDS):
        commit, author, email, time, message = (rest.popleft() for _ in _FIELDS)
        changes = []
        # A line break comes before the changes of a commit, an empty token before a merge's.
        while rest and (not rest[0] or rest[0].lstrip("\n").startswith(":")):
            if entry := rest.popleft().lstrip("\n"):
                changes.append(_change(entry, rest.popleft()))
        yield Commit(commit, author, email, datetime.fromisoformat(time), message, tuple(changes))


def _change(entry: str, path: str) -> Change:
    parents = len(entry) - len(entry.lstrip(":"))
    blobs = [None if set(blob) == {"0"} else blob for blob in entry.split()[parents + 1 : -1]]
    return Change(path, tuple(blobs[:parents]), blobs[parents])


class Blobs:
    """Contents by the id of git's blob, read by one process; a context manager.

    Args:
        root: The study.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._expected: deque[str] = deque()
        self._asked: deque[str] = deque()
        self._ready: dict[str, bytes] = {}

    def __enter__(self) -> Blobs:
        """Start git."""
        self._git = subprocess.Popen(
            ["git", "cat-file", "--batch"],
            cwd=self._root, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        """End git."""
        self._git.communicate()

    def expect(self, blobs: Iterable[str | None]) -> None:
        """Say what will be read next, in order; git then works ahead."""
        self._expected = deque(dict.fromkeys(filter(None, blobs)))

    def read(self, blob: str | None) -> bytes:
        """Return what a blob holds; nothing for None and for one that the repository lacks."""
        if blob is None:
            return b""
        if blob not in self._ready:
            self._ask(blob)
        while blob not in self._ready:
            self._ready[self._asked.popleft()] = self._answer()
            if len(self._ready) > 2 * _AHEAD:  # what was expected and never read
                del self._ready[next(iter(self._ready))]
        return self._ready.pop(blob)

    def _ask(self, blob: str) -> None:
        ask = [] if blob in self._asked else [blob]
        if ask or len(self._asked) < _AHEAD // 2:
            while self._expected and len(self._asked) + len(ask) < _AHEAD:
                expected = self._expected.popleft()
                if expected not in ask:
                    ask.append(expected)
        if ask and self._git.stdin:
            self._asked.extend(ask)
            self._git.stdin.write("".join(f"{one}\n" for one in ask).encode())
            self._git.stdin.flush()

    def _answer(self) -> bytes:
        assert self._git.stdout is not None
        head = self._git.stdout.readline().split()
        return self._git.stdout.read(int(head[2]) + 1)[:-1] if len(head) == 3 else b""


def blob_ids(root: Path, files: Iterable[tuple[str, str]]) -> list[str | None]:
    """Return the blob of each file at each revision, None where there is none.

    Args:
        root: The study.
        files: Revisions, each with a path relative to the study.
    """
    # git reads a name a line, and none has a line break in it but for a strange path's.
    names = "".join(f"{rev}:./{path}".replace("\n", "?") + "\n" for rev, path in files)
    asked = ["cat-file", "--batch-check=%(objectname)"]
    lines = git.run(root, asked, names.encode(errors="surrogateescape")).splitlines()
    return [None if line.endswith(b" missing") else line.decode() for line in lines]


def ancestors(root: Path, rev: str) -> set[str]:
    """Return the commits that a revision holds, itself included."""
    return set(git.run(root, ["rev-list", rev]).decode().split())


def common_ancestor(root: Path, commit: str, other: str) -> str | None:
    """Return the last commit that two revisions both hold, or None."""
    asked = ["git", "merge-base", commit, other]
    done = subprocess.run(asked, cwd=root, capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


def nearest_tag(root: Path, pattern: str) -> str | None:
    """Return the last tag of some name in the history of the current commit, or None."""
    asked = ["git", "describe", "--tags", "--abbrev=0", f"--match={pattern}", "HEAD"]
    done = subprocess.run(asked, cwd=root, capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


def commit_time(root: Path, commit: str) -> datetime:
    """Return when a commit was committed, in UTC and whole seconds."""
    seconds = git.run(root, ["show", "--no-patch", "--no-show-signature", "--format=%ct", commit])
    return datetime.fromtimestamp(int(seconds), UTC)


def count(root: Path, revs: Sequence[str]) -> int:
    """Return how many commits some revisions hold, merges not counted."""
    return int(git.run(root, ["rev-list", "--count", "--no-merges", *revs, "--"]))


def identity(root: Path) -> tuple[str, str]:
    """Return name and address of who would commit; empty where git does not know."""
    asked = ["git", "var", "GIT_AUTHOR_IDENT"]
    done = subprocess.run(asked, cwd=root, capture_output=True, text=True, check=False)
    name, _, rest = done.stdout.partition(" <")
    return name, rest.partition(">")[0]


def committer(root: Path) -> tuple[str, str]:
    """Return name and address of who makes a commit or a tag.

    Raises:
        StudyError: Git does not know.
    """
    try:
        said = git.run(root, ["var", "GIT_COMMITTER_IDENT"]).decode(errors="surrogateescape")
    except StudyError as error:
        mend = "git config --global user.name 'You' && git config --global user.email <address>"
        raise StudyError("git does not know who you are", error.where, mend) from None
    name, _, rest = said.rpartition(" <")
    return name, rest.partition(">")[0]


def is_shallow(root: Path) -> bool:
    """Tell whether the clone holds the newest commits only."""
    return git.run(root, ["rev-parse", "--is-shallow-repository"]).strip() == b"true"
