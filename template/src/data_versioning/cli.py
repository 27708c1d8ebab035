"""The command line of the study: `python -m data_versioning <verb>`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from data_versioning.errors import StudyError

if TYPE_CHECKING:
    from data_versioning.study import Study


Run = Callable[[argparse.Namespace], int | None]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb.

    Returns:
        0, or 1 for something to mend; bad usage ends in 2.
    """
    args = _parser().parse_args(argv)
    try:
        return int(args.run(args) or 0)
    except StudyError as error:
        print(f"error: {error}", file=sys.stderr)
        if error.mend:
            print(f"try: {error.mend}", file=sys.stderr)
        return error.exit_status
    except OSError as error:
        print(f"error: {error.strerror or error}: {error.filename or ''}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m data_versioning",
        description="Data, code, experiments and results of a study, versioned together.",
    )
    verbs = parser.add_subparsers(metavar="<verb>", required=True)

    def verb(name: str, run: Run, text: str) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        added.set_defaults(run=run)
        return added

    verb("setup", _setup, "finish the set-up: environment, DVC, MLflow, git hooks, first commit")

    repro = verb("repro", _repro, "run what is out of date in the pipeline and log one MLflow run")
    repro.add_argument("--json", action="store_true", help="print the result as JSON, only that")
    repro.add_argument("dvc", nargs="*", help="stages, and after `--` options of `dvc repro`")

    push = verb("push", _push, "send data to the remote")
    push.add_argument(
        "remote", nargs="*", help="names of remotes (default: the default one, and backup)"
    )
    push.add_argument("--dry-run", action="store_true", help="only list what would be sent")

    pull = verb("pull", _pull, "fetch data from the remote and put it in place")
    pull.add_argument("remote", nargs="?", help="name of a remote (default: the default one)")

    track = verb("track", _track, "track large files with DVC")
    track.add_argument("directory", nargs="?", default=".", help="where to look (default: here)")
    track.add_argument("--threshold-mb", type=float, help="default: large_file_mb in study.yaml")

    runs = verb("experiments", _experiments, "print recent MLflow runs")
    runs.add_argument("--limit", type=_positive, default=10, help="how many (default: 10)")
    runs.add_argument("--json", action="store_true", help="print them as JSON")

    verb("summary", _summary, "say where the study is and what it found")

    verb("clear-example", _clear_example, "delete the example science, keep the wiring")

    ui = verb("ui", _ui, "open the MLflow UI on this machine")
    ui.add_argument("--port", type=int, default=5000, help="port on loopback (default: 5000)")

    refuse = verb("refuse-large-files", _refuse_large_files, "refuse large files, as a git hook")
    refuse.add_argument("paths", nargs="*")
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"not a number from 1 up: {text!r}")
    return int(text)


def _study() -> Study:
    from data_versioning import environment
    from data_versioning.study import Study

    study = Study.find()
    environment.load(study.root)
    return study


def _setup(_: argparse.Namespace) -> int:
    from data_versioning.bootstrap import bootstrap, in_environment

    root = Path.cwd()
    if not in_environment(root):
        return bootstrap(root)
    from data_versioning.wiring import wire

    return wire(_study())


def _repro(args: argparse.Namespace) -> None:
    from data_versioning.pipeline import reproduce

    study = _study()
    done = reproduce(study, args.dvc, quiet=args.json)
    if args.json:
        print(json.dumps(vars(done)))
    elif done.run_id:
        print(f"logged MLflow run {done.run_id[:8]}; to keep this result: git add -A && git commit")
    elif not done.changed:
        print("nothing changed, nothing logged")


def _push(args: argparse.Namespace) -> None:
    from data_versioning import remotes

    study = _study()
    if args.dry_run:
        lacking = remotes.not_in_remote(study, args.remote)
        lines = [f"would send {path} to {name}" for name in lacking for path in lacking[name]]
        print("\n".join(lines) or "nothing to send")
    else:
        print(remotes.push(study, args.remote))


def _pull(args: argparse.Namespace) -> None:
    from data_versioning.remotes import pull

    print(pull(_study(), args.remote))


def _track(args: argparse.Namespace) -> None:
    from data_versioning.large_files import auto_track_large_files

    tracked = auto_track_large_files(args.directory, args.threshold_mb)
    print("\n".join(f"tracked {path}" for path in tracked) or "no large file to track")


def _experiments(args: argparse.Namespace) -> None:
    from data_versioning.experiments import recent_runs, table

    runs = recent_runs(_study(), args.limit)
    print(json.dumps(runs, indent=2) if args.json else table(runs))


def _summary(_: argparse.Namespace) -> None:
    from data_versioning.summary import summary

    print(summary(_study()))


def _clear_example(_: argparse.Namespace) -> None:
    from data_versioning.example import clear_example

    deleted = clear_example(_study())
    print("\n".join(f"deleted {path}" for path in deleted) or "the example is gone already")
    print("now describe your own stages in dvc.yaml and your parameters in params.yaml")


def _ui(args: argparse.Namespace) -> int:
    from data_versioning.experiments import open_ui

    return open_ui(_study(), args.port)


def _refuse_large_files(args: argparse.Namespace) -> None:
    from data_versioning.large_files import refuse_large_files

    refuse_large_files(args.paths)
