"""The phases that `study.yaml` lists, checked line by line."""

from __future__ import annotations

import difflib
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import semver

from data_versioning.errors import StudyError, UsageError
from data_versioning.study import MARKER, Study, parse_yaml

DEFAULTS = Path(__file__).with_name("default.yaml")
KEYS = ("name", "version", "suffix", "gates", "documents")
GATES = (
    "clean",
    "pipeline",
    "pushed",
    "logged",
    "tests",
    "data",
    "drift",
    "documents",
    "commits",
    "data-management",
    "archive",
)
WITHOUT_GATES = ("clean", "documents", "commits")  # what a phase that names no gates has to pass
LONGEST = 60  # characters of a name: branches and tags are files to git
_WORDS = re.compile("[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Phase:
    """A phase of the study.

    Args:
        name: Lower-case words joined by hyphens.
        version: The version its tag has when it is completed for the first time.
        suffix: What its tag ends with.
        gates: What has to hold before it is tagged.
        documents: The documents it owes, relative to the study.
    """

    name: str
    version: semver.Version
    suffix: str
    gates: tuple[str, ...]
    documents: tuple[str, ...]

    @property
    def branch(self) -> str:
        """The branch it is worked on, such as `phase/experimental-design`."""
        return f"phase/{self.name}"

    def tag(self, patch: int = 0) -> str:
        """Return the name of its tag, such as `v0.4.0-experimental-design`.

        Args:
            patch: How often it was completed before.
        """
        return f"v{self.version.replace(patch=patch)}-{self.suffix}"


def title(name: str) -> str:
    """Return the name of a phase for people, such as `Experimental design`."""
    return name.replace("-", " ").capitalize()


def phases(study: Study) -> tuple[Phase, ...]:
    """Return the phases of a study, in their order.

    Raises:
        StudyError: `study.yaml` lists none, or the list is broken; names the first broken line.
    """
    return listed_in((study.root / MARKER).read_bytes())


def listed_in(text: bytes) -> tuple[Phase, ...]:
    """Return the phases that a `study.yaml` lists, of whatever revision; see `phases`."""
    content = parse_yaml(text, MARKER)
    if "phases" not in content:
        mend = f"python -m data_versioning phase defaults >> {MARKER}"
        raise StudyError("lists no phases", MARKER, mend)
    listed = content["phases"]
    if problems := list(_problems(listed, Lines(text))):
        line, what = min(problems, key=lambda problem: problem[0])
        raise StudyError(what, f"{MARKER}:{line}", f"$EDITOR {MARKER}")
    return tuple(
        Phase(
            name=entry["name"],
            version=semver.Version.parse(entry["version"].removeprefix("v")),
            suffix=entry.get("suffix", entry["name"]),
            gates=tuple(dict.fromkeys(entry.get("gates", WITHOUT_GATES))),
            documents=tuple(dict.fromkeys(map(posixpath.normpath, entry.get("documents", ())))),
        )
        for entry in listed
    )


def phase(study: Study, name: str) -> Phase:
    """Return the phase of this name.

    Raises:
        StudyError: There is none; lists those there are.
    """
    listed = {one.name: one for one in phases(study)}
    if name in listed:
        return listed[name]
    names = ", ".join(listed)
    if not name:
        raise UsageError(f"no phase is named; {MARKER} has {names}", mend="make phase")
    near = difflib.get_close_matches(name, listed, n=1)
    meant = f", did you mean {near[0]}?" if near else ";"
    raise StudyError(f"no phase {name!r}{meant} {MARKER} has {names}", MARKER, "make phase")


class Lines:
    """Where in `study.yaml` the list of phases and what it holds begin, counted from 1.

    Args:
        text: The file, which is valid YAML and holds a mapping.
    """

    def __init__(self, text: bytes) -> None:
        import yaml

        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        self._lines: dict[tuple[str | int, ...], int] = {(): 1}
        self.repeated: list[tuple[int, str]] = []  # lines and keys
        top = yaml.compose(text, Loader=loader)
        assert isinstance(top, yaml.MappingNode)
        ours = [(key, value) for key, value in top.value if key.value == "phases"]
        self.repeated += [(key.start_mark.line + 1, "phases") for key, _ in ours[1:]]
        for key, listed in ours:
            self._lines[()] = key.start_mark.line + 1
            if isinstance(listed, yaml.SequenceNode):
                for number, entry in enumerate(listed.value):
                    self._add(number, entry)

    def _add(self, number: int, entry: Any) -> None:
        self._lines[number,] = entry.start_mark.line + 1
        for key, value in entry.value if entry.id == "mapping" else ():
            if (at := (number, str(key.value))) in self._lines:
                self.repeated.append((key.start_mark.line + 1, str(key.value)))
            self._lines[at] = key.start_mark.line + 1
            for index, item in enumerate(value.value if value.id == "sequence" else ()):
                self._lines[*at, index] = item.start_mark.line + 1

    def of(self, *at: str | int) -> int:
        """Return the line of a phase (its number), of its key, or of an item of that.

        What comes from an anchor elsewhere (`<<: *common`) is on the line of what refers to it.
        """
        while at not in self._lines:
            at = at[:-1]
        return self._lines[at]


def _problems(listed: Any, lines: Lines) -> Iterator[tuple[int, str]]:
    """Yield what is wrong with the list, each with its line."""
    yield from ((line, f"the key {key!r} stands here again") for line, key in lines.repeated)
    if not isinstance(listed, list):
        yield lines.of(), "phases is not a list" if listed else "the list of phases is empty"
        return
    if not listed:
        yield lines.of(), "the list of phases is empty"
    names: list[Any] = []
    suffixes: list[Any] = []
    before: tuple[str, semver.Version] | None = None
    for number, entry in enumerate(listed):
        if not isinstance(entry, dict):
            yield lines.of(number), f"not a phase with a name and a version: {_shown(entry)}"
            continue
        for at, what in _problems_of(entry):
            yield lines.of(number, *at), what
        name, version = entry.get("name"), _version(entry.get("version"))
        suffix = entry.get("suffix", name)
        if name in names:
            yield lines.of(number, "name"), f"an earlier phase is called {_shown(name)} already"
        elif suffix in suffixes:
            key = "suffix" if "suffix" in entry else "name"
            yield lines.of(number, key), f"an earlier phase has the suffix {_shown(suffix)} already"
        names += [name] * isinstance(name, str)
        suffixes += [suffix] * isinstance(suffix, str)
        if version and before and version == before[1]:
            what = f"phase {before[0]!r} has {version} already; its patch number counts repeats"
            yield lines.of(number, "version"), what
        elif version and before and version < before[1]:
            what = f"version {version} is not above {before[1]} of the phase before it"
            yield lines.of(number, "version"), what
        if version:
            before = (str(name), version)


def _problems_of(entry: dict[Any, Any]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield what is wrong with a phase by itself, each with the key, and the item, it is at."""
    for key in entry:
        if key not in KEYS:
            near = difflib.get_close_matches(str(key), KEYS, n=1)
            known = f"did you mean {near[0]}?" if near else f"a phase has {', '.join(KEYS)}"
            yield (str(key),), f"unknown key {_shown(key)}; {known}"
    for key in ("name", "version"):
        if key not in entry:
            yield (), f"a phase without a {key}"
    for key in ("name", "suffix"):
        if key in entry and not _is_words(entry[key]):
            rule = f"lower-case words joined by hyphens, {LONGEST} characters at most"
            yield (key,), f"not a {key} ({rule}): {_shown(entry[key])}"
    if "version" in entry and not _version(entry["version"]):
        rule = "like 0.4.0; the patch number, which counts repeats, begins at 0"
        yield ("version",), f"not a version ({rule}): {_shown(entry['version'])}"
    for key in ("gates", "documents"):
        items = entry.get(key, [])
        if not isinstance(items, list):
            yield (key,), f"{key} is not a list: {_shown(items)}"
            continue
        for index, item in enumerate(items):
            if key == "gates" and item not in GATES:
                yield (key, index), f"unknown gate {_shown(item)}; there are {', '.join(GATES)}"
            if key == "documents" and not _is_inside(item):
                yield (key, index), f"not the path of a file inside the study: {_shown(item)}"


def _version(value: Any) -> semver.Version | None:
    """Return a version with the patch number 0, or None for anything else."""
    text = value.removeprefix("v") if isinstance(value, str) else ""
    if not re.fullmatch(r"[0-9]{1,9}\.[0-9]{1,9}\.0", text) or not semver.Version.is_valid(text):
        return None
    return semver.Version.parse(text)


def _is_words(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST and bool(_WORDS.fullmatch(value))


def _is_inside(path: Any) -> bool:
    if not isinstance(path, str) or not path.isprintable() or path.endswith("/"):
        return False
    return posixpath.normpath(path).partition("/")[0] not in ("", ".", "..")


def _shown(value: Any) -> str:
    """Return a value as the message shows it: in one line, and short."""
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
