"""Verify a package: `python3 verify.py [package]`. Needs Python 3.9 or newer, and nothing else.

A package is a folder of volumes, one of its zip files, or the folder that they were unpacked into.
Nothing is unpacked, nothing is executed, and no network is asked.

This one file is part of the tooling, and of every package as `verify.py`. It also holds the layout
of a volume, which the tooling writes by it and this check reads by it: a zip file (PKWARE's
APPNOTE 6.3) of uncompressed entries, without gaps, comments, data descriptors or extra fields but
those that sizes of 4 GiB and more need. Nothing in it depends on the machine that wrote it. As the
layout leaves no choice, each header is made again from the content and compared byte by byte.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import posixpath
import re
import stat
import struct
import sys
import time
import unicodedata
import urllib.parse
import zlib
from calendar import timegm
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, BinaryIO, NamedTuple

FILE, PROGRAM, LINK = 0o100644, 0o100755, 0o120777  # modes
FORMAT = "data-versioning-package/1"
MANIFEST, SUMS = "MANIFEST.json", "SHA256SUMS"
CRATE, CITATION = "ro-crate-metadata.json", "CITATION.cff"
ROLES = ("code", "data", "result", "environment", "documentation", "metadata")


class Entry(NamedTuple):
    """A volume's entry: `time` in seconds since 1970, UTC; `crc` and `size` of the content."""

    name: str
    mode: int
    time: int
    crc: int
    size: int


_LIMIT = 0xFFFFFFFF  # what does not fit is in an extra field
_UTF8 = 0x0800
_UNIX = 3 << 8


def local_header(entry: Entry) -> bytes:
    """Return what stands before the content of an entry."""
    extra = b""
    size = entry.size
    if size >= _LIMIT:
        extra = struct.pack("<HHQQ", 1, 16, size, size)
        size = _LIMIT
    name = entry.name.encode()
    version = 45 if extra else 20
    date, clock = _dos_time(entry.time)
    fields = (version, _UTF8, 0, clock, date, entry.crc, size, size, len(name), len(extra))
    return struct.pack("<4s5H3L2H", b"PK\3\4", *fields) + name + extra


def central_header(entry: Entry, offset: int) -> bytes:
    """Return an entry's record in the directory at the end of a volume.

    Args:
        entry: The entry.
        offset: Where its local header begins.
    """
    large = []
    size, at = entry.size, offset
    if size >= _LIMIT:
        large += [size, size]
        size = _LIMIT
    if at >= _LIMIT:
        large.append(at)
        at = _LIMIT
    extra = struct.pack(f"<HH{len(large)}Q", 1, 8 * len(large), *large) if large else b""
    name = entry.name.encode()
    version = 45 if extra else 20
    date, clock = _dos_time(entry.time)
    fields = (_UNIX | version, version, _UTF8, 0, clock, date, entry.crc, size, size)
    lengths = (len(name), len(extra), 0, 0, 0, entry.mode << 16, at)
    return struct.pack("<4s6H3L5H2L", b"PK\1\2", *fields, *lengths) + name + extra


def end_of_volume(count: int, offset: int, size: int) -> bytes:
    """Return what stands at the very end of a volume.

    Args:
        count: How many entries it has.
        offset: Where its directory begins.
        size: How long the directory is, in bytes.
    """
    large = b""
    if count >= 0xFFFF or offset >= _LIMIT or size >= _LIMIT:
        fields = (_UNIX | 45, 45, 0, 0, count, count, size, offset)
        large = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, *fields)
        large += struct.pack("<4sLQL", b"PK\6\7", 0, offset + size, 1)
    count, offset, size = min(count, 0xFFFF), min(offset, _LIMIT), min(size, _LIMIT)
    return large + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, size, offset, 0)


_FIRST, _LAST = 315532800, 4354819198  # 1980 to 2107, all that MS-DOS knows


def _dos_time(seconds: int) -> tuple[int, int]:
    """Return a time as MS-DOS knows it, in steps of two seconds from 1980 on: date and time."""
    year, month, day, hour, minute, second = time.gmtime(min(max(seconds, _FIRST), _LAST))[:6]
    return (year - 1980) << 9 | month << 5 | day, hour << 11 | minute << 5 | min(second, 59) // 2


class Finding(NamedTuple):
    """What is wrong, and with which volume or file of the package."""

    path: str
    what: str


class Checked(NamedTuple):
    """A package and what is wrong with it.

    `folder` is that of an unpacked package, else None; `volumes` are the zip files of one that is
    not; `manifest` is empty where it cannot be read; `size` is in bytes.
    """

    folder: str | None
    volumes: list[str]
    manifest: dict[str, Any]
    findings: list[Finding]
    files: int
    size: int


class NoPackage(Exception):
    """There is no package at a path."""


class Broken(Exception):
    """A volume that cannot be read any further."""


