"""What git runs by itself: hooks and merge drivers. They are in `.git`, which no clone brings."""

from __future__ import annotations

import os
from pathlib import Path

from data_versioning.command import capture
from data_versioning.study import Study
from data_versioning.tools import git, git_merge, git_state

_CHECK = 'env PYTHONPATH=src .venv/bin/python -m data_versioning pre-push "$@"'
_MARK = "# make setup writes this hook"
PRE_PUSH = f"""\
#!/bin/sh
{_MARK}
if ! [ -x .venv/bin/python ]; then
  echo "error: no environment that could check this push: $PWD/.venv" >&2
  echo "try: make setup" >&2
  exit 1
fi
exec {_CHECK}
"""
# A repository has one configuration for all the studies in it, for work trees without environment
# and for commits older than the verbs. What cannot run for such a reason gets merged as text.
_DRIVER = """\
d=$(dirname ./%P); \
until [ -e "$d/study.yaml" ] || [ "$d" = . ]; do d=$(dirname "$d"); done; \
PYTHONPATH="$d/src" "$d/.venv/bin/python" -m data_versioning {verb} %O %A %B %P || \
if grep -q '^>>>>>>> theirs$' %A; then exit 1; else \
echo "merged as text, for the tooling in $d did not run (try: make setup)" >&2; \
git merge-file --quiet -L ours -L ancestor -L theirs %A %O %B; fi"""
_DRIVERS = {  # by their names in .gitattributes
    "dvc-lock": ("dvc.lock, stage by stage", _DRIVER.format(verb="merge-lock")),
    "dvc": ("files of DVC, data by data", _DRIVER.format(verb="merge-data")),
}


def install(study: Study) -> str:
    """Install the hooks, unless there are others.

    Returns:
        Which hooks there are, and what is yours to do.
    """
    root = study.root
    if git.is_configured(root, "core.hooksPath"):
        return "none: core.hooksPath is set; run `make check` before you commit"
    capture(["pre-commit", "install"], root, "make setup")
    mend = install_pre_push(study)
    return "pre-commit, commit-msg, " + (f"not pre-push: {mend}" if mend else "pre-push")


def install_pre_push(study: Study) -> str:
    """Install the hook that checks what is pushed, unless there is another.

    Returns:
        What is yours to do.
    """
    mend = unchecked_push(study.root)
    if mend != "make setup":
        return mend
    hook = _pre_push(study.root)
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(PRE_PUSH, encoding="utf-8")
    hook.chmod(0o755)
    return ""


def unchecked_push(root: Path) -> str:
    """Return what is to be done so that the hook checks what is pushed; empty when it does."""
    hook = _pre_push(root)
    text = hook.read_text(encoding="utf-8", errors="replace") if hook.is_file() else _MARK
    if _MARK in text:
        return "" if text == PRE_PUSH and os.access(hook, os.X_OK) else "make setup"
    return "" if _CHECK in text else f"add to yours, .git/hooks/pre-push: {_CHECK} || exit 1"


def install_drivers(study: Study) -> str:
    """Register the merge drivers that `.gitattributes` names.

    Returns:
        Their names.
    """
    for name in missing_drivers(study.root):
        git_merge.set_driver(study.root, name, *_DRIVERS[name])
    return ", ".join(_DRIVERS)


def missing_drivers(root: Path) -> list[str]:
    """Return the names of the merge drivers that are not registered, or are others."""
    return [name for name, (_, run) in _DRIVERS.items() if git_merge.driver(root, name) != run]


def _pre_push(root: Path) -> Path:
    return git_state.folder(root, "hooks/pre-push")
