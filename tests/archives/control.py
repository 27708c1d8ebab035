"""The state of a double that runs on its own, over HTTP: below `/_double/`.

`GET state`, `GET requests`, `GET faults`; `POST faults` adds a list of them; `DELETE faults`.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from .faults import Fault
from .state import Archives
from .web import Answer, Request, failure

PREFIX = "/_double/"


def answer(state: Archives, request: Request) -> Answer:
    """Return the answer to a request about the double itself."""
    request.content = request.body.read()
    what = request.path[len(PREFIX) :]
    try:
        if request.method == "POST" and what == "faults":
            state.faults.extend(read_faults(request.json()))
            return Answer(200, [asdict(fault) for fault in state.faults])
        if request.method == "DELETE" and what == "faults":
            state.faults.clear()
            return Answer(200, [])
    except ValueError as error:
        return failure(400, str(error))
    except Answer as refusal:
        return refusal
    with state.records.lock:
        known = state.as_dict()
    told = {"state": known, "requests": state.log(), "faults": known["faults"]}
    return Answer(200, told[what]) if what in told else failure(404, f"no {what} of the double")


def read_faults(rows: Any) -> list[Fault]:
    """Return faults that were given as JSON: a list of objects.

    Args:
        rows: What `json.loads` returned.

    Raises:
        ValueError: They are something else.
    """
    if not isinstance(rows, list):
        raise ValueError("faults are a list of objects")
    try:
        return [Fault(**row) for row in rows]
    except TypeError as error:
        raise ValueError(f"not a fault: {error}") from None