class Record(NamedTuple):
    """An entry as the directory of a volume has it, `time` left out; `raw` are the record's bytes.

    `at` is where the directory says that the entry begins.
    """

    entry: Entry
    at: int
    method: int
    flags: int
    raw: bytes


class Found(NamedTuple):
    """A file of the package as it is; `mode` is one of `FILE`, `PROGRAM`, `LINK`, or another."""

    size: int
    sha256: str
    md5: str
    mode: int
    volume: str


_CHUNK = 1 << 20
_TEXT = 1 << 30  # bytes of a text that is read as a whole
_END, _ENDS = 22, 98  # bytes of the end of a volume, and with that of a large one


def directory(file: BinaryIO) -> tuple[list[Record], int, bytes]:
    """Return the records of a volume's directory, where it begins, and what stands behind it.

    Raises:
        Broken: It is no zip file, or not a whole one.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _ENDS))
    tail = file.read(_ENDS)
    if len(tail) < _END or tail[-_END:-18] != b"PK\5\6":
        raise Broken(f"no zip file, cut off, or something is behind its end: {size} bytes")
    length, start = struct.unpack("<2L", tail[-10:-2])
    ends = _END
    if tail[-42:-38] == b"PK\6\7" and len(tail) == _ENDS and tail[:4] == b"PK\6\6":
        length, start = struct.unpack("<2Q", tail[-58:-42])
        ends = _ENDS
    if start + length + ends != size:
        raise Broken(f"cut off or grown: {size} bytes, by its end {start + length + ends}")
    file.seek(start)
    records = []
    at = start
    while at < size - ends:
        fixed = file.read(46)
        if fixed[:4] != b"PK\1\2" or at + 46 > size - ends:
            raise Broken(f"its directory is damaged at byte {at}")
        fields = struct.unpack("<6H3L5H2L", fixed[4:])
        flags, method, crc, packed, plain = fields[2], fields[3], *fields[6:9]
        named, extra, comment = fields[9:12]
        variable = file.read(named + extra + comment)
        at += 46 + named + extra + comment
        if at > size - ends:
            raise Broken("its directory is damaged: a record is longer than the directory")
        try:
            name = variable[:named].decode()
        except UnicodeDecodeError:
            raise Broken(f"a name in it is no UTF-8: {variable[:named]!r}") from None
        numbers = variable[named + 4 : named + extra]
        large = list(struct.unpack(f"<{len(numbers) // 8}Q", numbers[: len(numbers) // 8 * 8]))
        plain, packed, begin = (
            large.pop(0) if number == _LIMIT and large else number
            for number in (plain, packed, fields[15])
        )
        entry = Entry(name, fields[14] >> 16, 0, crc, packed)
        flags |= 1 if plain != packed and method == 0 else 0
        records.append(Record(entry, begin, method, flags, fixed + variable))
    return records, start, tail[-ends:]


_LEAVES = "a name that leaves its folder"
# Of a part, as most file systems have it, and of all, as macOS has it.
_LONGEST, _DEEPEST = 255, 1023
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")  # these show what follows backwards
_FOLLOWED = 40  # links on the way of a link; Linux follows as many


def name_problem(name: str) -> str:
    """Return why a name could be unpacked elsewhere, or not everywhere; empty if it is safe."""
    if is_too_long(name):
        return "a name that is too long"
    parts = name.split("/")
    if name.startswith("/") or re.match("[A-Za-z]:", name):
        return "an absolute name"
    if "\\" in name:
        return "a backslash in its name"
    control = any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in name)
    if control or _TURNING.search(name):
        return "a control character in its name"
    if any(part in ("", ".", "..") for part in parts):
        return _LEAVES
    if any(part.casefold() == ".git" for part in parts):
        return "a name that git would take for its own"
    return ""


def is_too_long(name: str) -> bool:
    """Tell whether a name is one that systems cannot unpack."""
    encoded = name.encode(errors="surrogatepass")
    return len(encoded) > _DEEPEST or any(len(part) > _LONGEST for part in encoded.split(b"/"))


def link_problem(name: str, links: dict[str, str]) -> str:
    """Return why a link of the package leads out of it, or nowhere; empty if it stays inside.

    Args:
        name: The link.
        links: Where each link leads.
    """
    here = name.split("/")[:-1]
    left = links[name].split("/")
    followed = 0
    while left:
        part = left.pop(0)
        if part == ".." and here:
            here.pop()
        elif part == ".." or name_problem(part) not in ("", _LEAVES):
            return f"a link out of the package: {printable(links[name])}"
        elif part not in ("", "."):
            here.append(part)
        inner = links.get("/".join(here))
        if inner is not None:  # as systems do, it follows links on its way
            followed += 1
            here.pop()
            left = [*inner.split("/"), *left]
            if inner.startswith("/"):
                return f"a link out of the package: {printable(links[name])}"
        if followed > _FOLLOWED:
            return f"a link in a circle: {printable(links[name])}"
    if not links[name]:
        return "a link to nowhere"
    outside = links[name].startswith("/")
    return f"a link out of the package: {printable(links[name])}" if outside else ""


def printable(text: str) -> str:
    """Return any text as one line, without characters that hide or turn what is around them."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)[:300]


