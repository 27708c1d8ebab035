"""An update of a study that nobody changed, of its answers, and its repair by `copier recopy`."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from tests.conftest import git
from tests.update.conftest import (
    COPIER,
    NEW,
    OLD,
    SHARED,
    TEMPLATES,
    append,
    belongs,
    changed,
    commit,
    copier,
    copy,
    files,
    update_by_copier,
)


@pytest.mark.parametrize("answers", ["minimal", "full", "awkward"])
def test_update_is_a_fresh_render(template: Path, tmp_path: Path, answers: str) -> None:
    """Where nobody edits, the template's files become those of a fresh render; yours stay."""
    old = copy(template, tmp_path / "old", OLD, answers)
    new = copy(template, tmp_path / "new", NEW, answers)
    git(old, "init", "--quiet")
    commit(old)
    git(new, "init", "--quiet")
    before, fresh = files(old), files(new)

    update_by_copier(old)

    ours = SHARED | TEMPLATES
    updated = files(old)
    assert {name: text for name, text in updated.items() if belongs(name, ours)} == {
        name: text for name, text in fresh.items() if belongs(name, ours)
    }
    assert {name: text for name, text in updated.items() if not belongs(name, ours)} == {
        name: text for name, text in before.items() if not belongs(name, ours)
    }
    changes = git(old, "diff", "-U0", ".copier-answers.yml").splitlines()
    assert changes[-2:] == [f"-_commit: {OLD}", f"+_commit: {NEW}"] and len(changes) == 7


def test_update_brings_the_release(old_study: Path) -> None:
    """An update brings the new release's files and lines, and only to files of the template."""
    update_by_copier(old_study)
    assert sorted(changed(old_study)) == [
        ".copier-answers.yml",
        ".dvcignore",
        ".editorconfig",
        ".gitattributes",
        ".gitignore",
        "Makefile",
        "pyproject.toml",
        "src/data_versioning/health/status.py",
        "src/data_versioning/news.py",
    ]


def test_second_update(old_study: Path) -> None:
    """A second update has nothing to do and changes nothing."""
    update_by_copier(old_study)
    commit(old_study)
    update_by_copier(old_study)
    assert changed(old_study) == []


def test_tasks_run_on_copies_only(
    old_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hook runs when a study is made again, never on an update."""
    log = tmp_path / "hook.log"
    monkeypatch.setenv("HOOK_LOG", str(log))
    monkeypatch.setenv("UV_OFFLINE", "1")  # its set-up ends early
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    update_by_copier(old_study)
    assert not log.exists()
    commit(old_study)
    copier(old_study, "recopy", "--trust", "--defaults", "--overwrite")
    assert log.read_text() == "ran "


def test_changed_answers(old_study: Path) -> None:
    """A changed answer reaches the template's files; for yours, the message names the command."""
    config = old_study / ".dvc/config"
    append(config, "[core]\n    remote = mine\n")
    commit(old_study)
    yours = {name: text for name, text in files(old_study).items() if name.startswith("profiles/")}

    done = update_by_copier(
        old_study,
        ci="gitlab",
        data_remote="gs",
        data_remote_url="gs://bucket/study",
        mlflow_tracking="server",
        mlflow_server_url="https://mlflow.example.org",
        manuscript="typst",
    )

    assert not (old_study / ".github").exists()
    assert (old_study / ".gitlab-ci.yml").exists()
    assert '"dvc[gs]>=' in (old_study / "pyproject.toml").read_text()
    assert config.read_text() == "[core]\n    remote = mine\n"
    assert not (old_study / "manuscript").exists()
    assert yours.items() <= files(old_study).items()
    assert "MLFLOW_TRACKING_URI=https://mlflow.example.org in profiles/local.env" in done.stderr
    assert "remote add --force --default storage gs://bucket/study\n" in done.stderr


def test_the_command_that_the_message_names(old_study: Path) -> None:
    """The command that the message names for the data storage does what it says."""
    append(old_study / ".dvc/config", "[core]\n    remote = mine\n")
    commit(old_study)
    done = update_by_copier(old_study, data_remote="local", data_remote_url="../it's mine")
    line = next(line for line in done.stderr.splitlines() if "--default storage" in line)
    _, _, command = line.partition(".venv/bin/dvc ")
    (old_study / ".venv/bin").mkdir(parents=True)
    (old_study / ".venv/bin/dvc").symlink_to(COPIER.parent / "dvc")
    assert os.system(f"cd {shlex.quote(str(old_study))} && .venv/bin/dvc {command}") == 0
    assert "url = ../../it's mine" in (old_study / ".dvc/config").read_text()


def test_manuscript_switched_off(template: Path, tmp_path: Path) -> None:
    """An option that is switched off never deletes what was written with it."""
    root = copy(template, tmp_path / "study", OLD, manuscript="typst")
    append(root / "manuscript/main.typ", "Mine.\n")
    git(root, "init", "--quiet")
    commit(root)
    written = (root / "manuscript/main.typ").read_bytes()
    update_by_copier(root, manuscript="none")
    assert (root / "manuscript/main.typ").read_bytes() == written


@pytest.mark.parametrize("answer", ["slug=another-name", "package=another_name"])
def test_the_name_is_fixed(old_study: Path, answer: str) -> None:
    """The short name of a study cannot change: its code would be left behind."""
    done = copier(old_study, "update", "--trust", "--defaults", f"--data={answer}", check=False)
    assert done.returncode != 0
    assert "short name" in done.stderr
    assert changed(old_study) == []


def test_recopy_keeps_yours_and_mends_ours(old_study: Path) -> None:
    """`copier recopy` leaves the researcher's files alone and restores the template's."""
    for name, text in files(old_study).items():
        if not belongs(name, SHARED | TEMPLATES):
            (old_study / name).write_bytes(text + b"# mine\n")
    (old_study / "Makefile").unlink()
    append(old_study / "src/data_versioning/tools/git.py", "broken(\n")
    append(old_study / "own.py", "mine = 1\n")
    commit(old_study)
    before = files(old_study)

    copier(old_study, "recopy", "--trust", "--defaults", "--overwrite", "--skip-tasks", f"-r{NEW}")

    after = files(old_study)
    ours = {name for name in after if belongs(name, SHARED | TEMPLATES)}
    assert {name: after[name] for name in before if name not in ours} == {
        name: text for name, text in before.items() if name not in ours
    }
    assert b"news:" in after["Makefile"]
    assert b"broken" not in after["src/data_versioning/tools/git.py"]


def test_recopy_asks_before_it_overwrites(old_study: Path) -> None:
    """Without `--overwrite`, `copier recopy` changes no file that it did not ask about."""
    append(old_study / "pyproject.toml", "# mine\n")
    commit(old_study)
    before = files(old_study)
    done = copier(old_study, "recopy", "--trust", "--defaults", "--skip-tasks", check=False)
    assert done.returncode != 0
    assert "--overwrite" in done.stderr
    before.pop(".copier-answers.yml")
    assert before.items() <= files(old_study).items()
