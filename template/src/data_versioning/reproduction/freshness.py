"""Is every result up to date? From what git keeps alone: no data, no remote, no network.

A stage is up to date when `dvc.lock` has its command, its parameters and its inputs as they are
now. Inputs that are data are compared by the hashes on record: that of the `*.dvc` file or of the
stage that makes them. Data that is on disk is compared as well.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from data_versioning.errors import StudyError
from data_versioning.health.processes import is_held
from data_versioning.pipeline.manager import LOCK
from data_versioning.study import Study, read_yaml
from data_versioning.tools import dvc, dvc_files, pipeline_state
from data_versioning.wording import counted

STALE, FOLLOWS, UNKNOWN, FROZEN, FRESH = "stale", "follows", "unknown", "frozen", "up to date"
GONE = "deleted"  # as DVC words it
ELSEWHERE = "not asked"
ALWAYS = "it runs every time"
WORDS = {"modified": "changed", "new": "is new to it", GONE: "is gone"}


@dataclass(frozen=True)
class Stage:
    """A stage and what its record says.

    Args:
        name: As DVC addresses it, such as `train`, `train@large` or `sub/dvc.yaml:train`.
        verdict: `up to date`; `stale`; `follows`, it is up to date but comes after a stale one;
            `unknown`, only data that is not here could tell; or `frozen`, which nobody asks.
        reasons: Why, each in a few words.
    """

    name: str
    verdict: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pipeline:
    """The pipeline and what its records say.

    Args:
        facts: What `pipeline_state` found, by stage and `*.dvc` file, in the order of a run.
        ran: Stages that just ran, and so are up to date, even if they are to run every time.
    """

    facts: dict[str, dict[str, Any]]
    ran: Collection[str] = ()

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """Every stage, in the order in which they would run."""
        found: dict[str, Stage] = {}
        for name, facts in self.facts.items():
            if not facts["is_stage"]:
                continue
            before = [one for one in facts["after"] if one in found]
            behind = [one for one in before if found[one].verdict in (STALE, FOLLOWS)]
            if name in self.ran:
                found[name] = Stage(name, FRESH)
            elif facts["frozen"]:
                found[name] = Stage(name, FROZEN, ("it is kept as it is, whatever changes",))
            elif reasons := tuple(_reasons(facts)):
                found[name] = Stage(name, STALE, reasons)
            elif behind:
                found[name] = Stage(name, FOLLOWS, tuple(f"after {one}" for one in behind))
            elif unlisted := _unlisted(facts):
                why = "its version is known only to the remote, or to a clone with the data"
                found[name] = Stage(name, UNKNOWN, tuple(f"{path}: {why}" for path in unlisted))
            else:
                found[name] = Stage(name, FRESH)
        return tuple(found.values())

    @property
    def stale(self) -> list[str]:
        """The stages that are stale, and not only because they run every time."""
        stale = [one for one in self.stages if one.verdict == STALE]
        return [one.name for one in stale if one.reasons != (ALWAYS,)]

    @property
    def differing(self) -> tuple[str, ...]:
        """Data that no stage makes, or a frozen one, and that is not on disk as it is on record."""
        kept = [one for one in self.facts.values() if one["frozen"] or not one["is_stage"]]
        return tuple(
            out["path"] for one in kept for out in one["outs"] if out["here"] == "modified"
        )

    @property
    def unasked(self) -> tuple[str, ...]:
        """What stages read from outside, which nothing on record could tell of."""
        deps = (dep for one in self.facts.values() for dep in one["deps"])
        return tuple(dict.fromkeys(dep["path"] for dep in deps if dep["here"] == ELSEWHERE))

    @property
    def unlisted(self) -> tuple[str, ...]:
        """Parts of tracked folders whose lists of files are not here: see `unknown`."""
        unknown = (self.facts[name] for name in self.names(UNKNOWN))
        return tuple(dict.fromkeys(path for facts in unknown for path in _unlisted(facts)))

    def __bool__(self) -> bool:
        """Tell whether every stage is up to date, as far as records can tell."""
        return not self.names(STALE, UNKNOWN)

    def names(self, *verdicts: str) -> list[str]:
        """Return the stages of some verdicts, in the order of a run."""
        return [stage.name for stage in self.stages if stage.verdict in verdicts]

    def ready(self) -> list[str]:
        """Return the stale stages that wait for no other one to become stale or not."""
        waiting: set[str] = set()
        found = []
        for stage in self.stages:
            if stage.verdict == FOLLOWS or waiting.intersection(self.facts[stage.name]["after"]):
                waiting.add(stage.name)
            elif stage.verdict in (STALE, UNKNOWN):
                found.append(stage.name)
        return found

    def missing(self, names: Collection[str]) -> Iterator[tuple[str, str]]:
        """Yield the data that some stages read, none of them makes, and that is not on disk.

        Args:
            names: The stages.

        Yields:
            The path, and the output that it is, or lies in.

        Raises:
            StudyError: Some of it is on disk, but not as it is on record.
        """
        made = {out["path"] for name in names for out in self.facts[name]["outs"]}
        outs = {out["path"]: out for facts in self.facts.values() for out in facts["outs"]}
        for dep in (dep for name in names for dep in self.facts[name]["deps"]):
            others = [source for source in dep["sources"] if source not in made]
            if others and dep["disk"] == "differs":
                what, mend = "data on disk is not the one on record", "dvc checkout, or dvc add"
                raise StudyError(what, dep["path"], f"{mend} {dep['path']}")
            for source in others if dep["disk"] == "absent" else ():
                if source == dep["path"] or dep["path"].startswith(f"{source}/"):
                    yield dep["path"], source
                elif outs[source]["here"] == GONE:
                    yield source, source

    def as_dict(self) -> dict[str, Any]:
        """Return it as what JSON can hold."""
        return {
            "stages": [asdict(one) for one in self.stages],
            "differing": self.differing,
            "unasked": self.unasked,
        }

    def text(self) -> str:
        """Return what is not up to date, a line for each reason, and how much is."""
        others = [stage for stage in self.stages if stage.verdict != FRESH]
        width = max((len(stage.name) for stage in others), default=0)
        lines = [
            f"{stage.name if i == 0 else '':<{width}}  {stage.verdict if i == 0 else '':<7}  {why}"
            for stage in others
            for i, why in enumerate(stage.reasons)
        ]
        lines += [f"note: {path} on disk is not the one on record" for path in self.differing]
        lines += [f"note: not asked, it is outside the study: {path}" for path in self.unasked]
        return "\n".join([*lines, f"{counted(len(self.names(FRESH)), 'stage')} up to date"])


def check(study: Study) -> Pipeline:
    """Return what the records say of every stage.

    Raises:
        StudyError: DVC cannot read its files, or a reproduction is under way.
    """
    if is_held(study.root / LOCK):
        raise StudyError("a reproduction is under way", str(study.root), "wait for it")
    return state(study)


def state(study: Study, ran: Collection[str] = ()) -> Pipeline:
    """Return the same in the midst of a reproduction.

    Args:
        study: The study.
        ran: See `Pipeline`.

    Raises:
        StudyError: DVC cannot read its files.
    """
    root = study.root
    for path in (root / dvc_files.PIPELINE, root / "params.yaml"):
        if path.exists():
            read_yaml(path)  # DVC's own message about broken YAML names no file
    # -P: this package's `dvc` must not hide DVC.
    argv = [sys.executable, "-P", str(Path(pipeline_state.__file__)), str(root)]
    done = subprocess.run(argv, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        dvc_files.refuse_broken(root)
        raise StudyError("DVC cannot read the study", dvc.failure(done.stderr)[1])
    return Pipeline({facts["address"]: facts for facts in json.loads(done.stdout)}, ran)


def _reasons(facts: dict[str, Any]) -> Iterator[str]:
    if facts["always"]:
        yield ALWAYS
    if not facts["recorded"] and facts["outs"]:
        yield "it never ran"
        return
    if facts["command"]:
        yield "its command changed"
    for file, words in facts["params"].items():
        if isinstance(words, str):
            yield f"{file} {WORDS.get(words, words)}"
        else:
            yield from (f"{file}: {name} {WORDS[word]}" for name, word in words.items())
    for dep in facts["deps"]:
        if dep["here"] == "new":
            yield f"{dep['path']} is new to it"
        elif dep["record"] == "other":
            yield f"{dep['path']} is another version than it read"
        elif dep["disk"] == "differs":
            yield f"{dep['path']} on disk is not the one on record"
        elif dep["here"] not in ("", ELSEWHERE) and dep["disk"] != "absent":
            yield f"{dep['path']} {WORDS.get(dep['here'], dep['here'])}"
    for out in facts["outs"]:
        if not out["recorded"]:
            yield f"{out['path']} was never made"
        elif out["here"] == "modified":
            yield f"{out['path']} on disk is not what it made"
        elif out["here"] == GONE and not out["cached"]:
            yield f"{out['path']}, which git keeps, is gone"


def _unlisted(facts: dict[str, Any]) -> list[str]:
    deps = facts["deps"]
    return [one["path"] for one in deps if (one["record"], one["disk"]) == ("unknown", "absent")]
