"""What is asked of git and done with it everywhere; see also `git_state` and `git_history`."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path

from data_versioning.command import capture, last_line
from data_versioning.errors import StudyError


def toplevel(root: Path) -> Path | None:
    """Return the root of the repository that a folder lies in, or None."""
    found = _answer(root, "rev-parse", "--show-toplevel")
    return Path(found) if found else None


def init(root: Path) -> None:
    """Make a repository whose branch is `main`."""
    capture(["git", "init", "--quiet", "--initial-branch=main"], root)


def head(root: Path) -> str | None:
    """Return the current commit, or None before the first one."""
    return _answer(root, "rev-parse", "--verify", "--quiet", "HEAD")


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
    text = capture(["git", "status", "--porcelain", "--no-renames", "-z", "--", *pathspec], root)
    return [entry[3:] for entry in text.split("\0") if len(entry) > 3]


def has_identity(root: Path) -> bool:
    """Tell whether git knows who commits."""
    if os.environ.get("GIT_AUTHOR_EMAIL") and os.environ.get("GIT_COMMITTER_EMAIL"):
        return True
    return is_configured(root, "user.email")


def is_configured(root: Path, name: str) -> bool:
    """Tell whether a setting has a value, be it the repository's, the user's or the machine's."""
    return _answer(root, "config", name) is not None


def resolve(root: Path, rev: str) -> str:
    """Return the commit (40 hex digits) that a tag, branch or abbreviation names.

    Raises:
        StudyError: There is no such revision.
    """
    asked = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{rev}^{{commit}}"]
    commit = _answer(root, *asked) or ""
    if not re.fullmatch("[0-9a-f]{40}", commit):  # `^HEAD` is answered by more
        shown = rev if rev.isprintable() and rev else repr(rev)
        raise StudyError("no such revision", shown, "git tag; git log --oneline")
    return commit