def check(path: str | os.PathLike[str] = ".", compiled: bool = False) -> list[Finding]:
    """Return what is wrong with a package; see `examine`."""
    return examine(path, compiled).findings


def examine(path: str | os.PathLike[str] = ".", compiled: bool = False) -> Checked:
    """Check a package: its sums, the structure of its volumes, and what it says of itself.

    Args:
        path: A folder of volumes, one zip file, or an unpacked package.
        compiled: Whether an unpacked package may hold what Python compiled: importing from it
            makes such files.

    Raises:
        NoPackage: There is none.
    """
    return _Check(os.fspath(path), compiled).run()


class _Check:
    """One check of one package."""

    def __init__(self, path: str, compiled: bool) -> None:
        self._path = path
        self._compiled = compiled
        self._findings: dict[Finding, None] = {}
        self._found: dict[str, Found] = {}
        self._kept: dict[str, bytes] = {}  # the files that are read, not only summed
        self._manifest: dict[str, Any] = {}
        self._files: dict[str, dict[str, Any]] = {}  # those of the manifest
        self._volumes: list[str] = []  # by name
        self._lost: set[str] = set()  # volumes of which not all could be read
        self._time: int | None = None  # of every entry
        self._progress = _Progress()

    def run(self) -> Checked:
        path = self._path
        unpacked = os.path.isfile(os.path.join(path, MANIFEST))
        home = path if os.path.isdir(path) else os.path.dirname(path) or "."
        if not os.path.exists(path):
            raise NoPackage(f"there is nothing: {path}")
        if unpacked:
            self._folder(path)
        elif os.path.isdir(path):
            try:
                names = sorted(os.listdir(path))
            except OSError as error:
                raise NoPackage(f"it cannot be read: {path}: {error.strerror}") from None
            volumes = [name for name in names if name.endswith(".zip")]
            if not volumes:
                raise NoPackage(f"no package: neither zip files nor a {MANIFEST} in {path}")
            for name in names:
                if name not in volumes:
                    self._add(name, "not a volume of this package")
            self._read_volumes(home, volumes, alone=False)
        else:
            self._read_volumes(home, [os.path.basename(path)], alone=True)
        self._sums()
        self._agreement()
        if CRATE in self._kept:
            self._crate()
        if CITATION in self._kept:
            self._citation()
        self._machine_paths()
        self._progress.end()
        volumes = [] if unpacked else [os.path.join(home, name) for name in self._volumes]
        found = list(self._findings)
        size = sum(one.size for one in self._found.values())
        folder = path if unpacked else None
        return Checked(folder, volumes, self._manifest, found, len(self._found), size)

    def _add(self, path: str, what: str) -> None:
        self._findings[Finding(printable(path), printable(what))] = None

    # --- volumes ---------------------------------------------------------------------------------

    def _read_volumes(self, home: str, names: list[str], alone: bool) -> None:
        volumes: dict[str, tuple[BinaryIO, list[Record], int, bytes]] = {}
        self._open(home, names, volumes)
        for name, (file, records, _, _) in volumes.items():
            size = file.seek(0, os.SEEK_END)
            for record in records:
                known = self._kept.get(MANIFEST)
                if record.entry.name == MANIFEST and not known and record.at < size:
                    file.seek(record.at + len(local_header(record.entry)))
                    self._kept[MANIFEST] = file.read(min(record.entry.size, _TEXT))
                    self._volumes = [name]
        self._read_manifest()
        listed = self._manifest.get("volumes", [])
        here = {name for name in listed if os.path.lexists(os.path.join(home, name))}
        for name in listed:
            if name not in here:
                self._add(name, f"missing: {MANIFEST} names this volume")
                self._lost.add(name)
        if alone:
            if not self._manifest:
                self._add(names[0], f"there is no readable {MANIFEST} in it: give the first volume")
            more = [name for name in listed if name in here and name not in names]
            self._open(home, more, volumes)
            names = [*names, *more]
        for name in names:
            if listed and name not in listed:
                self._add(name, f"not a volume of this package, by {MANIFEST}")
        self._volumes = names
        sizes = [file.seek(0, os.SEEK_END) for file, _, _, _ in volumes.values()]
        self._progress.begin(sum(sizes))
        for name, (file, records, start, end) in volumes.items():
            try:
                with file:
                    self._volume(name, file, records, start, end)
            except Broken as error:
                self._add(name, str(error))
                self._lost.add(name)
            except OSError as error:
                self._unreadable(name, error)

    def _open(self, home: str, names: list[str], volumes: dict[str, Any]) -> None:
        for name in names:
            path = os.path.join(home, name)
            try:
                if not stat.S_ISREG(os.stat(path).st_mode):
                    raise Broken("not a file")
                file = open(path, "rb")  # noqa: SIM115 (closed when its content was read)
                volumes[name] = (file, *directory(file))
            except Broken as error:
                self._add(name, str(error))
                self._lost.add(name)
            except OSError as error:
                self._unreadable(name, error)

    def _unreadable(self, name: str, error: OSError) -> None:
        self._add(name, f"cannot be read: {error.strerror or error}")
        self._lost.add(name)

    def _volume(
        self, volume: str, file: BinaryIO, records: list[Record], start: int, end: bytes
    ) -> None:
        """Compare every byte of a volume with what its content and the manifest make it."""
        at = 0
        directory_at = start
        for record in records:
            entry = record.entry
            expected = self._expected(volume, record)
            header = local_header(expected)
            if at + len(header) + entry.size > start:
                raise Broken(f"{printable(entry.name)}: longer than the volume: {entry.size} bytes")
            file.seek(at)
            read = file.read(len(header))
            if read[:4] != header[:4]:
                raise Broken(f"{printable(entry.name)} does not begin at byte {at}")
            problem = self._compare(volume, read, header, at, f"header of {entry.name}")
            central = central_header(expected, at)
            problem |= self._compare(
                volume, record.raw, central, directory_at, f"record of {entry.name}"
            )
            directory_at += len(record.raw)
            at += len(header)
            self._progress.step(entry.name)
            self._content(volume, file, expected, problem)
            at += entry.size
        if at != start:
            raise Broken(f"there is something between its entries and its directory: byte {at}")
        made = end_of_volume(len(records), start, directory_at - start)
        self._compare(volume, end, made, directory_at, "its end")

    def _expected(self, volume: str, record: Record) -> Entry:
        """Return an entry as it has to be."""
        entry = record.entry
        if record.flags & 1:
            self._add(entry.name, f"encrypted, or of two sizes, in {volume}")
        if record.method:
            what = f"compressed in {volume} (method {record.method}); a package never is"
            self._add(entry.name, what)
        if entry.mode not in (FILE, PROGRAM, LINK):
            self._add(entry.name, f"neither a file nor a link in {volume}: mode {entry.mode:o}")
        return entry._replace(time=self._time or 0)

    def _compare(self, volume: str, found: bytes, made: bytes, at: int, what: str) -> bool:
        """Report the first byte in which something differs from what it has to be."""
        if found == made or self._time is None:
            return False
        pairs = list(zip(found, made))  # noqa: B905 (strict= is newer than Python 3.9)
        first = next((i for i, (one, other) in enumerate(pairs) if one != other), len(pairs))
        is_, not_ = (
            found[first : first + 1].hex() or "none",
            made[first : first + 1].hex() or "none",
        )
        self._add(volume, f"{printable(what)}: byte {at + first} is {is_}, not {not_}")
        return True

    def _content(self, volume: str, file: BinaryIO, entry: Entry, reported: bool) -> None:
        if entry.name in self._found:
            self._add(entry.name, f"twice in the package: in {self._found[entry.name].volume}"
                      f" and in {volume}")  # fmt: skip
        crc = self._sum(entry.name, file, entry.size, entry.mode, volume)
        listed = self._files.get(entry.name)
        by_sum = listed is not None and listed["sha256"] != self._found[entry.name].sha256
        if crc != entry.crc and not by_sum and not reported:
            what = f"its CRC-32 in {volume} is {entry.crc:08x}, that of its content {crc:08x}"
            self._add(entry.name, what)

    def _sum(self, name: str, file: BinaryIO, size: int, mode: int, volume: str) -> int:
        """Read a file to its end, note its sums, and return its CRC-32."""
        keep = size <= _TEXT and _is_read(name, mode)
        sha, md5, crc = hashlib.sha256(), hashlib.md5(), 0
        kept = []
        left = size
        while left:
            chunk = file.read(min(left, _CHUNK))
            if not chunk:
                raise Broken(f"{printable(name)} ends {left} bytes early")
            left -= len(chunk)
            # The slowest of the sums has a processor of its own.
            slow = self._progress.pool.submit(md5.update, chunk) if len(chunk) == _CHUNK else None
            sha.update(chunk)
            crc = zlib.crc32(chunk, crc)
            if slow:
                slow.result()
            else:
                md5.update(chunk)
            if keep:
                kept.append(chunk)
            self._progress.step(name, len(chunk))
        if keep:
            self._kept[name] = b"".join(kept)
        self._found[name] = Found(size, sha.hexdigest(), md5.hexdigest(), mode, volume)
        return crc

    # --- an unpacked package ---------------------------------------------------------------------

    def _folder(self, top: str) -> None:
        try:
            with open(os.path.join(top, MANIFEST), "rb") as file:
                self._kept[MANIFEST] = file.read(_TEXT)
        except OSError as error:
            self._unreadable(MANIFEST, error)
        self._read_manifest()
        self._progress.begin(sum(file["size"] for file in self._files.values()))
        known = {MANIFEST, SUMS, *self._files}
        folders = {parent for path in known if not is_too_long(path) for parent in _parents(path)}
        for name, path, mode in self._walk(top, "", folders):
            try:
                if mode == LINK:
                    target = os.fsencode(os.readlink(path))
                    sums = hashlib.sha256(target).hexdigest(), hashlib.md5(target).hexdigest()
                    self._found[name] = Found(len(target), *sums, LINK, "")
                    self._kept[name] = target
                else:
                    with open(path, "rb") as opened:
                        self._sum(name, opened, os.fstat(opened.fileno()).st_size, mode, "")
            except Broken as error:
                self._add(name, str(error))
            except OSError as error:
                self._unreadable(name, error)

    def _walk(self, top: str, inside: str, folders: set[str]) -> Iterator[tuple[str, str, int]]:
        """Yield name, path and mode of every file and link; those of foreign folders are reported.

        `folders` are those that files of the package lie in.
        """
        try:
            inner = sorted(os.scandir(top), key=lambda one: one.name)
        except OSError as error:
            self._unreadable(inside or ".", error)
            return
        for one in inner:
            name = f"{inside}{one.name}"
            if one.is_symlink():
                yield name, one.path, LINK
            elif one.is_dir():
                if one.name == "__pycache__" and self._compiled:
                    continue
                if name in folders:
                    yield from self._walk(one.path, f"{name}/", folders)
                else:
                    self._add(f"{name}/", "a folder that is not in the package")
            elif one.is_file():
                yield name, one.path, FILE
            else:
                self._add(name, "neither a file nor a folder")

    # --- what the package says of itself ---------------------------------------------------------

    def _read_manifest(self) -> None:
        """Take over what is well-formed of the manifest, and report the rest."""
        text = self._kept.get(MANIFEST)
        parsed = _json(text) if text is not None else None
        if text is None:
            self._add(MANIFEST, "missing")
        elif isinstance(parsed, str):
            self._add(MANIFEST, parsed)
        elif not isinstance(parsed, dict) or parsed.get("format") != FORMAT:
            self._add(MANIFEST, f"not of the format {FORMAT}")
        else:
            problems = [problem for problem in _misshapen(parsed)]
            for problem in problems:
                self._add(MANIFEST, problem)
            if not problems:
                self._manifest = parsed
                self._files = {file["path"]: file for file in parsed["files"]}
                self._time = _seconds(parsed["commit_time"])

    def _sums(self) -> None:
        """Compare `SHA256SUMS` with every file."""
        if SUMS not in self._kept:
            if not self._lost:
                self._add(SUMS, "missing")
            return
        sums: dict[str, str] = {}
        lines = self._kept[SUMS].decode(errors="replace").split("\n")
        for number, line in enumerate(lines[:-1], 1):
            match = re.fullmatch("([0-9a-f]{64})  (.+)", line)
            if not match or match[2] in sums:
                self._add(SUMS, f"line {number} is not a sum of sha256sum, or one again")
            else:
                sums[match[2]] = match[1]
        if lines[-1]:
            self._add(SUMS, "its last line has no end")
        if list(sums) != sorted(sums, key=lambda name: name.encode(errors="replace")):
            self._add(SUMS, "its lines are not in order")
        for name, found in self._found.items():
            if name == SUMS or found.mode == LINK:  # which sha256sum would follow
                continue
            if name not in sums:
                self._add(name, f"not in {SUMS}")
            elif sums[name] != found.sha256:
                listed = self._files.get(name, {}).get("sha256", found.sha256)
                if listed == found.sha256:  # else the comparison with the manifest says it
                    self._add(name, f"SHA-256 {found.sha256}, in {SUMS} {sums[name]}")
        for name, listed in sums.items():
            file = self._files.get(name)
            if file and file["sha256"] != listed:
                self._add(SUMS, f"{name}: {listed}, in {MANIFEST} {file['sha256']}")
            if name not in self._found and name not in self._files:
                self._lacks(name, "")
        for name, file in self._files.items():
            if name not in sums and MODES[file["mode"]] != LINK:
                self._add(SUMS, f"{name}: missing")

    def _agreement(self) -> None:
        """Compare the manifest with every file, and the names with each other."""
        reported = {finding.path for finding in self._findings}
        self._names()
        if not self._manifest:
            return
        swapped = self._swapped()
        for name, file in self._files.items():
            found = self._found.get(name)
            if found is None:
                if printable(name) not in reported:  # else it is there, but something else
                    self._lacks(name, file["volume"])
                continue
            if (found.size, found.sha256) != (file["size"], file["sha256"]):
                sizes = f"{found.size} bytes, {file['size']} in {MANIFEST}; "
                sizes = sizes if found.size != file["size"] else f"{found.size} bytes, as listed; "
                what = f"its content differs: {sizes}SHA-256 {found.sha256}, not {file['sha256']}"
                self._add(name, what)
            elif found.md5 != file["md5"]:
                self._add(name, f"MD5 {found.md5}, in {MANIFEST} {file['md5']}")
            mode = MODES[file["mode"]]
            if found.volume and found.volume != file["volume"] and found.volume not in swapped:
                self._add(name, f"in {found.volume}, not in {file['volume']}")
            if (mode == LINK) != (found.mode == LINK) or (found.volume and found.mode != mode):
                self._add(name, f"mode {found.mode:o}, in {MANIFEST} {mode:o}")
        for name in self._found.keys() - self._files.keys() - {MANIFEST, SUMS}:
            self._add(name, f"not in {MANIFEST}")
        for name in (CRATE, CITATION):
            if name not in self._files:
                self._add(name, f"missing, and not in {MANIFEST}")

    def _lacks(self, name: str, volume: str) -> None:
        # Of a volume that is not there, or broken, its own finding says enough.
        if volume not in self._lost and (volume or not self._lost):
            self._add(name, "missing")

    def _swapped(self) -> set[str]:
        """Report the volumes that hold what belongs into another one, and return them."""
        swapped = set()
        for volume in self._volumes:
            here = [name for name, found in self._found.items() if found.volume == volume]
            meant = {self._files[name]["volume"] for name in here if name in self._files}
            if len(meant) == 1 and volume not in meant:
                self._add(volume, f"it is {meant.pop()}, by what it holds")
                swapped.add(volume)
        return swapped

    def _names(self) -> None:
        links = {
            name: self._kept[name].decode(errors="surrogateescape")
            for name, found in self._found.items()
            if found.mode == LINK and name in self._kept
        }
        folded: dict[str, str] = {}
        for name in dict.fromkeys([*self._found, *self._files]):
            if problem := name_problem(name):
                self._add(name, problem)
            plain = unicodedata.normalize("NFC", name).casefold()
            same = folded.setdefault(unicodedata.normalize("NFC", plain), name)
            if same != name:
                self._add(name, f"the same name as {printable(same)}, on some machines")
            for parent in () if is_too_long(name) else _parents(name):
                if parent in self._found:
                    self._add(name, f"it lies in {printable(parent)}, which is no folder")
            if name in links and (problem := link_problem(name, links)):
                self._add(name, problem)

    def _crate(self) -> None:
        """Check that the RO-Crate describes the package and lists its files (RO-Crate 1.1, 2)."""
        parsed = _json(self._kept[CRATE])
        graph = parsed.get("@graph") if isinstance(parsed, dict) else None
        if not isinstance(graph, list) or not isinstance(parsed, dict) or "@context" not in parsed:
            self._add(CRATE, parsed if isinstance(parsed, str) else "no @context and @graph")
            return
        entities = {one["@id"]: one for one in graph
                    if isinstance(one, dict) and isinstance(one.get("@id"), str)}  # fmt: skip
        if len(entities) != len(graph):
            self._add(CRATE, "an entity without @id, or twice")
        descriptor = entities.get(CRATE, {})
        root = entities.get("./", {})
        if descriptor.get("about") != {"@id": "./"} or not _is(descriptor, "CreativeWork"):
            self._add(CRATE, "no descriptor of the crate")
        if not _is(root, "Dataset"):
            self._add(CRATE, "no root dataset")
        described = {_local(one): entity for one, entity in entities.items() if _is(entity, "File")}
        for name in self._files:
            if name not in described and name != CRATE:
                self._add(CRATE, f"it does not list {name}")
        pointers = {pointer["path"] for pointer in self._manifest.get("pointers", [])}
        for name, entity in described.items():
            file = self._files.get(name)
            if file is None:
                outside = pointers.intersection([name, *_parents(name)]) or _IRI.match(name)
                if self._manifest and not outside and name not in (MANIFEST, SUMS):
                    self._add(CRATE, f"it lists {printable(name)}, which is not in the package")
                continue
            for key, what in (("sha256", file["sha256"]), ("contentSize", str(file["size"]))):
                if key in entity and str(entity[key]) != what:
                    self._add(CRATE, f"{name}: {key} {printable(str(entity[key]))}, not {what}")

    def _citation(self) -> None:
        """Check that the citation has the least that it needs (Citation File Format 1.2)."""
        text = self._kept[CITATION].decode(errors="replace")
        for key in ("cff-version", "message", "title", "authors"):
            # Its value is on its line, or on the next one, if that is indented or of a list.
            value = r"[^\s#]|(?:#.*)?\r?\n(?:[ \t]*(?:#.*)?\r?\n)*(?:- |[ \t]+[^\s#])"
            if not re.search(rf"^{key}:[ \t]*(?:{value})", text, re.MULTILINE):
                self._add(CITATION, f"it has no {key}")

    def _machine_paths(self) -> None:
        """Report paths that exist on one machine only."""
        for name, content in self._kept.items():
            base = posixpath.basename(name)
            if base in ("dvc.yaml", "dvc.lock"):
                texts = enumerate(content.decode(errors="replace").splitlines(), 1)
                places: Iterable[tuple[str, str]] = ((f"line {one}", line) for one, line in texts)
            elif name in (MANIFEST, CRATE):
                places = _strings(self._manifest if name == MANIFEST else _json(content), "")
            else:
                continue
            for place, text in places:
                if match := _OF_A_MACHINE.search(text):
                    what = f"{printable(place)}: a path of one machine: {printable(match[0])}"
                    self._add(name, what)


