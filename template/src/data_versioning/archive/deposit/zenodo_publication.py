"""The publication of an InvenioRDM's draft, and the record that it makes."""

from __future__ import annotations

import time
from typing import Any

from data_versioning.archive.deposit.zenodo_shapes import (
    SLOW,
    absent,
    complaint,
    doi_of,
    draft,
    record,
)
from data_versioning.errors import StudyError
from data_versioning.rest import Api, Refused, Unanswered, pauses

POLLS = 6  # looks at what may appear later, half a minute in all


def publish(api: Api, deposition_id: int | str) -> dict[str, Any]:
    """Publish a draft; see `ZenodoUploader.publish`.

    Args:
        api: InvenioRDM's.
        deposition_id: The id.
    """
    found = _published(api, deposition_id)
    for pause in pauses(POLLS):  # a DOI that was not reserved shows later
        doi = doi_of(found)
        if doi or pause is None:
            break
        time.sleep(pause)
        found = api.get(record(deposition_id))
    return {**found, "doi": doi}


def _published(api: Api, deposition_id: int | str) -> dict[str, Any]:
    path = f"{draft(deposition_id)}/actions/publish"
    for pause in pauses():
        lost: StudyError
        try:
            return api.object(api.call("POST", path, patience=SLOW))
        except Unanswered as error:
            lost = error
        except Refused as error:
            if error.status != 404:  # which is what a published one answers
                raise complaint(api.name, error.what, error) from None
            lost, pause = error, None
        if (found := _appeared(api, deposition_id)) is not None:
            return found
        if pause is None:
            raise lost
        time.sleep(pause)
    raise AssertionError("the last try returns or raises")


def _appeared(api: Api, deposition_id: int | str) -> dict[str, Any] | None:
    """Return the record that a publication makes, which may take a while."""
    for pause in pauses(POLLS):
        with absent():
            return api.get(record(deposition_id))
        if pause is not None:
            time.sleep(pause)
    return None
