"""Which archive a study is deposited in, and what deposits there."""

from __future__ import annotations

import os
from contextlib import suppress
from urllib.parse import urlsplit

from data_versioning.archive import citation, settings
from data_versioning.archive.deposit import state
from data_versioning.archive.deposit.state import Deposit
from data_versioning.archive.deposit.uploading import DRAFT, Uploader
from data_versioning.errors import StudyError
from data_versioning.study import MARKER, Study, read_yaml


def destination(study: Study) -> str:
    """Return where the study is deposited; empty for nowhere.

    That is what `study.yaml` names; or where the deposit is that it cites; or what the answers
    name.

    Args:
        study: The study.
    """
    named = settings.parse(study.settings)
    if not named.to and (known := _cited(study)):
        with suppress(StudyError):
            return known_to(study, known.server).server
    return settings.destination(named, study.answers)


def draft(study: Study) -> Deposit | None:
    """Return the draft whose DOI the study cites, or that gets its DOI with the publication.

    Args:
        study: The study.
    """
    known = _cited(study)
    return known if known and known.state == DRAFT else None


def _cited(study: Study) -> Deposit | None:
    file = study.root / citation.FILE
    cited = read_yaml(file).get("doi") if file.is_file() else None
    made = [one for one in state.read(study) if one.id and one.doi in (None, cited)]
    return made[-1] if made else None


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
    if settings.is_osf(to) or to == os.environ.get("OSF_API_URL", "").rstrip("/"):
        from data_versioning.archive.deposit.osf import OSFUploader

        found: Uploader = OSFUploader()
        return found
    from data_versioning.archive.deposit.zenodo import ZenodoUploader

    if to in (settings.ZENODO, settings.ZENODO_SANDBOX):
        return ZenodoUploader(sandbox=to == settings.ZENODO_SANDBOX)
    return ZenodoUploader(url=to)


def known_to(study: Study, server: str) -> Uploader:
    """Return what deposits in an archive that `deposits.json` names.

    That file comes from whoever changed it last, and a token goes to no address of its choice.

    Args:
        study: The study.
        server: The address.

    Raises:
        StudyError: The study names another server than this one.
    """
    from data_versioning.archive.deposit import accounts
    from data_versioning.rest import LOOPBACK

    found = uploader_of(server)
    everybodys = found.server in accounts.KNOWN or not found.has_versions  # Zenodo, OSF
    local = urlsplit(server).hostname in LOOPBACK
    if not (everybodys or local or settings.parse(study.settings).to == server):
        what, mend = f"not asked: {MARKER} does not name it", f"$EDITOR {MARKER}"
        raise StudyError(what, f"{MARKER}: archive.to", mend)
    return found
