"""Versions and promotions of models as annotated git tags.

The grammar is GTO's: `model@v1.2.0` registers a version, `model#production#3` is the third
promotion to that stage, a `!` before the number takes either back. `gto show` and
`dvc artifacts get` read the same tags. The message is a sentence and, below, a mapping in YAML.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from data_versioning.errors import StudyError
from data_versioning.models import artifacts
from data_versioning.study import parse_yaml
from data_versioning.tools import dvc_files, git

# As in gto.constants, without folders in names: MLflow has none.
LONGEST = 100  # letters of a name; a tag is a file, and files have names of 255 bytes
NAME = r"[a-zA-Z0-9](?:[a-zA-Z0-9_-]*[a-zA-Z0-9])?"
TAG = re.compile(
    rf"(?P<model>{NAME})"
    rf"(?:@v(?P<version>[^!#]+)|#(?P<stage>{NAME}))(?P<cancel>!?)(?:#(?P<number>\d+))?"
)


@dataclass(frozen=True)
class Event:
    """One tag.

    Args:
        tag: Its name.
        model: The model.
        action: `register`, `withdraw` (a version), `promote` or `demote` (from a stage).
        version: The semantic version, of a promotion that of the tagged commit; empty if none is.
        stage: The stage of a promotion.
        number: The number of the promotion among those of its stage.
        commit: The tagged commit.
        time: When, by the tagger's clock.
        author: The tagger.
        message: The sentence.
        details: The mapping: `path`, `md5`, `metrics`, `lineage` of a version.
    """

    tag: str
    model: str
    action: str
    version: str
    stage: str
    number: int
    commit: str
    time: datetime
    author: str
    message: str
    details: Mapping[str, Any] = field(default_factory=dict)


def refuse_illegal(model: str, version: str, stage: str | None) -> None:
    """Refuse names that git tags, GTO or MLflow cannot hold.

    Raises:
        StudyError: Names the first that is illegal.
    """
    letters = "letters, digits, - and _, with a letter or digit at both ends"
    for name in (model, version, *([] if stage is None else [stage])):
        if not isinstance(name, str):
            raise StudyError(f"not a text but {type(name).__name__}", repr(name), f'"{name}"')
        if len(name) > LONGEST:
            raise StudyError(f"longer than {LONGEST} letters", f"{name[:LONGEST]!r}...")
    if not re.fullmatch(NAME, model):
        raise StudyError(f"not a name of a model ({letters})", repr(model))
    if not is_semantic(version):
        raise StudyError("not a semantic version such as 1.2.0", repr(version))
    if stage is not None and not re.fullmatch(NAME, stage):
        raise StudyError(f"not a name of a stage ({letters})", repr(stage))
    if stage is not None and re.fullmatch(r"latest|v\d+", stage):
        raise StudyError("MLflow keeps this name for itself", repr(stage))


def is_semantic(version: str) -> bool:
    """Tell whether a version is a semantic one (https://semver.org)."""
    import semver

    return semver.Version.is_valid(version)


def events(root: Path, model: str | None = None) -> list[Event]:
    """Return what happened to one model or to all of them, in order."""
    found = [
        _event(match, tag)
        for tag in git.annotated_tags(root)
        if (match := TAG.fullmatch(tag.name))
        and model in (None, match["model"])
        and (match["stage"] or is_semantic(match["version"]))
    ]
    versions = {(one.model, one.commit): one.version for one in found if one.action == "register"}
    found = [
        one if one.version else replace(one, version=versions.get((one.model, one.commit), ""))
        for one in found
    ]
    # Tags that GTO makes can share a second.
    order = {"register": 0, "withdraw": 2}
    return sorted(found, key=lambda one: (one.time, order.get(one.action, 1), one.number))


def versions(history: Iterable[Event]) -> dict[tuple[str, str], Event]:
    """Return the registration of every version that was not withdrawn, by model and version."""
    held: dict[tuple[str, str], Event] = {}
    for event in history:
        if event.action == "register":
            held[event.model, event.version] = event
        elif event.action == "withdraw":
            held.pop((event.model, event.version), None)
    return held


def holders(history: Sequence[Event]) -> dict[tuple[str, str], str]:
    """Return the version that holds each stage, by model and stage."""
    held: dict[tuple[str, str], str] = {}
    for event in history:
        if event.action == "promote":
            held[event.model, event.stage] = event.version
        elif event.action == "demote":
            held.pop((event.model, event.stage), None)
    # What was withdrawn holds nothing, nor does a commit that was promoted and never registered.
    registered = versions(history)
    return {key: version for key, version in held.items() if (key[0], version) in registered}


def released(root: Path) -> dict[str, tuple[str, str]]:
    """Return path and hash of the model of each version that was not withdrawn, by tag.

    GTO's own tags do not say it: `artifacts:` of `dvc.yaml` and what DVC recorded at the tagged
    commit then do.
    """
    found = {}
    for event in versions(events(root)).values():
        path, md5 = event.details.get("path"), event.details.get("md5")
        if not (path and md5):
            try:
                path = artifacts.read(root, event.commit)[event.model]["path"]
                md5 = dvc_files.outputs(root, event.commit)[path]
            except (StudyError, KeyError, TypeError):
                continue
        found[event.tag] = str(path), str(md5)
    return found


def no_worse(
    version: Event, holder: Event | None, metric: str, lower_is_better: bool
) -> dict[str, float | None]:
    """Return a metric of the holder of a stage and of a version that is to succeed it.

    Raises:
        StudyError: The version is worse, or one of them lacks the metric.
    """
    new, old = _metric(version, metric), _metric(holder, metric) if holder else None
    # What is not a number is worse, too.
    if holder and old is not None and not (new <= old if lower_is_better else new >= old):
        raise StudyError(
            f"{metric} is worse than that of {holder.version} ({new:g} against {old:g})",
            f"{version.model} {version.version}",
            "promote it without --no-worse, or train a better one",
        )
    return {"old": old, "new": new}


def _metric(version: Event, name: str) -> float:
    metrics = version.details.get("metrics") or {}
    if name not in metrics:
        known = ", ".join(metrics) or "none"
        where = f"{version.model} {version.version}"
        raise StudyError(f"no metric {name}", where, f"known: {known}")
    return float(metrics[name])


def write(
    root: Path,
    name: str,
    commit: str,
    sentence: str,
    details: Mapping[str, Any],
    history: Iterable[Event],
) -> None:
    """Make a tag.

    Args:
        root: The study.
        name: The tag.
        commit: What it tags.
        sentence: The first line of its message.
        details: The rest.
        history: The events of the model so far. The tag is later than all of them, were it by a
            second that has not passed yet: their order is told by time alone, by GTO too.
    """
    import yaml

    text = yaml.safe_dump(dict(details), sort_keys=False, allow_unicode=True)
    latest = max((event.time for event in history), default=None)
    git.make_tag(root, name, commit, f"{sentence}\n\n{text}", latest)


def _event(match: re.Match[str], tag: git.Tag) -> Event:
    kinds = ("promote", "demote") if match["stage"] else ("register", "withdraw")
    sentence, _, body = tag.message.partition("\n\n")
    try:
        details = parse_yaml(body.encode(), tag.name)
    except StudyError:  # somebody wrote this tag by hand or with GTO
        details = {}
    return Event(
        tag=tag.name,
        model=match["model"],
        action=kinds[bool(match["cancel"])],
        version=match["version"] or "",
        stage=match["stage"] or "",
        number=int(match["number"] or 0),
        commit=tag.commit,
        time=tag.time,
        author=tag.author,
        message=sentence.strip(),
        details=details,
    )
