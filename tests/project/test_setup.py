"""The set-up of a study: by Copier's hook or `make setup`, whatever the machine is like."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import git
from tests.once import made_once
from tests.project.conftest import copy_study, run

COPIER = Path(sys.executable).parent / "copier"
ANSWERS = ("--data=title=Sleep", "--data=author=Ada Lovelace", "--data=email=ada@example.org")
NOBODY: Any = {"GIT_CONFIG_GLOBAL": os.devnull}  # a git that does not know who commits
OFFLINE: Any = {
    "UV_OFFLINE": "1",
    "UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple",
    "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
    "PIP_NO_INDEX": "1",
}

Done = subprocess.CompletedProcess[str]


def copier_copy(template: Path, to: Path, *options: str, **environment: Any) -> Done:
    """Type `copier copy` with default answers."""
    arguments = ["--defaults", "--vcs-ref=HEAD", *ANSWERS, *options, str(template), str(to)]
    return run(to.parent, str(COPIER), "copy", *arguments, **environment)


def head(root: Path) -> str:
    """Return the newest commit's author, address and subject."""
    return git(root, "log", "-1", "--format=%an <%ae> %s").strip()


def tracked(root: Path) -> dict[str, bytes]:
    """Return the files of the newest commit."""
    names = git(root, "ls-tree", "-r", "-z", "--name-only", "HEAD").split("\0")
    return {name: (root / name).read_bytes() for name in names if name}


def is_set_up(root: Path) -> bool:
    """Tell whether a study has an environment, DVC, git hooks and a clean first commit."""
    assert git(root, "status", "--porcelain") == ""
    assert run(root, ".venv/bin/dvc", "status").returncode == 0
    refused = run(root, "git", "commit", "--allow-empty", "--message", "stuff", check=False)
    return refused.returncode != 0 and "stuff" in refused.stdout + refused.stderr


