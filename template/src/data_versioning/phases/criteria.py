"""What has to hold before data management is complete: nine items, each looked at."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from data_versioning.phases.findings import Finding, Verdict, verdict
from data_versioning.phases.phase_tags import TAG, held, in_history, other_tags, phase_tags
from data_versioning.phases.plan import Phase, phases
from data_versioning.setup import git_hooks
from data_versioning.study import MARKER, Study, parse_yaml
from data_versioning.tools import dvc_files, dvc_state, git, git_state
from data_versioning.wording import counted, listed

GATE = "data-management"
SETUP = "make setup"
HOOKS = ("DV111", "DV112")  # as the doctor calls one that is missing, another, or runs elsewhere
README = "README.md"
WORKFLOW = ("make phase-start", "make phase-complete", "feature/", "make push")
DOCUMENTS = (README, "data/README.md")


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
    hooks = {one.where: one for one in found if one.id in HOOKS}
    errors = [one for one in found if one.severity == "error"]
    items: dict[str, Callable[[], Verdict]] = {
        "storage": lambda: _storage(study),
        "experiment tracking": lambda: _tracking(study),
        "git workflow": lambda: _workflow(study.root, hooks),
        "artifact metadata": lambda: _metadata(study.root),
        "automatic tracking": lambda: _large_files(study, large, hooks),
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

    runs = search(study, "attributes.status = 'FINISHED'", limit=100)
    file = database(study)
    where = shown(tracking_uri(study)) if file is None else file.name
    if run := next((one for one in runs if one["metrics"]), None):
        metrics = counted(len(run["metrics"]), "metric")
        return True, f"{where}: run {run['run_id'][:8]} with {metrics}", ""
    return False, f"{where}: no finished run has metrics", "make repro"


def _workflow(root: Path, hooks: Mapping[str, Any]) -> Verdict:
    """Hooks and merge drivers are installed, and the README says how to work with them."""
    if hooks:
        said = [f"{name}: {one.title}" for name, one in hooks.items()]
        return False, listed(said), next(iter(hooks.values())).mend
    if missing := git_hooks.missing_drivers(root):
        return False, f"merge drivers are missing, or others: {', '.join(missing)}", SETUP
    readme = (root / README).read_text(encoding="utf-8") if (root / README).is_file() else ""
    if missing := [words for words in WORKFLOW if words not in readme]:
        return False, f"{README} does not mention: {', '.join(missing)}", f"$EDITOR {README}"
    others = _other_hooks(root)
    both = "merge drivers" if others else "hooks and merge drivers"
    state = "; ".join(filter(None, (f"{both} are installed", others)))
    return True, f"{state}; {README} says how to work with them", ""


def _other_hooks(root: Path) -> str:
    """Return whose hooks git runs where `make setup` installs none; empty where it does."""
    if git.is_configured(root, "core.hooksPath"):
        return "git runs the hooks of core.hooksPath"
    top = git.toplevel(root)
    if top is None or top.resolve() == root.resolve():
        return ""
    return f"hooks belong to the repository around this study, {top}"


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


def _large_files(study: Study, committed: list[str], hooks: Mapping[str, Any]) -> Verdict:
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
    if missing := hooks.get("pre-commit"):
        return False, f"pre-commit: {missing.title}", missing.mend
    guard = _other_hooks(root) or "a hook refuses them"
    size = f"{limit / 1024**2:.3g} MB"
    return True, f"no file of {size} or more outside of DVC; {guard}", ""


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
    complete = in_history(root, phase_tags(root), "HEAD")
    for tag in complete:
        if wrong := [one for one in verify(study, tag.name) if one.ok is False]:
            mend = f"make phase-verify TAG={tag.name}"
            return False, f"{tag.name}: {wrong[0].gate}: {wrong[0].evidence}", mend
    return True, f"{count} phases in {MARKER}; {counted(len(complete), 'tag')}, all verified", ""


def _placeholders(root: Path) -> Verdict:
    """Nothing is still to be written in what readers and archives get."""
    from data_versioning.phases.documents import is_markdown, placeholders

    found: list[str] = []
    for path in git_state.files(root, [README, "docs", "CITATION.cff", MARKER]):
        try:
            text = (root / path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue  # a figure
        at = sorted(placeholders(text, is_markdown(path)))
        found += [f"{path}:{line} {word}" for line, word in at]
    if found:
        path = shlex.quote(found[0].partition(":")[0])
        return False, f"{counted(len(found), 'placeholder')}: {listed(found)}", f"$EDITOR {path}"
    return True, f"none in {README}, docs/, CITATION.cff and {MARKER}", ""
