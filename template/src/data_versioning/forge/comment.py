"""One comment with the report under a pull or merge request, brought up to date."""

from __future__ import annotations

from pathlib import Path

from data_versioning.errors import StudyError
from data_versioning.forge.environment import Forge, forge
from data_versioning.forge.http import Refused, once
from data_versioning.reporting.markdown import cut
from data_versioning.reporting.report import FOLDER, MARKDOWN
from data_versioning.study import Study

MARKER = "<!-- copier-research:report -->"


def comment(study: Study, file: Path | str | None = None, dry_run: bool = False) -> str:
    """Put the report under the pull or merge request that this job runs for.

    There is one comment of it: the first that has our marker and is by the owner of the token.

    Args:
        study: The study.
        file: The report; `report/report.md` when not given.
        dry_run: Only say what would be sent.

    Returns:
        What was done, or why nothing was to be done.

    Raises:
        StudyError: This is no CI job, there is no report, or the server refused.
    """
    there = forge("make report")
    if there.number is None:
        return f"no comment: this job runs for no {there.request}"
    body = _body(Path(file) if file else study.root / FOLDER / MARKDOWN, there)
    place = f"{there.request} {there.number} of {there.name}"
    if dry_run:
        return f"this would be put under {place}:\n\n{body}"
    if not there.may_write:
        return f"no comment: {there.lacks_token}, as in a {there.request} from a fork"
    try:
        return f"{_put(there, body)} under {place}"
    except Refused as error:
        if error.status != 403:
            raise
        return f"no comment: {error.what}, as in a {there.request} from a fork"


def _put(there: Forge, body: str) -> str:
    found, made = once(
        lambda: next((one for one in there.comments() if there.text(one).startswith(MARKER)), None),
        lambda: there.add_comment(body),
    )
    if made:
        return "put the report"
    if there.text(found).strip() == body.strip():
        return "the report is as it was"
    there.change_comment(found, body)
    return "brought the report up to date"


def _body(file: Path, there: Forge) -> str:
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        raise StudyError("no report", str(file), "make report") from None
    link = f"\n[This job and its artifacts]({there.job})\n" if there.job else ""
    return f"{MARKER}\n{cut(text, there.longest - len(MARKER) - len(link) - 1)}{link}"
