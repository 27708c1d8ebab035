"""The second half of the set-up, in the study's environment: DVC, MLflow, hooks, first commit."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from data_versioning.errors import StudyError
from data_versioning.experiments.store import is_local, setup_mlflow, shown, tracking_uri
from data_versioning.setup import git_hooks
from data_versioning.setup.report import Report
from data_versioning.study import MARKER, Study
from data_versioning.tools import dvc, git

YOURS_TO_MAKE = "yours to make, in a repository with a history: git add --all . && git commit"


def wire(study: Study) -> int:
    """Run every step that is not done yet, and report each.

    Returns:
        0, or 1 if a step could not run.
    """
    report = Report()
    steps: list[tuple[str, Callable[[Study], str]]] = [
        ("dvc", _dvc),
        ("mlflow", _mlflow),
    ]
    top = git.toplevel(study.root)
    own_repository = top is not None and top.resolve() == study.root.resolve()
    if top is not None:
        steps += [("merge drivers", git_hooks.install_drivers)]
    if own_repository:
        steps += [("git hooks", git_hooks.install), ("first commit", first_commit)]
    for name, step in steps:
        if report.failed and step is first_commit:
            report.skipped(name, "until the steps above are done")
            continue
        if step is first_commit and git.head(study.root) and not _committed(study.root, MARKER):
            report.skipped(name, YOURS_TO_MAKE)
            continue
        try:
            report.done(name, step(study))
        except StudyError as error:
            report.not_done(name, error)
    if not own_repository:
        report.skipped("git hooks", f"they belong to the repository around this study: {top}")
        report.skipped("first commit", YOURS_TO_MAKE)
    return int(report.failed)


def _dvc(study: Study) -> str:
    root = study.root
    config = root / ".dvc/config"
    complete = config.exists() and "autostage" in config.read_text(encoding="utf-8")
    if complete or _committed(root, ".dvc/config"):
        return "exists"
    if not config.exists():
        inside = git.toplevel(root)
        nested = inside is not None and inside.resolve() != root.resolve()
        # By force: a set-up that failed half way may have left a .dvc without configuration.
        dvc.call(root, "init", "--quiet", "--force", *(["--subdir"] if nested else []))
        # What is committed, and when, is not for `dvc init` to decide.
        git.forget_staged(root, [".dvc", ".dvcignore"])
    dvc.call(root, "config", "core.analytics", "false")
    remotes = _remotes(study)
    for arguments in remotes:
        dvc.call(root, "remote", *arguments)
    dvc.call(root, "config", "core.autostage", "true")  # last: it says that all of this is done
    names = [arguments[-2] for arguments in remotes if arguments[0] == "add"]
    if not names:
        return "no remote yet: dvc remote add --default storage <url>"
    return f"remotes: {', '.join(names)}"


def _remotes(study: Study) -> list[list[str]]:
    """Return the `dvc remote` calls that the answers ask for; repeating them changes nothing."""
    answers = study.answers
    calls: list[list[str]] = []
    if url := answers.get("data_remote_url"):
        calls.append(["add", "--force", "--default", "storage", str(url)])
        if endpoint := answers.get("s3_endpoint_url"):
            calls.append(["modify", "storage", "endpointurl", str(endpoint)])
    if url := answers.get("backup_remote_url"):
        calls.append(["add", "--force", "backup", str(url)])
    return calls


def _mlflow(study: Study) -> str:
    if not is_local(study):
        return f"runs go to {shown(tracking_uri(study))}"
    setup_mlflow(study)
    return "runs go to mlflow.db"


def first_commit(study: Study) -> str:
    """Commit everything, unless something is committed already; returns what there is.

    An unpacked package is nobody's new work: whoever unpacks it need not be known to git, and the
    hooks would take its checksums for secrets.

    Args:
        study: The study.

    Raises:
        StudyError: Git does not know who commits, or a hook refuses.
    """
    root = study.root
    if git.head(root):
        return "exists"
    known = git.has_identity(root)
    if package := _package(root):
        nobody = ["-c", "user.name=data-versioning", "-c", "user.email=package@localhost"]
        config = ["-c", f"core.hooksPath={os.devnull}", *([] if known else nobody)]
        message = f"chore: unpack {package}"
    else:
        config = [] if known else _identity_from_answers(study)
        version = str(study.answers.get("_commit") or "unversioned")
        message = f"chore: start the study from copier-research {version}"
    git.stage_all(root)
    git.commit(root, message, config)
    made = git.head(root) or ""
    who = [one.partition("=")[2] for one in config if one.startswith("user.name=")]
    return f"{made[:8]}" + (f", as {who[0]}" if who else "")


def _package(root: Path) -> str:
    """Return the name of the package that a folder was unpacked from; empty if it was not."""
    from data_versioning.archive.manifest import FORMAT, MANIFEST

    try:
        said = json.loads((root / MANIFEST).read_bytes())
        return Path(said["volumes"][0]).stem if said["format"] == FORMAT else ""
    except (OSError, ValueError, LookupError, TypeError):
        return ""


def _identity_from_answers(study: Study) -> list[str]:
    author, email = study.answers.get("author"), study.answers.get("email")
    if not (author and email):
        raise StudyError(
            "git does not know who you are",
            "",
            "git config --global user.name 'You' && git config --global user.email you@example.org"
            " && make setup",
        )
    return ["-c", f"user.name={author}", "-c", f"user.email={email}"]


def _committed(root: Path, path: str) -> bool:
    return git.head(root) is not None and git.is_tracked(root, path)
