"""Set parameters in `params.yaml`, and leave every other character of it as it is."""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data_versioning.errors import StudyError, UsageError
from data_versioning.study import flatten, load_params

FILE = "params.yaml"
# To DVC, which reads YAML 1.2, `1e-3` is a number; to PyYAML, which reads 1.1, it is a text.
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+")
PLAIN = re.compile(r"[A-Za-z][\w./-]*")  # texts that need no quotes but for `true` and the like
KINDS = {bool: "true or false", int: "an integer", float: "a number", str: "a text"}


def set_params(root: Path, params: Mapping[str, Any]) -> None:
    """Set parameters, all of them or none.

    Args:
        root: The study.
        params: Values by dotted names. An integer will do for a number with decimals; otherwise
            the type must be that of the value in the file.

    Raises:
        StudyError: There is no such parameter, or its type is another; names the file and the key.
    """
    import yaml

    path = (root / FILE).resolve()
    load_params(path)  # for its errors
    with path.open(encoding="utf-8", newline="") as file:
        text = file.read()
    tree = _tree(text)
    values = dict(flatten(_value(tree)))
    edits = []
    for name, given in params.items():
        node = _node(tree, name, list(values))
        new = _fitting(name, _value(node), given.item() if hasattr(given, "item") else given)
        if repr(new) != repr(values[name]):
            edits.append((node.start_mark.index, _end(node), _written(node, new)))
            values[name] = new
    edited = text
    for start, end, written in sorted(edits, reverse=True):
        space = " " if edited[start - 1] == ":" else ""
        edited = f"{edited[:start]}{space}{written}{edited[end:]}"
    try:
        safe = repr(dict(flatten(_value(_tree(edited))))) == repr(values)
    except yaml.YAMLError:
        safe = False
    if not safe:
        what = f"{FILE} cannot be edited safely: aliases, or an unusual notation"
        raise StudyError(what, ", ".join(params), f"$EDITOR {FILE}")
    if edits:
        beside = path.with_name(f".{FILE}.{os.getpid()}.tmp")
        beside.write_text(edited, encoding="utf-8", newline="")
        beside.chmod(path.stat().st_mode)
        beside.replace(path)


def parse_setting(text: str) -> tuple[str, Any]:
    """Return the name and the value of a setting such as `train.alpha=0.1`; the value is YAML.

    Raises:
        UsageError: It has no `=`, or the value is not valid YAML.
    """
    import yaml

    name, equals, value = text.partition("=")
    try:
        if name and equals:
            return name, _value(_tree(value)) if value else ""
    except yaml.YAMLError:
        pass
    raise UsageError("not a setting", repr(text), "--set train.alpha=0.1")


def _tree(text: str) -> Any:
    """Return the nodes of a YAML text, with the numbers that PyYAML takes for texts."""
    import yaml

    def mend(node: Any) -> None:
        if isinstance(node, yaml.ScalarNode):
            if node.style is None and NUMBER.fullmatch(node.value):
                node.tag = "tag:yaml.org,2002:float"
            return
        for child in node.value:
            for one in child if isinstance(child, tuple) else (child,):
                mend(one)

    tree = yaml.compose(text, yaml.SafeLoader) or yaml.MappingNode("tag:yaml.org,2002:map", [])
    mend(tree)
    return tree


def _value(node: Any) -> Any:
    import yaml

    return yaml.SafeLoader("").construct_document(node)


def _node(tree: Any, name: str, known: list[str]) -> Any:
    """Return the node that holds the value of a parameter."""
    node = tree
    for part in name.split("."):
        children = {str(key.value): value for key, value in node.value} if _maps(node) else {}
        if (node := children.get(part)) is None:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; it has {', '.join(known)}"
            raise StudyError(f"no parameter {name}", f"{FILE}{hint}", f"$EDITOR {FILE}")
    if _maps(node):
        inside = ", ".join(one for one in known if one.startswith(f"{name}."))
        raise StudyError(FILE, f"{name} is a section; it has {inside}", f"$EDITOR {FILE}")
    return node


def _maps(node: Any) -> bool:
    return str(node.id) == "mapping"


def _end(node: Any) -> int:
    """Return where a value ends; a list in lines of its own, with its last element."""
    if node.id == "sequence" and not node.flow_style and node.value:
        return _end(node.value[-1])
    return int(node.end_mark.index)


def _fitting(name: str, old: Any, new: Any) -> Any:
    """Return a value as the type of the one it replaces."""
    if isinstance(new, tuple):
        new = list(new)
    if old is None and not isinstance(new, Mapping):
        return new
    if isinstance(old, list) and isinstance(new, list):
        return [_fitting_one(f"{name}[{i}]", old, one) for i, one in enumerate(new)]
    if isinstance(old, float) and isinstance(new, (int, float)) and not isinstance(new, bool):
        return float(new)
    if type(new) is not type(old) and not (isinstance(old, str) and isinstance(new, str)):
        kind = KINDS.get(type(old), f"a {type(old).__name__}")
        raise StudyError(FILE, f"{name} must be {kind}, got {new!r}", f"$EDITOR {FILE}")
    return new


def _fitting_one(name: str, elements: list[Any], new: Any) -> Any:
    """Return an element of a list as the type of one of those it replaces."""
    for i, old in enumerate(elements):
        try:
            return _fitting(name, old, new)
        except StudyError:
            if i == len(elements) - 1:
                raise
    return new


def _written(node: Any, value: Any) -> str:
    """Return a value as YAML, in the notation of the value it replaces."""
    if isinstance(value, list) and node.id == "sequence" and not node.flow_style and value:
        separator = f"\n{' ' * node.start_mark.column}"
        return separator.join(f"- {_one_line(one)}" for one in value)
    style = getattr(node, "style", None)
    if isinstance(value, str) and style == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, str) and style == '"':
        return json.dumps(value, ensure_ascii=not value.isprintable())
    return _one_line(value) + ("\n" if style in {"|", ">"} else "")


def _one_line(value: Any) -> str:
    import yaml

    if isinstance(value, list):
        return f"[{', '.join(map(_one_line, value))}]"
    if isinstance(value, str):
        if PLAIN.fullmatch(value) and yaml.safe_load(value) == value:
            return value
        return json.dumps(value, ensure_ascii=not value.isprintable())
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_one_line(k)}: {_one_line(v)}' for k, v in value.items())}}}"
    return str(yaml.safe_dump(value)).partition("\n")[0]
