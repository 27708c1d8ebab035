"""Comments, releases and issues, against doubles of GitHub and GitLab with their faults."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest
import yaml
from data_versioning import rest
from data_versioning.archive.package import Release, create_reproducibility_package
from data_versioning.cli import main
from data_versioning.command import capture
from data_versioning.phases.gate import PhaseGate
from data_versioning.study import Study

from tests import forges
from tests.conftest import git
from tests.forges import Fault, Forge, Request, Token, served
from tests.unit.conftest import waited
from tests.unit.small_packages import CITED

TOKEN = "ghs_TESTTOKEN0001"  # pragma: allowlist secret
READER = "ghs_TESTREADER0001"  # pragma: allowlist secret
PERSON = "ghp_TESTPERSON0001"  # pragma: allowlist secret
JOB = "glcbt_TESTJOB0001"  # pragma: allowlist secret
TOKENS = {
    TOKEN: Token("github-actions[bot]", "Bot"),
    READER: Token("github-actions[bot]", "Bot", write=False),
    PERSON: Token("grace", role="Reporter"),
    JOB: Token("ada", "job"),
}
MARKER = "<!-- copier-research:report -->"
VARIABLES = (
    "GITHUB_REPOSITORY", "GITHUB_API_URL", "GITHUB_TOKEN", "GITHUB_REF", "GITHUB_EVENT_PATH",
    "GITHUB_SERVER_URL", "GITHUB_RUN_ID", "CI_PROJECT_ID", "CI_API_V4_URL", "CI_JOB_TOKEN",
    "GITLAB_TOKEN", "CI_MERGE_REQUEST_IID", "CI_PIPELINE_URL", "HTTP_PROXY", "http_proxy",
)  # fmt: skip
TAG = "v0.1.0-question"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    study: Study,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Run]:
    """Run a verb in a study with a report; what is printed and logged never holds a token."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(rest, "PAUSE", 0.01)
    caplog.set_level(logging.DEBUG)
    (study.root / "report").mkdir()
    (study.root / "report/report.md").write_text("## What changed\n\naccuracy +0.1\n")
    said = ""

    def call(*argv: str) -> tuple[int, str, str]:
        nonlocal said
        capsys.readouterr()
        try:
            status = main(list(argv))
        except SystemExit as ended:
            status = int(ended.code or 0)
        out, err = capsys.readouterr()
        said += out + err
        assert "Traceback" not in err
        return status, out, err

    yield call
    for token in TOKENS:
        assert token not in said + caplog.text


