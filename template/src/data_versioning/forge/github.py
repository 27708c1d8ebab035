"""GitHub's REST API (docs.github.com/rest, 2022-11-28), as jobs of GitHub Actions use it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from data_versioning.errors import StudyError
from data_versioning.forge.release_file import ReleaseFile
from data_versioning.rest import Api, Refused, once

Posted = dict[str, Any]


class GitHub:
    """The repository that a job of GitHub Actions runs for.

    The job's environment says which: `GITHUB_REPOSITORY`, `GITHUB_API_URL`, `GITHUB_TOKEN`.
    """

    name = "GitHub"
    request = "pull request"
    longest = 65_536  # characters of a comment
    lacks_token = "no GITHUB_TOKEN"

    def __init__(self) -> None:
        self._repository = f"/repos/{quote(os.environ['GITHUB_REPOSITORY'])}"
        self._token = os.environ.get("GITHUB_TOKEN", "").strip()

    @property
    def may_write(self) -> bool:
        """Tell whether there is a token."""
        return bool(self._token)

    may_release = may_write

    @property
    def number(self) -> int | None:
        """The number of the pull request, if the job runs for one."""
        parts = os.environ.get("GITHUB_REF", "").split("/")
        if parts[:2] == ["refs", "pull"] and len(parts) > 2 and parts[2].isdecimal():
            return int(parts[2])
        # The event of `pull_request_target` has it, though the branch is the base's.
        with suppress(OSError, ValueError, KeyError, TypeError):
            event = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_bytes())
            return int(event["pull_request"]["number"])
        return None

    @property
    def job(self) -> str:
        """The address of the workflow's run, which has the report among its artifacts."""
        server, run = os.environ.get("GITHUB_SERVER_URL"), os.environ.get("GITHUB_RUN_ID", "")
        there = f"{server}/{os.environ['GITHUB_REPOSITORY']}/actions/runs/{run}"
        return there if server and run.isdecimal() else ""

    def comments(self) -> list[Posted]:
        """Return this token's own comments of the pull request, oldest first."""
        listed = self._api.pages(f"{self._repository}/issues/{self.number}/comments")
        return [one for one in listed if self._is_own(one)]

    def add_comment(self, body: str) -> Posted:
        """Add a comment to the pull request."""
        path = f"{self._repository}/issues/{self.number}/comments"
        return self._api.send("POST", path, {"body": body})

    def change_comment(self, comment: Posted, body: str) -> Posted:
        """Change a comment."""
        path = f"{self._repository}/issues/comments/{self._api.number(comment)}"
        return self._api.send("PATCH", path, {"body": body})

    def issues(self) -> list[Posted]:
        """Return this token's own open issues."""
        listed = self._api.pages(f"{self._repository}/issues", state="open", direction="asc")
        # To this API a pull request is an issue, too.
        return [one for one in listed if self._is_own(one) and "pull_request" not in one]

    def add_issue(self, title: str, body: str) -> Posted:
        """Open an issue."""
        path = f"{self._repository}/issues"
        return self._api.send("POST", path, {"title": title, "body": body})

    def change_issue(self, issue: Posted, title: str, body: str) -> Posted:
        """Change an issue."""
        path = f"{self._repository}/issues/{self._api.number(issue, 'number')}"
        return self._api.send("PATCH", path, {"title": title, "body": body})

    @staticmethod
    def text(posted: Posted) -> str:
        """Return the text of a comment or an issue."""
        return str(posted.get("body") or "")

    @staticmethod
    def address(posted: Posted) -> str:
        """Return where people read a comment, an issue or a release."""
        return str(posted.get("html_url") or "")

    def release(
        self, tag: str, title: str, body: str, files: Iterable[ReleaseFile]
    ) -> tuple[Posted, bool]:
        """Make a release of a tag, or bring the one there is up to date.

        It is published last, because GitHub can be set to take no file for a published one.

        Args:
            tag: The tag, which is there.
            title: Its title.
            body: Its text.
            files: Its files.

        Returns:
            The release, and whether it was made.
        """
        releases = f"{self._repository}/releases"
        draft = {"tag_name": tag, "name": title, "body": body, "draft": True}
        found, made = once(
            lambda: next((r for r in self._api.pages(releases) if r.get("tag_name") == tag), None),
            lambda: self._api.send("POST", releases, draft),
        )
        one = f"{releases}/{self._api.number(found)}"
        for file in files:
            self._attach(found, file)
        # An older phase that is completed again is not the latest one.
        published = {"name": title, "body": body, "draft": False, "make_latest": "legacy"}
        return self._api.send("PATCH", one, published), made

    def _attach(self, release: Posted, file: ReleaseFile) -> None:
        listed = f"{self._repository}/releases/{self._api.number(release)}/assets"
        digest = f"sha256:{file.sha256}"

        def find() -> Posted | None:
            for one in self._api.pages(listed):
                if one.get("name") != file.name:
                    continue
                if one.get("digest") == digest and one.get("state") == "uploaded":
                    return one
                # Another version, or what a failed upload left behind; a name is taken once.
                number = self._api.number(one)
                self._api.call("DELETE", f"{self._repository}/releases/assets/{number}")
            return None

        address = str(release.get("upload_url")).partition("{")[0]
        once(
            find,
            lambda: self._api.object(
                self._api.call(
                    "POST", address, params={"name": file.name}, content=file.body,
                    headers=file.headers,
                )
            ),
        )  # fmt: skip

    def _is_own(self, posted: Posted) -> bool:
        author = posted.get("user")
        return isinstance(author, dict) and self._wrote(author)

    @cached_property
    def _wrote(self) -> Callable[[Posted], bool]:
        try:
            login = self._api.get("/user").get("login")
        except Refused as error:
            if error.status != 403:
                raise
            # The token of a job belongs to a bot, which may not ask who it is.
            return lambda author: author.get("type") == "Bot"
        return lambda author: author.get("login") == login

    @cached_property
    def _api(self) -> Api:
        if not self._token:
            raise StudyError(self.lacks_token, self.name, "give the job a GITHUB_TOKEN")
        address = os.environ.get("GITHUB_API_URL") or "https://api.github.com"
        headers = {
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        host = urlsplit(address).netloc
        uploads = (f"uploads.{host.removeprefix('api.')}",) if host.startswith("api.") else ()
        secret = ("Authorization", f"Bearer {self._token}")
        return Api(self.name, address, headers, secret, hosts=uploads)
