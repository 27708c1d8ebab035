"""Lineage for people: plain text, and Mermaid's diagrams."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from data_versioning.lineage.origin import Lineage, raw

_SHAPES = {"result": ('["', '"]'), "data": ('[("', '")]'), "code": ('>"', '"]')}


def text(lineage: Lineage) -> str:
    """Return all that is known, a fact a line."""
    at = f" at {lineage.rev}" if lineage.rev else ""
    commit = lineage.code_commit
    if not lineage.dirty:
        commit += f" ({lineage.committed}, {lineage.author} <{lineage.email}>)"
    else:
        commit += " (this version is not committed)"
    lines = [
        f"{lineage.artifact}{at}",
        f"  hash         {lineage.hash}",
        f"  stage        {lineage.stage or '- (tracked, not made by a stage)'}",
        *_block("command", lineage.command.splitlines()),
        f"  commit       {commit}",
        f"  environment  {lineage.environment} (uv.lock)",
        *_block("parameters", _parameters(lineage)),
        *_block("made from", _made_from(lineage)),
        *_block("code", _pairs(lineage.code)),
        *_block("upstream", _upstream(lineage)),
        *_block("runs", (f"{r.run_id} {r.started} {r.status}" for r in lineage.runs)),
        *_block("releases", lineage.model_versions),
        *_block("tags", lineage.tags),
        *_block("DOI", lineage.dois),
        *_block("note", lineage.notes),
    ]
    return "\n".join(lines)


def _block(title: str, lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield f"  {title:<12} {line}"
        title = ""


def _pairs(values: Mapping[str, Any]) -> Iterator[str]:
    return (f"{name}: {value}" for name, value in values.items())


def _made_from(lineage: Lineage) -> Iterator[str]:
    far = raw(lineage.upstream)
    for path, digest in lineage.training_data.items():
        yield f"{path}: {digest}{' (raw)' if path in far else ''}"


def _parameters(lineage: Lineage) -> Iterator[str]:
    yield from _pairs(lineage.params)
    for stage, params in lineage.upstream_params.items():
        if stage != lineage.stage:
            yield from (f"{pair} (of {stage})" for pair in _pairs(params))


def _upstream(lineage: Lineage) -> Iterator[str]:
    for stage in lineage.upstream.stages:
        reads = ", ".join(dep.path for dep in stage.deps if dep.path not in lineage.code)
        yield f"{stage.address}: {reads or '-'} -> {', '.join(out.path for out in stage.outs)}"


def mermaid(lineage: Lineage) -> str:
    """Return a flowchart from raw data to the artifact.

    Data are drawn as cylinders, code as flags, stages with round ends.
    """
    files = {
        (file.path, file.hash): f"f{number}" for number, file in enumerate(lineage.upstream.files)
    }
    stages = {stage.address: f"s{number}" for number, stage in enumerate(lineage.upstream.stages)}
    lines = ["flowchart LR"]
    for stage in lineage.upstream.stages:
        name = stages[stage.address]
        lines.append(f'  {name}(["{_label(stage.address)}"])')
        lines += [f"  {files[dep.version]} --> {name}" for dep in stage.deps]
    for file in lineage.upstream.files:
        name = files[file.path, file.hash]
        left, right = _SHAPES[file.kind]
        lines.append(f"  {name}{left}{_label(file.path)}<br>{_label(file.hash[:8])}{right}")
        lines += [f"  {stages[maker]} --> {name}" for maker in file.made_by if maker in stages]
    return "\n".join(lines)


def _label(text: str) -> str:
    """Return a text without the characters that mean something to Mermaid, as entities."""
    return re.sub(r"[^\w ./:@=,-]", lambda found: f"#{ord(found[0])};", text)
