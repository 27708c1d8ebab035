"""CI files by reading them: what runs, with which rights, and the same on both services."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT, Render
from tests.render.test_parse import BIN, run

USES = re.compile(r"uses: (?P<action>[\w./-]+)@(?P<commit>[0-9a-f]{40}) # v\d+\.\d+\.\d+$")
# What a job may do beyond reading the repository.
WRITES = {
    "report": {"pull-requests"},
    "record": {"contents"},
    "release": {"contents"},
    "news": {"issues"},
}
ENVIRONMENTS = {
    "reproduce": "data-read",
    "record": "data-write",
    "prove": "data-read",
    "package": "data-read",
    "deposit": "archive",
}
PLUMBING = 'cat report/report.md >> "$GITHUB_STEP_SUMMARY"'
# The job of GitHub: the job of GitLab. What differs: of a fork GitLab's job has to find out.
SAME = {"news": "template-news", "prove": "proof"}
FORK = "if ["


@pytest.fixture(scope="module")
def github(render: Render) -> Path:
    """A study for GitHub. Read-only."""
    return render({"ci": "github"})


@pytest.fixture(scope="module")
def gitlab(render: Render) -> Path:
    """A study for GitLab. Read-only."""
    return render({"ci": "gitlab"})


def workflows(study: Path) -> dict[str, dict[str, Any]]:
    """Return GitHub's workflows by file, all values as texts."""
    paths = sorted((study / ".github/workflows").glob("*.yml"))
    return {path.name: yaml.load(path.read_text(), Loader=yaml.BaseLoader) for path in paths}


def jobs(study: Path) -> dict[str, dict[str, Any]]:
    """Return the jobs of all of GitHub's workflows."""
    return {name: job for one in workflows(study).values() for name, job in one["jobs"].items()}


def lines(study: Path, pattern: str) -> list[str]:
    """Return the lines of GitHub's workflows in which a pattern is found."""
    texts = [path.read_text() for path in sorted((study / ".github/workflows").iterdir())]
    return [line for text in texts for line in text.splitlines() if re.search(pattern, line)]


def commands(job: dict[str, Any]) -> list[str]:
    """Return the commands of a job of either service."""
    scripts = [step.get("run", "") for step in job.get("steps", ())] or job["script"]
    return [line for script in scripts for line in script.splitlines()]


def targets(job: dict[str, Any]) -> set[str]:
    """Return the targets of make that a job calls, those aside that all or some may call first."""
    called = {name for line in commands(job) for name in re.findall(r"\bmake ([a-z-]+)", line)}
    return called - {"setup", "check-pipeline"}


def zizmor(study: Path) -> str:
    """Return what zizmor finds in the workflows."""
    options = ["--offline", "--persona=pedantic", "--strict-collection", "--no-progress"]
    done = run(BIN / "zizmor", *options, "--format=plain", ".github", cwd=study)
    assert "WARN" not in done.stderr
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_zizmor_finds_nothing(github: Path) -> None:
    """Not even a smell."""
    assert zizmor(github) == ""


