"""Is a file that was made again the one that was packaged, or as near as the study asks?

A tolerance counts where the bytes differ. Numbers are near if they differ by at most `absolute`, or
by at most `relative` of the larger one (`math.isclose`); images by the mean absolute difference of
their channels, `pixels`, on a scale from 0 to 1.
"""

from __future__ import annotations

import csv
import json
import math
import re
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from operator import sub
from pathlib import Path
from typing import Any

from data_versioning.archive.replay_result import DIFFERENT, SAME, WITHIN
from data_versioning.wording import printable

TABLES = {".csv": ",", ".tsv": "\t"}
IMAGES = (".png", ".jpg", ".jpeg")
_CHUNK = 1 << 20
_SHOWN = 60  # letters of a value in a sentence
_CELL = 1 << 24  # letters of a cell at most
_NUMBER = re.compile(r"\s*[-+]?((\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|inf(inity)?|nan)\s*", re.I | re.A)


@dataclass(frozen=True)
class Comparison:
    """What became of a file.

    Args:
        verdict: `same`, `within tolerance` or `different`.
        how: How it differs: the first key, cell, line or byte, and both values.
    """

    verdict: str
    how: str = ""


class _Unreadable(Exception):
    """A file that is not of the format that its name says."""


def compare(packaged: Path, made: Path, tolerance: Mapping[str, float] | None = None) -> Comparison:
    """Compare a file that was made again with the packaged one.

    Args:
        packaged: The packaged one.
        made: The other one, of the same name.
        tolerance: What `study.yaml` says of it: `relative`, `absolute` or `pixels`.
    """
    at = _first_byte(packaged, made)
    if at is None:
        return Comparison(SAME)
    tolerance = tolerance or {}
    kind = made.suffix.lower()
    try:
        if kind in IMAGES:
            return _images(packaged, made, tolerance)
        differences: Iterator[tuple[str, Any, Any]] | None = None
        if kind == ".json":
            differences = _tree(_json(packaged), _json(made), tolerance)
        elif kind in (".yaml", ".yml"):
            differences = _tree(_yaml(packaged), _yaml(made), tolerance)
        elif kind in TABLES:
            differences = _table(packaged, made, TABLES[kind], tolerance)
        if differences is not None:
            found = next(differences, None)
            if found:
                where, old, new = found
                if kind not in TABLES:
                    old, new = _dumped(old), _dumped(new)
                return Comparison(
                    DIFFERENT, f"{printable(where)}: {_shown(new)}, not {_shown(old)}"
                )
            if tolerance:
                return Comparison(WITHIN, _allowed(tolerance))
            return Comparison(
                DIFFERENT, f"the same values, written differently: {_place(packaged, made, at)}"
            )
    except (_Unreadable, RecursionError) as error:
        if tolerance:
            return Comparison(DIFFERENT, f"no tolerance applies: {printable(str(error))}")
    return Comparison(DIFFERENT, _place(packaged, made, at))


def _first_byte(one: Path, other: Path) -> int | None:
    """Return the offset of the first byte that differs, or None."""
    at = 0
    with one.open("rb") as first, other.open("rb") as second:
        while True:
            a, b = first.read(_CHUNK), second.read(_CHUNK)
            if a != b:
                pairs = enumerate(zip(a, b, strict=False))
                return at + next((i for i, (x, y) in pairs if x != y), min(len(a), len(b)))
            if not a:
                return None
            at += len(a)


def _place(packaged: Path, made: Path, at: int) -> str:
    """Say where a difference is: in a text the line, else the byte."""
    sizes = f"{made.stat().st_size} bytes, packaged {packaged.stat().st_size}"
    try:
        old, new = _line(packaged, at), _line(made, at)
    except UnicodeDecodeError:
        return f"byte {at} is the first that differs; {sizes}"
    number, text = new
    return f"line {number}: {_shown(text)}, not {_shown(old[1])}"


def _line(path: Path, at: int) -> tuple[int, Any]:
    """Return number and text of the line that holds a byte; behind the last line there is none."""
    number, seen = 0, 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            seen += len(line)
            if seen > at:
                if b"\0" in line:
                    raise UnicodeDecodeError("utf-8", line, 0, 1, "no text")
                return number, line.decode().rstrip("\n")
    return number + 1, _MISSING


def _shown(value: Any) -> str:
    """Return a value as a sentence has it."""
    if value is _MISSING:
        return "nothing"
    text = printable(str(value))
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}\N{HORIZONTAL ELLIPSIS}"


def _dumped(value: Any) -> Any:
    return value if value is _MISSING else json.dumps(value, ensure_ascii=False, default=str)


def _allowed(tolerance: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in tolerance.items())


# --- numbers -------------------------------------------------------------------------------------

_MISSING: Any = object()


