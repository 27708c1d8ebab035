"""Packages: the same bytes from the same commit, wherever, whenever and by whom they are made."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from data_versioning.archive import citation, volumes
from data_versioning.archive import verify_package as layout
from data_versioning.archive.contents import in_order, of_dvc
from data_versioning.archive.digests import CHUNK
from data_versioning.archive.generated import GENERATED
from data_versioning.archive.kept import KeptByDVC
from data_versioning.archive.names import refuse_names
from data_versioning.archive.objects import Objects
from data_versioning.archive.package import (
    Package,
    Release,
    create_reproducibility_package,
    of_commit,
)
from data_versioning.archive.secrets import Secrets
from data_versioning.command import capture
from data_versioning.errors import StudyError
from data_versioning.phases import manifest as phase_manifest
from data_versioning.phases import plan
from data_versioning.study import Study
from data_versioning.tools.git import make_tag

from tests.conftest import ROOT, git
from tests.once import made_once
from tests.unit.conftest import SCIENCE, SETTINGS, copied, edit, start

CITATION = """\
cff-version: 1.2.0
message: Cite it.
title: Ages of pioneers
abstract: How old they are.
authors:
  - given-names: Ada
    family-names: Lovelace
    orcid: https://orcid.org/0000-0002-1825-0097
    email: ada.lovelace@analytical.example
    affiliation: Analytical Engine Works
