"""Verbs that track, send and fetch data."""

from __future__ import annotations

import argparse

from data_versioning.cli.verbs import Verbs
from data_versioning.study import Study


def add(verbs: Verbs) -> None:
    """Add the verbs."""
    verbs.group("data")
    pull = verbs.add("pull", _pull, "fetch data from the remote and put it in place")
    pull.add_argument("remote", nargs="?", help="name of a remote (default: the default one)")

    push = verbs.add("push", _push, "send data to the remote")
    push.add_argument(
        "remote", nargs="*", help="names of remotes (default: the default one, and backup)"
    )
    push.add_argument("--dry-run", action="store_true", help="only list what would be sent")

    track = verbs.add("track", _track, "track large files with DVC")
    track.add_argument("directory", nargs="?", default=".", help="where to look (default: here)")
    track.add_argument("--threshold-mb", type=float, help="default: large_file_mb in study.yaml")

    refuse = verbs.add("refuse-large-files", _refuse, "refuse large files, as a git hook")
    refuse.add_argument("paths", nargs="*")


def _push(args: argparse.Namespace) -> None:
    from data_versioning import remotes

    study = Study.open()
    if args.dry_run:
        lacking = remotes.not_in_remote(study, args.remote)
        lines = [f"would send {path} to {name}" for name in lacking for path in lacking[name]]
        print("\n".join(lines) or "nothing to send")
    else:
        print(remotes.push(study, args.remote))


def _pull(args: argparse.Namespace) -> None:
    from data_versioning.remotes import pull

    print(pull(Study.open(), args.remote))


def _track(args: argparse.Namespace) -> None:
    from data_versioning.large_files import auto_track_large_files

    tracked = auto_track_large_files(args.directory, args.threshold_mb)
    print("\n".join(f"tracked {path}" for path in tracked) or "no large file to track")


def _refuse(args: argparse.Namespace) -> None:
    from data_versioning.large_files import refuse_large_files

    refuse_large_files(args.paths)
