"""How git merges a file: by a driver that the repository's configuration names, or as text."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from data_versioning.tools import git


def driver(root: Path, name: str) -> str:
    """Return the command of a merge driver; empty where there is none."""
    asked = ["git", "config", "--get", f"merge.{name}.driver"]
    done = subprocess.run(asked, cwd=root, capture_output=True, check=False)  # 1: there is none
    return os.fsdecode(done.stdout).removesuffix("\n")


def set_driver(root: Path, name: str, title: str, command: str) -> None:
    """Give the repository a merge driver, or another command for one that it has.

    Args:
        root: The study.
        name: What `.gitattributes` calls it.
        title: What it does, for people.
        command: A command of the shell in which git fills in `%O`, `%A`, `%B` and `%P`; see
            gitattributes(5).
    """
    # In this order: git merges nothing by a driver that has a title only.
    git.run(root, ["config", f"merge.{name}.driver", command])
    git.run(root, ["config", f"merge.{name}.name", title])


def as_text(ancestor: Path, ours: Path, theirs: Path) -> bool:
    """Merge a file line by line into `ours`, with conflict markers where that needs a decision.

    Returns:
        Whether there are none.
    """
    labels = ["-L", "ours", "-L", "ancestor", "-L", "theirs"]
    files = [str(path.absolute()) for path in (ours, ancestor, theirs)]
    argv = ["git", "merge-file", "--quiet", *labels, "--", *files]
    return subprocess.run(argv, check=False).returncode == 0
