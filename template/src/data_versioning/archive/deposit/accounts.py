"""Who the study is to an archive: addresses, tokens, and where they come from."""

from __future__ import annotations

import os
import shlex
from contextlib import suppress

from data_versioning.archive.deposit.uploading import AGAIN
from data_versioning.errors import StudyError
from data_versioning.rest import Api, may_have_token
from data_versioning.study import Study
from data_versioning.wording import printable

SANDBOX, ZENODO = "https://sandbox.zenodo.org", "https://zenodo.org"
# What they are called, and the variable with the token.
KNOWN = {
    SANDBOX: ("Zenodo's sandbox", "ZENODO_SANDBOX_TOKEN"),
    ZENODO: ("Zenodo", "ZENODO_TOKEN"),
}
ACCEPT = "application/vnd.inveniordm.v1+json"  # without it Zenodo answers in its older shape


def invenio(server: str, archive: str, variable: str, token: str | None) -> Api:
    """Return the API of an InvenioRDM.

    Args:
        server: Its address.
        archive: What it is called.
        variable: The name of the variable with the token.
        token: The token, if it is not to be that of the environment.

    Raises:
        StudyError: There is no token, or the address is not one that it may go to.
    """
    refuse_readable(archive, server, f"{AGAIN} TO={{url}}")
    page = f"{server}/account/settings/applications/"
    token = found_token(token, archive, variable, page)
    mends = mends_of_refusals(variable, page, "deposit:write and deposit:actions")
    return Api(
        archive,
        f"{server}/api",
        {"Accept": ACCEPT},
        ("Authorization", f"Bearer {token}"),
        version=template_version(),
        mends=mends,
        again=AGAIN,
    )


def found_token(given: str | None, archive: str, variable: str, page: str) -> str:
    """Return a token: the one that is given, or that of the environment.

    Args:
        given: The token, if there is one.
        archive: What the archive is called.
        variable: The name of the variable.
        page: Where one gets a token.

    Raises:
        StudyError: There is none, or it cannot be one.
    """
    token = (given or os.environ.get(variable, "")).strip()
    if not token:
        mend = f"get a token at {page} and write {variable}=<token> into .env"
        raise StudyError(f"no token for {archive}", variable, mend)
    if not (token.isascii() and token.isprintable()):
        what = f"the token for {archive} holds characters that no token has"
        raise StudyError(what, variable, f"write {variable}=<token> into .env")
    return token


def refuse_readable(archive: str, url: str, mend: str) -> None:
    """Refuse an address on whose way others could read a token.

    Args:
        archive: What the archive is called.
        url: The address.
        mend: What is typed, with `{url}` where another address goes.
    """
    if not may_have_token(url):
        better = f"https://{url.partition('://')[2] or '<server>'}"
        what = f"a token goes to {archive} by https only"
        raise StudyError(what, printable(url), mend.format(url=shlex.quote(better)))


def mends_of_refusals(variable: str, page: str, scopes: str) -> dict[int, str]:
    """Return what to do when an archive refuses a token, by the status of its answer.

    Args:
        variable: The name of the variable with the token.
        page: Where one gets a token.
        scopes: What the token has to be allowed.
    """
    return {
        401: f"get a new token at {page} and write {variable}=<token> into .env",
        403: f"give the token {scopes}, of the account that made the deposit: {page}; "
        f"then: {AGAIN}",
    }


def template_version() -> str:
    """Return the version of the template that the study here is made of; empty if unknown."""
    with suppress(StudyError):
        return str(Study.find().answers.get("_commit") or "")
    return ""
