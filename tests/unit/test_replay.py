"""Packages that are run again in an empty folder."""

from __future__ import annotations

import fcntl
import os
import shutil
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from data_versioning.archive import replay_run, verify_package
from data_versioning.archive.package import create_reproducibility_package
from data_versioning.archive.replay import replay
from data_versioning.archive.replay_result import Replay
from data_versioning.archive.workplace import AT_WORK, KEPT, MARK, temporary
from data_versioning.command import capture
from data_versioning.errors import StudyError

from tests.conftest import git
from tests.once import made_once
from tests.unit.conftest import SCIENCE, SETTINGS, copied, start
from tests.unit.small_packages import CITED, TREE, contents, write

CLAIMS = """\
archive:
  claims:
    - {claim: The model is good., output: results/metrics.json, expected: accuracy 0.22}
    - {claim: Pioneers were young., output: results/drawn}
    - {claim: It reads well.}
  tolerances:
    results/metrics.json: {relative: 1e-6}
    results/drawn/a.csv: {absolute: 0.5}
"""
FILES = {
    "study.yaml": SETTINGS["study.yaml"] + CLAIMS,
    "CITATION.cff": CITED.decode(),
    "LICENSE": "MIT\n",
    # Nothing to install, so that an environment costs no more than a folder.
    "pyproject.toml": '[project]\nname = "study"\nversion = "0"\nrequires-python = ">=3.11"\n',
    ".gitignore": "/mlflow.db*\n/mlartifacts/\n/packages/\n.venv/\n/.dvc/tmp\n",
    "src/draw.py": """\
import os
from pathlib import Path
assert "OSF_TOKEN" not in os.environ
Path("results/drawn").mkdir(parents=True)
Path("results/drawn/a.csv").write_text(f"x\\n{os.environ.get('DRAWN', '1.0')}\\n")
Path("results/drawn/b.txt").write_text(os.environ.get("NOTE", "the same") + "\\n")
""",
    "dvc.yaml": SCIENCE["dvc.yaml"]
    + "  draw:\n    cmd: python src/draw.py\n    deps: [src/draw.py]\n    outs: [results/drawn]\n",
}


