"""Pushes: data first, then commits and tags; and what the pre-push hook refuses."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from base64 import b64decode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from data_versioning import cli
from data_versioning.command import capture
from data_versioning.hashing import md5
from data_versioning.study import Study

from tests.conftest import ROOT, git
from tests.unit.test_branches_and_commits import PHASES

PEOPLE = "data/raw/people.csv"
SOURCE = ROOT / "template/src"
PYTHON = f"env PYTHONPATH={shlex.quote(str(SOURCE))} {shlex.quote(sys.executable)}"
HOOK = f'#!/bin/sh\nexec {PYTHON} -m data_versioning pre-push "$@"\n'
LACKS = "error: git would refer to data that the remote 'storage' lacks: "
MAKE_PUSH = "try: make push, which sends data first, then commits and tags"
CI = (
    "GITHUB_SERVER_URL", "GITHUB_TOKEN", "GITHUB_HEAD_REF", "GITHUB_REF_TYPE", "GITHUB_REF_NAME",
    "CI_SERVER_URL", "CI_COMMIT_BRANCH", "GIT_PUSH_TOKEN", "GITLAB_TOKEN",
)  # fmt: skip


class Desk:
    """A study at work, with a remote of git, `origin.git`, and one of DVC, `storage`.

    Args:
        root: The study.
        capfd: What the commands print.
    """

    def __init__(self, root: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self.origin = root.parent / "origin.git"
        self.storage = root.parent / "storage"
        self._capfd = capfd

    def push(self, *arguments: str) -> tuple[int, str, str]:
        """Call `push`; returns status, output and errors."""
        self._capfd.readouterr()
        status = cli.main(["push", *arguments])
        return status, *self._capfd.readouterr()

    def git_push(self, *arguments: str) -> tuple[int, list[str]]:
        """Call git itself; returns status and what the hook said."""
        argv = ["git", "push", *arguments]
        done = subprocess.run(argv, cwd=self.root, capture_output=True, text=True, check=False)
        ours = ("error:", "try:", "note:")
        return done.returncode, [
            line
            for line in done.stderr.splitlines()
            if line.startswith(ours) and "failed to push some refs" not in line
        ]

    def there(self, ref: str) -> str:
        """Return the commit or tag object that a reference of origin names; empty if none."""
        asked = ["git", "rev-parse", "--verify", "--quiet", ref]
        done = subprocess.run(asked, cwd=self.origin, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    def commit(self, message: str) -> str:
        """Commit everything, if only the message; returns the commit."""
        git(self.root, "add", "--all")
        git(self.root, "commit", "--quiet", "--allow-empty", "--message", message)
        return git(self.root, "rev-parse", "HEAD").strip()

    def track(self, content: str, path: str = PEOPLE) -> str:
        """Commit a new version of some data, and send it nowhere; returns the commit."""
        (self.root / path).unlink(missing_ok=True)
        (self.root / path).write_text(content)
        capture(["dvc", "add", "--quiet", path], self.root)
        return self.commit(f"data: {content!r}")

    def tag(self, name: str, *arguments: str) -> None:
        """Make an annotated tag."""
        git(self.root, "tag", "--annotate", "--message", "x", name, *arguments)


@pytest.fixture
def desk(
    science: Study, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Desk:
    """The study of the fixture `science`, with phases, a convention and the hook."""
    for name in CI:
        monkeypatch.delenv(name, raising=False)
    made = Desk(science.root, capfd)
    shutil.copy(ROOT / "template/.cz.toml", made.root)
    with (made.root / "study.yaml").open("a") as settings:
        settings.write(PHASES)
    made.commit("chore: phases")
    git(made.root.parent, "init", "--quiet", "--bare", "--initial-branch=main", "origin.git")
    git(made.root, "remote", "add", "origin", "../origin.git")
    hook(made.root, HOOK)
    return made


def hook(root: Path, text: str) -> None:
    """Install a pre-push hook."""
    path = root / ".git/hooks/pre-push"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def test_data_goes_first_then_commits_and_tags(desk: Desk) -> None:
    """A dry run names all three and sends nothing; a second run changes nothing."""
    commit = desk.track("name,age\nada,36\n")
    desk.tag("v0.1.0-problem-formulation")
    git(desk.root, "tag", "private")
    status, said, errors = desk.push("--dry-run")
    assert (status, errors) == (0, "")
    lines = said.splitlines()
    assert lines[0] == f"would send {PEOPLE} to storage"
    assert lines[1].startswith("would send commit ")
    assert lines[1].endswith(" data: 'name,age\\nada,36\\n' to origin")
    assert len(lines) == 1 + int(git(desk.root, "rev-list", "--count", "HEAD")) + 1
    assert lines[-1] == "would send tag v0.1.0-problem-formulation to origin"
    assert not desk.there("main")

    status, said, errors = desk.push()
    assert status == 0
    assert said.startswith("pushed to storage\n")
    assert said.endswith("pushed to origin: main and the tags in it\n")
    assert desk.there("main") == commit
    assert desk.there("v0.1.0-problem-formulation^{commit}") == commit
    assert not desk.there("private")  # not annotated: yours alone
    assert git(desk.root, "rev-parse", "--abbrev-ref", "@{upstream}") == "origin/main\n"
    assert desk.push("--dry-run")[:2] == (0, "nothing to send\n")
    assert desk.push()[0] == 0
    fetched = desk.root.parent / "clone"
    git(desk.root.parent, "clone", "--quiet", str(desk.origin), str(fetched))
    capture(["dvc", "remote", "modify", "--local", "storage", "url", str(desk.storage)], fetched)
    capture(["dvc", "pull", "--quiet", PEOPLE], fetched)
    assert (fetched / PEOPLE).read_text() == "name,age\nada,36\n"


def test_named_remotes_get_data_alone(desk: Desk) -> None:
    """Git's remote is not touched, nor asked for a dry run."""
    desk.track("new")
    git(desk.root, "remote", "set-url", "origin", "../gone.git")
    assert desk.push("storage", "--dry-run")[:2] == (0, f"would send {PEOPLE} to storage\n")
    assert desk.push("storage") == (0, "pushed to storage\n", "")


