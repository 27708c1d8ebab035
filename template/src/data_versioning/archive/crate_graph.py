"""The flat list of entities that a crate is."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

Entity = dict[str, Any]
Reference = dict[str, str]


class Graph:
    """Entities by their `@id`, in the order in which they came."""

    def __init__(self) -> None:
        self.entities: dict[str, Entity] = {}

    def add(self, identifier: str, kind: str, /, **properties: Any) -> Reference:
        """Add an entity, unless there is one of this `@id`, and return a reference to it.

        Args:
            identifier: Its `@id`.
            kind: Its `@type`.
            properties: The others; those without a value are left out.
        """
        given = compact(properties)
        self.entities.setdefault(identifier, {"@id": identifier, "@type": kind, **given})
        return {"@id": identifier}

    @staticmethod
    def quoted(text: str) -> str:
        """Return a path or another text as a part of an `@id`."""
        return quote(text, safe="/")

    @classmethod
    def local(cls, kind: str, name: str) -> str:
        """Return the `@id` of what has no address: `#<kind>-<name>`."""
        return f"#{kind}-{quote(name, safe='')}"


def compact(properties: Entity) -> Entity:
    """Return properties without those that lack a value, and lists of one as that one."""
    given = {key: value for key, value in properties.items() if value not in (None, "", [])}
    return {
        key: value[0] if isinstance(value, list) and len(value) == 1 else value
        for key, value in given.items()
    }
