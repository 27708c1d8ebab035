"""Proofs of a commit in a clean clone, with an environment of its own."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from data_versioning.command import capture
from data_versioning.hashing import md5
from data_versioning.reproduction.clean_clone import SCRATCH
from data_versioning.study import Study

from tests.conftest import git
from tests.unit.conftest import Say, edit

# Nothing to install, so that an environment costs no more than a folder.
PROJECT = '[project]\nname = "study"\nversion = "0"\nrequires-python = ">=3.11"\n'


@pytest.fixture
def locked(science: Study) -> Path:
    """The study with a locked environment, committed."""
    root = science.root
    (root / "pyproject.toml").write_text(PROJECT)
    (root / ".gitignore").write_text("/mlflow.db*\n/mlartifacts/\n.venv/\n/.dvc/tmp\n")
    capture(["uv", "lock", "--quiet", "--offline"], root)
    save(root)
    return root


def save(root: Path) -> None:
    """Commit all of it."""
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "chore: as it is")


def verdicts(out: str) -> dict[str, str]:
    """Return what became of each output, from what was printed."""
    found = (line.rpartition("  ")[0].partition("  ") for line in out.splitlines() if "  (" in line)
    return {path.strip(): verdict for verdict, _, path in found}


def test_a_commit_that_comes_out_again(locked: Path, say: Say) -> None:
    """Without a cache, from the remote, and it leaves the study as it was."""
    store = (locked / "mlflow.db").read_bytes()
    before = sorted(locked.glob(".dvc/cache/**/*"))
    status, out, _ = say("prove")
    commit = git(locked, "rev-parse", "HEAD")[:8]
    assert status == 0
    assert verdicts(out) == {
        "data/prepared.csv": "same",
        "models/model.json": "same",
        "results/metrics.json": "same",
        "results/predictions.csv": "same",
    }
    last = out.splitlines()[-1]
    assert last.startswith(f"4 of 4 outputs came out the same: {commit}, ")
    assert [line for line in out.splitlines() if line.startswith("Running")] == [
        "Running stage 'prepare':",
        "Running stage 'train':",
        "Running stage 'evaluate':",
    ]
    assert (locked / "mlflow.db").read_bytes() == store
    assert sorted(locked.glob(".dvc/cache/**/*")) == before
    assert not (locked / SCRATCH).exists()
    assert git(locked, "status", "--porcelain") == ""


def test_a_stage_that_is_not_deterministic_is_named(locked: Path, say: Say) -> None:
    """Those after it are not blamed; nor is its output that stays the same."""
    edit(locked / "src/train.py", "import json", "import json, time")
    edit(locked / "src/train.py", '{"mean"', '{"time": time.time_ns(), "mean"')
    edit(locked / "src/evaluate.py", '"f1": 0.5', '"f1": json.loads(Path('
         '"models/model.json").read_text())["time"]')  # fmt: skip
    capture(["dvc", "repro", "--quiet"], locked)
    save(locked)
    status, out, _ = say("prove")
    assert status == 1
    assert verdicts(out) == {
        "data/prepared.csv": "same",
        "models/model.json": "different",
        "results/predictions.csv": "same",
        "results/metrics.json": "not comparable",
    }
    named = "not deterministic: train: each run made another output from the same inputs"
    assert [line for line in out.splitlines() if line.startswith("not ") and ":" in line] == [named]
    assert "2 of 4 outputs came out the same" in out


def test_a_record_that_is_not_true_is_found(locked: Path, say: Say) -> None:
    """Although nothing that git keeps contradicts it: result and record were both rewritten."""
    metrics = locked / "results/metrics.json"
    old = md5(metrics)
    edit(metrics, '"f1": 0.5', '"f1": 0.9')
    edit(locked / "dvc.lock", old, md5(metrics))
    save(locked)
    assert say("check-pipeline")[0] == 0
    status, out, _ = say("prove")
    assert (status, verdicts(out)["results/metrics.json"]) == (1, "different")
    assert "not what the commit records, but the same in each run here: evaluate" in out


def test_what_only_this_machine_makes_is_told_from_chance(locked: Path, say: Say) -> None:
    """A stage that reads what it does not declare makes the same each time, but another one."""
    edit(locked / "src/train.py", "import json", "import json, os")
    edit(locked / "src/train.py", '{"mean"', '{"where": os.environ["WHERE"], "mean"')
    os.environ["WHERE"] = "at home"
    try:
        capture(["dvc", "repro", "--quiet"], locked)
        save(locked)
        os.environ["WHERE"] = "abroad"
        status, out, err = say("prove", "--json")
    finally:
        del os.environ["WHERE"]
    found = json.loads(out)
    assert (status, found["varying"], found["elsewhere"]) == (1, [], ["train"])
    assert "Running stage 'train'" in err


def test_the_clone_can_be_kept(locked: Path, say: Say, tmp_path: Path) -> None:
    """Also after a stage failed in it; what git does not have is missing there."""
    (locked / ".gitignore").write_text((locked / ".gitignore").read_text() + "secret.txt\n")
    (locked / "secret.txt").write_text("on this machine only\n")
    edit(locked / "src/train.py", "import json", "import json\nopen('secret.txt')")
    capture(["dvc", "repro", "--quiet"], locked)
    save(locked)
    kept = tmp_path / "kept clone"
    status, _, err = say("prove", "--keep", str(kept))
    assert status == 1
    assert "error: stage 'train' failed in a clean clone: FileNotFoundError: " in err
    assert err.endswith("try: data-versioning prove --keep <folder>, and look there\n")
    assert (kept / "data/prepared.csv").exists()
    assert (kept / ".venv/bin/python").exists()
    assert not (kept / "secret.txt").exists()
    assert (kept / ".dvc/config.local").stat().st_mode & 0o077 == 0
    status, _, err = say("prove", "--keep", str(kept))
    assert (status, err.splitlines()[0]) == (1, f"error: it exists already: {kept}")


def test_refusals(locked: Path, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what is not committed, stale, not locked, or not in the remote; nothing is left."""
    (locked / SCRATCH / "left by a killed one").mkdir(parents=True)
    (locked.parent / "storage").rename(locked.parent / "elsewhere")
    status, _, err = say("prove")
    assert status == 1
    assert "error: fetch failed: there is no folder" in err
    assert not (locked / SCRATCH).exists()

    edit(locked / "params.yaml", "rows: 3", "rows: 2")
    status, _, err = say("prove")
    assert (status, err.splitlines()) == (
        1,
        [
            "error: only a commit can be proved: uncommitted changes: params.yaml",
            "try: git commit, then again",
        ],
    )
    git(locked, "commit", "--quiet", "--all", "--message", "feat: fewer rows")
    status, _, err = say("prove")
    assert (status, err.splitlines()[-2:]) == (
        1,
        [
            "error: the results of this commit are not up to date: prepare",
            "try: make repro, then git commit",
        ],
    )
    edit(locked / "pyproject.toml", ">=3.11", ">=3.10")
    git(locked, "commit", "--quiet", "--all", "--message", "chore: older machines")
    status, _, err = say("prove")
    assert status == 1
    assert "error: no environment from uv.lock: `uv sync --locked` failed: " in err
    git(locked, "rm", "--quiet", "uv.lock")
    git(locked, "commit", "--quiet", "--message", "chore: no lock")
    status, _, err = say("prove")
    assert (status, err.splitlines()) == (
        1,
        [
            "error: the commit locks no environment: uv.lock",
            "try: make setup && git add uv.lock && git commit",
        ],
    )
