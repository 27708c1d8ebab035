"""The report as a page that needs nothing else: no script, no style, no image from elsewhere."""

from __future__ import annotations

import html
from base64 import b64encode
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from data_versioning.reporting.comparison import Comparison
from data_versioning.reporting.figures import TYPES, Figure, Image
from data_versioning.reporting.graph import parse, svg
from data_versioning.reporting.sections import Section, sections
from data_versioning.wording import printable, sized

LARGEST = 4_000_000  # bytes of an image
ALL = 20_000_000  # of all images
HEAD = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
:root {{
  --ink: #1c2024; --page: #fff; --quiet: #5c6670; --rule: #d5dae0; --tint: #f3f5f7;
  --mark: #b35900;
}}
@media (prefers-color-scheme: dark) {{
  :root {{
    --ink: #e6e9ec; --page: #15181c; --quiet: #9aa4ae; --rule: #343b43; --tint: #1f242a;
    --mark: #ffb066;
  }}
}}
@media print {{
  :root {{
    --ink: #000; --page: #fff; --quiet: #444; --rule: #bbb; --tint: #fff; --mark: #b35900;
  }}
  tr, figure {{ break-inside: avoid; }}
  h2 {{ break-after: avoid; }}
}}
body {{
  max-width: 66rem; margin: 0 auto; padding: 1.5rem;
  font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page);
}}
h1 {{ font-size: 1.5rem; margin: 0; overflow-wrap: anywhere; }}
h2 {{ font-size: 1.15rem; margin: 2.2rem 0 .4rem; }}
p {{ margin: .3rem 0; }}
.quiet, figcaption {{ color: var(--quiet); }}
.stale {{ border-left: 4px solid var(--mark); padding-left: 1rem; }}
.table {{ overflow-x: auto; }}
table {{ border-collapse: collapse; margin: .5rem 0; font-variant-numeric: tabular-nums; }}
th, td {{
  text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid var(--rule);
  vertical-align: top; overflow-wrap: anywhere; min-width: 4rem;
}}
th {{ color: var(--quiet); font-weight: 600; }}
.pair {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); gap: 1rem; }}
figure {{ margin: 0; }}
img {{ max-width: 100%; background: #fff; border: 1px solid var(--rule); }}
h3 {{ font-size: 1rem; margin: 1.2rem 0 .3rem; overflow-wrap: anywhere; }}
.missing {{ background: var(--tint); padding: 1rem; color: var(--quiet); }}
svg {{ width: 100%; height: auto; margin-top: .5rem; }}
svg rect {{ fill: var(--tint); stroke: var(--quiet); }}
svg path {{ fill: none; stroke: var(--quiet); }}
svg text {{ fill: var(--ink); font: 12.5px ui-monospace, monospace; text-anchor: middle; }}
svg .changed rect {{ stroke: var(--mark); stroke-width: 2.5; }}
</style>
</head>
<body>
"""


def page(found: Comparison) -> str:
    """Return a report as HTML."""
    title = f"What changed since {_text(found.base)}"
    dirty = ", with changes that are not committed" if found.dirty else ""
    here = f"{_text(found.branch)} at {found.commit[:8]}" if found.branch else found.commit[:8]
    parts = [
        HEAD.format(title=title),
        f"<h1>{title}</h1>\n"
        f'<p class="quiet">{here}{dirty}, compared with {found.base_commit[:8]}.</p>',
    ]
    for section in sections(found):
        stale = ' class="stale"' if section.kind == "stale" else ""
        text = section.text.replace("`make repro`", "<code>make repro</code>")
        parts.append(f"<section{stale}>\n<h2>{section.title}</h2>")
        if text:
            parts.append(f"<p>{text}</p>")
        parts += [*_body(section, found), "</section>"]
    return "\n".join([*parts, "</body>", "</html>", ""])


def _body(section: Section, found: Comparison) -> Iterator[str]:
    if section.kind == "figures":
        yield from _figures(found.figures)
    elif section.kind == "pipeline":
        if found.stages:
            yield '<p class="quiet">They are drawn with a thick border.</p>'
        yield svg(parse(found.dag), found.stages)
    elif len(section.rows) > 1:
        yield _table(section.rows)


def _table(rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{_text(cell)}</th>" for cell in rows[0])
    lines = ["".join(f"<td>{_text(cell)}</td>" for cell in row) for row in rows[1:]]
    body = "\n".join(f"<tr>{cells}</tr>" for cells in lines)
    return (
        f'<div class="table"><table>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody>\n</table></div>"
    )


def _figures(figures: Sequence[Figure]) -> Iterator[str]:
    room = ALL
    for one in figures:
        if one.state == "unchanged":
            continue
        yield f'<h3>{_text(one.path)}</h3>\n<div class="pair">'
        for image, when in ((one.old, "before"), (one.new, "now")):
            size = len(image.content) if image and image.content else 0
            shown, used = _image(one.path, image, when, size <= min(LARGEST, room)), size
            room -= used if used <= min(LARGEST, room) else 0
            yield f"<figure>{shown}<figcaption>{when}</figcaption></figure>"
        yield "</div>"
    if same := [one.path for one in figures if one.state == "unchanged"]:
        yield f'<p class="quiet">Unchanged: {", ".join(map(_text, same))}</p>'


def _image(path: str, image: Image | None, when: str, fits: bool) -> str:
    if image is None:
        return f'<p class="missing">not there {when}</p>'
    if image.content is None:
        return f'<p class="missing">{_text(image.problem)}</p>'
    if not fits:
        return f'<p class="missing">too large to show here: {sized(len(image.content))}</p>'
    kind = TYPES[PurePosixPath(path).suffix.lower()]
    content = b64encode(image.content).decode()
    return f'<img alt="{_text(path)}, {when}" src="data:{kind};base64,{content}">'


def _text(text: str) -> str:
    return html.escape(printable(text))
