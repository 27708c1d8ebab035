"""Names that every system can unpack, and links that stay inside."""

from __future__ import annotations

import posixpath
import shlex
import unicodedata
from collections.abc import Collection, Iterable, Mapping

from data_versioning.archive.generated import GENERATED
from data_versioning.errors import StudyError
from data_versioning.wording import printable

_FOLLOWED = 40  # links that lead to links; Linux follows as many


def refuse_names(paths: Iterable[str], in_git: Collection[str]) -> None:
    """Refuse names that not every system can unpack, or that two files would share.

    Args:
        paths: Every file of the package, generated ones not.
        in_git: Those that git keeps.

    Raises:
        StudyError: Names the file.
    """
    known = {_folded(name): "" for name in GENERATED}
    for path in paths:
        mend = _rename(path, path in in_git)
        if why := _unportable(path):
            raise StudyError(f"its name {why}", printable(path), mend)
        other = known.setdefault(_folded(path), path)
        if other is path:
            continue
        if not other:
            what = "a package has a file of this name of its own"
        elif other == path:
            what = "two files have this name"
        else:
            what = f"to other systems its name is that of {printable(other)}"
        raise StudyError(what, printable(path), mend)
    for path in known.values():
        above = posixpath.dirname(path)
        while above and _folded(above) not in known:
            above = posixpath.dirname(above)
        if above:
            what = "it is a file or a link, and a folder too"
            raise StudyError(what, printable(above), _rename(above, above in in_git))


def refuse_links(links: Mapping[str, str]) -> None:
    """Refuse links that lead out of the study, or in a circle.

    Args:
        links: The target of each link, by its path.

    Raises:
        StudyError: Names the link.
    """
    for path, target in links.items():
        if why := _leaves(path, target, links):
            mend = f"git rm -- {shlex.quote(path)}, and put there what it leads to"
            raise StudyError(
                f"a link that {why}", f"{printable(path)} -> {printable(target)}", mend
            )


def _unportable(path: str) -> str:
    try:
        path.encode()
    except UnicodeEncodeError:
        return "is not UTF-8"
    parts = path.split("/")
    if path.startswith("/") or parts[0][1:2] == ":":
        return "is absolute"
    if not path or {"", ".", ".."} & set(parts):
        return "leaves the folder it is in"
    if "\\" in path:
        return "has a backslash"
    if any(unicodedata.category(letter) in ("Cc", "Zl", "Zp") for letter in path):
        return "has a control character"
    return ""


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _rename(path: str, in_git: bool) -> str:
    name = shlex.quote(path)
    if in_git:
        return f"git mv -- {name} <another name>, and commit it"
    return f"mv -- {name} <another name> && dvc commit, and commit it"


def _leaves(path: str, target: str, links: Mapping[str, str]) -> str:
    """Return how a link leaves, or nothing if it does not."""
    here = posixpath.dirname(path).split("/") if "/" in path else []
    left = target.split("/")
    followed = 0
    if target.startswith("/"):
        return "is absolute"
    if "\\" in target or not target or _unportable(target.replace("..", "up")) == "is not UTF-8":
        return "not every system can follow"
    while left:
        part = left.pop(0)
        if part in ("", "."):
            continue
        if part == "..":
            if not here:
                return "leads out of the study"
            here.pop()
            continue
        here.append(part)
        if inner := links.get("/".join(here)):
            followed += 1
            if followed > _FOLLOWED:
                return "leads in a circle"
            if inner.startswith("/"):
                return "leads out of the study"
            here.pop()
            left = [*inner.split("/"), *left]
    return ""
