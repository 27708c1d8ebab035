"""A package without who made it: every name, address and identifier taken out of every byte."""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

from data_versioning.archive.contents import Content
from data_versioning.archive.digests import Take
from data_versioning.archive.facts import Facts
from data_versioning.archive.package_files import DOCUMENTATION, METADATA
from data_versioning.errors import StudyError
from data_versioning.wording import printable

LABEL = "anonymous"
# What stands in their place: of the same form, so that what reads the file still can.
NAME, MAIL, PLACE = "Anonymous", "anonymous@example.org", "https://example.org/anonymous"
ORCID, DOI, ID = "0000-0000-0000-0001", "10.0000/anonymous", "0" * 12
_SHORTEST = 4  # letters of an identifier or an affiliation that is looked for
_ALONE = 6  # letters from which it is looked for in binary files inside of words, too
_BEFORE, _AFTER = rb"(?<![A-Za-z0-9\x80-\xff])", rb"(?![A-Za-z0-9\x80-\xff])"
_SPACE = rb"(?:\s|\\[nrt])+"  # in JSON and in code, too
_BETWEEN = rb"(?:[\s~._,+-]|\\[nrt]){0,3}"  # `Ada Lovelace`, `ada.lovelace`, `Ada~Lovelace`, ...
# What may hold text that cannot be seen in its bytes.
PACKED = (
    ".pdf", ".docx", ".xlsx", ".pptx", ".odt", ".ods", ".zip", ".gz", ".bz2", ".xz", ".zst", ".7z",
    ".parquet", ".png", ".npz", ".joblib", ".pkl", ".h5",
)  # fmt: skip