MODES = {format(mode, "o"): mode for mode in (FILE, PROGRAM, LINK)}
_OF_A_MACHINE = re.compile(
    r"(?<![\w.:/-])(?:/(?:home|Users|root|mnt|media|scratch|tmp|private|Volumes)/|[A-Za-z]:\\|file:/)"
    r"[^\s\"']*"
)
_IRI = re.compile("[A-Za-z][A-Za-z0-9+.-]+:")  # of what is not a path in the package
_HEX = re.compile("[0-9a-f]*")
_NONE = type(None)
_SHAPE: dict[str, tuple[type, ...]] = {
    "format": (str,), "study": (dict,), "commit": (str, _NONE), "commit_time": (str,),
    "tag": (str, _NONE), "phase": (str, _NONE), "runs": (list,), "dvc_lock": (str, _NONE),
    "environment": (dict,), "anonymous": (bool,), "data": (str,), "volumes": (list,),
    "tolerances": (dict,), "claims": (list,), "files": (list,), "pointers": (list,),
}  # fmt: skip
_FILE: dict[str, tuple[type, ...]] = {
    "path": (str,), "role": (str,), "size": (int,), "sha256": (str,), "md5": (str,),
    "stage": (str, _NONE), "origin": (str,), "volume": (str,), "mode": (str,),
}  # fmt: skip
_POINTER: dict[str, tuple[type, ...]] = {
    "path": (str,), "role": (str,), "md5": (str,), "size": (int, _NONE), "nfiles": (int, _NONE),
    "stage": (str, _NONE), "remote": (str, _NONE), "url": (str, _NONE),
}  # fmt: skip


