"""The check of packages: whatever is wrong with one is found, and named."""

from __future__ import annotations

import ast
import json
import os
import random
import re
import shutil
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from data_versioning.archive import verify_package
from data_versioning.archive.verify_package import FILE, LINK, MANIFEST, SUMS, check

from tests.unit.small_packages import CITED, TREE, contents, crate, unpack, volume, write

FIRST, SECOND = "small.data-001.zip", "small.data-002.zip"
SPLIT = {"data/raw/a file.csv": FIRST, "results/metrics.json": SECOND}
PROGRAM = Path(verify_package.__file__)
Spoil = Callable[[Path], None]


def found(path: Path) -> dict[str, str]:
    """Return what is wrong, by file; what is first said of it."""
    return {finding.path: finding.what for finding in reversed(check(path))}


def test_a_whole_package_in_each_of_its_forms(tmp_path: Path) -> None:
    """Volumes, one volume of them, and unpacked; by the one file that lies in it, and no other."""
    tree = {**TREE, "verify.py": PROGRAM.read_bytes(), "to/here": b"../code/run.py"}
    parts = contents(tree, SPLIT, links=("to/here",))
    volumes = write(tmp_path / "small", parts)
    unpacked = unpack(parts, tmp_path / "unpacked")
    alone = [sys.executable, "-I", "-S"]
    for path in (volumes, volumes / "small.zip", unpacked):
        assert check(path) == []
        done = subprocess.run([*alone, PROGRAM, path], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("the package is whole: 11 files, ")
    done = subprocess.run([*alone, unpacked / "verify.py", "--json"],
                          capture_output=True, text=True, check=True)  # fmt: skip
    assert json.loads(done.stdout)["whole"] is True
    ast.parse(PROGRAM.read_bytes(), feature_version=(3, 9))
    # Other programs read the volumes, too.
    with zipfile.ZipFile(volumes / "small.zip") as opened:
        assert opened.testzip() is None
        assert opened.read("code/run.py") == TREE["code/run.py"]

    (unpacked / "src/__pycache__").mkdir(parents=True)
    assert found(unpacked) == {"src/": "a folder that is not in the package"}
    (unpacked / "code/__pycache__").mkdir()
    shutil.rmtree(unpacked / "src")
    assert list(found(unpacked)) == ["code/__pycache__/"]
    assert check(unpacked, compiled=True) == []


def test_no_package(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is none ends in 2, as do arguments that it does not know."""
    assert verify_package.main([str(tmp_path / "none")]) == 2
    assert verify_package.main([str(tmp_path)]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[0] == f"error: there is nothing: {tmp_path / 'none'}"
    assert said[1].startswith("error: no package: neither zip files nor a MANIFEST.json in ")
    with pytest.raises(SystemExit, match="2"):
        verify_package.main(["--none"])


def test_a_flipped_byte_anywhere(tmp_path: Path) -> None:
    """In content, names, sizes, times, the directory and the end; no byte of a volume is free."""
    parts = contents({"CITATION.cff": CITED, "a.txt": b"abc\n"})
    package = write(tmp_path / "small", parts)
    whole = (package / "small.zip").read_bytes()
    chance = random.Random(5)
    first, last = range(60), range(len(whole) - 160, len(whole))
    for at in {*first, *last, *chance.sample(range(len(whole)), 150)}:
        flipped = bytearray(whole)
        flipped[at] ^= 1 << chance.randrange(8)
        (package / "small.zip").write_bytes(flipped)
        assert check(package), f"byte {at}"
    for length in (0, 1, 21, 22, 97, *chance.sample(range(len(whole)), 20)):
        (package / "small.zip").write_bytes(whole[:length])
        assert check(package), f"{length} bytes"
        (package / "small.zip").write_bytes(whole + whole[:length])
        assert bool(check(package)) == (length > 0)
        (package / "small.zip").write_bytes(whole[:length] + whole)
        assert bool(check(package)) == (length > 0)
        (package / "small.zip").write_bytes(chance.randbytes(length))
        assert check(package)
    (package / "small.zip").write_bytes(whole)
    assert check(package) == []


def test_what_differs_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """File, sizes, sums; the byte of a header; the volume that is missing, extra or swapped."""
    parts = contents(TREE, SPLIT)
    package = write(tmp_path / "small", parts)
    mode, content = parts[SECOND]["results/metrics.json"]
    (package / SECOND).write_bytes(volume({"results/metrics.json": (mode, content[:-1])}))
    assert verify_package.main([str(package)]) == 1
    lines = capsys.readouterr().out.splitlines()
    one, other = (
        parts_sum(content[:-1]),
        parts_sum(content),
    )
    assert lines == [
        "results/metrics.json: its content differs: 14 bytes, 15 in MANIFEST.json; "
        f"SHA-256 {one}, not {other}",
        f"1 finding: 10 files, {sum_of(parts) - 1} bytes",
    ]
    whole = volume(parts[SECOND])
    at = whole.index(b"PK\1\2") + 12  # the time
    (package / SECOND).write_bytes(whole[:at] + b"\0" + whole[at + 1 :])
    (finding,) = check(package)
    assert finding.path == SECOND
    assert re.fullmatch(rf"record of results/metrics.json: byte {at} is 00, not ..", finding.what)

    (package / SECOND).unlink()
    assert found(package) == {SECOND: "missing: MANIFEST.json names this volume"}
    (package / SECOND).write_bytes(volume(parts[FIRST]))
    (package / FIRST).write_bytes(whole)
    assert found(package) == {
        FIRST: f"it is {SECOND}, by what it holds",
        SECOND: f"it is {FIRST}, by what it holds",
    }
    write_all(package, parts)
    shutil.copy(package / SECOND, package / "more.zip")
    (package / "notes.txt").touch()
    assert found(package) == {
        "notes.txt": "not a volume of this package",
        "more.zip": "not a volume of this package, by MANIFEST.json",
        "results/metrics.json": f"twice in the package: in more.zip and in {SECOND}",
    }
    assert "give the first volume" in found(package / FIRST)[FIRST]


def parts_sum(content: bytes) -> str:
    """Return the SHA-256."""
    import hashlib

    return hashlib.sha256(content).hexdigest()


def sum_of(parts: dict[str, dict[str, tuple[int, bytes]]]) -> int:
    """Return the size of all files."""
    return sum(len(content) for files in parts.values() for _, content in files.values())


def write_all(package: Path, parts: dict[str, dict[str, tuple[int, bytes]]]) -> None:
    """Write every volume again."""
    for name, files in parts.items():
        (package / name).write_bytes(volume(files))


def spoilt(*changes: tuple[str, bytes | None]) -> Spoil:
    """Return what changes, adds or deletes files of an unpacked package."""

    def spoil(root: Path) -> None:
        for path, content in changes:
            if content is None:
                (root / path).unlink()
            else:
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_bytes(content)

    return spoil


def test_an_unpacked_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A changed, missing or extra file, a file for a link, a sum that is not of the manifest."""
    parts = contents({**TREE, "link": b"code/run.py"}, links=("link",))
    cases: list[tuple[Spoil, str, str]] = [
        (spoilt(("code/run.py", b"print(2)\n")), "code/run.py", "its content differs: 9 bytes, as"),
        (spoilt(("empty.txt", None)), "empty.txt", "missing"),
        (spoilt(("results/new.csv", b"")), "results/new.csv", "not in SHA256SUMS"),
        (spoilt(("new/new.csv", b"")), "new/", "a folder that is not in the package"),
        (spoilt((SUMS, None)), SUMS, "missing"),
        (spoilt((SUMS, b"0  a")), SUMS, "its last line has no end"),
        (spoilt((MANIFEST, b"{}")), MANIFEST, "not of the format data-versioning-package/1"),
        (spoilt((MANIFEST, b"[" * 100000)), MANIFEST, "no valid JSON: nested too deep"),
        (spoilt(("link", None), ("link", b"code/run.py")), "link", "not in SHA256SUMS"),
    ]
    for number, (spoil, path, what) in enumerate(cases):
        root = unpack(parts, tmp_path / str(number))
        spoil(root)
        assert found(root)[path].startswith(what), (path, found(root))
    root = unpack(parts, tmp_path / "pipe")
    (root / "empty.txt").unlink()
    subprocess.run(["mkfifo", root / "empty.txt"], check=True)
    assert found(root) == {"empty.txt": "neither a file nor a folder"}

    def refused(_: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", refused)
        assert found(root)["."] == "cannot be read: Permission denied"
        patch.setattr(os, "listdir", refused)
        with pytest.raises(verify_package.NoPackage, match=r"cannot be read: .*denied"):
            check(tmp_path)


def test_what_the_package_says_of_itself(tmp_path: Path) -> None:
    """The shape of its manifest, its crate, its citation, and paths of the machine it is from."""
    home = "/home/ada/study"
    cases: list[tuple[dict[str, bytes | None], dict[str, Any], str, list[str]]] = [
        ({"CITATION.cff": b"title: A\nauthors:\n"}, {}, "CITATION.cff",
         ["it has no cff-version", "it has no message", "it has no authors"]),
        ({"CITATION.cff": None}, {}, "CITATION.cff", ["missing, and not in MANIFEST.json"]),
        ({"dvc.lock": f"cmd: python {home}/run.py\n".encode()}, {}, "dvc.lock",
         [f"line 1: a path of one machine: {home}/run.py"]),
        ({}, {"claims": [{"command": f"python {home}"}]}, MANIFEST,
         [f"claims[0].command: a path of one machine: {home}"]),
        ({}, {"claims": {}}, MANIFEST, ["claims: of the wrong type"]),
        ({}, {"tolerances": {"a": {"relative": -1}}}, MANIFEST,
         ["tolerances: not a number of 0 and more"]),
        ({}, {"commit_time": "2023-13-14T22:13:20Z"}, MANIFEST,
         ["commit_time: not a time: 2023-13-14T22:13:20Z"]),
        ({}, {"volumes": ["../small.zip"]}, MANIFEST, ["volumes: not a name of a volume"]),
        ({}, {"pointers": [{"path": "a"}]}, MANIFEST, ["pointers[0].role: missing"]),
    ]  # fmt: skip
    for number, (changes, more, path, what) in enumerate(cases):
        tree = {**TREE, **changes}
        parts = contents({k: v for k, v in tree.items() if v is not None}, **more)
        package = write(tmp_path / str(number), parts)
        said = [finding.what for finding in check(package) if finding.path == path]
        assert said[: len(what)] == what

    parts = contents(TREE)
    crates = {
        b"{": "no valid JSON: Expecting property name enclosed in double quotes",
        b"[]": "no @context and @graph",
        crate(list(TREE)[1:]): "it does not list CITATION.cff",
        crate([*TREE, "more.txt"]): "it lists more.txt, which is not in the package",
        crate(list(TREE)).replace(b"CreativeWork", b"Thing"): "no descriptor of the crate",
        crate(list(TREE)).replace(b'"Dataset"', b'"Thing"'): "no root dataset",
        crate(list(TREE)).replace(b'"File"', b'"File", "contentSize": "7"', 1):
            "CITATION.cff: contentSize 7, not 73",
    }  # fmt: skip
    for number, (content, said_of_it) in enumerate(crates.items()):
        root = unpack(parts, tmp_path / f"crate {number}")
        (root / "ro-crate-metadata.json").write_bytes(content)
        said = [one.what for one in check(root) if one.path == "ro-crate-metadata.json"]
        assert any(one.startswith(said_of_it) for one in said), (said_of_it, said)


def test_any_shape_of_the_manifest_and_the_crate(tmp_path: Path) -> None:
    """Whatever stands where something else belongs is a finding, never a traceback."""
    chance = random.Random(5)
    odd: list[Any] = [
        None,
        True,
        -1,
        1e400,
        "",
        "\\x00/..",
        [],
        {},
        [[]],
        {"@id": {}},
        "a" * 40,
        10**40,
    ]
    root = unpack(contents(TREE, pointers=[], claims=[{"claim": "x"}]), tmp_path / "unpacked")
    for name in (MANIFEST, "ro-crate-metadata.json"):
        whole = (root / name).read_bytes()
        for _ in range(60):
            changed = json.loads(whole)
            inside: Any = changed
            while True:
                keys = list(inside) if isinstance(inside, dict) else list(range(len(inside)))
                key = chance.choice(keys)
                if not isinstance(inside[key], dict | list) or not inside[key]:
                    break
                if chance.random() < 0.3:
                    break
                inside = inside[key]
            inside[key] = chance.choice(odd)
            (root / name).write_text(json.dumps(changed))
            assert check(root)
        (root / name).write_bytes(whole)
    assert check(root) == []


HOSTILE = {
    "../out.txt": "a name that leaves its folder",
    "a/../../out.txt": "a name that leaves its folder",
    "/etc/out.txt": "an absolute name",
    "C:/out.txt": "an absolute name",
    "a\\out.txt": "a backslash in its name",
    "a\nout.txt": "a control character in its name",
    "a/": "a name that leaves its folder",
    "x/.GIT/config": "a name that git would take for its own",
    "n" * 256: "a name that is too long",
    "a/" * 512: "a name that is too long",
    "a\u202ecod.exe": "a control character in its name",
    "code/run.py/more": "it lies in code/run.py, which is no folder",
}
LINKS = {
    "../out": "a link out of the package: ../out",
    "/etc/passwd": "a link out of the package: /etc/passwd",
    "code/../../out": "a link out of the package: code/../../out",
    "": "a link to nowhere",
}


def test_hostile_names_and_links(tmp_path: Path) -> None:
    """Named in the manifest and summed like any other file, they are found all the same."""
    for number, (name, what) in enumerate(HOSTILE.items()):
        package = write(tmp_path / f"name {number}", contents({**TREE, name: b"x"}))
        findings = check(package)
        assert (verify_package.printable(name), what) in findings
        assert all(one.what.isprintable() for one in findings)
    package = write(tmp_path / "folded", contents({**TREE, "code/RUN.py": b""}))
    assert found(package) == {"code/run.py": "the same name as code/RUN.py, on some machines"}
    for number, (target, what) in enumerate(LINKS.items()):
        parts = contents({**TREE, "link": target.encode()}, links=("link",))
        assert found(write(tmp_path / f"link {number}", parts)) == {"link": what}
    # Word by word this one stays inside, but the other leads to a folder less deep.
    tree = {**TREE, "a/b/d": b"../../code", "k": b"a/b/d/../../out"}
    parts = contents(tree, links=("a/b/d", "k"))
    assert found(write(tmp_path / "through", parts)) == {
        "k": "a link out of the package: a/b/d/../../out"
    }
    tree = {**TREE, "a": b"b", "b": b"a/x", "c": b"d/run.py", "d": b"./code"}
    assert found(write(tmp_path / "circle", contents(tree, links=("a", "b", "c", "d")))) == {
        "a": "a link in a circle: b",
        "b": "a link in a circle: a/x",
    }


def test_zip_tricks(tmp_path: Path) -> None:
    """Volumes that another program wrote: compressed, encrypted, twice, nested, overlapping."""
    parts = contents(TREE)["small.zip"]
    package = tmp_path / "small"
    package.mkdir()

    def made(write: Callable[[zipfile.ZipFile], None], method: int = zipfile.ZIP_STORED) -> str:
        with warnings.catch_warnings(), zipfile.ZipFile(package / "small.zip", "w", method) as made:
            warnings.simplefilter("ignore")
            for path, (_, content) in parts.items():
                made.writestr(path, content)
            write(made)
        findings = check(package)
        assert findings
        return "\n".join(f"{path}: {what}" for path, what in findings)

    assert "header of" in made(lambda _: None)
    whole = volume(parts)
    at = whole.rindex(MANIFEST.encode()) - 46  # its record; the crate and the sums come before
    name = at + 46 + len(MANIFEST)
    far = whole[at : at + 42] + b"\xff" * 4 + whole[at + 46 : name] + b"\1\0\x08\0" + b"\xff" * 8
    far = far[:30] + b"\x0c" + far[31:]
    end = bytearray(whole[-22:])
    end[12:16] = (int.from_bytes(end[12:16], "little") + 12).to_bytes(4, "little")
    (package / "small.zip").write_bytes(whole[:at] + far + whole[name:-22] + end)
    assert found(package)[MANIFEST] == "missing"  # it is said to begin where no file ends

    assert "twice in the package" in made(lambda zip: zip.writestr("code/run.py", b"print(1)\n"))
    assert "../../out.txt: a name that leaves" in made(
        lambda zip: zip.writestr("../../out.txt", b"")
    )
    said = made(lambda zip: zip.writestr("zeros", bytes(50_000_000)), zipfile.ZIP_DEFLATED)
    assert "zeros: compressed in small.zip (method 8)" in said
    whole = volume(parts)
    at = whole.index(b"PK\1\2") + 8
    for flags, what in ((1, "encrypted"), (8, "record of")):  # a data descriptor
        (package / "small.zip").write_bytes(whole[:at] + bytes([flags]) + whole[at + 1 :])
        assert any(what in finding.what for finding in check(package))
    # All entries share one content.
    shared = whole.index(b"PK\1\2") + 42
    second = whole.index(b"PK\1\2", shared) + 42
    (package / "small.zip").write_bytes(
        whole[:second] + whole[shared : shared + 4] + whole[second + 4 :]
    )
    assert any("record of" in finding.what for finding in check(package))
    # Sizes that no file has.
    large = whole[: second - 22] + b"\xff" * 8 + whole[second - 14 :]
    (package / "small.zip").write_bytes(large)
    assert any("longer than the volume" in finding.what for finding in check(package))
    (package / "small.zip").write_bytes(
        volume({**parts, "device": (0o020666, b""), "link": (LINK, b"../out"), "b": (FILE, b"")})
    )
    said = "\n".join(f"{path}: {what}" for path, what in check(package))
    assert "device: neither a file nor a link in small.zip: mode 20666" in said
    assert "link: a link out of the package: ../out" in said
    assert "b: not in MANIFEST.json" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small"]
