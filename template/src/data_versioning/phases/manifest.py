"""What the tag of a phase says: for people, and below the line `---` for machines.

The manifest is a mapping in YAML 1.2. What of it is read from the tagged commit, `facts` reads
again in any clone.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from data_versioning.errors import StudyError
from data_versioning.phases.findings import Finding
from data_versioning.phases.plan import Phase, title
from data_versioning.pipeline.metrics import parse_values
from data_versioning.study import NUMBER, parse_yaml
from data_versioning.tools import dvc_files, git
from data_versioning.wording import printable

FORMAT = 1
LARGEST = 1024**2  # characters of a message; that of a thousand data sets has 60 000
LINE = "\n---\n"
SIGNATURE = "\n-----BEGIN "  # what git puts below the message of a signed tag
Shape = dict[str, tuple[type, ...]]
SHAPE: Shape = {
    "format": (int,),
    "phase": (str,),
    "version": (str,),
    "commit": (str,),
    "time": (str,),
    "who": (str,),
    "gates": (list,),
    "override": (dict, type(None)),
    "dvc_lock": (str, type(None)),
    "metrics": (dict,),
    "data": (dict,),
    "environment": (dict,),
    "template": (str,),
    "doi": (str, type(None)),
    "runs": (list,),
}
GATE: Shape = {"gate": (str,), "ok": (bool,), "evidence": (str,)}
OVERRIDE: Shape = {"reason": (str,), "gates": (list,)}
ENVIRONMENT: Shape = {"uv.lock": (str, type(None)), "python": (str,)}
BROKEN = "the manifest has a part that is missing or broken"


def make(
    root: Path,
    phase: Phase,
    version: str,
    commit: str,
    time: datetime,
    who: str,
    findings: Sequence[Finding],
    reason: str | None,
    runs: Sequence[str],
) -> dict[str, Any]:
    """Return the manifest of a tag that is about to be made.

    Args:
        root: The study.
        phase: The phase.
        version: The version of the tag.
        commit: What it will tag.
        time: When.
        who: Who completes the phase.
        findings: What its gates found.
        reason: Why it is complete although some of them fail.
        runs: The ids of the MLflow runs that hold the results.

    Raises:
        StudyError: A file that it reports on is damaged, or in no storage.
    """
    gates = [{"gate": one.gate, "ok": one.ok, "evidence": one.evidence} for one in findings]
    failed = [one.gate for one in findings if not one.ok]
    return {
        "format": FORMAT,
        "phase": phase.name,
        "version": version,
        "commit": commit,
        "time": time.isoformat(),
        "who": who,
        "gates": gates,
        "override": {"reason": reason, "gates": failed} if failed else None,
        **facts(root, commit),
        "metrics": metrics(root, commit),
        "environment": {"uv.lock": environment(root, commit), "python": platform.python_version()},
        "runs": list(runs),
    }


def facts(root: Path, commit: str) -> dict[str, Any]:
    """Return what git alone knows of a commit: `dvc_lock`, `data` by path, `template`, `doi`.

    `dvc_lock` is the SHA-256 of `dvc.lock`, the data versions are DVC's hashes, the template's
    version is that of `.copier-answers.yml`, and the DOI is that of `CITATION.cff`.
    """
    answers = git.file_at(root, commit, ".copier-answers.yml") or b""
    citation = parse_yaml(git.file_at(root, commit, "CITATION.cff") or b"", "CITATION.cff")
    return {
        "dvc_lock": _digest(git.file_at(root, commit, dvc_files.LOCK)),
        "data": dict(sorted(dvc_files.outputs(root, commit).items())),
        "template": str(parse_yaml(answers, ".copier-answers.yml").get("_commit") or "unversioned"),
        "doi": str(citation["doi"]) if citation.get("doi") else None,
    }


def metrics(root: Path, commit: str, kept_by_git: bool = False) -> dict[str, Any]:
    """Return the metrics of a commit, by file.

    Args:
        root: The study.
        commit: The commit.
        kept_by_git: Read no others; those that DVC keeps may be in a remote.

    Raises:
        StudyError: A file is damaged, or neither in DVC's cache nor in a remote.
    """

    def read(path: str) -> bytes | None:
        if kept_by_git:
            return git.file_at(root, commit, path)
        return dvc_files.content(root, path, commit)

    return {
        path: dict(parse_values(content, path))
        for path in sorted(dvc_files.value_files(root, commit)[0])
        if (content := read(path)) is not None
    }


def environment(root: Path, commit: str) -> str | None:
    """Return the SHA-256 of `uv.lock` at a commit, as the lineage key of a run has it."""
    return _digest(git.file_at(root, commit, "uv.lock"))


def text(manifest: dict[str, Any]) -> str:
    """Return the message of a tag: what a manifest says to people, and the manifest."""
    override = manifest["override"] or {"gates": []}
    lines = [f"{title(manifest['phase'])} complete", ""]
    width = max((len(one["gate"]) for one in manifest["gates"]), default=0)
    for one in manifest["gates"]:
        verdict = "holds" if one["ok"] else "FAILS"
        lines.append(f"{verdict}  {one['gate']:<{width}}  {printable(one['evidence'])}".rstrip())
    if override["gates"]:
        lines += ["", f"Complete all the same: {printable(override['reason'])}"]
    message = "\n".join(lines).rstrip() + f"\n{LINE}{dump(manifest)}"
    _refuse_long(message)
    return message


def read(message: str) -> dict[str, Any]:
    """Return the manifest in the message of a tag; of a tag without one an empty mapping.

    Raises:
        StudyError: What is below the line is no YAML mapping, or none that `make` made.
    """
    _refuse_long(message)
    _, line, below = message.partition(SIGNATURE)[0].partition(LINE)
    _refuse_aliases(below)
    manifest = parse_yaml(below.encode(errors="surrogateescape"), "manifest") if line else {}
    if not manifest:
        return {}
    _refuse_misshapen(manifest, SHAPE)
    _refuse_misshapen(manifest["environment"], ENVIRONMENT)
    for gate in manifest["gates"]:
        _refuse_misshapen(gate, GATE)
    if manifest["override"] is not None:
        _refuse_misshapen(manifest["override"], OVERRIDE)
    if not all(isinstance(run, str) for run in manifest["runs"]):
        raise StudyError(BROKEN, "runs")
    return manifest


def dump(value: Any) -> str:
    """Return a value as YAML in which git's clean-up of a message finds nothing to change."""
    import yaml

    return str(yaml.dump(value, Dumper=_dumper(), sort_keys=False, allow_unicode=True, width=10**9))


