"""Verify a package: `python3 verify.py [package]`. Needs Python 3.9 or newer, and nothing else.

This one file is part of the tooling, and of every package as `verify.py`. It also holds the layout
of a volume, which the tooling writes by it and this check reads by it: a zip file (PKWARE's
APPNOTE 6.3) of uncompressed entries, without gaps, comments, data descriptors or extra fields but
those that sizes of 4 GiB and more need. Nothing in it depends on the machine that wrote it.
"""

from __future__ import annotations

import struct
from collections import namedtuple

FILE, PROGRAM, LINK = 0o100644, 0o100755, 0o120777  # modes
# A volume's entry: `time` in seconds since 1970, UTC; `crc` and `size` of the content.
Entry = namedtuple("Entry", "name mode time crc size")

_LIMIT = 0xFFFFFFFF  # what does not fit is in an extra field
_UTF8 = 0x0800
_UNIX = 3 << 8


def local_header(entry):
    """Return what stands before the content of an entry."""
    extra = b""
    size = entry.size
    if size >= _LIMIT:
        extra = struct.pack("<HHQQ", 1, 16, size, size)
        size = _LIMIT
    name = entry.name.encode()
    version = 45 if extra else 20
    date, time = _dos_time(entry.time)
    fields = (version, _UTF8, 0, time, date, entry.crc, size, size, len(name), len(extra))
    return struct.pack("<4s5H3L2H", b"PK\3\4", *fields) + name + extra


def central_header(entry, offset):
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
    date, time = _dos_time(entry.time)
    fields = (_UNIX | version, version, _UTF8, 0, time, date, entry.crc, size, size)
    lengths = (len(name), len(extra), 0, 0, 0, entry.mode << 16, at)
    return struct.pack("<4s6H3L5H2L", b"PK\1\2", *fields, *lengths) + name + extra


def end_of_volume(count, offset, size):
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


def _dos_time(seconds):
    """Return a time as MS-DOS knows it, in steps of two seconds from 1980 on: date and time."""
    import time

    year, month, day, hour, minute, second = time.gmtime(max(seconds, 315532800))[:6]
    return (year - 1980) << 9 | month << 5 | day, hour << 11 | minute << 5 | min(second, 59) // 2
