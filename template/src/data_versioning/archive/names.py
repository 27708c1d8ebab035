"""Names that every system can unpack, and links that stay inside, before a package has them."""

from __future__ import annotations

import posixpath
import re
import shlex
import unicodedata
from collections.abc import Collection, Iterable, Mapping

from data_versioning.archive.generated import GENERATED
from data_versioning.archive.verify_package import link_problem, name_problem
from data_versioning.errors import StudyError
from data_versioning.wording import printable

# What most names are; nothing is wrong with them, and this is twenty times as fast to see.
_PART = r"[A-Za-z0-9_-][A-Za-z0-9_ .+=@,()-]*"
_SHORT = 200  # letters
_PLAIN = re.compile(f"(?:{_PART}/)*{_PART}")


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
        if (len(path) > _SHORT or not _PLAIN.fullmatch(path)) and (why := name_problem(path)):
            raise StudyError(why, printable(path), mend)
        folded = _folded(path)
        if folded not in known:
            known[folded] = path
            continue
        if not (other := known[folded]):
            what = "a package has a file of this name of its own"
        elif other == path:
            what = "two files have this name"
        else:
            what = f"to other systems its name is that of {printable(other)}"
        raise StudyError(what, printable(path), mend)
    folders: set[str] = set()
    for path in known.values():
        above = posixpath.dirname(path)
        while above and above not in folders:
            folders.add(above)
            above = posixpath.dirname(above)
    for above in sorted(folders):
        if _folded(above) in known:
            what = "it is a file or a link, and a folder too"
            raise StudyError(what, printable(above), _rename(above, above in in_git))


def refuse_links(links: Mapping[str, str]) -> None:
    """Refuse links that lead out of the study, or in a circle.

    Args:
        links: The target of each link, by its path.

    Raises:
        StudyError: Names the link.
    """
    for path in links:
        if why := link_problem(path, dict(links)):
            mend = f"git rm -- {shlex.quote(path)}, and put there what it leads to"
            raise StudyError(why, printable(path), mend)


def _folded(path: str) -> str:
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _rename(path: str, in_git: bool) -> str:
    name = shlex.quote(path)
    if in_git:
        return f"git mv -- {name} <another name>, and commit it"
    return f"mv -- {name} <another name> && dvc commit, and commit it"
