"""Fixtures of every tier: settings of their own, a clone of the template, a way to render it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from copier import run_copy

from tests.once import made_once

ROOT = Path(__file__).parent.parent
TIERS = ("project", "update", "unit", "render")  # the slowest first

Answers = Mapping[str, Any]
Render = Callable[..., Path]


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder and return what it prints."""
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put slow tests first: with them last, a worker would wait for the other one's.

    pytest-xdist gives each of two workers one half of the list to begin with. So that each has its
    share of whole studies, the files are dealt into two halves.
    """
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    tier = {name: place for place, name in enumerate(TIERS)}
    halves: tuple[list[pytest.Item], list[pytest.Item]] = ([], [])
    for path in sorted(files, key=lambda path: tier.get(path.parent.name, 0)):
        min(halves, key=len).extend(files[path])
    items[:] = [*halves[0], *halves[1]]


@pytest.fixture(autouse=True)
def same_environment(isolated_settings: Path) -> Iterator[None]:
    """What a test does to the environment, the tools of studies included, ends with it."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session", autouse=True)
def isolated_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give the tests a home of their own: no settings of the developer's git or Copier leak in."""
    home = tmp_path_factory.mktemp("home")
    caches = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    (home / "copier.yml").write_text("{}\n")  # Copier refuses an empty one
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Test\n\temail = test@example.org\n[init]\n\tdefaultBranch = main\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UV_CACHE_DIR", os.environ.get("UV_CACHE_DIR", str(caches / "uv")))
        patch.setenv("HOME", str(home))
        patch.setenv("COPIER_SETTINGS_PATH", str(home / "copier.yml"))
        patch.setenv("COPIER_CACHE_DIR", str(home / "copier-cache"))
        patch.setenv("GIT_CONFIG_GLOBAL", str(home / ".gitconfig"))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        # Before its settings are written, a study's DVC would report what it does to its makers;
        # and a server of MLflow begins with a dozen processes for jobs that nobody gives it here.
        patch.setenv("DVC_NO_ANALYTICS", "1")
        patch.setenv("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
        for name in ("XDG_CONFIG_HOME", "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
            patch.delenv(name, raising=False)
        # Without bytecode every start of DVC or MLflow takes twice as long; and a study's make is
        # not to know that `make test` called it.
        for name in (
            "PYTHONDONTWRITEBYTECODE",
            "MAKEFLAGS",
            "MFLAGS",
            "MAKELEVEL",
            "MAKEOVERRIDES",
        ):
            patch.delenv(name, raising=False)
        yield home


def clone_template(to: Path) -> Path:
    """Copy the working tree, uncommitted changes included, into a git repository with one commit.

    Only files that git would commit are copied: what .gitignore hides is missing here too.
    """
    listed = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        source, target = ROOT / name, to / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    git(to, "init", "--quiet", "--initial-branch", "main")
    git(to, "add", "--all", "--force")
    git(to, "commit", "--quiet", "--message", "template under test")
    return to


@pytest.fixture(scope="session")
def template_clone(isolated_settings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of the template without tags, the same for all workers.

    Read-only: call `clone_template` for one to change.
    """
    return made_once(tmp_path_factory, "template", clone_template)


def load_answers(name: str) -> dict[str, Any]:
    """Return an answer set of example-answers/."""
    return dict(yaml.safe_load((ROOT / "example-answers" / f"{name}.yml").read_text("utf-8")))


@pytest.fixture(scope="session")
def example_answers() -> Callable[[str], dict[str, Any]]:
    """`example_answers("full")` returns that answer set of example-answers/."""
    return load_answers


@pytest.fixture(scope="session")
def render(template_clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Render:
    """`render(answers, dst=None, **options)` renders the template and returns the project's folder.

    Answers are a mapping or the name of an answer set; unknown ones are refused. Tasks are skipped
    and the rest gets its default, unless options of `copier.run_copy` say otherwise.
    """
    questions = yaml.safe_load((template_clone / "copier.yml").read_text("utf-8"))

    def render(answers: Answers | str = "minimal", dst: Path | None = None, **options: Any) -> Path:
        data = load_answers(answers) if isinstance(answers, str) else dict(answers)
        assert not (unknown := data.keys() - questions.keys()), f"not asked: {unknown}"
        dst = dst or tmp_path_factory.mktemp("rendered") / "study"
        usual = {"defaults": True, "quiet": True, "skip_tasks": True, "vcs_ref": "HEAD"}
        run_copy(str(template_clone), dst, data=data, **{**usual, **options})
        return dst

    return render
