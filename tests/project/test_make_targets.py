"""The front door: every target of `make help` does what its line says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.conftest import ROOT, Render, git
from tests.project.conftest import run
from tests.project.pages import BLOCK
from tests.project.test_pipeline import edit, stages_run

VERB = (".venv/bin/python", "-m", "data_versioning")
LINE = re.compile(r"^  make ([a-z-]+) +(\S.*)$", re.MULTILINE)


@pytest.fixture(scope="module")
def rendered(render: Render) -> Path:
    """A study that was rendered and not set up. Read-only."""
    return render("minimal")


def targets(study: Path) -> dict[str, str]:
    """Return the targets that `make help` lists, with their descriptions."""
    return dict(LINE.findall(run(study, "make", "help").stdout))


def test_every_target_is_exercised(rendered: Path) -> None:
    """Some test here or of the updates, or a page that is run, has each target."""
    sources = [*ROOT.glob("tests/project/test_*.py"), *ROOT.glob("tests/update/*.py")]
    tests = "".join(source.read_text() for source in sources)
    pages = "".join(page.read_text() for page in ROOT.glob("docs/**/*.md"))
    blocks = "".join(block for _, block in BLOCK.findall(pages))
    run_by = set(re.findall(r'"make", "([a-z-]+)"', tests))
    run_by |= set(re.findall(r"^(?:[A-Z]+=\S+ )?make ([a-z-]+)", blocks, re.MULTILINE))
    assert targets(rendered).keys() <= run_by


def test_help_is_one_line_a_target_in_groups(rendered: Path) -> None:
    """`make` alone prints the same: groups of targets, each target on a line that fits."""
    said = run(rendered, "make").stdout
    assert said == run(rendered, "make", "help").stdout
    groups = re.findall(r"^([a-z].*)$", said, re.MULTILINE)
    assert groups == [
        "set-up", "data", "pipeline", "experiments", "lineage", "phases", "archive", "workflow",
        "template",
    ]  # fmt: skip
    assert len(targets(rendered)) == said.count("  make ") == 42
    assert max(map(len, said.splitlines())) <= 100
    makefile = (rendered / "Makefile").read_text()
    phony = re.findall(r"[a-z-]+", makefile.partition(".PHONY:")[2].partition("\n\n")[0])
    assert set(phony) == targets(rendered).keys()


def test_without_a_set_up_every_target_says_so(rendered: Path) -> None:
    """Each names `make setup` and does nothing."""
    for target in targets(rendered).keys() - {"help", "setup"}:
        failed = run(rendered, "make", target, check=False)
        assert failed.returncode != 0, target
        assert "error: the study is not set up" in failed.stderr, target
        assert "try: make setup" in failed.stderr, target
    assert git_free(rendered)


def git_free(study: Path) -> bool:
    """Tell whether a study was left as it was rendered."""
    return not any((study / name).exists() for name in (".git", ".venv", "mlflow.db"))


def test_targets_that_look(study: Path) -> None:
    """Summary, stages, metrics, checks and tests of a study whose results are committed."""
    summary = run(study, "make", "summary").stdout
    assert f"study    {study}" in summary
    assert '"bmi_estimate"' in summary
    assert "results/figures/prediction.png" in summary
    assert "FINISHED" in summary

    stages = run(study, "make", "stages").stdout
    assert all(name in stages for name in ("collect", "prepare", "train", "evaluate", "figures"))

    edit(study / "results/metrics.json", r'"mae": 65.07', '"mae": 66.07')
    metrics = run(study, "make", "metrics").stdout
    assert re.search(r"^results/metrics.json\s+baseline.mae\s+65.07\s+66.07\s+1", metrics, re.M)
    git(study, "restore", ".")

    (study / "local.mk").write_text("mine: ## do what I need\n\t@echo $(STUDY)\n")
    assert targets(study)["mine"] == "do what I need"
    assert run(study, "make", "mine").stdout == ".venv/bin/python -m data_versioning\n"

    checked = run(study, "make", "check").stdout
    assert "Failed" not in checked
    assert checked.count("Passed") >= 4
    assert re.search(r"\d+ passed", run(study, "make", "test").stdout)
    assert git(study, "status", "--porcelain") == "?? local.mk\n"


def test_the_example_can_be_cleared(study: Path) -> None:
    """What remains commits, reproduces, tests and takes a first stage; what is yours stays."""
    (study / "notes.md").write_text("Notes\n")
    refused = run(study, "make", "clear-example", check=False)
    assert "error: there are uncommitted changes: notes.md" in refused.stderr
    assert git(study, "status", "--porcelain") == "?? notes.md\n"

    with (study / "params.yaml").open("a") as params:
        params.write("\nmine: # stays\n  rate: 3\n")
    git(study, "add", "--all")
    git(study, "commit", "--quiet", "--message", "docs: add notes")
    assert "deleted stage train" in run(study, "make", "clear-example").stdout
    assert (study / "params.yaml").read_text().endswith("\n\nmine: # stays\n  rate: 3\n")
    assert "alpha" not in (study / "params.yaml").read_text()
    assert not list(study.glob("src/*/train.py"))
    assert not list(study.glob("results/**/*.*"))
    assert "nothing changed, nothing logged" in run(study, "make", "repro").stdout
    assert "no tests yet" in run(study, "make", "test").stdout
    assert "Failed" not in run(study, "make", "check").stdout
    git(study, "add", "--all")
    git(study, "commit", "--quiet", "--message", "refactor: clear the example")

    again = run(study, "make", "clear-example").stdout
    assert "the example is gone already" in again
    assert git(study, "status", "--porcelain") == ""
    run(
        study, ".venv/bin/dvc", "stage", "add", "--quiet", "--name", "count", "--deps", "notes.md",
        "--params", "mine.rate", "--outs", "data/interim/count.txt",
        "wc -l < notes.md > data/interim/count.txt",
    )  # fmt: skip
    done = run(study, "make", "repro").stdout
    assert stages_run(done) == ["count"]
    assert "logged MLflow run" in done
    git(study, "add", "--all")
    git(study, "commit", "--quiet", "--message", "feat: count the notes")
    assert "count.txt" in git(study, "show", "--format=", "HEAD:dvc.lock")


def test_targets_that_trace(study: Path) -> None:
    """Status, lineage, audit, models, comparison and doctor of a study with two results."""
    run(study, "make", "push")
    edit(study / "params.yaml", r"alpha: 10.0", "alpha: 1.0")
    assert "stale: train" in run(study, "make", "status").stdout
    run(study, "make", "repro")
    git(study, "commit", "--quiet", "--all", "--message", "feat(train): a weaker penalty")
    figure = run(study, "make", "lineage", "OF=results/figures/prediction.png").stdout
    assert "data/raw/diabetes.csv" in figure
    assert "alpha" in figure
    assert git(study, "rev-parse", "HEAD")[:8] in figure
    audit = run(study, "make", "audit", "OF=models/model.joblib").stdout
    assert "data: first results" in audit
    assert "feat(train): a weaker penalty" in audit

    register = (*VERB, "registry", "register", "ridge", "1.0.0", "--stage", "production")
    assert "registered ridge 1.0.0 (production)" in run(study, *register).stdout
    assert re.search(r"^ridge +1\.0\.0 +production", run(study, "make", "models").stdout, re.M)
    load = "from data_versioning import ModelRegistry; print(ModelRegistry().load_model('ridge'))"
    assert "Ridge(" in run(study, ".venv/bin/python", "-c", load).stdout

    runs = json.loads(run(study, *VERB, "experiments", "--json").stdout)
    ids = [one["run_id"][:8] for one in runs[:2]]
    compared = run(study, "make", "compare", f"A={ids[0]}", f"B={ids[1]}").stdout
    assert re.search(r"train\.alpha +1\.0 +10\.0", compared)

    # Nothing is an error; the second model is not in the remote yet.
    examined = run(study, "make", "doctor").stdout
    assert "DV213" in examined
    assert not re.search(r"^error", examined, re.M)
    run(study, "make", "push")
    assert "DV213" not in run(study, "make", "doctor").stdout


def test_targets_of_the_workflow(study: Path) -> None:
    """A phase, a tag of the data with a hostile message, a report; what is for CI says so."""
    assert "current: problem-formulation" in run(study, "make", "phase").stdout
    run(study, "make", "phase-start", "PHASE=problem-formulation")
    (study / "docs/problem-formulation.md").write_text("# Question\n\nDoes it?\n")
    git(study, "add", "--all")
    git(study, "commit", "--quiet", "--message", "docs(question): ask it")
    assert "phase/problem-formulation" in run(study, "make", "check-history", "BASE=main").stdout
    run(study, "make", "phase-complete", "PHASE=problem-formulation")
    tag = "TAG=v0.1.0-problem-formulation"
    assert "holds  documents" in run(study, "make", "phase-verify", tag).stdout
    run(study, "make", "changelog")
    assert "**question**: ask it" in (study / "CHANGELOG.md").read_text()
    (study / "CHANGELOG.md").unlink()

    run(study, "make", "push")
    said = 'it\'s "complete"; $t $(shell touch hacked) `touch hacked` é'
    run(study, "make", "data-tag", "NAME=diabetes", "BUMP=major", f"MESSAGE={said}")
    tagged = git(study, "tag", "--list", "--format=%(contents)", "diabetes-v1.0.0")
    assert said in tagged
    assert not (study / "hacked").exists()

    edit(study / "params.yaml", r"dpi: 300", "dpi: 100")
    run(study, "make", "repro")
    run(study, "make", "report", "BASE=main")
    assert "`figures.dpi` | 300 | 100" in (study / "report/report.md").read_text()
    git(study, "commit", "--quiet", "--all", "--message", "feat(figures): smaller files")

    for command in (("make", "comment"), ("make", "release", tag), ("make", "template-news")):
        assert "error: this is for CI" in run(study, *command, check=False).stderr, command
    assert git(study, "status", "--porcelain") == ""


def test_completion_knows_the_verbs(study: Path) -> None:
    """Bash completes a verb of the short command, and one within a verb."""
    script = """
        source <(.venv/bin/data-versioning completion bash)
        complete -p data-versioning
        for words in "data-versioning che" "data-versioning registry ve"; do
            COMP_WORDS=($words) COMP_CWORD=$(($(wc -w <<<"$words") - 1)) COMPREPLY=()
            _shtab_data_versioning "" "${COMP_WORDS[-1]}" ""
            echo "${COMPREPLY[@]}"
        done
    """
    said = run(study, "bash", "-c", script).stdout.splitlines()
    checks = "checkout-version check-data check-pipeline check-history check-remote check-runs"
    assert said[1:] == [checks, "verify"]
