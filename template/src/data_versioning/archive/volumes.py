"""Which file of a package is in which volume, within the limits of an archive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from data_versioning.archive import verify_package as layout
from data_versioning.archive.contents import Content
from data_versioning.archive.limits import LIMITS as LIMITS
from data_versioning.archive.limits import Limits as Limits
from data_versioning.archive.package_files import DATA, RESULT
from data_versioning.archive.settings import is_osf
from data_versioning.errors import StudyError
from data_versioning.wording import printable, sized

SMALLEST = 1024**3  # bytes; below this, data is in the same volume as the code
SHARE = 80  # volumes that data fills at most, unless one of them would be too large
_HEADERS = len(layout.local_header(layout.Entry("", 0, 0, 0, 2**32))) + len(
    layout.central_header(layout.Entry("", 0, 0, 0, 2**32), 2**32)
)  # bytes of a file's two headers at most, without its name
_END = len(layout.end_of_volume(0xFFFF, 2**32, 2**32))
BY_POINTER = "data-versioning package --data pointers"


def limits(archive: str) -> Limits:
    """Return what an archive takes; of servers other than OSF, what Zenodo takes."""
    return LIMITS["osf" if is_osf(archive) else "zenodo"]


def planned(
    name: str, contents: Sequence[Content], archive: Limits, size: int | None = None
) -> dict[str, list[Content]]:
    """Return what is in each volume, by the name of its file, the main one last.

    What DVC keeps is in the main one, too, unless it is too much. Results stay there if they alone
    are not.

    Args:
        name: The name of the package.
        contents: What it holds, in order.
        archive: Where it is to be kept.
        size: Bytes of data in a volume at most; what is larger has one of its own.

    Raises:
        StudyError: The archive does not take this; names the file.
    """
    for one in contents:
        if _cost(one) > archive.file:
            what = f"{archive.name} takes files of {sized(archive.file)} at most"
            where = f"{printable(one.path)} has {sized(one.size)}"
            raise StudyError(what, where, BY_POINTER)
    kept = [one for one in contents if one.file]
    total = sum(one.size for one in kept)
    if total > archive.record:
        what = f"{archive.name} takes {sized(archive.record)} at most"
        raise StudyError(what, f"data and results have {sized(total)}", BY_POINTER)
    size = min(size or max(SMALLEST, -(-total // SHARE)), archive.file)
    main = f"{name}.zip"
    if total <= size:
        return {main: list(contents)}
    results = [one for one in kept if one.role == RESULT]
    apart = [one for one in kept if one.role == DATA] if sum(map(_cost, results)) <= size else kept
    groups = _filled(apart, size)
    while len(groups) >= archive.files and size < archive.file:
        size = min(2 * size, archive.file)
        groups = _filled(apart, size)
    moved = {id(one) for one in apart}
    found = {f"{name}.data-{number:03}.zip": group for number, group in enumerate(groups, 1)}
    found[main] = [one for one in contents if id(one) not in moved]
    if len(found) > archive.files:
        what = f"{archive.name} takes {archive.files} files at most"
        raise StudyError(what, f"the package has {len(found)} volumes", BY_POINTER)
    return found


def refuse_too_large(sizes: Iterable[tuple[str, int]], archive: Limits) -> None:
    """Refuse volumes that an archive does not take, headers and all.

    Args:
        sizes: Name and bytes of each.
        archive: The archive.
    """
    sizes = list(sizes)
    for name, size in [*sizes, ("the package", sum(size for _, size in sizes))]:
        most = archive.record if name == "the package" else archive.file
        if size > most:
            what = f"{archive.name} takes {sized(most)} at most"
            raise StudyError(what, f"{name} has {sized(size)}", BY_POINTER)


def _filled(contents: Iterable[Content], size: int) -> list[list[Content]]:
    groups: list[list[Content]] = []
    room = 0
    for one in contents:
        if not groups or _cost(one) > room:
            groups.append([])
            room = size - _END
        groups[-1].append(one)
        room -= _cost(one)
    return groups


def _cost(one: Content) -> int:
    """Return how many bytes a file has in a volume at most, headers included."""
    return one.size + _HEADERS + 2 * len(one.path.encode())
