"""A package of a rendered study, replayed by somebody who has Python and git, and nothing else."""

from __future__ import annotations

import json
import shutil
import sys
import zipfile
from functools import partial
from pathlib import Path

from tests.conftest import git
from tests.project.conftest import run, user_environment


def test_a_package_on_a_bare_machine(study: Path, tmp_path: Path) -> None:
    """Every output comes out again, byte by byte, in an environment built for it."""
    made = run(study, ".venv/bin/python", "-m", "data_versioning", "package", "--json").stdout
    package = Path(json.loads(made)["folder"])
    unpacked = tmp_path / "unpacked"
    for volume in package.iterdir():
        with zipfile.ZipFile(volume) as opened:
            opened.extractall(unpacked)
    base = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"
    uv = tmp_path / "uv"
    uv.mkdir()
    (uv / "uv").symlink_to(shutil.which("uv", path=user_environment()["PATH"]) or "")
    bare = partial(run, unpacked, str(base), PATH=f"{uv}:/usr/bin:/bin", TMPDIR=str(tmp_path))
    assert "the package is whole" in bare("-I", "verify.py").stdout

    done = bare("-m", "data_versioning", "replay", ".", "--json", PYTHONPATH="src")
    found = json.loads(done.stdout)
    assert [one for one in found["outputs"] if one["verdict"] != "same"] == []
    assert len(found["outputs"]) == 13
    assert found["reproduced"] is True
    assert not list(tmp_path.glob("replay-*"))
    assert git(study, "status", "--porcelain") == ""
