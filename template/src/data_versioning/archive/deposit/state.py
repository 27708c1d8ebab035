"""`deposits.json`: which deposits the study has, in which archives; committed, and no secret in it.

What the archive itself says of files and state is asked from it, so little has to be kept.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from data_versioning.archive.deposit.uploading import DRAFT, PUBLISHED
from data_versioning.errors import StudyError
from data_versioning.study import Study, mend_of_conflict

STATE = "deposits.json"
FORMAT = 1
MEND = f"git checkout -- {STATE}"


@dataclass(frozen=True)
class Deposit:
    """A deposit, as it was when it was last seen.

    Args:
        server: The address of the archive.
        id: By which the archive knows it; None while the answer to its making is not there.
        parent: By which the archive knows all versions.
        doi: Of this version.
        concept_doi: Of all versions.
        version: Of the study, once it is published.
        state: `draft` or `published`.
        package: The name of the package that was published.
        files: Its files, with `size` in bytes and `md5`.
        commit: That of the package.
        marker: By which a draft is found again while `id` is not known.
    """

    server: str
    id: str | None = None
    parent: str | None = None
    doi: str | None = None
    concept_doi: str | None = None
    version: str | None = None
    state: str = DRAFT
    package: str | None = None
    files: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    commit: str | None = None
    marker: str | None = None


def read(study: Study) -> list[Deposit]:
    """Return the deposits of a study, the oldest first.

    Args:
        study: The study.

    Raises:
        StudyError: The file is broken.
    """
    path = study.root / STATE
    try:
        content = path.read_bytes()
        said = json.loads(content)
    except FileNotFoundError:
        return []
    except (ValueError, RecursionError):
        if re.search(rb"(?m)^<{7} ", content):
            mend = mend_of_conflict(STATE)
            raise StudyError(f"{STATE} is in conflict", str(path), mend) from None
        raise StudyError("not valid JSON", str(path), MEND) from None
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        raise StudyError("written by another version of the tooling", str(path), MEND)
    try:
        found = [Deposit(**one) for one in said["deposits"]]
    except (KeyError, TypeError):
        raise StudyError("not a list of deposits", str(path), MEND) from None
    for one in found:
        if not _is_sound(one):
            raise StudyError("not a list of deposits", str(path), MEND)
    return found


def _is_sound(one: Deposit) -> bool:
    texts = (one.id, one.parent, one.doi, one.concept_doi, one.version, one.package)
    return (
        all(text is None or isinstance(text, str) for text in (*texts, one.commit, one.marker))
        and isinstance(one.server, str)
        and one.state in (DRAFT, PUBLISHED)
        and bool(one.id or one.marker)
        and isinstance(one.files, dict)
        and all(map(_is_file, one.files.values()))
        and (one.id is None or bool(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", one.id)))
    )


def _is_file(said: object) -> bool:
    kinds = {key: type(value) for key, value in said.items()} if isinstance(said, dict) else {}
    return kinds == {"size": int, "md5": str}


def last(study: Study, server: str) -> Deposit | None:
    """Return the newest deposit in an archive.

    Args:
        study: The study.
        server: The address of the archive.
    """
    return next((one for one in reversed(read(study)) if one.server == server), None)


def put(study: Study, deposit: Deposit, instead: Deposit | None = None) -> Deposit:
    """Write a deposit down.

    Args:
        study: The study.
        deposit: What is known of it now.
        instead: What was known of it before; None for a new one.

    Returns:
        The deposit.
    """
    known = read(study)
    if instead is None:
        known.append(deposit)
    else:
        known[known.index(instead)] = deposit
    _write(study, known)
    return deposit


def drop(study: Study, deposit: Deposit) -> None:
    """Forget a deposit that the archive has no more."""
    _write(study, [one for one in read(study) if one != deposit])


def _write(study: Study, deposits: list[Deposit]) -> None:
    rows = [
        {key: value for key, value in asdict(one).items() if key != "marker" or value}
        for one in deposits
    ]
    content = {"format": FORMAT, "deposits": rows}
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    write(study.root / STATE, text)


def write(path: Path, text: str) -> None:
    """Write a file so that it is there as it was or as it will be, whatever happens.

    Args:
        path: The file.
        text: Its content; nothing is written if it holds that already.
    """
    content = text.encode()
    path = path.resolve()
    if path.exists() and path.read_bytes() == content:
        return
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            beside.chmod(path.stat().st_mode)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
