"""Which archive a study is deposited in, and what deposits there."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from data_versioning.archive import settings
from data_versioning.archive.deposit.uploading import Uploader
from data_versioning.errors import StudyError
from data_versioning.study import MARKER, Study


def destination(study: Study) -> str:
    """Return where the study is deposited: as `study.yaml` says, or the answers; empty for nowhere.

    Args:
        study: The study.
    """
    if named := settings.parse(study.settings).to:
        return named
    archives = study.answers.get("archives") or []
    known = {settings.ZENODO: settings.ZENODO_SANDBOX, settings.OSF: settings.OSF}
    return next((to for answer, to in known.items() if answer in archives), "")


def uploader_for(study: Study, to: str | None) -> Uploader:
    """Return what deposits a study.

    Args:
        study: The study.
        to: The archive; that of the study if not given.

    Raises:
        StudyError: There is none.
    """
    to = to or destination(study)
    if not to:
        what, mend = "no archive is named", "make deposit TO=zenodo-sandbox"
        raise StudyError(what, f"{MARKER}: archive.to", mend)
    return uploader_of(to)


def uploader_of(to: str) -> Uploader:
    """Return what deposits in an archive.

    Args:
        to: `zenodo-sandbox`, `zenodo`, `osf`, or the address of an InvenioRDM or of OSF's API.

    Raises:
        StudyError: It is none of them.
    """
    to = settings.parse({"archive": {"to": to}}).to
    is_osf = to in (settings.OSF, os.environ.get("OSF_API_URL", "").rstrip("/"))
    if is_osf or str(urlsplit(to).hostname).endswith("osf.io"):
        from data_versioning.archive.deposit.osf import OSFUploader

        found: Uploader = OSFUploader()
        return found
    from data_versioning.archive.deposit.zenodo import ZenodoUploader

    if to in (settings.ZENODO, settings.ZENODO_SANDBOX):
        return ZenodoUploader(sandbox=to == settings.ZENODO_SANDBOX)
    return ZenodoUploader(url=to)
