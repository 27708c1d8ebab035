"""Which parts of a reproducible study a folder holds, read from its files."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from configparser import ConfigParser
from contextlib import closing
from pathlib import Path
from typing import Any

import yaml

from benchmarks.workplace import CommandError, Workplace

Inventory = dict[str, str]  # what was found for each part; empty for nothing
LOCKS = (
    "uv.lock",
    "poetry.lock",
    "pixi.lock",
    "Pipfile.lock",
    "conda-lock.yml",
    ".calkit/env-locks/**/*",
)


def take(place: Workplace, folder: Path) -> Inventory:
    """Look for every part."""
    pipeline, outputs = _stages(folder, "dvc.yaml"), _outputs(folder)
    ran = bool(pipeline) and pipeline <= _stages(folder, "dvc.lock")
    return {
        "git repository": "yes" if (folder / ".git").exists() else "",
        "commits": _git(place, folder, "rev-list", "--count", "HEAD"),
        "nothing left to commit": _clean(place, folder),
        "DVC initialised": _first(folder, ".dvc/config"),
        "DVC remote": _remote(folder / ".dvc/config"),
        "pipeline": _count(len(pipeline), "stage"),
        "every stage has run": "yes" if ran and outputs else "",
        "results": _count(len(outputs), "output"),
        "MLflow runs": _runs(folder / "mlflow.db"),
        "CI": _first(folder, ".github/workflows/*.y*ml", ".gitlab-ci.yml"),
        "git hooks": ", ".join(_hooks(folder)),
        "environment lock": _first(folder, *LOCKS),
        "tests": _first(folder, "tests/**/test_*.py"),
        "licence": _first(folder, "LICENSE*"),
        "citation": _first(folder, "CITATION.cff"),
        "answers kept for updates": _first(folder, ".copier-answers.yml", ".cruft.json"),
    }


def _first(folder: Path, *patterns: str) -> str:
    """Return the first file that is not empty; DVC's own config may be."""
    for pattern in patterns:
        for path in sorted(folder.glob(pattern)):
            if path.is_file() and (path.stat().st_size or path.parent.name == ".dvc"):
                return f"`{path.relative_to(folder)}`"
    return ""


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'s' if number > 1 else ''}" if number else ""


def _git(place: Workplace, folder: Path, *arguments: str) -> str:
    try:
        return place.run(folder, "git", *arguments).strip()
    except CommandError:
        return ""


def _clean(place: Workplace, folder: Path) -> str:
    if not (folder / ".git").exists():
        return ""
    return "" if _git(place, folder, "status", "--porcelain") else "yes"


def _remote(config: Path) -> str:
    parser = ConfigParser()
    parser.read(config)
    names = [name.strip("'") for name in parser.sections() if "remote" in name]
    return ", ".join(name.removeprefix("remote ").strip('"') for name in names)


def _yaml(path: Path) -> dict[str, Any]:
    content = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else None
    return content if isinstance(content, dict) else {}


def _stages(folder: Path, name: str) -> set[str]:
    return set(_yaml(folder / name).get("stages") or {})


def _outputs(folder: Path) -> list[str]:
    """Return what the stages wrote, as far as it exists."""
    stages: Iterable[dict[str, Any]] = (_yaml(folder / "dvc.lock").get("stages") or {}).values()
    paths = [str(out["path"]) for stage in stages for out in stage.get("outs", [])]
    return [path for path in paths if (folder / path).exists()]


def _runs(database: Path) -> str:
    if not database.is_file():
        return ""
    with closing(sqlite3.connect(database)) as connection:
        (count,) = connection.execute(
            "SELECT count(*) FROM runs WHERE status = 'FINISHED'"
        ).fetchone()
    return _count(count, "run")


def _hooks(folder: Path) -> list[str]:
    hooks = sorted((folder / ".git/hooks").glob("*"))
    return [path.name for path in hooks if path.is_file() and path.suffix != ".sample"]
