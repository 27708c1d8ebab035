"""The parts of a package by themselves: checksums, zip headers, secrets, names, the manifest."""

from __future__ import annotations

import hashlib
import io
import json
import random
import zipfile
import zlib
from contextlib import closing
from pathlib import Path

import pytest
from data_versioning.archive import manifest
from data_versioning.archive import verify_package as layout
from data_versioning.archive.contents import Content
from data_versioning.archive.deposit import state
from data_versioning.archive.deposit.deposited import Known
from data_versioning.archive.deposit.osf import OSFUploader
from data_versioning.archive.deposit.zenodo import ZenodoUploader
from data_versioning.archive.digests import CHUNK, RING, OnePass
from data_versioning.archive.kept import (
    KeptByDVC,
    chosen,
    current,
    kept_by_dvc,
    stage_of_each,
)
from data_versioning.archive.limits import LIMITS, Limits
from data_versioning.archive.name_patterns import Named, Patterns
from data_versioning.archive.names import refuse_names
from data_versioning.archive.request import Request
from data_versioning.archive.roles import role_of
from data_versioning.archive.secrets import LOOKED_AT, Secrets
from data_versioning.archive.spellings import spelled
from data_versioning.archive.unpacking import unpack
from data_versioning.archive.volume_writer import NewFile, Volume
from data_versioning.archive.volumes import planned
from data_versioning.data import remotes
from data_versioning.errors import StudyError
from data_versioning.lineage import records
from data_versioning.study import Study
from data_versioning.tools.dvc import Remote

from tests.conftest import git
from tests.unit import small_packages
from tests.unit.described import described
from tests.unit.small_packages import TREE


def test_checksums_in_one_pass() -> None:
    """Of small files in batches and of large ones in chunks, whatever comes between."""
    source = random.Random(3)
    contents = [source.randbytes(size) for size in (0, 1, 2048, 2049, 70_000, CHUNK, CHUNK + 1)]
    contents += [source.randbytes(CHUNK * (RING + 2) + 5), *(b"%d" % n * 3000 for n in range(2000))]
    taken: list[bytes] = []
    with OnePass() as hashing:
        digests = []
        for number, content in enumerate(contents):
            if number % 3 == 0:
                del taken[:]
                stream = io.BytesIO(content)
                digests.append(hashing.stream(stream, lambda x, n: taken.append(bytes(x[:n]))))
                assert b"".join(taken) == content
            else:
                digests.append(hashing.whole(content))
        for content, digest in zip(contents, digests, strict=True):
            md5, sha256 = hashlib.md5(content).hexdigest(), hashlib.sha256(content).hexdigest()
            assert digest.sums() == (md5, sha256)
            assert (digest.crc, digest.size) == (zlib.crc32(content), len(content))


def test_secrets_in_data() -> None:
    """This environment's in any byte, between two chunks too; known kinds in the first megabyte."""
    token = "aB3" * 12
    secrets = Secrets({"GITLAB_TOKEN": token, "TOKENIZER": "gpt-2-gpt-2", "A_PASSWORD": "short1"})
    key = b"id,key\n1,AKIA" + b"Q7" * 8 + b"\n"

    def found(*chunks: bytes) -> str:
        watch = secrets.watch("data/a.csv")
        try:
            for chunk in chunks:
                watch(bytearray(chunk) + b"left of before " + token.encode(), len(chunk))
        except StudyError as error:
            assert token not in str(error) and "dvc.yaml" in error.mend
            return error.what
        return ""

    secret = token.encode()
    assert found(b"\0" + secret) == found(secret[:9], secret[9:]) == (
        "a secret: the value of GITLAB_TOKEN"
    )  # fmt: skip
    assert found(*(bytes([letter]) for letter in secret)) == found(secret)
    assert found(secret[:-1], b"-") == found(b"gpt-2-gpt-2 short1") == ""
    assert found(key) == "a secret: key of AWS"
    assert found(b"\0" + key) == found(b"x" * (LOOKED_AT + 1) + key) == ""


