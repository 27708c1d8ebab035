"""`make setup` in an unpacked package: committed as it is, by whoever unpacked it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from data_versioning.archive.manifest import FORMAT
from data_versioning.errors import StudyError
from data_versioning.setup.wiring import first_commit
from data_versioning.study import Study

from tests.conftest import git


def test_a_package_is_committed_by_nobody_and_past_the_hooks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hooks would take its checksums for secrets; a study of one's own they still guard."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    git(tmp_path, "init", "--quiet")
    hook = tmp_path / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho refused\nexit 1\n")
    hook.chmod(0o755)
    (tmp_path / "study.yaml").touch()
    (tmp_path / ".copier-answers.yml").write_text("slug: bmi\n")
    manifest = tmp_path / "MANIFEST.json"
    study = Study(tmp_path)
    for content in (None, "{}", '{"format": "other", "volumes": ["x.zip"]}', "not JSON"):
        if content is not None:
            manifest.write_text(content)
        with pytest.raises(StudyError, match="git does not know who you are"):
            first_commit(study)
    manifest.write_text(json.dumps({"format": FORMAT, "volumes": ["bmi-v1.0.0.zip"]}))
    assert first_commit(study).endswith(", as data-versioning")
    assert git(tmp_path, "log", "--format=%an %s").strip() == (
        "data-versioning chore: unpack bmi-v1.0.0"
    )
    assert git(tmp_path, "status", "--porcelain") == ""
    assert first_commit(study) == "exists"
