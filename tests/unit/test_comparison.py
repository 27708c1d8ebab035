"""Files that were made again, compared with packaged ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from data_versioning.archive.comparison import compare
from data_versioning.archive.replay_result import DIFFERENT, SAME, WITHIN
from PIL import Image

NEAR = {"relative": 1e-3}
EXACT: dict[str, float] = {}


@pytest.mark.parametrize(
    ("name", "old", "new", "tolerance", "verdict", "how"),
    [
        ("a.json", '{"a": 1}', '{"a": 1}', EXACT, SAME, ""),
        ("a.json", '{"a": [1, {"b": 0.5}]}', '{"a": [1, {"b": 0.5004}]}', NEAR, WITHIN,
         "relative 0.001"),
        ("a.json", '{"a": [1, {"b": 0.5}]}', '{"a": [1, {"b": 0.502}]}', NEAR, DIFFERENT,
         "a[1].b: 0.502, not 0.5"),
        ("a.json", '{"a": 0.5}', '{"a": 0.5004}', EXACT, DIFFERENT, "a: 0.5004, not 0.5"),
        ("a.json", '{"a": 0}', '{"a": 0.0004}', NEAR, DIFFERENT, "a: 0.0004, not 0"),
        ("a.json", '{"a": 0}', '{"a": 0.0004}', {"absolute": 1e-3}, WITHIN, "absolute 0.001"),
        ("a.json", '{"a": NaN, "b": Infinity}', '{"a":NaN,"b":Infinity}', NEAR, WITHIN,
         "relative 0.001"),
        ("a.json", '{"a": NaN}', '{"a": 1}', NEAR, DIFFERENT, "a: 1, not NaN"),
        ("a.json", '{"a": 1}', '{"a": true}', NEAR, DIFFERENT, "a: true, not 1"),
        ("a.json", '{"a": 1}', '{"a": "1"}', NEAR, DIFFERENT, 'a: "1", not 1'),
        ("a.json", '{"a": 1}', "{}", NEAR, DIFFERENT, "a: nothing, not 1"),
        ("a.json", "[1]", "[1, 2]", NEAR, DIFFERENT, "[1]: 2, not nothing"),
        ("a.json", "9" * 400, "8" * 400, NEAR, DIFFERENT, "the value: 8888888"),
        ("a.json", '{"a": 1}', '{"a":1}', EXACT, DIFFERENT,
         'the same values, written differently: line 1: {"a":1}, not {"a": 1}'),
        ("a.json", '{"a": 1}', "{", NEAR, DIFFERENT, "no tolerance applies: not valid JSON: "),
        ("a.json", "[" * 9999, "[" * 99999, NEAR, DIFFERENT, "no tolerance applies: maximum"),
        ("a.yaml", "a: 1e-3", "a: 1.0001e-3", NEAR, WITHIN, "relative 0.001"),
        ("a.yml", "- a: [", "- a: 1", NEAR, DIFFERENT, "no tolerance applies: not valid YAML: "),
        ("a.csv", "x,y\na,1.0\n", "x,y\na,1.0001\n", NEAR, WITHIN, "relative 0.001"),
        ("a.csv", "x,y\na,1.0\n", "x,y\na,1.1\n", NEAR, DIFFERENT, "row 2, column y: 1.1, not 1.0"),
        ("a.csv", "x,y\na,1.0\n", "x,y\nb,1.0\n", NEAR, DIFFERENT, "row 2, column x: b, not a"),
        ("a.csv", "x,y\na,nan\n", "x,y\na,NaN\n", NEAR, WITHIN, "relative 0.001"),
        ("a.csv", "x,y\na,1\n", "x,y\na,1\nb,1\n", NEAR, DIFFERENT, "row 3: b,1, not nothing"),
        ("a.csv", "x,y\na,1\n", "x,y\na,1,2\n", NEAR, DIFFERENT, "row 2, column 3: 2, not nothing"),
        ("a.tsv", "x\ty\na\t1_0\n", "x\ty\na\t10\n", NEAR, DIFFERENT,
         "row 2, column y: 10, not 1_0"),
        ("a.md", "one\ntwo\n", "one\n2\n", NEAR, DIFFERENT, "line 2: 2, not two"),
        ("a.md", "one\ntwo\n", "one\n", EXACT, DIFFERENT, "line 2: nothing, not two"),
        ("a.bin", "ab\0c", "ab\0de", EXACT, DIFFERENT,
         "byte 3 is the first that differs; 5 bytes, packaged 4"),
        ("a.png", "no image", "neither", {"pixels": 0.1}, DIFFERENT,
         "no tolerance applies: not an image: "),
    ],
)  # fmt: skip
def test_numbers_and_texts(
    tmp_path: Path,
    name: str,
    old: str,
    new: str,
    tolerance: dict[str, float],
    verdict: str,
    how: str,
) -> None:
    """What differs first is named, with both values; what is near enough is not different."""
    for folder, text in (("old", old), ("new", new)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(text)
    found = compare(tmp_path / "old" / name, tmp_path / "new" / name, tolerance)
    assert found.verdict == verdict
    begins = how.endswith((": ", "maximum", "8"))
    assert found.how.startswith(how) if begins else found.how == how


def test_images(tmp_path: Path) -> None:
    """By the mean difference of what is seen; a size is never near."""
    old, new, larger = (tmp_path / f"{name}.png" for name in ("old", "new", "larger"))
    image = Image.new("RGB", (10, 10), (255, 255, 255))
    image.save(old)
    image.putpixel((0, 0), (0, 0, 0))
    image.save(new)
    Image.new("RGB", (11, 10)).save(larger)
    how = "mean difference of the pixels 0.01"
    assert compare(old, new).how == how
    assert compare(old, new, {"pixels": 0.01}).verdict == WITHIN
    less = compare(old, new, {"pixels": 0.009})
    assert (less.verdict, less.how) == (DIFFERENT, f"{how}, allowed 0.009")
    assert compare(old, larger, {"pixels": 1}).how == "11 x 10 pixels, not 10 x 10"
    # The same pixels in another file.
    Image.open(old).save(new, compress_level=0)
    assert compare(old, new, {"pixels": 0}).verdict == WITHIN
    # What a conversion to 8 bits, or to colours without transparency, would not show.
    Image.new("I;16", (4, 4), 1000).save(old)
    Image.new("I;16", (4, 4), 60000).save(new)
    assert compare(old, new, {"pixels": 0.1}).how == (
        "mean difference of the pixels 0.9, allowed 0.1"
    )
    Image.new("L", (4, 4), 200).save(new)
    assert "16 bits for a pixel" in compare(old, new, {"pixels": 0.1}).how
    Image.new("P", (4, 4)).save(old)
    Image.new("P", (4, 4)).save(new, transparency=0)
    assert compare(old, new, {"pixels": 0.1}).verdict == DIFFERENT
