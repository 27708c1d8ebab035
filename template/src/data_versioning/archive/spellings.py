"""How files can spell a name: in several encodings, escaped, in HTML and LaTeX, without accents."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from html.entities import codepoint2name
from urllib.parse import quote

# The commands of LaTeX for accents, by the combining character that stands for each.
_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u",
    "\u0307": ".", "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0323": "d",
    "\u0327": "c", "\u0328": "k",
}  # fmt: skip
# What stands for letters where there are none but ASCII's; some have a command in LaTeX, too.
_PLAIN = {
    "\u00e4": ("ae",), "\u00f6": ("oe",), "\u00fc": ("ue",), "\u00df": ("ss",),
    "\u00f8": ("o", "oe"), "\u00e5": ("aa",), "\u00e6": ("ae",), "\u0153": ("oe",),
    "\u0142": ("l",), "\u0111": ("d", "dj"), "\u00f0": ("d", "dh"), "\u00fe": ("th",),
    "\u0131": ("i",), "\u0127": ("h",), "\u2019": ("'",),
}  # fmt: skip
_COMMANDS = {
    "\u00df": "ss", "\u00f8": "o", "\u00e5": "aa", "\u00e6": "ae", "\u0153": "oe",
    "\u0142": "l", "\u0111": "dj", "\u00f0": "dh", "\u00fe": "th", "\u0131": "i",
}  # fmt: skip
# Scripts that put nothing between words: Han, kana and Hangul.
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")


def spelled(text: str, wide: bool = False) -> bytes:
    """Return the pattern of all that a text without spaces looks like in files.

    Args:
        text: The text.
        wide: In UTF-16 without its zero bytes, too.
    """
    composed = unicodedata.normalize("NFC", text)
    return b"".join(_letter(letter, wide) for letter in composed)


def is_unspaced(letter: str) -> bool:
    """Tell whether other letters stand right beside a word that begins or ends with this one."""
    return bool(_UNSPACED.match(letter))


def _letter(letter: str, wide: bool) -> bytes:
    if letter.isascii():
        escaped = quote(letter, safe="/:@.,-_~ ()'")
        plain = re.escape(letter.encode())
        return plain if escaped == letter else b"(?:" + plain + b"|" + escaped.encode() + b")"
    forms: dict[bytes, None] = {}
    for one in dict.fromkeys((letter, letter.lower(), letter.upper())):
        if len(one) == 1:
            forms |= dict.fromkeys(_forms(one, wide))
    # The longest first: `u` is a part of `ue`.
    found = sorted((len(one), one) for one in forms)
    return b"(?:" + b"|".join(one for _, one in reversed(found)) + b")"


def _forms(letter: str, wide: bool) -> Iterator[bytes]:
    yield re.escape(letter.encode(errors="surrogateescape"))
    apart = unicodedata.normalize("NFD", letter)
    yield re.escape(apart.encode(errors="surrogateescape"))
    if ord(letter) < 256:
        yield re.escape(letter.encode("latin-1"))
    yield b"".join(
        rb"\\{1,2}u(?i:%04x)" % int.from_bytes(unit, "big") for unit in _units(letter, "big")
    )
    yield b"(?i:" + quote(letter, errors="surrogateescape").encode() + b")"
    yield b"&#(?:0*%d|(?i:x0*%x));" % (ord(letter), ord(letter))
    if named := codepoint2name.get(ord(letter)):
        yield b"&" + named.encode() + b";"
    base, marks = apart[0], apart[1:]
    if marks and base.isascii():
        yield base.encode()
        if len(marks) == 1 and marks in _ACCENTS:
            yield from _latex(_ACCENTS[marks], base)
    lower = letter.lower()
    for plain in _PLAIN.get(lower, ()):
        yield from {re.escape(one.encode()) for one in _as_is(plain, letter != lower)}
    if lower in _COMMANDS:
        for one in _as_is(_COMMANDS[lower], letter != lower):
            command = rb"\\{1,2}" + one.encode()
            yield rb"\{" + command + rb"\}"
            yield command + rb"(?:\{\}|\\? |(?![a-zA-Z]))"
    if wide:
        for order in ("little", "big"):
            units = b"".join(_units(letter, order)).replace(b"\0", b"")
            yield re.escape(units)


def _latex(accent: str, base: str) -> Iterator[bytes]:
    gap = rb"\s+" if accent.isalpha() else rb"\s*"
    letter = rb"(?:\s*\{\\?" + base.encode() + rb"\}|" + gap + rb"\\?" + base.encode() + b")"
    command = rb"\\{1,3}" + re.escape(accent.encode()) + letter
    yield rb"\{" + command + rb"\}"
    yield command


def _as_is(text: str, is_upper: bool) -> set[str]:
    return {text.capitalize(), text.upper()} if is_upper else {text}


def _units(letter: str, order: str) -> list[bytes]:
    encoded = letter.encode(f"utf-16-{'le' if order == 'little' else 'be'}", "surrogatepass")
    return [encoded[at : at + 2] for at in range(0, len(encoded), 2)]
