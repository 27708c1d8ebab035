"""What a report says, section by section, before it is Markdown or HTML."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from data_versioning.reporting.comparison import Comparison, DataChange
from data_versioning.wording import counted, sized

DIGITS = 10  # of a hash


@dataclass(frozen=True)
class Section:
    """A part of the report.

    Args:
        title: Its heading.
        text: A sentence; like the title it holds nothing that is not the tooling's own.
        rows: A table whose first row is the header; its other cells can hold anything.
        kind: `stale` is a warning, `figures` and `pipeline` hold more than a table.
    """

    title: str
    text: str = ""
    rows: list[list[str]] = field(default_factory=list)
    kind: str = ""


def sections(found: Comparison) -> Iterator[Section]:
    """Yield the sections of a report, what matters most first."""
    if found.stale:
        text = "These stages have to run again (`make repro`): what is below may not hold."
        yield Section("Stale results", text, [["stage", "why"], *map(list, found.stale)], "stale")
    yield from _values(found)
    if found.data:
        rows = [["data", "", "size before", "size now", "hash before", "hash now"]]
        rows += [_data(one) for one in found.data]
        yield Section("Data and results", "", rows)
    else:
        yield Section("Data and results", "No data changed.")
    if found.figures:
        yield _figures(found)
    if found.drift:
        rows = [["data", "column", "test", "p, adjusted", "effect", "verdict"], *_drift(found)]
        yield Section("Drift", "", rows)
    if found.dag:
        text = f"{counted(len(found.stages), 'stage')} ran anew."
        yield Section("Pipeline", text, [["stage"], *([one] for one in found.stages)], "pipeline")
    if found.unknown:
        rows = [["what, and why"], *([one] for one in found.unknown)]
        yield Section("Not found out", "", rows)


def _values(found: Comparison) -> Iterator[Section]:
    if found.values is None:
        return
    metrics, params = found.values.rows()
    total = counted(found.metrics, "metric")
    text = f"{len(metrics) - 1} of {total} differ." if found.metrics else "There is no metric."
    yield Section("Metrics", text, metrics if len(metrics) > 1 else [])
    if len(params) > 1:
        yield Section("Parameters", "", params)
    else:
        yield Section("Parameters", "No parameter changed.")


def _data(one: DataChange) -> list[str]:
    state = "changed" if one.old and one.new else "new" if one.new else "gone"
    sides = (one.old, one.new)
    hashes = [str(side.get("md5", ""))[:DIGITS] or "-" for side in sides]
    return [one.path, state, *map(_size, sides), *hashes]


def _size(record: dict[str, object]) -> str:
    size, number = record.get("size"), record.get("nfiles")
    text = sized(size) if isinstance(size, int) else "-"
    return f"{text} in {counted(number, 'file')}" if isinstance(number, int) else text


def _figures(found: Comparison) -> Section:
    rows = [["figure", "", "size before", "size now"]]
    for one in found.figures:
        sizes = ["-", "-"]
        if one.state != "unchanged":
            sizes = [
                "-" if side is None else sized(len(side.content)) if side.content else side.problem
                for side in (one.old, one.new)
            ]
        rows.append([one.path, one.state, *sizes])
    differ = sum(one.state != "unchanged" for one in found.figures)
    total = counted(len(found.figures), "figure")
    return Section("Figures", f"{differ} of {total} differ.", rows, "figures")


def _drift(found: Comparison) -> Iterator[list[str]]:
    for one in found.drift:
        if one.drift is None or not one.drift.drifted:
            verdict = one.note or "no column drifted" if one.state == "changed" else one.state
            said = one.problem.what if one.problem else verdict
            yield [one.path, "-", "-", "-", "-", said]
            continue
        for test in one.drift.columns:
            if test.drifted:
                numbers = (test.adjusted_p_value, test.effect)
                texts = ["-" if number is None else f"{number:.3g}" for number in numbers]
                verdict = one.why(test.column) or test.note or "unexplained"
                yield [one.path, test.column, test.test or "-", *texts, verdict]
