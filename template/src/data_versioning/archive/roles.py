"""What a file of git is in a package, by its name and by what makes it."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from data_versioning.archive.package_files import (
    CODE,
    DATA,
    DOCUMENTATION,
    ENVIRONMENT,
    METADATA,
    RESULT,
)

_ENVIRONMENT = {
    "uv.lock", "pyproject.toml", ".python-version", "environment.yml", "environment.yaml",
    "setup.py", "setup.cfg", "dockerfile", "apt.txt", "postbuild", "runtime.txt",
}  # fmt: skip
_METADATA = {"citation.cff", "codemeta.json", "dvc.lock", "deposits.json", ".copier-answers.yml"}
_TEXT = (".md", ".rst", ".txt", ".adoc", ".pdf", ".tex", ".bib", ".typ")


def role_of(path: str, stages: Mapping[str, str]) -> tuple[str, str | None]:
    """Return the role of a file that git keeps, and the stage that makes it.

    Args:
        path: The file.
        stages: The stage that makes a file or folder, by its path.
    """
    made = path
    while made and made not in stages:
        made = posixpath.dirname(made)
    stage = stages.get(made)
    folder, _, _ = path.partition("/")
    name = posixpath.basename(path).lower()
    hidden = name.startswith(".")
    if stage:
        return (DATA if folder == "data" else RESULT), stage
    if name in _METADATA or (name.endswith(".dvc") and name != ".dvc"):
        return METADATA, None
    if name in _ENVIRONMENT or name.startswith("requirements") or path.startswith("profiles/"):
        return ENVIRONMENT, None
    if name.split(".")[0] in (
        "readme",
        "license",
        "licence",
        "changelog",
        "contributing",
        "notice",
    ):
        return DOCUMENTATION, None
    if folder in ("docs", "manuscript") and not hidden:
        return DOCUMENTATION, None
    if folder in ("data", "results", "models") and not hidden and not name.endswith(".py"):
        return (DATA if folder == "data" else RESULT), None
    if name.endswith(_TEXT) and not hidden:
        return DOCUMENTATION, None
    return CODE, None
