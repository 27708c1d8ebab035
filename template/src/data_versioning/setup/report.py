"""Say what each step of the set-up did."""

from __future__ import annotations

import sys

from data_versioning.errors import StudyError


class Report:
    """Prints a line a step and remembers whether all of them ran."""

    def __init__(self) -> None:
        self.failed = False

    def done(self, step: str, result: str) -> None:
        """Report a step that is done, whether now or before."""
        print(f"  ok      {step:<15} {result}", flush=True)

    def not_done(self, step: str, error: StudyError) -> None:
        """Report a step that could not run, with what mends it."""
        self.failed = True
        print(f"  NOT OK  {step:<15} {error}", file=sys.stderr, flush=True)
        mend = error.mend or "make setup"
        print(f"          {'':<15} try: {mend}", file=sys.stderr, flush=True)

    def skipped(self, step: str, reason: str) -> None:
        """Report a step that this study does without."""
        print(f"  skipped {step:<15} {reason}", flush=True)
