"""One issue that says that the template has a newer version."""

from __future__ import annotations

import json
import re

from data_versioning.errors import StudyError
from data_versioning.experiments.store import shown
from data_versioning.forge.environment import forge
from data_versioning.forge.posting import post
from data_versioning.health.diagnosis.findings import Finding
from data_versioning.health.diagnosis.template import CHECK_UPDATE, copier
from data_versioning.reporting.markdown import code
from data_versioning.study import Study
from data_versioning.wording import printable

MARKER = "<!-- copier-research:template-news -->"
BODY = """\
{marker}
This study was made with version {old} of its template; version {new} is available.

```sh
make template-update
make setup
git add --all && git commit --message "chore(template): update"
```

Your own files stay as they are. What is new: {changelog}

The next version will be told in this issue, as long as it is open; close it after the update.
"""
DONE = {
    "new": "opened an issue",
    "same": "the issue is there already",
    "changed": "brought the issue up to date",
}
HOSTS = {"gh": "https://github.com/", "gl": "https://gitlab.com/"}


def template_news(study: Study, dry_run: bool = False) -> str:
    """Open an issue if the template has a newer version, or bring the open one up to date.

    Args:
        study: The study.
        dry_run: Only say what would be sent; works everywhere.

    Returns:
        What was done.

    Raises:
        StudyError: The template does not answer, this is no CI job, or the server refused.
    """
    there = None if dry_run else forge("make template-check")
    asked = copier(study, CHECK_UPDATE)
    if isinstance(asked, Finding):
        raise StudyError("the template was not asked", asked.where, asked.mend)
    said = json.loads(asked.stdout)
    if not said["update_available"]:
        return f"the template has no newer version than {printable(said['current_version'])}"
    title = f"Template version {printable(said['latest_version'])} is available"
    body = BODY.format(
        marker=MARKER,
        old=code(said["current_version"]),
        new=code(said["latest_version"]),
        changelog=_changelog(str(study.answers.get("_src_path"))),
    )
    if there is None:
        return f"this issue would be opened:\n\n{title}\n\n{body}"
    if not there.may_write:
        # The failed job tells who has to know.
        raise StudyError(title, f"no issue says so: {there.lacks_token}", "make template-update")
    issue, done = post(
        there, there.issues, there.add_issue, there.change_issue, title=title, body=body
    )
    return f"{DONE[done]}: {there.address(issue)}"


def _changelog(source: str) -> str:
    """Return where the changelog is, as Markdown, for a template of whatever address."""
    source = shown(source)
    if short := re.fullmatch(r"(gh|gl):([\w./-]+)", source):
        source = HOSTS[short[1]] + short[2]
    if at := re.fullmatch(r"(https://[\w.-]+/[\w./-]+?)(\.git)?/?", source):
        folder = "blob" if at[1].startswith(HOSTS["gh"]) else "-/blob"
        return f"<{at[1]}/{folder}/HEAD/CHANGELOG.md>"
    return f"`CHANGELOG.md` of {code(source)}"
