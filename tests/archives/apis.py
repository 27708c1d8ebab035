"""All APIs at one address, told apart by the path; limits and tokens of each."""

from __future__ import annotations

import math
import time

from . import osf, waterbutler
from .invenio import Invenio
from .invenio_files import InvenioFiles
from .legacy import Legacy
from .legacy_files import LegacyFiles
from .osf import Osf
from .state import Archives
from .waterbutler import WaterButler
from .web import Answer, Request, Routes, failure

UNKNOWN = "The requested URL was not found on the server."
UNKNOWN_TOKEN = (
    "The server could not verify that you are authorized to access the URL requested. You either "
    "supplied the wrong credentials (e.g. a bad password), or your browser doesn't understand how "
    "to supply the credentials required."
)


class Apis:
    """All APIs over one state.

    Args:
        state: Of the double.
        zenodo: Whether the InvenioRDM is Zenodo, with its legacy API.
    """

    def __init__(self, state: Archives, zenodo: bool = True) -> None:
        self.state = state
        invenio = Invenio(state.records, state.users, zenodo)
        legacy = [Routes(Legacy(invenio)), Routes(LegacyFiles(invenio))] if zenodo else []
        self.invenio = [Routes(invenio), Routes(InvenioFiles(invenio)), *legacy]
        self.osf = [Routes(Osf(state.nodes, state.users))]
        self.waterbutler = [Routes(WaterButler(state.nodes, state.users))]

    def answer(self, request: Request) -> Answer:
        """Return the answer to a request."""
        left, reset = self.state.counted(request.token)
        try:
            if request.path.startswith("/v2/"):
                return self.of_osf(request, left, reset)
            if request.path.startswith("/v1/"):
                return self.of_waterbutler(request, left, reset)
            return self.of_invenio(request, left, reset)
        except Answer as refusal:
            return refusal

    def of_invenio(self, request: Request, left: int, reset: float) -> Answer:
        """Return the answer of an InvenioRDM, with the limit in its headers."""
        limits = {
            "X-RateLimit-Limit": str(self.state.rate),
            "X-RateLimit-Remaining": str(max(left, 0)),
            "X-RateLimit-Reset": str(math.ceil(time.time() + reset)),
        }
        if left < 0:
            wait = {"Retry-After": str(math.ceil(reset))}
            per = f"{self.state.rate} per {self.state.window:g} second"
            return Answer(429, {"message": per, "status": 429}, limits | wait)
        if self.is_unknown(request):
            return failure(401, UNKNOWN_TOKEN)
        answer: Answer | None
        try:
            answer = self.routed(self.invenio, request, self.state.records.lock)
        except Answer as refusal:
            answer = refusal
        told = answer or failure(404, UNKNOWN)
        told.headers = {**limits, **told.headers}
        return told

    def of_osf(self, request: Request, left: int, reset: float) -> Answer:
        """Return the answer of OSF's API."""
        if left < 0:
            seconds = math.ceil(reset)
            plural = "" if seconds == 1 else "s"
            detail = f"Request was throttled. Expected available in {seconds} second{plural}."
            answer = osf.refused(429, detail)
            answer.headers["Retry-After"] = str(seconds)
            return answer
        if self.is_unknown(request):
            return osf.refused(401, "User provided an invalid OAuth2 access token")
        answer = self.routed(self.osf, request, self.state.nodes.lock) or osf.refused(
            404, "Not found."
        )
        if answer.status == 405:
            return osf.refused(405, f'Method "{request.method}" not allowed.')
        return answer

    def of_waterbutler(self, request: Request, left: int, reset: float) -> Answer:
        """Return the answer of WaterButler."""
        if left < 0:
            answer = waterbutler.refused(429, "Too Many Requests")
            answer.headers["Retry-After"] = str(math.ceil(reset))
            return answer
        if self.is_unknown(request):
            return waterbutler.refused(401, "Unauthorized")
        found = self.routed(self.waterbutler, request, self.state.nodes.lock)
        return found or waterbutler.refused(404, "Not Found")

    def routed(self, apis: list[Routes], request: Request, lock: object) -> Answer | None:
        """Return the answer of the API that knows the path."""
        answers = (routes.handle(request, lock) for routes in apis)
        return next((answer for answer in answers if answer is not None), None)

    def is_unknown(self, request: Request) -> bool:
        """Tell whether a token came that nobody has."""
        return request.token is not None and request.token not in self.state.users
