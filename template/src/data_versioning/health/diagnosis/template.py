"""Is the study in step with its template."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from data_versioning.command import COLOUR, last_line
from data_versioning.experiments.store import shown
from data_versioning.health.diagnosis.findings import ANSWERS, Case, Finding
from data_versioning.study import Study

PATIENCE = 30  # seconds for fetching the template
# Half of these is the study's own: what differs need not be an edit of the template's half.
SHARED = {"pyproject.toml", ".gitignore", ".dvcignore", ANSWERS}
CHECK_UPDATE = ["copier", "check-update", "--output-format", "json"]
RECOPY = ["copier", "recopy", "--skip-tasks", "--defaults", "--overwrite", "--vcs-ref=:current:"]


def answers(case: Case) -> Iterator[Finding]:
    """Look for the file that Copier needs for an update."""
    if not (case.study.root / ANSWERS).is_file():
        yield Finding("DV501", ANSWERS, f"git checkout HEAD -- {ANSWERS}")


def edited(case: Case) -> Iterator[Finding]:
    """Compare the template's files with what the template rendered.

    Copier itself tells which files those are: it would overwrite what differs, and no other.
    """
    if (why := _unreachable(case)) is not None:
        yield from why
        return
    done = copier(case.study, [*RECOPY, "--pretend"])
    if isinstance(done, Finding):
        yield done
        return
    for path in re.findall(r"^ *overwrite  (.+)$", done.stderr, re.MULTILINE):
        if path not in SHARED and (case.study.root / path).is_file():
            yield Finding("DV502", f"{path} (what to try discards your edit)", _restored(path))


def _restored(path: str) -> str:
    """Return the command that makes one file anew; Copier wants its folders named as well."""
    parts = [str(one) for one in reversed(PurePosixPath(path).parents) if str(one) != "."]
    return shlex.join([*RECOPY, "-x", "*", *(f"-x!{one}" for one in [*parts, path])])


def behind(case: Case) -> Iterator[Finding]:
    """Look for a newer version of the template."""
    if _unreachable(case) is not None:
        return  # `edited` says so
    done = copier(case.study, CHECK_UPDATE)
    if not isinstance(done, Finding) and (said := json.loads(done.stdout))["update_available"]:
        where = f"{said['current_version']} -> {said['latest_version']}"
        yield Finding("DV503", where, "make template-update")


def _unreachable(case: Case) -> list[Finding] | None:
    """Return why the template cannot be asked, or None if it can."""
    if not (case.study.root / ANSWERS).is_file():
        return []
    source = str(case.study.answers.get("_src_path") or "")
    if not source:
        return [Finding("DV504", f"{ANSWERS} names no template", "")]
    if case.offline and not Path(source).is_dir():
        return [Finding("DV504", f"{shown(source)} (--offline)", "make template-check")]
    return None


def copier(study: Study, argv: list[str]) -> subprocess.CompletedProcess[str] | Finding:
    """Return what a command of Copier did, or why it could not ask the template."""
    source = shown(str(study.answers.get("_src_path")))
    quiet = {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ConnectTimeout=5",
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", *argv],
            cwd=study.root, env=quiet | os.environ, timeout=PATIENCE,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Finding("DV504", f"{source} did not answer", "make template-check")
    done.stderr = COLOUR.sub(b"", done.stderr.encode()).decode()
    if done.returncode != 0:
        return Finding("DV504", f"{source}: {last_line(done.stderr)}", "make template-check")
    return done


CHECKS = [edited, behind, answers]
