"""Doubles of the REST APIs of GitHub and GitLab on loopback, with state and with faults.

Only what the tooling calls, as docs.github.com/rest and docs.gitlab.com/api describe it: lists in
pages with a `Link` header, the bodies of refusals, what each kind of token may do.
"""

from __future__ import annotations

import itertools
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
Row = dict[str, Any]


@dataclass
class Token:
    """What a token may do.

    Args:
        login: Whose it is.
        kind: `User`, `Bot` (of a job of GitHub Actions) or `job` (of GitLab CI).
        write: Whether it may write.
        role: On GitLab: reporters write notes and issues, developers packages and releases, too.
    """

    login: str
    kind: str = "User"
    write: bool = True
    role: str = "Developer"


@dataclass
class Request:
    """A request that a double got."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Fault:
    """What goes wrong, once, with calls that match.

    Args:
        kind: `502` (with HTML), `429` or `403` (with `Retry-After`), `cut` (no answer, not done),
            `lost` (done, no answer), `slow`, `redirect` (to another server), `html` (with 200) or
            `list` (where an object belongs, or the other way round).
        method: Of the call.
        path: A pattern.
        wait: What `Retry-After` says.
    """

    kind: str
    method: str = "GET"
    path: str = ""
    wait: str = "0"


class Answer(Exception):
    """An answer that ends the handling of a request."""

    def __init__(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        super().__init__(status)
        self.status, self.body, self.headers = status, body, headers or {}


@dataclass
class Forge:
    """The state of a double.

    Args:
        tokens: By what the header holds.
    """

    tokens: dict[str, Token]
    url: str = ""
    largest_page: int = 100
    requests: list[Request] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    comments: list[Row] = field(default_factory=list)
    issues: list[Row] = field(default_factory=list)
    releases: list[Row] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)
    files: dict[str, bytes] = field(default_factory=dict)
    links: list[Row] = field(default_factory=list)
    packages: dict[tuple[str, str], list[Row]] = field(default_factory=dict)
    elsewhere: str = "http://127.0.0.2:9/"
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def calls(self, method: str) -> list[str]:
        """Return the paths that were called by a method."""
        return [one.path for one in self.requests if one.method == method]

    def answer(self, request: Request) -> Answer:
        """Return the answer to a request."""
        try:
            self.handle(request)
        except Answer as answer:
            return answer
        return Answer(404, self.not_found())

    def handle(self, request: Request) -> None:
        """Raise the answer to a request, or nothing for an unknown address."""
        raise NotImplementedError

    def dispatch(self, request: Request, token: Token, path: str) -> None:
        """Raise the answer of the handler whose route a request has."""
        for name, handler in vars(type(self)).items():
            method, pattern = getattr(handler, "route", ("", re.compile("")))
            if method == request.method and (found := pattern.fullmatch(path)):
                raise getattr(self, name)(request, token, *map(unquote, found.groups()))

    def not_found(self) -> Row:
        """Return the body of an answer 404."""
        raise NotImplementedError

    def page(self, request: Request, rows: list[Row]) -> Answer:
        """Return a page of a list."""
        split = urlsplit(request.path)
        query = dict(parse_qsl(split.query))
        size = min(int(query.get("per_page", 30)), self.largest_page)
        number = int(query.get("page", 1))
        shown = rows[(number - 1) * size : number * size]
        if number * size >= len(rows):
            return Answer(200, shown)
        more = "&".join(f"{k}={v}" for k, v in (query | {"page": str(number + 1)}).items())
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(self.url))
        return Answer(200, shown, {"Link": f'<{origin}{split.path}?{more}>; rel="next"'})


def _route(method: str, pattern: str) -> Callable[[Any], Any]:
    def note(handler: Any) -> Any:
        handler.route = (method, re.compile(pattern))
        return handler

    return note


class GitHub(Forge):
    """GitHub with the repository `ada/study`, whose pull requests all exist."""

    immutable = False
    upload_url = ""

    def not_found(self) -> Row:
        """Return the body of an answer 404."""
        return {"message": "Not Found", "documentation_url": "https://docs.github.com/rest"}

    def handle(self, request: Request) -> None:
        """Raise the answer to a request, or nothing for an unknown address."""
        word, _, given = request.headers.get("authorization", "").partition(" ")
        token = self.tokens.get(given)
        if word != "Bearer" or token is None:
            raise Answer(401, {"message": "Bad credentials", "status": "401"})
        path = urlsplit(request.path).path
        if path == "/user":
            if token.kind == "Bot":
                raise Answer(403, {"message": "Resource not accessible by integration"})
            raise Answer(200, {"login": token.login, "type": "User"})
        upload = re.fullmatch(r"(/uploads)?/repos/ada/study(/.*)", path)
        if not upload:
            return
        if request.method != "GET" and not token.write:
            raise Answer(403, {"message": "Resource not accessible by integration"})
        self.dispatch(request, token, upload[2])

    @_route("GET", r"/issues/(\d+)/comments")
    def list_comments(self, request: Request, token: Token, number: str) -> Answer:
        """List the comments of a pull request."""
        return self.page(request, [one for one in self.comments if one["on"] == int(number)])

    @_route("POST", r"/issues/(\d+)/comments")
    def add_comment(self, request: Request, token: Token, number: str) -> Answer:
        """Add a comment."""
        return Answer(201, self.posted(self.comments, request, token, on=int(number)))

    @_route("PATCH", r"/issues/comments/(\d+)")
    def change_comment(self, request: Request, token: Token, number: str) -> Answer:
        """Change a comment; who may write to the repository may change those of others."""
        return self.changed(self.comments, "id", int(number), request)

    @_route("GET", r"/issues")
    def list_issues(self, request: Request, token: Token) -> Answer:
        """List the open issues, pull requests among them."""
        return self.page(request, [one for one in self.issues if one["state"] == "open"])

    @_route("POST", r"/issues")
    def add_issue(self, request: Request, token: Token) -> Answer:
        """Open an issue."""
        made = self.posted(self.issues, request, token, state="open")
        made["number"] = made["id"] + 1000
        return Answer(201, made)

    @_route("PATCH", r"/issues/(\d+)")
    def change_issue(self, request: Request, token: Token, number: str) -> Answer:
        """Change an issue."""
        return self.changed(self.issues, "number", int(number), request)

    @_route("GET", r"/releases")
    def list_releases(self, request: Request, token: Token) -> Answer:
        """List the releases; drafts only to who may write."""
        return self.page(request, [r for r in self.releases if token.write or not r["draft"]])

    @_route("POST", r"/releases")
    def add_release(self, request: Request, token: Token) -> Answer:
        """Make a release."""
        tag = json.loads(request.body)["tag_name"]
        if any(one["tag_name"] == tag and not one["draft"] for one in self.releases):
            error = {"resource": "Release", "code": "already_exists", "field": "tag_name"}
            return Answer(422, {"message": "Validation Failed", "errors": [error]})
        made = self.posted(self.releases, request, token, assets=[])
        base = self.upload_url or f"{self.url}/uploads"
        made["upload_url"] = f"{base}/repos/ada/study/releases/{made['id']}/assets{{?name,label}}"
        return Answer(201, made)

    @_route("PATCH", r"/releases/(\d+)")
    def change_release(self, request: Request, token: Token, number: str) -> Answer:
        """Change a release, publish a draft."""
        return self.changed(self.releases, "id", int(number), request)

    @_route("GET", r"/releases/(\d+)/assets")
    def list_assets(self, request: Request, token: Token, number: str) -> Answer:
        """List the files of a release."""
        return self.page(request, self.release(number)["assets"])

    @_route("POST", r"/releases/(\d+)/assets")
    def upload(self, request: Request, token: Token, number: str) -> Answer:
        """Take a file; each name once, and none for a published release that is immutable."""
        release = self.release(number)
        name = dict(parse_qsl(urlsplit(request.path).query))["name"]
        if self.immutable and not release["draft"]:
            return Answer(422, {"message": "Cannot upload assets to an immutable release."})
        if any(one["name"] == name for one in release["assets"]):
            error = {"resource": "ReleaseAsset", "code": "already_exists", "field": "name"}
            return Answer(422, {"message": "Validation Failed", "errors": [error]})
        digest = f"sha256:{sha256(request.body).hexdigest()}"
        made = {"id": next(self.ids), "name": name, "state": "uploaded", "digest": digest}
        release["assets"].append(made)
        self.files[f"{release['tag_name']}/{name}"] = request.body
        return Answer(201, made)

    @_route("DELETE", r"/releases/assets/(\d+)")
    def delete_asset(self, request: Request, token: Token, number: str) -> Answer:
        """Delete a file of a release."""
        for release in self.releases:
            if self.immutable and not release["draft"]:
                return Answer(422, {"message": "Cannot delete asset from an immutable release"})
            release["assets"] = [one for one in release["assets"] if one["id"] != int(number)]
        return Answer(204, None)

    def release(self, number: str) -> Row:
        """Return a release."""
        return next(one for one in self.releases if one["id"] == int(number))

    def posted(self, rows: list[Row], request: Request, token: Token, **more: Any) -> Row:
        """Add what was posted to a list."""
        user = {"login": token.login, "type": token.kind}
        number = next(self.ids)
        where = {"html_url": f"https://github.com/ada/study/{number}"}
        made: Row = {"id": number, "user": user} | where | json.loads(request.body) | more
        if len(made.get("body") or "") > 65_536:
            raise Answer(422, {"message": "Body is too long (maximum is 65536 characters)"})
        rows.append(made)
        return made

    def changed(self, rows: list[Row], key: str, number: int, request: Request) -> Answer:
        """Change an entry of a list."""
        for one in rows:
            if one.get(key) == number:
                one |= json.loads(request.body)
                return Answer(200, one)
        return Answer(404, self.not_found())


class GitLab(Forge):
    """GitLab with the project 42."""

    def not_found(self) -> Row:
        """Return the body of an answer 404."""
        return {"message": "404 Not Found"}

    def handle(self, request: Request) -> None:
        """Raise the answer to a request, or nothing for an unknown address."""
        private = self.tokens.get(request.headers.get("private-token", ""))
        job = self.tokens.get(request.headers.get("job-token", ""))
        token = private if private and private.kind != "job" else None
        token = job if job and job.kind == "job" else token
        if token is None:
            raise Answer(401, {"message": "401 Unauthorized"})
        path = urlsplit(request.path).path
        if path == "/api/v4/user" and token.kind != "job":
            raise Answer(200, {"id": self.number(token.login), "username": token.login})
        if not (inside := re.fullmatch(r"/api/v4/projects/42(/.*)", path)):
            return
        allowed = re.match(r"/(releases|packages)\b", inside[1])
        if token.kind == "job" and not allowed:
            raise Answer(401, {"message": "401 Unauthorized"})
        if request.method != "GET" and allowed and token.role == "Reporter":
            raise Answer(403, {"message": "403 Forbidden"})
        self.dispatch(request, token, inside[1])

    @_route("GET", r"/merge_requests/(\d+)/notes")
    def list_notes(self, request: Request, token: Token, number: str) -> Answer:
        """List the notes of a merge request."""
        return self.page(request, [one for one in self.comments if one["on"] == int(number)])

    @_route("POST", r"/merge_requests/(\d+)/notes")
    def add_note(self, request: Request, token: Token, number: str) -> Answer:
        """Add a note."""
        more = {"on": int(number), "system": False}
        return Answer(201, self.posted(self.comments, request, token, **more))

    @_route("PUT", r"/merge_requests/(\d+)/notes/(\d+)")
    def change_note(self, request: Request, token: Token, on: str, number: str) -> Answer:
        """Change a note, if it is one's own or one maintains the project."""
        return self.changed(self.comments, "id", int(number), request)

    @_route("GET", r"/issues")
    def list_issues(self, request: Request, token: Token) -> Answer:
        """List the open issues."""
        return self.page(request, [one for one in self.issues if one["state"] == "opened"])

    @_route("POST", r"/issues")
    def add_issue(self, request: Request, token: Token) -> Answer:
        """Open an issue."""
        made = self.posted(self.issues, request, token, state="opened")
        made["iid"] = made["id"] + 1000
        made["web_url"] = f"https://gitlab.com/ada/study/-/issues/{made['iid']}"
        return Answer(201, made)

    @_route("PUT", r"/issues/(\d+)")
    def change_issue(self, request: Request, token: Token, number: str) -> Answer:
        """Change an issue."""
        return self.changed(self.issues, "iid", int(number), request)

    @_route("GET", r"/releases/([^/]+)")
    def get_release(self, request: Request, token: Token, tag: str) -> Answer:
        """Return a release."""
        found = next((one for one in self.releases if one["tag_name"] == tag), None)
        return Answer(200, found) if found else Answer(404, self.not_found())

    @_route("POST", r"/releases")
    def add_release(self, request: Request, token: Token) -> Answer:
        """Make a release of a tag that is there."""
        tag = json.loads(request.body)["tag_name"]
        if tag not in self.tags:
            return Answer(422, {"message": "Ref is not specified"})
        if any(one["tag_name"] == tag for one in self.releases):
            return Answer(409, {"message": "Release already exists"})
        links = {"self": f"https://gitlab.com/ada/study/-/releases/{tag}"}
        return Answer(201, self.posted(self.releases, request, token, _links=links))

    @_route("PUT", r"/releases/([^/]+)")
    def change_release(self, request: Request, token: Token, tag: str) -> Answer:
        """Change a release."""
        return self.changed(self.releases, "tag_name", tag, request)

    @_route("GET", r"/releases/([^/]+)/assets/links")
    def list_links(self, request: Request, token: Token, tag: str) -> Answer:
        """List the links of a release."""
        return self.page(request, [one for one in self.links if one["tag"] == tag])

    @_route("POST", r"/releases/([^/]+)/assets/links")
    def add_link(self, request: Request, token: Token, tag: str) -> Answer:
        """Add a link; names are unique in a release."""
        name = json.loads(request.body)["name"]
        if any((one["tag"], one["name"]) == (tag, name) for one in self.links):
            return Answer(400, {"message": {"name": ["has already been taken"]}})
        return Answer(201, self.posted(self.links, request, token, tag=tag))

    @_route("PUT", r"/releases/([^/]+)/assets/links/(\d+)")
    def change_link(self, request: Request, token: Token, tag: str, number: str) -> Answer:
        """Change a link."""
        return self.changed(self.links, "id", int(number), request)

    @_route("GET", r"/packages")
    def list_packages(self, request: Request, token: Token) -> Answer:
        """List packages by name and version."""
        query = dict(parse_qsl(urlsplit(request.path).query))
        wanted = (query["package_name"], query["package_version"])
        rows = [
            {"id": number, "name": name, "version": version}
            for number, (name, version) in enumerate(self.packages)
            if (name, version) == wanted
        ]
        return self.page(request, rows)

    @_route("GET", r"/packages/(\d+)/package_files")
    def list_files(self, request: Request, token: Token, number: str) -> Answer:
        """List the files of a package, the oldest first."""
        return self.page(request, list(self.packages.values())[int(number)])

    @_route("PUT", r"/packages/generic/([^/]+)/([^/]+)/([^/]+)")
    def upload(self, request: Request, token: Token, name: str, version: str, file: str) -> Answer:
        """Take a file; an older one of the name stays, and is hidden by it."""
        digest = sha256(request.body).hexdigest()
        made = {"id": next(self.ids), "file_name": file, "file_sha256": digest}
        self.packages.setdefault((name, version), []).append(made)
        self.files[f"{version}/{file}"] = request.body
        return Answer(201, {"message": "201 Created"})

    def number(self, login: str) -> int:
        """Return the id of a user."""
        return int(sha256(login.encode()).hexdigest()[:6], 16)

    def posted(self, rows: list[Row], request: Request, token: Token, **more: Any) -> Row:
        """Add what was posted to a list."""
        author = {"id": self.number(token.login), "username": token.login}
        made: Row = {"id": next(self.ids), "author": author} | json.loads(request.body) | more
        rows.append(made)
        return made

    def changed(self, rows: list[Row], key: str, number: Any, request: Request) -> Answer:
        """Change an entry of a list."""
        for one in rows:
            if one.get(key) == number:
                one |= json.loads(request.body)
                return Answer(200, one)
        return Answer(404, self.not_found())