@pytest.fixture
def github(run: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[forges.GitHub]:
    """GitHub, and the environment of a job of pull request 7."""
    with served(forges.GitHub(TOKENS)) as double:
        assert isinstance(double, forges.GitHub)
        monkeypatch.setenv("GITHUB_REPOSITORY", "ada/study")
        monkeypatch.setenv("GITHUB_API_URL", double.url)
        monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
        monkeypatch.setenv("GITHUB_REF", "refs/pull/7/merge")
        yield double
        _only_in_headers(double, ("authorization",))


@pytest.fixture
def gitlab(run: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[forges.GitLab]:
    """GitLab, and the environment of a job of merge request 7."""
    with served(forges.GitLab(TOKENS), "/api/v4") as double:
        assert isinstance(double, forges.GitLab)
        monkeypatch.setenv("CI_PROJECT_ID", "42")
        monkeypatch.setenv("CI_API_V4_URL", double.url)
        monkeypatch.setenv("CI_JOB_TOKEN", JOB)
        monkeypatch.setenv("GITLAB_TOKEN", PERSON)
        monkeypatch.setenv("CI_MERGE_REQUEST_IID", "7")
        yield double
        _only_in_headers(double, ("private-token", "job-token"))


@pytest.fixture(params=["github", "gitlab"])
def forge(request: pytest.FixtureRequest) -> Forge:
    """Either of them."""
    double = request.getfixturevalue(request.param)
    assert isinstance(double, Forge)
    return double


def _only_in_headers(double: Forge, names: tuple[str, ...]) -> None:
    for request in double.requests:
        rest = {key: value for key, value in request.headers.items() if key not in names}
        told = f"{request.path} {rest} {request.body!r}"
        assert not [token for token in TOKENS if token in told]


@pytest.fixture
def tagged(study: Study, run: Run) -> Study:
    """A study with a tagged phase."""
    plan = [{"name": "question", "version": "0.1.0", "gates": ["clean"]}]
    with (study.root / "study.yaml").open("a") as file:
        file.write(yaml.safe_dump({"phases": plan}))
    with (study.root / ".gitignore").open("a") as file:
        file.write("/report/\n")
    git(study.root, "add", "--all")
    git(study.root, "commit", "--quiet", "--message", "docs: the question")
    assert PhaseGate(study.root).complete("question").name == TAG
    return Study(study.root)


def the_comment(double: Forge) -> str:
    (one,) = double.comments
    return str(one["body"])


# --- comment


def test_one_comment_is_put_brought_up_to_date_and_left(
    run: Run, forge: Forge, study: Study
) -> None:
    status, out, _ = run("comment")
    request = "pull request 7 of GitHub" if _is_github(forge) else "merge request 7 of GitLab"
    assert (status, out) == (0, f"put the report under {request}\n")
    assert the_comment(forge).startswith(f"{MARKER}\n## What changed")
    assert forge.comments[0]["on"] == 7

    writes = [one for one in forge.requests if one.method != "GET"]
    assert run("comment")[1].startswith("the report is as it was under")
    assert [one for one in forge.requests if one.method != "GET"] == writes

    (study.root / "report/report.md").write_text("## Changed again\n")
    assert run("comment")[1].startswith("brought the report up to date under")
    assert "## Changed again" in the_comment(forge)


def _is_github(double: Forge) -> bool:
    return isinstance(double, forges.GitHub)


def test_own_comment_is_found_behind_others_on_later_pages(
    run: Run, forge: Forge, study: Study
) -> None:
    forge.largest_page = 2
    assert run("comment")[0] == 0
    (own,) = forge.comments
    mallory = {"user": {"login": "mallory", "type": "User"}, "author": {"id": 1}}
    others = [
        {**own, **mallory, "id": 900 + number, "body": f"{MARKER}\nmine" if number else "hello"}
        for number in range(5)
    ]
    quoting = {**own, "id": 990, "body": f"> {MARKER}\n"}
    second = {**own, "id": 991, "body": f"{MARKER}\nan older one"}
    forge.comments = [*others, quoting, own, second]
    (study.root / "report/report.md").write_text("new\n")
    assert run("comment")[1].startswith("brought the report up to date")
    assert own["body"].startswith(f"{MARKER}\nnew")
    assert [one["body"] for one in others] == ["hello", *[f"{MARKER}\nmine"] * 4]
    assert second["body"] == f"{MARKER}\nan older one" and len(forge.comments) == 8


def test_a_person_token_finds_its_own_comments_by_login(
    run: Run, github: forges.GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("comment")[0] == 0  # the bot's
    monkeypatch.setenv("GITHUB_TOKEN", PERSON)
    assert run("comment")[1].startswith("put the report")
    assert run("comment")[1].startswith("the report is as it was")
    assert [one["user"]["login"] for one in github.comments] == ["github-actions[bot]", "grace"]


def test_it_says_why_there_is_no_comment(
    run: Run, github: forges.GitHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", READER)
    said = "no comment: GitHub refused (403 Resource not accessible by integration)"
    assert run("comment") == (0, f"{said}, as in a pull request from a fork\n", "")
    monkeypatch.delenv("GITHUB_TOKEN")
    said = "no comment: no GITHUB_TOKEN, as in a pull request from a fork\n"
    assert run("comment") == (0, said, "")
    monkeypatch.setenv("GITHUB_REF", "refs/heads/main")
    said = "no comment: this job runs for no pull request\n"
    assert run("comment") == (0, said, "")

    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 9}}))
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(event))
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    assert run("comment")[1] == "put the report under pull request 9 of GitHub\n"
    for broken in ("[]", "{", '{"pull_request": null}'):
        event.write_text(broken)
        assert run("comment")[1] == said


