"""A repository of one commit around files that came without one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from data_versioning.command import last_line
from data_versioning.errors import StudyError

NOBODY = {"name": "replay", "email": "replay@localhost"}


def snapshot(root: Path, paths: Iterable[str], message: str, time: str) -> None:
    """Make a repository whose only commit holds some of the files of a folder.

    No setting, template or hook of this machine takes part, then or later.

    Args:
        root: The folder.
        paths: The files, ignored ones too.
        message: The commit's message.
        time: When it was made, as git reads it.

    Raises:
        StudyError: Git is not there, or failed.
    """
    environment = {name: value for name, value in os.environ.items() if name[:4] != "GIT_"}
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    environment |= {"GIT_AUTHOR_DATE": time, "GIT_COMMITTER_DATE": time}
    names = b"\0".join(map(os.fsencode, paths))
    listed = ["--pathspec-from-file=-", "--pathspec-file-nul"]
    for argv in (
        ["init", "--quiet", "--initial-branch=main", "--template="],
        ["config", "core.hooksPath", os.devnull],
        *(["config", f"user.{key}", value] for key, value in NOBODY.items()),
        ["--literal-pathspecs", "add", "--force", *listed],
        ["commit", "--quiet", "--allow-empty", "--message", message],
    ):
        try:
            done = subprocess.run(
                ["git", *argv], cwd=root, env=environment, input=names, capture_output=True,
                check=False,
            )  # fmt: skip
        except FileNotFoundError:
            raise StudyError("command not found", "git", "install git") from None
        if done.returncode != 0:
            raise StudyError(f"`git {argv[0]}` failed", last_line(os.fsdecode(done.stderr)))