def _misshapen(manifest: dict[str, Any]) -> Iterator[str]:
    """Yield what in a manifest is not as it has to be."""
    yield from _untyped("", manifest, _SHAPE)
    if not any(_untyped("", manifest, _SHAPE)):
        volumes = manifest["volumes"]
        if not volumes or not all(isinstance(one, str) for one in volumes):
            yield "volumes: not a list of names"
        elif any(name_problem(one) or "/" in one or not one.endswith(".zip") for one in volumes):
            yield "volumes: not a name of a volume"
        if _seconds(manifest["commit_time"]) is None:
            yield f"commit_time: not a time: {printable(manifest['commit_time'])}"
        for key in ("claims", "tolerances"):
            entries = manifest[key]
            values = entries.values() if isinstance(entries, dict) else entries
            if not all(isinstance(one, dict) for one in values):
                yield f"{key}: not what study.yaml may have there"
            elif key == "tolerances":
                numbers = (number for one in values for number in one.values())
                if not all(type(one) in (int, float) and 0 <= one < 1e300 for one in numbers):
                    yield f"{key}: not a number of 0 and more"
        seen = {MANIFEST, SUMS}
        for number, file in enumerate(manifest["files"]):
            problems = list(_untyped(f"files[{number}]", file, _FILE))
            yield from problems
            if not problems:
                yield from _strange(f"files[{number}]", file, volumes)
                if file["path"] in seen:
                    yield f"files[{number}]: a path again: {printable(file['path'])}"
                seen.add(file["path"])
        for number, pointer in enumerate(manifest["pointers"]):
            problems = list(_untyped(f"pointers[{number}]", pointer, _POINTER))
            yield from problems
            if not problems and name_problem(pointer["path"]):
                yield f"pointers[{number}]: {name_problem(pointer['path'])}"