def test_it_says_why_there_is_no_note(
    run: Run, gitlab: forges.GitLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITLAB_TOKEN")
    said = "no comment: no GITLAB_TOKEN, as in a merge request from a fork\n"
    assert run("comment") == (0, said, "")
    monkeypatch.delenv("CI_MERGE_REQUEST_IID")
    assert run("comment") == (0, "no comment: this job runs for no merge request\n", "")
    assert gitlab.requests == []


def test_outside_ci_it_says_what_to_do_instead(run: Run) -> None:
    said = "error: this is for CI: no job of GitHub Actions or GitLab CI\ntry: make "
    assert run("comment") == (1, "", f"{said}report\n")
    assert run("template-news") == (1, "", f"{said}template-check\n")


def test_without_a_report_there_is_nothing_to_put(
    run: Run, github: forges.GitHub, study: Study
) -> None:
    (study.root / "report/report.md").unlink()
    status, _, err = run("comment")
    assert status == 1
    assert err == f"error: no report: {study.root / 'report/report.md'}\ntry: make report\n"
    assert github.requests == []


def test_a_dry_run_sends_nothing(run: Run, forge: Forge) -> None:
    status, out, _ = run("comment", "--dry-run")
    assert status == 0 and "request 7 of Git" in out and MARKER in out and "accuracy" in out
    assert forge.requests == []


def test_a_comment_is_as_long_as_the_server_takes_and_links_the_job(
    run: Run, github: forges.GitHub, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
    monkeypatch.setenv("GITHUB_RUN_ID", "12")
    (study.root / "report/report.md").write_text("word\n" * 30_000)
    assert run("comment")[0] == 0
    body = the_comment(github)
    assert 65_000 < len(body) <= 65_536 and "longer than a comment can be" in body
    assert body.endswith("(https://github.com/ada/study/actions/runs/12)\n")

    # What is cut in a drawing goes without it.
    (study.root / "report/report.md").write_text("## a\n\n```mermaid\n" + "a-->b\n" * 30_000)
    assert run("comment")[0] == 0
    body = the_comment(github)
    assert body.startswith(f"{MARKER}\n## a\n\n_The report is longer") and "```" not in body


def test_a_note_takes_what_a_comment_cannot(run: Run, gitlab: forges.GitLab, study: Study) -> None:
    text = "word\n" * 30_000
    (study.root / "report/report.md").write_text(text)
    assert run("comment")[0] == 0
    assert the_comment(gitlab) == f"{MARKER}\n{text}"


# --- faults


@pytest.mark.parametrize(
    "fault",
    [
        Fault("502"), Fault("429"), Fault("403", path="comments|notes"), Fault("cut"),
        Fault("cut", "POST"), Fault("lost", "POST"), Fault("502", "POST"), Fault("429", "POST"),
        Fault("slow", "POST"), Fault("slow"),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.method}",
)  # fmt: skip
def test_a_passing_fault_leaves_one_comment(
    run: Run, forge: Forge, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest, "PATIENCE", 0.5)
    forge.faults = [fault]
    assert run("comment")[0] == 0
    assert forge.faults == []
    assert len(forge.comments) == 1


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        ("502", "failed (502 Bad Gateway)"),
        ("429", "failed (429 Too Many Requests)"),
        ("cut", "did not answer (RemoteProtocolError)"),
    ],
)
def test_a_fault_that_stays_is_told_in_a_line(
    run: Run, forge: Forge, fault: str, what: str
) -> None:
    forge.faults = [Fault(fault, path="comments|notes") for _ in range(9)]
    status, out, err = run("comment")
    assert (status, out) == (1, "")
    name = "GitHub" if _is_github(forge) else "GitLab"
    assert err.startswith(f"error: {name} {what}: GET http://127.0.0.1:")
    assert err.endswith("\ntry: try again later\n") and err.count("\n") == 2
    assert "<html>" not in err and len(forge.faults) == 9 - rest.TRIES