def _near(old: float, new: float, tolerance: Mapping[str, float]) -> bool:
    if old == new:
        return True
    try:
        if math.isnan(old) or math.isnan(new):
            return math.isnan(old) and math.isnan(new)
        relative, absolute = tolerance.get("relative", 0.0), tolerance.get("absolute", 0.0)
        return math.isclose(old, new, rel_tol=relative, abs_tol=absolute)
    except OverflowError:  # of whole numbers that no float holds
        return False


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _tree(
    old: Any, new: Any, tolerance: Mapping[str, float], where: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    """Yield what differs in values of JSON or YAML: where, the old one, the new one."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            one, other = old.get(key, _MISSING), new.get(key, _MISSING)
            yield from _tree(one, other, tolerance, f"{where}.{key}" if where else str(key))
    elif isinstance(old, list) and isinstance(new, list):
        pairs = zip_longest(old, new, fillvalue=_MISSING)
        for number, (one, other) in enumerate(pairs):
            yield from _tree(one, other, tolerance, f"{where}[{number}]")
    elif _is_number(old) and _is_number(new):
        if not _near(old, new, tolerance):
            yield where or "the value", old, new
    elif type(old) is not type(new) or old != new:
        yield where or "the value", old, new


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        raise _Unreadable(f"not valid JSON: {error}") from None


def _yaml(path: Path) -> Any:
    import yaml

    try:
        return _numbers(yaml.load(path.read_bytes(), getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except (yaml.YAMLError, ValueError) as error:
        raise _Unreadable(f"not valid YAML: {error}") from None


def _numbers(value: Any) -> Any:
    """Return a value of YAML 1.1 as YAML 1.2 has it, in which 1e-3 is a number."""
    from data_versioning.study import NUMBER

    if isinstance(value, dict):
        return {key: _numbers(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_numbers(one) for one in value]
    return float(value) if isinstance(value, str) and NUMBER.match(value) else value


# --- tables --------------------------------------------------------------------------------------


def _table(
    packaged: Path, made: Path, delimiter: str, tolerance: Mapping[str, float]
) -> Iterator[tuple[str, Any, Any]]:
    """Yield the cells that differ: row and column, the old one, the new one."""
    names: list[str] = []
    pairs = zip_longest(_rows(packaged, delimiter), _rows(made, delimiter), fillvalue=_MISSING)
    for number, (old, new) in enumerate(pairs, 1):
        if old is _MISSING or new is _MISSING:
            whole = [value if value is _MISSING else delimiter.join(value) for value in (old, new)]
            yield f"row {number}", whole[0], whole[1]
            return
        if number == 1:
            names = old
        for column, (one, other) in enumerate(zip_longest(old, new, fillvalue=_MISSING)):
            if one != other and not _near_cells(one, other, tolerance):
                name = names[column] if number > 1 and column < len(names) else str(column + 1)
                yield f"row {number}, column {name}", one, other


def _rows(path: Path, delimiter: str) -> Iterator[Any]:
    csv.field_size_limit(max(csv.field_size_limit(), _CELL))
    try:
        with path.open(encoding="utf-8", newline="") as file:
            yield from csv.reader(file, delimiter=delimiter)
    except (csv.Error, UnicodeDecodeError) as error:
        raise _Unreadable(f"not a table: {error}") from None


def _near_cells(old: Any, new: Any, tolerance: Mapping[str, float]) -> bool:
    texts = isinstance(old, str) and isinstance(new, str)
    if not (texts and _NUMBER.fullmatch(old) and _NUMBER.fullmatch(new)):
        return False
    return _near(float(old), float(new), tolerance)


# --- images --------------------------------------------------------------------------------------


def _images(packaged: Path, made: Path, tolerance: Mapping[str, float]) -> Comparison:
    try:
        from PIL import Image, ImageChops, ImageStat
    except ImportError:
        raise _Unreadable("the environment has no Pillow: uv add pillow") from None
    try:
        with Image.open(packaged) as one, Image.open(made) as other:
            if one.size != other.size:
                sizes = [f"{width} x {height}" for width, height in (other.size, one.size)]
                return Comparison(DIFFERENT, f"{sizes[0]} pixels, not {sizes[1]}")
            if "I" in (one.mode[0], other.mode[0]):  # 16 bits, of which a conversion takes 8
                mean = _mean_of_16_bits(one, other)
            else:
                clear = any(
                    "A" in image.mode or "transparency" in image.info for image in (one, other)
                )
                kind = "RGBA" if clear else "RGB"
                difference = ImageChops.difference(one.convert(kind), other.convert(kind))
                means = ImageStat.Stat(difference).mean
                mean = sum(means) / len(means) / 255
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise _Unreadable(f"not an image: {error}") from None
    how = f"mean difference of the pixels {mean:.2g}"
    if (most := tolerance.get("pixels")) is None:
        return Comparison(DIFFERENT, how)
    return Comparison(WITHIN if mean <= most else DIFFERENT, f"{how}, allowed {most:g}")


def _mean_of_16_bits(one: Any, other: Any) -> float:
    """Return the mean difference of two images in shades of grey, on a scale from 0 to 1."""
    if one.mode[0] != other.mode[0]:
        raise _Unreadable("one image has 16 bits for a pixel, and the other one 8")
    old, new = (array("i", image.convert("I").tobytes()) for image in (one, other))
    return float(sum(map(abs, map(sub, old, new)))) / len(old) / 65535
