"""What goes wrong with a call, by method, path and number."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import Any

from .web import Answer, Body, Request, Row, failure

KINDS = (
    "cut", "stall", "slow", "429", "500", "502", "503", "504", "md5", "corrupt", "redirect",
    "html", "quota", "answer",
)  # fmt: skip


@dataclass
class Fault:
    """What goes wrong with calls that match.

    Args:
        kind: `cut` (no answer, the connection ends), `stall` (nothing happens for `seconds`, then
            it ends), `slow` (the body is read in pieces of `at` bytes, `seconds` apart), `429`
            (with `Retry-After`), `500` (JSON), `502`, `503`, `504` (HTML), `md5` (the answer names
            a wrong checksum), `corrupt` (a byte of the upload changes on its way), `redirect` (to
            another server), `html` (a page, with 200), `quota` (no room), `answer` (`status` and
            `body`).
        method: Of the call; empty for any.
        path: A pattern that is searched in the path.
        nth: The number of the first matching call that it happens to, from 1.
        times: How many calls it happens to.
        after: For `cut`, `stall` and 5xx: what was asked for is done first.
        at: For `cut` and `stall`: bytes of the body that arrive first; for `slow`: of a piece.
        seconds: For `stall` and `slow`.
        wait: What `Retry-After` says; empty for no such header.
        status: For `answer` and `redirect`.
        body: For `answer`: JSON.
    """

    kind: str
    method: str = ""
    path: str = ""
    nth: int = 1
    times: int = 1
    after: bool = False
    at: int | None = None
    seconds: float = 0.0
    wait: str = "0"
    status: int = 0
    body: Any = None
    matched: int = 0

    def __post_init__(self) -> None:
        """Refuse what is no fault."""
        if self.kind not in KINDS:
            raise ValueError(f"no kind of fault: {self.kind} ({', '.join(KINDS)})")
        re.compile(self.path)

    def happens(self, method: str, path: str) -> bool:
        """Tell whether it happens to this call, and count the call if it matches."""
        if self.method not in ("", method) or not re.search(self.path, path):
            return False
        self.matched += 1
        return self.nth <= self.matched < self.nth + self.times

    @property
    def over(self) -> bool:
        """Whether it has happened as often as it is to."""
        return self.matched >= self.nth + self.times - 1


def next_of(faults: list[Fault], method: str, path: str) -> Fault | None:
    """Return the fault that happens to a call; one that is over leaves the list."""
    happening = [fault for fault in list(faults) if fault.happens(method, path)]
    for fault in happening:
        if fault.over:
            faults.remove(fault)
    return happening[0] if happening else None


def disturb(fault: Fault, request: Request, ended: threading.Event) -> None:
    """Let a fault have its way with the body of a request, before it is handled.

    Args:
        fault: The fault.
        request: The request.
        ended: Set when the server ends, so that nobody waits longer.
    """
    body: Body = request.body
    if fault.kind in ("cut", "stall") and fault.at is not None:
        body.cut_at = fault.at
    if fault.kind == "slow":
        body.piece = fault.at or 65_536

        def pause() -> None:
            ended.wait(fault.seconds)

        body.pause = pause
    body.corrupt = fault.kind == "corrupt"
    request.full = fault.kind == "quota"


def instead(fault: Fault, elsewhere: str) -> Answer | None:
    """Return what is answered instead of handling a request; None if it is handled.

    Args:
        fault: The fault.
        elsewhere: The address of another server.
    """
    if fault.kind == "429":
        wait = {"Retry-After": fault.wait} if fault.wait else {}
        message = {"message": "100 per 1 minute", "status": 429}
        return Answer(429, message | {"errors": [{"detail": "Request was throttled."}]}, wait)
    if fault.kind == "redirect":
        return Answer(fault.status or 302, {}, {"Location": elsewhere})
    if fault.kind == "html":
        return Answer(200, page(200, "Welcome"))
    if fault.kind == "answer":
        return Answer(fault.status or 200, fault.body)
    if fault.kind.isdecimal() and not fault.after:
        return failed(fault.kind)
    return None


def failed(kind: str) -> Answer:
    """Return the answer of a server, or of the proxy before it, that failed."""
    if kind == "500":
        message = (
            "The server encountered an internal error and was unable to complete your request. "
            "Either the server is overloaded or there is an error in the application."
        )
        return failure(500, message)
    words = {"502": "Bad Gateway", "503": "Service Unavailable", "504": "Gateway Time-out"}
    return Answer(int(kind), page(int(kind), words[kind]))


def page(status: int, words: str) -> bytes:
    """Return the page of a proxy."""
    title = f"{status} {words}"
    body = f"<body><center><h1>{title}</h1></center><hr><center>nginx</center></body>"
    return f"<html>\r\n<head><title>{title}</title></head>\r\n{body}\r\n</html>\r\n".encode()


def with_wrong_checksums(body: Any) -> Any:
    """Return JSON whose checksums are all those of nothing."""
    nothing = {"md5": "d41d8cd98f00b204e9800998ecf8427e", "sha256": "0" * 64}
    if isinstance(body, list):
        return [with_wrong_checksums(one) for one in body]
    if not isinstance(body, dict):
        return body
    changed: Row = {key: with_wrong_checksums(value) for key, value in body.items()}
    for key in changed:
        if key == "checksum" and changed[key]:
            prefix = "md5:" if str(changed[key]).startswith("md5:") else ""
            changed[key] = prefix + nothing["md5"]
        elif key in nothing and isinstance(changed[key], str):
            changed[key] = nothing[key]
    return changed
