"""Every rendered file is read by the tool that will read it."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.conftest import Render
from tests.render.test_files import files

BIN = Path(sys.executable).parent


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command of the environment that runs the tests."""
    environment = os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def parse(path: Path) -> None:
    """Read a file as what its name says it is.

    Raises:
        ValueError: The file is not what its name says; `SyntaxError`, `YAMLError` likewise.
    """
    text = path.read_text("utf-8")
    assert "\r" not in text
    match path.suffix or path.name:
        case ".yml" | ".yaml" | ".cff":
            yaml.safe_load(text)
        case ".toml":
            tomllib.loads(text)
        case ".json":
            json.loads(text)
        case ".py":
            ast.parse(text)
        case ".sh":
            result = run("bash", "-n", path, cwd=path.parent)
            if result.returncode:
                raise ValueError(result.stderr)


def test_every_file_parses(study: Path) -> None:
    """Every file is well-formed by its kind, and ends in one newline."""
    for name in files(study):
        parse(study / name)
        text = (study / name).read_text("utf-8")
        assert not text or (text.endswith("\n") and not text.endswith("\n\n")), name


@pytest.mark.parametrize("broken", ["x.py", "x.yml", "x.toml", "x.json", "x.sh", "x.cff"])
def test_parse_can_fail(tmp_path: Path, broken: str) -> None:
    """The parser of these tests refuses a broken file of each kind."""
    (tmp_path / broken).write_text('if "\n  - : [')
    with pytest.raises((ValueError, SyntaxError, yaml.YAMLError)):
        parse(tmp_path / broken)


def test_makefile(study: Path) -> None:
    """GNU make reads the Makefile."""
    result = run("make", "-n", "help", cwd=study)
    assert result.returncode == 0, result.stderr


def test_ruff_changes_nothing(study: Path) -> None:
    """A fresh study is formatted, and clean by its own rules."""
    for command in (["format", "--diff"], ["check"]):
        result = run(BIN / "ruff", *command, "--no-cache", ".", cwd=study)
        assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("ci", "schema", "pattern"),
    [
        ("github", "vendor.github-workflows", ".github/workflows/*.yml"),
        ("gitlab", "vendor.gitlab-ci", ".gitlab-ci.yml"),
    ],
)
def test_workflows(render: Render, ci: str, schema: str, pattern: str) -> None:
    """The CI files are valid by the schema of their service."""
    study = render({"ci": ci})
    workflows = sorted(study.glob(pattern))
    assert workflows
    transform = ["--data-transform", "gitlab-ci"] if ci == "gitlab" else []
    result = run(
        BIN / "check-jsonschema", "--builtin-schema", schema, *transform, *workflows, cwd=study
    )
    assert result.returncode == 0, result.stdout