def _untyped(where: str, value: Any, shape: dict[str, tuple[type, ...]]) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where}: not an object"
        return
    for key, types in shape.items():
        if key not in value:
            yield f"{where}{'.' if where else ''}{key}: missing"
        elif type(value[key]) not in types:
            yield f"{where}{'.' if where else ''}{key}: of the wrong type"


def _strange(where: str, file: dict[str, Any], volumes: list[Any]) -> Iterator[str]:
    if file["role"] not in ROLES:
        yield f"{where}.role: not one of {', '.join(ROLES)}"
    if file["volume"] not in volumes:
        yield f"{where}.volume: not one of the volumes"
    if file["mode"] not in MODES:
        yield f"{where}.mode: not one of {', '.join(MODES)}"
    if file["size"] < 0:
        yield f"{where}.size: below 0"
    for key, length in (("sha256", 64), ("md5", 32)):
        if len(file[key]) != length or not _HEX.fullmatch(file[key]):
            yield f"{where}.{key}: not {length} hexadecimal digits"


def _seconds(text: str) -> int | None:
    """Return a time of the manifest in seconds since 1970, or None if it is none."""
    match = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z", text, re.ASCII)
    try:
        return timegm(tuple(map(int, match.groups()))) if match else None  # type: ignore[arg-type]
    except ValueError:
        return None


