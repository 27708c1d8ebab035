"""Take the example science out of a study and leave its wiring."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from data_versioning.command import capture
from data_versioning.errors import StudyError
from data_versioning.study import MARKER, Study
from data_versioning.tools import dvc, dvc_files, git

STAGES = ["collect", "prepare", "train", "evaluate", "figures"]
MODULES = [*STAGES, "cohort", "params"]
FILES = ["tests/conftest.py", "tests/test_study.py", "data/raw/README.md"]

PIPELINE = """\
# The stages of the study: what each runs, reads and writes. For example:
#
# stages:
#   collect:
#     cmd: python -m {package}.collect
#     deps:
#       - src/{package}/collect.py
#     params:
#       - collect
#     outs:
#       - data/raw/cohort.csv
stages: {{}}
"""
EXAMPLE_FILES = re.compile(r"data/processed/train\.csv|models/model\.joblib")


def clear_example(study: Study) -> list[str]:
    """Delete the example's stages with their outputs, its modules, tests and parameters.

    Your own stages, files, parameters and settings stay.

    Returns:
        What was deleted; nothing when the example is gone already.

    Raises:
        StudyError: There are uncommitted changes, which git could not bring back.
    """
    root = study.root
    stages = [name for name in STAGES if name in dvc_files.stages(root)]
    package = str(study.answers["slug"]).replace("-", "_")
    files = [f"src/{package}/{module}.py" for module in MODULES] + FILES
    files = [path for path in files if git.is_tracked(root, path)]
    if not stages and not files:
        return []
    if changed := git.changes(root):
        names = ", ".join(sorted(changed)[:3])
        raise StudyError("there are uncommitted changes", names, "git add -A && git commit")
    if stages:
        dvc.call(root, "remove", "--outs", *stages)
    if not (root / "dvc.yaml").exists():  # DVC deletes it with its last stage
        (root / "dvc.yaml").write_text(PIPELINE.format(package=package), encoding="utf-8")
    if files:
        capture(["git", "rm", "--quiet", "--", *files], root)
    _edit(root / "params.yaml", STAGES, lambda block: "")
    _edit(root / MARKER, ["datasets", "model"], _comment_out)
    return [*(f"stage {name}" for name in stages), *files]


def _edit(path: Path, sections: list[str], change: Callable[[str], str]) -> None:
    """Rewrite sections of a YAML file as text, so that comments stay."""
    text = path.read_text(encoding="utf-8")
    for section in sections:
        block = rf"(?m)^{section}:.*\n(?:[ \t].*\n|\n(?=[ \t]))*\n?"
        text = re.sub(block, lambda found: change(found.group()), text)
    path.write_text(text.rstrip("\n") + "\n", encoding="utf-8")


def _comment_out(block: str) -> str:
    return re.sub(r"(?m)^(?=.)", "# ", block) if EXAMPLE_FILES.search(block) else block
