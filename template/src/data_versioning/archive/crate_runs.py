"""The stages of the pipeline as actions of a crate: what ran, what it read, what it wrote."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from data_versioning.archive.crate_data import Data, as_source
from data_versioning.archive.crate_graph import Graph, Reference
from data_versioning.archive.facts import Facts
from data_versioning.lineage.records import Record
from data_versioning.study import plain


def add_runs(
    graph: Graph, facts: Facts, data: Data, authors: Sequence[Reference]
) -> list[Reference]:
    """Add an action for each stage that DVC has on record, and return references to them.

    When a stage ran is on no record; that was before the commit, whose time is given.

    Args:
        graph: The crate.
        facts: What is known about the study.
        data: The crate's files.
        authors: Who is to be cited.
    """
    ended = facts.time.isoformat()
    return [
        graph.add(
            Graph.local("run", stage.address),
            "CreateAction",
            name=stage.address,
            description=f"{stage.command}\nIt had ended by endTime, when that was committed.",
            instrument=_instrument(graph, data, stage, facts),
            object=[data.entity(dep) for dep in stage.deps] + _parameters(graph, stage),
            result=[data.entity(out) for out in stage.outs],
            agent=list(authors),
            endTime=ended,
        )
        for stage in facts.stages
        if stage.is_stage
    ]


def _instrument(graph: Graph, data: Data, stage: Record, facts: Facts) -> Reference:
    """Return what a stage ran: the script that its command names, or else the program."""
    modules = [
        word.replace(".", "/") + ".py" for word in re.findall(r"-m\s+([\w.]+)", stage.command)
    ]
    words = _words(stage.command)
    for dep in stage.deps:
        named = dep.path in words or any(f"/{dep.path}".endswith(f"/{one}") for one in modules)
        script = data.entity(dep) if named else {"@id": ""}
        if (entity := graph.entities.get(script["@id"])) and "File" in entity["@type"]:
            as_source(entity, facts.version or facts.commit, facts.repository)
            return script
    program = words[0] if words else "sh"
    return graph.add(Graph.local("program", program), "SoftwareApplication", name=program)


def _words(command: str) -> list[str]:
    words = command.split()
    with suppress(ValueError):  # the quotes of another shell
        words = shlex.split(command)
    return [word.removeprefix("./") for word in words]


def _parameters(graph: Graph, stage: Record) -> list[Reference]:
    return [
        graph.add(
            Graph.local("parameter", f"{stage.address}:{name}"),
            "PropertyValue",
            name=name,
            value=_value(value),
        )
        for name, value in stage.params
    ]


def _value(value: Any) -> Any:
    value = plain(value)
    if isinstance(value, list | dict) or value is None:
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return value