def test_sizes_of_4_gib_and_more(tmp_path: Path) -> None:
    """What 32 bits cannot say, a volume says as zipfile reads it."""
    path = tmp_path / "large.zip"
    content = tmp_path / "content"
    content.write_bytes(b"0123456789" * 1000)
    large = 4 * 1024**3
    with OnePass() as hashing, closing(NewFile(path)) as sink:
        volume = Volume(sink, 1_700_000_000)
        volume.add("first", 0o100644, b"one", zlib.crc32(b"one"))
        # A hole stands for a content of 4 GiB: what matters is what follows.
        entry = layout.Entry("sparse", 0o100644, 1_700_000_000, 0, large + 1)
        sink.put(volume.size, layout.local_header(entry))
        volume._entries.append((entry, volume.size))
        volume.size += len(layout.local_header(entry)) + large + 1
        with content.open("rb", buffering=0) as file:
            volume.stream("behind", 0o100755, file, 10_000, hashing, lambda *_: None)
        sink._copies = False
        with content.open("rb", buffering=0) as file:
            volume.stream("written", 0o100755, file, 10_000, hashing, lambda *_: None)
        volume.end()
    assert path.stat().st_blocks * 512 < 10**6
    with zipfile.ZipFile(path) as opened:
        infos = {one.filename: one for one in opened.infolist()}
        assert infos["sparse"].file_size == large + 1
        assert infos["behind"].header_offset > large
        assert opened.read("behind") == opened.read("written") == content.read_bytes()
        assert infos["behind"].date_time == (2023, 11, 14, 22, 13, 20)
        with opened.open("sparse") as start:
            assert start.read(4) == b"\0" * 4


def _content(path: str, size: int = 10, role: str = "data", file: str | None = "x") -> Content:
    return Content(path, 0o100644, role, size, None, "dvc:0", file)


