"""Where the study is and what its own files say: `study.yaml`, `params.yaml`, the answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from data_versioning.errors import StudyError

MARKER = "study.yaml"


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

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The content of `study.yaml`."""
        return read_yaml(self.root / MARKER)

    @cached_property
    def answers(self) -> dict[str, Any]:
        """The answers this study was rendered from; those that start with `_` are Copier's."""
        return read_yaml(self.root / ".copier-answers.yml")

    @property
    def large_file_bytes(self) -> int:
        """Size in bytes from which a file belongs in DVC instead of git."""
        megabytes = self.settings.get("large_file_mb", 10)
        if isinstance(megabytes, bool) or not isinstance(megabytes, (int, float)):
            raise StudyError("not a number", f"{MARKER}: large_file_mb", f"$EDITOR {MARKER}")
        return int(megabytes * 1024 * 1024)


def load_params(path: Path | str = "params.yaml") -> dict[str, Any]:
    """Return the parameters of a study as nested dictionaries.

    Raises:
        StudyError: The file is missing or is no YAML mapping; names the file and the line.
    """
    return read_yaml(Path(path))


def flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the leaves of nested mappings under dotted names, as DVC writes them."""
    for key, value in tree.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from flatten(value, f"{name}.")
        else:
            yield name, value


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the content of a YAML file that holds a mapping; an empty file holds an empty one."""
    import yaml

    try:
        # The parser in C: ten times as fast, and the same errors.
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        content = yaml.load(path.read_text(encoding="utf-8"), loader)
    except FileNotFoundError:
        raise StudyError("file is missing", str(path), f"git checkout -- {path.name}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        problem = getattr(error, "problem", None) or "unreadable"
        raise StudyError(f"not valid YAML ({problem})", where, f"$EDITOR {path.name}") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise StudyError("not a YAML mapping", str(path), f"$EDITOR {path.name}")
    return content
