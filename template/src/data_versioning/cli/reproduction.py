"""Verbs that reproduce the results where the data is not."""

from __future__ import annotations

import argparse
import os
import sys

from data_versioning.cli.verbs import Verbs, json_option, show
from data_versioning.study import Study


def add(verbs: Verbs) -> None:
    """Add the verbs."""
    verbs.group("reproduction")
    state = verbs.add(
        "check-pipeline", _check, "is every result up to date, by hashes alone; 1 if not"
    )
    sparse = verbs.add(
        "reproduce", _reproduce, "run what is out of date, fetching only what that needs"
    )
    sparse.add_argument(
        "--fork",
        action="store_true",
        default=os.environ.get("FORK") == "true",
        help="where the remote refuses, say what is not checked, and go on (or FORK=true)",
    )
    sparse.add_argument(
        "--commit",
        action="store_true",
        default=os.environ.get("COMMIT") == "true",
        help="commit the records and results that changed (or COMMIT=true)",
    )
    proof = verbs.add(
        "prove", _prove, "run everything again in a clean clone without cache, and compare"
    )
    proof.add_argument("--keep", metavar="DIR", help="make the clone here, and keep it")
    for parser in (state, sparse, proof):
        json_option(parser)


def _check(args: argparse.Namespace) -> int:
    from data_versioning.reproduction.freshness import check

    found = check(Study.open())
    show(args, found.as_dict(), found.text)
    if not found:
        print("try: make reproduce", file=sys.stderr)
    return int(not found)


def _reproduce(args: argparse.Namespace) -> None:
    from data_versioning.reproduction.sparse import reproduce_sparsely

    done = reproduce_sparsely(Study.open(), args.fork, args.commit, quiet=args.json)
    show(args, done.as_dict(), done.text)


def _prove(args: argparse.Namespace) -> int:
    from data_versioning.reproduction.proof import prove

    found = prove(Study.open(), args.keep, quiet=args.json)
    show(args, found.as_dict(), found.text)
    return int(not found)
