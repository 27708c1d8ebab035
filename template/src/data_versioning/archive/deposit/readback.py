"""Whether an archive has what it was sent."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any


def differences(sent: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Return the names of the fields that an archive has otherwise than they were sent.

    An archive may add to what it got, such as the name of a funder, and clean HTML.

    Args:
        sent: The metadata, as InvenioRDM takes them.
        found: As it returns them.
    """
    return [key for key, value in sent.items() if not _holds(found.get(key), value, key)]


def _holds(found: Any, sent: Any, key: str) -> bool:
    if isinstance(sent, Mapping):
        return isinstance(found, Mapping) and all(
            _holds(found.get(name), value, name) for name, value in sent.items()
        )
    if isinstance(sent, list):
        return (
            isinstance(found, list)
            and len(found) == len(sent)
            and all(_holds(*both, key) for both in zip(found, sent, strict=True))
        )
    if key == "description":
        return _plain(found) == _plain(sent)
    return bool(found == sent)


def _plain(markup: Any) -> str:
    return "".join(html.unescape(re.sub(r"<[^>]*>", " ", str(markup))).split())
