"""Verbs that track, send and fetch data."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from data_versioning.cli.verbs import Verbs, json_option, show
from data_versioning.study import Study


def add(verbs: Verbs) -> None:
    """Add the verbs."""
    verbs.group("data")
    track = verbs.add("track-data", _track_data, "put data into DVC and commit that")
    track.add_argument("paths", nargs="+", metavar="path", help="file or folder")
    track.add_argument("-m", "--message", required=True, help="what is new, for the commit")
    track.add_argument("--push", action="store_true", help="then send the study's data")
    track.add_argument("--dry-run", action="store_true", help="only say what would be done")
    json_option(track)

    model = verbs.add("track-model", _track_model, "put a model into DVC, with what is known of it")
    model.add_argument("path", help="file or folder")
    model.add_argument("-m", "--message", help="what is new, for the commit")
    for option, text in (("metric", "what it scored"), ("param", "what it was made with")):
        model.add_argument(
            f"--{option}", action="append", default=[], metavar="name=value", help=text
        )
    model.add_argument("--tag", action="append", default=[], help="a word to find it by")
    model.add_argument("--push", action="store_true", help="then send the study's data")
    json_option(model)

    version = verbs.add("checkout-version", _checkout, "put the data of another version in place")
    version.add_argument("rev", help="tag, branch or commit; HEAD to come back")
    version.add_argument("paths", nargs="*", metavar="path", help="only these (default: all data)")
    json_option(version)

    fetch = verbs.add("fetch", _fetch, "copy data of any version into a new folder, verified")
    fetch.add_argument("path", help="tracked file or folder, or what a stage makes")
    fetch.add_argument("--at", required=True, metavar="REV|RUN", help="tag, commit or MLflow run")
    fetch.add_argument("--to", required=True, metavar="FOLDER", help="a new or empty folder")
    fetch.add_argument("--remote", help="where to get it (default: the default remote)")
    json_option(fetch)

    pull = verbs.add("pull", _pull, "fetch data from the remote and put it in place")
    pull.add_argument("remote", nargs="?", help="name of a remote (default: the default one)")

    push = verbs.add("push", _push, "send data to its remote, then commits and tags to git's")
    push.add_argument(
        "remote",
        nargs="*",
        help="names of remotes of DVC: data goes there, and nothing to git"
        " (default: the default one, and backup)",
    )
    push.add_argument("--dry-run", action="store_true", help="only list what would be sent")

    large = verbs.add("track", _track, "track large files with DVC")
    large.add_argument("directory", nargs="?", default=".", help="where to look (default: here)")
    large.add_argument("--threshold-mb", type=float, help="default: large_file_mb in study.yaml")
    json_option(large)

    refuse = verbs.add("refuse-large-files", _refuse, "refuse large files, as a git hook")
    refuse.add_argument("paths", nargs="*")


def _track_data(args: argparse.Namespace) -> None:
    from data_versioning.data.tracker import DVCTracker, summary

    tracker = DVCTracker()
    if args.dry_run:
        lines = tracker.plan(args.paths, args.message, args.push)
        show(args, lines, "\n".join(lines))
    else:
        done = tracker.track_all(args.paths, args.message, args.push)
        show(args, [asdict(one) for one in done], summary(done))


def _track_model(args: argparse.Namespace) -> None:
    from data_versioning.data.tracker import DVCTracker, summary
    from data_versioning.models.model_metadata import parsed

    done = DVCTracker().track_model(
        args.path,
        metrics=parsed(args.metric) or None,
        params=parsed(args.param) or None,
        tags=args.tag,
        message=args.message,
        push=args.push,
    )
    show(args, asdict(done), summary([done]))


def _checkout(args: argparse.Namespace) -> None:
    from data_versioning.data.tracker import DVCTracker

    changed = DVCTracker().checkout_version(rev=args.rev, paths=args.paths)
    text = "\n".join(f"{path} as at {args.rev}" for path in changed)
    show(args, changed, text or "nothing to change")


def _fetch(args: argparse.Namespace) -> None:
    from data_versioning.data.datasets import fetch_dataset

    fetched = fetch_dataset(args.path, args.at, args.to, args.remote)
    text = f"{fetched.path} of {fetched.commit[:10]} ({fetched.md5}), verified: {fetched.to}"
    show(args, asdict(fetched), text)


def _push(args: argparse.Namespace) -> None:
    from data_versioning.data import remotes
    from data_versioning.workflow.push import plan, push

    study = Study.open()
    if args.dry_run:
        print("\n".join(plan(study, args.remote)) or "nothing to send")
    elif args.remote:
        print(remotes.push(study, args.remote))
    else:
        push(study)


def _pull(args: argparse.Namespace) -> None:
    from data_versioning.data.remotes import pull

    print(pull(Study.open(), args.remote))


def _track(args: argparse.Namespace) -> None:
    from data_versioning.data.large_files import auto_track_large_files

    tracked = auto_track_large_files(args.directory, args.threshold_mb)
    text = "\n".join(f"tracked {path}" for path in tracked) or "no large file to track"
    show(args, tracked, text)


def _refuse(args: argparse.Namespace) -> None:
    from data_versioning.data.large_files import refuse_large_files

    refuse_large_files(args.paths)
