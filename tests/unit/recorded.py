"""Histories of studies whose stages never ran: real git, and files as DVC writes them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from hashlib import md5
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import git

START = 1_700_000_000  # seconds


def hashed(text: str) -> str:
    """Return a hash as DVC writes it."""
    return md5(text.encode()).hexdigest()


def pointer(name: str, version: str, **more: Any) -> str:
    """Return a `.dvc` file for a file beside it."""
    entry = {"md5": hashed(version), "size": len(version), "hash": "md5", "path": name} | more
    return yaml.safe_dump({"outs": [entry]}, sort_keys=False, allow_unicode=True)


def stage(
    deps: Mapping[str, str], outs: Mapping[str, str], params: Any = None, cmd: Any = "make it"
) -> dict[str, Any]:
    """Return the record of a stage; values are versions, which `hashed` makes hashes of."""
    both = [
        [
            {"path": path, "hash": "md5", "md5": hashed(version), "size": len(version)}
            for path, version in files.items()
        ]
        for files in (deps, outs)
    ]
    known = {"params": {"params.yaml": params}} if params else {}
    return {"cmd": cmd, "deps": both[0], **known, "outs": both[1]}


def lock(stages: Mapping[str, Any]) -> str:
    """Return a `dvc.lock`."""
    content = {"schema": "2.0", "stages": dict(stages)}
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=80)


class Repository:
    """A study in git; every commit is an hour later than the one before.

    Args:
        root: An empty folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._commits = 0
        git(root, "init", "--quiet")
        self.commit("start", {"study.yaml": "", ".copier-answers.yml": "slug: x\n"})

    def write(self, files: Mapping[str, str | None]) -> None:
        """Write files; None deletes one."""
        for path, content in files.items():
            file = self.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                file.unlink()
            else:
                file.write_text(content, encoding="utf-8", newline="")

    def commit(
        self, message: str, files: Mapping[str, str | None] | None = None, author: str = "Ada"
    ) -> str:
        """Commit everything there is, with these files, and return the commit."""
        self.write(files or {})
        git(self.root, "add", "--all")
        self.run("commit", "--quiet", "--allow-empty", "--message", message, author=author)
        return self.head()

    def merge(self, branch: str, files: Mapping[str, str | None] | None = None) -> str:
        """Merge a branch, with these files as the result, and return the merge."""
        self.run("merge", "--quiet", "--no-commit", "--no-ff", "--strategy=ours", branch)
        return self.commit(f"merge {branch}", files)

    def switch(self, branch: str, start: str = "") -> None:
        """Go to a branch; make it at a commit if one is given."""
        self.run("switch", "--quiet", *(["--create", branch, start] if start else [branch]))

    def head(self) -> str:
        """Return the current commit."""
        return git(self.root, "rev-parse", "HEAD").strip()

    def run(self, *arguments: str, author: str = "Ada") -> None:
        """Run git with a clock of its own."""
        self._commits += 1
        time = f"{START + 3600 * self._commits} +0100"
        names: Sequence[str] = (f"user.name={author}", "user.email=ada@example.org")
        os.environ |= {"GIT_AUTHOR_DATE": time, "GIT_COMMITTER_DATE": time}
        try:
            git(self.root, *(word for name in names for word in ("-c", name)), *arguments)
        finally:
            del os.environ["GIT_AUTHOR_DATE"], os.environ["GIT_COMMITTER_DATE"]