@contextmanager
def served(forge: Forge, prefix: str = "") -> Iterator[Forge]:
    """Serve a double on loopback.

    Args:
        forge: The double.
        prefix: The path of the address that the API has, `/api/v4` on GitLab.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            headers = {key.lower(): value for key, value in self.headers.items()}
            request = Request(self.command, self.path, headers, self.rfile.read(length))
            with lock:
                forge.requests.append(request)
                fault = _fault(forge, request)
                answer = _failed(forge, fault) if fault else None
                if answer is None and (fault is None or fault.kind != "cut"):
                    answer = forge.answer(request)
            if fault and fault.kind == "slow":
                time.sleep(1)
            if fault and fault.kind in ("cut", "lost"):
                self.close_connection = True
                return
            if fault and fault.kind == "list" and answer:
                answer.body = {} if isinstance(answer.body, list) else []
            assert answer
            self.reply(answer)

        def reply(self, answer: Answer) -> None:
            is_html = isinstance(answer.body, bytes)
            body = answer.body if is_html else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", "text/html" if is_html else "application/json")
            self.send_header("Content-Length", str(len(body)))
            for key, value in answer.headers.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = handle_any

        def log_message(self, format: str, *args: Any) -> None:
            pass

    lock = threading.Lock()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    forge.url = f"http://127.0.0.1:{server.server_port}{prefix}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield forge
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _fault(forge: Forge, request: Request) -> Fault | None:
    for fault in forge.faults:
        if fault.method == request.method and re.search(fault.path, request.path):
            forge.faults.remove(fault)
            return fault
    return None


def _failed(forge: Forge, fault: Fault) -> Answer | None:
    wait = {"Retry-After": fault.wait}
    limit = "You have exceeded a secondary rate limit"
    answers = {
        "502": Answer(502, HTML),
        "429": Answer(429, {"message": "Too Many Requests"}, wait),
        "403": Answer(403, {"message": limit}, wait),
        "redirect": Answer(302, {}, {"Location": forge.elsewhere}),
        "html": Answer(200, HTML),
    }
    return answers.get(fault.kind)