class Identity:
    """What tells who made a study, and what stands in its place.

    Args:
        facts: About the study, with names.
        people: Names and e-mail addresses of who committed.
        addresses: Where repositories and remotes are.
    """

    def __init__(
        self, facts: Facts, people: Iterable[tuple[str, str]], addresses: Iterable[str]
    ) -> None:
        self._replaced: dict[str, str] = {}
        self._names: set[tuple[str, ...]] = set()
        self._families: set[str] = set()
        for one in facts.authors:
            self._add_author(one)
        for name, mail in people:
            self._add(mail, MAIL)
            if " " in name.strip():
                self._names.add(tuple(name.split()))
        for address in [*addresses, facts.repository, facts.preregistration]:
            self._add_address(address or "")
        for doi in (facts.doi, facts.concept_doi):
            self._add(doi, DOI)
        for identifier in (facts.commit, facts.tag, *facts.runs):
            self._add(identifier, ID)
        if facts.commit:
            self._add(facts.commit[:12], ID)
        known = [*self._whole(), *self._full_names()]
        self._everywhere = _compiled((_word(text), instead) for text, instead in known)
        self._in_prose = _compiled(
            [(_word(text), instead) for text, instead in [*known, *self._single_names()]]
        )
        # Beside a name in a binary file any byte can stand.
        self._in_binary = _compiled(
            (text if len(text) >= _ALONE else _word(text), instead) for text, instead in known
        )
        self._longest = max((4 * len(one) for one in self._replaced), default=0) + 256

    def rewritten(self, content: Content, text: bytes) -> bytes:
        """Return what a file holds without what tells who made the study.

        Raises:
            StudyError: It is no text, or DVC knows it by its bytes.
        """
        if content.is_link or b"\0" in text[:8000] or _is_utf16(text):
            self.refuse_bytes(content.path, text)
            return text
        prose = content.role in (DOCUMENTATION, METADATA)
        pattern, replacements = self._in_prose if prose else self._everywhere
        return pattern.sub(lambda found: _instead(replacements, found), text)

    def refuse_name(self, path: str) -> None:
        """Refuse the name of a file that tells who made the study."""
        if self._in_prose[0].search(path.encode(errors="surrogateescape")):
            mend = f"git mv -- {shlex.quote(path)} <another name>, or: dvc move"
            raise StudyError("its name tells who made the study", printable(path), mend)

    def refuse_bytes(self, path: str, content: bytes) -> None:
        """Refuse a file that cannot be rewritten, and that tells who made the study."""
        is_binary = b"\0" in content
        pattern = (self._in_binary if is_binary else self._everywhere)[0]
        wide = (content.replace(b"\0", b""),) if is_binary else ()  # as UTF-16 has it
        for found in (pattern.search(text) for text in (content, *wide)):
            if found:
                what = "it tells who made the study, and cannot be rewritten"
                said = found[0].decode(errors="replace")
                mend = f"$EDITOR {shlex.quote(path)}, or what writes it"
                raise StudyError(what, printable(f"{path}: {said}"), mend)

    def watch(self, path: str) -> Take:
        """Return what takes a file of DVC chunk by chunk, and refuses it; see `refuse_bytes`."""
        rest = b""

        def take(buffer: bytearray | bytes, count: int) -> None:
            nonlocal rest
            text = rest + bytes(buffer[:count])
            self.refuse_bytes(path, text)
            rest = text[-self._longest :]

        return take

    def _add_author(self, author: object) -> None:
        given, family = getattr(author, "given_names", None), getattr(author, "family_names", None)
        name = str(getattr(author, "name", "") or "")
        if given and family:
            self._names.add((*str(given).split(), *str(family).split()))
            self._names.add((str(given).split()[0], *str(family).split()))
            self._families.add(str(family))
        elif name:
            self._add(name, NAME)
        if len(name.split()) > 1:
            self._names.add(tuple(name.split()))
        orcid = str(getattr(author, "orcid", None) or "")
        self._add(orcid.rpartition("/")[2], ORCID)
        self._add(getattr(author, "email", None), MAIL)
        self._add(getattr(author, "affiliation", None), NAME)

    def _add_address(self, address: str) -> None:
        address = re.sub(r"(?<=://)[^/@]*@", "", address.strip()).rstrip("/")
        self._add(address.removesuffix(".git"), PLACE)
        if "://" in address:  # also as `git@host:owner/name`, and without the scheme
            parts = urlsplit(address)
            path = parts.path.strip("/").removesuffix(".git")
            if path and parts.hostname:
                self._add(f"{parts.hostname}/{path}", PLACE.partition("://")[2])
                self._add(f"{parts.hostname}:{path}", PLACE.partition("://")[2])
                if path.count("/") == 1:
                    self._add(path, "anonymous/study")
        elif found := re.fullmatch(r"[^/@\s]+@([^/:\s]+):(.+)", address):
            self._add_address(f"https://{found[1]}/{found[2]}")

    def _add(self, text: str | None, instead: str) -> None:
        if text and len(text) >= _SHORTEST:
            self._replaced.setdefault(text, instead)

    def _whole(self) -> Iterator[tuple[bytes, str]]:
        # The longest first: one can be a part of another.
        for text in sorted(self._replaced, key=len, reverse=True):
            for form in _forms(text):
                words = _SPACE.join(map(re.escape, form.split()))
                yield words, self._replaced[text]

    def _full_names(self) -> Iterator[tuple[bytes, str]]:
        for words in sorted(self._names, key=lambda one: (-len(one), one)):
            for order in (words, (words[-1], *words[:-1])):
                for parts in zip(*(list(_forms(word)) for word in order), strict=False):
                    yield _BETWEEN.join(map(re.escape, parts)), NAME

    def _single_names(self) -> Iterator[tuple[bytes, str]]:
        given = {word for words in self._names for word in words[:-1] if len(word) > 1}
        for word in sorted({*self._families, *given}, key=lambda one: (-len(one), one)):
            for form in _forms(word):
                # As they are written: `will` and `grace` are words, too.
                yield rb"(?-i:" + re.escape(form) + rb")", NAME


def _word(pattern: bytes) -> bytes:
    return _BEFORE + pattern + _AFTER


Compiled = tuple[re.Pattern[bytes], list[bytes]]


def _compiled(patterns: Iterable[tuple[bytes, str]]) -> Compiled:
    known = dict(patterns)
    joined = b"|".join(b"(" + pattern + b")" for pattern in known) or rb"(?!)"
    return re.compile(joined, re.IGNORECASE), [instead.encode() for instead in known.values()]


def _instead(replacements: list[bytes], found: re.Match[bytes]) -> bytes:
    return replacements[(found.lastindex or 1) - 1]


def _forms(text: str) -> list[bytes]:
    """Return a text as files can hold it: in several encodings, escaped for JSON and addresses."""
    composed = unicodedata.normalize("NFC", text)
    forms = [
        composed.encode(errors="surrogateescape"),
        unicodedata.normalize("NFD", text).encode(errors="surrogateescape"),
        composed.encode("latin-1", "ignore") if composed.isprintable() else b"",
        composed.encode("ascii", "backslashreplace").replace(rb"\x", rb"\u00"),
        quote(composed, safe="/:@").encode(),
        unicodedata.normalize("NFD", text).encode("ascii", "ignore"),
    ]
    return forms


def _is_utf16(text: bytes) -> bool:
    return text[:2] in (b"\xff\xfe", b"\xfe\xff")


def packed(contents: Iterable[Content]) -> list[str]:
    """Return the files in which nothing can be looked for, as their text is packed."""
    return [one.path for one in contents if Path(one.path).suffix.lower() in PACKED]
