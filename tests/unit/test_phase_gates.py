"""The gates of phases: each held and failed on a real study, with its evidence and its mend."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from data_versioning import PhaseGate
from data_versioning.cli import main
from data_versioning.command import capture
from data_versioning.experiments.store import setup_mlflow
from data_versioning.phases import criteria
from data_versioning.phases.findings import Finding
from data_versioning.phases.gates import check
from data_versioning.phases.lock_check import stale_at
from data_versioning.phases.plan import phase
from data_versioning.setup import git_hooks
from data_versioning.study import Study
from data_versioning.tools import dvc_files

from tests.conftest import git
from tests.unit.phases import FILES, PHASES, furnish, gate, install_hooks, save, write


@pytest.fixture
def ready(science: Study) -> Study:
    """The study, with all that its phases ask for."""
    furnish(science.root)
    return science


def test_every_gate_holds(ready: Study, capsys: pytest.CaptureFixture[str]) -> None:
    """And says with numbers why."""
    found = {one.gate: one for one in PhaseGate().check("analysis")}
    assert found.pop("order").ok is False  # phases before it are open
    assert all(one.ok for one in found.values()), found
    head, lock = git(ready.root, "rev-parse", "HEAD")[:8], dvc_files.lock_digest(ready.root)
    assert lock
    run = found["logged"].evidence.split()[1]
    assert {name: one.evidence for name, one in found.items()} == {
        "clean": f"nothing uncommitted at {head}",
        "pipeline": f"3 stages up to date, dvc.lock {lock[:8]}",
        "pushed": "4 files and folders, all in storage",
        "logged": f"run {run} finished with 2 metrics, dvc.lock {lock[:8]}, on "
        + git(ready.root, "rev-parse", "HEAD~2")[:8],
        "tests": found["tests"].evidence,
        "data": "nothing is wrong with 2 data sets",
        "drift": "nothing to compare with: no phase is complete yet",
        "documents": "complete: docs/analysis.md",
        "commits": "0 commits since " + head + ", all following the convention",
    }
    assert found["tests"].evidence.startswith("1 passed in ")
    assert all(not one.mend for one in found.values())
    assert capsys.readouterr() == ("", "")


def test_clean(ready: Study) -> None:
    root = ready.root
    write(root, "notes.txt", "x")
    write(root, "README.md", "other")
    write(root, "docs/.gitignore", "*.tmp\n")
    assert gate(ready, "clean") == Finding(
        "clean",
        False,
        "3 not committed: README.md, docs/.gitignore, notes.txt",
        "git add --all && git commit",
    )
    save(root)
    assert gate(ready, "clean").ok


@pytest.mark.parametrize("work", ["merge", "rebase", "cherry-pick", "revert"])
def test_unfinished_work_of_git_is_not_clean(ready: Study, work: str) -> None:
    root = ready.root
    write(root, "a.txt", "one\n")
    save(root)
    git(root, "switch", "--quiet", "--create", "other", "HEAD~1")
    write(root, "a.txt", "two\n")
    save(root)
    of = "HEAD~1" if work == "revert" else "main"
    if work == "revert":
        git(root, "switch", "--quiet", "main")
        write(root, "a.txt", "three\n")
        save(root)
    argv = ["git", work, *(["--no-edit"] if work == "revert" else []), of]
    assert subprocess.run(argv, cwd=root, capture_output=True, check=False).returncode != 0
    found = gate(ready, "clean")
    assert found.evidence == f"in the middle of a {work} (git {work} --abort takes it back)"
    assert found.mend == f"git {work} --continue"
    capture(["git", work, "--abort"], root)
    assert gate(ready, "clean").ok


def test_pipeline(ready: Study) -> None:
    root = ready.root
    write(root, "params.yaml", "prepare:\n  rows: 3\ntrain:\n  alpha: 0.7\n  name: ridge\n")
    found = gate(ready, "pipeline")
    assert not found.ok
    assert found.evidence.startswith("not up to date: train (params.yaml: train changed)")
    assert found.mend == "make repro"
    git(root, "checkout", "--", "params.yaml")
    data = root / "data/raw/people.csv"
    data.chmod(0o644)
    data.write_text("name,age\nada,1\n")
    assert "data/raw/people.csv" in gate(ready, "pipeline").evidence


def test_pipeline_looks_at_the_commit_too(ready: Study) -> None:
    """What is up to date on disk need not be what the tag will name."""
    root = ready.root
    write(root, "params.yaml", "prepare:\n  rows: 3\ntrain:\n  alpha: 0.7\n  name: ridge\n")
    assert main(["repro"]) == 0
    git(root, "reset", "--quiet")
    git(root, "commit", "--quiet", "--no-verify", "-m", "feat: alpha", "--", "params.yaml")
    found = gate(ready, "pipeline")
    assert found.evidence == "in the commit: stage train: params.yaml: train.alpha changed"
    assert found.mend == "make repro; git add --all && git commit"
    save(root)
    assert gate(ready, "pipeline").ok


def test_a_frozen_stage_is_not_asked(ready: Study) -> None:
    """Neither on disk nor in the commit; what reads its output is."""
    root = ready.root
    capture(["dvc", "freeze", "train"], root)
    write(root, "params.yaml", "prepare:\n  rows: 3\ntrain:\n  alpha: 0.7\n  name: ridge\n")
    save(root)
    assert gate(ready, "pipeline").ok
    lock = (root / "dvc.lock").read_text()
    begin, evaluate = lock.split("  evaluate:")
    model = re.search(r"path: models/model.json\n      hash: md5\n      md5: (\w+)", evaluate)
    assert model
    write(root, "dvc.lock", f"{begin}  evaluate:{evaluate.replace(model[1], 'f' * 32, 1)}")
    save(root)
    found = stale_at(root, "HEAD")
    assert found == ["stage evaluate: models/model.json is another version than it read"]


def test_a_stage_that_runs_every_time_is_no_older_for_it(ready: Study) -> None:
    """Nothing could make it up to date; another reason counts."""
    root = ready.root
    text = (root / "dvc.yaml").read_text()
    write(root, "dvc.yaml", text.replace("  train:\n", "  train:\n    always_changed: true\n"))
    save(root)
    assert gate(ready, "pipeline").ok
    write(root, "params.yaml", "prepare:\n  rows: 3\ntrain:\n  alpha: 0.7\n  name: ridge\n")
    found = gate(ready, "pipeline")
    said = "train (it runs every time; params.yaml: train changed)"
    assert (found.evidence, found.mend) == (f"not up to date: {said}", "make repro")


def test_data_that_differs_is_named(ready: Study) -> None:
    """Nothing reads it, so that no stage is out of date."""
    root = ready.root
    write(root, "notes.csv", "a\n1\n")
    capture(["dvc", "add", "--quiet", "notes.csv"], root)
    (root / "notes.csv").chmod(0o644)
    write(root, "notes.csv", "a\n2\n")
    found = gate(ready, "pipeline")
    assert found.evidence == "tracked data was changed: notes.csv"
    assert found.mend == "dvc add -- notes.csv"


def test_a_study_without_stages_has_no_pipeline(ready: Study) -> None:
    write(ready.root, "dvc.yaml", "stages: {}\n")
    assert gate(ready, "pipeline") == Finding(
        "pipeline", False, "dvc.yaml has no stages", "dvc stage add"
    )


def test_pipeline_needs_no_data(
    ready: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "clone", "--quiet", "--no-local", str(ready.root), "clone")
    monkeypatch.chdir(tmp_path / "clone")
    found = gate(Study(tmp_path / "clone"), "pipeline")
    assert found.ok, found
    assert found.evidence.startswith("3 stages up to date")


def test_pushed(ready: Study, tmp_path: Path) -> None:
    root, storage = ready.root, tmp_path / "storage"
    shutil.rmtree(storage / "files")
    found = gate(ready, "pushed")
    assert found.evidence.startswith("storage lacks data/prepared.csv (1 file), ")
    assert found.evidence.endswith(" and 1 more")
    assert found.mend == "make push"
    assert main(["push"]) == 0
    assert gate(ready, "pushed").ok
    shutil.rmtree(storage)
    (tmp_path / "storage").touch()
    capture(["dvc", "remote", "modify", "storage", "url", str(tmp_path / "gone/away")], root)
    found = gate(ready, "pushed")
    assert not found.ok
    assert "there is no folder" in found.evidence
    assert found.mend.startswith("mount its drive, or: mkdir -p")
    capture(["dvc", "remote", "remove", "storage"], root)
    found = gate(ready, "pushed")
    assert found.evidence == f"no remote is configured: {root}"
    assert found.mend == "dvc remote add --default storage <url>"


def test_logged(ready: Study) -> None:
    root = ready.root
    write(root, "params.yaml", "prepare:\n  rows: 4\ntrain:\n  alpha: 0.5\n  name: ridge\n")
    assert main(["repro"]) == 0
    assert gate(ready, "logged") == Finding(
        "logged", False, "dvc.lock is not committed", "git add --all && git commit"
    )
    save(root, "feat: four rows")
    found = gate(ready, "logged")
    assert found.ok
    assert found.evidence.endswith(" and changes committed since")  # it ran before the commit

    setup_mlflow(ready)
    import mlflow

    client = mlflow.MlflowClient()
    (experiment,) = [one for one in client.search_experiments() if one.name == "my-study"]
    open_run = client.create_run(experiment.experiment_id).info.run_id
    found = gate(ready, "logged")
    assert found.evidence.startswith(f"run {open_run[:8]} is unfinished since 20")
    assert found.mend == "python -m data_versioning check-runs --close"
    main(shlex.split(found.mend.removeprefix("python -m data_versioning ")))
    assert gate(ready, "logged").ok

    for run in client.search_runs([experiment.experiment_id]):
        client.set_tag(run.info.run_id, "git.commit", "1" * 40)
    found = gate(ready, "logged")
    assert found.evidence.endswith(" ran on commit 11111111, which is not in this repository")
    assert found.mend == "git fetch --all --tags"
    for run in client.search_runs([experiment.experiment_id]):
        client.delete_run(run.info.run_id)
    found = gate(ready, "logged")
    assert found.evidence == f"no finished run holds dvc.lock {dvc_files.lock_digest(root):.8}"
    assert main(shlex.split(found.mend.removeprefix("python -m data_versioning "))) == 0
    assert gate(ready, "logged").ok

    for file in root.glob("mlflow.db*"):
        file.unlink()
    assert gate(ready, "logged").evidence.startswith("no finished run")
    assert not (root / "mlflow.db").exists()
    (root / "dvc.lock").unlink()
    assert gate(ready, "logged") == Finding(
        "logged", False, "no results: there is no dvc.lock", "make repro"
    )


def test_tests(ready: Study) -> None:
    root = ready.root
    write(root, "tests/test_people.py", "def test_a():\n    assert False\ndef test_b(): pass\n")
    found = gate(ready, "tests")
    assert found.evidence.startswith("1 failed, 1 passed in ")
    assert found.mend == "make test"
    (root / "tests/test_people.py").unlink()
    assert gate(ready, "tests") == Finding(
        "tests", False, "no tests", "write tests/test_<topic>.py"
    )
    write(root, "pytest.ini", "[pytest]\naddopts = --no-such-option\n")
    assert gate(ready, "tests").evidence == "pytest ended with 4"


def test_data(ready: Study) -> None:
    write(
        ready.root, "study.yaml", f"{PHASES}data:\n  data/prepared.csv:\n    rows: {{min: 1000}}\n"
    )
    found = gate(ready, "data")
    assert "3 rows, at least 1000" in found.evidence, found
    assert found.mend


def test_drift(ready: Study) -> None:
    root = ready.root
    git(root, "commit", "--quiet", "--no-verify", "--allow-empty", "-m", "docs: begin")
    assert main(["phase", "complete", "problem-formulation"]) == 0
    assert gate(ready, "drift").evidence == (
        "0 of 2 data sets changed since v0.1.0-problem-formulation, none unexplained"
    )
    people = root / "data/raw/people.csv"
    people.chmod(0o644)
    people.write_text("name,years\nada,36\n")
    capture(["dvc", "add", "--quiet", str(people)], root)
    found = gate(ready, "drift")
    assert found.evidence == (
        "unexplained since v0.1.0-problem-formulation:"
        " data/raw/people.csv: years, data/raw/people.csv: age; say why under drift: explained:"
    )
    assert found.mend == "$EDITOR study.yaml"
    explained = "drift:\n  explained:\n    data/raw/people.csv: renamed\n"
    write(root, "study.yaml", PHASES + explained)
    assert gate(ready, "drift").evidence == (
        "1 of 2 data sets changed since v0.1.0-problem-formulation, none unexplained"
    )
    shutil.rmtree(root.parent / "storage/files")
    shutil.rmtree(root / ".dvc/cache")
    found = gate(ready, "drift")
    assert found.evidence.startswith(
        "not compared with v0.1.0-problem-formulation: data/raw/people.csv: "
    )
    assert found.mend


def test_documents(ready: Study) -> None:
    root = ready.root
    write(root, "docs/analysis.md", "# Analysis\n\n## Result?\n\nTODO\n")
    assert gate(ready, "documents").ok  # the commit counts, not the disk
    save(root, "docs: begin")
    found = gate(ready, "documents")
    assert found.evidence == "docs/analysis.md: placeholder TODO (line 5)"
    assert found.mend == "$EDITOR docs/analysis.md"
    write(root, "docs/analysis.md", "# Analysis\n\nAll.\n")
    found = gate(ready, "documents")
    assert found.evidence == "docs/analysis.md is not committed as it is"
    assert found.mend == "git add -- docs/analysis.md && git commit"
    git(root, "rm", "--quiet", "--force", "docs/analysis.md")
    save(root, "docs: drop")
    found = gate(ready, "documents")
    assert found.evidence == "docs/analysis.md does not exist"
    assert found.mend == "make phase-start PHASE=analysis"
    assert gate(ready, "documents", "interpretation").evidence == "it owes none"


def test_commits(ready: Study) -> None:
    root = ready.root
    save(root, "feat(model): better", "--allow-empty")
    save(root, "what I did today", "--allow-empty")
    found = gate(ready, "commits")
    bad, since = git(root, "rev-parse", "HEAD")[:8], git(root, "rev-parse", "HEAD~2")[:8]
    assert found.evidence.startswith(
        f"1 of 2 commits since {since}: {bad} 'what I did today': not like: "
    )
    assert found.mend == "git commit --amend"
    save(root, "feat: on top", "--allow-empty")
    found = gate(ready, "commits")
    assert found.evidence.endswith("; make `pick` a `reword` before each of them")
    begin = git(root, "rev-parse", since).strip()
    assert found.mend == f"git rebase --interactive --rebase-merges {begin}"
    git(root, "reset", "--quiet", "--hard", "HEAD~1")
    git(root, "commit", "--quiet", "--amend", "--allow-empty", "-m", "docs: diary")
    git(root, "switch", "--quiet", "--create", "side", "HEAD~1")
    save(root, "feat: aside", "--allow-empty")
    git(root, "switch", "--quiet", "main")
    git(root, "merge", "--quiet", "--no-ff", "-m", "back together", "side")
    assert gate(ready, "commits").evidence.startswith("3 commits since ")
    git(root.parent, "clone", "--quiet", "--depth=1", root.as_uri(), "shallow")
    found = gate(Study(root.parent / "shallow"), "commits")
    what = f"a shallow clone: older commits are not here: {root.parent / 'shallow'}"
    assert (found.ok, found.evidence, found.mend) == (False, what, "git fetch --unshallow --tags")
    assert main(["phase", "complete", "problem-formulation"]) == 0
    save(root, "fix: one", "--allow-empty")
    assert gate(ready, "commits").evidence == (
        "1 commit since v0.1.0-problem-formulation, all following the convention"
    )


def test_a_broken_study_fails_its_gates(ready: Study) -> None:
    """A check that cannot run has not been passed."""
    write(ready.root, "params.yaml", "a: [\n")
    found = gate(ready, "pipeline")
    assert not found.ok
    assert "not valid YAML" in found.evidence
    (ready.root / ".cz.toml").unlink()
    found = gate(ready, "commits")
    assert (found.ok, found.evidence) == (False, "file is missing: .cz.toml")
    assert found.mend == "git checkout -- .cz.toml"


ITEMS = (
    "storage",
    "experiment tracking",
    "git workflow",
    "artifact metadata",
    "automatic tracking",
    "components tested",
    "documentation",
    "phases",
    "no placeholders",
)


def test_data_management(ready: Study) -> None:
    """Nine items, each with its evidence."""
    install_hooks(ready.root)
    found = {one.gate: one for one in check(ready, phase(ready, "data-management"))}
    items = [f"data-management: {name}" for name in ITEMS]
    assert list(found) == ["clean", "documents", "commits", *items]
    assert all(one.ok for one in found.values()), found
    evidence = [found[name].evidence for name in items]
    assert evidence[0] == "DVC is set up; storage answers and holds 4 files and folders"
    assert evidence[1].startswith("mlflow.db: run ")
    assert evidence[1].endswith(" with 2 metrics")
    assert evidence[2] == (
        "hooks and merge drivers are installed; README.md says how to work with them"
    )
    assert evidence[3] == "1 author, MIT, title 'People'"
    assert evidence[4] == "no file of 0.1 MB or more outside of DVC; a hook refuses them"
    assert evidence[5].startswith("the doctor finds no error; tests: 1 passed in ")
    assert evidence[6] == "2 READMEs and 0 owed documents are complete"
    assert evidence[7] == "4 phases in study.yaml; 0 tags, all verified"
    assert evidence[8] == "none in README.md, docs/, CITATION.cff and study.yaml"


def test_what_fails_each_item(ready: Study, tmp_path: Path) -> None:
    root = ready.root
    shutil.rmtree(tmp_path / "storage/files")
    for file in root.glob("mlflow.db*"):
        file.unlink()
    install_hooks(root)
    (root / ".git/hooks/pre-push").unlink()
    write(root, "CITATION.cff", FILES["CITATION.cff"].replace("family-names: L", "alias: L"))
    write(root, "big.csv", "x" * 200_000)
    write(root, "tests/test_people.py", "def test_a():\n    assert False\n")
    write(root, "data/README.md", "# Data\n\n## Whose?\n")
    write(root, "docs/more.md", "As `TODO` says:\n\nmore: TBD\n")
    git(root, "tag", "v0.1.0-problem-formulation")
    found = {one.gate: one for one in PhaseGate().check("data-management")}
    wrong = {name: found[f"data-management: {name}"] for name in ITEMS}
    assert {name: (one.ok, one.evidence, one.mend) for name, one in wrong.items()} == {
        "storage": (
            False,
            "storage answers, and lacks data/prepared.csv, data/raw/people.csv, models/model.json"
            " and 1 more",
            "make push",
        ),
        "experiment tracking": (False, "mlflow.db: no finished run has metrics", "make repro"),
        "git workflow": (False, "pre-push: a git hook is not installed", "make setup"),
        "artifact metadata": (
            False,
            "CITATION.cff: author 1 has no family-names",
            "$EDITOR CITATION.cff",
        ),
        "automatic tracking": (False, "not tracked: big.csv", "make track"),
        "components tested": (False, wrong["components tested"].evidence, "make test"),
        "documentation": (
            False,
            'data/README.md: unanswered question "Whose?" (line 3)',
            "$EDITOR data/README.md",
        ),
        "phases": (
            False,
            "v0.1.0-problem-formulation: not annotated, so there is no manifest",
            "git tag --delete v0.1.0-problem-formulation, if it was not shared",
        ),
        "no placeholders": (False, "1 placeholder: docs/more.md:3 TBD", "$EDITOR docs/more.md"),
    }
    assert "tests: 1 failed in " in wrong["components tested"].evidence
    assert not (root / "mlflow.db").exists()  # it looks, and writes nothing


AUTHOR = "  - family-names: Lovelace\n    given-names: Ada\n"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {
                "CITATION.cff": ("license: MIT\n", ""),
                "README.md": ("`feature/...`", ""),
                ".pre-commit-config.yaml": ("refuse-large-files", "x"),
            },
            {
                "artifact metadata": "CITATION.cff has no license",
                "automatic tracking": ".pre-commit-config.yaml has no refuse-large-files",
            },
        ),
        (
            {"CITATION.cff": ("title: People\n", ""), ".dvc/config": ("core", "[")},
            {
                "artifact metadata": "CITATION.cff has no title",
                "storage": "no remote is configured",
            },
        ),
        (
            {"CITATION.cff": (AUTHOR, "  - name: The authors of People\n"), "LICENSE": ("MIT", "")},
            {"artifact metadata": "CITATION.cff: author 1 has no family-names"},
        ),
        (
            {"CITATION.cff": (AUTHOR, "  - name: The Royal Society\n"), "LICENSE": ("MIT", "")},
            {"artifact metadata": "there is no LICENSE"},
        ),
        ({"CITATION.cff": ("authors:", "authors: {")}, {"artifact metadata": "not valid YAML"}),
        (
            {"CITATION.cff": ("authors:", "who:"), "dvc.yaml": ("stages:", "stages: [")},
            {
                "artifact metadata": "CITATION.cff names no author",
                "components tested": "the doctor finds DV202 DVC cannot read a file of the study",
            },
        ),
        (
            {"study.yaml": ("1.0.0", "0.0.0")},
            {"phases": "version 0.0.0 is not above 0.6.0 of the phase before it: study.yaml:13"},
        ),
    ],
)
def test_items_read_the_files(
    ready: Study, changes: dict[str, tuple[str, str]], said: dict[str, str]
) -> None:
    chosen = phase(ready, "data-management")
    for path, (old, new) in changes.items():
        text = (ready.root / path).read_text()
        assert old in text
        write(ready.root, path, text.replace(old, new))
    found = criteria.check(Study(ready.root), chosen, Finding("tests", True, "1 passed"))
    wrong = {one.gate.removeprefix("data-management: "): one for one in found if not one.ok}
    assert said.keys() <= wrong.keys(), wrong
    for item, evidence in said.items():
        assert evidence in wrong[item].evidence
        assert wrong[item].mend


def items(study: Study) -> dict[str, Finding]:
    """Return what the nine items of data management find, the tests not asked."""
    study = Study(study.root)
    chosen = phase(study, "data-management")
    found = criteria.check(study, chosen, Finding("tests", True, "1 passed"))
    return {one.gate.removeprefix("data-management: "): one for one in found}


def test_hooks_and_drivers_that_do_nothing(ready: Study) -> None:
    """What only has the name of a hook or of a driver is none."""
    root = ready.root
    git(root, "config", "merge.dvc.driver", "true")
    install_hooks(root)
    write(root, "README.md", FILES["README.md"].replace("feature/", ""))
    found = items(ready)["git workflow"]
    said = "merge drivers are missing, or others: dvc"
    assert (found.ok, found.evidence, found.mend) == (False, said, "make setup")
    git_hooks.install_drivers(ready)
    found = items(ready)["git workflow"]
    assert found.evidence == "README.md does not mention: feature/"
    (root / ".git/hooks/pre-commit").write_text("#!/bin/sh\nexit 0\n")
    found = items(ready)["git workflow"]
    assert found.evidence == "pre-commit: a git hook is not installed"
    assert found.mend == ".venv/bin/python -m pre_commit install"
    assert items(ready)["automatic tracking"].evidence == found.evidence


def test_hooks_that_are_not_the_studys(ready: Study, tmp_path: Path) -> None:
    """Where `make setup` installs none, none is asked for, and the evidence says so."""
    root = ready.root
    git(root, "config", "core.hooksPath", ".githooks")
    found = items(ready)
    others = "git runs the hooks of core.hooksPath"
    assert found["git workflow"].evidence == (
        f"merge drivers are installed; {others}; README.md says how to work with them"
    )
    assert found["automatic tracking"].evidence.endswith(f"outside of DVC; {others}")
    (root / ".git").rename(tmp_path / ".git")
    git(tmp_path, "config", "--unset", "core.hooksPath")
    found = items(ready)
    others = f"hooks belong to the repository around this study, {tmp_path}"
    assert found["git workflow"].ok
    assert others in found["git workflow"].evidence


def test_what_is_not_there(ready: Study) -> None:
    """A configuration of DVC that is not committed, and runs without metrics."""
    root = ready.root
    git(root, "rm", "--quiet", "--cached", ".dvc/config")
    setup_mlflow(ready)
    import mlflow

    client = mlflow.MlflowClient()
    (experiment,) = [one for one in client.search_experiments() if one.name == "my-study"]
    for run in client.search_runs([experiment.experiment_id]):
        client.delete_run(run.info.run_id)
    client.set_terminated(client.create_run(experiment.experiment_id).info.run_id)
    found = items(ready)
    assert found["storage"].evidence == ".dvc/config is not there or not committed"
    assert found["storage"].mend == "make setup"
    assert found["experiment tracking"].evidence == "mlflow.db: no finished run has metrics"


def test_large_files_and_remote(ready: Study) -> None:
    root = ready.root
    capture(["dvc", "remote", "remove", "storage"], root)
    found = gate(ready, "data-management: storage", "data-management")
    assert found.evidence == f"no remote is configured: {root}"
    write(root, "huge.txt", "x" * 200_000)
    save(root)
    found = gate(ready, "data-management: automatic tracking", "data-management")
    assert found.evidence == "git keeps large files: huge.txt (0.191 MB)"
