"""Verbs of health."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import asdict

from data_versioning.cli.verbs import Verbs, aligned, json_option, positive, show
from data_versioning.wording import advice


def add(verbs: Verbs) -> None:
    """Add the verbs."""
    verbs.group("health")
    status = verbs.add("status", _status, "say where the study stands, in one screen")
    doctor = verbs.add(
        "doctor", _doctor, "look for everything that can be wrong; 1 if there is an error"
    )
    doctor.add_argument("--offline", action="store_true", help="ask nothing outside this machine")
    remote = verbs.add(
        "check-remote",
        _check_remote,
        "is all data of all branches and tags in the remote; 1 if not",
    )
    remote.add_argument("remote", nargs="?", help="its name (default: the default one, and backup)")
    remote.add_argument(
        "--send", action="store_true", help="send what is lacking, older versions too, first"
    )
    runs = verbs.add("check-runs", _check_runs, "are the latest runs complete; 1 if not")
    runs.add_argument("--limit", type=positive, default=20, help="how many (default: 20)")
    either = runs.add_mutually_exclusive_group()
    either.add_argument("--close", action="store_true", help="end the runs that nobody works on")
    either.add_argument("--log", action="store_true", help="log the results that no run holds")
    for parser in (status, doctor, remote, runs):
        json_option(parser)


def _status(args: argparse.Namespace) -> None:
    from data_versioning.health.status import status, text

    found = status()
    show(args, asdict(found), lambda: text(found))


def _doctor(args: argparse.Namespace) -> int:
    from data_versioning.health.diagnosis import ERROR, doctor

    found = doctor(offline=args.offline)
    facts = [
        {"id": one.id, "severity": one.severity, "title": one.title} | asdict(one) for one in found
    ]
    text = "\n".join(
        f"{one.severity:<8} {one.id}  {one.title}"
        + (f": {one.where}" if one.where else "")
        + (f"\n{'':<15} {advice(one.mend)}" if one.mend else "")
        for one in found
    )
    show(args, facts, text or "the study is well: nothing to mend")
    return int(any(one.severity == ERROR for one in found))


def _check_remote(args: argparse.Namespace) -> int:
    from data_versioning.health.push_status import SEND, push_status
    from data_versioning.study import Study

    names = [args.remote] if args.remote else []
    found = push_status(Study.open(), names, send=args.send)
    rows = [["remote", "path", "files", "referred to by"]]
    rows += [
        [one.remote, one.path, str(one.files), ", ".join(one.revisions)] for one in found.unpushed
    ]
    mends = "".join(f"\n{advice(mend)}" for mend in found.mends)
    well = f"everything is in {' and '.join(found.remotes)}: {found.versions} files and folders"
    where = f"not in {args.remote}" if args.remote else "on this machine only"
    note = f"\nnote: {len(found.older)} older versions are {where}; send them: {SEND}"
    if args.remote:
        note += f" {shlex.quote(args.remote)}"
    said = (well if found else aligned(rows) + mends) + (note if found.older else "")
    show(args, asdict(found), said)
    return int(not found)


def _check_runs(args: argparse.Namespace) -> int:
    from data_versioning.health import checks as health
    from data_versioning.study import Study

    study = Study.open()
    if args.close:
        health.close_dead_runs(study)
    if args.log:
        health.log_current(study)
    found = health.logging_status(study, args.limit)
    rows = [["run", "started", "status", "metrics", "commit"]]
    rows += [
        [
            run["run_id"][:8],
            run["started"][:16].replace("T", " "),
            run["status"],
            str(run["metrics"]),
            run["commit"][:8] + ("+" if run["dirty"] else ""),
        ]
        for run in found.runs
    ]
    wrong = [["run", "what is wrong", "try"]]
    wrong += [[one.run_id[:8] or "-", one.what, one.mend] for one in found.findings]
    verdict = "nothing is wrong with them" if found else aligned(wrong)
    show(args, asdict(found), f"{aligned(rows)}\n\n{verdict}")
    return int(not found)