@pytest.fixture
def packages(
    tools: None,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A folder with a study, its remote, and two packages of it: `whole` and `pointing`."""

    def make(folder: Path) -> None:
        root = folder / "study"
        root.mkdir()
        start(root, SETTINGS | SCIENCE | FILES)
        (folder / "storage").mkdir()
        capture(["dvc", "remote", "add", "--default", "storage", "../storage"], root)
        capture(["dvc", "add", "--quiet", "data/raw/people.csv"], root)
        capture(["uv", "lock", "--quiet", "--offline"], root)
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--message", "data: add people")
        capture(["dvc", "repro", "--quiet"], root)
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--message", "feat: first results")
        capture(["dvc", "push", "--quiet"], root)
        for name, data in (("whole", "data"), ("pointing", "pointers")):
            create_reproducibility_package(folder / name, data=data, project_dir=root)

    made = made_once(tmp_path_factory, "packages", make)
    for name in ("storage", "whole", "pointing"):
        shutil.copytree(made / name, tmp_path / name)
    copied(made / "study", tmp_path, monkeypatch)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    return tmp_path


def of(packages: Path, name: str) -> Path:
    """Return the folder of a package."""
    (folder,) = (packages / name).iterdir()
    return folder


def left(packages: Path) -> list[Path]:
    """Return the folders that replays left among the temporary ones."""
    return list((packages / "tmp").glob("replay-*"))


def verdicts(found: Replay) -> dict[str, str]:
    """Return what became of each output."""
    return {one.path: one.verdict for one in found.outputs}


def test_a_package_that_comes_out_again(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From volumes and unpacked; nothing is left, and the study it is called in stays as it was."""
    package = of(packages, "whole")
    assert verify_package.check(package) == []
    before = sorted(Path.cwd().rglob("*"))
    monkeypatch.setenv("OSF_TOKEN", "for a deposit")  # which no code of a package gets
    found = replay(package)
    assert os.environ["OSF_TOKEN"] == "for a deposit"
    assert found
    assert set(verdicts(found).values()) == {"same"}
    assert verdicts(found).keys() == {
        "data/prepared.csv",
        "models/model.json",
        "results/metrics.json",
        "results/predictions.csv",
        "results/drawn",
    }
    lines = found.text().splitlines()
    assert lines[-1].startswith("5 of 5 outputs came out as packaged, 2 of 3 claims reproduced: ")
    claim = (
        "same         claim: The model is good.  (results/metrics.json; expected: accuracy 0.22)"
    )
    assert claim in lines
    assert found.as_dict()["reproduced"] is True
    assert sorted(Path.cwd().rglob("*")) == before
    assert left(packages) == []

    unpacked = packages / "unpacked"
    for volume in package.iterdir():
        zipfile.ZipFile(volume).extractall(unpacked)
    into = packages / "into"
    found = replay(unpacked, into, keep=True)
    assert found
    assert found.folder == str(into)
    assert (into / MARK).read_text() == KEPT
    assert git(into, "log", "--format=%an %s").split(maxsplit=1)[0] == "replay"
    assert git(into, "status", "--porcelain", "--untracked-files=no") == ""
    assert verify_package.check(unpacked) == []
    with pytest.raises(StudyError, match="not empty"):
        replay(package, into)


def test_what_comes_out_otherwise(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the tolerance of a file in a folder, outside of it, and why; stage by stage."""
    package = of(packages, "whole")
    killed = temporary(package, keep=False)
    (killed / MARK).parent.mkdir(parents=True)
    (killed / MARK).write_text(AT_WORK)
    (killed / "out.txt").touch()
    monkeypatch.setenv("DRAWN", "1.4")
    found = replay(package)
    assert found
    assert [one.how for one in found.outputs if one.path == "results/drawn"] == [
        "results/drawn/a.csv: absolute 0.5"
    ]
    assert "within tolerance  claim: Pioneers were young.  (results/drawn)" in found.text()
    monkeypatch.setenv("NOTE", "another")
    found = replay(package)
    assert not found
    assert verdicts(found)["results/drawn"] == "different"
    assert "results/drawn/b.txt: line 1: another, not the same" in found.text()
    assert "4 of 5 outputs came out as packaged, 1 of 3 claims reproduced" in found.text()
    assert left(packages) == []


def test_data_by_pointer(packages: Path) -> None:
    """From the remote of the package, or another, which the mend of an absent one asks for."""
    package = of(packages, "pointing")
    assert verify_package.check(package) == []
    found = replay(package, packages / "into")
    assert found
    assert verdicts(found)["models/model.json"] == "same"
    assert not (packages / "into").exists()
    (packages / "storage").rename(packages / "moved")
    with pytest.raises(StudyError, match="fetch failed: there is no folder") as failed:
        replay(package)
    assert failed.value.mend == f"data-versioning replay {package} --remote <where the data is>"
    assert left(packages) == []
    assert replay(package, remote="../moved")


def test_refusals_and_what_a_killed_one_left(
    packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package that is not whole, a folder in use or too small; a stage that fails."""
    package = of(packages, "whole")
    into = packages / "into"
    (into / MARK).parent.mkdir(parents=True)
    (into / MARK).write_text(AT_WORK)
    (into / "src").mkdir()
    with (into / MARK).open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(StudyError, match="a replay is under way there"):
            replay(package, into)
    with monkeypatch.context() as patch:
        patch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=0))
        with pytest.raises(StudyError, match=r"no room: .* needed, 0 bytes free"):
            replay(package, into)
    assert list(into.iterdir()) == []
    (into / "mine.txt").touch()
    with pytest.raises(StudyError, match="not empty"):
        replay(package, into)
    assert (into / "mine.txt").exists()

    main = next(package.glob("*.zip"))
    content = bytearray(main.read_bytes())
    content[40] ^= 1
    main.write_bytes(content)
    with pytest.raises(StudyError, match="the package is not whole: ") as failed:
        replay(package)
    assert failed.value.mend == f"data-versioning verify-package {package}"
    with pytest.raises(StudyError, match="no package to check"):
        replay(packages / "tmp")

    for path in (".venv/bin/python", ".dvc/tmp/replay-found.json", ".dvc/config.local"):
        hostile = write(
            packages / f"with {path[5:8]}", contents({**TREE, "uv.lock": b"", path: b""})
        )
        with pytest.raises(StudyError, match="holds what a replay has to make itself") as failed:
            replay(hostile)
        assert failed.value.where == path
    Path("x.dvc").write_text(f"outs:\n- md5: {'a' * 32}\n  path: ../../mine\n")
    git(Path.cwd(), "add", "x.dvc")
    with pytest.raises(StudyError, match=r"an output outside of its folder: \.\./\.\./mine"):
        replay_run._refuse_outside(Path.cwd())
    claim = {"claim": "It holds.", "command": "echo it's", "output": "of/no/stage"}
    nothing = cast(replay_run._Outputs, None)
    assert replay_run._claim(claim, [], nothing).how.endswith("by hand: echo it's")


def test_a_stage_that_fails(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder stays if asked for, to look there."""
    monkeypatch.setenv("DRAWN", "\udcff")  # which it cannot write
    into = packages / "into"
    with pytest.raises(StudyError, match="stage 'draw' failed in the replay: Unicode") as failed:
        replay(of(packages, "whole"), into, keep=True)
    assert failed.value.mend == "look in that folder"
    assert (into / "results/metrics.json").exists()