@pytest.fixture(scope="session")
def by_hook(template_clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study in an awkward folder, set up by Copier's hook. Read-only."""

    def make(folder: Path) -> None:
        done = copier_copy(template_clone, folder / "My stüdy's folder", "--trust", **NOBODY)
        (folder / "said").write_text(done.stdout + done.stderr)

    return made_once(tmp_path_factory, "by-hook", make) / "My stüdy's folder"


@pytest.fixture(scope="session")
def said(by_hook: Path) -> str:
    """What Copier and its hook said when they made that study."""
    return (by_hook.parent / "said").read_text()


@pytest.fixture(scope="session")
def rendered(template_clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same study, rendered only. Read-only."""
    root = tmp_path_factory.mktemp("rendered-only") / "study"
    copier_copy(template_clone, root, "--skip-tasks")
    return root


@pytest.fixture
def fresh(rendered: Path, tmp_path: Path) -> Path:
    """A rendered study that is not set up, to change at will."""
    return shutil.copytree(rendered, tmp_path / "fresh")


@pytest.fixture
def almost(fresh: Path, by_hook: Path) -> Path:
    """A rendered study with an environment, so that the rest of its set-up takes seconds."""
    shutil.copytree(by_hook / ".venv", fresh / ".venv", symlinks=True, copy_function=os.link)
    shutil.copy(by_hook / "uv.lock", fresh)
    return fresh


def test_hook(by_hook: Path, said: str) -> None:
    """`copier copy --trust` ends with a study that is set up, whatever its folder is called."""
    steps = ["git repository", "environment", "dvc", "mlflow"]
    for step in [*steps, "merge drivers", "git hooks", "first commit"]:
        assert re.search(f"^  ok +{step} ", said, re.MULTILINE), step
    assert is_set_up(by_hook)
    assert git(by_hook, "branch", "--show-current") == "main\n"
    assert {"uv.lock", ".dvc/config", ".copier-answers.yml"} <= tracked(by_hook).keys()
    assert ["cd", str(by_hook)] in [
        shlex.split(line) for line in said.splitlines() if line.startswith("    cd ")
    ]


def test_author_commits(by_hook: Path, said: str) -> None:
    """Where git knows nobody, the author who was answered makes the first commit."""
    version = git(by_hook, "show", "HEAD:.copier-answers.yml").partition("_commit: ")[2].split()[0]
    subject = f"chore: start the study from copier-research {version}"
    assert head(by_hook) == f"Ada Lovelace <ada@example.org> {subject}"
    assert ", as Ada Lovelace" in said


def test_skipped_tasks(by_hook: Path, fresh: Path) -> None:
    """`copier copy --skip-tasks` needs no trust, and `make setup` then ends in the same state."""
    assert not (fresh / ".git").exists() and not (fresh / ".venv").exists()
    run(fresh, "make", "setup", **NOBODY)
    assert is_set_up(fresh)
    assert tracked(fresh) == tracked(by_hook)
    assert head(fresh) == head(by_hook)
    hooks = [one / ".git/hooks/pre-push" for one in (fresh, by_hook)]
    assert len({(hook.read_text(), hook.stat().st_mode) for hook in hooks}) == 1
    for name in ("pre-commit", "commit-msg"):
        ours, theirs = (one / ".git/hooks" / name for one in (fresh, by_hook))
        python = shlex.quote(str(by_hook / ".venv/bin/python"))
        assert python in theirs.read_text()
        assert ours.read_text() == theirs.read_text().replace(
            python, str(fresh / ".venv/bin/python")
        )


def test_second_run(by_hook: Path, tmp_path: Path) -> None:
    """A second `make setup` changes nothing, and needs no network."""
    names = (".dvc/config", "uv.lock", "mlflow.db", ".git/config", ".git/hooks/pre-push")

    def state() -> list[object]:
        return [git(by_hook, "log", "-1"), *((by_hook / name).stat().st_mtime_ns for name in names)]

    before = state()
    run(by_hook, "make", "setup", UV_OFFLINE="1", UV_CACHE_DIR=str(tmp_path / "cache"))
    assert before == state()
    assert git(by_hook, "status", "--porcelain") == ""


def test_offline(template_clone: Path, tmp_path: Path) -> None:
    """Without network the study is kept, and the hook says what finishes it."""
    root = tmp_path / "study"
    offline = OFFLINE | {"UV_CACHE_DIR": str(tmp_path / "cache")}
    done = copier_copy(template_clone, root, "--trust", **offline)
    assert (root / "params.yaml").exists() and (root / ".git").exists()
    assert re.search("NOT OK +environment +`uv sync` failed: .", done.stderr)
    assert "try: make setup (it needs the package index)" in done.stderr
    assert f"cd {root} && make setup" in done.stderr


def test_offline_with_an_old_uv(fresh: Path, tmp_path: Path) -> None:
    """A uv too old for the study is left alone; when no other can be fetched, that is said."""
    old = program(tmp_path / "bin/uv", '[ "$1" = --version ] && echo "uv 0.4.30 (61ed2a236)"')
    done = run(fresh, "make", "setup", check=False, PATH=first(old.parent), **OFFLINE)
    assert done.returncode != 0
    assert re.search("NOT OK +environment +`python -m pip` failed: .*uv==", done.stderr)
    assert "try: make setup (it needs the package index)" in done.stderr


def test_no_uv(fresh: Path) -> None:
    """Without uv, and with a Python that refuses `pip install`, `make setup` fetches a uv."""
    python = python_that_refuses_pip() or Path(sys.base_prefix) / "bin/python3"
    path = os.pathsep.join(
        folder
        for folder in os.environ["PATH"].split(os.pathsep)
        if not (Path(folder) / "uv").exists()
    )
    assert shutil.which("git", path=path) and shutil.which("make", path=path)
    run(fresh, "make", "setup", f"PYTHON={python}", PATH=path)
    assert is_set_up(fresh)
    assert (fresh / ".venv/bin/uv").exists()
    run(fresh, "make", "setup", f"PYTHON={python}", PATH=path, PIP_NO_INDEX="1")  # by that uv


def python_that_refuses_pip() -> Path | None:
    """Return a system Python that this study supports and that is marked as externally managed."""
    python = Path("/usr/bin/python3")
    code = (
        "import sys, sysconfig, pathlib, ensurepip;"
        "assert (3, 11) <= sys.version_info[:2] <= (3, 13);"
        "assert pathlib.Path(sysconfig.get_path('stdlib'), 'EXTERNALLY-MANAGED').exists()"
    )
    if not python.exists():
        return None
    done = subprocess.run([python, "-c", code], capture_output=True, check=False)
    return python if done.returncode == 0 else None


def test_unsupported_python(fresh: Path) -> None:
    """A Python that is too old is refused in one line that says what to do."""
    beside = Path(sys.base_prefix).parent  # where pyenv and its like keep the others
    found = [*beside.glob("3.10*/bin/python3"), *beside.glob("3.14*/bin/python3")]
    python = next(iter(found), shutil.which("python3.10") or shutil.which("python3.14"))
    if python is None:
        pytest.skip("no Python 3.10 or 3.14 on this machine")
    done = run(fresh, "make", "setup", f"PYTHON={python}", check=False)
    assert done.returncode != 0
    assert "Python 3.11, 3.12 or 3.13 is needed: Python 3.1" in done.stderr
    assert "try: make setup PYTHON=python3.12" in done.stderr
    assert "Traceback" not in done.stderr and not (fresh / ".venv").exists()


def test_nobody_commits(almost: Path) -> None:
    """Without a git identity or an answered author, the set-up says so and finishes later."""
    answers = almost / ".copier-answers.yml"
    answers.write_text(re.sub("(?m)^email: .*$", "email: ''", answers.read_text()))
    done = run(almost, "make", "setup", check=False, **NOBODY)
    assert done.returncode != 0
    assert re.search("NOT OK +first commit +git does not know who you are", done.stderr)
    assert "git config --global user.name" in done.stderr
    git(almost, "config", "user.name", "Grace")
    git(almost, "config", "user.email", "grace@example.org")
    run(almost, "make", "setup", **NOBODY)
    assert head(almost).startswith("Grace <grace@example.org> chore: start the study")


def test_larger_repository(template_clone: Path, tmp_path: Path, almost: Path) -> None:
    """Inside a larger repository, the study is set up and that repository is left alone."""
    (tmp_path / "README.md").write_text("mine\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "README.md")
    git(tmp_path, "commit", "--quiet", "--message", "mine")
    before = head(tmp_path), sorted(os.listdir(tmp_path / ".git/hooks"))

    done = run(almost, "make", "setup")

    assert before == (head(tmp_path), sorted(os.listdir(tmp_path / ".git/hooks")))
    assert git(tmp_path, "diff", "--cached", "--name-only") == ""
    assert not (almost / ".git").exists()
    assert f"part of {tmp_path}" in done.stdout
    assert {"merge.dvc.driver", "merge.dvc-lock.driver"} <= set(
        git(tmp_path, "config", "--local", "--list", "--name-only").splitlines()
    )
    assert re.search(f"skipped git hooks .*{re.escape(str(tmp_path))}", done.stdout)
    assert re.search("skipped first commit +yours to make.*: git add", done.stdout)
    assert "data/raw/diabetes.csv" in run(almost, ".venv/bin/dvc", "status").stdout
    assert "storage" in run(almost, ".venv/bin/dvc", "remote", "list").stdout
    assert re.search("ok +dvc +exists", run(almost, "make", "setup").stdout)


def test_folder_with_files(template_clone: Path, almost: Path) -> None:
    """What lies in the folder is kept, and what the study needs is put beside it."""
    mine = {"README.md": "mine\n", "params.yaml": "mine: 1\n", "notes.txt": "mine\n"}
    target = almost.parent / "target"
    target.mkdir()
    for name, text in mine.items():
        (target / name).write_text(text)
    copier_copy(template_clone, target, "--skip-tasks")
    (almost / ".venv").rename(target / ".venv")
    run(target, "make", "setup")
    assert is_set_up(target)
    assert {name: (target / name).read_text() for name in mine} == mine
    assert mine.keys() <= tracked(target).keys()


def test_folder_with_a_history(template_clone: Path, almost: Path) -> None:
    """In a repository that has commits, the set-up commits nothing and keeps its git hooks."""
    target = almost.parent / "target"
    target.mkdir()
    (target / "README.md").write_text("mine\n")
    git(target, "init", "--quiet")
    git(target, "add", "--all")
    git(target, "commit", "--quiet", "--message", "mine")
    ran = target / ".git/ran"
    program(target / ".git/hooks/pre-commit", f"touch {shlex.quote(str(ran))}")
    pushing = program(target / ".git/hooks/pre-push", "echo mine; exit 1")
    copier_copy(template_clone, target, "--skip-tasks")
    (almost / ".venv").rename(target / ".venv")

    done = run(target, "make", "setup")

    assert head(target).endswith("> mine")
    assert re.search("skipped first commit +yours to make.*: git add --all . && git", done.stdout)
    git(target, "add", "--all")
    run(target, "git", "commit", "--message", "feat: wire the study")
    assert ran.exists()
    assert is_set_up(target)
    said = re.search("not pre-push: add to yours, .git/hooks/pre-push: (.*)\n", done.stdout)
    assert said and pushing.read_text() == "#!/bin/sh\necho mine; exit 1\n"
    program(pushing, f"{said[1]}\necho mine")
    git(target, "remote", "add", "origin", str(target.parent / "nowhere"))
    assert (
        "git hooks       pre-commit, commit-msg, pre-push\n" in run(target, "make", "setup").stdout
    )
    git(target, "init", "--quiet", "--bare", str(target.parent / "nowhere"))
    refused = run(target, "git", "push", "origin", "main:whatever", check=False)
    assert refused.returncode != 0 and "mine" not in refused.stdout + refused.stderr
    assert "error: " in refused.stderr and "whatever" in refused.stderr


def test_killed_amidst_an_installation(fresh: Path) -> None:
    """An environment that was left half installed is mended by `make setup`."""
    slowly = {"UV_LINK_MODE": "copy", "UV_CONCURRENT_INSTALLS": "1"}
    numpy = "lib/python3*/site-packages/numpy"
    child = subprocess.Popen(
        ["make", "setup", f"PYTHON={sys.executable}"],
        cwd=fresh,
        env=os.environ | slowly | {"PATH": first(COPIER.parent)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while child.poll() is None and not list((fresh / ".venv").glob(numpy)):
        time.sleep(0.002)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    broken = run(fresh, ".venv/bin/python", "-c", "import numpy.random", check=False)
    assert broken.returncode != 0

    run(fresh, "make", "setup")

    run(fresh, ".venv/bin/python", "-c", "import numpy.random")
    assert is_set_up(fresh)


def test_failing_step(almost: Path) -> None:
    """A step that fails is named; the study is kept and not committed until the step is done."""
    dvc = almost / ".venv/bin/dvc"
    works = dvc.rename(almost / ".venv/dvc")
    program(dvc, "echo 'ERROR: out of order' >&2; exit 1")
    failed = run(almost, "make", "setup", check=False)
    assert failed.returncode != 0
    assert re.search("NOT OK +dvc .*out of order\n +try: make setup", failed.stderr)
    assert re.search("skipped first commit +until the steps above are done", failed.stdout)
    works.rename(dvc)
    run(almost, "make", "setup")
    assert is_set_up(almost)


def test_killed_while_dvc_was_set_up(almost: Path, by_hook: Path) -> None:
    """A set-up that ended right after `dvc init` is taken up where it ended."""
    run(almost, "git", "init", "--quiet")
    run(almost, ".venv/bin/dvc", "init", "--quiet")
    run(almost, "make", "setup")
    assert tracked(almost)[".dvc/config"] == tracked(by_hook)[".dvc/config"]


def test_lost_interpreter(almost: Path) -> None:
    """When the interpreter behind the environment is gone, `make setup` takes the one at hand."""
    for link in (almost / ".venv/bin").glob("python*"):
        link.unlink()
    (almost / ".venv/bin/python").symlink_to("/nonexistent/python3")
    run(almost, "make", "setup", f"PYTHON={sys.executable}")
    assert is_set_up(almost)


def test_hooks_elsewhere(almost: Path, tmp_path: Path) -> None:
    """Where git looks for hooks elsewhere, the set-up says so and goes on."""
    config = tmp_path / "gitconfig"
    config.write_text("[core]\nhooksPath = /nonexistent\n[user]\nname = A\nemail = a@example.org\n")
    done = run(almost, "make", "setup", GIT_CONFIG_GLOBAL=str(config))
    assert re.search("git hooks +none: core.hooksPath is set", done.stdout)
    assert head(almost).startswith("A <a@example.org>")


def test_moved(reproduced_study: Path, tmp_path: Path) -> None:
    """A study whose folder was moved keeps its runs, their artifacts and its git hooks."""
    root = copy_study(reproduced_study, tmp_path / "before").rename(tmp_path / "after, elsewhere")
    run(root, "make", "setup")
    assert is_set_up(root)
    runs = run(root, "make", "experiments").stdout.splitlines()
    assert len(runs) == 2 and "FINISHED" in runs[1]
    code = (
        "import mlflow; from data_versioning.experiments.store import setup_mlflow;"
        "[run] = mlflow.search_runs([setup_mlflow()], output_format='list');"
        "print(mlflow.artifacts.download_artifacts(run_id=run.info.run_id))"
    )
    artifacts = Path(run(root, ".venv/bin/python", "-c", code).stdout.splitlines()[-1])
    assert root in artifacts.parents and list(artifacts.rglob("*.png"))
    assert "nothing changed" in run(root, "make", "repro").stdout


def program(path: Path, script: str) -> Path:
    """Write a shell script that can be run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def first(folder: Path) -> str:
    """Return a PATH that begins with a folder."""
    return f"{folder}{os.pathsep}{os.environ['PATH']}"
