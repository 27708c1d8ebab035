"""Verbs of lineage."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from data_versioning.cli.verbs import Verbs, json_option, show


def add(verbs: Verbs) -> None:
    """Add the verbs."""
    verbs.group("lineage")
    lineage = verbs.add("lineage", _lineage, "print where a result comes from")
    lineage.add_argument("artifact", help="a result, model, figure, metric or tracked file")
    lineage.add_argument("--rev", help="a commit, branch or tag (default: the files on disk)")
    form = lineage.add_mutually_exclusive_group()
    form.add_argument(
        "--format", choices=["text", "json", "mermaid", "prov"], default="text",
        help="default: text; prov is W3C PROV-JSON",
    )  # fmt: skip
    form.add_argument(
        "--json",
        action="store_const",
        const="json",
        dest="format",
        help="the same as --format json",
    )

    used = verbs.add("used-by", _used_by, "print what was made from a version of some data")
    used.add_argument("data", help="a path, or DVC's hash of a file or folder")
    used.add_argument("--rev", help="whose version of the path (default: the files on disk)")
    json_option(used)

    audit = verbs.add("audit", _audit, "print every version of a dataset")
    audit.add_argument("path", help="a tracked file or folder, or a stage output")
    audit.add_argument("--used-by", action="store_true", help="and what was made from each")
    json_option(audit)

    versions = verbs.add("data-versions", _data_versions, "write data_versions.csv from history")
    versions.add_argument("paths", nargs="*", help="datasets (default: all)")
    versions.add_argument("--output", type=Path, help="a file (default: standard output)")


def _lineage(args: argparse.Namespace) -> None:
    from data_versioning.lineage.tracker import LineageTracker

    lineage = LineageTracker().get_lineage(args.artifact, args.rev)
    if args.format in ("json", "prov"):
        made = lineage.as_dict() if args.format == "json" else lineage.prov()
        print(json.dumps(made, indent=2, ensure_ascii=False, default=str))
    else:
        print(lineage.mermaid() if args.format == "mermaid" else lineage.text())


def _used_by(args: argparse.Namespace) -> None:
    from data_versioning.lineage.tracker import LineageTracker

    uses = LineageTracker().used_by(args.data, args.rev)
    show(args, uses.as_dict(), uses.text)


def _audit(args: argparse.Namespace) -> None:
    from data_versioning.lineage.history import as_text
    from data_versioning.lineage.tracker import LineageTracker

    entries = LineageTracker().get_audit_trail(args.path, args.used_by)
    show(args, [entry.as_dict() for entry in entries], lambda: as_text(entries))


def _data_versions(args: argparse.Namespace) -> None:
    from data_versioning.lineage.history import as_csv
    from data_versioning.lineage.tracker import LineageTracker

    text = as_csv(LineageTracker().data_versions(args.paths or None))
    if args.output:
        args.output.write_text(text, encoding="utf-8", newline="")
    else:
        print(text, end="")