def test_volumes_of_much_data() -> None:
    """Data by path, in 100 volumes at most; results stay with the code while they fit."""
    zenodo = LIMITS["zenodo"]
    code = _content("src/a.py", file=None, role="code")
    result = _content("results/a", 900, "result")
    data = [_content(f"data/{number:03}", 600 + number % 2) for number in range(400)]
    found = planned("p", [*data, result, code], zenodo, 1300)
    assert found["p.zip"] == [result, code] and list(found)[-1] == "p.zip"
    apart = [one for name, group in found.items() if name != "p.zip" for one in group]
    assert apart == data and len(found) <= zenodo.files
    large = _content("results/b", 5000, "result")
    found = planned("p", [*data[:2], large, code], zenodo, 900)
    assert list(found.values()) == [[data[0]], [data[1]], [large], [code]]
    assert list(planned("p", [*data[:2], code], zenodo)) == ["p.zip"]
    total = sum(one.size for one in data) * 10**4
    huge = [_content(one.path, one.size * 10**4) for one in data]
    assert 2 < len(planned("p", huge, zenodo)) <= 1 + -(-total // 1024**3) * 2


def test_whose_limits_count(tmp_path: Path) -> None:
    """Of where the commit says that it goes, by its answers too; one table for all who ask."""

    def asked(archive: str | None = None) -> Limits:
        return Request.of(Study(tmp_path), "HEAD", None, None, False, archive, None).limits

    described(tmp_path)
    assert asked() is LIMITS["zenodo"] is ZenodoUploader.limits
    for path, text, expected in (
        (".copier-answers.yml", "slug: bmi\narchives: [osf]\n", "osf"),
        ("study.yaml", "archive: {to: zenodo}\n", "zenodo"),
        ("study.yaml", "archive: {to: 'https://api.test.osf.io/v2'}\n", "osf"),
    ):
        (tmp_path / path).write_text(text)
        git(tmp_path, "commit", "--quiet", "--all", "--message", path)
        assert asked() is LIMITS[expected]
    assert OSFUploader.limits is LIMITS["osf"] and asked("zenodo") is LIMITS["zenodo"]


def test_what_fits_a_budget() -> None:
    """Results come first, then data, the smallest first; what does not fit is pointed to."""
    sizes = {"data/a": 1, "data/b": 50, "results/c": 60, "results/d": 40, "data/e": 2}
    kept = [
        KeptByDVC(path, "data" if path < "e" else "result", "0" * 32, size, None, None, "")
        for path, size in sizes.items()
    ]
    for budget, inside in ((39, ""), (40, "d"), (101, "acd"), (103, "acde"), (153, "abcde")):
        found = chosen(kept, "auto", budget)
        assert "".join(sorted(one.path[-1] for one in found)) == inside
        assert found == [one for one in kept if one in found]
    assert chosen(kept, "data", 0) == kept and chosen(kept, "pointers", 1000) == []


MD5 = "0123456789abcdef0123456789abcdef"
RECORDED = {
    "dvc.yaml": """\
stages:
  here: {cmd: a, wdir: code, outs: [../data/x.csv, model.bin]}
  logged: {cmd: b, outs: [logs: {cache: false}]}
""",
    "dvc.lock": f"""\
schema: '2.0'
stages:
  here:
    cmd: a
    outs:
    - {{path: ../data/x.csv, hash: md5, md5: {MD5}, size: 3}}
    - {{path: model.bin, hash: md5, md5: {MD5}, size: 3}}
  logged:
    cmd: b
    outs:
    - {{path: logs, hash: md5, md5: {MD5}.dir, size: 3, nfiles: 1}}
  gone:
    cmd: c
    outs:
    - {{path: old.csv, hash: md5, md5: {MD5}, size: 3}}
""",
    "logs/a.log": "one",
    "more/dvc.yaml": "stages: {each: {foreach: [a], do: {cmd: d, outs: ['${item}.csv']}}}\n",
    "more/dvc.lock": f"""\
schema: '2.0'
stages:
  each@a:
    cmd: d
    outs:
    - {{path: a.csv, hash: md5, md5: {MD5}, size: 3}}
""",
    "more/raw.dvc": f"outs: [{{path: raw, hash: md5, md5: {MD5}.dir, size: 9, nfiles: 2}}]\n",
}


def test_what_dvc_keeps(tmp_path: Path) -> None:
    """Of every pipeline, without the records of stages that are gone, and what git keeps."""
    for path, text in RECORDED.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "all")
    (tmp_path / "dvc.yaml").write_text("stages: {}")  # the commit counts, not what is on disk
    commit = git(tmp_path, "rev-parse", "HEAD").strip()
    known = current(tmp_path, commit, records.at(tmp_path, commit))
    found = kept_by_dvc(tmp_path, commit, known, RECORDED.keys())
    assert [(one.path, one.role, one.stage, one.nfiles) for one in found] == [
        ("code/model.bin", "result", "here", None),
        ("data/x.csv", "data", "here", None),
        ("more/a.csv", "result", "more/dvc.yaml:each@a", None),
        ("more/raw", "data", None, 2),
    ]
    roles = [role_of(path, stage_of_each(known)) for path in RECORDED]
    assert roles == [
        ("code", None), ("metadata", None), ("result", "logged"),
        ("code", None), ("metadata", None), ("metadata", None),
    ]  # fmt: skip
    with pytest.raises(StudyError, match="neither git nor DVC keeps what a stage made: logs"):
        kept_by_dvc(tmp_path, commit, known, RECORDED.keys() - {"logs/a.log"})


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        (["a", "b/../c"], "a name that leaves its folder"),
        (["a/b", "A/B"], "to other systems its name is that of a/b"),
        (["e\N{COMBINING ACUTE ACCENT}", "é"], "to other systems its name is that of"),
        (["a/b", "a/b"], "two files have this name"),
        (["a", "a/b/c"], "it is a file or a link, and a folder too: a"),
        (["\udcff"], "a control character in its name"),
        (["sbom.cdx.json"], "a package has a file of this name of its own"),
    ],
)
def test_names(paths: list[str], said: str) -> None:
    with pytest.raises(StudyError, match=said):
        refuse_names(paths, paths)
    refuse_names(["a/b", "a/c", "ab", "sub/MANIFEST.json"], [])


