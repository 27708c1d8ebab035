"""A package without who made it: every name, address and identifier taken out of every byte."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

from data_versioning.archive.contents import Content
from data_versioning.archive.digests import Take
from data_versioning.archive.facts import Facts
from data_versioning.archive.name_patterns import Named, Patterns
from data_versioning.archive.package_files import DOCUMENTATION, METADATA
from data_versioning.archive.spellings import is_unspaced, spelled
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
# The folder of a person on a machine; those of images and of servers that run jobs are nobody's.
_HOME = re.compile(
    rb"(?<![\w.-])((?:/home/|/Users/|C:\\{1,2}Users\\{1,2}))(?!(?:anonymous|jovyan|runner|rstudio|root"
    rb"|vscode|ubuntu|docker|user|app|Shared|Public)\b)[A-Za-z0-9][\w.-]*"
)
_NOBODY = ("github", "gitlab", "root", "runner", "ubuntu", "user", "admin", "test", "jovyan")
# Where everybody has repositories or a page of their own.
_PUBLIC = (
    "github.com", "gitlab.com", "bitbucket.org", "codeberg.org", "huggingface.co", "osf.io",
    "zenodo.org", "doi.org", "aspredicted.org", "localhost", "127.0.0.1",
)  # fmt: skip
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
        dois: What else leads to the study.
    """

    def __init__(
        self,
        facts: Facts,
        people: Iterable[tuple[str, str]],
        addresses: Iterable[str],
        dois: Iterable[str] = (),
    ) -> None:
        self._replaced: dict[str, str] = {}
        self._names: set[tuple[str, ...]] = set()
        self._families: set[str] = set()
        for one in facts.authors:
            self._add_author(one)
        for name, mail in people:
            self._add_committer(name.strip(), mail)
        for address in [*addresses, facts.repository, facts.preregistration]:
            self._add_address(address or "")
        for doi in filter(None, (facts.doi, facts.concept_doi, *dois)):
            self._add(doi, DOI)
            # As a badge has it, and an address.
            for shown in (doi, doi.replace("-", "--").replace("_", "__")):
                self._add(quote(shown, safe=""), quote(DOI, safe=""))
        for identifier in (facts.commit, facts.tag, *facts.runs):
            self._add(identifier, ID)
        if facts.commit:
            self._add(facts.commit[:12], ID)
        known = [*self._whole(), *self._full_names(), *self._initials()]
        self._everywhere = Patterns(word for word, _ in known)
        self._in_prose = Patterns([*(word for word, _ in known), *self._single_names()])
        families = [one for one in self._families if len(one) >= _SHORTEST]
        self._in_names = Patterns(
            Named(_BEFORE + spelled(one) + _AFTER, NAME, one) for one in families
        )
        # Beside a name in a binary file any byte can stand.
        wide = [*self._whole(wide=True), *self._full_names(wide=True)]
        self._in_binary = Patterns(bare for _, bare in wide)
        texts = [*self._replaced, *map("   ".join, self._names)]
        self._longest = 16 * max(map(len, texts), default=0) + 256

    def rewritten(self, content: Content, text: bytes) -> bytes:
        """Return what a file holds without what tells who made the study.

        Raises:
            StudyError: It is no text, or DVC knows it by its bytes.
        """
        if content.is_link or b"\0" in text[:8000] or _is_utf16(text):
            self.refuse_bytes(content.path, text)
            return text
        prose = content.role in (DOCUMENTATION, METADATA)
        names = self._in_prose if prose else self._everywhere
        return _HOME.sub(rb"\1anonymous", names.replaced(text))

    def is_in(self, content: Content, text: bytes) -> bool:
        """Tell whether a part of a name, such as a family's, is left in what was rewritten.

        In prose none is; in code it can be a word, so that people have to look.
        """
        return not content.is_link and bool(self._in_prose.search(text))

    def refuse_name(self, path: str) -> None:
        """Refuse the name of a file that tells who made the study."""
        if self.is_in_name(path):
            mend = f"git mv -- {shlex.quote(path)} <another name>, or: dvc move"
            raise StudyError("its name tells who made the study", printable(path), mend)

    def is_in_name(self, path: str) -> bool:
        """Tell whether the name of a file holds one of an author, in whatever case."""
        name = path.encode(errors="surrogateescape")
        return bool(self._in_prose.search(name) or self._in_names.search(name))

    def refuse_bytes(self, path: str, content: bytes) -> None:
        """Refuse a file that cannot be rewritten, and that tells who made the study."""
        is_binary = b"\0" in content
        names = self._in_binary if is_binary else self._everywhere
        wide = (content.replace(b"\0", b""),) if is_binary else ()  # as UTF-16 has it
        for found in (names.search(text) for text in (content, *wide)):
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

    def _add_committer(self, name: str, mail: str) -> None:
        self._add(mail, MAIL)
        if " " in name:
            self._names.add(tuple(name.split()))
        elif name.lower() not in _NOBODY and not name.endswith("[bot]"):
            self._add(name, NAME)
        if found := re.fullmatch(r"(?:\d+\+)?([^@+\s]+)@users\.noreply\.github\.com", mail):
            self._add(f"github.com/{found[1]}", PLACE.partition("://")[2])
            self._add(f"@{found[1]}", "@anonymous")

    def _add_address(self, address: str) -> None:
        address = re.sub(r"(?<=://)[^/@]*@", "", address.strip()).rstrip("/")
        self._add(address.removesuffix(".git"), PLACE)
        if "://" in address:  # also as `git@host:owner/name`, and without the scheme
            parts = urlsplit(address)
            host, path = parts.hostname or "", parts.path.strip("/").removesuffix(".git")
            if path and host:
                self._add(f"{host}/{path}", PLACE.partition("://")[2])
                self._add(f"{host}:{path}", PLACE.partition("://")[2])
                if path.count("/") == 1:
                    self._add(path, "anonymous/study")
            if "." in host and not host.endswith(_PUBLIC):
                self._add(host, "example.org")  # of a university, say
            owner, slash, _ = path.partition("/")
            if slash and host.endswith(_PUBLIC):  # of other repositories, too
                self._add(f"{host}/{owner}", PLACE.partition("://")[2])
                self._add(f"@{owner}", "@anonymous")
                for pages in (".github.io", ".gitlab.io"):
                    self._add(f"{owner}{pages}", "example.org")
        elif found := re.fullmatch(r"[^/@\s]+@([^/:\s]+):(.+)", address):
            self._add_address(f"https://{found[1]}/{found[2]}")

    def _add(self, text: str | None, instead: str) -> None:
        if text and len(text) >= _SHORTEST:
            self._replaced.setdefault(text, instead)

    def _whole(self, wide: bool = False) -> Iterator[tuple[Named, Named]]:
        # The longest first: one can be a part of another.
        for text in sorted(self._replaced, key=len, reverse=True):
            pattern = _SPACE.join(spelled(word, wide) for word in text.split())
            yield _bounded(pattern, text, self._replaced[text])

    def _full_names(self, wide: bool = False) -> Iterator[tuple[Named, Named]]:
        for words in sorted(self._names, key=lambda one: (-len(one), one)):
            for order in (words, (words[-1], *words[:-1])):
                pattern = _BETWEEN.join(spelled(word, wide) for word in order)
                yield _bounded(pattern, " ".join(order), NAME)

    def _initials(self) -> Iterator[tuple[Named, Named]]:
        """Yield `A. Lovelace` and `Lovelace, A.`, as they are written."""
        for words in sorted(self._names):
            if len(words) < 2 or is_unspaced(words[0][0]):
                continue
            first, family = spelled(words[0][0]) + rb"\.", spelled(words[-1])
            more = rb"[\s~]?(?:[A-Z]\.[\s~]?)*"
            for pattern in (first + more + family, family + rb",?[\s~]" + first):
                yield _bounded(b"(?-i:" + pattern + b")", words[-1], NAME)

    def _single_names(self) -> Iterator[Named]:
        given = {word for words in self._names for word in words[:-1] if len(word) > 1}
        families = {*self._families, *(one.upper() for one in self._families)}
        for word in sorted({*families, *given}, key=lambda one: (-len(one), one)):
            pattern = rb"\s+".join(map(spelled, word.split()))
            # As they are written: `will` and `grace` are words, too.
            yield Named(_BEFORE + b"(?-i:" + pattern + b")" + _AFTER, NAME, word)


def _bounded(pattern: bytes, text: str, instead: str) -> tuple[Named, Named]:
    """Return a pattern as a word of its own, and as it is looked for in binary files."""
    before = b"" if is_unspaced(text[:1]) else _BEFORE
    after = b"" if is_unspaced(text[-1:]) else _AFTER
    word = Named(before + pattern + after, instead, text)
    return word, word._replace(pattern=pattern) if len(text.replace(" ", "")) >= _ALONE else word


def _is_utf16(text: bytes) -> bool:
    return text[:2] in (b"\xff\xfe", b"\xfe\xff")


def packed(contents: Iterable[Content]) -> list[str]:
    """Return the files in which nothing can be looked for, as their text is packed."""
    return [one.path for one in contents if Path(one.path).suffix.lower() in PACKED]
