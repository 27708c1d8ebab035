"""Where one version of an artifact comes from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from data_versioning.lineage import records
from data_versioning.lineage.data_runs import DataRun, runs_with
from data_versioning.lineage.past import Past, same_making, tags_holding
from data_versioning.lineage.records import Kept, Record
from data_versioning.lineage.upstream import Upstream, trace
from data_versioning.models import artifacts, model_tags
from data_versioning.study import Study, plain
from data_versioning.tools import git, git_history


@dataclass(frozen=True)
class Lineage:
    """Where one version of an artifact comes from.

    Args:
        artifact: Its path, relative to the study.
        hash: DVC's hash of it (MD5, of folders with the suffix `.dir`).
        rev: The revision that was asked for; empty for the files on disk.
        stage: The stage that wrote it; empty for data or models that a `*.dvc` file tracks.
        command: What that stage ran.
        params: The parameters that it read; of a tracked model those given to `track_model`.
        upstream_params: The parameters of every stage on the way, by stage.
        training_data: What it was made from, paths with hashes: the data and results that its
            stage read (metrics too), and the raw data at the far end, which no stage made from
            other data. What the stages between wrote is in `upstream`.
        code: The code that its stage and those before it ran, paths with hashes.
        code_commit: The first commit that holds this version, made like this; `none` if there
            is none yet.
        committed: The commit's time, ISO 8601; empty if there is none.
        author: The commit's author.
        email: The author's address.
        dirty: True while no commit holds it.
        environment: SHA-256 of `uv.lock` at that commit, `none` without one.
        upstream: The graph.
        runs: The MLflow runs of reproductions with this version, and those that took it as a
            dataset input, oldest first.
        model_versions: Its releases, `model@v1.2.0`.
        tags: All git tags whose commit holds this version.
        dois: The DOIs of the archived packages that hold it, as the tags of phases name them.
        notes: What could not be looked up, or does not fit together.
    """

    artifact: str
    hash: str
    rev: str
    stage: str
    command: str
    params: dict[str, Any]
    upstream_params: dict[str, dict[str, Any]]
    training_data: dict[str, str]
    code: dict[str, str]
    code_commit: str
    committed: str
    author: str
    email: str
    dirty: bool
    environment: str
    upstream: Upstream
    runs: tuple[DataRun, ...]
    model_versions: tuple[str, ...]
    tags: tuple[str, ...]
    dois: tuple[str, ...]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        made = asdict(self)
        for stage in made["upstream"]["stages"]:
            stage["params"] = plain(dict(stage["params"]))
        return made | {key: plain(made[key]) for key in ("params", "upstream_params")}

    def text(self) -> str:
        """Return it for people."""
        from data_versioning.lineage.lineage_text import text

        return text(self)

    def mermaid(self) -> str:
        """Return the graph for Mermaid (https://mermaid.js.org)."""
        from data_versioning.lineage.lineage_text import mermaid

        return mermaid(self)

    def prov(self) -> dict[str, Any]:
        """Return it as PROV-JSON (https://www.w3.org/submissions/prov-json/)."""
        from data_versioning.lineage.prov import document

        return document(self)


def origin(
    study: Study,
    path: str,
    known: Sequence[Record],
    rev: str = "",
    commit: str | None = None,
    notes: Iterable[str] = (),
) -> Lineage:
    """Return where an artifact comes from; see `LineageTracker.get_lineage`.

    Args:
        study: The study.
        path: The artifact, an output of one of the records.
        known: The records of the revision.
        rev: What the user calls the revision.
        commit: Its commit; None for the files on disk.
        notes: What is known already to be odd.
    """
    root = study.root
    record, out = next((one, kept) for one in known if (kept := one.out(path)))
    graph = trace(known, record, out)
    with Past.of(root, *filter(None, [commit])) as past:
        made = _commit(past, commit or git.head(root), record, out)
        files = [*past.locks(), f"{path}.dvc"]
        files += [] if record.is_stage else [record.address]
        tags = tags_holding(past, path, dict.fromkeys(files)).get(out.version, [])
    models = model_tags.released(root)
    runs, note = runs_with(study, [out.version])
    if git_history.is_shallow(root):
        notes = [*notes, "a shallow clone: older commits are missing (git fetch --unshallow)"]
    return Lineage(
        artifact=path,
        hash=out.md5,
        rev=rev,
        stage=record.address if record.is_stage else "",
        command=record.command,
        params=dict(record.params) if record.is_stage else _declared(root, commit, path),
        upstream_params={one.address: dict(one.params) for one in graph.stages if one.params},
        training_data=_data(graph, record, path),
        code={file.path: file.hash for file in graph.files if file.kind == "code"},
        code_commit=made.id if made else "none",
        committed=made.time.isoformat() if made else "",
        author=made.author if made else "",
        email=made.email if made else "",
        dirty=made is None,
        environment=_environment(root, made.id if made else None),
        upstream=graph,
        runs=tuple(runs.get(out.version, ())),
        model_versions=tuple(tag for tag in tags if models.get(tag) == out.version),
        tags=tuple(tags),
        dois=_dois(root, tags),
        notes=(*notes, *graph.notes, *filter(None, [note])),
    )


def _dois(root: Path, tags: Sequence[str]) -> tuple[str, ...]:
    """Return the DOIs in the tags of phases that were complete only with a package."""
    from data_versioning.phases.phase_tags import phase_tags

    packaged = [
        tag.manifest["doi"]
        for tag in phase_tags(root)
        if tag.name in tags and any(one["gate"] == "archive" for one in tag.manifest["gates"])
    ]
    return tuple(dict.fromkeys(filter(None, packaged)))


def _commit(past: Past, end: str | None, record: Record, out: Kept) -> git_history.Commit | None:
    """Return the first commit that says this of an artifact, if one does."""
    if end is None:
        return None
    held = git_history.ancestors(past.root, end)
    needle = out.md5.encode() or records.readable_part(out.path)
    for commit in past.walk(oldest_first=True):
        if commit.id in held:
            _, new = past.delta(commit, [needle]).get(out.path, (None, None))
            if new and new.kept.version == out.version and same_making(new.record, record):
                return commit
    return None


def raw(graph: Upstream) -> set[str]:
    """Return the paths of the data that no stage made from other data."""
    code = {file.path for file in graph.files if file.kind == "code"}
    made = {
        out.path
        for stage in graph.stages
        if any(dep.path not in code for dep in stage.deps)
        for out in stage.outs
    }
    return {file.path for file in graph.files} - code - made


def _data(graph: Upstream, record: Record, path: str) -> dict[str, str]:
    direct = {dep.version for dep in record.deps}
    far = raw(graph)
    return {
        file.path: file.hash
        for file in graph.files
        if file.path != path
        and file.kind != "code"
        and ((file.path, file.hash) in direct or file.path in far)
    }


def _environment(root: Path, rev: str | None) -> str:
    file = root / "uv.lock"
    if rev:
        content = git.file_at(root, rev, file.name)
    else:
        content = file.read_bytes() if file.is_file() else None
    return "none" if content is None else hashlib.sha256(content).hexdigest()


def _declared(root: Path, rev: str | None, path: str) -> dict[str, Any]:
    """Return the parameters that `artifacts:` of `dvc.yaml` has for a tracked model."""
    for artifact in artifacts.read(root, rev).values():
        if artifact.get("path") == path:
            return dict((artifact.get("meta") or {}).get("params") or {})
    return {}