SPELLINGS = {
    "Zoë": ["Zoë", "ZOË", "Zoe\u0308", "Zo&euml;", "Zo&#235;", "Zo&#xEB;", 'Zo\\"e', 'Zo{\\"e}',
            "Zoe", r"Zo\u00eb", "Zo%C3%AB"],
    "Zoe\u0308": ["Zoë", "ZOE"],
    "Łukasz": ["Lukasz", r"\L ukasz", r"{\L}ukasz", r"\L{}ukasz", "łukasz", r"\u0141ukasz"],
    "Müller": ["Mueller", 'M\\"uller', r'M{\"{u}}ller', "MÜLLER", "MUELLER", r'M\\\"uller'],
    "Strauß": ["Strauss", r"Strau{\ss}", "Strau&szlig;"],
    "Çelik": [r"\c{C}elik", r"\c Celik", "Celik"],
    "李明": ["李明", r"\u674e\u660e", "%E6%9D%8E%E6%98%8E"],
}  # fmt: skip


def test_spellings() -> None:
    """Each is found, in whatever text it stands, and nothing else is."""
    for name, ways in SPELLINGS.items():
        patterns = Patterns([Named(spelled(name), "-", name)])
        for way in ways:
            assert patterns.replaced(f"a {way}, b".encode()) == b"a -, b", (name, way)
        assert patterns.replaced(b"") == b""
        assert patterns.search(b"(a) .. \\ {} & % x\xff") is None
        wide = Patterns([Named(spelled(name, wide=True), "-", name)])
        for encoding in ("utf-16-le", "utf-16-be"):
            assert wide.search(f"x {name} y".encode(encoding).replace(b"\0", b"")) or name[-1:] == (
                "\u0308"
            )


def test_manifest_is_indented_by_one() -> None:
    """It is written by hand, so that many files take no time; the text is that of Python's json."""
    files = [
        {"path": 'a "b".csv', "stage": None, "size": 1, "mode": "100644", "x": True},
        {"path": "Grüße\u2028", "stage": "train@a", "size": 0, "mode": "120777", "x": False},
    ]
    for entries in ([], files[:1], files):
        document = {"zeta": [1], "files": entries, "a": {"c": None, "b": '"files": []'}}
        text = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False)
        assert manifest.text(document).decode() == f"{text}\n"


def test_nothing_is_unpacked_over_what_is_there(tmp_path: Path) -> None:
    """Nor through a link that somebody put there since the folder was looked at."""
    folder = small_packages.write(tmp_path / "packed", small_packages.contents(TREE))
    checked = layout.examine(folder)
    assert not checked.findings
    outside = tmp_path / "outside"
    for name, at in (("file", "empty.txt"), ("link", "code/run.py")):
        there = tmp_path / name / at
        there.parent.mkdir(parents=True)
        there.symlink_to(outside) if name == "link" else there.touch()
        with pytest.raises(FileExistsError):
            unpack(checked, tmp_path / name)
    assert not outside.exists()


def test_what_a_package_lacks_is_got_by_pull() -> None:
    """No `make fetch` is there to be typed."""
    said = "ERROR: Could not connect to the endpoint"
    for verb, typed in (("fetch", "make pull, once"), ("push", "make push, once")):
        failed = remotes._failure(verb, Remote("storage", "s3://bucket/ada"), said)
        assert failed.mend.startswith(typed) and failed.what == f"{verb} failed: it does not answer"


def test_deposits_that_somebody_edited(tmp_path: Path) -> None:
    """Files without size or sum are refused, and nothing in it reaches the terminal as it is."""
    one = {"server": "https://x.example/\x1b[2J", "id": "1", "files": {"a": {"size": 1, "md5": ""}}}
    for wrong in ({}, 5, {"size": "1", "md5": ""}, {"size": 1, "md5": "", "more": 1}, None):
        said = {"format": 1, "deposits": [one | {"files": {"a": wrong}}]}
        (tmp_path / state.STATE).write_text(json.dumps(said))
        with pytest.raises(StudyError, match="not a list of deposits"):
            state.read(Study(tmp_path))
    (tmp_path / state.STATE).write_text(json.dumps({"format": 1, "deposits": [one]}))
    shown = Known([vars(deposit) | {"said": ""} for deposit in state.read(Study(tmp_path))]).text()
    assert shown.isprintable()
