"""OSF's API v2 of nodes, their files and identifiers (JSON:API; facts of 2026)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from .nodes import Node, Nodes, now
from .waterbutler import storage, wb_links
from .web import Answer, Request, Row, route

JSON_API = "application/vnd.api+json; charset=utf-8"
NODE = r"/v2/nodes/([a-z0-9]{5})/"
PAGE = 10


class Osf:
    """The API.

    Args:
        nodes: What it serves.
        users: The number of the user of each token.
    """

    def __init__(self, nodes: Nodes, users: dict[str, int]) -> None:
        self.nodes, self.users = nodes, users

    @route("GET", r"/v2/")
    def root(self, request: Request) -> Answer:
        """Say whose token it is."""
        user = None if request.token is None else {"data": {"id": f"user{self.user(request)}"}}
        return told(200, {"meta": {"message": "Welcome to the OSF API.", "current_user": user}})

    @route("GET", r"/v2/users/me/nodes/")
    def own(self, request: Request) -> Answer:
        """List one's projects, all or those with a tag; this list does not lag."""
        user, tag = self.user(request), request.query.get("filter[tags]")
        found = [one for one in self.nodes.all.values() if one.owner == user and not one.deleted]
        shown = [one for one in found if tag is None or tag in one.tags]
        return self.page(request, [self.shape(request, one) for one in shown])

    @route("GET", r"/v2/guids/([a-z0-9]{5})/")
    def resolve(self, request: Request, guid: str) -> Answer:
        """Lead to what a name stands for."""
        node = self.node(request, guid)
        return Answer(302, None, {"Location": f"{request.origin}/v2/nodes/{node.id}/"})

    @route("POST", r"/v2/nodes/")
    def create(self, request: Request) -> Answer:
        """Make a project."""
        owner, sent = self.user(request), attributes(request, "nodes")
        if not sent.get("title"):
            raise refused(400, "This field is required.", "/data/attributes/title")
        if not sent.get("category"):
            raise refused(400, "This field is required.", "/data/attributes/category")
        node = self.nodes.start(owner, str(sent["title"]))
        self.fill(node, sent)
        return told(201, {"data": self.shape(request, node)})

    @route("GET", NODE)
    def read(self, request: Request, guid: str) -> Answer:
        """Return a project."""
        return told(200, {"data": self.shape(request, self.node(request, guid))})

    @route("PATCH", NODE)
    def change(self, request: Request, guid: str) -> Answer:
        """Change a project, such as who may see it."""
        node = self.owned(request, guid)
        self.fill(node, attributes(request, "nodes", guid))
        return told(200, {"data": self.shape(request, node)})

    @route("DELETE", NODE)
    def delete(self, request: Request, guid: str) -> Answer:
        """Delete a project."""
        self.owned(request, guid).deleted = True
        return Answer(204)

    @route("GET", NODE + r"identifiers/")
    def identifiers(self, request: Request, guid: str) -> Answer:
        """List the identifiers of a project."""
        node = self.node(request, guid)
        return self.page(request, [_doi(request, node)] if node.doi else [])

    @route("POST", NODE + r"identifiers/")
    def mint(self, request: Request, guid: str) -> Answer:
        """Mint the DOI of a public project, once."""
        node = self.owned(request, guid)
        sent = attributes(request, "identifiers")
        if not node.public:
            raise forbidden()
        if sent.get("category") != "doi":
            raise refused(400, "You can only mint a DOI, not a different type of identifier.")
        if node.doi:
            raise refused(400, "A DOI already exists for this resource.")
        node.doi = f"10.17605/OSF.IO/{node.id.upper()}"
        return told(201, {"data": _doi(request, node)})

    @route("GET", NODE + r"files/")
    def providers(self, request: Request, guid: str) -> Answer:
        """List where files can be."""
        node = self.node(request, guid)
        listed = f"{request.origin}/v2/nodes/{node.id}/files/osfstorage/"
        shown = {
            "id": f"{node.id}:osfstorage",
            "type": "files",
            "attributes": {
                "name": "osfstorage", "kind": "folder", "path": "/", "provider": "osfstorage",
                "node": node.id,
            },
            "relationships": {"files": {"links": {"related": {"href": listed, "meta": {}}}}},
            "links": {
                "upload": storage(request, node),
                "new_folder": f"{storage(request, node)}?kind=folder",
            },
        }  # fmt: skip
        return self.page(request, [shown])

    @route("GET", NODE + r"files/osfstorage/(?:([a-z0-9]+)/)?")
    def files(self, request: Request, guid: str, folder: str | None) -> Answer:
        """List the files of a project, or of a folder in it."""
        node = self.node(request, guid)
        shown = [file for file in node.files.values() if file.parent == (folder or "")]
        rows: list[Row] = []
        for file in shown:
            known: Row = {
                "name": file.name,
                "kind": "folder" if file.folder else "file",
                "path": f"/{file.id}{'/' if file.folder else ''}",
                "materialized_path": f"/{file.name}{'/' if file.folder else ''}",
                "provider": "osfstorage",
                "size": None,
                "date_created": file.created,
                "date_modified": file.modified,
            }
            if not file.folder:
                hashes = {"md5": file.content.md5, "sha256": file.content.sha256}
                known |= {"size": file.content.size, "current_version": len(file.versions)}
                known["extra"] = {"hashes": hashes, "downloads": 0}
            info = f"{request.origin}/v2/files/{file.id}/"
            page = f"{request.origin}/{node.id}/files/osfstorage/{file.id}"
            links = {"info": info, "self": info, "html": page, **wb_links(request, node, file)}
            below = f"{request.origin}{request.path}{file.id}/"
            row: Row = {"id": file.id, "type": "files", "attributes": known, "links": links}
            if file.folder:
                row["relationships"] = {"files": {"links": {"related": {"href": below}}}}
            rows.append(row)
        return self.page(request, rows)

    def fill(self, node: Node, sent: Row) -> None:
        """Take attributes."""
        for key in ("title", "description", "category", "public", "tags"):
            if key in sent:
                setattr(node, key, sent[key])
        if not isinstance(node.public, bool):
            raise refused(400, "Must be a valid boolean.", "/data/attributes/public")
        node.modified = now()

    def shape(self, request: Request, node: Node) -> Row:
        """Return a project."""
        base = f"{request.origin}/v2/nodes/{node.id}/"
        own = request.token is not None and self.users[request.token] == node.owner
        return {
            "id": node.id,
            "type": "nodes",
            "attributes": {
                "title": node.title,
                "description": node.description,
                "category": node.category,
                "tags": node.tags,
                "public": node.public,
                "registration": False,
                "fork": False,
                "collection": False,
                "date_created": node.created,
                "date_modified": node.modified,
                "current_user_permissions": ["admin", "write", "read"] if own else ["read"],
            },
            "relationships": {
                "files": {"links": {"related": {"href": f"{base}files/", "meta": {}}}},
                "identifiers": {"links": {"related": {"href": f"{base}identifiers/", "meta": {}}}},
            },
            "links": {"self": base, "html": f"{request.origin}/{node.id}/"},
        }

    def page(self, request: Request, rows: list[Row]) -> Answer:
        """Return a page of a list."""
        size = int(request.query.get("page[size]", PAGE))
        number = int(request.query.get("page", 1))
        base = f"{request.origin}{request.path}"
        query = {**request.query, "page": number + 1, "page[size]": size}
        following = f"{base}?{urlencode(query)}"
        links = {"self": base, "first": None, "last": None, "prev": None}
        links["next"] = following if number * size < len(rows) else None
        shown = rows[(number - 1) * size : number * size]
        meta = {"total": len(rows), "per_page": size, "version": "2.20"}
        return told(200, {"data": shown, "links": links, "meta": meta})

    def user(self, request: Request) -> int:
        """Return who asks, which has to be somebody."""
        if request.token is None:
            raise refused(401, "Authentication credentials were not provided.")
        return self.users[request.token]

    def node(self, request: Request, guid: str) -> Node:
        """Return a project that the one who asks may see."""
        node = self.nodes.all.get(guid)
        if node is None:
            raise refused(404, "Not found.")
        if node.deleted:
            raise refused(410, "The requested node is no longer available.")
        if not node.public and self.user(request) != node.owner:
            raise forbidden()
        return node

    def owned(self, request: Request, guid: str) -> Node:
        """Return a project of the one who asks."""
        if self.user(request) != self.node(request, guid).owner:
            raise forbidden()
        return self.node(request, guid)


