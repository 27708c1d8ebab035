"""GitLab's jobs, run by gitlab-ci-local in fresh clones."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import forges
from tests.conftest import ROOT, Render, git
from tests.once import made_once
from tests.project.conftest import (
    SLOW_HOOKS,
    clone_study,
    give_environment,
    run,
    user_environment,
    without_sync,
    write_document,
)
from tests.project.test_pipeline import edit

RUNNER = ROOT / "tests/project/gitlab-ci-local/node_modules/.bin/gitlab-ci-local"
SERVER = "https://gitlab.example.org"
TOKEN = "token-of-the-project"
JOB_TOKEN = "token-of-the-job"
PUSH = {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "main"}
TAG = {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": ""}
SCHEDULE = {"CI_PIPELINE_SOURCE": "schedule", "CI_COMMIT_BRANCH": "main"}
REQUEST = {
    "CI_PIPELINE_SOURCE": "merge_request_event",
    "CI_MERGE_REQUEST_IID": "7",
    "CI_MERGE_REQUEST_PROJECT_ID": "42",
    "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "42",
    "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "feature/penalty",
    "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
    "CI_COMMIT_BRANCH": "",
}


def ran(said: str) -> list[str]:
    """Return the stages that a job ran, in order."""
    return re.findall(r"Running stage '([^']+)'", said)


@pytest.fixture(scope="module")
def published(
    render: Render, reproduced_study: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A reproduced study with GitLab's jobs, in a bare repository; its data in a folder."""

    def make(folder: Path) -> None:
        root = clone_study(reproduced_study, folder / "study")
        storage = next(reproduced_study.parent.glob("*-storage"))
        shutil.copytree(storage, folder / "storage")
        rendered = render({"ci": "gitlab"})
        shutil.copy(rendered / ".gitlab-ci.yml", root)
        git(root, "rm", "--quiet", "-r", ".github")
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--message", "chore: move to GitLab")

    return made_once(tmp_path_factory, "published-on-gitlab", make)


@dataclass
class Hosted:
    """A project on GitLab and a researcher's clone."""

    gitlab: forges.GitLab
    folder: Path
    published: Path

    @property
    def clone(self) -> Path:
        """The researcher's clone."""
        return self.folder / "clone"

    def commit(self, path: str, pattern: str, replacement: str, message: str) -> None:
        """Change a file of the clone and commit that."""
        edit(self.clone / path, pattern, replacement)
        git(self.clone, "commit", "--quiet", "--all", "--message", message)

    def push(self, ref: str) -> None:
        """Push from the clone."""
        git(self.clone, "push", "--quiet", "--no-verify", "origin", ref)

    def checked_out(self, ref: str) -> Path:
        """Clone and check out as GitLab does: a commit, no branch."""
        workspace = self.folder / f"job-{len(list(self.folder.iterdir()))}"
        git(self.folder, "clone", "--quiet", str(self.folder / "origin.git"), str(workspace))
        git(workspace, "checkout", "--quiet", "--detach", git(self.clone, "rev-parse", ref).strip())
        git(workspace, "remote", "set-url", "origin", f"{SERVER}/ada/study.git")
        (workspace / ".git/info/exclude").write_text(".gitlab-ci-local/\n/tmp/\n")
        shutil.copytree(
            self.published / "study/.venv", workspace / ".venv", symlinks=True,
            copy_function=os.link,
        )  # fmt: skip
        return workspace

    def call(
        self, workspace: Path, command: str, variables: Mapping[str, str], ok: bool = True
    ) -> str:
        """Run a job, or what else gitlab-ci-local can do, and return what it said."""
        assert RUNNER.exists(), "run `make project` once: it installs gitlab-ci-local"
        known = {
            "GITLAB_CI": "true",
            "CI_SERVER_URL": SERVER,
            "CI_PROJECT_ID": "42",
            "CI_API_V4_URL": self.gitlab.url,
            "GITLAB_USER_NAME": "Ada",
            "GITLAB_USER_EMAIL": "ada@example.org",
            "GITLAB_TOKEN": TOKEN,
            "CI_JOB_TOKEN": JOB_TOKEN,
            **variables,
        }
        given = [part for name in known for part in ("--variable", f"{name}={known[name]}")]
        done = subprocess.run(
            [str(RUNNER), command, "--force-shell-executor", *given],
            cwd=workspace,
            env=user_environment(
                # A runner has no name to commit with.
                GIT_CONFIG_GLOBAL=str(self.folder / "gitconfig"),
                PATH=f"{self.folder / 'bin'}{os.pathsep}{user_environment()['PATH']}",
                GCL_IGNORE_PREDEFINED_VARS=",".join(known),
            ),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", check=False,
        )  # fmt: skip
        assert (done.returncode == 0) is ok, done.stdout
        return done.stdout

    def listed(self, variables: Mapping[str, str]) -> list[str]:
        """Return the jobs of a pipeline."""
        workspace = self.checked_out("HEAD")
        said = self.call(workspace, "--list-csv", variables)
        rows = said[said.index("name;") :].splitlines()
        return [row.partition(";")[0] for row in rows[1:]]


