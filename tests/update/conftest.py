"""Two releases of the template, and studies made from the first."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from copier import run_copy

from tests.conftest import clone_template, git, load_answers
from tests.once import made_once
from tests.project.conftest import run

OLD, NEW = "v0.1.0", "v0.2.0"
COPIER = Path(sys.executable).parent / "copier"

# Who owns which file, by the first part of its path: see the README of a study.
SHARED = {"pyproject.toml", ".gitignore", ".dvcignore"}
TEMPLATES = {
    ".copier-answers.yml", ".cz.toml", ".editorconfig", ".env.example", ".gitattributes", ".github",
    ".gitlab-ci.yml", ".pre-commit-config.yaml", "Makefile", "src/data_versioning",
}  # fmt: skip

Update = Callable[..., subprocess.CompletedProcess[str]]


def belongs(path: str, owned: set[str]) -> bool:
    """Tell whether a path is one of the owned ones or lies in one."""
    return any(path == one or path.startswith(f"{one}/") for one in owned)


def files(root: Path) -> dict[str, bytes]:
    """Return every file of a study that git would keep, by path."""
    listed = git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    return {name: (root / name).read_bytes() for name in set(listed) if (root / name).is_file()}


def commit(root: Path, message: str = "chore: save") -> None:
    """Commit everything, past the git hooks."""
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--no-verify", "--message", message)


def replace(path: Path, old: str, new: str) -> None:
    """Replace the only occurrence of a text in a file."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path}: {old!r} occurs {text.count(old)} times"
    path.write_text(text.replace(old, new), encoding="utf-8")


def append(path: Path, text: str) -> None:
    """Add text at the end of a file, which is made when it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def copier(root: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run Copier in a study, with nobody there to answer a question."""
    done = subprocess.run(
        [str(COPIER), *arguments],
        cwd=root,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert not check or done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
    return done


def change_template(template: Path) -> None:
    """Change the template as a release does: files of the template, of both, of the researcher."""
    tree = template / "template"
    replace(tree / "Makefile", "##@ template\n", "##@ template\nnews: ## say it\n\t@echo news\n\n")
    append(tree / "src/data_versioning/health/status.py", "\n\nNEWS = True\n")
    append(tree / "src/data_versioning/news.py", '"""New in this release."""\n')
    append(tree / ".editorconfig", "root = true\n")
    append(tree / ".gitattributes", "*.svg -text\n")

    replace(tree / ".gitignore", "/mlruns/\n", "/mlruns/\n/news/\n")
    append(tree / ".dvcignore", "news/\n")
    replace(tree / "pyproject.toml.jinja", '"ruff>=0.12"', '"ruff>=0.12.1"')

    append(tree / "README.md.jinja", "\nNews.\n")
    append(tree / "params.yaml", "\nnews: 1\n")
    append(tree / "dvc.yaml.jinja", "# news\n")
    append(tree / "src/{{ package }}/train.py", "\nNEWS = 1\n")
    append(tree / "tests/test_news.py", "def test_news() -> None: ...\n")
    append(tree / "profiles/local.env.jinja", "# news\n")


@pytest.fixture(scope="session")
def template(isolated_settings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template with two releases, v0.1.0 and v0.2.0. Its hook says in $HOOK_LOG that it ran."""
    clone = clone_template(tmp_path_factory.mktemp("releases"))
    replace(
        clone / "hooks/post_gen.py",
        "def main() -> int:\n",
        "open(os.environ.get('HOOK_LOG', os.devnull), 'a').write('ran ')\n\n\ndef main() -> int:\n",
    )
    commit(clone)
    git(clone, "tag", OLD)
    change_template(clone)
    commit(clone)
    git(clone, "tag", NEW)
    return clone


def copy(template: Path, to: Path, version: str, answers: str = "minimal", **data: str) -> Path:
    """Render one release of the template, without set-up."""
    run_copy(
        str(template), to, data=load_answers(answers) | data, vcs_ref=version,
        defaults=True, quiet=True, skip_tasks=True,
    )  # fmt: skip
    return to


@pytest.fixture
def old_study(template: Path, tmp_path: Path) -> Path:
    """A study of the old release, committed, not set up."""
    root = copy(template, tmp_path / "study", OLD)
    git(root, "init", "--quiet")
    commit(root)
    return root


@pytest.fixture(scope="session")
def set_up_study(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of the old release, set up. Read-only: see `copy_study`."""

    def make(folder: Path) -> None:
        run(copy(template, folder / "study", OLD), "make", "setup")

    return made_once(tmp_path_factory, "set-up", make) / "study"


def update_by_copier(root: Path, **answers: str) -> subprocess.CompletedProcess[str]:
    """Update a study to the newest release, with changed answers."""
    data = [f"--data={name}={answer}" for name, answer in answers.items()]
    return copier(root, "update", "--trust", "--defaults", *data)


def changed(root: Path) -> Sequence[str]:
    """Return the paths that differ from the last commit."""
    return [
        line[3:] for line in git(root, "status", "--porcelain", "-uall").splitlines() if line[3:]
    ]
