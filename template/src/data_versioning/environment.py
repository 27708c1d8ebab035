"""Where the study runs: `profiles/<PROFILE>.env`, and the secrets of `.env`."""

from __future__ import annotations

import os
from pathlib import Path

from data_versioning.errors import StudyError


def load(root: Path) -> None:
    """Make the study's environment this process's, with the profile and the secrets.

    What is set in the environment already wins over both files.

    Raises:
        StudyError: `PROFILE` names no file of `profiles/`.
    """
    # Stages call `python`, and they mean the study's, whatever shell they were started from.
    programs, path = str(root / ".venv/bin"), os.environ.get("PATH", "")
    if path.partition(os.pathsep)[0] != programs:
        os.environ["PATH"] = f"{programs}{os.pathsep}{path}"
    # What `git replace` or a graft shows in the place of a commit, no other clone has.
    os.environ["GIT_NO_REPLACE_OBJECTS"] = "1"
    os.environ["GIT_GRAFT_FILE"] = f"{os.devnull}/none"  # of one that is there, git warns
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
    # A server that is down would otherwise be asked for minutes.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    # It would print the address of a server, password and all, and into what --json prints.
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    name = os.environ.get("PROFILE", "local")
    profile = root / "profiles" / f"{name}.env"
    if name != "local" and not profile.is_file():
        known = ", ".join(sorted(path.stem for path in profile.parent.glob("*.env")))
        raise StudyError("no such profile", str(profile), f"make ... PROFILE=<one of: {known}>")
    files = [path for path in (root / ".env", profile) if path.is_file()]
    if not files:
        return
    from dotenv import dotenv_values

    for file in files:
        for key, value in dotenv_values(file, interpolate=False).items():
            if value:
                os.environ.setdefault(key, value)
