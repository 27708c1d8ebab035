"""The server: one address for all APIs, with HTTP/1.1, faults and a log."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from . import control
from .apis import Apis
from .faults import Fault, disturb, failed, instead, next_of, with_wrong_checksums
from .nodes import Nodes
from .records import QUOTA, Records
from .state import TOKEN, Archives
from .web import Answer, Body, Broken, Request, Seen

SHOWN = 100_000  # bytes of a small body that the log keeps
LINGER = 60.0  # seconds for which the rest of a refused upload is still taken, as nginx does


class Cut(Exception):
    """The connection ends without an answer."""


def _handler(state: Archives, apis: Apis) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = 1 << 16

        def handle_any(self) -> None:
            request = self.request_made()
            if request.path.startswith(control.PREFIX):
                self.reply(control.answer(state, request))
                return
            headers = {k: v for k, v in request.headers.items() if k != "authorization"}
            seen = Seen(self.command, self.path, headers, request.token)
            with state.lock:
                state.requests.append(seen)
                fault = next_of(state.faults, request.method, request.path)
            try:
                answer = self.answered(request, fault)
                seen.status, seen.body = answer.status, request.content[:SHOWN]
                seen.received = request.body.received
                self.reply(answer, request.body.is_open)
                self.linger(request.body)
            except (Cut, OSError):
                self.close_connection = True
            finally:
                seen.received = request.body.received

        def request_made(self) -> Request:
            split = urlsplit(f"http://x{self.path}")  # `//x` is a path, too
            query = dict(parse_qsl(split.query, keep_blank_values=True))
            headers = {key.lower(): value for key, value in self.headers.items()}
            word, _, token = headers.get("authorization", "").partition(" ")
            given = token if word == "Bearer" else query.get("access_token")
            length = headers.get("content-length")
            chunked = "chunked" in headers.get("transfer-encoding", "")
            body = Body(self.rfile, int(length) if length else None, chunked)  # type: ignore[arg-type]
            origin = f"http://{headers.get('host', urlsplit(state.url).netloc)}"
            path = re.sub("//+", "/", unquote(split.path))  # as nginx does
            return Request(self.command, path, query, headers, body, origin, given)

        def answered(self, request: Request, fault: Fault | None) -> Answer:
            if fault is None:
                return self.handled(request)
            disturb(fault, request, state.ended)
            if (answer := instead(fault, state.elsewhere)) is not None:
                return answer
            ends = fault.kind in ("cut", "stall")
            if not ends or fault.after or fault.at is not None:
                answer = self.handled(request)
            if ends:
                if fault.kind == "stall":
                    state.ended.wait(fault.seconds)
                raise Cut
            assert answer is not None
            if fault.kind.isdecimal():
                return failed(fault.kind)
            if fault.kind == "md5":
                answer.body = with_wrong_checksums(answer.body)
            return answer

        def handled(self, request: Request) -> Answer:
            try:
                return apis.answer(request)
            except Broken:
                raise Cut from None

        def reply(self, answer: Answer, closes: bool = False) -> None:
            is_bytes = isinstance(answer.body, bytes)
            body = answer.body if is_bytes else json.dumps(answer.body, ensure_ascii=False).encode()
            headers = {"Content-Type": "text/html" if is_bytes else "application/json"}
            if answer.status == 204 or answer.body is None:
                body, headers = b"", {}
            headers = {"Server": "nginx", **headers, **answer.headers}
            headers |= {
                "Content-Length": str(len(body)),
                **({"Connection": "close"} if closes else {}),
            }
            self.send_response_only(answer.status)
            self.send_header("Date", self.date_time_string())
            for key, value in headers.items():
                if not (answer.status == 204 and key == "Content-Length"):
                    self.send_header(key, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)
            self.wfile.flush()

        def linger(self, body: Body) -> None:
            """Take the rest of a body that was not wanted, or the client could not read."""
            if not body.is_open:
                return
            self.close_connection = True
            if body.chunked and body.begun:
                return
            self.connection.shutdown(socket.SHUT_WR)
            deadline = time.monotonic() + LINGER
            self.connection.settimeout(LINGER)
            body.cut_at = body.pause = None
            with suppress(Broken):
                for _ in body.pieces():
                    if time.monotonic() > deadline:
                        return

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


def _elsewhere(state: Archives) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            headers = {key.lower(): value for key, value in self.headers.items()}
            body = self.rfile.read(min(int(headers.get("content-length") or 0), SHOWN))
            token = headers.get("authorization")
            state.strayed.append(Seen(self.command, self.path, headers, token, body))
            self.send_response(200)
            self.end_headers()

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of connections that ended."""
        import sys

        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


@contextmanager
def running(
    token: str = TOKEN,
    *,
    quota: int | None = None,
    faults: Sequence[Fault] = (),
    prefix: str = "10.5072",
    lag: float = 2.0,
    port: int = 0,
    zenodo: bool = True,
) -> Iterator[Archives]:
    """Serve a double on loopback.

    Args:
        token: What its user, number 1, has.
        quota: Bytes of a record, and of an OSF project; None for what the archives give.
        faults: What goes wrong.
        prefix: Of DOIs; `10.5281` for production, which is the only difference.
        lag: Seconds until searches find something.
        port: 0 for any that is free.
        zenodo: False for another InvenioRDM, without the legacy API.
    """
    records = Records(prefix, QUOTA if quota is None else quota, lag=lag)
    state = Archives({token: 1}, records, Nodes(quota), list(faults))
    server = _Server(("127.0.0.1", port), _handler(state, Apis(state, zenodo)))
    other = _Server(("127.0.0.1", 0), _elsewhere(state))
    state.url = f"http://127.0.0.1:{server.server_port}"
    state.elsewhere = f"http://127.0.0.1:{other.server_port}/"
    threads = [
        threading.Thread(target=one.serve_forever, args=(0.02,), daemon=True)
        for one in (server, other)
    ]
    for thread in threads:
        thread.start()
    try:
        yield state
    finally:
        state.ended.set()
        for one in (server, other):
            one.shutdown()
            one.server_close()
        for thread in threads:
            thread.join()
