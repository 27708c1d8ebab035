"""Where the study is and what its own files say: `study.yaml`, `params.yaml`, the answers."""

from __future__ import annotations

import math
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from data_versioning.errors import StudyError

MARKER = "study.yaml"
DEEPEST = 100  # levels of values in values
# To YAML 1.2, and so to DVC, `1e-3` is a number; to PyYAML, which reads 1.1, it is a text.
NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$")


@dataclass(frozen=True)
class Study:
    """A study on disk.

    Args:
        root: The folder that holds `study.yaml`.
    """

    root: Path

    @classmethod
    def find(cls, start: Path | str = ".") -> Study:
        """Return the study that a folder lies in.

        Raises:
            StudyError: Neither the folder nor one above it holds `study.yaml`.
        """
        here = Path(start).resolve()
        for folder in (here, *here.parents):
            if (folder / MARKER).is_file():
                return cls(folder)
        raise StudyError(f"no {MARKER} here or above", str(here), "cd to the study's folder")

    @classmethod
    def open(cls, start: Path | str = ".") -> Study:
        """Find the study and make its environment this process's: profile, secrets, programs.

        Raises:
            StudyError: There is no study, or no profile of the name in `PROFILE`.
        """
        from data_versioning import environment

        study = cls.find(start)
        environment.load(study.root)
        return study

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The content of `study.yaml`."""
        return read_yaml(self.root / MARKER)

    @cached_property
    def answers(self) -> dict[str, Any]:
        """The answers this study was rendered from; those that start with `_` are Copier's."""
        return read_yaml(self.root / ".copier-answers.yml")

    def relative(self, path: Path | str) -> str:
        """Return a path, from here or absolute, as one relative to the study.

        Raises:
            StudyError: It is outside the study.
        """
        try:
            return Path(os.path.abspath(path)).relative_to(self.root).as_posix()
        except ValueError:
            raise StudyError(f"outside the study {self.root}", str(path)) from None

    @property
    def large_file_bytes(self) -> int:
        """Size in bytes from which a file belongs in DVC instead of git."""
        megabytes = self.settings.get("large_file_mb", 10)
        is_number = isinstance(megabytes, (int, float)) and not isinstance(megabytes, bool)
        if not (is_number and 0 <= megabytes * 1024 * 1024 < math.inf):
            what = "not a size" if is_number else "not a number"
            raise StudyError(what, f"{MARKER}: large_file_mb", f"$EDITOR {MARKER}")
        return int(megabytes * 1024 * 1024)


class Params(dict[str, Any]):
    """Parameters by item, `params["train"]["alpha"]`, or by attribute, `params.train.alpha`.

    Args:
        values: The parameters.
        path: The file they come from, for error messages.
        section: The dotted name of the section they are, empty for the whole file.
    """

    def __init__(self, values: Mapping[str, Any], path: Path, section: str = "") -> None:
        super().__init__(
            (key, Params(value, path, f"{section}{key}.") if isinstance(value, Mapping) else value)
            for key, value in values.items()
        )
        self._path = path
        self._section = section

    def __missing__(self, key: str) -> Any:
        """Name the file and the key that it lacks."""
        raise UnknownParameter(f"{self._section}{key}", self._path)

    def __getattr__(self, name: str) -> Any:
        """Return the parameter of this name."""
        if name.startswith("__"):  # asked by copy, pickle and the like
            raise AttributeError(name)
        return self[name]


class UnknownParameter(StudyError, KeyError, AttributeError):
    """A parameter that a file lacks.

    Args:
        name: Its dotted name.
        path: The file.
    """

    def __init__(self, name: str, path: Path) -> None:
        StudyError.__init__(self, f"no parameter {name}", str(path), f"$EDITOR {path.name}")

    __str__ = Exception.__str__


def load_params(path: Path | str = "params.yaml") -> Params:
    """Return the parameters of a study, by item and by attribute.

    Args:
        path: The file. A relative path that is not here is looked for in the study's folder, so
            that notebooks find it.

    Raises:
        StudyError: The file is missing or is no YAML mapping, or lacks a parameter that is asked
            for; names the file, and the line or the key.
    """
    path = Path(path)
    if not path.exists() and not path.is_absolute():
        with suppress(StudyError):
            path = Study.find().root / path
    return Params(read_yaml(path), path)


def flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the leaves of nested mappings under dotted names, as DVC writes them."""
    for key, value in tree.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from flatten(value, f"{name}.")
        else:
            yield name, value


def plain(value: Any) -> Any:
    """Return a value from YAML as what JSON can hold: dates, NaN and the infinities as text."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(one) for one in value]
    if isinstance(value, date):
        return value.isoformat()
    if value is None or isinstance(value, str | int):
        return value
    return value if isinstance(value, float) and math.isfinite(value) else str(value)


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the content of a YAML file that holds a mapping; an empty file holds an empty one."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        raise StudyError("file is missing", str(path), f"git checkout -- {path.name}") from None
    return parse_yaml(text, str(path))


@cache
def _loader() -> Any:
    import yaml

    # The parser in C: ten times as fast, and the same errors.
    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        pass

    Loader.add_implicit_resolver("tag:yaml.org,2002:float", NUMBER, list("-+0123456789"))
    return Loader


def parse_yaml(text: bytes, name: str) -> dict[str, Any]:
    """Return the mapping that a YAML text holds; an empty text holds an empty one.

    Args:
        text: The text.
        name: What to call it in an error.
    """
    import yaml

    mend = f"$EDITOR {Path(name.partition(' at ')[0]).name}"  # `name at commit`
    try:
        content = yaml.load(text, _loader())
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        if marker := re.search(rb"^<{7} ", text, re.MULTILINE):
            line = text.count(b"\n", 0, marker.start()) + 1
            file = Path(name).name
            what, mend = f"{file} is in conflict", mend_of_conflict(file)
            raise StudyError(what, f"{name}:{line}", mend) from None
        mark = getattr(error, "problem_mark", None)
        where = f"{name}:{mark.line + 1}" if mark else name
        problem = getattr(error, "problem", None) or "unreadable"
        raise StudyError(f"not valid YAML ({problem})", where, mend) from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise StudyError("not a YAML mapping", name, mend)
    refuse_deep(content, name)
    return content


def mend_of_conflict(path: str) -> str:
    """Return the command that mends a file which holds both sides of a merge."""
    name = shlex.quote(path)
    if Path(path).name != "dvc.lock":
        return f"$EDITOR {name}"
    # Neither side is right: nobody has run that stage with the code and parameters of both.
    return f"sed -i '/^<<<<<<< /,/^>>>>>>> /d' {name} && make repro"


def refuse_deep(content: Mapping[str, Any], name: str) -> None:
    """Raise a `StudyError` when values hold each other too deep, or, by an alias, themselves.

    Args:
        content: What a file holds.
        name: What to call it in the error.
    """
    level: list[Any] = [content]
    for _ in range(DEEPEST):
        inside = (
            one for node in level for one in (node.values() if isinstance(node, dict) else node)
        )
        level = list({id(one): one for one in inside if isinstance(one, (dict, list))}.values())
        if not level:
            return
    what = f"nested in more than {DEEPEST} levels, or in itself"
    raise StudyError(what, name, f"$EDITOR {Path(name).name}")
