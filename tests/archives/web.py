"""What every API here is made of: requests, answers, bodies that are read in pieces, and routes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

PIECE = 1 << 20  # bytes of a body that are in memory at a time
Row = dict[str, Any]


class Broken(Exception):
    """The connection ended within a body, by the client or by a fault."""


class Answer(Exception):
    """An answer, which also ends the handling of a request.

    Args:
        status: Of HTTP.
        body: JSON; bytes for what is not; None for none.
        headers: More of them.
    """

    def __init__(self, status: int, body: Any = None, headers: dict[str, str] | None = None):
        super().__init__(status)
        self.status, self.body, self.headers = status, body, dict(headers or {})


@dataclass
class Body:
    """The body of a request, read from the connection piece by piece.

    Args:
        source: The connection.
        length: What `Content-Length` says; None without it.
        chunked: Whether it comes in chunks.
        cut_at: The connection ends after so many bytes.
        pause: Called between pieces.
        piece: Bytes of a piece.
        corrupt: Whether the first byte changes on its way.
    """

    source: BinaryIO
    length: int | None
    chunked: bool = False
    cut_at: int | None = None
    pause: Callable[[], None] | None = None
    piece: int = PIECE
    corrupt: bool = False
    received: int = 0
    begun: bool = False
    ended: bool = False

    def pieces(self) -> Iterator[memoryview]:
        """Yield the bytes; a piece is overwritten by the next.

        Raises:
            Broken: They ended too early.
        """
        parts = self._parts() if self.chunked else iter([(self.length or 0) - self.received])
        self.begun = True
        buffer = memoryview(bytearray(min(self.piece, self.length or self.piece) or 1))
        for left in parts:
            while left:
                wanted = min(left, len(buffer))
                if self.cut_at is not None:
                    wanted = min(wanted, self.cut_at - self.received)
                got = self.source.readinto(buffer[:wanted]) if wanted else 0  # type: ignore[attr-defined]
                if self.corrupt and got and not self.received:
                    buffer[0] ^= 1
                self.received += got
                left -= got
                if got:
                    yield buffer[:got]
                if got < wanted or not wanted:
                    raise Broken
                if self.pause:
                    self.pause()
        self.ended = True

    def read(self) -> bytes:
        """Return all of it, which is to be small."""
        return b"".join(bytes(piece) for piece in self.pieces())

    @property
    def is_open(self) -> bool:
        """Whether some of it may still be to come."""
        return not self.ended and (self.chunked or (self.length or 0) > self.received)

    def _parts(self) -> Iterator[int]:
        while True:
            line = self.source.readline(100)
            try:
                size = int(line.split(b";")[0], 16)
            except ValueError:
                raise Broken from None
            yield size
            self.source.readline(100)
            if not size:
                return


@dataclass
class Request:
    """A request.

    Args:
        method: Such as `GET`.
        path: Without the query, decoded.
        query: What follows the question mark.
        headers: By lower-case name.
        body: Its body.
        origin: Scheme, host and port that the client called.
        token: What the header or the address held; None for no token.
        full: Whether a fault says that there is no room.
        content: All of the body, for handlers that do not stream it.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Body
    origin: str
    token: str | None = None
    full: bool = False
    content: bytes = b""

    def json(self) -> Any:
        """Return what the body holds; None for an empty one.

        Raises:
            Answer: It is not JSON.
        """
        try:
            return json.loads(self.content) if self.content else None
        except ValueError:
            raise unreadable() from None


@dataclass
class Seen:
    """What the log keeps of a request.

    Args:
        method: Of the request.
        path: With its query, as it was sent.
        headers: All but `Authorization`.
        token: What that held.
        body: Of small requests that are not uploads.
        status: Of the answer; 0 for none.
        received: How many bytes of the body came.
    """

    method: str
    path: str
    headers: dict[str, str]
    token: str | None
    body: bytes = b""
    status: int = 0
    received: int = 0


Handler = Callable[..., Answer]


def route(method: str, pattern: str, *, streams: bool = False) -> Callable[[Handler], Handler]:
    """Make a method the handler of a route.

    Args:
        method: Of HTTP.
        pattern: Of the whole path; its groups are the handler's arguments.
        streams: Whether it reads a long body, and locks the state by itself.
    """

    def note(handler: Handler) -> Handler:
        handler.route = (method, re.compile(pattern, re.DOTALL), streams)  # type: ignore[attr-defined]
        return handler

    return note


@dataclass
class Routes:
    """The routes of an API, found by the decorator `route`."""

    api: Any
    found: list[tuple[str, re.Pattern[str], bool, Handler]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Find them."""
        for name in dir(type(self.api)):
            handler = getattr(self.api, name)
            if hasattr(handler, "route"):
                self.found.append((*handler.route, handler))

    def handle(self, request: Request, lock: Any) -> Answer | None:
        """Return the answer to a request; None for a path that is not known here.

        Args:
            request: The request.
            lock: Of the state; held while a handler works that does not stream.
        """
        known = False
        for method, pattern, streams, handler in self.found:
            match = pattern.fullmatch(request.path)
            known = known or bool(match)
            if not match or method != request.method:
                continue
            if streams:
                return handler(request, *match.groups())
            request.content = request.body.read()
            with lock:
                return handler(request, *match.groups())
        return failure(405, "The method is not allowed for the requested URL.") if known else None


def failure(status: int, message: str, errors: list[Row] | None = None, **more: str) -> Answer:
    """Return a refusal as Invenio words it.

    Args:
        status: Of HTTP.
        message: What is wrong.
        errors: By field.
        **more: Headers, with `_` for `-`.
    """
    body: Row = {"status": status, "message": message}
    if errors:
        body["errors"] = errors
    return Answer(status, body, {key.replace("_", "-"): text for key, text in more.items()})


def invalid(*errors: Row) -> Answer:
    """Return the refusal of a request whose fields are wrong."""
    return failure(400, "A validation error occurred.", list(errors))


def wrong(field: str, *messages: str) -> Row:
    """Return what is wrong with a field."""
    return {"field": field, "messages": list(messages)}


def unreadable() -> Answer:
    """Return the refusal of a body that is not JSON."""
    return failure(400, "Unable to decode JSON data in request body.")