repository-code: https://github.com/lovelace/ages
doi: 10.5281/zenodo.4242
license: MIT
"""
FILES = {
    ".gitignore": "/mlflow.db*\n/mlartifacts/\n/packages/\n",
    "CITATION.cff": CITATION,
    "LICENSE": "MIT. Copyright 2026 Ada Lovelace\n",
    "README.md": "# Ages\n\nBy A. Lovelace, <ada.lovelace@analytical.example>.\n",
    "pyproject.toml": '[project]\nname = "ages"\nversion = "0"\nrequires-python = ">=3.11"\n',
    "uv.lock": 'version = 1\nrevision = 3\nrequires-python = ">=3.11"\n\n'
    '[[package]]\nname = "ages"\nversion = "0"\nsource = { virtual = "." }\n',
    "run.sh": "#!/bin/sh\nexec dvc repro\n",
    "docs/Grüße, Welt.txt": "hello\n",
}


@pytest.fixture
def ages(
    tools: None,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Study:
    """A study with all that a package asks for; its data and results are pushed to `../storage`."""

    def make(folder: Path) -> None:
        root = folder / "study"
        root.mkdir()
        start(root, SETTINGS | SCIENCE | FILES)
        (root / "run.sh").chmod(0o775)
        (root / "docs/start.md").symlink_to("../README.md")
        (folder / "storage").mkdir()
        (root / "data/raw/sites").mkdir()
        for name in "ab":
            (root / f"data/raw/sites/{name}.bin").write_bytes(name.encode() * 3000)
        capture(["dvc", "remote", "add", "--default", "storage", "../storage"], root)
        capture(["dvc", "add", "--quiet", "data/raw/people.csv", "data/raw/sites"], root)
        capture(["dvc", "repro", "--quiet"], root)
        capture(["dvc", "push", "--quiet"], root)
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--message", "feat: first results")

    made = made_once(tmp_path_factory, "ages", make)
    shutil.copytree(made / "storage", tmp_path / "storage")
    return copied(made / "study", tmp_path, monkeypatch)


def commit(study: Study, files: dict[str, str | bytes] | None = None) -> None:
    """Write some files and commit everything."""
    for path, content in (files or {}).items():
        (study.root / path).parent.mkdir(parents=True, exist_ok=True)
        text = content.encode() if isinstance(content, str) else content
        (study.root / path).write_bytes(text)
    git(study.root, "add", "--all")
    git(study.root, "commit", "--quiet", "--allow-empty", "--message", "more")


def packed(package: Package) -> dict[str, bytes]:
    """Return every entry of every volume."""
    found: dict[str, bytes] = {}
    for volume in package.volumes:
        with zipfile.ZipFile(volume) as opened:
            assert opened.testzip() is None
            for name in opened.namelist():
                assert name not in found
                found[name] = opened.read(name)
    return found


PROGRAM = """\
import os, sys
os.umask(0o077)
from data_versioning.archive.generated import GENERATED
from data_versioning.archive.package import create_reproducibility_package as make
print(make(rev=sys.argv[1], project_dir=sys.argv[2], volume_bytes=int(sys.argv[3])).text())
"""


def test_bytes_depend_on_the_commit_alone(ages: Study, tmp_path: Path) -> None:
    """A clone with another time zone, umask, language, folder, time and work tree makes the same.

    Plain unzip, Python and sha256sum read it.
    """
    root = ages.root
    size = 6000
    git(root, "tag", "v1")
    mine = create_reproducibility_package(rev="v1", volume_bytes=size)
    assert mine.name == "my-study-v1" and mine.folder == root / "packages/my-study-v1"
    assert [path.name for path in mine.volumes][:2] == [
        f"{mine.name}.zip",
        f"{mine.name}.data-001.zip",
    ]

    clone = tmp_path / "elsewhere/clone"
    git(tmp_path, "clone", "--quiet", str(root), str(clone))
    (clone / ".dvc/config.local").write_text(
        f"[core]\n    remote = storage\n['remote \"storage\"']\n    url = {tmp_path / 'storage'}\n"
    )
    edit(clone / "README.md", "Ages", "edited")
    git(clone, "commit", "--quiet", "--all", "--message", "later")
    (clone / "uncommitted").write_text("x")
    environment = {
        **os.environ, "TZ": "Pacific/Apia", "LANG": "C", "LC_ALL": "C", "PYTHONHASHSEED": "7",
        "PYTHONPATH": str(ROOT / "template/src"),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "v1", str(clone), str(size)],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    others = clone / "packages" / mine.name
    assert sorted(os.listdir(others)) == sorted(path.name for path in mine.volumes)
    for volume in mine.volumes:
        assert volume.read_bytes() == (others / volume.name).read_bytes(), volume.name

    before = {path: path.stat().st_mtime_ns for path in mine.volumes}
    edit(root / "README.md", "Ages", "edited")
    again = create_reproducibility_package(rev="v1", volume_bytes=size)
    assert again.state == "unchanged" and "(unchanged)" in again.text()
    assert before == {path: path.stat().st_mtime_ns for path in mine.volumes}

    assert layout.check(mine.folder) == []
    with zipfile.ZipFile(mine.volumes[0]) as main:
        order = main.namelist()
    studys = order[: -len(GENERATED)]
    assert tuple(order[len(studys) :])[-2:] == GENERATED[-2:] == ("MANIFEST.json", "SHA256SUMS")
    assert studys == sorted(studys, key=str.encode)
    files = packed(mine)
    manifest = json.loads(files["MANIFEST.json"])
    assert manifest == mine.manifest
    assert manifest["tag"] == "v1" and manifest["commit"] == git(root, "rev-parse", "v1").strip()
    listed = {one["path"]: one for one in manifest["files"]}
    assert listed.keys() == files.keys() - {"MANIFEST.json", "SHA256SUMS"}
    for path, one in listed.items():
        assert one["sha256"] == hashlib.sha256(files[path]).hexdigest(), path
        assert one["md5"] == hashlib.md5(files[path]).hexdigest(), path
        assert one["size"] == len(files[path])
    tracked = git(root, "-c", "core.quotePath=false", "ls-tree", "-r", "--name-only", "v1").split(
        "\n"
    )
    assert set(filter(None, tracked)) <= files.keys()
    assert {path: (listed[path]["role"], listed[path]["stage"]) for path in (
        "src/train.py", "data/prepared.csv", "results/metrics.json", "results/predictions.csv",
        "data/raw/sites/a.bin", "uv.lock", "README.md", "CITATION.cff", "verify.py",
    )} == {
        "src/train.py": ("code", None),
        "data/prepared.csv": ("data", "prepare"),
        "results/metrics.json": ("result", "evaluate"),
        "results/predictions.csv": ("result", "evaluate"),
        "data/raw/sites/a.bin": ("data", None),
        "uv.lock": ("environment", None),
        "README.md": ("documentation", None),
        "CITATION.cff": ("metadata", None),
        "verify.py": ("metadata", None),
    }  # fmt: skip
    blob = git(root, "rev-parse", "v1:src/train.py").strip()
    assert listed["src/train.py"]["origin"] == f"git:{blob}"
    assert (
        listed["data/raw/sites/a.bin"]["origin"] == f"dvc:{listed['data/raw/sites/a.bin']['md5']}"
    )

    there = tmp_path / "unpacked"
    for volume in mine.volumes:
        subprocess.run(["unzip", "-q", str(volume), "-d", str(there)], check=True)
    assert {
        str(path.relative_to(there)) for path in there.rglob("*") if not path.is_dir()
    } == files.keys()
    assert stat.S_IMODE((there / "run.sh").stat().st_mode) == 0o755
    assert stat.S_IMODE((there / "README.md").stat().st_mode) == 0o644
    assert os.readlink(there / "docs/start.md") == "../README.md"
    assert (there / "docs/Grüße, Welt.txt").read_text() == "hello\n"
    subprocess.run(["sha256sum", "--quiet", "--check", "SHA256SUMS"], cwd=there, check=True)
    assert len((there / "SHA256SUMS").read_text().splitlines()) == len(files) - 2  # a link, itself


Spoil = Callable[[Study], None]


def _link(path: str, target: str) -> Spoil:
    return lambda study: (study.root / path).symlink_to(target)


def _file(path: str, content: str = "x\n") -> Spoil:
    def write(study: Study) -> None:
        (study.root / path).parent.mkdir(parents=True, exist_ok=True)
        (study.root / path).write_text(content)

    return write


def _each(*spoils: Spoil) -> Spoil:
    def spoil(study: Study) -> None:
        for one in spoils:
            one(study)

    return spoil


def _unkept(study: Study) -> None:
    (study.root / "results/.gitignore").write_text("/metrics.json\n")
    git(study.root, "rm", "--quiet", "--cached", "results/metrics.json")


def _submodule(study: Study) -> None:
    head = git(study.root, "rev-parse", "HEAD").strip()
    git(study.root, "update-index", "--add", "--cacheinfo", f"160000,{head},vendor")
    git(study.root, "commit", "--quiet", "--message", "submodule")


TOKEN = "s3cr3t" * 6
KEY = "-----BEGIN RSA PRIVATE KEY-----"
REFUSED: dict[str, tuple[Spoil, str, str]] = {
    "stale": (
        lambda study: edit(study.root / "params.yaml", "0.5", "0.7"),
        "the results are not those of this commit: stage train: params.yaml: train.alpha changed",
        "make repro && git commit --all",
    ),
    "environment": (
        lambda study: (study.root / "uv.lock").unlink(),
        "the commit locks no environment: uv.lock",
        "make setup && git add uv.lock && git commit",
    ),
    "kept nowhere": (
        _unkept,
        "neither git nor DVC keeps what a stage made: results/metrics.json",
        "git add --force -- results/metrics.json && git commit",
    ),
    "no citation": (
        lambda study: (study.root / "CITATION.cff").unlink(),
        "no CITATION.cff, which says whom to cite",
        "$EDITOR CITATION.cff",
    ),
    "bad citation": (
        lambda study: edit(study.root / "CITATION.cff", "0097", "0098"),
        "CITATION.cff",
        "$EDITOR CITATION.cff",
    ),
    "path of a machine": (
        lambda study: edit(study.root / "CITATION.cff", "How old", "In /home/ada/study, how old"),
        "a path of one machine: CITATION.cff: /home/ada/study",
        "$EDITOR CITATION.cff, and commit it",
    ),
    "passwords": (
        _file("sub/.env.local", "A=b\n"),
        "a file for passwords is committed: sub/.env.local",
        "git rm --cached -- sub/.env.local",
    ),
    "settings of one machine": (
        _file(".dvc/config.local", "[core]\n"),
        "a file for passwords is committed: .dvc/config.local",
        "git rm --cached -- .dvc/config.local",
    ),
    "password in an address": (
        _file("uv.toml", "# http://me:password@x.org\nindex-url = 'https://me:hunter2@x.org/'\n"),
        "a secret: password in an address: uv.toml:2",
        "$EDITOR uv.toml",
    ),
    "password of a remote": (
        lambda study: edit(
            study.root / ".dvc/config", "../storage\n", "../storage\n    password = xyz\n"
        ),
        "a secret: a password is committed: .dvc/config: password of the remote 'storage'",
        "dvc remote modify --local storage password <it> &&"
        " dvc remote modify --unset storage password",
    ),
    "key": (_file("key.pem", f"a\n{KEY}\n"), "a secret: private key: key.pem:2", "$EDITOR key.pem"),
    "token of GitHub": (
        _file("a.py", f"T = 'ghp_{'a1' * 18}'\n"),
        "a secret: token of GitHub: a.py:1",
        "$EDITOR a.py",
    ),
    "token of Zenodo": (
        _file("a.py", f"ZENODO_TOKEN={'a1' * 30}\n"),
        "a secret: token of an archive: a.py:1",
        "$EDITOR a.py",
    ),
    "value of the environment": (
        _file("log.bin", f"\0\0{TOKEN}\0"),
        "a secret: the value of OSF_TOKEN: log.bin:1",
        "$EDITOR log.bin",
    ),
    "name of ours": (
        _file("Manifest.JSON"),
        "a package has a file of this name of its own: Manifest.JSON",
        "git mv -- Manifest.JSON <another name>",
    ),
    "case": (
        _file("docs/GRÜSSE, welt.txt"),
        "to other systems its name is that of docs/GRÜSSE, welt.txt: docs/Grüße, Welt.txt",
        "git mv --",
    ),
    "backslash": (_file("a\\b"), "a backslash in its name: a\\b", "git mv -- 'a\\b'"),
    "control": (_file("a\tb"), "a control character in its name", "git mv --"),
    "drive": (_file("c:/a"), "an absolute name: c:/a", "git mv --"),
    "out": (
        _link("docs/out", "../../x"),
        "a link out of the package: ../../x: docs/out",
        "git rm -- docs/out",
    ),
    "absolute link": (
        _link("out", "/etc/passwd"),
        "a link out of the package: /etc/passwd: out",
        "git rm -- out",
    ),
    "link by a link": (
        _each(_link("here", "docs"), _link("docs/out", "../here/../../x")),
        "a link out of the package: ../here/../../x: docs/out",
        "git rm -- docs/out",
    ),
    "circle": (
        _each(_link("one", "two"), _link("two", "one")),
        "a link in a circle: two: one",
        "git rm -- one",
    ),
    "submodule": (_submodule, "a submodule is in another repository", "git rm -- vendor"),
}


def test_what_is_refused(ages: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each refusal names what is wrong and the command that mends it; nothing is left behind."""
    root = ages.root
    monkeypatch.setenv("OSF_TOKEN", TOKEN)
    base = git(root, "rev-parse", "HEAD").strip()
    for name, (spoil, said, mend) in REFUSED.items():
        spoil(ages)
        git(root, "add", "--force", "--all", ".dvc/config*")
        if name != "submodule":
            commit(ages)
        with pytest.raises(StudyError) as caught:
            create_reproducibility_package(rev="HEAD")
        assert said in str(caught.value), name
        assert caught.value.mend.startswith(mend), (name, caught.value.mend)
        assert TOKEN not in str(caught.value)
        git(root, "reset", "--quiet", "--hard", base)
    assert not (root / "packages").exists()

    with pytest.raises(
        StudyError, match="a package is made of a commit: 1 not committed: new"
    ) as caught:
        _file("new")(ages)
        create_reproducibility_package()
    assert caught.value.mend == "git add --all && git commit"
    (root / "new").unlink()
    edit(root / "data/raw/people.csv", "ada,36", "ada,37")
    with pytest.raises(StudyError, match="tracked data was changed: data/raw/people"):
        create_reproducibility_package()
    # A line that says so is no secret, nor is a short or plain value.
    monkeypatch.setenv("DB_PASSWORD", "pioneers")
    allowed = f"A = '{KEY}'  # pragma: allowlist secret\n"
    commit(ages, {"key.py": allowed, "a.R": f"read('{root}/data')\n"})
    made = create_reproducibility_package(rev="HEAD")
    assert made.notes == ("a path of this machine is in a.R",)
    assert "note: a path of this machine" in made.text()


