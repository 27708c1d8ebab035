"""The pipeline as a drawing: SVG of the flowchart that DVC describes in Mermaid."""

from __future__ import annotations

import html
import re
from collections.abc import Collection
from dataclasses import dataclass

NODE = re.compile(r'^\t(node\d+)\["(.*)"\]$', re.MULTILINE)
EDGE = re.compile(r"^\t(node\d+)-->(node\d+)$", re.MULTILINE)
LONGEST = 40  # characters of a name that is shown
ROW, HEIGHT, GAP, LETTER = 66, 32, 24, 7.5  # pixels


@dataclass(frozen=True)
class Graph:
    """The stages and tracked data of a pipeline.

    Args:
        names: What each node is called.
        edges: Which node comes after which.
    """

    names: dict[str, str]
    edges: tuple[tuple[str, str], ...]


def parse(mermaid: str) -> Graph:
    """Read the flowchart that `PipelineManager.dag` returns."""
    names = {
        node: re.sub(r"#(\d+);", lambda code: chr(int(code[1])), label)
        for node, label in NODE.findall(mermaid)
    }
    return Graph(names, tuple(EDGE.findall(mermaid)))


def svg(graph: Graph, marked: Collection[str]) -> str:
    """Draw it from top to bottom, each node below all those that it needs.

    Args:
        graph: The pipeline.
        marked: The names of nodes to emphasise.
    """
    rows = _rows(graph)
    boxes: dict[str, tuple[float, float, float]] = {}
    total = max((sum(_width(graph.names[n]) + GAP for n in row) for row in rows), default=GAP)
    for number, row in enumerate(rows):
        left = (total - sum(_width(graph.names[node]) + GAP for node in row)) / 2 + GAP / 2
        for node in row:
            width = _width(graph.names[node])
            boxes[node] = (left, number * ROW + 4, width)
            left += width + GAP
    drawn = [_line(boxes[before], boxes[after]) for before, after in graph.edges]
    for node, (x, y, width) in boxes.items():
        name = graph.names[node]
        kind = ' class="changed"' if name in marked else ""
        drawn.append(
            f"<g{kind}><title>{html.escape(name)}</title>"
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{HEIGHT}" rx="5"/>'
            f'<text x="{x + width / 2:g}" y="{y + HEIGHT / 2 + 5:g}">{html.escape(_short(name))}'
            "</text></g>"
        )
    size = f"{total:g} {len(rows) * ROW - ROW + HEIGHT + 8}"
    style = f"max-width:{total:g}px"
    return f'<svg viewBox="0 0 {size}" style="{style}" role="img">{"".join(drawn)}</svg>'


def _rows(graph: Graph) -> list[list[str]]:
    before: dict[str, list[str]] = {node: [] for node in graph.names}
    for first, then in graph.edges:
        before[then].append(first)
    depth: dict[str, int] = {}
    waiting = list(graph.names)
    while ready := [node for node in waiting if all(one in depth for one in before[node])]:
        for node in ready:
            depth[node] = max((depth[one] + 1 for one in before[node]), default=0)
        waiting = [node for node in waiting if node not in depth]
    rows: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    place: dict[str, float] = {}
    for node in sorted(graph.names, key=depth.__getitem__):
        rows[depth[node]].append(node)
    for row in rows:  # below the middle of what they need
        row.sort(key=lambda node: sum(place[n] for n in before[node]) / (len(before[node]) or 1))
        place |= {node: (number + 1) / (len(row) + 1) for number, node in enumerate(row)}
    return rows


def _line(before: tuple[float, float, float], after: tuple[float, float, float]) -> str:
    x, y = before[0] + before[2] / 2, before[1] + HEIGHT
    to, end = after[0] + after[2] / 2, after[1]
    bend = (end - y) / 2
    return f'<path d="M{x:g} {y:g}C{x:g} {y + bend:g} {to:g} {end - bend:g} {to:g} {end:g}"/>'


def _width(name: str) -> float:
    return len(_short(name)) * LETTER + 20


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else f"…{name[1 - LONGEST :]}"
