"""What has to hold before data management is complete: nine items, each looked at."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from data_versioning.phases.findings import Finding, Verdict, verdict
from data_versioning.phases.phase_tags import TAG, held, other_tags
from data_versioning.phases.plan import Phase, phases
from data_versioning.study import MARKER, Study, parse_yaml
from data_versioning.tools import dvc_files, dvc_state, git, git_state
from data_versioning.wording import counted, listed

GATE = "data-management"
SETUP = "make setup"
HOOKS = ("pre-commit", "commit-msg", "pre-push")
DRIVERS = ("dvc-lock", "dvc")
README = "README.md"
WORKFLOW = ("make phase-start", "make phase-complete", "feature/", "make push")
DOCUMENTS = (README, "data/README.md")
PLACEHOLDER = re.compile(r"\b(?:TODO|TBD|FIXME)\b")


def check(study: Study, phase: Phase, tests: Finding) -> list[Finding]:
    """Return what each of the nine items finds.

    Args:
        study: The study.
        phase: The phase that is to be completed.
        tests: What the gate of the tests found.
    """
    from data_versioning.health.diagnosis import doctor

    found = doctor(study.root, offline=True)  # its items about remotes are asked by our own
    large = [one.where for one in found if one.id == "DV406"]
    errors = [one for one in found if one.severity == "error"]
    items: dict[str, Callable[[], Verdict]] = {
        "storage": lambda: _storage(study),
        "experiment tracking": lambda: _tracking(study),
        "git workflow": lambda: _workflow(study),
        "artifact metadata": lambda: _metadata(study.root),
        "automatic tracking": lambda: _large_files(study, large),
        "components tested": lambda: _tested(errors, tests),
        "documentation": lambda: _documentation(study, phase),
        "phases": lambda: _phases(study),
        "no placeholders": lambda: _placeholders(study.root),
    }
    return [verdict(f"{GATE}: {name}", ask) for name, ask in items.items()]


def _storage(study: Study) -> Verdict:
    """DVC is set up, and a remote answers and has what the work tree refers to."""
    from data_versioning.health.push_status import push_status

    if not git.is_tracked(study.root, dvc_state.CONFIG):
        return False, f"{dvc_state.CONFIG} is not there or not committed", SETUP
    found = push_status(study, revisions=False)
    where = " and ".join(found.remotes)
    if not found:
        paths = sorted({one.path for one in found.unpushed})
        return False, f"{where} answers, and lacks {listed(paths)}", "make push"
    return True, f"DVC is set up; {where} answers and holds {found.versions} files and folders", ""


def _tracking(study: Study) -> Verdict:
    """MLflow holds a finished run with metrics."""
    from data_versioning.experiments.run_search import search
    from data_versioning.experiments.store import database, shown, tracking_uri

    file = database(study)
    if file is not None and not file.exists():  # asking MLflow would make it
        return False, f"there is no {file.name}", "make repro"
    runs = search(study, "attributes.status = 'FINISHED'", limit=100)
    where = shown(tracking_uri(study)) if file is None else file.name
    if run := next((one for one in runs if one["metrics"]), None):
        metrics = counted(len(run["metrics"]), "metric")
        return True, f"{where}: run {run['run_id'][:8]} with {metrics}", ""
    return False, f"{where}: no finished run has metrics", "make repro"


def _workflow(study: Study) -> Verdict:
    """Hooks and merge drivers are installed, and the README says how to work with them."""
    root = study.root
    missing = [name for name in HOOKS if not _is_hook(git_state.folder(root, f"hooks/{name}"))]
    if missing:
        return False, f"hooks are not installed: {', '.join(missing)}", SETUP
    keys = [f"merge.{name}.driver" for name in DRIVERS]
    if missing := [key for key in keys if not git.is_configured(root, key)]:
        return False, f"git has no {', '.join(missing)}", SETUP
    readme = (root / README).read_text(encoding="utf-8") if (root / README).is_file() else ""
    if missing := [words for words in WORKFLOW if words not in readme]:
        return False, f"{README} does not mention: {', '.join(missing)}", f"$EDITOR {README}"
    return True, f"{len(HOOKS)} hooks, {len(DRIVERS)} merge drivers, and {README} on both", ""


def _is_hook(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _metadata(root: Path) -> Verdict:
    """CITATION.cff and LICENSE hold what an archive asks for; the deposit itself is not made here.

    See https://github.com/citation-file-format/citation-file-format for the format.
    """
    name = "CITATION.cff"
    mend = f"$EDITOR {name}"
    if not (root / name).is_file():
        return False, f"there is no {name}", mend
    content = parse_yaml((root / name).read_bytes(), name)
    title, authors = content.get("title"), content.get("authors")
    if not title or not content.get("license"):
        return False, f"{name} has no {'license' if title else 'title'}", mend
    if not isinstance(authors, list) or not authors:
        return False, f"{name} names no author", mend
    if wrong := [
        str(number) for number, one in enumerate(authors, 1) if not _is_author(one, title)
    ]:
        return False, f"{name}: author {', '.join(wrong)} has no family-names", mend
    if not (root / "LICENSE").is_file() or not (root / "LICENSE").read_bytes().strip():
        return False, "there is no LICENSE", "$EDITOR LICENSE"
    return (
        True,
        f"{counted(len(authors), 'author')}, {content['license']}, title {str(title)!r}",
        "",
    )


def _is_author(author: Any, title: Any) -> bool:
    if not isinstance(author, dict):
        return False
    stands_in = f"The authors of {title}"  # what the template writes where it knows nobody
    return bool(author.get("family-names") or author.get("name") not in (None, "", stands_in))


def _large_files(study: Study, committed: list[str]) -> Verdict:
    """No large file is outside of DVC, and the hook that refuses them is installed."""
    root, limit = study.root, study.large_file_bytes
    if committed:
        return False, f"git keeps large files: {listed(committed)}", "make doctor"
    made = dvc_files.made_by_stages(root)
    others = [path for path in git.uncommitted_files(root, ".") if path not in made]
    sizes = {path: (root / path).lstat().st_size for path in others if (root / path).is_file()}
    if large := [path for path, size in sizes.items() if size >= limit]:
        return False, f"not tracked: {listed(large)}", "make track"
    config = root / ".pre-commit-config.yaml"
    hook = "refuse-large-files"
    if not config.is_file() or hook not in config.read_text(encoding="utf-8"):
        return False, f"{config.name} has no {hook}", "make template-update"
    if not _is_hook(git_state.folder(root, "hooks/pre-commit")):
        return False, "the hook pre-commit is not installed", SETUP
    size = f"{limit / 1024**2:.3g} MB"
    return True, f"no file of {size} or more outside of DVC; a hook refuses them", ""


def _tested(errors: list[Any], tests: Finding) -> Verdict:
    """The doctor finds no error, and the tests pass."""
    if errors:
        said = [f"{one.id} {one.title}" for one in errors]
        return False, f"the doctor finds {listed(said)}", errors[0].mend or "make doctor"
    return tests.ok, f"the doctor finds no error; tests: {tests.evidence}", tests.mend


def _documentation(study: Study, phase: Phase) -> Verdict:
    """The READMEs and the documents of this phase and those before it are complete."""
    from data_versioning.phases.documents import incomplete

    root = study.root
    done = {tag.phase for tag in held(root)} | {phase.name}
    owed = [path for one in phases(study) if one.name in done for path in one.documents]
    owing = counted(len(set(owed)), "owed document")
    for path in dict.fromkeys([*DOCUMENTS, *owed]):
        if missing := incomplete(root, path):
            return False, listed(missing), f"$EDITOR {shlex.quote(path)}"
    return True, f"{len(DOCUMENTS)} READMEs and {owing} are complete", ""


def _phases(study: Study) -> Verdict:
    """The list of phases is valid, and every tag of one verifies."""
    from data_versioning.phases.verification import verify

    root, count = study.root, len(phases(study))
    suffixes = {one.suffix for one in phases(study)}
    for name, why in other_tags(root).items():
        if (match := TAG.fullmatch(name)) and match[2] in suffixes:
            return False, f"{name}: {why}", f"git tag --delete {name}, if it was not shared"
    complete = held(root)
    for tag in complete:
        if wrong := [one for one in verify(study, tag.name) if one.ok is False]:
            mend = f"make phase-verify TAG={tag.name}"
            return False, f"{tag.name}: {wrong[0].gate}: {wrong[0].evidence}", mend
    return True, f"{count} phases in {MARKER}; {counted(len(complete), 'tag')}, all verified", ""


def _placeholders(root: Path) -> Verdict:
    """No TODO, TBD or FIXME in what readers and archives get."""
    found = []
    for path in git_state.files(root, [README, "docs", "CITATION.cff", MARKER]):
        try:
            lines = (root / path).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            continue  # a figure
        found += [f"{path}:{number} {match[0]}" for number, line in enumerate(lines, 1)
                  if (match := PLACEHOLDER.search(line))]  # fmt: skip
    if found:
        path = shlex.quote(found[0].partition(":")[0])
        return False, f"{counted(len(found), 'placeholder')}: {listed(found)}", f"$EDITOR {path}"
    return True, f"none in {README}, docs/, CITATION.cff and {MARKER}", ""