def test_it_does_not_wait_for_ever(run: Run, github: forges.GitHub) -> None:
    github.faults = [Fault("429", path="comments", wait="3600")]
    status, _, err = run("comment")
    assert status == 1 and "GitHub failed (429 Too Many Requests)" in err


def test_a_token_the_server_does_not_know(
    run: Run, forge: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GITHUB_TOKEN", "GITLAB_TOKEN"):
        monkeypatch.setenv(name, "unknown-token")
    status, _, err = run("comment")
    assert status == 1 and "refused (401 " in err and "try: renew the token" in err
    assert "unknown-token" not in err


@pytest.mark.parametrize("kind", ["html", "list"])
def test_an_answer_of_another_kind(run: Run, forge: Forge, kind: str) -> None:
    forge.faults = [Fault(kind, path="comments|notes")]
    status, _, err = run("comment")
    assert status == 1 and "answered with something else than was asked" in err


# --- where a token goes


def test_no_token_follows_a_redirect(run: Run, github: forges.GitHub) -> None:
    with served(forges.GitHub(TOKENS)) as other:
        github.elsewhere = f"{other.url}/repos/ada/study/issues/7/comments"
        github.faults = [Fault("redirect", path="comments")]
        status, _, err = run("comment")
        assert status == 1
        assert "GitHub points elsewhere (302), where no token goes" in err
        assert other.requests == []


def test_no_token_goes_to_another_server(run: Run, github: forges.GitHub, tagged: Study) -> None:
    with served(forges.GitHub(TOKENS)) as other:
        github.upload_url = other.url
        status, _, err = run("release", TAG)
        assert status == 1
        assert "error: GitHub named another server, which gets no token: http://127.0.0.1" in err
        assert other.requests == []
        assert [one["draft"] for one in github.releases] == [True]


def test_pages_of_another_server_are_not_asked_for(run: Run, github: forges.GitHub) -> None:
    with served(forges.GitHub(TOKENS)) as other:
        github.largest_page = 1
        github.comments = [{"id": n, "on": 7, "user": {}, "body": ""} for n in range(3)]
        github.url, own = other.url, github.url
        status, _, err = run("comment")
        github.url = own
        assert status == 1 and "named another server" in err
        assert other.requests == []


@pytest.mark.parametrize("url", ["http://example.org/api", "ftp://127.0.0.1", "//x", ""])
def test_a_token_needs_https(
    run: Run, github: forges.GitHub, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setattr("socket.create_connection", None)  # nothing is sent
    monkeypatch.setenv("GITHUB_API_URL", url or "http://192.0.2.1:80")
    status, _, err = run("comment")
    assert status == 1 and "a token goes to GitHub by https only" in err


def test_a_token_that_is_none(
    run: Run, github: forges.GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "one\ntwo")
    status, _, err = run("comment")
    assert (status, err) == (
        1,
        "error: the token for GitHub holds characters that no token has\ntry: copy it once more\n",
    )


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "nonsense://127.0.0.1"])
def test_a_proxy_that_cannot_be_used(
    run: Run, github: forges.GitHub, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    # What is asked on this machine, with its token, goes by no proxy.
    assert run("comment")[0] == 0 and github.requests
    monkeypatch.setenv("GITHUB_API_URL", "https://forge.example")
    status, _, err = run("comment")
    assert status == 1
    assert err.startswith("error: no proxy that can be used: the environment\ntry: unset ALL_PROXY")


@pytest.mark.parametrize(
    ("url", "is_asked"),
    [
        ("https://uploads.github.com", True),
        ("https://uploads.github.com.example.org", False), ("http://uploads.github.com", False),
        ("https://github.com", False), ("https://api.github.com:444", False),
        ("https://x@api.github.com", False),
    ],
)  # fmt: skip
def test_github_uploads_go_to_its_server_for_uploads(
    run: Run, github: forges.GitHub, tagged: Study, monkeypatch: pytest.MonkeyPatch,
    url: str, is_asked: bool,
) -> None:  # fmt: skip
    """What goes to GitHub's own API is answered by the double, as nothing else is."""
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        headers = {key.lower(): value for key, value in request.headers.items()}
        path = request.url.raw_path.decode()
        double = github.answer(Request(request.method, path, headers, request.read()))
        return httpx.Response(double.status, json=double.body)

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", lambda _, asked: answer(asked))
    monkeypatch.setenv("GITHUB_API_URL", "https://api.github.com")
    github.upload_url = url
    status, _, err = run("release", TAG)
    if is_asked:
        assert (status, err) == (0, "") and set(asked) == {"api.github.com", "uploads.github.com"}
    else:
        assert status == 1 and "error: GitHub named another server, which gets no token" in err
        assert set(asked) == {"api.github.com"}


# --- release


def test_a_release_is_made_and_brought_up_to_date(run: Run, forge: Forge, tagged: Study) -> None:
    forge.tags = {TAG}
    status, out, err = run("release", TAG)
    assert (status, err) == (0, "") and out.startswith("made the release https://git")
    (made,) = forge.releases
    assert made["name"] == f"Question ({TAG})" and made["tag_name"] == TAG
    body = made.get("description") or made["body"]
    assert body.startswith("Question complete: `Test`, 20")
    assert "| clean | holds |" in body
    assert not made.get("draft")
    manifest = yaml.safe_load(forge.files[f"{TAG}/manifest.yaml"])
    assert (manifest["phase"], manifest["version"]) == ("question", "0.1.0")
    assert set(forge.files) == {f"{TAG}/manifest.yaml"}
    if isinstance(forge, forges.GitLab):
        (link,) = forge.links
        place = f"{forge.url}/projects/42/packages/generic/release/{TAG}/manifest.yaml"
        assert (link["name"], link["url"]) == ("manifest.yaml", place)

    uploads = [one for one in forge.requests if b"gates:" in one.body]
    assert len(uploads) == 1
    made |= {"name": "Old", "body": "old", "description": "old"}
    status, out, _ = run("release", TAG)
    assert status == 0 and out.startswith("brought up to date: the release https://git")
    assert len(forge.releases) == 1
    assert made["name"] == f"Question ({TAG})" and body in (made["body"], made["description"])
    assert [one for one in forge.requests if b"gates:" in one.body] == uploads  # it was there


def test_a_release_holds_the_package(
    run: Run, forge: Forge, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its volumes, once; not one that was changed, nor one of another commit."""
    root = study.root
    plan = [{"name": "question", "version": "0.1.0", "gates": ["clean"]}]
    with (root / "study.yaml").open("a") as file:
        file.write(yaml.safe_dump({"phases": plan}))
    with (root / ".gitignore").open("a") as file:
        file.write("/packages/\n")
    (root / "CITATION.cff").write_bytes(CITED)
    (root / "pyproject.toml").write_text(
        '[project]\nname = "study"\nversion = "0"\nrequires-python = ">=3.11"\n'
    )
    capture(["dvc", "repro", "--quiet"], root)
    capture(["uv", "lock", "--quiet", "--offline"], root)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "feat: results")
    PhaseGate(root).complete("question")
    forge.tags = {TAG}
    made_of_tag = partial(create_reproducibility_package, rev=TAG, project_dir=root)
    package, said = waited(root / ".dvc/tmp/package.lock", made_of_tag, monkeypatch)
    assert said == "waiting for process 4242: it makes a package\n"
    (volume,) = package.volumes
    status, out, err = run("release", TAG, "--dry-run")
    assert status == 0 and f"file: {volume.name} ({volume.stat().st_size} bytes)" in out, err
    for made in ("made", "brought up to date:"):
        status, out, err = run("release", TAG)
        assert status == 0 and out.startswith(f"{made} the release"), err
    assert forge.files[f"{TAG}/{volume.name}"] == volume.read_bytes()
    assert set(forge.files) == {f"{TAG}/manifest.yaml", f"{TAG}/{volume.name}"}
    body = forge.releases[0].get("description") or forge.releases[0]["body"]
    assert f"`{volume.name}`: everything to run it again" in body
    sent = [one for one in forge.requests if one.body == volume.read_bytes()]
    assert [one.headers["content-length"] for one in sent] == [str(volume.stat().st_size)]

    whole = volume.read_bytes()
    volume.write_bytes(whole[:50] + bytes([whole[50] ^ 1]) + whole[51:])
    status, _, err = run("release", TAG)
    assert status == 1 and "no release: the package does not verify" in err
    volume.unlink()
    (root / "notes.txt").write_text("more\n")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "docs: more")
    create_reproducibility_package(project_dir=root, release=Release(TAG))
    status, _, err = run("release", TAG)
    assert status == 1 and "no release: the package is of another commit" in err


def test_a_release_with_another_token(
    run: Run, gitlab: forges.GitLab, tagged: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    gitlab.tags = {TAG}
    gitlab.tokens = TOKENS | {JOB: Token("ada", "job", role="Reporter")}
    status, _, err = run("release", TAG)
    assert status == 1 and "GitLab refused (403 403 Forbidden)" in err
    gitlab.tokens = TOKENS | {PERSON: Token("grace")}
    monkeypatch.delenv("CI_JOB_TOKEN")
    assert run("release", TAG)[0] == 0
    monkeypatch.delenv("GITLAB_TOKEN")
    status, _, err = run("release", TAG)
    assert status == 1
    assert err.startswith("error: no release: no GITLAB_TOKEN: GitLab\ntry: give the job a token")


def test_a_release_that_takes_no_more_files_got_them_before(
    run: Run, github: forges.GitHub, tagged: Study
) -> None:
    github.immutable = True
    assert run("release", TAG)[0] == 0
    (asset,) = github.releases[0]["assets"]
    assert run("release", TAG)[0] == 0  # nothing to upload
    asset["digest"] = "another"
    status, _, err = run("release", TAG)
    assert status == 1 and "422 Cannot delete asset from an immutable release" in err


@pytest.mark.parametrize(
    "fault",
    [
        Fault("lost", "POST", "releases$"), Fault("502", "POST", "assets"),
        Fault("lost", "POST", "assets"), Fault("cut", "POST", "releases$"),
        Fault("502", "PUT", "generic"), Fault("lost", "POST", "links"), Fault("cut", "PATCH"),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.method}-{fault.path}",
)  # fmt: skip
def test_a_passing_fault_leaves_one_release(
    run: Run, forge: Forge, tagged: Study, fault: Fault
) -> None:
    forge.tags = {TAG}
    forge.faults = [fault]
    assert run("release", TAG)[0] == 0
    assert len(forge.releases) == 1
    assert len(forge.files) == 1
    if isinstance(forge, forges.GitHub):
        assert len(forge.releases[0]["assets"]) == 1
        assert forge.releases[0]["draft"] is False
    else:
        assert len(forge.links) == 1


def test_what_a_failed_upload_left_is_replaced(
    run: Run, github: forges.GitHub, tagged: Study
) -> None:
    github.faults = [Fault("502", "POST", "assets") for _ in range(9)]
    assert run("release", TAG)[0] == 1
    assert github.releases[0]["draft"] is True  # nobody sees half a release
    started = {"id": 800, "name": "manifest.yaml", "state": "starter", "digest": None}
    github.releases[0]["assets"].append(started)
    github.faults = []
    assert run("release", TAG)[0] == 0
    assert {one["state"] for one in github.releases[0]["assets"]} == {"uploaded"}
    assert len(github.releases) == 1 and len(github.releases[0]["assets"]) == 1


def test_a_tag_that_is_not_what_it_says_is_no_release(
    run: Run, forge: Forge, tagged: Study
) -> None:
    message = git(tagged.root, "tag", "--list", "--format=%(contents)", TAG)
    manifest = message.partition("\n---\n")[2]
    commit = yaml.safe_load(manifest)["commit"]
    git(tagged.root, "commit", "--quiet", "--allow-empty", "--message", "docs: later")
    git(tagged.root, "tag", "--delete", TAG)
    git(tagged.root, "tag", "--annotate", "--message", message, TAG, "HEAD")
    status, out, err = run("release", TAG)
    assert (status, out) == (1, "")
    assert err.startswith(f"error: no release: {TAG} is not what it says: ")
    assert commit[:7] in err
    assert forge.requests == []

    status, _, err = run("release", "v9.9.9-none")
    assert status == 1 and "v9.9.9-none" in err and forge.requests == []


def test_a_dry_run_of_a_release_works_everywhere(run: Run, tagged: Study) -> None:
    status, out, _ = run("release", TAG, "--dry-run")
    assert status == 0
    assert f"Question ({TAG})" in out and "| clean | holds |" in out
    assert "file: manifest.yaml (" in out
    status, _, err = run("release", TAG)
    assert status == 1 and "this is for CI" in err and f"release {TAG} --dry-run" in err


# --- template news


@pytest.fixture
def newer(study: Study, tmp_path: Path) -> Study:
    """A study whose template, a repository, has a newer version than it was made with."""
    source = tmp_path / "template"
    source.mkdir()
    (source / "copier.yml").write_text("{}\n")
    (source / "{{ _copier_conf.answers_file }}.jinja").write_text("{{ _copier_answers|to_yaml }}\n")
    git(source, "init", "--quiet")
    for version in ("1.0.0", "1.2.0"):
        (source / "CHANGELOG.md").write_text(version)
        git(source, "add", "--all")
        git(source, "commit", "--quiet", "--message", version)
        git(source, "tag", f"v{version}")
    answers = {"_commit": "v1.0.0", "_src_path": str(source)}
    (study.root / ".copier-answers.yml").write_text(yaml.safe_dump(answers))
    git(study.root, "add", "--all")
    git(study.root, "commit", "--quiet", "--message", "chore: answers")
    return Study(study.root)


def release_template(study: Study, version: str) -> None:
    source = Path(study.answers["_src_path"])
    git(source, "commit", "--quiet", "--allow-empty", "--message", version)
    git(source, "tag", f"v{version}")


def test_one_issue_tells_of_a_newer_template(run: Run, forge: Forge, newer: Study) -> None:
    marker = "<!-- copier-research:template-news -->"
    by = {"author": {"id": 1}, "user": {"login": "mallory", "type": "User"}}
    foreign = {
        "id": 1,
        "number": 1,
        "iid": 1,
        "state": "open",
        "title": "mine",
        "body": marker,
    } | by
    pull = {**foreign, "id": 2, "user": {"type": "Bot"}, "pull_request": {}}
    forge.issues = [foreign, pull] if _is_github(forge) else [{**foreign, "state": "opened"}]
    known = len(forge.issues)
    status, out, err = run("template-news")
    assert (status, err) == (0, "") and out.startswith("opened an issue: https://git")
    made = forge.issues[-1]
    text = made.get("description") or made["body"]
    assert made["title"] == "Template version 1.2.0 is available"
    assert "made with version `1.0.0` of its template; version `1.2.0`" in text
    assert "make template-update" in text and "`CHANGELOG.md` of `/" in text

    assert run("template-news")[1].startswith("the issue is there already: https://git")
    release_template(newer, "2.0.0")
    assert run("template-news")[1].startswith("brought the issue up to date: https://git")
    assert len(forge.issues) == known + 1
    assert made["title"] == "Template version 2.0.0 is available"
    assert forge.issues[0]["title"] == "mine"

    made["state"] = "closed"
    assert run("template-news")[1].startswith("opened an issue")
    assert len(forge.issues) == known + 2


def test_no_issue_for_a_current_template(run: Run, forge: Forge, newer: Study) -> None:
    answers = newer.answers | {"_commit": "v1.2.0"}
    (newer.root / ".copier-answers.yml").write_text(yaml.safe_dump(answers))
    said = "the template has no newer version than 1.2.0\n"
    assert run("template-news") == (0, said, "")
    assert forge.requests == []


def test_a_lost_answer_opens_no_second_issue(run: Run, forge: Forge, newer: Study) -> None:
    forge.faults = [Fault("lost", "POST", "issues")]
    assert run("template-news")[1].startswith("opened an issue")
    assert len(forge.issues) == 1


def test_news_that_nobody_would_see_fail(
    run: Run, forge: Forge, newer: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "GITHUB_TOKEN" if _is_github(forge) else "GITLAB_TOKEN"
    monkeypatch.delenv(name)
    status, _, err = run("template-news")
    assert status == 1
    assert err == (
        f"error: Template version 1.2.0 is available: no issue says so: no {name}\n"
        "try: make template-update\n"
    )
    if _is_github(forge):
        monkeypatch.setenv(name, READER)
        status, _, err = run("template-news")
        assert status == 1 and "403 Resource not accessible by integration" in err
        assert "try: give the token the permission to write" in err


def test_a_dry_run_of_the_news_works_everywhere(run: Run, newer: Study) -> None:
    status, out, _ = run("template-news", "--dry-run")
    assert status == 0 and out.startswith("this issue would be opened:\n\nTemplate version 1.2.0")


def test_a_template_that_does_not_answer(run: Run, newer: Study) -> None:
    answers = newer.answers | {"_src_path": "/nowhere"}
    (newer.root / ".copier-answers.yml").write_text(yaml.safe_dump(answers))
    status, _, err = run("template-news", "--dry-run")
    assert status == 1 and err.startswith("error: the template was not asked: /nowhere")


@pytest.mark.parametrize(
    ("source", "address", "shown"),
    [
        ("gh:ada/t", "https://github.com/ada/t.git", "<https://github.com/ada/t/blob/HEAD/"),
        ("gl:ada/t", "https://gitlab.com/ada/t.git", "<https://gitlab.com/ada/t/-/blob/HEAD/"),
        ("https://u:pass@git.example.org/t.git", "", "<https://git.example.org/t/-/blob/HEAD/"),
        ("git@host:ada/t.git", "", "`CHANGELOG.md` of `git@host:ada/t.git`"),
    ],
)
def test_where_the_changelog_is(
    run: Run,
    newer: Study,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    address: str,
    shown: str,
) -> None:
    settings = tmp_path / "gitconfig"
    there = Path(newer.answers["_src_path"]).as_uri()
    settings.write_text(f'[url "{there}"]\n\tinsteadOf = {address or source}\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    answers = newer.answers | {"_src_path": source}
    (newer.root / ".copier-answers.yml").write_text(yaml.safe_dump(answers))
    status, out, _ = run("template-news", "--dry-run")
    assert status == 0
    assert f"What is new: {shown}" in out and "CHANGELOG.md" in out and "pass" not in out
