"""One screen about the study: where it is, what it found, where to look."""

from __future__ import annotations

import json

from data_versioning.experiments.run_search import search
from data_versioning.study import Study
from data_versioning.tools import dvc_files


def summary(study: Study) -> str:
    """Return the study's folder, metrics, figures and latest run as text."""
    lines = ["", f"study    {study.root}"]
    for path in sorted(dvc_files.stage_outputs(study.root, ["metrics"])):
        if (study.root / path).is_file():
            content = json.loads((study.root / path).read_text(encoding="utf-8"))
            lines += [f"metrics  {path}", f"         {json.dumps(content)}"]
    figures = [
        path for path in dvc_files.outputs(study.root) if path.startswith("results/figures/")
    ]
    lines += [f"figure   {path}" for path in sorted(figures)]
    for run in search(study, limit=1):
        lines.append(f"run      {run['run_id']}  {run['status']}  commit {run['commit'][:8]}")
    return "\n".join(lines)
