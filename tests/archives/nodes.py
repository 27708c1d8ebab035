"""The projects of an OSF: nodes, their files in all versions, their DOIs."""

from __future__ import annotations

import itertools
import string
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from .records import Content

LARGEST_FILE = 5 * 10**9
PRIVATE_QUOTA = 5 * 10**9
PUBLIC_QUOTA = 50 * 10**9


def now() -> str:
    """Return the time as OSF writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + ".000000Z"


@dataclass
class NodeFile:
    """A file, or a folder.

    Args:
        id: In addresses.
        name: In its folder.
        parent: The id of its folder; empty for the uppermost.
        folder: Whether it is one.
        versions: Its contents, the oldest first.
    """

    id: str
    name: str
    parent: str = ""
    folder: bool = False
    versions: list[Content] = field(default_factory=list)
    created: str = field(default_factory=now)
    modified: str = field(default_factory=now)

    @property
    def content(self) -> Content:
        """The newest version."""
        return self.versions[-1]


@dataclass
class Node:
    """A project."""

    id: str
    owner: int
    title: str
    category: str = "project"
    description: str = ""
    tags: list[str] = field(default_factory=list)
    public: bool = False
    doi: str = ""
    deleted: bool = False
    files: dict[str, NodeFile] = field(default_factory=dict)
    created: str = field(default_factory=now)
    modified: str = field(default_factory=now)

    def named(self, name: str, parent: str = "", folder: bool = False) -> NodeFile | None:
        """Return the file or folder of a name."""
        for file in self.files.values():
            if (file.name, file.parent, file.folder) == (name, parent, folder):
                return file
        return None


@dataclass
class Nodes:
    """All projects.

    Args:
        quota: Bytes of a project; None for what OSF gives, which depends on whether it is public.
        largest_file: Bytes of a file.
    """

    quota: int | None = None
    largest_file: int = LARGEST_FILE
    all: dict[str, Node] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(7_000_001, 7919))

    def start(self, owner: int, title: str) -> Node:
        """Make a private project."""
        node = Node(self.guid(), owner, title)
        self.all[node.id] = node
        return node

    def guid(self) -> str:
        """Return a name of five letters and digits."""
        digits, number = string.digits[2:] + string.ascii_lowercase, next(self.numbers)
        text = ""
        for _ in range(5):
            number, digit = divmod(number, len(digits))
            text += digits[digit]
        return text

    def room(self, node: Node, size: int) -> bool:
        """Tell whether a project has room for so many bytes; all versions count."""
        most = PUBLIC_QUOTA if node.public else PRIVATE_QUOTA
        used = sum(one.size for file in node.files.values() for one in file.versions)
        return used + size <= (most if self.quota is None else self.quota)