def test_data_by_pointer_or_inside(
    ages: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What DVC keeps is inside or pointed to; what the cache lacks is fetched, or refused."""
    root = ages.root
    cache = root / ".dvc/cache/files/md5"
    kept = {
        "data/prepared.csv",
        "data/raw/people.csv",
        "models/model.json",
        "results/predictions.csv",
    }
    sites = {"data/raw/sites/a.bin", "data/raw/sites/b.bin"}

    pointing = create_reproducibility_package(tmp_path / "out", rev="HEAD", data="pointers")
    assert pointing.folder.parent == tmp_path / "out"
    assert not packed(pointing).keys() & (kept | sites)
    pointers = {one["path"]: one for one in pointing.manifest["pointers"]}
    assert pointers.keys() == kept | {"data/raw/sites"}
    assert pointers["data/raw/sites"] == {
        "path": "data/raw/sites", "role": "data", "size": 6000, "nfiles": 2, "stage": None,
        "md5": pointers["data/raw/sites"]["md5"], "remote": "storage", "url": "../storage",
    }  # fmt: skip
    assert layout.check(pointing.folder) == []
    assert pointing.notes == ("it points to data in a folder of this machine: remote storage",)

    edit(root / "study.yaml", "large_file_mb", "archive: {budget_gb: 0.000002}\nlarge_file_mb")
    commit(ages)
    within = create_reproducibility_package(rev="HEAD")
    assert [one["path"] for one in within.manifest["pointers"]] == ["data/raw/sites"]
    assert of_commit(ages) == within.folder
    assert Package.open(within.folder) == Package(
        within.folder, within.name, within.volumes, within.manifest, within.digest
    )

    # Nothing is written, and nothing fetched, by a dry run.
    shutil.rmtree(cache)
    shutil.rmtree(root / "packages")
    planned = create_reproducibility_package(rev="HEAD", data="data", dry_run=True)
    assert not (root / "packages").exists() and not cache.exists()
    assert planned.as_dict()["files"]["data"] == {"files": 4, "bytes": 6000 + 54 + 28}
    assert any(note.startswith("to be fetched first: data/prepared.csv") for note in planned.notes)

    # Of another commit than the one that is checked out, too, and without touching the work tree.
    git(root, "tag", "first")
    git(root, "rm", "--quiet", "data/raw/sites.dvc")
    commit(ages)
    before = git(root, "status", "--porcelain")
    whole = create_reproducibility_package(rev="first", data="data")
    assert packed(whole).keys() > kept | sites
    assert packed(whole)["data/raw/sites/a.bin"] == b"a" * 3000
    assert git(root, "status", "--porcelain") == before

    md5 = pointers["data/raw/people.csv"]["md5"]
    file = cache / md5[:2] / md5[2:]
    file.chmod(0o644)
    file.write_bytes(b"name,age\nada,37\ngrace,45\nmary,50\njoan,60\nrosa,70\n")
    shutil.rmtree(root / "packages")
    with pytest.raises(StudyError, match="damaged in DVC's cache") as caught:
        create_reproducibility_package(rev="first", data="data")
    assert str(file) in str(caught.value) and str(file) in caught.value.mend
    assert not list((root / "packages").iterdir())

    file.unlink()
    os.mkfifo(file)  # which nobody writes to
    with pytest.raises(StudyError, match="damaged in DVC's cache"):
        create_reproducibility_package(rev="first", data="data")

    file.unlink()
    (tmp_path / "storage/files/md5" / md5[:2] / md5[2:]).unlink()
    with pytest.raises(StudyError, match="1 file neither in DVC's cache nor in a remote: data/raw"):
        create_reproducibility_package(rev="first", data="data")
    with pytest.raises(
        StudyError, match="that the remote 'storage' lacks: data/raw/people"
    ) as caught:
        create_reproducibility_package(rev="first", data="pointers")
    assert caught.value.mend == "make push"

    # Of a list whose hash is right, but that DVC did not write.
    there = pointers["models/model.json"]["md5"]
    for content, said in (
        ([{"relpath": "\ud800", "md5": there}], "a control character in its name"),
        ([{"relpath": "a", "md5": "../../a"}], "damaged in DVC's cache"),
        ({"a": 1}, "damaged in DVC's cache"),
    ):
        text = json.dumps(content).encode()
        name = hashlib.md5(text).hexdigest()
        (cache / name[:2]).mkdir(exist_ok=True)
        (cache / name[:2] / f"{name[2:]}.dir").write_bytes(text)
        folder = KeptByDVC("data/x", "data", f"{name}.dir", None, None, None, "")
        with pytest.raises(StudyError, match=said):
            inside = in_order(of_dvc([folder], Objects(root / ".dvc/cache")))
            refuse_names([one.path for one in inside], ())


def test_limits_of_archives(ages: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """Volumes are as many and as large as the archive takes; what it refuses is refused here.

    As is what somebody writes to while it is copied.
    """
    (ages.root / "data/raw/large.bin").write_bytes(bytes(2 * CHUNK))
    capture(["dvc", "add", "--quiet", "data/raw/large.bin"], ages.root)
    commit(ages)

    def write(*_: object) -> None:
        (kept,) = [
            one for one in (ages.root / ".dvc/cache").rglob("*") if one.stat().st_size > CHUNK
        ]
        kept.chmod(0o644)
        with kept.open("r+b") as file:
            file.write(b"x")

    with monkeypatch.context() as patch:
        patch.setattr(Secrets, "watch", lambda *_: write)
        with pytest.raises(StudyError, match=r"changed while the package was made: .*large\.bin"):
            create_reproducibility_package(rev="HEAD", data="data")
    git(ages.root, "reset", "--quiet", "--hard", "HEAD~")
    small = {"zenodo": volumes.Limits("zenodo", 200_000, 400_000, 3)}
    monkeypatch.setattr(volumes, "LIMITS", small)
    made = create_reproducibility_package(rev="HEAD", data="data", volume_bytes=3500)
    assert len(made.volumes) == 2  # with as little data in each as was asked for, they were 4
    assert [path.name for path in made.volumes] == made.manifest["volumes"]
    for limit, said in (
        (replace(small["zenodo"], file=2900), "zenodo takes files of 2.9 kB at most: data/raw/"),
        (replace(small["zenodo"], record=5000), "zenodo takes 5.0 kB at most: data and results"),
        (replace(small["zenodo"], record=30_000), "zenodo takes 30.0 kB at most: the package has"),
        (replace(small["zenodo"], files=1), "zenodo takes 1 files at most: the package has"),
    ):
        monkeypatch.setattr(volumes, "LIMITS", {"zenodo": limit})
        with pytest.raises(StudyError, match=said) as caught:
            create_reproducibility_package(rev="HEAD", data="data", volume_bytes=3500)
        assert caught.value.mend == "data-versioning package --data pointers"


WHO = (
    b"Lovelace", b"Ada Lovelace", b"0000-0002-1825-0097", b"ada.lovelace", b"analytical.example",
    b"Analytical Engine", b"github.com", b"zenodo.4242", b"run-4711", b"v1.0.0-analysis-complete",
    b"ages.example", b"osf.io/abcde", b"zenodo.991122", b"@lovelace", b"lovelace.github.io",
    b"home/ada", b"uller", "李明".encode(), b"mlflow.uni.example", b"zenodo--x.77",
    b"records/991122", b"zenodo.4241", b"percy1792", b"bysshe",
    b"Mary Shelley", b"mary@geneva.example",
)  # fmt: skip
OTHERS = """\
  - given-names: Łukasz
    family-names: Müller
  - given-names: 明
    family-names: 李
"""
SPELLED = r"""% Łukasz Müller, Lukasz Mueller, \L ukasz M\"uller, {\L}ukasz M{\"u}ller, MÜLLER
A. Lovelace, Müller: M&uuml;ller, M&#xFC;ller; 作者李明。 
(the end) .. /home/ada/study, C:\Users\ada, /home/jovyan
"""


def test_anonymous(ages: Study, tmp_path: Path) -> None:
    """No byte and no name of an anonymous package tells who made the study."""
    root = ages.root
    git(root, "remote", "add", "origin", "git@github.com:lovelace/ages.git")
    edit(
        root / "study.yaml",
        "large_file_mb",
        "archive: {preregistration: 'https://osf.io/abcde'}\nlarge_file_mb",
    )
    edit(root / ".dvc/config", "../storage", "s3://ages.example/bucket")
    script = "# by Ada Lovelace <Ada.Lovelace@analytical.example>\nfrom lovely import Grace\n"
    commit(ages, {
        "src/more.py": script,
        "notes.ipynb": '{"who": "ADA LOVELACE, Analytical\\nEngine Works", "at": "lovelace/ages"}',
        "docs/paper.tex": "Lovelace~(2026), https://github.com/lovelace/ages, of run-4711\n"
        + SPELLED,
        ".github/CODEOWNERS": "* @lovelace\n# https://lovelace.github.io github.com/lovelace/x\n",
        "deposits.json": '{"deposits": [{"doi": "10.5281/zenodo-x.77", "server":'
        ' "https://zenodo.org", "id": "991122"}]}',
        "docs/badge.md": "[![DOI](https://img.shields.io/badge/DOI-10.5281%2Fzenodo--x.77-blue)]"
        "(https://zenodo.org/records/991122), 10.5281/zenodo.4241, (c) Mary Shelley\n",
        "CITATION.cff": CITATION.replace("repository-code", OTHERS + "repository-code")
        + "identifiers: [{type: doi, value: 10.5281/zenodo.4241}]\n",
        "profiles/lab.env": "MLFLOW_TRACKING_URI=https://mlflow.uni.example/x\n",
        "src/law.py": "class Mueller: pass\n",
        ".copier-answers.yml": "slug: my-study\nauthor: Mary Shelley\n"
        "email: mary@geneva.example\n"
        "repo: git@github.com:lovelace/ages\norcid: 0000-0002-1825-0097\n"
        "mlflow_server_url: https://mlflow.uni.example\n",
    })  # fmt: skip
    note = "x percy1792, @bysshe, https://github.com/bysshe/more\n"
    (root / "docs/of-others.md").write_text(note)
    git(root, "add", "docs")
    author = ["--author", "percy1792 <17+bysshe@users.noreply.github.com>"]
    git(root, "commit", "--quiet", *author, "--message", "more")
    head = git(root, "rev-parse", "HEAD").strip()
    release = Release("v1.0.0-analysis-complete", "analysis", ("run-4711",))
    made = create_reproducibility_package(rev="HEAD", release=release, anonymous=True)
    assert made.name == "my-study-anonymous"
    found = b"".join(path.read_bytes() + path.name.encode() for path in made.volumes)
    for who in (*WHO, head.encode(), head[:12].encode()):
        assert who.lower() not in found.lower(), who
    assert layout.check(made.folder) == []
    files = packed(made)
    assert files["src/more.py"] == (
        b"# by Anonymous <anonymous@example.org>\nfrom lovely import Grace\n"
    )
    assert json.loads(files["notes.ipynb"])["who"].startswith("Anonymous, ")
    assert files["docs/paper.tex"].endswith(
        b"(the end) .. /home/anonymous/study, C:\\Users\\anonymous, /home/jovyan\n"
    )
    assert "deposits.json" not in files and made.manifest["commit_time"].endswith("T00:00:00Z")
    left = "a word that is a part of an author's name is left in src/law.py"
    assert made.notes == (left,)
    assert made.manifest["study"]["authors"] == [] and made.manifest["commit"] is None
    listed = {one["path"]: one for one in made.manifest["files"]}
    text = files["src/more.py"]
    assert listed["src/more.py"]["sha256"] == hashlib.sha256(text).hexdigest()
    blob = hashlib.sha1(b"blob %d\0" % len(text) + text).hexdigest()
    assert listed["src/more.py"]["origin"] == f"git:{blob}"
    assert citation.problems(files["CITATION.cff"]) == []

    for path, content, said in (
        (
            "a.bin",
            b"\0\0Ada Lovelace\0",
            "it tells who made the study, and cannot be rewritten: a.bin",
        ),
        ("b.bin", "\0Ada Lovelace".encode("utf-16"), "cannot be rewritten: b.bin: Ada Lovelace"),
        ("Lovelace.md", b"x", "its name tells who made the study: Lovelace.md"),
        ("src/the_lovelace.py", b"x", "its name tells who made the study: src/the_lovelace.py"),
        ("c.bin", "\0Łukasz Müller".encode("utf-16-le"), r"cannot be rewritten: c\.bin"),
        (".copier-answers.yml", b"slug: lovelace-1", "short name tells who .* lovelace-1"),
    ):
        commit(ages, {path: content})
        with pytest.raises(StudyError, match=said):
            create_reproducibility_package(rev="HEAD", anonymous=True)
        git(root, "reset", "--quiet", "--hard", head)
    (root / ".git/shallow").write_text(f"{head}\n")
    with pytest.raises(StudyError, match="a shallow clone does not know everyone"):
        create_reproducibility_package(rev="HEAD", anonymous=True)
    (root / ".git/shallow").unlink()
    (root / "data/raw/sites/c.txt").write_text("of Ada Lovelace\n")
    capture(["dvc", "add", "--quiet", "data/raw/sites"], root)
    commit(ages)
    with pytest.raises(StudyError, match=r"cannot be rewritten: data/raw/sites/c\.txt: Ada"):
        create_reproducibility_package(rev="HEAD", anonymous=True, data="data")


def test_what_lies_where_a_package_goes(ages: Study) -> None:
    """A killed run leaves nothing that counts; a damaged package is made again; else it stays."""
    root = ages.root
    made = create_reproducibility_package(rev="HEAD")
    volume = made.volumes[0]
    content = volume.read_bytes()
    for left in (f"{made.name}.part", f"{made.name}.old.part"):
        (made.folder.parent / left).mkdir()
        (made.folder.parent / left / volume.name).write_bytes(content[:100])
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 1
    for damaged in (bytes(flipped), content[:-1], content + b"\0"):
        volume.write_bytes(damaged)
        again = create_reproducibility_package(rev="HEAD")
        assert again.state == "made" and volume.read_bytes() == content
        assert os.listdir(root / "packages") == [made.name]
    (made.folder / f"{made.name}.data-001.zip").write_bytes(content)
    assert create_reproducibility_package(rev="HEAD").state == "made"
    assert os.listdir(made.folder) == [volume.name]

    (made.folder / "thesis.docx").write_text("mine")
    with pytest.raises(StudyError, match="a package is to go there, and something else is"):
        create_reproducibility_package(rev="HEAD")
    assert (made.folder / "thesis.docx").read_text() == "mine"
    (root / "packages" / "as a file").touch()
    for output, why in (("as a file", "no folder: Not a directory"), (".", "something else is")):
        if output == ".":
            made.folder.rename(made.folder.with_name("thesis"))
            made.folder.touch()
        with pytest.raises(StudyError, match=why) as caught:
            create_reproducibility_package(root / "packages" / output, rev="HEAD")
        assert caught.value.mend == "data-versioning package --output <folder>"
    made.folder.unlink()

    # What is made for a tag that is to come is what is made of it.
    head = git(root, "rev-parse", "HEAD").strip()
    phase = next(
        one for one in plan.listed_in(plan.DEFAULTS.read_bytes()) if one.name == "analysis"
    )
    release = Release("v1.0.0-analysis-complete", "analysis", ("run-1",))
    before = create_reproducibility_package(rev="HEAD", release=release)
    said = phase_manifest.make(
        root, phase, "1.0.0", head, datetime.now(UTC), "Ada", [], None, ["run-1"]
    )
    make_tag(root, release.tag, head, phase_manifest.text(said), None)
    after = create_reproducibility_package(rev=release.tag)
    assert after.state == "unchanged" and after.digest == before.digest
    assert [after.manifest[key] for key in ("tag", "phase", "runs", "commit")] == [
        release.tag, "analysis", ["run-1"], head,
    ]  # fmt: skip

    blob = git(root, "rev-parse", "HEAD:run.sh").strip()
    kept = root / ".git/objects" / blob[:2] / blob[2:]
    kept.rename(kept.with_name("away"))
    with pytest.raises(StudyError, match=r"git lacks it, or has it damaged: run\.sh"):
        create_reproducibility_package(rev="HEAD")
    kept.with_name("away").rename(kept)

    # A deposit notes itself in a commit of its own; a broken package beside is in nobody's way.
    (root / "packages/broken").mkdir()
    (root / "packages/broken/broken.zip").write_bytes(b"PK")
    commit(ages, {"deposits.json": "{}"})
    assert of_commit(ages) == after.folder
    with pytest.raises(StudyError, match="no package of this commit"):
        commit(ages, {"README.md": "# More\n"})
        of_commit(ages)
