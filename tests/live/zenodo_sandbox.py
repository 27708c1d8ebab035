"""What only Zenodo's sandbox itself can say: a tiny deposit, and whether the server is as we think.

By hand, with a token of https://sandbox.zenodo.org/account/settings/applications/tokens/new/ that
may `deposit:write` and `deposit:actions`:

    ZENODO_SANDBOX_TOKEN=... .venv/bin/python tests/live/zenodo_sandbox.py [--large] [--publish]

Each line names what was expected, and what came if that is something else. Nothing is published
without `--publish`, and drafts are discarded at the end. `--large` sends 101 MB. The same runs
against the double: `--url http://127.0.0.1:PORT` with `INVENIO_TOKEN`.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

ROOT = Path(__file__).resolve().parents[2]
SANDBOX = "https://sandbox.zenodo.org"
RDM = "application/vnd.inveniordm.v1+json"
METADATA = {
    "title": "A rehearsal of a deposit",
    "description": "Made by a script that looks how the server behaves.",
    "creators": [{"name": "Lovelace, Ada", "affiliation": "None"}],
    "license": "mit",
    "keywords": ["rehearsal"],
    "version": "1.0",
}
NAME = "Größe & more 1.zip"  # letters, blanks and signs that have to be quoted


class Look:
    """A look at a server.

    Args:
        url: Its address.
        token: The token.
    """

    def __init__(self, url: str, token: str) -> None:
        import httpx
        from data_versioning.archive.deposit.zenodo import ZenodoUploader

        self.url, self.token = url, token
        self.uploader = ZenodoUploader(token, url=url)
        self.client = httpx.Client(base_url=f"{url}/api", timeout=300)
        self.signed = {"Authorization": f"Bearer {token}", "Accept": RDM}
        self.drafts: list[str] = []
        self.others = 0

    def say(self, point: str, expected: object, found: object, why: str = "") -> None:
        """Print whether a point is as expected."""
        same = expected == found
        self.others += not same
        shown = f"{point}: {expected}" if same else f"{point}: expected {expected}, found {found}"
        line = f"{'as expected' if same else 'OTHERWISE  '}  {shown}{f' ({why})' if why else ''}"
        print(line.replace(self.token, "***"), flush=True)

    def ask(self, method: str, path: str, **more: Any) -> Any:
        """Ask with the token, once, and return the answer."""
        more["headers"] = {**self.signed, **more.get("headers", {})}
        return self.client.request(method, path, **more)

    def draft(self) -> str:
        """Make a draft with our own uploader, and return its id."""
        number = str(self.uploader.create_deposition(METADATA)["id"])
        self.drafts.append(number)
        return number

    def refusals(self) -> None:
        """Without a token, and with one that is none."""
        none = self.client.post("/records", json={}, headers={"Accept": RDM})
        self.say("no token: status", 403, none.status_code, _message(none))
        wrong = {"Accept": RDM, "Authorization": "Bearer no-token-of-anybody"}
        bad = self.client.post("/records", json={}, headers=wrong)
        self.say("invalid token: status", 401, bad.status_code, _message(bad))
        self.say("refusals are JSON", True, _is_json(none) and _is_json(bad))

    def metadata(self) -> None:
        """What a draft says of metadata, and in which shape."""
        made = self.ask("POST", "/records", json={"metadata": {"title": "ab"}})
        body = made.json()
        self.drafts.append(str(body["id"]))
        self.say("errors of metadata: status", 201, made.status_code)
        self.say("errors of metadata: in `errors`", True, bool(body.get("errors")))
        self.say("limits are in headers", True, "x-ratelimit-limit" in made.headers)
        path = f"/records/{body['id']}/draft"
        older = self.ask("GET", path, headers={"Accept": "application/json"}).json()
        self.say("Accept: application/json has no parent", True, "parent" not in older)
        stale = self.ask("PUT", path, json={"metadata": {}}, headers={"If-Match": "999"})
        self.say("stale revision: status", 412, stale.status_code, _message(stale))

    def identifiers(self) -> None:
        """Reserved DOIs, and what an update does to them."""
        number = self.draft()
        path = f"/records/{number}/draft"
        expected = f"10.5072/zenodo.{number}"
        self.say("reserved DOI", expected, self.uploader.reserve_doi(number))
        again = self.ask("POST", f"{path}/pids/doi")
        self.say("reserved again: status", 400, again.status_code, _message(again))
        draft = self.ask("GET", path).json()
        body = {key: draft[key] for key in ("access", "files", "metadata")}
        self.ask("PUT", path, json=body)
        kept = bool(self.ask("GET", path).json().get("pids"))
        self.say("an update without `pids` keeps the DOI", True, kept)
        self.ask("PUT", path, json={**body, "pids": {}})
        dropped = not self.ask("GET", path).json().get("pids")
        self.say("an update with empty `pids` drops it", True, dropped)
        self.say("reserved anew", expected, self.uploader.reserve_doi(number))

    def search(self) -> None:
        """How long a draft is not found."""
        from data_versioning.archive.deposit.uploading import new_marker

        marker, start = new_marker(), time.monotonic()
        number = str(self.uploader.create_deposition(METADATA, marker)["id"])
        self.drafts.append(number)
        found = self.uploader.find_deposition(marker)
        why = f"after {time.monotonic() - start:.1f} s"
        self.say("a draft is found by its marker", [number], found, why)

    def files(self, folder: Path) -> None:
        """Files that are small, empty, twice there, or without a length."""
        number = self.draft()
        path = f"/records/{number}/draft/files"
        (folder / NAME).write_bytes(b"rehearsal")
        stored = self.uploader.upload_file(number, folder / NAME)
        self.say("name and size", (NAME, 9), (stored.name, stored.size))
        taken = self.ask("POST", path, json=[{"key": NAME}])
        self.say("announced twice: status", 400, taken.status_code, _message(taken))
        again = self.ask("POST", f"{path}/{quote(NAME)}/commit")
        self.say("completed twice: status", 200, again.status_code, _message(again))
        self.ask("POST", path, json=[{"key": "empty"}])
        self.ask("PUT", f"{path}/empty/content", content=b"")
        empty = self.ask("POST", f"{path}/empty/commit")
        self.say("empty file: status", 400, empty.status_code, _message(empty))
        self.ask("POST", path, json=[{"key": "early"}])
        early = self.ask("POST", f"{path}/early/commit")
        self.say("completed before it came: status", 400, early.status_code, _message(early))
        self.ask("POST", path, json=[{"key": "chunks"}])
        chunks = self.ask("PUT", f"{path}/chunks/content", content=_pieces())
        self.say("without Content-Length: status", 200, chunks.status_code, _message(chunks))

    def large(self, folder: Path) -> None:
        """A file above 100 MB, which the proxy of the sandbox may refuse."""
        path = folder / "large.bin"
        with path.open("wb") as file:
            file.truncate(101 * 10**6)
        stored = self.uploader.upload_file(self.draft(), path)
        self.say("101 MB by one PUT", 101 * 10**6, stored.size)

    def publication(self, folder: Path) -> None:
        """What is there after a publication, and the next version."""
        number = self.draft()
        doi = self.uploader.reserve_doi(number)
        (folder / NAME).write_bytes(b"rehearsal")
        self.uploader.upload_file(number, folder / NAME)
        answer = self.ask("POST", f"/records/{number}/draft/actions/publish")
        self.drafts.remove(number)
        self.say("publish: status", 202, answer.status_code, _message(answer))
        named = (answer.json().get("pids") or {}).get("doi", {}).get("identifier")
        self.say("publish: a reserved DOI is in the answer", doi, named)
        start = time.monotonic()
        there = self.uploader.status(number)
        while there.state != "published" and time.monotonic() - start < 60:
            time.sleep(2)
            there = self.uploader.status(number)
        why = f"after {time.monotonic() - start:.1f} s"
        self.say("the record shows the DOI", doi, there.doi, why)
        self.say("the concept DOI is there", True, bool(there.concept_doi))
        again = self.ask("POST", f"/records/{number}/draft/actions/publish")
        self.say("published twice: status", 404, again.status_code, _message(again))
        kind = "application/vnd.datacite.datacite+json"
        exported = self.ask("GET", f"/records/{number}", headers={"Accept": kind})
        self.say("DataCite's JSON: status", 200, exported.status_code)
        versions = [self.uploader.new_version(number)["id"] for _ in range(2)]
        self.drafts.append(str(versions[0]))
        self.say("the next version is made once", versions[0], versions[1])
        kept = self.uploader.status(str(versions[0])).files
        self.say("the next version has no files", {}, dict(kept))

    def end(self) -> None:
        """Discard what was made."""
        for number in self.drafts:
            gone = self.ask("DELETE", f"/records/{number}/draft")
            self.say(f"discarded {number}: status", 204, gone.status_code)
        self.client.close()


def main(argv: Sequence[str]) -> int:
    """Look at a server; returns 1 if something is not as expected.

    Args:
        argv: The arguments of the command.
    """
    sys.path.insert(0, str(ROOT / "template/src"))
    import httpx
    from data_versioning.errors import StudyError, one_line
    from data_versioning.rest import LOOPBACK

    parser = argparse.ArgumentParser(prog="zenodo_sandbox")
    parser.add_argument("--url", default=SANDBOX, help="of the sandbox, or of a double")
    parser.add_argument("--large", action="store_true", help="send 101 MB, too")
    parser.add_argument("--publish", action="store_true", help="publish a record, which stays")
    asked = parser.parse_args(argv)
    url = asked.url.rstrip("/")
    if url != SANDBOX and urlsplit(url).hostname not in LOOPBACK:
        parser.error("this rehearses in the sandbox or on this machine, and nowhere else")
    variable = "ZENODO_SANDBOX_TOKEN" if url == SANDBOX else "INVENIO_TOKEN"
    if not (token := os.environ.get(variable, "")):
        parser.error(f"no token in {variable}")
    look = Look(url, token)
    print(f"looking at {url}", flush=True)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        steps: list[Callable[[], None]] = [
            look.refusals,
            look.metadata,
            look.identifiers,
            look.search,
            lambda: look.files(folder),
        ]
        steps += [lambda: look.large(folder)] if asked.large else []
        steps += [lambda: look.publication(folder)] if asked.publish else []
        try:
            for step in steps:
                try:
                    step()
                except (StudyError, httpx.HTTPError, LookupError, ValueError, OSError) as error:
                    look.say("a step came to its end", True, one_line(error))
        finally:
            look.end()
    print(f"{look.others} points are otherwise" if look.others else "all is as expected")
    return 1 if look.others else 0


def _message(answer: Any) -> str:
    return str(answer.json().get("message", ""))[:100] if _is_json(answer) else answer.text[:60]


def _is_json(answer: Any) -> bool:
    try:
        return isinstance(answer.json(), dict)
    except ValueError:
        return False


def _pieces() -> Iterator[bytes]:
    yield b"re"
    yield b"hearsal"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
