"""GitLab's REST API (docs.gitlab.com/api, version 4), as jobs of GitLab CI use it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cached_property
from typing import Any
from urllib.parse import quote

from data_versioning.errors import StudyError
from data_versioning.forge.release_file import ReleaseFile
from data_versioning.rest import Api, Refused, once

Posted = dict[str, Any]
PACKAGE = "release"  # of the package registry; its versions are the tags


class GitLab:
    """The project that a job of GitLab CI runs for.

    The job's environment says which: `CI_PROJECT_ID`, `CI_API_V4_URL`. `GITLAB_TOKEN` is a
    project's access token; the job's own token, `CI_JOB_TOKEN`, makes releases and nothing else,
    and these are made with it where there is one.
    """

    name = "GitLab"
    request = "merge request"
    longest = 1_000_000  # characters of a note
    lacks_token = "no GITLAB_TOKEN"

    def __init__(self) -> None:
        self._project = f"/projects/{quote(os.environ['CI_PROJECT_ID'], safe='')}"
        self._token = os.environ.get("GITLAB_TOKEN", "").strip()
        self._job_token = os.environ.get("CI_JOB_TOKEN", "").strip()

    @property
    def may_write(self) -> bool:
        """Tell whether there is a token for notes and issues."""
        return bool(self._token)

    @property
    def may_release(self) -> bool:
        """Tell whether there is a token for releases."""
        return bool(self._token or self._job_token)

    @property
    def number(self) -> int | None:
        """The number of the merge request, if the job runs for one."""
        number = os.environ.get("CI_MERGE_REQUEST_IID", "")
        return int(number) if number.isdecimal() else None

    @property
    def job(self) -> str:
        """The address of the pipeline, which has the report among its artifacts."""
        return os.environ.get("CI_PIPELINE_URL", "")

    def comments(self) -> list[Posted]:
        """Return this token's own notes of the merge request, oldest first."""
        path = f"{self._project}/merge_requests/{self.number}/notes"
        listed = self._api.pages(path, sort="asc", order_by="created_at")
        return [one for one in listed if self._is_own(one) and not one.get("system")]

    def add_comment(self, body: str) -> Posted:
        """Add a note to the merge request."""
        path = f"{self._project}/merge_requests/{self.number}/notes"
        return self._api.send("POST", path, {"body": body})

    def change_comment(self, comment: Posted, body: str) -> Posted:
        """Change a note."""
        notes = f"{self._project}/merge_requests/{self.number}/notes"
        path = f"{notes}/{self._api.number(comment)}"
        return self._api.send("PUT", path, {"body": body})

    def issues(self) -> list[Posted]:
        """Return this token's own open issues."""
        listed = self._api.pages(f"{self._project}/issues", state="opened", sort="asc")
        return [one for one in listed if self._is_own(one)]

    def add_issue(self, title: str, body: str) -> Posted:
        """Open an issue."""
        path = f"{self._project}/issues"
        return self._api.send("POST", path, {"title": title, "description": body})

    def change_issue(self, issue: Posted, title: str, body: str) -> Posted:
        """Change an issue."""
        path = f"{self._project}/issues/{self._api.number(issue, 'iid')}"
        return self._api.send("PUT", path, {"title": title, "description": body})

    @staticmethod
    def text(posted: Posted) -> str:
        """Return the text of a note or an issue."""
        return str(posted.get("body") or posted.get("description") or "")

    @staticmethod
    def address(posted: Posted) -> str:
        """Return where people read an issue or a release; notes have no address of their own."""
        links = posted.get("_links")
        return str(posted.get("web_url") or (links or {}).get("self") or "")

    def release(
        self, tag: str, title: str, body: str, files: Iterable[ReleaseFile]
    ) -> tuple[Posted, bool]:
        """Make a release of a tag, or bring the one there is up to date.

        Its files are in the package registry, and linked.

        Args:
            tag: The tag, which is there.
            title: Its title.
            body: Its text.
            files: Its files.

        Returns:
            The release, and whether it was made.
        """
        one = f"{self._project}/releases/{quote(tag, safe='')}"
        links = [self._upload(tag, file) for file in files]
        named = {"name": title, "description": body}
        found, made = once(
            lambda: self._found(one),
            lambda: self._releases.send(
                "POST", f"{self._project}/releases", named | {"tag_name": tag}
            ),
        )
        if not made:
            found = self._releases.send("PUT", one, named)
        for link in links:
            self._link(f"{one}/assets/links", link)
        return found, made

    def _found(self, path: str) -> Posted | None:
        try:
            return self._releases.get(path)
        except Refused as error:
            if error.status != 404:
                raise
            return None

    def _upload(self, tag: str, file: ReleaseFile) -> Posted:
        """Put a file into the package registry unless it is there, and return a link to it."""
        version = quote(tag, safe="")
        path = f"{self._project}/packages/generic/{PACKAGE}/{version}/{quote(file.name, safe='')}"
        packages = self._releases.pages(
            f"{self._project}/packages",
            package_type="generic", package_name=PACKAGE, package_version=tag,
        )  # fmt: skip
        known = {
            there.get("file_name"): there.get("file_sha256")
            for package in packages
            if (package.get("name"), package.get("version")) == (PACKAGE, tag)
            for there in self._releases.pages(
                f"{self._project}/packages/{self._releases.number(package)}/package_files"
            )
        }
        if known.get(file.name) != file.sha256:
            self._releases.call("PUT", path, content=file.body, headers=file.headers)
        return {"name": file.name, "url": f"{self._releases.url}{path}", "link_type": "other"}

    def _link(self, path: str, link: Posted) -> None:
        """Link a file once."""

        def find() -> Posted | None:
            listed = self._releases.pages(path)
            return next((one for one in listed if one.get("name") == link["name"]), None)

        found, _ = once(find, lambda: self._releases.send("POST", path, link))
        if found.get("url") != link["url"]:
            self._releases.send("PUT", f"{path}/{self._releases.number(found)}", link)

    def _is_own(self, posted: Posted) -> bool:
        author = posted.get("author")
        return isinstance(author, dict) and author.get("id") == self._own

    @cached_property
    def _own(self) -> object:
        return self._api.get("/user").get("id")

    @cached_property
    def _api(self) -> Api:
        return self._with("PRIVATE-TOKEN", self._token)

    @cached_property
    def _releases(self) -> Api:
        # A token for notes need not be one for releases; the job's is, if who pushed may.
        return self._with("JOB-TOKEN", self._job_token) if self._job_token else self._api

    def _with(self, header: str, token: str) -> Api:
        if not token:
            mend = "give the project's CI an access token as the variable GITLAB_TOKEN"
            raise StudyError(self.lacks_token, self.name, mend)
        return Api(self.name, os.environ["CI_API_V4_URL"], {}, (header, token))
