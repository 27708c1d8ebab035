"""Lineage as PROV-JSON, by hand: a study needs no PROV library.

Source of the format: https://www.w3.org/submissions/prov-json/. Files are entities, stages are
activities; the run that logged the reproduction is an activity, too, and started the last stage.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from typing import Any
from urllib.parse import quote

from data_versioning.lineage.origin import Lineage
from data_versioning.lineage.records import Record
from data_versioning.lineage.upstream import File, Upstream

# Names for what has no address of its own; they must never change.
PREFIXES = {
    "file": "urn:data-versioning:file:",
    "stage": "urn:data-versioning:stage:",
    "run": "urn:data-versioning:run:",
    "agent": "urn:data-versioning:agent:",
    "dv": "urn:data-versioning:attribute:",
    "param": "urn:data-versioning:parameter:",
    "doi": "https://doi.org/",
}
SOFTWARE = "agent:dvc"

Section = dict[str, dict[str, Any]]


def document(lineage: Lineage) -> dict[str, Any]:
    """Return the graph of a lineage as a PROV-JSON document."""
    made = graph(lineage.upstream)
    _agents(made, lineage)
    _reproduction(made, lineage)
    return dict(made)


def graph(upstream: Upstream) -> defaultdict[str, Section]:
    """Return the sections of a document that says what stages read and wrote.

    Args:
        upstream: The stages and the files.
    """
    made: defaultdict[str, Section] = defaultdict(dict, prefix=dict(PREFIXES))  # type: ignore[arg-type]
    made["agent"][SOFTWARE] = {"prov:type": qualified("prov:SoftwareAgent"), "prov:label": "DVC"}
    data = [file for file in upstream.files if file.kind != "code"]
    versions = {(file.path, file.hash) for file in data}
    for file in upstream.files:
        made["entity"][name_of(file.path, file.hash)] = {
            "prov:label": file.path,
            "prov:location": file.path,
            "prov:type": file.kind,
            "dv:md5": file.hash,
        }
    written: dict[str, list[File]] = {}
    for file in data:
        for address in file.made_by:
            written.setdefault(address, []).append(file)
    for stage in upstream.stages:
        name = f"stage:{quoted(stage.address)}"
        made["activity"][name] = _activity(stage)
        for dep in stage.deps:
            relate(made, "used", "prov:activity", name, "prov:entity", name_of(*dep.version))
        relate(made, "wasAssociatedWith", "prov:activity", name, "prov:agent", SOFTWARE)
        for file in written.get(stage.address, ()):
            out = name_of(file.path, file.hash)
            relate(made, "wasGeneratedBy", "prov:entity", out, "prov:activity", name)
            for dep in stage.deps:
                if dep.version in versions:
                    source = name_of(*dep.version)
                    relate(
                        made, "wasDerivedFrom", "prov:generatedEntity", out,
                        "prov:usedEntity", source, {"prov:activity": name},
                    )  # fmt: skip
    return made


def _activity(stage: Record) -> dict[str, Any]:
    params = {f"param:{quoted(name)}": _literal(value) for name, value in stage.params}
    return {"prov:label": stage.address, "prov:type": "stage", "dv:command": stage.command} | params


def _agents(made: dict[str, Section], lineage: Lineage) -> None:
    if lineage.dirty:
        return
    person = f"agent:{quoted(lineage.email or lineage.author)}"
    made["agent"][person] = {
        "prov:type": qualified("prov:Person"),
        "prov:label": lineage.author,
        "dv:email": lineage.email,
    }
    artifact = name_of(lineage.artifact, lineage.hash)
    made["entity"][artifact] |= {
        "dv:commit": lineage.code_commit,
        "dv:environment": lineage.environment,
    }
    for doi in lineage.dois:
        held = f"doi:{quoted(doi)}"
        made["entity"][held] = {"prov:type": qualified("prov:Collection"), "prov:label": doi}
        relate(made, "hadMember", "prov:collection", held, "prov:entity", artifact)
    relate(made, "wasAttributedTo", "prov:entity", artifact, "prov:agent", person)
    for name in list(made.get("activity", {})):
        relate(made, "wasAssociatedWith", "prov:activity", name, "prov:agent", person)
    relate(made, "actedOnBehalfOf", "prov:delegate", SOFTWARE, "prov:responsible", person)


def _reproduction(made: dict[str, Section], lineage: Lineage) -> None:
    """Say when it was made, if a run tells: the times are those of the whole reproduction."""
    if not (lineage.runs and lineage.stage):
        return
    run = lineage.runs[0]  # the later ones only found it there
    name = f"run:{quoted(run.run_id)}"
    times = {"prov:startTime": run.started} | ({"prov:endTime": run.ended} if run.ended else {})
    label = run.name or run.run_id
    made["activity"][name] = {"prov:label": label, "prov:type": "MLflow run", **times}
    stage = f"stage:{quoted(lineage.stage)}"  # the stages before it can be older
    relate(made, "wasStartedBy", "prov:activity", stage, "prov:starter", name)


def relate(
    made: dict[str, Section],
    kind: str,
    subject: str,
    one: str,
    role: str,
    other: str,
    more: dict[str, str] | None = None,
) -> None:
    """Add a relation to a document.

    Args:
        made: The document's sections.
        kind: Which, such as `used`.
        subject: The role of the first end.
        one: The first end.
        role: The role of the other end.
        other: The other end.
        more: Further attributes.
    """
    made[kind][f"_:{kind}{len(made[kind]) + 1}"] = {subject: one, role: other} | (more or {})


def name_of(path: str, digest: str) -> str:
    """Return the qualified name of a version of a file."""
    return f"file:{quoted(path)}@{digest}"


def quoted(text: str) -> str:
    """Return a text as the local part of a qualified name."""
    return quote(text, safe="/")


def qualified(text: str) -> dict[str, str]:
    """Return a qualified name as a value."""
    return {"$": text, "type": "xsd:QName"}


def _literal(value: Any) -> str | int | float | bool:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no such numbers
    if isinstance(value, str | int | float | bool):
        return value
    return json.dumps(value, default=str, ensure_ascii=False)
