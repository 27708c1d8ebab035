"""Merge two versions of `dvc.lock` stage by stage.

DVC writes a record per stage, new ones at the end. As lines, records of different stages that stand
beside each other conflict, and records of one stage can be mixed into one that never ran.
The form is that of `dvc/schema.py`: `schema: '2.0'`, `stages` and, with `dvc ds`, `datasets`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
from typing import Any

from data_versioning.errors import StudyError
from data_versioning.lineage import lock_records
from data_versioning.study import parse_yaml

Texts = dict[str, bytes]  # by the name of a stage or section, in the order of the file

_SECTION = re.compile(rb"^(?=[^ \n#-])", re.MULTILINE)


@dataclass(frozen=True)
class Merged:
    """A merged `dvc.lock`.

    Args:
        text: Its content, with git's conflict markers around what is in conflict.
        conflicts: The stages and sections in conflict.
    """

    text: bytes
    conflicts: tuple[str, ...]


def merge_lock(ancestor: bytes, ours: bytes, theirs: bytes) -> Merged:
    """Merge two versions of a `dvc.lock`.

    A stage that only one side changed, added or removed is as on that side. A stage that the sides
    changed differently is in conflict, as a whole.

    Args:
        ancestor: The version that both come from; empty if there was none.
        ours: The version of the current branch.
        theirs: The version that is merged into it.

    Raises:
        StudyError: One of them is not as DVC writes it.
    """
    if ancestor == theirs:
        return Merged(ours, ())
    if ancestor == ours:
        return Merged(theirs, ())
    base, our, their = _read(ancestor) if ancestor else ({}, {}), _read(ours), _read(theirs)
    sections, torn = _merge(base[0], our[0], their[0])
    stages, broken = _merge(base[1], our[1], their[1])
    sections["stages"] = b"stages:\n" + b"".join(stages.values()) if stages else b"stages: {}\n"
    merged = Merged(b"".join(sections.values()), (*torn, *broken))
    if not merged.conflicts:
        _read(merged.text)
    return merged


def _read(lock: bytes) -> tuple[Texts, Texts]:
    """Return the texts of the sections of a `dvc.lock`, and those of its stages."""
    content = parse_yaml(lock, "dvc.lock")
    stages = content.get("stages")
    if content.get("schema") != "2.0" or not isinstance(stages, dict):
        raise _foreign()
    if b"\r" in lock or not lock.endswith(b"\n") or _has_alias(lock):
        raise _foreign()
    starts = [match.start() for match in _SECTION.finditer(lock)]
    texts = [lock[a:b] for a, b in pairwise([*starts, len(lock)])]
    sections = _by_name(texts, lock)
    head, _, records = sections["stages"].partition(b"\n")
    if head != (b"stages:" if stages else b"stages: {}"):
        raise _foreign()
    found = _by_name(lock_records.split(records), records)
    return sections | {"stages": b"stages:\n"}, found


def _has_alias(lock: bytes) -> bool:
    """Tell whether a stage is written by reference to another, and so has no text of its own."""
    import yaml

    return any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(lock, _loader()))


def _by_name(texts: list[bytes], whole: bytes) -> Texts:
    """Return texts by the one key that each holds; put together, they have to be the whole."""
    found = {name: text for text in texts for name, _ in _comparable(text)}
    if b"".join(found.values()) != whole or len(found) != len(_comparable(whole)):
        raise _foreign()
    return found


def _merge(base: Texts, ours: Texts, theirs: Texts) -> tuple[Texts, list[str]]:
    """Return the merged texts, and the names of those in conflict."""
    merged: Texts = {}
    conflicts: list[str] = []
    for name in ours | theirs:
        was, our, their = (texts.get(name, b"") for texts in (base, ours, theirs))
        if was in (our, their):
            text = their if was == our else our
        elif _comparable(their) in (_comparable(our), _comparable(was)):
            text = our
        elif _comparable(our) == _comparable(was):
            text = their
        else:
            conflicts.append(name)
            text = b"<<<<<<< ours\n" + our + b"=======\n" + their + b">>>>>>> theirs\n"
        if text:
            merged[name] = text
    return merged, conflicts


def _comparable(text: bytes) -> list[tuple[str, Any]]:
    """Return what the mapping that a text holds says, whatever the order of its keys."""
    import yaml

    try:
        node = yaml.compose(text, _loader())
    except yaml.YAMLError:
        raise _foreign() from None
    if node and not isinstance(node, yaml.MappingNode):
        raise _foreign()
    return _plain(node) if node else []


def _plain(node: Any) -> Any:
    # Scalars as they are written: YAML 1.1 takes `yes` for true, and Python true, 1 and 1.0 for
    # the same.
    if node.id == "mapping":
        pairs = ((str(key.value), _plain(value)) for key, value in node.value)
        return sorted(pairs, key=itemgetter(0))
    return [*map(_plain, node.value)] if node.id == "sequence" else (node.tag, node.value)


def _loader() -> Any:
    import yaml

    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C where there is one


def _foreign() -> StudyError:
    return StudyError("not a dvc.lock of DVC's making", "", "make repro")
