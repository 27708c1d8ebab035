"""Set parameters in `params.yaml`, checked against what is there."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

from data_versioning.errors import StudyError, UsageError
from data_versioning.study import flatten
from data_versioning.yaml_edit import edited

FILE = "params.yaml"
KINDS = {bool: "true or false", int: "an integer", float: "a number", str: "a text"}


def set_params(root: Path, params: Mapping[str, Any]) -> None:
    """Set parameters, all of them or none; comments, order and quotes of the file stay.

    Values are what YAML 1.2 says they are, as DVC reads it: `1e-3` is a number, `yes` a text.

    Args:
        root: The study.
        params: Values by dotted names. An integer will do for a number with decimals; otherwise
            the type must be that of the value in the file.

    Raises:
        StudyError: There is no such parameter, or its type is another; names the file and the key.
    """
    if not (root / FILE).is_file():
        raise StudyError("file is missing", FILE, f"git checkout -- {FILE}")
    with edited(root / FILE) as content:
        expected = dict(flatten(content))
        for name, value in params.items():
            section, key = _place(content, name)
            value = value.item() if hasattr(value, "item") else value  # a number of numpy
            expected[name] = section[key] = _fitting(name, section[key], value)
        if dict(flatten(content)) != expected:
            what = f"{FILE} repeats a section by an alias, which would change with it"
            raise StudyError(what, ", ".join(params), f"$EDITOR {FILE}")


def parse_setting(text: str) -> tuple[str, Any]:
    """Return the name and the value of a setting such as `train.alpha=0.1`; the value is YAML.

    Raises:
        UsageError: It has no `=`, or the value is not valid YAML.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    name, equals, value = text.partition("=")
    try:
        if name and equals:
            return name, YAML(typ="safe", pure=True).load(value) if value else ""
    except YAMLError:
        pass
    raise UsageError("not a setting", repr(text), "--set train.alpha=0.1")


def _place(content: MutableMapping[str, Any], name: str) -> tuple[MutableMapping[str, Any], str]:
    """Return the section that holds a parameter, and its key there."""
    known = [known for known, _ in flatten(content)]
    *sections, key = name.split(".")
    place: Any = content
    for section in sections:
        place = place.get(section) if isinstance(place, Mapping) else None
    if not isinstance(place, MutableMapping) or key not in place:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(known)}"
        raise StudyError(f"no parameter {name}", f"{FILE}; {hint}", f"$EDITOR {FILE}")
    if isinstance(place[key], Mapping):
        inside = ", ".join(one for one in known if one.startswith(f"{name}."))
        raise StudyError(FILE, f"{name} is a section; it has {inside}", f"$EDITOR {FILE}")
    return place, key


def _fitting(name: str, old: Any, new: Any) -> Any:
    """Return a value as the type, and in the notation, of the one it replaces."""
    if old is None:
        return new
    if isinstance(old, list) and isinstance(new, (list, tuple)):
        values = [_fitting_one(f"{name}[{i}]", old, one) for i, one in enumerate(new)]
        old[:] = values  # in place, so that it stays in one line or in several
        return old
    number = isinstance(new, (int, float)) and not isinstance(new, bool)
    if isinstance(old, float) and number:
        return float(new)
    if isinstance(old, str) and isinstance(new, str):
        return type(old)(new)  # the type tells its quotes
    kind = next((kind for kind in (bool, int, float, str) if isinstance(old, kind)), type(old))
    if isinstance(new, kind) and isinstance(new, bool) == isinstance(old, bool):
        return new
    must = KINDS.get(kind, "a list" if isinstance(old, list) else f"a {kind.__name__}")
    raise StudyError(FILE, f"{name} must be {must}, got {new!r}", f"$EDITOR {FILE}")


def _fitting_one(name: str, elements: list[Any], new: Any) -> Any:
    """Return an element of a list as the type of one of those it replaces."""
    for i, old in enumerate(elements):
        try:
            return _fitting(name, old, new)
        except StudyError:
            if i == len(elements) - 1:
                raise
    return new
