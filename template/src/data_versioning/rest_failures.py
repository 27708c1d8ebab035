"""What a server says when it fails: why, and how long to wait."""

from __future__ import annotations

import time
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from httpx import Response


def reason(answer: Response) -> str:
    """Return why a call failed, as far as the answer says so in JSON; of HTML only the status."""
    said: object = answer.reason_phrase
    with suppress(ValueError, RecursionError):
        body = answer.json()
        if isinstance(body, dict):
            said = body.get("message") or body.get("error") or said
            if errors := body.get("errors"):
                said = f"{said}: {reasons(errors)}"
    return str(said)


def reasons(errors: object) -> str:
    """Return what a server found wrong, as InvenioRDM and JSON:API say it, in one line."""
    if not isinstance(errors, list):
        return str(errors)
    said = []
    for one in errors:
        if not isinstance(one, dict):
            said.append(str(one))
            continue
        source = one.get("source")
        field = one.get("field") or (source.get("pointer") if isinstance(source, dict) else "")
        told = one.get("messages") or one.get("message") or one.get("detail") or one
        text = " ".join(map(str, told)) if isinstance(told, list) else str(told)
        said.append(f"{field}: {text}" if field else text)
    return "; ".join(said)


def is_limited(answer: Response) -> bool:
    """Tell whether a server did nothing, as it was asked too often."""
    # GitHub's secondary limits are 403 with this header.
    later = answer.status_code in (403, 503) and "retry-after" in answer.headers
    return later or answer.status_code == 429


def asked_to_wait(answer: Response) -> float | None:
    """Return how many seconds a server asks to wait, or None if it does not say.

    `Retry-After` holds seconds or a date (RFC 9110, 10.2.3); `X-RateLimit-Reset` the time when
    the limit starts anew, in seconds since 1970, or the seconds until then.
    """

    def date(text: str) -> float:
        return parsedate_to_datetime(text).timestamp()

    now = time.time()
    with suppress(ValueError, TypeError, KeyError):
        now = date(answer.headers["date"])  # its clock may be another than ours
    asked = answer.headers.get("retry-after", "")
    if asked.isdecimal():
        return float(asked)
    with suppress(ValueError, TypeError):
        return max(date(asked) - now, 0)
    reset = answer.headers.get("x-ratelimit-reset", "")
    if not reset.isdecimal():
        return None
    return max(float(reset) - (now if float(reset) > 10**9 else 0), 0)
