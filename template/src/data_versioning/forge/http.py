"""Calls of a REST API with a token that leaves this process in a header only, to one server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from data_versioning.errors import StudyError
from data_versioning.wording import printable

if TYPE_CHECKING:
    from httpx import Client, Response

TRIES = 4
PAUSE = 1.0  # seconds before the second try; doubled before each further one
LONGEST = 60.0  # seconds that a server may ask to wait
PATIENCE = 30.0  # seconds for an answer
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
SHOWN = 200  # characters of a server's reason
T = TypeVar("T")


class Refused(StudyError):
    """The server answered, and will not do it.

    Args:
        what: Who refused, and why.
        where: What was asked.
        mend: What mends it.
        status: The status of the answer.
    """

    def __init__(self, what: str, where: str, mend: str, status: int) -> None:
        super().__init__(what, where, mend)
        self.status = status


class Unanswered(StudyError):
    """No answer, or one that leaves open whether it was done."""


class Api:
    """A REST API.

    Args:
        name: What its server is called in errors.
        url: Its address.
        headers: What goes with every call.
        secret: The name of the header with the token, and the token.

    Raises:
        StudyError: The address is not one that a token may go to, or the token cannot be one.
    """

    def __init__(
        self, name: str, url: str, headers: Mapping[str, str], secret: tuple[str, str]
    ) -> None:
        self.name = name
        self.url = url.rstrip("/")
        self._token = secret[1].rpartition(" ")[2]
        if not may_have_token(self.url):
            what = f"a token goes to {name} by https only"
            raise StudyError(what, "the address in the environment", "use https")
        if not (self._token.isascii() and self._token.isprintable()):
            what = f"the token for {name} holds characters that no token has"
            raise StudyError(what, "", "copy it once more")
        self._headers = {"User-Agent": "data-versioning", **headers, secret[0]: secret[1]}
        self._made: Client | None = None

    def call(self, method: str, path: str, **more: Any) -> Response:
        """Call it, and again where that can do no harm.

        A lost answer to a POST is not asked for again, as it may have been done: see `once`.

        Args:
            method: Such as `GET`.
            path: Below the address of the API, or an address that the API itself gave.
            **more: What httpx takes: `json`, `content`, `params`, `headers`.

        Raises:
            Refused: The server will not do it.
            Unanswered: It did not answer, or failed.
            StudyError: The address is another server's.
        """
        import httpx

        url = path if "://" in path else f"{self.url}{path}"
        self._refuse_others(url)
        where = printable(self._masked(f"{method} {url.partition('?')[0]}"))
        for pause in (*(PAUSE * 2**number for number in range(TRIES - 1)), None):
            try:
                answer = self._client().request(method, url, **more)
            except httpx.InvalidURL:
                raise StudyError(f"{self.name} named an address that is none", where) from None
            except httpx.RequestError as error:
                unsent = isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout))
                if pause is None or (method == "POST" and not unsent):
                    what = f"{self.name} did not answer ({type(error).__name__})"
                    raise Unanswered(what, where, "try again later") from None
            else:
                if answer.is_success:
                    return answer
                # GitHub's secondary limits are 403 with this header.
                limited = answer.status_code == 429 or "retry-after" in answer.headers
                if answer.status_code < 500 and not limited:
                    raise self._refused(answer, where)
                pause = _asked_for(answer, pause)
                if pause is None or (method == "POST" and not limited):
                    raise Unanswered(self._said(answer, "failed"), where, "try again later")
            time.sleep(pause)
        raise AssertionError("the last try returns or raises")

    def get(self, path: str, **params: str) -> dict[str, Any]:
        """Return the JSON object that is there."""
        return self.object(self.call("GET", path, params=params))

    def send(self, method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send JSON, and return the object that it answers with."""
        return self.object(self.call(method, path, json=body))

    def pages(self, path: str, **params: str) -> Iterator[dict[str, Any]]:
        """Yield the entries of a list, page by page; the header `Link` names the next page."""
        url: str | None = path
        seen = set()
        more: dict[str, Any] = {"params": {"per_page": "100", **params}}
        while url:
            seen.add(url)
            answer = self.call("GET", url, **more)
            listed = self._json(answer)
            if not isinstance(listed, list):
                raise self._strange(answer)
            yield from (one for one in listed if isinstance(one, dict))
            url = answer.links.get("next", {}).get("url")
            if url in seen:
                raise self._strange(answer)
            more = {}

    def number(self, posted: Mapping[str, Any], key: str = "id") -> int:
        """Return the number by which the API knows something; what it named is no path."""
        if not isinstance(found := posted.get(key), int):
            raise StudyError(f"{self.name} answered with something else than was asked", key)
        return found

    def object(self, answer: Response) -> dict[str, Any]:
        """Return the JSON object of an answer."""
        found = self._json(answer)
        if not isinstance(found, dict):
            raise self._strange(answer)
        return found

    def _json(self, answer: Response) -> Any:
        try:
            return answer.json()
        except (ValueError, RecursionError):
            raise self._strange(answer) from None

    def _strange(self, answer: Response) -> StudyError:
        where = self._masked(str(answer.request.url).partition("?")[0])
        return StudyError(f"{self.name} answered with something else than was asked", where)

    def _client(self) -> Client:
        import httpx

        if self._made is None:
            try:
                self._made = httpx.Client(
                    headers=self._headers, timeout=PATIENCE, follow_redirects=False
                )
            except (ImportError, ValueError):  # SOCKS; a scheme that is none
                what, mend = "no proxy that can be used", "unset ALL_PROXY HTTPS_PROXY HTTP_PROXY"
                raise StudyError(what, "the environment", mend) from None
        return self._made

    def _refuse_others(self, url: str) -> None:
        """Refuse an address that is neither the API's server nor GitHub's server for uploads."""
        own = urlsplit(self.url)
        try:
            other = urlsplit(url)
        except ValueError:
            what = f"{self.name} named an address that is none"
            raise StudyError(what, printable(self._masked(url))) from None
        hosts = {own.netloc}
        if own.netloc.startswith("api."):
            hosts.add(f"uploads.{own.netloc.removeprefix('api.')}")
        if other.scheme != own.scheme or other.netloc not in hosts:
            what = f"{self.name} named another server, which gets no token"
            raise StudyError(what, self._masked(f"{other.scheme}://{other.hostname}"))

    def _refused(self, answer: Response, where: str) -> Refused:
        status = answer.status_code
        if answer.is_redirect:
            host = None
            with suppress(ValueError):
                host = urlsplit(answer.headers.get("location", "")).hostname
            what = f"{self.name} points elsewhere ({status}), where no token goes"
            return Refused(what, self._masked(f"{where} -> {host or 'itself'}"), "", status)
        mends = {401: "renew the token", 403: "give the token the permission to write"}
        return Refused(self._said(answer, "refused"), where, mends.get(status, ""), status)

    def _said(self, answer: Response, verb: str) -> str:
        """Return the status and the reason of a failure; of HTML only the status."""
        reason: object = answer.reason_phrase
        with suppress(ValueError, RecursionError):
            body = answer.json()
            if isinstance(body, dict):
                reason = body.get("message") or body.get("error") or reason
                if errors := body.get("errors"):
                    reason = f"{reason}: {errors}"
        text = "".join(one if one.isprintable() else " " for one in str(reason))
        return self._masked(f"{self.name} {verb} ({answer.status_code} {text[:SHOWN]})")

    def _masked(self, text: str) -> str:
        return text.replace(self._token, "***") if self._token else text


def may_have_token(url: str) -> bool:
    """Tell whether an address is one that nobody can read along: https, or this machine."""
    try:
        where = urlsplit(url)
        return where.scheme == "https" or (where.scheme == "http" and where.hostname in LOOPBACK)
    except ValueError:  # not an address, such as https://[x
        return False


def once(find: Callable[[], T | None], make: Callable[[], T]) -> tuple[T, bool]:
    """Return what is there, or make it; after a lost answer look again before making it again.

    Args:
        find: Looks for it.
        make: Makes it.

    Returns:
        It, and whether it was made by this call or one of its lost tries.
    """
    tried = False
    for pause in (*(PAUSE * 2**number for number in range(TRIES - 1)), None):
        if (found := find()) is not None:
            return found, tried
        try:
            return make(), True
        except Unanswered:
            if pause is None:
                raise
        tried = True
        time.sleep(pause)
    raise AssertionError("the last try returns or raises")


def _asked_for(answer: Response, pause: float | None) -> float | None:
    """Return how long to wait: as the server asks in seconds, but not for too long."""
    asked = answer.headers.get("retry-after", "")
    if pause is None or not asked.isdecimal():
        return pause
    return float(asked) if float(asked) <= LONGEST else None
