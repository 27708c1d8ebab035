"""What a running double knows: its state, its faults, and what it was asked."""

from __future__ import annotations

import threading
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from .faults import Fault
from .nodes import Nodes
from .records import Layer, Records
from .web import Row, Seen

TOKEN = "ARCHIVES-TEST-TOKEN-0001"  # pragma: allowlist secret


@dataclass
class Archives:
    """The state of a double.

    Args:
        users: The number of the user of each token.
        records: Of InvenioRDM and of Zenodo's legacy API.
        nodes: Of OSF.
        faults: What goes wrong next; one that has happened leaves the list.
        rate: Requests that a token has in a window.
        window: In seconds.
        url: The address of the double.
        elsewhere: The address of another server, to which redirects lead.
        requests: What it was asked, the oldest first.
        strayed: What the other server was asked.
    """

    users: dict[str, int] = field(default_factory=lambda: {TOKEN: 1})
    records: Records = field(default_factory=Records)
    nodes: Nodes = field(default_factory=Nodes)
    faults: list[Fault] = field(default_factory=list)
    rate: int = 5000
    window: float = 60.0
    url: str = ""
    elsewhere: str = ""
    requests: list[Seen] = field(default_factory=list)
    strayed: list[Seen] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    counts: dict[str, tuple[float, int]] = field(default_factory=dict)

    def calls(self, method: str = "", containing: str = "") -> list[str]:
        """Return the paths that were called.

        Args:
            method: Only of this method.
            containing: Only those with this part.
        """
        return [
            one.path
            for one in self.requests
            if method in ("", one.method) and containing in one.path
        ]

    def leaks(self, secret: str) -> list[str]:
        """Return where a secret came in other ways than in the header `Authorization`.

        Args:
            secret: Such as a token.
        """
        found = [
            f"{one.method} {one.path}"
            for one in self.requests
            if secret in one.path or secret in str(one.headers) or secret.encode() in one.body
        ]
        return found + [
            f"elsewhere: {one.method} {one.path}"
            for one in self.strayed
            if secret in f"{one.path}{one.headers}{one.token}" or secret.encode() in one.body
        ]

    def counted(self, token: str | None) -> tuple[int, float]:
        """Count a request, and return how many more there may be, and seconds until they may.

        Args:
            token: Who asks.
        """
        with self.lock:
            now = time.monotonic()
            start, count = self.counts.get(token or "", (now, 0))
            if now - start >= self.window:
                start, count = now, 0
            self.counts[token or ""] = (start, count + 1)
            return self.rate - count - 1, start + self.window - now

    def as_dict(self) -> Row:
        """Return the records, as JSON can hold them."""
        return {
            "records": {
                number: {
                    "parent": one.parent,
                    "index": one.index,
                    "draft": _layer(one.draft),
                    "published": _layer(one.published),
                    "deleted": one.deleted,
                }
                for number, one in self.records.all.items()
            },
            "nodes": {
                guid: {
                    "title": node.title,
                    "public": node.public,
                    "doi": node.doi,
                    "deleted": node.deleted,
                    "files": {
                        file.name: {
                            "size": file.content.size,
                            "md5": file.content.md5,
                            "versions": len(file.versions),
                        }
                        for file in node.files.values()
                        if not file.folder
                    },
                }
                for guid, node in self.nodes.all.items()
            },
            "faults": [asdict(fault) for fault in self.faults],
        }

    def log(self) -> list[Row]:
        """Return what was asked, without tokens."""
        return [
            {
                "method": one.method,
                "path": one.path,
                "status": one.status,
                "received": one.received,
                "token": one.token is not None,
            }
            for one in self.requests
        ]


def _layer(layer: Layer | None) -> Any:
    if layer is None:
        return None
    files = {
        key: {
            "size": file.size,
            "md5": file.content.md5 if file.content else None,
            "completed": file.completed,
        }
        for key, file in layer.files.items()
    }
    return {"metadata": layer.metadata, "pids": layer.pids, "files": files}
