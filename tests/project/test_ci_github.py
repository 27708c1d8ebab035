"""GitHub's jobs, run step by step in fresh clones, on what happens in a repository."""

from __future__ import annotations

import io
import os
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests import forges, servers
from tests.conftest import git
from tests.project.ci_expressions import holds
from tests.project.ci_runner import TOKEN, Event, Job, Runner
from tests.project.conftest import (
    S3_LOGIN,
    SLOW_HOOKS,
    give_environment,
    run,
    write_document,
)
from tests.project.test_pipeline import edit, stages_run

SECRETS = {"data-read": S3_LOGIN, "data-write": S3_LOGIN}


@dataclass
class Hosted:
    """A repository on GitHub, its data in S3, and a researcher's clone."""

    github: forges.GitHub
    clone: Path
    origin: Path
    storage: Path
    runner: Runner

    def commit(self, path: str, pattern: str, replacement: str, message: str) -> None:
        """Change a file of the clone and commit that."""
        edit(self.clone / path, pattern, replacement)
        git(self.clone, "commit", "--quiet", "--all", "--message", message)

    def push(self) -> Event:
        """Push to main and return the event."""
        git(self.clone, "push", "--quiet", "--no-verify", "origin", "HEAD:main")
        return self.event("push", "refs/heads/main")

    def tag(self, name: str) -> Event:
        """Push a tag and return the event."""
        git(self.clone, "push", "--quiet", "--no-verify", "origin", name)
        return self.event("push", f"refs/tags/{name}")

    def event(self, name: str, ref: str) -> Event:
        """Return an event for whose jobs the API is this double."""
        return Event(name, ref, secrets=SECRETS, variables={"GITHUB_API_URL": self.github.url})

    def propose(self, branch: str, fork: bool = False) -> Event:
        """Push a branch, ask to merge it, and return the event; a fork's comes without secrets."""
        git(self.clone, "push", "--quiet", "--no-verify", "origin", f"HEAD:{branch}")
        base = git(self.origin, "rev-parse", "main").strip()
        head = git(self.origin, "rev-parse", branch).strip()
        merge = ["commit-tree", f"{head}^{{tree}}", "-p", base, "-p", head]
        merged = git(self.clone, *merge, "-m", f"Merge {head} into {base}").strip()
        git(self.clone, "push", "--quiet", "--no-verify", "origin", f"{merged}:refs/pull/7/merge")
        request = {"number": 7, "base": {"sha": base}, "head": {"repo": {"fork": fork}}}
        event = self.event("pull_request", "refs/pull/7/merge")
        payload, secrets = {"pull_request": request}, {} if fork else SECRETS
        return replace(event, payload=payload, secrets=secrets, head=branch, base="main")

    def stored(self) -> set[str]:
        """Return the files in S3."""
        return {str(path) for path in self.storage.rglob("*") if path.is_file()}


