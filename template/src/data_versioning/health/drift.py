"""Where the work tree is not what DVC recorded."""

from __future__ import annotations

from dataclasses import dataclass

from data_versioning.reproduction.freshness import GONE, STALE, check
from data_versioning.study import Study


@dataclass(frozen=True)
class Drift:
    """Where the work tree is not what DVC recorded.

    Args:
        stale: Stages to run again.
        changed: Tracked data that was changed.
        edited: Outputs of stages, to be made again, of which there is no copy as they are.
        absent: Tracked data, and outputs of stages that are not stale, that are not here.
    """

    stale: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


def drift_of(study: Study) -> Drift:
    """Return where the work tree is not what DVC recorded.

    Raises:
        StudyError: DVC cannot read its files, or a reproduction is under way.
    """
    found = check(study)
    again = found.names(STALE)
    edited, absent = [], []
    for name, facts in found.facts.items():
        for out in (out for out in facts["outs"] if out["recorded"] and out["cached"]):
            if name not in again and (out["here"] == GONE or not out["fetched"]):
                absent.append(out["path"])
            elif facts["is_stage"] and not facts["frozen"] and not out["kept"]:
                edited.append(out["path"])
    changed = tuple(path for path in found.differing if path not in absent)
    return Drift(tuple(found.stale), changed, tuple(edited), tuple(absent))