def told(status: int, body: Row) -> Answer:
    """Return an answer of JSON:API."""
    return Answer(status, body, {"Content-Type": JSON_API})


def refused(status: int, detail: str, pointer: str = "") -> Answer:
    """Return a refusal as JSON:API has it."""
    error: Row = {"detail": detail}
    if pointer:
        error["source"] = {"pointer": pointer}
    answer = told(status, {"errors": [error], "meta": {"version": "2.20"}})
    return answer


def forbidden() -> Answer:
    """Return the refusal of what one may not."""
    return refused(403, "You do not have permission to perform this action.")


def attributes(request: Request, kind: str, guid: str = "") -> Row:
    """Return the attributes that were sent for a resource."""
    sent: Any = request.json()
    data = sent.get("data") if isinstance(sent, dict) else None
    if not isinstance(data, dict):
        raise refused(400, "Request must include /data.", "/data")
    if not data.get("type"):
        raise refused(400, "This field may not be null.", "/data/type")
    if data["type"] != kind:
        detail = f'This resource has a type of "{kind}", but you set the json body\'s type field'
        raise refused(409, f'{detail} to "{data["type"]}".', "/data/type")
    if guid and data.get("id") != guid:
        if not data.get("id"):
            raise refused(400, "This field may not be null.", "/data/id")
        detail = f"The id you used in the URL, {guid}, does not match the id you used in the json"
        raise refused(409, f"{detail} body's id field, {data['id']}.", "/data/id")
    return dict(data.get("attributes") or {})


def _doi(request: Request, node: Node) -> Row:
    base = f"{request.origin}/v2/identifiers/doi-{node.id}/"
    return {
        "id": f"doi-{node.id}",
        "type": "identifiers",
        "attributes": {"category": "doi", "value": node.doi},
        "links": {"self": base},
    }
