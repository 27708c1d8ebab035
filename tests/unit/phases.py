"""A study that is ready to complete its phases."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from data_versioning.command import capture
from data_versioning.phases.findings import Finding
from data_versioning.phases.gates import check
from data_versioning.phases.plan import phase
from data_versioning.setup import git_hooks
from data_versioning.study import Study

from tests.conftest import ROOT, git

ANALYSIS = "[clean, pipeline, pushed, logged, tests, data, drift, documents, commits]"
EARLY = """\
  - name: problem-formulation
    version: 0.1.0
    documents: [docs/question.md]
  - name: data-management
    version: 0.6.0
    gates: [clean, documents, commits, data-management]
"""
PHASES = f"""\
large_file_mb: 0.1
datasets:
  - path: data/prepared.csv
    context: training
phases:
{EARLY}  - name: analysis
    version: 1.0.0
    suffix: analysis-complete
    gates: {ANALYSIS}
    documents: [docs/analysis.md]
  - name: interpretation
    version: 1.1.0
"""
CITATION = """\
cff-version: 1.2.0
message: Please cite it.
title: People
authors:
  - family-names: Lovelace
    given-names: Ada
license: MIT
"""
README = """\
# People

We work in phases, `make phase-start` to `make phase-complete`, on branches `feature/...`, and share
with `make push`.
"""
FILES = {
    "study.yaml": PHASES,
    "README.md": README,
    "data/README.md": "# Data\n\nFive people.\n",
    "CITATION.cff": CITATION,
    "LICENSE": "MIT\n",
    "docs/question.md": "# Question\n\nHow old are they?\n",
    "docs/analysis.md": "# Analysis\n\nThe mean.\n",
    "tests/test_people.py": "def test_people():\n    assert True\n",
    "uv.lock": "version = 1\n",
}
TAG = "v1.0.0-analysis-complete"


def furnish(root: Path, plan: str = PHASES) -> None:
    """Add what phases ask for to a study, and commit it."""
    for path, content in (FILES | {"study.yaml": plan}).items():
        write(root, path, content)
    for name in (".cz.toml", ".pre-commit-config.yaml"):
        shutil.copy(ROOT / "template" / name, root)
    with (root / ".gitignore").open("a") as file:
        file.write("__pycache__/\n/.venv\n")
    save(root, "docs: what the phases ask for")
    git_hooks.install_drivers(Study(root))


def install_hooks(root: Path) -> None:
    """Install the hooks as `make setup` does, with the environment of this repository."""
    (root / ".venv").symlink_to(ROOT / ".venv")
    capture([str(root / ".venv/bin/python"), "-m", "pre_commit", "install"], root)
    assert git_hooks.install_pre_push(Study(root)) == ""
    (root / ".venv").unlink()


def write(root: Path, path: str, content: str) -> None:
    """Write a file of the study."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(content)


def save(root: Path, message: str = "chore: save", *options: str) -> None:
    """Commit everything."""
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--no-verify", "--message", message, *options)


def gate(study: Study, name: str, of: str = "analysis") -> Finding:
    """Return what one gate finds; of the nine items of data management the one that is named."""
    asked = name.partition(":")[0]
    found = {one.gate: one for one in check(Study(study.root), phase(study, of), [asked])}
    return found[name]


def tag_manifest(root: Path, name: str = TAG) -> dict[str, Any]:
    """Return the manifest of a tag, read by nothing of ours."""
    import yaml

    message = git(root, "tag", "--list", "--format=%(contents)", name)
    found: dict[str, Any] = yaml.safe_load(message.partition("\n---\n")[2])
    return found


def run_pipeline(root: Path) -> None:
    """Reproduce, commit and push."""
    capture(["python", "-m", "data_versioning", "repro"], root)
    save(root, "feat: new results")
    capture(["dvc", "push", "--quiet"], root)


def as_json(printed: str) -> dict[str, Finding]:
    """Return findings that were printed as JSON, by gate."""
    return {one["gate"]: Finding(**one) for one in json.loads(printed)}
