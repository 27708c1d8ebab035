"""The verbs that git calls to merge what DVC writes."""

from __future__ import annotations

import argparse
from pathlib import Path

from data_versioning.cli.verbs import Verbs


def add(verbs: Verbs) -> None:
    """Add the verbs."""
    verbs.group("merging, called by git")
    lock = verbs.add("merge-lock", _lock, "merge dvc.lock stage by stage")
    data = verbs.add("merge-data", _data, "merge a .dvc file, folders file by file")
    for verb in (lock, data):
        verb.add_argument("ancestor", type=Path, help="the version that both come from (%%O)")
        verb.add_argument("ours", type=Path, help="this branch's; gets the result (%%A)")
        verb.add_argument("theirs", type=Path, help="the other branch's (%%B)")
    lock.add_argument("path", nargs="?", default="dvc.lock", help="where it will be (%%P)")
    data.add_argument("path", help="where it will be (%%P)")


def _lock(args: argparse.Namespace) -> int:
    from data_versioning.merging.drivers import merge_lock_files

    return int(not merge_lock_files(args.ancestor, args.ours, args.theirs, args.path))


def _data(args: argparse.Namespace) -> int:
    from data_versioning.merging.drivers import merge_data_files

    return int(not merge_data_files(args.ancestor, args.ours, args.theirs, args.path))
