"""WaterButler, which takes OSF's files (its API v1; facts of 2026)."""

from __future__ import annotations

from .nodes import Node, NodeFile, Nodes, now
from .records import Content
from .web import Answer, Broken, Request, Row, route

BASE = r"/v1/resources/([a-z0-9]{5})/providers/osfstorage/"


class WaterButler:
    """The API.

    Args:
        nodes: Whose files it takes.
        users: The number of the user of each token.
    """

    def __init__(self, nodes: Nodes, users: dict[str, int]) -> None:
        self.nodes, self.users = nodes, users

    @route("PUT", BASE + r"(?:([a-z0-9]+)(/)?)?", streams=True)
    def put(self, request: Request, guid: str, inner: str | None, slash: str | None) -> Answer:
        """Make a file or a folder in a folder, or a new version of a file."""
        kind, length = request.query.get("kind", "file"), request.body.length
        if kind not in ("file", "folder"):
            raise refused(400, f"Kind must be file, folder or unspecified, not {kind}")
        if length is None and kind == "file":
            raise refused(411, "Content-Length is required for file uploads")
        if length and kind == "folder":
            raise refused(413, "Folder creation requests may not have a body")
        name = request.query.get("name")
        with self.nodes.lock:
            node = self.owned(request, guid)
            extant = node.files.get(inner) if inner else None
            if inner and (extant is None or extant.folder != bool(slash)):
                raise refused(404, f"Could not retrieve file or directory /{inner}{slash or ''}")
            if extant is None or extant.folder:
                if not name:
                    raise refused(400, "Missing required parameter 'name'")
                self.refuse_taken(request, node, name, inner or "", kind == "folder")
            elif name is not None:
                raise refused(400, "'name' parameter doesn't apply to actions on files")
            elif kind == "folder":
                raise refused(409, 'Path must be a folder (and end with a "/") for a subfolder')
            if (length or 0) > self.nodes.largest_file:
                raise refused(413, "Request Entity Too Large")
            if request.full or not self.nodes.room(node, length or 0):
                raise refused(507, "The quota on this osfstorage project has been exceeded")
        if kind == "folder":
            return self.keep(request, node, NodeFile(self.id(), str(name), inner or "", True))
        try:
            content = Content.of(request.body, sha256=True)
        except Broken:
            raise refused(400, "The connection was closed before the upload ended") from None
        if extant is None or extant.folder:
            file = NodeFile(self.id(), str(name), inner or "", versions=[content])
            return self.keep(request, node, file)
        with self.nodes.lock:
            if extant.content.sha256 != content.sha256:  # the same bytes are no new version
                extant.versions.append(content)
                extant.modified = now()
            return Answer(200, {"data": shape(request, node, extant)})

    @route("GET", BASE + r"(?:([a-z0-9]+)(/)?)?")
    def get(self, request: Request, guid: str, inner: str | None, slash: str | None) -> Answer:
        """Return a file, or with `meta` what is known of it or in a folder."""
        node = self.nodes.all.get(guid)
        if node is None or node.deleted:
            raise refused(404, "Resource not found")
        if not node.public:
            self.owned(request, guid)
        if not inner or slash:
            inside = [one for one in node.files.values() if one.parent == (inner or "")]
            return Answer(200, {"data": [shape(request, node, one) for one in inside]})
        file = self.file(node, inner)
        if "meta" in request.query:
            return Answer(200, {"data": shape(request, node, file)})
        if file.content.data is None:
            raise refused(404, f"This double keeps no content of {file.name}")
        kind = {"Content-Type": "application/octet-stream"}
        return Answer(200, file.content.data, kind)

    @route("DELETE", BASE + r"([a-z0-9]+)(?:/)?")
    def delete(self, request: Request, guid: str, inner: str) -> Answer:
        """Delete a file."""
        node = self.owned(request, guid)
        del node.files[self.file(node, inner).id]
        return Answer(204)

    def refuse_taken(
        self, request: Request, node: Node, name: str, parent: str, folder: bool
    ) -> None:
        """Refuse a name that is taken; the refusal tells by what."""
        if taken := node.named(name, parent, folder):
            message = f'Cannot complete action: file or folder "{name}" already exists'
            body = {"message": f"{message} in this location", "code": 409}
            raise Answer(409, body | {"data": shape(request, node, taken)})

    def keep(self, request: Request, node: Node, file: NodeFile) -> Answer:
        """Take what came, unless another of the name came in the meantime."""
        with self.nodes.lock:
            self.refuse_taken(request, node, file.name, file.parent, file.folder)
            node.files[file.id] = file
            return Answer(201, {"data": shape(request, node, file)})

    def id(self) -> str:
        """Return an id as files have it."""
        return f"{next(self.nodes.numbers):024x}"

    def file(self, node: Node, inner: str) -> NodeFile:
        """Return a file by its id."""
        if inner not in node.files:
            raise refused(404, f"Could not retrieve file or directory /{inner}")
        return node.files[inner]

    def owned(self, request: Request, guid: str) -> Node:
        """Return a project of the one who asks."""
        node = self.nodes.all.get(guid)
        if request.token is None:
            raise refused(401, "Unauthorized")
        if node is None or node.deleted:
            raise refused(404, "Resource not found")
        if self.users[request.token] != node.owner:
            raise refused(403, "Forbidden")
        return node


def refused(status: int, message: str) -> Answer:
    """Return a refusal."""
    return Answer(status, {"code": status, "message": message})


def storage(request: Request, node: Node) -> str:
    """Return the address of a project's files."""
    return f"{request.origin}/v1/resources/{node.id}/providers/osfstorage/"


def wb_links(request: Request, node: Node, file: NodeFile) -> Row:
    """Return the addresses of a file."""
    own = f"{storage(request, node)}{file.id}{'/' if file.folder else ''}"
    links = {"move": own, "delete": own, "upload": own if not file.folder else f"{own}?kind=file"}
    more = {"new_folder": f"{own}?kind=folder"} if file.folder else {"download": own}
    return links | more


def shape(request: Request, node: Node, file: NodeFile) -> Row:
    """Return a file or folder."""
    known: Row = {
        "kind": "folder" if file.folder else "file",
        "name": file.name,
        "path": f"/{file.id}{'/' if file.folder else ''}",
        "provider": "osfstorage",
        "materialized": f"/{file.name}{'/' if file.folder else ''}",
        "resource": node.id,
    }
    if not file.folder:
        content = file.content
        known |= {
            "size": content.size,
            "sizeInt": content.size,
            "created_utc": file.created,
            "modified_utc": file.modified,
            "contentType": None,
            "extra": {
                "guid": None,
                "version": len(file.versions),
                "downloads": 0,
                "hashes": {"md5": content.md5, "sha256": content.sha256},
            },
        }
    identity = {"id": f"osfstorage{known['path']}", "type": "files"}
    return identity | {"attributes": known, "links": wb_links(request, node, file)}