def file_at(root: Path, rev: str, path: str) -> bytes | None:
    """Return a file as it was at a revision, or None if it was not there."""
    asked = ["git", "cat-file", "blob", f"{rev}:./{path}"]
    done = subprocess.run(asked, cwd=root, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


def tags(root: Path) -> dict[str, list[str]]:
    """Return the tags of each commit that has some, annotated ones and others."""
    form = "--format=%(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end) %(refname)"
    found: dict[str, list[str]] = {}
    for line in capture(["git", "for-each-ref", form, "refs/tags"], root).splitlines():
        commit, _, name = line.partition(" ")
        found.setdefault(commit, []).append(name.removeprefix("refs/tags/"))
    return found


@dataclass(frozen=True)
class Tag:
    """An annotated tag.

    Args:
        name: Its name, without `refs/tags/`.
        commit: The tagged commit.
        author: The name of who made it.
        time: When it was made.
        message: Its whole message.
    """

    name: str
    commit: str
    author: str
    time: datetime
    message: str


def annotated_tags(root: Path) -> list[Tag]:
    """Return the annotated tags of commits, by name; none whose date is impossible."""
    fields = ["refname:lstrip=2", "*objectname", "taggername", "taggerdate:iso-strict", "contents"]
    form = "--format=" + "".join(f"%({field})%00" for field in fields)
    # Git ends a message at its first NUL, so that no field has one.
    listed = run(root, ["for-each-ref", form, "refs/tags"]).decode(errors="surrogateescape")
    values = iter(listed.split("\0")[:-1])
    found = []
    for name, commit, author, date, text in zip(*[values] * len(fields), strict=True):
        with suppress(ValueError):
            time = datetime.fromisoformat(date)
            if commit:
                found.append(Tag(name.lstrip("\n"), commit, author, time, text))
    return found


def make_tag(root: Path, name: str, commit: str, message: str, after: datetime | None) -> None:
    """Make an annotated tag.

    Args:
        root: The study.
        name: Its name.
        commit: What it tags.
        message: Its message.
        after: A time that its own has to be later than; git keeps whole seconds.

    Raises:
        StudyError: There is a tag of this name already, or git does not know who makes it.
    """
    now = datetime.now().astimezone().replace(microsecond=0)
    time = max(now, after + timedelta(seconds=1)) if after else now
    # Not as an argument: those of Linux end at 128 KiB, and a tag can name thousands of files.
    options = ["--annotate", "--cleanup=whitespace", "--file=-"]
    done = subprocess.run(
        ["git", "tag", *options, "--", name, commit],
        cwd=root, input=message.encode(errors="surrogateescape"), capture_output=True, check=False,
        env={**os.environ, "GIT_COMMITTER_DATE": time.isoformat()},
    )  # fmt: skip
    if done.returncode != 0:
        raise _failure(f"no tag {name}", done.stderr)


def tracked_files(root: Path, pattern: str, rev: str | None = None) -> list[str]:
    """Return the tracked files whose path matches a pattern of git's.

    Args:
        root: The study.
        pattern: Such as `*.dvc`, which matches in folders too.
        rev: A commit, branch or tag; the index when not given.
    """
    if rev is None:
        listed = capture(["git", "ls-files", "-z", "--", pattern], root).split("\0")
        return [path for path in listed if path]
    # ls-tree knows no patterns.
    listed = capture(["git", "ls-tree", "-r", "-z", "--name-only", rev], root).split("\0")
    return [path for path in listed if fnmatchcase(path, pattern)]


def uncommitted_files(root: Path, inside: str) -> list[str]:
    """Return the files of a folder that are untracked or only staged, not ignored."""
    listed = ["--literal-pathspecs", "ls-files", "-z", "--others", "--exclude-standard"]
    names = os.fsdecode(run(root, [*listed, "--", inside])).split("\0")
    if head(root):
        added = ["diff", "--cached", "--name-only", "-z", "--diff-filter=A", "--relative", "HEAD"]
    else:
        added = ["ls-files", "-z", "--cached"]
    staged = run(root, ["--literal-pathspecs", *added, "--", inside])
    return sorted({name for name in [*names, *os.fsdecode(staged).split("\0")] if name})


def unstage(root: Path, paths: Iterable[str], index: Path | None = None) -> None:
    """Take files and folders out of an index; they stay on disk. Others are no error."""
    # In a folder of the repository, `git rm` takes no list of paths.
    top = toplevel(root) or root
    inside = os.path.relpath(root.resolve(), top)
    if names := b"\0".join(os.fsencode(os.path.normpath(Path(inside, path))) for path in paths):
        argv = ["--literal-pathspecs", "rm", "-r", "--force", "--quiet", "--cached"]
        argv += ["--ignore-unmatch", "--pathspec-from-file=-", "--pathspec-file-nul"]
        run(top, argv, names, index)


def forget_staged(root: Path, paths: Iterable[str]) -> None:
    """Make the index say of these paths what the last commit says; the files stay."""
    run(root, ["reset", "--quiet", "--", *paths])


def stage_all(root: Path) -> None:
    """Put everything that is not ignored into the index."""
    run(root, ["add", "--all"])


def stage(root: Path, path: str) -> None:
    """Put a file that git knows already into the index as it is now."""
    run(root, ["add", "--update", "--", path])


def is_tracked(root: Path, path: str) -> bool:
    """Tell whether a file is in git's index."""
    return bool(tracked_files(root, f":(literal){path}"))


def commit_only(root: Path, paths: Sequence[str], message: str) -> str | None:
    """Commit these files as they are on disk, and nothing else that is staged or edited.

    Args:
        root: The study.
        paths: Files, new ones and deleted ones included.
        message: The commit message.

    Returns:
        The new commit, or None if nothing of them had changed.
    """
    # Without their entries in the index, git would not know new files.
    run(root, ["add", "--all", "--force", "--", *paths])
    if head(root):
        staged = ["git", "diff", "--cached", "--quiet", "HEAD", "--", *paths]
        if subprocess.run(staged, cwd=root, check=False).returncode == 0:
            return None
    commit(root, message, paths=paths)
    return head(root)


def commit(
    root: Path,
    message: str,
    config: Iterable[str] = (),
    paths: Iterable[str] = (),
    index: Path | None = None,
) -> None:
    """Commit what is staged, or only some of it.

    Args:
        root: The study.
        message: The commit message.
        config: Options of git itself, such as `-c user.name=...`.
        paths: What to commit; everything staged when empty.
        index: The index to commit; git's own when not given.
    """
    only = ["--only", "--", *paths] if paths else []
    done = subprocess.run(
        ["git", *config, "commit", "--quiet", "--message", message, *only],
        cwd=root, env=_environment(index), capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise _failure("commit refused", done.stdout + done.stderr, "make setup")


def run(root: Path, argv: Sequence[str], given: bytes = b"", index: Path | None = None) -> bytes:
    """Return what git answers, as bytes: names need not be UTF-8.

    Args:
        root: The study.
        argv: The command without `git`.
        given: What it reads from standard input.
        index: The index it works on; git's own when not given.

    Raises:
        StudyError: It failed; carries the last line it wrote.
    """
    done = subprocess.run(
        ["git", *argv],
        cwd=root, input=given, env=_environment(index), capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise _failure(f"`git {argv[0]}` failed", done.stderr)
    return done.stdout


def _answer(root: Path, *args: str) -> str | None:
    """Return what git answers, or None if it fails: what was asked for is not there."""
    done = subprocess.run(["git", *args], cwd=root, capture_output=True, check=False)
    return os.fsdecode(done.stdout).strip() if done.returncode == 0 else None


def _failure(what: str, printed: bytes, mend: str = "") -> StudyError:
    text = os.fsdecode(printed)
    if lock := re.search(r"'(.+\.lock)': File exists", text):
        mend = f"wait, or, if no git is running any more: rm {shlex.quote(lock[1])}"
        return StudyError("another git is at work, or was killed", lock[1], mend)
    hooks = re.findall(r"^(.+?)\.{3,}Failed$", text, re.MULTILINE)  # as pre-commit says it
    return StudyError(what, "; ".join(hooks) or last_line(text), mend)


def _environment(index: Path | None) -> dict[str, str] | None:
    return {**os.environ, "GIT_INDEX_FILE": str(index)} if index else None