def test_without_a_remote_of_git(desk: Desk) -> None:
    """Data is pushed, and it says what is missing."""
    git(desk.root, "remote", "remove", "origin")
    desk.track("new")
    said = "note: no git remote, so commits and tags stay here: git remote add origin <url>\n"
    assert desk.push() == (0, "pushed to storage\n", said)
    git(desk.root, "remote", "add", "a", "../a.git")
    git(desk.root, "remote", "add", "b", "../b.git")
    assert "none of a, b is called origin" in desk.push()[2]


def test_without_a_remote_of_dvc(desk: Desk) -> None:
    """Git is pushed all the same; whoever pulls it is told on this side."""
    capture(["dvc", "remote", "remove", "storage"], desk.root)
    desk.track("new")
    status, notes = desk.git_push("origin", "main")
    assert status == 0
    assert notes == [
        "note: DVC has no remote, so the data stays on this machine: "
        "dvc remote add --default storage <url>"
    ]
    desk.track("newer")
    assert desk.push()[0] == 0
    assert desk.there("main") == git(desk.root, "rev-parse", "HEAD").strip()


def test_git_waits_for_data(desk: Desk) -> None:
    """Where data cannot be sent, git is not pushed."""
    capture(["dvc", "remote", "modify", "storage", "url", "../gone/storage"], desk.root)
    desk.track("new")
    status, said, errors = desk.push()
    assert (status, said) == (1, "")
    assert errors.startswith("error: push failed: there is no folder ")
    assert not desk.there("main")


