"""A whole study life: the commands of the tutorial that tells it, from question to publication."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conftest import git
from tests.project.conftest import run
from tests.project.pages import run_page
from tests.project.test_docs import LIFE

TAGS = [
    "v0.1.0-problem-formulation",
    "v0.2.0-literature-review",
    "v0.3.0-hypotheses",
    "v0.4.0-experimental-design",
    "v0.5.0-preregistration",
    "v0.6.0-data-management",
    "v0.7.0-data-collected",
    "v1.0.0-analysis-complete",
    "v1.1.0-interpretation",
    "v2.0.0-manuscript-submitted",
    "v2.1.0-published",
]


def test_eleven_phases(template_clone: Path, tmp_path: Path) -> None:
    """Branches, merges, gates that fail and are mended, tags that hold in a clone."""
    folder = tmp_path / "here"
    folder.mkdir()
    life = run_page(LIFE, folder, template_clone)
    study, clone = folder / "my-study", folder / "clone"

    assert "not complete" in life.stderr
    said = life.stdout + life.stderr
    for evidence in (
        'unanswered question "',
        " answers, and lacks ",
        "no finished run holds dvc.lock ",
        "there is no package packages/",
        "outputs came out as packaged",
    ):
        assert evidence in said
    assert git(study, "tag", "--list", "v*", "--sort=v:refname").split() == TAGS
    assert git(study, "tag", "--list", "--no-merged", "main") == ""
    held = "refs/tags/*:refs/tags/*"
    assert git(study, "ls-remote", "--tags", "origin") == git(study, "ls-remote", "--tags", "."), (
        held
    )
    lock = (clone / "dvc.lock").read_text()
    assert "subgroups:" in lock
    assert "<<<<<<<" not in lock
    status = json.loads(
        run(study, ".venv/bin/python", "-m", "data_versioning", "phase", "status", "--json").stdout
    )
    assert len(status["done"]) == len(TAGS)
    run(clone, "make", "phase-verify")  # every tag

    # A tag that says something else than what it tagged is found.
    message = git(clone, "tag", "--list", "--format=%(contents)", TAGS[7])
    false = message.replace("r2: 0.", "r2: 0.9")
    assert false != message
    git(clone, "tag", "--force", "--annotate", "--message", false, TAGS[7], f"{TAGS[7]}^{{commit}}")
    done = run(clone, "make", "phase-verify", f"TAG={TAGS[7]}", check=False)
    assert done.returncode != 0
    assert "metrics" in done.stdout + done.stderr