@cache
def _dumper() -> Any:
    import yaml

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

    def quoted(dumper: Any, said: str) -> Any:
        # On one line, whatever it holds: git takes blank lines and spaces at ends of lines away.
        said = said.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # as `printable`
        style = None if said.isprintable() else '"'
        return dumper.represent_scalar("tag:yaml.org,2002:str", said, style=style)

    Dumper.add_representer(str, quoted)
    Dumper.add_implicit_resolver("tag:yaml.org,2002:float", NUMBER, list("-+0123456789"))
    return Dumper


def _refuse_misshapen(mapping: Any, shape: Shape) -> None:
    for key, kinds in shape.items():
        # Not `isinstance`: to it, True is a number.
        if not (isinstance(mapping, dict) and key in mapping and type(mapping[key]) in kinds):
            raise StudyError(BROKEN, key)
    if unknown := [str(key) for key in mapping if key not in shape]:
        raise StudyError("the manifest has a part that no manifest has", unknown[0])


def _refuse_long(message: str) -> None:
    if len(message) > LARGEST:
        what = f"the message of a phase's tag has {LARGEST} characters at most"
        raise StudyError(what, f"this one has {len(message)}")


def _refuse_aliases(text: str) -> None:
    """Refuse values that stand for others: a few lines of them can hold millions of values."""
    import yaml

    if "*" not in text:
        return
    with suppress(yaml.YAMLError):  # `parse_yaml` says where
        for event in yaml.parse(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            if isinstance(event, yaml.AliasEvent):
                raise StudyError(
                    "the manifest has an alias, which no manifest needs", str(event.anchor)
                )


def _digest(content: bytes | None) -> str | None:
    return None if content is None else hashlib.sha256(content).hexdigest()