def test_data_that_is_committed_but_no_longer_on_disk_is_sent(desk: Desk) -> None:
    """`dvc push` sends what the work tree names; the commit names an older version."""
    desk.track("committed")
    (desk.root / PEOPLE).unlink()
    (desk.root / PEOPLE).write_text("edited")
    capture(["dvc", "add", "--quiet", PEOPLE], desk.root)
    assert desk.push()[0] == 0
    clone = desk.root.parent / "clone"
    git(desk.root.parent, "clone", "--quiet", str(desk.origin), str(clone))
    capture(["dvc", "remote", "modify", "--local", "storage", "url", str(desk.storage)], clone)
    capture(["dvc", "pull", "--quiet", PEOPLE], clone)
    assert (clone / PEOPLE).read_text() == "committed"


def test_what_the_remote_lost_of_a_folder_is_sent_again(desk: Desk) -> None:
    """`dvc push` takes the files of a folder for granted where the folder's own object is."""
    (desk.root / "data/waves").mkdir()
    (desk.root / "data/waves/a.csv").write_text("wave")
    capture(["dvc", "add", "--quiet", "data/waves"], desk.root)
    desk.commit("data: waves")
    capture(["dvc", "push", "--quiet"], desk.root)
    digest = md5(desk.root / "data/waves/a.csv")
    lost = desk.storage / "files/md5" / digest[:2] / digest[2:]
    lost.unlink()
    assert desk.push()[0] == 0
    assert lost.read_text() == "wave"


