"""Merge two versions of `dvc.lock` stage by stage.

DVC writes a record per stage, new ones at the end. As lines, records of different stages that stand
beside each other conflict, and records of one stage can be mixed into one that never ran.
The form is that of `dvc/schema.py`: `schema: '2.0'`, `stages` and, with `dvc ds`, `datasets`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
from typing import Any, NamedTuple

from data_versioning.errors import StudyError


class Block(NamedTuple):
    """A stage, or another section.

    Args:
        text: Its lines.
        content: What they say, as a node of the parser.
    """

    text: str
    content: Any


Blocks = dict[str, Block]  # by name, in the order of the file
_NOTHING = Block("", None)


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
    sections["stages"] = "stages:\n" + "".join(stages.values()) if stages else "stages: {}\n"
    merged = Merged("".join(sections.values()).encode(), (*torn, *broken))
    if not merged.conflicts:
        _read(merged.text)
    return merged


def _read(lock: bytes) -> tuple[Blocks, Blocks]:
    """Return the sections of a `dvc.lock`, that of the stages without them, and the stages."""
    if b"\r" in lock or not (lock.startswith(b"schema: '2.0'\n") and lock.endswith(b"\n")):
        raise _foreign()
    sections = _blocks(lock.decode(errors="surrogateescape"), 0)
    head, _, records = sections.get("stages", _NOTHING).text.partition("\n")
    if head != ("stages:" if records else "stages: {}"):
        raise _foreign()
    return sections | {"stages": Block("stages:\n", None)}, _blocks(records, 2) if records else {}


def _blocks(text: str, indent: int) -> Blocks:
    """Return the lines of each key of a mapping; the keys have to be indented as DVC does."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C where there is one
    try:
        aliases = (isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, loader))
        node = None if any(aliases) else yaml.compose(text, loader)
    except (yaml.YAMLError, ValueError, RecursionError):
        raise _foreign() from None
    if not isinstance(node, yaml.MappingNode):
        raise _foreign()
    if any(key.start_mark.column != indent for key, _ in node.value):
        raise _foreign()
    starts = [key.start_mark.index - indent for key, _ in node.value]
    found = {
        str(key.value): Block(text[a:b], value)
        for (key, value), (a, b) in zip(
            node.value, pairwise([0, *starts[1:], len(text)]), strict=True
        )
    }
    if len(found) != len(starts):  # a name twice
        raise _foreign()
    return found


def _merge(base: Blocks, ours: Blocks, theirs: Blocks) -> tuple[dict[str, str], list[str]]:
    """Return the merged texts, and the names of those in conflict."""
    merged: dict[str, str] = {}
    conflicts: list[str] = []
    for name in ours | theirs:
        was, our, their = (blocks.get(name, _NOTHING) for blocks in (base, ours, theirs))
        if was.text in (our.text, their.text):
            text = their.text if was.text == our.text else our.text
        elif _plain(their.content) in (_plain(our.content), _plain(was.content)):
            text = our.text
        elif _plain(our.content) == _plain(was.content):
            text = their.text
        else:
            conflicts.append(name)
            text = f"<<<<<<< ours\n{our.text}=======\n{their.text}>>>>>>> theirs\n"
        if text:
            merged[name] = text
    return merged, conflicts


def _plain(node: Any) -> Any:
    """Return what a node says, whatever the order of its keys.

    Its scalars are as they are written: YAML 1.1 takes `yes` for true, and Python true, 1 and 1.0
    for the same.
    """
    if node is None:
        return None
    if node.id == "mapping":
        pairs = ((str(key.value), _plain(value)) for key, value in node.value)
        return sorted(pairs, key=itemgetter(0))
    return [*map(_plain, node.value)] if node.id == "sequence" else (node.tag, node.value)


def _foreign() -> StudyError:
    return StudyError("not a dvc.lock of DVC's making", "", "make repro")
