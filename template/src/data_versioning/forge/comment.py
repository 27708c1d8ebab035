"""One comment with the report under a pull or merge request, brought up to date."""

from __future__ import annotations

from data_versioning.errors import StudyError
from data_versioning.forge.environment import Forge, forge
from data_versioning.forge.posting import post
from data_versioning.reporting.report import FOLDER, MARKDOWN
from data_versioning.rest import Refused
from data_versioning.study import Study

MARKER = "<!-- copier-research:report -->"
CUT = "\n\n_The report is longer than a comment can be; all of it is in `report.html`._\n"
DONE = {
    "new": "put the report",
    "same": "the report is as it was",
    "changed": "brought the report up to date",
}


def comment(study: Study, dry_run: bool = False) -> str:
    """Put the report under the pull or merge request that this job runs for.

    There is one comment of it: the first that has our marker and is by the owner of the token.

    Args:
        study: The study.
        dry_run: Only say what would be sent.

    Returns:
        What was done, or why nothing was to be done.

    Raises:
        StudyError: This is no CI job, there is no report, or the server refused.
    """
    there = forge("make report")
    if there.number is None:
        return f"no comment: this job runs for no {there.request}"
    body = _body(study, there)
    place = f"{there.request} {there.number} of {there.name}"
    if dry_run:
        return f"this would be put under {place}:\n\n{body}"
    if not there.may_write:
        return f"no comment: {there.lacks_token}, as in a {there.request} from a fork"
    try:
        _, done = post(there, there.comments, there.add_comment, there.change_comment, body=body)
    except Refused as error:
        if error.status != 403:
            raise
        return f"no comment: {error.what}, as in a {there.request} from a fork"
    return f"{DONE[done]} under {place}"


def _body(study: Study, there: Forge) -> str:
    file = study.root / FOLDER / MARKDOWN
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        raise StudyError("no report", str(file), "make report") from None
    link = f"\n[This job and its artifacts]({there.job})\n" if there.job else ""
    return f"{MARKER}\n{_cut(text, there.longest - len(MARKER) - len(link) - 1)}{link}"


def _cut(text: str, longest: int) -> str:
    """Return a text that is no longer than that: its first lines, and a note that says so."""
    if len(text) <= longest:
        return text
    kept = text[: longest - len(CUT)].rpartition("\n")[0]
    if kept.count("```") % 2:
        kept = kept.rpartition("```")[0]
    return kept.rstrip() + CUT