def test_the_push_that_was_killed_goes_on(desk: Desk) -> None:
    """Killed when the data is there and git is not: the second call does the rest."""
    commit = desk.track("new")
    began = desk.root.parent / "began"
    hook(desk.root, f"#!/bin/sh\ntouch {shlex.quote(str(began))}\nsleep 60\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "data_versioning", "push"],
        cwd=desk.root, env={**os.environ, "PYTHONPATH": str(SOURCE)}, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not began.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert began.exists()
    assert not desk.there("main")
    hook(desk.root, HOOK)
    assert desk.push()[0] == 0
    assert desk.there("main") == commit


def test_somebody_was_faster(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The branch there has commits that are not here: the mend works, then the push does."""
    desk.push()
    other = desk.root.parent / "other"
    git(desk.root.parent, "clone", "--quiet", str(desk.origin), str(other))
    git(other, "commit", "--quiet", "--allow-empty", "--message", "feat: theirs")
    git(other, "push", "--quiet")
    desk.commit("feat: ours")
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    # The hook is the first to see it.
    assert desk.push()[2].endswith(
        "error: main there has commits that are not here: origin\n"
        "try: git pull --rebase, then push again\n"
    )
    git(desk.root, "fetch", "--quiet")
    git(desk.root, "config", "core.hooksPath", "/dev/null")
    mend = "git pull --rebase origin main && make push"
    assert desk.push()[2].endswith(
        f"error: origin has commits that are not here: main\ntry: {mend}\n"
    )
    git(desk.root, "config", "--unset", "core.hooksPath")
    git(desk.root, "pull", "--quiet", "--rebase", "origin", "main")
    assert desk.push()[0] == 0


def test_refusals_of_the_other_side(desk: Desk) -> None:
    """A protected branch, another tag of the same name, a remote that is gone."""
    desk.push()
    desk.commit("feat: one")
    there = desk.origin / "hooks/pre-receive"
    there.write_text("#!/bin/sh\nexit 1\n")
    there.chmod(0o755)
    assert desk.push()[2].endswith(
        "error: origin refused main (pre-receive hook declined): main\n"
        "try: work on a branch: git switch --create feature/<topic> && make push\n"
    )
    there.unlink()
    desk.tag("mine")
    git(desk.root, "push", "--quiet", "origin", "mine")
    git(desk.root, "push", "--quiet", "origin", "HEAD:refs/heads/main")
    git(desk.root, "tag", "--force", "--annotate", "--message", "y", "mine", "HEAD~1")
    assert desk.push()[0] == 0  # git leaves alone what is there already
    git(desk.root, "remote", "set-url", "origin", "../gone.git")
    status, _, errors = desk.push()
    assert (status, errors.splitlines()[-1]) == (1, "try: git push origin main")
    assert "error: git push failed: " in errors
    assert "Traceback" not in errors


def test_no_branch_is_checked_out(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a laptop that is refused; in CI the commit goes to the branch that CI works on."""
    git(desk.root, "switch", "--quiet", "--detach")
    commit = desk.track("result")
    assert desk.push()[2] == (
        "error: no branch is checked out: HEAD\ntry: git switch --create feature/<topic>\n"
    )
    monkeypatch.setenv("CI_COMMIT_BRANCH", "main")
    assert desk.push()[0] == 0
    assert desk.there("main") == commit
    monkeypatch.delenv("CI_COMMIT_BRANCH")
    commit = desk.commit("feat: more")
    monkeypatch.setenv("GITHUB_REF_TYPE", "tag")
    monkeypatch.setenv("GITHUB_REF_NAME", "v0.1.0-problem-formulation")
    assert desk.push()[0] == 1
    monkeypatch.setenv("GITHUB_REF_TYPE", "branch")
    monkeypatch.setenv("GITHUB_REF_NAME", "main")
    assert desk.push()[0] == 0
    assert desk.there("main") == commit


class Server:
    """A forge that refuses everybody, or sends them on, and remembers what it was sent."""

    def __init__(self) -> None:
        self.headers: list[str | None] = []
        self.moved = ""  # where to
        server = self

        class Refuse(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.headers.append(self.headers.get("Authorization"))
                self.send_response(302 if server.moved else 403)
                if server.moved:
                    self.send_header("Location", f"{server.moved}{self.path}")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Refuse)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop it."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    """A forge that refuses everybody."""
    made = Server()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("address", "token", "login"),
    [
        ("GITHUB_SERVER_URL", "GITHUB_TOKEN", "x-access-token:s3cret"),
        ("GITHUB_SERVER_URL", "GIT_PUSH_TOKEN", "x-access-token:s3cret"),
        ("CI_SERVER_URL", "GITLAB_TOKEN", "oauth2:s3cret"),
    ],
)
def test_the_token_of_ci_goes_to_its_own_forge_and_nowhere_else(
    desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
    server: Server,
    address: str,
    token: str,
    login: str,
) -> None:
    """In a header; not into an argument, a file or what is printed; not to another server."""
    git(desk.root, "config", f"http.{server.url}/.extraHeader", "Authorization: Basic b2xk")
    monkeypatch.setenv("GIT_TERMINAL_PROMPT", "0")
    monkeypatch.setenv(token, " s3cret\n")
    monkeypatch.setenv(address, f"{server.url}/")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "")
    git(desk.root, "remote", "set-url", "origin", f"{server.url}/ada/study.git")
    argv = desk.root.parent / "argv"
    spy = desk.root.parent / "bin/git"
    spy.parent.mkdir()
    real = shutil.which("git")
    spy.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" >> {shlex.quote(str(argv))}\nexec {real} "$@"\n'
    )
    spy.chmod(0o755)
    monkeypatch.setenv("PATH", f"{spy.parent}{os.pathsep}{os.environ['PATH']}")
    status, said, errors = desk.push()
    assert (status, server.headers != []) == (1, True)
    sent = [b64decode((header or "").removeprefix("Basic ")).decode() for header in server.headers]
    assert set(sent) == {login}
    assert errors.endswith(
        "error: origin refused the credentials, or there are none: main\n"
        "try: git remote get-url origin; log in to it, then: make push\n"
    )
    secrets = ("s3cret", (server.headers[0] or "").removeprefix("Basic "))
    for text in (said, errors, argv.read_text(), (desk.root / ".git/config").read_text()):
        assert not any(secret in text for secret in secrets)
    server.headers.clear()
    monkeypatch.setenv(address, "https://forge.example")
    git(desk.root, "config", "--unset", f"http.{server.url}/.extraHeader")
    desk.push()
    assert set(server.headers) == {None}


def test_the_token_of_ci_follows_nobody(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    """Neither to where the forge sends git, nor over the network in clear."""
    desk.push()
    monkeypatch.setenv("GIT_TERMINAL_PROMPT", "0")
    monkeypatch.setenv("GIT_PUSH_TOKEN", "s3cret")
    monkeypatch.setenv("GITHUB_SERVER_URL", server.url)
    git(desk.root, "remote", "set-url", "origin", f"{server.url}/ada/study.git")
    other = Server()
    server.moved = other.url
    status, _, errors = desk.push("--dry-run")
    other.close()
    assert (status, len(server.headers), other.headers) == (1, 1, [])
    assert errors == (
        "error: origin points elsewhere, where no token goes: main\n"
        "try: git remote set-url origin <where it is now>, then: make push\n"
    )
    for address in ("http://forge.example", "ftp://127.0.0.1", "https://[x"):
        monkeypatch.setenv("GITHUB_SERVER_URL", address)
        status, _, errors = desk.push("--dry-run")
        assert (status, len(server.headers)) == (1, 1)
        assert errors == (
            "error: a token goes to git's server by https only: GITHUB_SERVER_URL\n"
            "try: unset GIT_PUSH_TOKEN\n"
        )


# The hook, called by git.


def test_main_is_neither_deleted_nor_rewritten(desk: Desk) -> None:
    """By force neither; what is not known here has to be fetched first."""
    desk.track("new")
    desk.push()
    public = desk.there("main")
    deleted = ["error: main is never deleted: origin", "try: git push without --delete"]
    assert desk.git_push("origin", "--delete", "main") == (1, deleted)
    assert desk.git_push("origin", ":main") == (1, deleted)
    rewritten = [
        "error: main is never rewritten: this push drops commits that are public: origin",
        "try: git pull --rebase, then push again without --force",
    ]
    assert desk.git_push("--force", "origin", "HEAD~1:main") == (1, rewritten)
    git(desk.root, "commit", "--quiet", "--amend", "--message", "data: other")
    assert desk.git_push("--force-with-lease", "origin", "main") == (1, rewritten)
    other = desk.root.parent / "other"
    git(desk.root.parent, "clone", "--quiet", str(desk.origin), str(other))
    git(other, "commit", "--quiet", "--allow-empty", "--message", "feat: theirs")
    git(other, "push", "--quiet")
    assert desk.git_push("--force", "origin", "main") == (
        1,
        [
            "error: main there has commits that are not here: origin",
            "try: git pull --rebase, then push again",
        ],
    )
    assert desk.there("main^") == public


def test_tags_that_others_cite_stay(desk: Desk) -> None:
    """A phase's and a data set's; with others do as you like."""
    phase, people, mine = "v0.1.0-problem-formulation", "people-v1.0.0", "mine"
    for name in (phase, people, mine):
        desk.tag(name)
    desk.push()
    for name, kind, mend in (
        (phase, "phase's", "make phase-complete PHASE=<name>, which makes the next one"),
        (people, "data set's", "make data-tag NAME=<name> ..., which makes the next version"),
    ):
        before = desk.there(name)
        assert desk.git_push("origin", f":refs/tags/{name}") == (
            1,
            [f"error: a {kind} tag is never deleted, others cite it: {name}", f"try: {mend}"],
        )
        moved = [f"error: a {kind} tag is never moved, others cite it: {name}", f"try: {mend}"]
        assert desk.git_push("--force", "origin", f"HEAD~1:refs/tags/{name}") == (1, moved)
        git(desk.root, "tag", "--force", "--annotate", "--message", "again", name, "HEAD")
        assert desk.git_push("--force", "origin", "--tags") == (1, moved)
        assert desk.there(name) == before
        git(desk.root, "fetch", "--quiet", "--force", "--tags")
    assert desk.git_push("--force", "origin", f"HEAD~1:refs/tags/{mine}") == (0, [])
    assert desk.git_push("origin", f":refs/tags/{mine}") == (0, [])


def test_every_branch_of_a_push_is_looked_at(desk: Desk) -> None:
    """Not only the first; a deletion needs no good name."""
    git(desk.root, "branch", "feature/good")
    git(desk.root, "branch", "stuff")
    refused = [
        "error: a branch is called one of main, phase/<name>, feature/<topic>, fix/<topic>, "
        "docs/<topic>: stuff",
        "try: git branch -m stuff feature/stuff",
    ]
    assert desk.git_push("origin", "feature/good", "stuff") == (1, refused)
    assert desk.git_push("--all", "origin") == (1, refused)
    assert desk.git_push("origin", "stuff:feature/stuff") == (0, [])
    git(desk.root, "push", "--quiet", "--no-verify", "origin", "stuff")
    assert desk.git_push("origin", "--delete", "stuff") == (0, [])
    git(desk.root, "branch", "phase/analysis")
    git(desk.root, "branch", "phase/anal")
    assert desk.git_push("origin", "phase/analysis") == (0, [])
    assert desk.git_push("origin", "phase/anal") == (
        1,
        [
            "error: study.yaml has no phase 'anal'; it has problem-formulation, analysis: "
            "phase/anal",
            "try: git branch -m phase/anal phase/analysis",
        ],
    )


def test_git_is_refused_before_its_data(desk: Desk) -> None:
    """Named files, and the command that mends it, which does."""
    desk.track("new")
    refused = [f"{LACKS}{PEOPLE}", MAKE_PUSH]
    assert desk.git_push("origin", "main") == (1, refused)
    assert not desk.there("main")
    assert desk.push()[0] == 0
    desk.commit("feat: nothing with data")
    assert desk.git_push("origin", "main") == (0, [])


def test_data_of_other_branches_and_tags(desk: Desk) -> None:
    """What the checked out branch does not name has another mend, which does."""
    desk.push()
    git(desk.root, "switch", "--quiet", "--create", "feature/x")
    desk.track("x")
    desk.tag("x")
    git(desk.root, "switch", "--quiet", "main")
    mend = "python -m data_versioning check-remote --send storage"
    refused = [f"{LACKS}{PEOPLE}", f"try: {mend}, then push again"]
    assert desk.git_push("origin", "main", "feature/x") == (1, refused)
    assert desk.git_push("origin", "x") == (1, refused)
    git(desk.root, "tag", "feature/x", "main")  # hides nothing of the branch of this name
    both = ("refs/heads/feature/x", "refs/tags/feature/x")
    assert desk.git_push("origin", *both) == (1, refused)
    assert cli.main(mend.split()[3:]) == 0
    assert desk.git_push("origin", *both, "x") == (0, [])


def test_a_push_without_data_asks_no_remote(desk: Desk) -> None:
    """With the storage out of reach, text, branches and tags of it are pushed."""
    desk.push()
    shutil.move(desk.storage, desk.root.parent / "elsewhere")
    capture(["dvc", "remote", "modify", "--local", "storage", "url", "/gone/storage"], desk.root)
    (desk.root / "README.md").write_text("more")
    desk.commit("docs: more")
    desk.tag("v0.1.0-problem-formulation")
    assert desk.git_push("--follow-tags", "origin", "main") == (0, [])
    git(desk.root, "switch", "--quiet", "--create", "docs/more")
    desk.commit("docs: even more")
    assert desk.git_push("origin", "docs/more") == (0, [])
    desk.track("new")
    status, said = desk.git_push("origin", "docs/more")
    assert status == 1
    assert said[0].startswith("error: the remote could not be asked: there is no folder /gone")
    assert said[1].endswith("; or, if you know that the data is there: git push --no-verify")
    git(desk.root, "push", "--quiet", "--no-verify", "origin", "docs/more")


def test_data_that_this_machine_lost(desk: Desk) -> None:
    """Sending cannot mend it here; it says where it can be."""
    desk.push()
    desk.track("new")
    shutil.rmtree(desk.root / ".dvc/cache/files")
    refused = [
        f"{LACKS}{PEOPLE}",
        "try: make push, on the machine that has the data; here it is not in .dvc/cache either",
    ]
    assert desk.git_push("origin", "main") == (1, refused)


def test_data_that_came_and_went_within_a_push(desk: Desk) -> None:
    """Its commit is public all the same; each mend does."""
    desk.push()
    desk.track("came")
    desk.track("name,age\nada,36\n")
    capture(["dvc", "push", "--quiet"], desk.root)
    assert desk.git_push("origin", "main") == (1, [f"{LACKS}{PEOPLE}", MAKE_PUSH])
    git(desk.root, "branch", "feature/x")
    both = ("origin", "main", "feature/x")
    mend = "try: git switch <branch> && make push, for each of them"
    assert desk.git_push(*both) == (1, [f"{LACKS}{PEOPLE}", mend])
    assert desk.push()[0] == 0
    assert desk.git_push(*both) == (0, [])

    desk.track("lost")
    desk.track("name,age\nada,36\n")
    capture(["dvc", "push", "--quiet"], desk.root)
    shutil.rmtree(desk.root / ".dvc/cache/files")
    status, said = desk.git_push("origin", "main")
    assert (status, said[0]) == (1, f"{LACKS}{PEOPLE}")
    assert said[1].endswith("either; or, as only earlier commits name it: git push --no-verify")


def test_another_storage_or_another_remote_of_git_has_nothing_yet(desk: Desk) -> None:
    """What was there so far is not where a reader of the new commits will look for it."""
    desk.track("new")
    desk.push()
    elsewhere = desk.root.parent / "elsewhere"
    elsewhere.mkdir()
    capture(["dvc", "remote", "modify", "storage", "url", "../elsewhere"], desk.root)
    local = desk.root / ".dvc/config.local"
    if local.exists():
        local.unlink()
    desk.commit("chore: another storage")
    status, said = desk.git_push("origin", "main")
    assert status == 1
    assert said[0].startswith(LACKS)
    assert PEOPLE in said[0]
    assert desk.push()[0] == 0
    shutil.rmtree(elsewhere / "files")
    desk.commit("docs: nothing")
    assert desk.git_push("origin", "main") == (0, [])  # was looked at before
    git(desk.root.parent, "init", "--quiet", "--bare", "other.git")
    git(desk.root, "remote", "set-url", "origin", "../other.git")
    status, said = desk.git_push("origin", "main")
    assert (status, said[0].startswith(LACKS)) == (1, True)


@pytest.mark.parametrize(
    ("text", "what", "line"),
    [
        ("outs:\n\t- x\n", "not valid YAML (found character that cannot start any token)", ":2"),
        ("outs:\n- people.csv\n", "not what DVC writes", ""),
        ("outs: people.csv\n", "not what DVC writes", ""),
    ],
)
def test_what_cannot_be_read_is_not_taken_for_nothing(
    desk: Desk, text: str, what: str, line: str
) -> None:
    """In what is pushed; an earlier commit is history, and its mend is the commit after it."""
    desk.push()
    (desk.root / f"{PEOPLE}.dvc").write_text(text)
    desk.commit("data: half merged")
    refused = [
        f"error: {what}: {PEOPLE}.dvc{line} of refs/heads/main",
        f"try: $EDITOR {PEOPLE}.dvc, commit it, then push again",
    ]
    assert desk.git_push("origin", "main") == (1, refused)
    git(desk.root, "revert", "--no-edit", "HEAD")
    assert desk.git_push("origin", "main") == (0, [])


def test_pushes_that_concern_nobody(desk: Desk) -> None:
    """Nothing to do, notes, and tags of something that is no commit."""
    desk.push()
    assert desk.git_push("origin", "main") == (0, [])
    git(desk.root, "notes", "add", "-m", "a note")
    assert desk.git_push("origin", "refs/notes/commits") == (0, [])
    git(desk.root, "tag", "a-file", "HEAD:dvc.yaml")
    assert desk.git_push("origin", "a-file") == (0, [])
