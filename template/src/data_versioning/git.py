"""The only module that knows git's command line."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from data_versioning.command import capture
from data_versioning.errors import StudyError


def toplevel(root: Path) -> Path | None:
    """Return the root of the repository that a folder lies in, or None."""
    done = subprocess.run(
        ["git", "rev-parse", "--show-toplevel"],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return Path(done.stdout.strip()) if done.returncode == 0 else None


def init(root: Path) -> None:
    """Make a repository whose branch is `main`."""
    capture(["git", "init", "--quiet", "--initial-branch=main"], root)


def head(root: Path) -> str | None:
    """Return the current commit, or None before the first one."""
    done = subprocess.run(
        ["git", "rev-parse", "--verify", "--quiet", "HEAD"],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout.strip() or None


def branch(root: Path) -> str:
    """Return the name of the current branch; empty when none is checked out."""
    return capture(["git", "branch", "--show-current"], root).strip()


def changes(root: Path, except_paths: Iterable[str] = ()) -> list[str]:
    """Return the paths that differ from the current commit, untracked ones included.

    Args:
        root: The study.
        except_paths: Paths whose changes do not count.
    """
    # DVC writes a .gitignore beside what it tracks.
    pathspec = [".", ":(exclude,glob)**/.gitignore"]
    pathspec += [f":(exclude,literal){path}" for path in except_paths]
    text = capture(["git", "status", "--porcelain", "-z", "--", *pathspec], root)
    return [entry[3:] for entry in text.split("\0") if len(entry) > 3]


def has_identity(root: Path) -> bool:
    """Tell whether git knows who commits."""
    if os.environ.get("GIT_AUTHOR_EMAIL") and os.environ.get("GIT_COMMITTER_EMAIL"):
        return True
    return is_configured(root, "user.email")


def is_configured(root: Path, name: str) -> bool:
    """Tell whether a setting has a value, be it the repository's, the user's or the machine's."""
    asked = ["git", "config", name]
    return subprocess.run(asked, cwd=root, capture_output=True, check=False).returncode == 0


def tracked_files(root: Path, pattern: str) -> list[str]:
    """Return the tracked files whose path matches a pattern of git's."""
    listed = capture(["git", "ls-files", "-z", "--", pattern], root).split("\0")
    return [path for path in listed if path]


def uncommitted_files(root: Path, inside: str) -> list[str]:
    """Return the files of a folder that are untracked or only staged, not ignored."""
    untracked = ["git", "ls-files", "-z", "--others", "--exclude-standard", "--", inside]
    names = capture(untracked, root).split("\0")
    if head(root):
        added = ["git", "diff", "--cached", "--name-only", "-z", "--diff-filter=A", "--relative"]
        names += capture([*added, "HEAD", "--", inside], root).split("\0")
    else:
        names += capture(["git", "ls-files", "-z", "--cached", "--", inside], root).split("\0")
    return sorted({name for name in names if name})


def unstage(root: Path, paths: Iterable[str]) -> None:
    """Take files out of the index, leaving them on disk; those not in it are no error."""
    capture(["git", "rm", "--quiet", "--cached", "--ignore-unmatch", "--", *paths], root)


def forget_staged(root: Path, paths: Iterable[str]) -> None:
    """Make the index say of these paths what the last commit says; the files stay."""
    capture(["git", "reset", "--quiet", "--", *paths], root)


def stage_all(root: Path) -> None:
    """Put everything that is not ignored into the index."""
    capture(["git", "add", "--all"], root)


def stage(root: Path, path: str) -> None:
    """Put a file that git knows already into the index as it is now."""
    capture(["git", "add", "--update", "--", path], root)


def is_tracked(root: Path, path: str) -> bool:
    """Tell whether a file is in git's index."""
    return bool(tracked_files(root, f":(literal){path}"))


def commit(root: Path, message: str, config: Iterable[str] = ()) -> None:
    """Commit what is staged.

    Args:
        root: The study.
        message: The commit message.
        config: Options of git itself, such as `-c user.name=...`.
    """
    done = subprocess.run(
        ["git", *config, "commit", "--quiet", "--message", message],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise StudyError("commit refused", "\n" + (done.stdout + done.stderr).strip(), "make setup")
