"""What came out when a package was run again."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from data_versioning.wording import counted, printable

SAME, WITHIN, DIFFERENT = "same", "within tolerance", "different"
NOT_COMPARABLE, MISSING, NOT_CHECKED = "not comparable", "missing", "not checked"
GOOD = (SAME, WITHIN)


@dataclass(frozen=True)
class Output:
    """An output of a stage, made again.

    Args:
        path: The file or folder.
        stage: The stage that made it.
        verdict: `same`; `within tolerance`; `different`; `not comparable`, because it differs, as
            did an input; or `missing`.
        how: How it differs.
    """

    path: str
    stage: str
    verdict: str
    how: str = ""


@dataclass(frozen=True)
class Claim:
    """What the study claims, and what became of the output that shows it.

    Args:
        claim: The claim.
        command: What reproduces it.
        output: The file that shows it; empty if not said.
        expected: What the study says it shows.
        verdict: That of the output; `not checked` where none is named.
        how: How it differs.
    """

    claim: str
    command: str
    output: str
    expected: str
    verdict: str
    how: str = ""


@dataclass(frozen=True)
class Replay:
    """What came out of a package.

    Args:
        package: The package.
        commit: The commit that it was made of; None of an anonymous one.
        seconds: How long the pipeline took.
        outputs: Every output of the stages that ran.
        claims: Every claim of the study.
        frozen: Stages that did not run, because they are frozen.
        folder: Where it was unpacked, if that was kept.
    """

    package: str
    commit: str | None
    seconds: float
    outputs: tuple[Output, ...]
    claims: tuple[Claim, ...] = ()
    frozen: tuple[str, ...] = ()
    folder: str | None = None

    def __bool__(self) -> bool:
        """Tell whether all came out as packaged, and every claim that could be checked holds."""
        claims = (one.verdict in (*GOOD, NOT_CHECKED) for one in self.claims)
        return all(one.verdict in GOOD for one in self.outputs) and all(claims)

    def as_dict(self) -> dict[str, Any]:
        """Return it as what JSON can hold."""
        return {"reproduced": bool(self), **asdict(self)}

    def text(self) -> str:
        """Return a line for each output and each claim, and how many came out."""
        verdicts = [*(one.verdict for one in self.outputs), *(one.verdict for one in self.claims)]
        width = max(map(len, verdicts), default=0)
        lines = [
            f"{one.verdict:<{width}}  {printable(one.path)}  ({one.stage}){_how(one.how)}"
            for one in self.outputs
        ]
        lines += [f"not run: {name}: it is frozen" for name in self.frozen]
        lines += [f"{one.verdict:<{width}}  claim: {printable(one.claim)}  ({_shown_by(one)})"
                  f"{_how(one.how)}" for one in self.claims]  # fmt: skip
        lines.append(self.said())
        if self.folder:
            lines.append(f"kept in {self.folder}")
        return "\n".join(lines)

    def said(self) -> str:
        """Return how many outputs came out, and how many claims that confirms."""
        good = sum(one.verdict in GOOD for one in self.outputs)
        within = sum(one.verdict == WITHIN for one in self.outputs)
        said = [f"{good} of {counted(len(self.outputs), 'output')} came out as packaged"]
        if within:
            said.append(f"{within} of them within tolerance")
        if self.claims:
            held = sum(one.verdict in GOOD for one in self.claims)
            said.append(f"{held} of {counted(len(self.claims), 'claim')} reproduced")
        return f"{', '.join(said)}: {self.seconds:.0f} s without cache"


def _how(how: str) -> str:
    return f": {how}" if how else ""


def _shown_by(claim: Claim) -> str:
    expected = f"expected: {printable(claim.expected)}" if claim.expected else ""
    shown = printable(claim.output) or f"by hand: {printable(claim.command)}"
    return "; ".join(filter(None, (shown, expected)))