def _json(text: bytes) -> Any:
    """Return what a JSON text holds; in the place of a broken one, a sentence about it."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            raise ValueError("a key twice")
        return made

    try:
        parsed = json.loads(text.decode(), object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        reason = "nested too deep" if isinstance(error, RecursionError) else str(error)
        return f"no valid JSON: {printable(reason)}"
    return parsed if isinstance(parsed, (dict, list)) else "no valid JSON: neither list nor object"


def _strings(value: Any, where: str) -> Iterator[tuple[str, str]]:
    """Yield the texts in a JSON value and where they are, but for the addresses of pointers."""
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, dict):
        for key, one in value.items():
            if key not in ("url", "contentUrl"):  # a storage can be a folder
                yield from _strings(one, f"{where}.{key}" if where else key)
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _strings(one, f"{where}[{number}]")


def _is_read(name: str, mode: int) -> bool:
    base = posixpath.basename(name)
    return mode == LINK or name in (SUMS, CRATE, CITATION) or base in ("dvc.yaml", "dvc.lock")


def _is(entity: dict[str, Any], kind: str) -> bool:
    types = entity.get("@type")
    return kind in (types if isinstance(types, list) else [types])


def _local(identifier: str) -> str:
    """Return the path of a crate's file from its relative address."""
    path = identifier[2:] if identifier.startswith("./") else identifier
    return urllib.parse.unquote(path)


