"""What gates, and the check of a tag, find."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from data_versioning.errors import StudyError, one_line
from data_versioning.wording import advice, printable

DIAGNOSE = "make doctor"
WORDS = {True: "holds", False: "FAILS", None: "-"}
Verdict = tuple[bool | None, str, str]  # does it hold, the evidence, the mend


@dataclass(frozen=True)
class Finding:
    """What a gate, or a check of a tag, found.

    Args:
        gate: Its name.
        ok: Whether it holds; None where that cannot be told here.
        evidence: The fact behind it.
        mend: The command that mends it; empty where it holds.
    """

    gate: str
    ok: bool | None
    evidence: str
    mend: str = ""


def verdict(name: str, ask: Callable[[], Verdict]) -> Finding:
    """Return what a check found; one that could not run has not been passed."""
    try:
        ok, evidence, mend = ask()
    except StudyError as error:
        return Finding(name, False, str(error), error.mend or DIAGNOSE)
    except Exception as error:  # whatever a damaged study makes the tools stumble over
        return Finding(name, False, f"{type(error).__name__}: {one_line(error)}", DIAGNOSE)
    return Finding(name, ok, evidence, "" if ok else mend)


def text(findings: Iterable[Finding]) -> str:
    """Return findings for people: a line each, and below it what mends it."""
    lines = []
    for one in findings:
        lines.append(f"{WORDS[one.ok]:<5}  {one.gate}: {printable(one.evidence)}")
        lines += [f"       {advice(one.mend)}"] * bool(one.mend and one.ok is False)
    return "\n".join(lines)
