"""Who the study is to an archive: addresses, tokens, and where they come from."""

from __future__ import annotations

import os
from contextlib import suppress

from data_versioning.archive.deposit.uploading import AGAIN
from data_versioning.errors import StudyError
from data_versioning.rest import Api
from data_versioning.study import Study

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
        StudyError: There is no token.
    """
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
        StudyError: There is none.
    """
    token = (given or os.environ.get(variable, "")).strip()
    if not token:
        mend = f"get a token at {page} and write {variable}=<token> into .env"
        raise StudyError(f"no token for {archive}", variable, mend)
    return token


def mends_of_refusals(variable: str, page: str, scopes: str) -> dict[int, str]:
    """Return what to do when an archive refuses a token, by the status of its answer.

    Args:
        variable: The name of the variable with the token.
        page: Where one gets a token.
        scopes: What the token has to be allowed.
    """
    return {
        401: f"get a new token at {page} and write {variable}=<token> into .env",
        403: f"give the token {scopes}: {page}; then: {AGAIN}",
    }


def template_version() -> str:
    """Return the version of the template that the study here is made of; empty if unknown."""
    with suppress(StudyError):
        return str(Study.find().answers.get("_commit") or "")
    return ""
