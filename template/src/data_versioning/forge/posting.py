"""One comment or issue of ours, brought up to date instead of posted again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from data_versioning.forge.environment import Forge
from data_versioning.forge.github import Posted
from data_versioning.rest import once


def post(
    there: Forge,
    listed: Callable[[], list[Posted]],
    add: Callable[..., Posted],
    change: Callable[..., Posted],
    **said: str,
) -> tuple[Posted, Literal["new", "same", "changed"]]:
    """Post it, or bring up to date the first that the token posted with the same first line.

    Args:
        there: The server.
        listed: Returns the token's own.
        add: Posts one.
        change: Changes one.
        **said: The `body`, whose first line is a mark of what it is; an issue's `title`.

    Returns:
        What is posted, and what became of it.
    """
    marker = said["body"].partition("\n")[0]
    found, is_new = once(
        lambda: next((one for one in listed() if there.text(one).startswith(marker)), None),
        lambda: add(**said),
    )
    if is_new:
        return found, "new"
    if (there.text(found).strip(), found.get("title")) == (said["body"].strip(), said.get("title")):
        return found, "same"
    return change(found, **said), "changed"
