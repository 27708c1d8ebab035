"""What the actions of a study's GitHub workflows do, done on this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import git
from tests.project.conftest import user_environment

Options = Mapping[str, str]
HEADS = "refs/heads/"


@dataclass(frozen=True)
class Place:
    """Where a job runs, and what for.

    Args:
        workspace: Its clone.
        kept: Where caches and artifacts are kept.
        url: The repository's address.
        ref: What the event happened to.
        sha: Its commit.
        settings: git's, which say where that address leads.
        prepared: A study whose environment the job begins with.
    """

    workspace: Path
    kept: Path
    url: str
    ref: str
    sha: str
    settings: Path
    prepared: Path | None


def checkout(place: Place, options: Options) -> bool:
    """Check out a commit, with the history and the tags only where they are asked for."""
    assert options["persist-credentials"] == "false"
    sha, here = options.get("ref") or place.sha, place.workspace
    git(here, "init", "--quiet", "--initial-branch", "main")
    git(here, "remote", "add", "origin", place.url)
    fetch = ["-c", f"include.path={place.settings}", "fetch", "--quiet", "--no-tags"]
    if options.get("fetch-depth") == "0":
        all_of_it = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"]
        git(here, *fetch, "origin", *all_of_it)
        git(here, *fetch, "origin", sha)
    else:
        git(here, *fetch, "--depth=1", "origin", sha)
    if place.ref.startswith(HEADS) and sha == place.sha:
        branch = place.ref.removeprefix(HEADS)
        git(here, "update-ref", f"refs/remotes/origin/{branch}", sha)
        git(here, "checkout", "--quiet", "-B", branch, f"refs/remotes/origin/{branch}")
    else:
        git(here, "checkout", "--quiet", "--detach", sha)
    if place.prepared:
        environment = place.prepared / ".venv"
        shutil.copytree(environment, here / ".venv", symlinks=True, copy_function=os.link)
    return True


def at_hand(program: str) -> Callable[[Place, Options], bool]:
    """Return an action that finds a program rather than to install it."""
    return lambda place, options: bool(shutil.which(program, path=user_environment()["PATH"]))


def restore(place: Place, options: Options) -> bool:
    """Restore the cache of this key, or one whose key begins as asked."""
    keys = [options["key"], *options.get("restore-keys", "").split()]
    if found := [path for key in keys for path in (place.kept / "cache").glob(f"{key}*")]:
        shutil.copytree(found[0], place.workspace / options["path"], dirs_exist_ok=True)
    return True


def save(place: Place, options: Options) -> bool:
    """Save a cache; a key is written once."""
    source, to = place.workspace / options["path"], place.kept / "cache" / options["key"]
    if source.is_dir() and not to.exists():
        shutil.copytree(source, to)
    return True


def kept(place: Place, options: Options) -> Path:
    """Return where an artifact is kept for other jobs."""
    return place.kept / "artifacts" / options["name"]


def upload(place: Place, options: Options) -> bool:
    """Keep a folder for another job."""
    source = place.workspace / options["path"]
    if not source.is_dir():
        return options["if-no-files-found"] != "error"
    shutil.copytree(source, kept(place, options), dirs_exist_ok=True)
    return True


def download(place: Place, options: Options) -> bool:
    """Fetch what another job kept."""
    shutil.copytree(kept(place, options), place.workspace / options["path"], dirs_exist_ok=True)
    return True


ACTIONS: Mapping[str, Callable[[Place, Options], bool]] = {
    "actions/checkout": checkout,
    "actions/setup-python": at_hand("python3"),
    "astral-sh/setup-uv": at_hand("uv"),
    "actions/cache/restore": restore,
    "actions/cache/save": save,
    "actions/upload-artifact": upload,
    "actions/download-artifact": download,
}