@pytest.fixture
def hosted(s3_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hosted]:
    """A repository of one's own, with S3 served."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    for name in ("origin.git", "storage"):
        shutil.copytree(s3_study / name, tmp_path / name)
    git(tmp_path, "clone", "--quiet", str(tmp_path / "origin.git"), "clone")
    runner = Runner(tmp_path / "origin.git", tmp_path / "github", s3_study / "study")
    github = forges.GitHub({TOKEN: forges.Token("github-actions[bot]", "Bot")})
    # A port of its own: tests of this module may run side by side.
    port = servers.free_port()
    with servers.s3(tmp_path / "storage", port), forges.served(github):
        made = Hosted(
            github, tmp_path / "clone", tmp_path / "origin.git", tmp_path / "storage", runner
        )
        endpoint = f"endpointurl = http://127.0.0.1:{port}"
        made.commit(".dvc/config", r"endpointurl = .*", endpoint, "chore: another endpoint")
        made.push()
        yield made


def succeeded(jobs: Mapping[str, Job]) -> list[str]:
    """Return the jobs that ran, all of which went well."""
    ran = {name: job for name, job in jobs.items() if job.result != "skipped"}
    failed = [job.log() for job in ran.values() if job.result != "success"]
    assert not failed, "\n".join(failed)
    assert not any(secret in job.log() for job in ran.values() for secret in S3_LOGIN.values())
    return list(ran)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("github.event_name == 'PUSH'", True),
        ("${{ !github.event.pull_request.head.repo.fork }}", True),
        ("github.ref != 'refs/heads/main' || steps.one.outcome == 'failure'", True),
        ("github.event_name == 'push' && (false || steps.two.outcome)", False),
        ("always() && secrets.none == ''", True),
        ("failure()", False),
    ],
)
def test_conditions(condition: str, expected: bool) -> None:
    """They are evaluated as GitHub does; what it would not know is an error."""
    contexts = {
        "github": {"event_name": "push", "ref": "refs/heads/main", "event": {}},
        "steps": {"one": {"outcome": "failure"}},
        "secrets": {},
    }
    functions = {"success": lambda: True, "failure": lambda: False, "always": lambda: True}
    assert holds(condition, contexts, functions) is expected
    for unknown in ("matrix.os", "toJSON(github)", "github.ref =", "github.ref github"):
        with pytest.raises(ValueError, match=r"not understood|no such|missing"):
            holds(unknown, contexts, functions)


def test_a_pull_request_reproduces_what_it_changes(hosted: Hosted) -> None:
    """A parameter changed: its stages run on no more data than they need; the report says more."""
    before = hosted.stored()
    hosted.commit("params.yaml", "alpha: 10.0", "alpha: 1.0", "feat(train): a weaker penalty")
    jobs = hosted.runner.run(hosted.propose("feature/penalty"))
    assert succeeded(jobs) == ["check", "test", "reproduce", "report"]
    assert "Failed" not in jobs["check"].step("make check").output
    assert "1 commit since origin/main" in jobs["check"].step("make check-history").output
    assert " passed" in jobs["test"].step("make test").output

    job = jobs["reproduce"]
    assert job.step("make check-pipeline").outcome == "failure"
    assert "params.yaml: train" in job.step("make check-pipeline").output
    assert stages_run(job.step("make reproduce").output) == ["train", "evaluate", "figures"]
    assert not (job.workspace / "data/raw/diabetes.csv").exists()
    assert (job.workspace / "report/report.html").exists()
    assert hosted.stored() == before

    (comment,) = hosted.github.comments
    assert comment["on"] == 7
    for text in (comment["body"], jobs["report"].summary):
        assert "| `train.alpha` | 10 | 1 |" in text
        assert "| `test.r2` | 0.4602 | 0.4584 |" in text


def test_a_bad_message_fails_the_check(hosted: Hosted) -> None:
    """Of one of the commits that are to be merged."""
    hosted.commit("README.md", r"\A", "<!-- a word -->\n", "a word")
    event = hosted.propose("docs/a-word")
    event = replace(event, variables={**event.variables, "SKIP": SLOW_HOOKS})
    job = hosted.runner.run(event, ["check"])["check"]
    assert (job.result, job.step("make check").outcome) == ("failure", "success")
    said = job.step("make check-history").output
    assert "a word" in said and "not like" in said


def test_a_fork_has_no_credentials(hosted: Hosted) -> None:
    """It is told what could not be checked; the report stands in the summary, not in a comment."""
    hosted.commit("params.yaml", "alpha: 10.0", "alpha: 1.0", "feat(train): a weaker penalty")
    event = hosted.propose("feature/penalty", fork=True)
    jobs = hosted.runner.run(event, ["reproduce", "report"])
    assert succeeded(jobs) == ["reproduce", "report"]
    said = jobs["reproduce"].step("make reproduce").output
    assert "not checked: train, evaluate, figures" in said
    assert stages_run(said) == []
    assert jobs["report"].step("make comment").outcome == "skipped"
    assert "alpha" in jobs["report"].summary
    assert hosted.github.comments == []


def test_documentation_takes_no_data(hosted: Hosted) -> None:
    """Nothing is restored, fetched, run, committed or sent: neither on request nor on main."""
    before = hosted.stored()
    hosted.commit("README.md", r"\A", "<!-- a word -->\n", "docs: add a word")
    jobs = hosted.runner.run(hosted.propose("docs/a-word"), ["reproduce"])
    jobs |= hosted.runner.run(hosted.push(), ["record"])
    assert succeeded(jobs) == ["reproduce", "record"]
    for job in jobs.values():
        assert job.step("make check-pipeline").outcome == "success"
        assert job.step("actions/cache/restore").outcome == "skipped"
        assert not list(job.workspace.glob(".dvc/cache/files/**/*.*"))
    assert "no data fetched" in jobs["reproduce"].step("make reproduce").output
    assert jobs["record"].step("make reproduce").outcome == "skipped"
    assert jobs["record"].step("make push").outcome == "skipped"
    assert git(hosted.origin, "rev-parse", "main") == git(hosted.clone, "rev-parse", "HEAD")
    assert hosted.stored() == before


def test_main_records_its_results(hosted: Hosted) -> None:
    """The data is in its remote when the commit that refers to it arrives; then all is done."""
    before = hosted.stored()
    listed = hosted.origin.parent / "stored-at-push"
    hook = hosted.origin / "hooks/pre-receive"
    hosted.commit("params.yaml", "alpha: 10.0", "alpha: 1.0", "feat(train): a weaker penalty")
    event = hosted.push()
    hook.write_text(f"#!/bin/sh\nfind '{hosted.storage}' -type f >'{listed}'\n")
    hook.chmod(0o755)
    job = hosted.runner.run(event, ["record"])["record"]
    assert succeeded({"record": job}) == ["record"]
    assert stages_run(job.step("make reproduce").output) == ["train", "evaluate", "figures"]
    assert set(listed.read_text().splitlines()) == hosted.stored() > before

    git(hosted.clone, "fetch", "--quiet")
    assert git(hosted.clone, "rev-list", "--count", "HEAD..origin/main").strip() == "1"
    changed = git(hosted.clone, "diff", "--name-only", "HEAD", "origin/main").splitlines()
    assert {"dvc.lock", "results/metrics.json"} <= set(changed)
    assert git(job.workspace, "status", "--porcelain") == ""


def test_a_phase_becomes_a_release(hosted: Hosted) -> None:
    """A tag that holds what it says does, with its package; a tag made by hand does not."""
    give_environment(hosted.clone, hosted.runner.prepared)
    write_document(hosted.clone)
    (hosted.clone / "docs/interpretation.md").write_text("# Interpretation\n\nNot refuted.\n")
    git(hosted.clone, "add", "docs")
    git(hosted.clone, "commit", "--quiet", "--message", "docs(interpretation): answer H1")
    hosted.push()
    run(hosted.clone, "make", "phase-complete", "PHASE=interpretation", "OVERRIDE=first of all")
    name = "v1.1.0-interpretation"
    hosted.runner.syncs = True
    jobs = hosted.runner.run(replace(hosted.tag(name), settings={"ARCHIVE": "true"}))
    hosted.runner.syncs = False
    assert succeeded(jobs) == ["package", "release", "deposit"]
    (release,) = hosted.github.releases
    assert release["tag_name"] == name
    assert not release["draft"]
    manifest, volume = sorted(hosted.github.files, key=lambda one: one.endswith(".zip"))
    assert b"gates" in hosted.github.files[manifest]
    with zipfile.ZipFile(io.BytesIO(hosted.github.files[volume])) as package:
        assert {"verify.py", "models/model.joblib"} <= set(package.namelist())
    # The draft is made where the author is.
    assert "no draft with a DOI is reserved" in jobs["deposit"].step("make deposit").output

    git(hosted.clone, "tag", "--annotate", "--message", "done", "v0.2.0-literature-review")
    jobs = hosted.runner.run(hosted.tag("v0.2.0-literature-review"))
    assert (jobs["package"].result, jobs["deposit"].result) == ("failure", "skipped")
    job = jobs["release"]
    assert job.result == "failure"
    assert "v0.2.0-literature-review" in job.step("make phase-verify").output
    assert job.step("make release").outcome == "skipped"
    git(hosted.clone, "tag", "--annotate", "--message", "new", "diabetes-v1.0.0")
    assert hosted.runner.run(hosted.tag("diabetes-v1.0.0")) == {}
    assert len(hosted.github.releases) == 1


def test_schedules(hosted: Hosted) -> None:
    """The proof runs everything again and compares; the template is asked for its news."""
    hosted.runner.syncs = True  # of the proof's own clone, too
    jobs = hosted.runner.run(hosted.event("schedule", "refs/heads/main"))
    assert sorted(succeeded(jobs)) == ["news", "prove"]
    assert "collect" in jobs["prove"].step("make prove").output
    assert "no newer version" in jobs["news"].step("make template-news").output
