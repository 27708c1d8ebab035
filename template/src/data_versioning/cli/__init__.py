"""The command line of the study: `python -m data_versioning <verb>`.

A module per group of verbs; each verb calls one function of the tooling and prints what it returns.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from data_versioning.cli import data, experiments, health, lineage, models, pipeline, setup
from data_versioning.cli.verbs import Verbs
from data_versioning.errors import StudyError, UsageError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb.

    Returns:
        0, or 1 for something to mend; bad usage ends in 2.
    """
    args = parser().parse_args(argv)
    try:
        return int(args.run(args) or 0)
    except StudyError as error:
        print(f"error: {error}", file=sys.stderr)
        if error.mend:
            print(f"try: {error.mend}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    except OSError as error:
        print(f"error: {error.strerror or error}: {error.filename or ''}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    made = argparse.ArgumentParser(
        prog="python -m data_versioning",
        description="Data, code, experiments and results of a study, versioned together.",
    )
    verbs = Verbs(made)
    for group in (setup, data, pipeline, experiments, models, lineage, health):
        group.add(verbs)
    return made
