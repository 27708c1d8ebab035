"""Answers that no forge should give: each is an error of one line, and ends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from data_versioning import rest
from data_versioning.errors import StudyError
from data_versioning.forge.github import GitHub
from data_versioning.forge.gitlab import GitLab
from data_versioning.forge.release_file import ReleaseFile

from tests import forges
from tests.forges import Answer, Request, Row, Token, served

TOKEN = "ghs_TESTTOKEN0002"  # pragma: allowlist secret
MOST = 10  # calls that any of this may need


class Strange(forges.GitHub):
    """A server that lists nothing, and answers all other calls alike."""

    made: Row = {}  # noqa: RUF012
    status = 200
    headers: dict[str, str] = {}  # noqa: RUF012

    def handle(self, request: Request) -> None:
        """Raise the answer."""
        if len(self.requests) > MOST:
            raise Answer(404, {"message": "no end"})
        body = [] if request.method == "GET" else self.made
        raise Answer(self.status, body, self.headers)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Strange]:
    """The server, and the environment of a job."""
    monkeypatch.setattr(rest, "PAUSE", 0.01)
    with served(Strange({TOKEN: Token("ada")})) as double:
        assert isinstance(double, Strange)
        monkeypatch.setenv("GITHUB_REPOSITORY", "ada/study")
        monkeypatch.setenv("GITHUB_API_URL", double.url)
        monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
        monkeypatch.setenv("GITHUB_REF", "refs/pull/7/merge")
        monkeypatch.setenv("CI_PROJECT_ID", "42")
        monkeypatch.setenv("CI_API_V4_URL", double.url)
        monkeypatch.setenv("CI_JOB_TOKEN", TOKEN)
        monkeypatch.setenv("GITLAB_TOKEN", TOKEN)
        monkeypatch.setenv("CI_MERGE_REQUEST_IID", "7")
        yield double


def refused(found: pytest.ExceptionInfo[StudyError]) -> str:
    """Return what the error says, which is one line that can be printed."""
    assert str(found.value).isprintable()
    assert TOKEN not in str(found.value)
    return found.value.what


@pytest.mark.parametrize(
    ("link", "what"),
    [
        ("https://[", "GitHub named an address that is none"),
        ("{url}:999999/x", "GitHub named another server, which gets no token"),
        (".evil.example/x", "GitHub named another server, which gets no token"),
        ("https://evil.example/" + TOKEN, "GitHub named another server, which gets no token"),
        ("{url}/more", "GitHub answered with something else than was asked"),
    ],
)
def test_next_pages(server: Strange, link: str, what: str) -> None:
    """That are nowhere, elsewhere, or the same one without end."""
    server.headers = {"Link": f'<{link.format(url=server.url)}>; rel="next"'}
    with pytest.raises(StudyError) as found:
        GitHub().comments()
    assert refused(found) == what


@pytest.mark.parametrize(
    ("release", "what"),
    [
        ({"id": 1, "upload_url": "https://[x"}, "GitHub named an address that is none"),
        ({"id": 1, "upload_url": "{url}/\0x"}, "GitHub named an address that is none"),
        ({"id": 1, "upload_url": "{user}/x"}, "GitHub named another server, which gets no token"),
        ({"id": 1}, "GitHub named another server, which gets no token"),
        ({"upload_url": "{url}/x"}, "GitHub answered with something else than was asked"),
        ({"id": "../1", "upload_url": ""}, "GitHub answered with something else than was asked"),
    ],
)
def test_releases(server: Strange, release: Row, what: str) -> None:
    """Without a number, or whose file would go nowhere."""
    user = server.url.replace("//", "//u:p@")
    server.made = {
        key: value.replace("{url}", server.url).replace("{user}", user)
        if isinstance(value, str)
        else value
        for key, value in release.items()
    }
    with pytest.raises(StudyError) as found:
        GitHub().release("v1.0.0", "title", "text", [ReleaseFile("manifest.yaml", b"x")])
    assert refused(found) == what


def test_redirects(server: Strange) -> None:
    """To an address that is none."""
    server.status, server.headers = 302, {"Location": "https://["}
    with pytest.raises(StudyError) as found:
        GitHub().comments()
    assert refused(found) == "GitHub points elsewhere (302), where no token goes"


@pytest.mark.parametrize("forge", [GitHub, GitLab])
def test_posts_without_a_number(server: Strange, forge: type[GitHub | GitLab]) -> None:
    """Nothing is sent to an address made of what is not there."""
    there = forge()
    for posted in ({}, {"id": "1/../2", "number": None, "iid": [1]}):
        with pytest.raises(StudyError) as found:
            there.change_comment(posted, "text")
        assert refused(found) == f"{there.name} answered with something else than was asked"
        with pytest.raises(StudyError):
            there.change_issue(posted, "title", "text")
    assert not [one for one in server.requests if one.method != "GET"]
