"""The command line of the study: `python -m data_versioning <verb>`.

A module per group of verbs; each verb calls one function of the tooling and prints what it returns.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from data_versioning.cli import (
    archive,
    data,
    experiments,
    health,
    lineage,
    merging,
    models,
    phases,
    pipeline,
    quality,
    report,
    reproduction,
    setup,
    workflow,
)
from data_versioning.cli.verbs import Verbs
from data_versioning.errors import StudyError, UsageError
from data_versioning.wording import advice

SHORT = "data-versioning"  # in the study's environment


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb.

    Returns:
        0, or 1 for something to mend; bad usage ends in 2.
    """
    args = parser().parse_args((sys.argv[1:] if argv is None else argv) or ["--help"])
    try:
        status = int(args.run(args) or 0)
        sys.stdout.flush()
        return status
    except StudyError as error:
        print(f"error: {error}", file=sys.stderr)
        if error.mend:
            print(advice(error.mend), file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    except BrokenPipeError:  # whoever read this has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        print(f"error: {error.strerror or error}: {error.filename or ''}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    short = Path(sys.argv[0]).name == SHORT
    made = argparse.ArgumentParser(
        prog=SHORT if short else "python -m data_versioning",
        description="Data, code, experiments and results of a study, versioned together.",
    )
    verbs = Verbs(made)
    groups = (setup, data, quality, pipeline, reproduction, report, experiments, models, lineage)
    for group in (*groups, phases, archive, workflow, merging, health):
        group.add(verbs)
    return made
