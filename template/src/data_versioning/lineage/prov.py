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
from data_versioning.lineage.upstream import File

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
    made: defaultdict[str, Section] = defaultdict(dict, prefix=dict(PREFIXES))  # type: ignore[arg-type]
    data = [file for file in lineage.upstream.files if file.kind != "code"]
    versions = {(file.path, file.hash) for file in data}
    for file in lineage.upstream.files:
        made["entity"][_file(file.path, file.hash)] = {
            "prov:label": file.path,
            "prov:location": file.path,
            "prov:type": file.kind,
            "dv:md5": file.hash,
        }
    written: dict[str, list[File]] = {}
    for file in data:
        for address in file.made_by:
            written.setdefault(address, []).append(file)
    for stage in lineage.upstream.stages:
        name = f"stage:{_quoted(stage.address)}"
        made["activity"][name] = _activity(stage)
        for dep in stage.deps:
            _relate(made, "used", "prov:activity", name, "prov:entity", _file(*dep.version))
        _relate(made, "wasAssociatedWith", "prov:activity", name, "prov:agent", SOFTWARE)
        for file in written.get(stage.address, ()):
            out = _file(file.path, file.hash)
            _relate(made, "wasGeneratedBy", "prov:entity", out, "prov:activity", name)
            for dep in stage.deps:
                if dep.version in versions:
                    source = _file(*dep.version)
                    _relate(
                        made, "wasDerivedFrom", "prov:generatedEntity", out,
                        "prov:usedEntity", source, {"prov:activity": name},
                    )  # fmt: skip
    _agents(made, lineage)
    _reproduction(made, lineage)
    return dict(made)


def _activity(stage: Record) -> dict[str, Any]:
    params = {f"param:{_quoted(name)}": _literal(value) for name, value in stage.params}
    return {"prov:label": stage.address, "prov:type": "stage", "dv:command": stage.command} | params


def _agents(made: dict[str, Section], lineage: Lineage) -> None:
    made["agent"][SOFTWARE] = {"prov:type": _name("prov:SoftwareAgent"), "prov:label": "DVC"}
    if lineage.dirty:
        return
    person = f"agent:{_quoted(lineage.email or lineage.author)}"
    made["agent"][person] = {
        "prov:type": _name("prov:Person"),
        "prov:label": lineage.author,
        "dv:email": lineage.email,
    }
    artifact = _file(lineage.artifact, lineage.hash)
    made["entity"][artifact] |= {
        "dv:commit": lineage.code_commit,
        "dv:environment": lineage.environment,
    }
    for doi in lineage.dois:
        held = f"doi:{_quoted(doi)}"
        made["entity"][held] = {"prov:type": _name("prov:Collection"), "prov:label": doi}
        _relate(made, "hadMember", "prov:collection", held, "prov:entity", artifact)
    _relate(made, "wasAttributedTo", "prov:entity", artifact, "prov:agent", person)
    for name in list(made.get("activity", {})):
        _relate(made, "wasAssociatedWith", "prov:activity", name, "prov:agent", person)
    _relate(made, "actedOnBehalfOf", "prov:delegate", SOFTWARE, "prov:responsible", person)


def _reproduction(made: dict[str, Section], lineage: Lineage) -> None:
    """Say when it was made, if a run tells: the times are those of the whole reproduction."""
    if not (lineage.runs and lineage.stage):
        return
    run = lineage.runs[0]  # the later ones only found it there
    name = f"run:{_quoted(run.run_id)}"
    times = {"prov:startTime": run.started} | ({"prov:endTime": run.ended} if run.ended else {})
    label = run.name or run.run_id
    made["activity"][name] = {"prov:label": label, "prov:type": "MLflow run", **times}
    stage = f"stage:{_quoted(lineage.stage)}"  # the stages before it can be older
    _relate(made, "wasStartedBy", "prov:activity", stage, "prov:starter", name)


def _relate(
    made: dict[str, Section],
    kind: str,
    subject: str,
    one: str,
    role: str,
    other: str,
    more: dict[str, str] | None = None,
) -> None:
    made[kind][f"_:{kind}{len(made[kind]) + 1}"] = {subject: one, role: other} | (more or {})


def _file(path: str, digest: str) -> str:
    return f"file:{_quoted(path)}@{digest}"


def _quoted(text: str) -> str:
    """Return a text as the local part of a qualified name."""
    return quote(text, safe="/")


def _name(text: str) -> dict[str, str]:
    return {"$": text, "type": "xsd:QName"}


def _literal(value: Any) -> str | int | float | bool:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no such numbers
    if isinstance(value, str | int | float | bool):
        return value
    return json.dumps(value, default=str, ensure_ascii=False)
