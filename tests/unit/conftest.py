"""Small studies: real git, DVC and MLflow, no template."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from data_versioning.command import capture
from data_versioning.study import Study

from tests.conftest import ROOT, git


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, isolated_settings: Path) -> Study:
    """A study with one commit, one stage that copies `in.txt` to `out.txt`, and DVC."""
    monkeypatch.setenv("PATH", f"{ROOT / '.venv/bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    root = tmp_path / "my study"
    root.mkdir()
    monkeypatch.chdir(root)
    (root / "study.yaml").write_text("large_file_mb: 0.001\n")
    (root / ".copier-answers.yml").write_text("slug: my-study\n")
    (root / ".gitignore").write_text("/mlflow.db*\n/mlartifacts/\n")
    (root / "in.txt").write_text("data\n")
    (root / "params.yaml").write_text("rate: 1\n")
    (root / "dvc.yaml").write_text(
        "stages:\n  copy:\n    cmd: cp in.txt out.txt\n    deps: [in.txt]\n    outs: [out.txt]\n"
    )
    git(root, "init", "--quiet")
    capture(["dvc", "init", "--quiet"], root)
    capture(["dvc", "config", "core.analytics", "false"], root)
    capture(["dvc", "config", "core.autostage", "true"], root)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "start")
    return Study(root)
