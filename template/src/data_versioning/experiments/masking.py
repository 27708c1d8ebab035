"""Values as they may be logged: plain, finite, and without secrets."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

MASK = "***"
DEPTH = 20  # levels of nesting
# `max_tokens` and `tokenizer` are settings of a model.
_SECRET = re.compile(
    r"passw|passphrase|pwd|secret|token(?!s|i[sz])|^tokens$|credential"
    r"|(api|access|private)[ _-]?key",
    re.I,
)
# A password can hold `@`; a port, and a path with `@`, are none.
_IN_URL = re.compile(r"://(?:[^/@\s]*:(?!\d+/)\S*@|[^/@\s]*@)")


def masked(name: str, value: Any, above: tuple[int, ...] = ()) -> Any:
    """Return a value as nested dicts and lists, with `***` for what is named like a secret.

    Data classes, named tuples and namespaces become mappings. What holds itself is cut, and what
    cannot be looked into is named by its type: nothing is raised.

    Args:
        name: What it is called.
        value: The value.
        above: The ids of the values that hold it.
    """
    if _SECRET.search(name):
        return MASK
    if id(value) in above or len(above) == DEPTH:
        return kind(value)
    above = (*above, id(value))
    try:
        parts = named_parts(value)
        if isinstance(parts, Mapping):
            return {str(key): masked(str(key), one, above) for key, one in parts.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(masked("", one, above) for one in value)
    except Exception:  # the code of a stranger's class runs here
        return kind(value)
    return value


def named_parts(value: Any) -> Any:
    """Return what has named parts as a mapping, and anything else as it is."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return value._asdict()
    return vars(value) if isinstance(value, Namespace) else value


def text(value: Any) -> str:
    """Return a value as text, without the passwords of addresses; its type if it has no text."""
    try:
        made = str(value)
    except Exception:
        made = kind(value)
    return _IN_URL.sub(f"://{MASK}@", made)


def kind(value: Any) -> str:
    """Return the full name of a value's type."""
    return f"{type(value).__module__}.{type(value).__qualname__}"