def _parents(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


class _Progress:
    """How far the check is, on a terminal."""

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(1)
        self._shown = sys.stderr.isatty()
        self._total = self._done = 0
        self._next = 0.0

    def begin(self, total: int) -> None:
        self._total = max(total, 1)

    def step(self, name: str, size: int = 0) -> None:
        self._done += size
        if self._shown and time.monotonic() >= self._next:
            self._next = time.monotonic() + 0.2
            percent = min(100 * self._done // self._total, 100)
            sys.stderr.write(f"\r\x1b[K{percent:3} %  {printable(name)[:60]}")
            sys.stderr.flush()

    def end(self) -> None:
        self.pool.shutdown()
        if self._shown:
            sys.stderr.write("\r\x1b[K")


def text_of(checked: Checked, most: int = 100) -> str:
    """Return a line for each finding, and one that counts."""
    lines = [f"{path}: {what}" for path, what in checked.findings[:most]]
    if len(checked.findings) > most:
        lines.append(f"and {len(checked.findings) - most} more")
    of = f"{checked.files} files, {checked.size} bytes"
    found = len(checked.findings)
    said = f"{found} finding{'' if found == 1 else 's'}" if found else "the package is whole"
    return "\n".join([*lines, f"{said}: {of}"])


def as_dict(checked: Checked) -> dict[str, Any]:
    """Return it as what JSON can hold."""
    findings = [finding._asdict() for finding in checked.findings]
    counts = {"files": checked.files, "size": checked.size}
    return {"whole": not findings, "findings": findings, **counts}


def main(argv: list[str] | None = None, compiled: bool = False) -> int:
    """Check a package and print what is wrong: 0 if nothing is, 1 if something is, 2 if misused.

    Args:
        argv: The arguments; those of the command line when not given.
        compiled: See `examine`.
    """
    parser = argparse.ArgumentParser(description="Check that a package is whole and unchanged.")
    here = os.path.dirname(os.path.abspath(__file__))
    text = "a folder of volumes, a zip file, or an unpacked package (default: where this file lies)"
    parser.add_argument("path", nargs="?", default=here, help=text)
    parser.add_argument("--json", action="store_true", help="print the result as JSON, only that")
    args = parser.parse_args(argv)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        checked = examine(args.path, compiled)
    except NoPackage as error:
        print(f"error: {printable(str(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    print(json.dumps(as_dict(checked), indent=2) if args.json else text_of(checked))
    return int(bool(checked.findings))


if __name__ == "__main__":
    sys.exit(main())
