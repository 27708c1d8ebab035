"""Change a researcher's YAML file and leave their comments, order and quotes as they are."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_versioning.study import read_yaml

if TYPE_CHECKING:
    from ruamel.yaml import YAML


@contextmanager
def edited(path: Path) -> Iterator[MutableMapping[str, Any]]:
    """Give access to the mapping in a YAML file, and write the file if that was changed.

    Args:
        path: The file; a missing one holds an empty mapping.

    Raises:
        StudyError: It is no valid YAML.
    """
    path = path.resolve()
    if path.exists():
        read_yaml(path)  # for its errors
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    yaml, content, comments = _loaded(text)
    before = _dumped(yaml, content)
    yield content
    if (after := _dumped(yaml, content)) != before:
        beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        beside.write_text(comments + after, encoding="utf-8")
        if path.exists():
            beside.chmod(path.stat().st_mode)
        beside.replace(path)


def changed(text: str, change: Callable[[MutableMapping[str, Any]], None]) -> str:
    """Return the text of a YAML file after a change of the mapping in it.

    Args:
        text: Valid YAML; it is returned as it is if nothing changes.
        change: Changes the mapping.
    """
    yaml, content, comments = _loaded(text)
    before = _dumped(yaml, content)
    change(content)
    after = _dumped(yaml, content)
    return comments + after if after != before else text


def _loaded(text: str) -> tuple[YAML, Any, str]:
    """Return what writes as a text is written, the mapping in it, and the comments of none."""
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 10_000  # long lines are not folded
    section = re.search(r"(?m)^\w.*\n( +)\w", text)
    lists_are_indented = bool(re.search(r"(?m)^( *)[^ #-].*\n\1 +- ", text))
    yaml.indent(
        mapping=len(section[1]) if section else 2,
        sequence=4 if lists_are_indented else 2,
        offset=2 * lists_are_indented,
    )
    content = yaml.load(text)
    return (yaml, yaml.map(), text) if content is None else (yaml, content, "")


def _dumped(yaml: YAML, content: Any) -> str:
    written = io.StringIO()
    yaml.dump(content, written)
    return written.getvalue()
