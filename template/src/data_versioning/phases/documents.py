"""The documents that phases owe: forms to begin them with, and what in them is still missing."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath

from data_versioning.errors import StudyError
from data_versioning.phases.plan import Phase
from data_versioning.tools import dvc_files, git

FORMS = Path(__file__).with_name("forms")
ANY_PHASE = "any-phase"  # the form of the phases that researchers add
MARKDOWN = (".md", ".markdown", ".qmd", ".rmd")
# What CommonMark 0.31 calls fenced code, an HTML comment and a code span; and YAML front matter.
_TOKENS = re.compile(
    r"(?P<front>\A---\n.*?^(?:---|\.\.\.)[ \t]*$)"
    r"|^[ \t]*(?P<fenced>(?P<fence>`{3,}(?=[^`\n]*$)|~{3,}).*?(?:^[ \t]*(?P=fence)[`~]*[ \t]*$|\Z))"
    r"|(?P<comment><!--.*?(?:-->|\Z))"
    r"|(?P<span>(?<!`)(?P<ticks>`+)(?!`)(?:(?!\n[ \t]*\n).)+?(?<!`)(?P=ticks)(?!`))",
    re.MULTILINE | re.DOTALL,
)
_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*")
_LIST_MARKER = re.compile(r"\s*(?:\d+[.)]|[-*+>])(?=\s|$)")
_WORDS = re.compile(r"\b(?:TODO|TBD|FIXME|XXX)\b|(?i:lorem ipsum)")
_HINTS = re.compile(r"(?i)[<\[](?:(?:your|insert|enter|fill in)\b[^<>\[\]\n]*|\.\.\.|…)[>\]](?!\()")


def is_markdown(path: str) -> bool:
    """Tell whether a document has headings that can be questions."""
    return path.lower().endswith(MARKDOWN)


def form(phase: Phase, path: str) -> str:
    """Return the questions that a document of a phase answers, as Markdown.

    The first document of a phase gets the phase's own form; another one that of its name.

    Args:
        phase: The phase.
        path: The document.
    """
    name = PurePosixPath(path).stem
    names = [phase.name] if path == phase.documents[0] else []
    files = [FORMS / f"{one}.md" for one in (*names, name) if (FORMS / f"{one}.md").is_file()]
    questions = [*files, FORMS / f"{ANY_PHASE}.md"][0].read_text(encoding="utf-8")
    title = re.sub(r"[-_\s]+", " ", name).strip()
    return f"# {title[:1].upper()}{title[1:]}\n\n{questions}"


def incomplete(root: Path, path: str, rev: str | None = None) -> list[str]:
    """Return what is missing in an owed document; nothing if it is complete.

    Args:
        root: The study.
        path: The document, relative to the study.
        rev: A commit, branch or tag; the file on disk when not given.
    """
    try:
        if _is_link(root, path, rev):
            return [f"{path} is a link, not a document"]
        content = dvc_files.content(root, path, rev)
    except StudyError as error:  # DVC keeps it, and not here
        return [str(error)]
    if content is None:
        return [f"{path} does not exist"]
    if not content.strip():
        return [f"{path} is empty"]
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        return [f"{path} is not in UTF-8"] if is_markdown(path) else []
    if "\0" in text:
        return []
    missing = [*_unanswered(text)] if is_markdown(path) else []
    missing += [
        (line, f"placeholder {word}") for line, word in placeholders(text, is_markdown(path))
    ]
    return [f"{path}: {what} (line {line})" for line, what in sorted(missing)]


def _is_link(root: Path, path: str, rev: str | None) -> bool:
    if rev is not None:
        return git.run(root, ["ls-tree", rev, "--", path]).startswith(b"120000 ")
    here = root / path
    # DVC can link what it keeps to its cache.
    kept = dvc_files.outputs(root) if here.is_symlink() else {}
    return here.is_symlink() and not any(f"{path}/".startswith(f"{one}/") for one in kept)


def _unanswered(text: str) -> Iterator[tuple[int, str]]:
    """Yield line and question of each heading that holds neither text nor a smaller heading."""
    seen = _without(text, ("front", "comment")).split("\n")
    outside_code = _without(text, ("front", "comment", "fenced")).split("\n")
    headings = list(_headings(outside_code))
    if not headings:
        yield from [] if any(map(_says_something, seen)) else [(1, "says nothing")]
        return
    ends = [start for start, _, _, _ in headings[1:]] + [len(seen)]
    levels = [level for _, _, level, _ in headings[1:]] + [0]
    for (start, after, level, title), end, following in zip(headings, ends, levels, strict=True):
        if following <= level and not any(map(_says_something, seen[after:end])):
            yield start + 1, f'unanswered question "{title}"'


def _headings(lines: list[str]) -> Iterator[tuple[int, int, int, str]]:
    """Yield each heading: its line and the line after it, from 0, its level and its text."""
    for number, line in enumerate(lines):
        above = lines[number - 1] if number else ""
        if heading := _HEADING.fullmatch(line):
            yield number, number + 1, len(heading[1]), heading[2] or ""
        elif (
            (underline := _UNDERLINE.fullmatch(line))
            and _says_something(above)
            and not _HEADING.fullmatch(above)
            and not _LIST_MARKER.match(above)
        ):
            yield number - 1, number + 1, 1 if underline[1][0] == "=" else 2, above.strip()


def _says_something(line: str) -> bool:
    """Tell whether a line holds more than marks, such as those of a list or a rule."""
    return any(map(str.isalnum, _LIST_MARKER.sub("", line, count=1)))


def placeholders(text: str, markdown: bool) -> Iterator[tuple[int, str]]:
    """Yield line and text of what stands for something that is still to be written.

    Args:
        text: What is searched.
        markdown: Whether its code is to be left out.
    """
    # A note in a comment is one too; a hint there is help.
    for pattern, kinds in (
        (_WORDS, ("fenced", "span")),
        (_HINTS, ("fenced", "span", "comment")),
    ):
        searched = _without(text, kinds) if markdown else text
        for found in pattern.finditer(searched):
            yield searched.count("\n", 0, found.start()) + 1, found[0]


def _without(text: str, kinds: Collection[str]) -> str:
    """Return a Markdown text with spaces in the place of comments or code."""

    def blank(token: re.Match[str]) -> str:
        found = token.groupdict()
        return re.sub(r"[^\n]", " ", token[0]) if any(found[kind] for kind in kinds) else token[0]

    return _TOKENS.sub(blank, text)
