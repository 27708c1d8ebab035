"""Calls of a REST API with a token that leaves this process in a header only, to one server."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from data_versioning.errors import StudyError
from data_versioning.rest_answers import answer_of
from data_versioning.rest_failures import asked_to_wait, is_limited, reason
from data_versioning.wording import printable

if TYPE_CHECKING:
    from httpx import Client, Response

TRIES = 4
PAUSE = 1.0  # seconds before the second try; doubled before each further one
LONGEST = 60.0  # seconds that a server may ask to wait
PATIENCE = 30.0  # seconds for an answer
IDLE = 60.0  # seconds in which nothing more of a body can be sent
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
SHOWN = 200  # characters of a server's reason
MENDS = {401: "renew the token", 403: "give the token the permission to write"}
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
        version: Of the template, for the header that says who asks.
        hosts: What other servers get the token, as `host` or `host:port`.
        mends: By the status of a refusal.
        again: What to do when the server fails or does not answer.

    Raises:
        StudyError: The address is not one that a token may go to, or the token cannot be one.
    """

    def __init__(
        self,
        name: str,
        url: str,
        headers: Mapping[str, str],
        secret: tuple[str, str],
        *,
        version: str = "",
        hosts: tuple[str, ...] = (),
        mends: Mapping[int, str] = MENDS,
        again: str = "try again later",
    ) -> None:
        self.name = name
        self.url = url.rstrip("/")
        self.again = again
        self._mends = mends
        self._token = secret[1].rpartition(" ")[2]
        if not may_have_token(self.url):
            what = f"a token goes to {name} by https only"
            raise StudyError(what, "the address in the environment", "use https")
        if not (self._token.isascii() and self._token.isprintable()):
            what = f"the token for {name} holds characters that no token has"
            raise StudyError(what, "", "copy it once more")
        self._hosts = {urlsplit(self.url).netloc, *hosts}
        self._headers = {"User-Agent": user_agent(version), **headers, secret[0]: secret[1]}
        self._made: Client | None = None

    def call(
        self, method: str, path: str, *, careful: bool = False, patience: float = 0, **more: Any
    ) -> Response:
        """Call it, and again where that can do no harm.

        A lost answer to a POST is not asked for again, as it may have been done: see `once`.

        Args:
            method: Such as `GET`.
            path: Below the address of the API, or an address that the API itself gave.
            careful: Whether a lost answer is not asked for again, as that to a POST.
            patience: Seconds for an answer; `PATIENCE` if not given.
            **more: What httpx takes: `json`, `content`, `params`, `headers`. A `content` that can
                be called is called for each try, and returns the body in pieces.

        Raises:
            Refused: The server will not do it.
            Unanswered: It did not answer, or failed.
            StudyError: The address is another server's, or a limit ends too late to wait for.
        """
        import httpx

        url = path if "://" in path else f"{self.url}{path}"
        self._refuse_others(url)
        where = printable(self._masked(f"{method} {url.partition('?')[0]}"))
        more["timeout"] = httpx.Timeout(patience or PATIENCE, write=IDLE)
        body = more.pop("content", None)
        careful = careful or method == "POST"
        for pause in pauses():
            if body is not None:
                more["content"] = body() if callable(body) else body
            try:
                answer = answer_of(self._client(), method, url, **more)
            except httpx.InvalidURL:
                raise StudyError(f"{self.name} named an address that is none", where) from None
            except httpx.RequestError as error:
                unsent = isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout))
                if pause is None or (careful and not unsent):
                    what = f"{self.name} did not answer ({type(error).__name__})"
                    raise Unanswered(what, where, self.again) from None
            else:
                if answer.is_success:
                    return answer
                limited = is_limited(answer)
                if answer.status_code < 500 and not limited:
                    raise self._refused(answer, where)
                asked = asked_to_wait(answer) if limited else None
                if asked is not None and asked > LONGEST:
                    mend = f"wait {asked / 60:.0f} minutes, then: {self.again}"
                    raise StudyError(self._said(answer, "failed"), where, mend)
                if pause is None or (careful and not limited):
                    raise Unanswered(self._said(answer, "failed"), where, self.again)
                pause = pause if asked is None else asked
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
            return json.loads(answer.content.replace(self._token.encode() or b"\0", b"***"))
        except (ValueError, RecursionError):
            raise self._strange(answer) from None

    def _strange(self, answer: Response) -> StudyError:
        where = self._masked(str(answer.request.url).partition("?")[0])
        what = f"{self.name} answered with something else than was asked"
        return StudyError(what, where, self.again)

    def _client(self) -> Client:
        import httpx

        if self._made is None:
            try:
                # What is meant for this machine is not for a proxy to read.
                far = urlsplit(self.url).hostname not in LOOPBACK
                self._made = httpx.Client(headers=self._headers, timeout=PATIENCE, trust_env=far)
            except (ImportError, ValueError):  # SOCKS; a scheme that is none
                what, mend = "no proxy that can be used", "unset ALL_PROXY HTTPS_PROXY HTTP_PROXY"
                raise StudyError(what, "the environment", mend) from None
        return self._made

    def _refuse_others(self, url: str) -> None:
        """Refuse an address of a server that gets no token."""
        try:
            other = urlsplit(url)
        except ValueError:
            what = f"{self.name} named an address that is none"
            raise StudyError(what, printable(self._masked(url))) from None
        if other.scheme != urlsplit(self.url).scheme or other.netloc not in self._hosts:
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
        return Refused(self._said(answer, "refused"), where, self._mends.get(status, ""), status)

    def _said(self, answer: Response, verb: str) -> str:
        """Return the status and the reason of a failure; of HTML only the status."""
        text = self._masked(printable(reason(answer)))
        return f"{self.name} {verb} ({answer.status_code} {text[:SHOWN]})"

    def _masked(self, text: str) -> str:
        return text.replace(self._token, "***") if self._token else text


def may_have_token(url: str) -> bool:
    """Tell whether an address is one that nobody can read along: https, or this machine."""
    try:
        where = urlsplit(url)
        return where.scheme == "https" or (where.scheme == "http" and where.hostname in LOOPBACK)
    except ValueError:  # not an address, such as https://[x
        return False


def user_agent(version: str = "") -> str:
    """Return what the tooling calls itself: archives throttle clients that do not say who asks.

    Args:
        version: Of the template, if known.
    """
    named = re.sub(r"^v|[^\w.+-]", "", version, flags=re.ASCII)
    product = f"data-versioning/{named}" if named else "data-versioning"
    return f"{product} (+https://github.com/copier-research/copier-research)"


def pauses(tries: int = 0) -> Iterator[float | None]:
    """Yield for each try how many seconds to wait after it, with jitter; after the last, None.

    Args:
        tries: How many tries; `TRIES` if not given.
    """
    for number in range((tries or TRIES) - 1):
        yield PAUSE * 2**number * random.uniform(0.75, 1.25)
    yield None


def once(
    find: Callable[[], T | None], make: Callable[[], T], look_first: bool = True
) -> tuple[T, bool]:
    """Return what is there, or make it; after a lost answer look again before making it again.

    Args:
        find: Looks for it.
        make: Makes it.
        look_first: Whether it can be there before the first try.

    Returns:
        It, and whether it was made by this call or one of its lost tries.
    """
    tried = False
    for pause in pauses():
        if (look_first or tried) and (found := find()) is not None:
            return found, tried
        try:
            return make(), True
        except Unanswered:
            if pause is None:
                raise
        tried = True
        time.sleep(pause)
    raise AssertionError("the last try returns or raises")
