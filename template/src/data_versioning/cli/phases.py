"""Verbs of the study's phases."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from data_versioning.cli.verbs import Verbs, aligned, json_option, show
from data_versioning.study import Study

if TYPE_CHECKING:
    from data_versioning.phases.progress import Progress


def add(verbs: Verbs) -> None:
    """Add the verbs."""
    verbs.group("phases")
    phase = verbs.nest("phase", "begin a phase, see what it lacks, complete it")
    status = phase.add("status", _status, "the phases: done, current, and what its gates lack")
    start = phase.add("start", _start, "make or switch to a phase's branch and its documents")
    complete = phase.add("complete", _complete, "check a phase's gates and tag it if they hold")
    complete.add_argument("--override", metavar="REASON", help="tag although gates fail; recorded")
    complete.add_argument("--dry-run", action="store_true", help="only check, make no tag")
    for parser in (start, complete):
        parser.add_argument("name", help="a phase of study.yaml")
    verify = phase.add("verify", _verify, "check a phase's tag against what it tagged; 1 if bad")
    verify.add_argument(
        "tag", nargs="?", default="", help="such as v1.0.0-analysis-complete; all when not given"
    )
    for parser in (status, verify):
        json_option(parser)
    phase.add("defaults", _defaults, "print the list of phases that a new study has")


def _status(args: argparse.Namespace) -> None:
    from data_versioning.phases.gate import PhaseGate

    found = PhaseGate().status()
    show(args, found.as_dict(), lambda: _progress_text(found))


def _start(args: argparse.Namespace) -> None:
    from data_versioning.phases.start import start

    print(start(Study.open(), args.name).report())


def _complete(args: argparse.Namespace) -> None:
    from data_versioning.phases.gate import PhaseGate

    PhaseGate().complete(args.name, override=args.override, dry_run=args.dry_run)


def _verify(args: argparse.Namespace) -> int:
    from data_versioning.phases.findings import text
    from data_versioning.phases.gate import PhaseGate

    gate = PhaseGate()
    if args.tag:
        found = gate.verify(args.tag)
        show(args, [asdict(one) for one in found], lambda: text(found))
        return int(any(one.ok is False for one in found))
    every = gate.verify_all()
    as_json = {tag: [asdict(one) for one in found] for tag, found in every.items()}
    lines = [f"{tag}\n{text(found)}" for tag, found in every.items()]
    show(args, as_json, "\n\n".join(lines) or "no phase is complete yet")
    return int(any(one.ok is False for found in every.values() for one in found))


def _defaults(_: argparse.Namespace) -> None:
    from data_versioning.phases.plan import DEFAULTS

    print(DEFAULTS.read_text(encoding="utf-8"), end="")


def _progress_text(found: Progress) -> str:
    from data_versioning.phases.findings import text
    from data_versioning.wording import printable

    lines = []
    if found.done:
        header = ["done", "tag", "completed", "by"]
        rows = [
            [
                name,
                tag.name,
                f"{tag.time:%Y-%m-%d}",
                printable(tag.author) + "  (not in main)" * (tag.name in found.outside),
            ]
            for name, tag in found.done.items()
        ]
        lines += [aligned([header, *rows]), ""]
    if found.current:
        is_here = found.branch == found.current.branch
        begin = "" if is_here else f"  (make phase-start PHASE={found.current.name})"
        lines += [f"current: {found.current.name}{begin}", text(found.findings)]
    else:
        lines.append("every phase is complete")
    if found.to_come:
        lines += ["", f"to come: {', '.join(phase.name for phase in found.to_come)}"]
    return "\n".join(lines)