@pytest.mark.parametrize(
    ("good", "bad", "finding"),
    [
        ("permissions: {}", "permissions: write-all", "excessive-permissions"),
        ("- run: make check\n", "- run: echo ${{ github.head_ref }}\n", "template-injection"),
        ("@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "@v7", "unpinned-uses"),
    ],
)
def test_zizmor_can_find(render: Render, tmp_path: Path, good: str, bad: str, finding: str) -> None:
    """It finds what these workflows avoid."""
    study = render({"ci": "github"}, tmp_path / "study")
    path = study / ".github/workflows/ci.yml"
    assert good in path.read_text()
    path.write_text(path.read_text().replace(good, bad))
    assert finding in zizmor(study)


def test_actions_are_pinned(github: Path) -> None:
    """Each by the hash of a commit, the same everywhere, with the version in words."""
    found = [USES.search(line) for line in lines(github, "uses:")]
    assert all(found)
    pins = {(one["action"], one["commit"]) for one in found if one}
    assert len({action for action, _ in pins}) == len(pins) > 5


def test_each_job_has_the_rights_it_needs(github: Path) -> None:
    """Nothing at the top; in a job only what WRITES says, each with its reason."""
    for name, workflow in workflows(github).items():
        assert workflow["permissions"] == {}, name
        assert "cancel-in-progress" in workflow["concurrency"], name
    for name, job in jobs(github).items():
        rights = job["permissions"]
        assert {right for right, level in rights.items() if level == "write"} == WRITES.get(
            name, set()
        )
        assert int(job["timeout-minutes"]) <= 360
        assert rights["contents"] in {"read", "write"}
    granted = lines(github, r"^ {6}[\w-]+: (read|write)\b")
    assert len(granted) == sum(len(job["permissions"]) for job in jobs(github).values())
    assert [line for line in granted if " # to " not in line] == []


def test_secrets_stay_in_environments(github: Path) -> None:
    """Only the jobs that touch data have some, by names of .env.example, in the steps that run."""
    known = set(re.findall(r"^# ([A-Z_]+)=", (github / ".env.example").read_text(), re.M))
    for name, job in jobs(github).items():
        assert job.get("environment") == ENVIRONMENTS.get(name)
        assert "secrets." not in str(job.get("env", {}))
        for step in job["steps"]:
            used = set(re.findall(r"secrets\.(\w+)", str(step)))
            assert used <= known | {"GIT_PUSH_TOKEN"}
            assert not used or name in ENVIRONMENTS
            assert not used or "make setup" not in step["run"]
            assert "token" not in str(step) or "make" in step["run"]
    # The token that writes to the repository is there for the push alone.
    pushes = [step for step in jobs(github)["record"]["steps"] if "GITHUB_TOKEN" in str(step)]
    assert [step["run"] for step in pushes] == ["make push"]


def test_every_command_is_a_target(github: Path, gitlab: Path) -> None:
    """A laptop does what CI does; besides, the report is shown."""
    makefile = (github / "Makefile").read_text()
    known = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    assert {target for job in jobs(github).values() for target in targets(job)} <= known
    for job in [*jobs(github).values(), *gitlab_jobs(gitlab).values()]:
        for line in commands(job):
            assert line.startswith(("make ", FORK)) or line == PLUMBING
            assert "${{" not in line
            assert not line.startswith(FORK) or line.endswith("then export FORK=true; fi")


def gitlab_jobs(study: Path) -> dict[str, dict[str, Any]]:
    """Return GitLab's jobs."""
    config = yaml.safe_load((study / ".gitlab-ci.yml").read_text())
    return {name: job for name, job in config.items() if "script" in job}


def test_both_services_do_the_same(github: Path, gitlab: Path) -> None:
    """Job by job they call the same targets, and each job sets the study up."""
    on_github = {SAME.get(name, name): targets(job) for name, job in jobs(github).items()}
    on_gitlab = {name: targets(job) for name, job in gitlab_jobs(gitlab).items()}
    assert on_github == on_gitlab
    assert all("make setup" in commands(job) for job in jobs(github).values())
    config = yaml.safe_load((gitlab / ".gitlab-ci.yml").read_text())
    assert config["default"]["before_script"] == ["make setup"]
    environments = {
        name: job["environment"]["name"]
        for name, job in gitlab_jobs(gitlab).items()
        if "environment" in job
    }
    assert environments == {SAME.get(name, name): one for name, one in ENVIRONMENTS.items()}


def test_one_version_of_uv(github: Path) -> None:
    """The workflows take the one that `make setup` fetches where there is none."""
    bootstrap = ROOT / "template/src/data_versioning/setup/bootstrap.py"
    pinned = re.search(r'UV = "uv==([\d.]+)"', bootstrap.read_text())
    assert pinned
    used = {line.split('"')[1] for line in lines(github, r"^ {10}version: ")}
    assert used == {pinned[1]}


def blocks(kind: str) -> list[str]:
    """Return the blocks of a language in the page about CI's access to data."""
    page = ROOT / "docs/how-to/give-ci-access-to-your-data.md"
    return re.findall(rf"^```{kind}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


def test_policies_give_little() -> None:
    """They are JSON; nothing is allowed to everybody, and all of it on one prefix."""
    trust, bucket, google = map(json.loads, blocks("json"))
    (who,) = trust["Statement"]
    assert who["Condition"]["StringEquals"].keys() == {
        "token.actions.githubusercontent.com:aud",
        "token.actions.githubusercontent.com:sub",
    }
    assert google["type"] == "external_account"
    deny, *allowed = bucket["Statement"]
    assert (deny["Effect"], deny["Principal"]) == ("Deny", "*")
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    for statement in allowed:
        assert statement["Effect"] == "Allow"
        assert "*" not in str(statement["Principal"]) + str(statement["Action"])
        inside = statement["Resource"] == "arn:aws:s3:::my-bucket/my-study/*"
        assert inside or "s3:prefix" in statement["Condition"]["StringLike"]


def test_the_step_that_asks_for_an_identity(render: Render, tmp_path: Path) -> None:
    """Put in as the page says, zizmor finds nothing and the schema holds."""
    study = render({"ci": "github"}, tmp_path / "study")
    path = study / ".github/workflows/ci.yml"
    permission, step, job = blocks("yaml")
    text = path.read_text().replace(
        "permissions:\n      contents: read", f"permissions:\n{permission}      contents: read"
    )
    before = "      - name: make reproduce, make report\n"
    assert before in text
    path.write_text(text.replace(before, step + before))
    assert zizmor(study) == ""
    schema = ["--builtin-schema", "vendor.github-workflows"]
    assert run(BIN / "check-jsonschema", *schema, path, cwd=study).returncode == 0
    added = yaml.safe_load(job)["reproduce"]
    assert added["before_script"][-1:] == ["make setup"]
    assert added["id_tokens"]