@pytest.fixture
def hosted(published: Path, tmp_path: Path) -> Iterator[Hosted]:
    """A project of one's own, with data in a folder that jobs reach."""
    shutil.copytree(published / "storage", tmp_path / "storage")
    git(tmp_path, "clone", "--quiet", "--bare", str(published / "study"), "origin.git")
    git(tmp_path, "clone", "--quiet", "origin.git", "clone")
    (tmp_path / "gitconfig").write_text(
        f'[url "{(tmp_path / "origin.git").as_uri()}"]\n\tinsteadOf = {SERVER}/ada/study.git\n'
    )
    # gitlab-ci-local copies the clone for containers, of which there are none here.
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/rsync").symlink_to("/bin/true")
    without_sync(tmp_path / "bin")
    tokens = {
        TOKEN: forges.Token("project_42_bot", role="Reporter"),
        JOB_TOKEN: forges.Token("ada", "job"),
    }
    gitlab = forges.GitLab(tokens)
    with forges.served(gitlab, "/api/v4"):
        made = Hosted(gitlab, tmp_path, published)
        made.commit(".dvc/config", r"url = .*", f"url = {tmp_path / 'storage'}", "chore: storage")
        made.push("HEAD:main")
        yield made


def test_pipelines(hosted: Hosted) -> None:
    """What happens decides which jobs run, and nothing runs twice."""
    on_request = ["check", "test", "reproduce"]
    assert hosted.listed(REQUEST) == [*on_request, "report"]
    assert hosted.listed(REQUEST | {"GITLAB_TOKEN": ""}) == on_request
    assert hosted.listed(PUSH) == ["check", "test", "record"]
    assert hosted.listed(PUSH | {"CI_COMMIT_BRANCH": "feature/penalty"}) == []
    phase = TAG | {"CI_COMMIT_TAG": "v1.0.0-analysis-complete"}
    assert hosted.listed(phase) == ["package", "release"]
    assert hosted.listed(phase | {"ARCHIVE": "true"}) == ["package", "release", "deposit"]
    assert hosted.listed(TAG | {"CI_COMMIT_TAG": "diabetes-v1.0.0"}) == []
    assert hosted.listed(SCHEDULE | {"SCHEDULE": "proof"}) == ["proof"]
    assert hosted.listed(SCHEDULE | {"SCHEDULE": "template"}) == ["template-news"]


def test_a_merge_request(hosted: Hosted) -> None:
    """What it changes is reproduced on no more data than it needs, and reported in a note."""
    hosted.commit("params.yaml", "alpha: 10.0", "alpha: 1.0", "feat(train): a weaker penalty")
    hosted.push("HEAD:feature/penalty")
    workspace = hosted.checked_out("HEAD")
    said = hosted.call(workspace, "check", REQUEST | {"SKIP": SLOW_HOOKS})
    assert "Failed" not in said
    assert "all messages follow the convention" in said
    said = hosted.call(workspace, "reproduce", REQUEST)
    assert ran(said) == ["train", "evaluate", "figures"]
    assert not (workspace / "data/raw/diabetes.csv").exists()

    another = hosted.checked_out("HEAD")
    shutil.copytree(workspace / "report", another / "report")
    hosted.call(another, "report", REQUEST)
    (note,) = hosted.gitlab.comments
    assert note["on"] == 7
    assert "alpha" in note["body"]


def test_a_fork_has_no_credentials(hosted: Hosted) -> None:
    """A change of the documentation needs none; stages that could not be run are named."""
    (hosted.folder / "storage").rename(hosted.folder / "out-of-reach")
    fork = REQUEST | {"CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "43", "GITLAB_TOKEN": ""}
    hosted.commit("README.md", r"\A", "<!-- a word -->\n", "docs: add a word")
    hosted.push("HEAD:feature/penalty")
    workspace = hosted.checked_out("HEAD")
    said = hosted.call(workspace, "reproduce", fork)
    assert "5 stages up to date; no data fetched" in said

    hosted.commit("params.yaml", "alpha: 10.0", "alpha: 1.0", "feat(train): a weaker penalty")
    hosted.push("HEAD:feature/penalty")
    git(workspace, "fetch", "--quiet", str(hosted.folder / "origin.git"), "feature/penalty")
    git(workspace, "checkout", "--quiet", "FETCH_HEAD")
    said = hosted.call(workspace, "reproduce", fork)
    assert "not checked: train, evaluate, figures" in said
    assert ran(said) == []


def test_main_records_its_results(hosted: Hosted) -> None:
    """Data first, then git."""
    hosted.commit("params.yaml", "alpha: 10.0", "alpha: 1.0", "feat(train): a weaker penalty")
    hosted.push("HEAD:main")
    hook, listed = hosted.folder / "origin.git/hooks/pre-receive", hosted.folder / "at-push"
    hook.write_text(f"#!/bin/sh\nfind '{hosted.folder / 'storage'}' -type f >'{listed}'\n")
    hook.chmod(0o755)
    said = hosted.call(hosted.checked_out("HEAD"), "record", PUSH)
    assert ran(said) == ["train", "evaluate", "figures"]
    stored = {str(path) for path in (hosted.folder / "storage").rglob("*") if path.is_file()}
    assert set(listed.read_text().splitlines()) == stored

    git(hosted.clone, "pull", "--quiet", "origin", "main")
    assert git(hosted.clone, "log", "-1", "--format=%an %ae").strip() == "Ada ada@example.org"
    assert "dvc.lock" in git(hosted.clone, "show", "--format=", "--name-only", "HEAD")


def test_a_phase_becomes_a_release(hosted: Hosted) -> None:
    """It is made with the token of the job: the project's is a reporter's."""
    give_environment(hosted.clone, hosted.published / "study")
    write_document(hosted.clone)
    hosted.push("HEAD:main")
    run(hosted.clone, "make", "phase-complete", "PHASE=problem-formulation")
    name = "v0.1.0-problem-formulation"
    hosted.push(name)
    hosted.gitlab.tags = {name}
    hosted.call(hosted.checked_out("HEAD"), "release", TAG | {"CI_COMMIT_TAG": name})
    (release,) = hosted.gitlab.releases
    assert release["tag_name"] == name
    assert b"gates" in hosted.gitlab.files[f"{name}/manifest.yaml"]
