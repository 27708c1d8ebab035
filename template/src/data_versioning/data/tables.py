"""Tables of a study: which there are, and how one is read."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from data_versioning.errors import StudyError, one_line
from data_versioning.study import MARKER, Study
from data_versioning.tools import dvc_files

if TYPE_CHECKING:
    from pandas import DataFrame

RAW = "data/raw/"
SEPARATORS = {".csv": ",", ".tsv": "\t"}
SUFFIXES = (*SEPARATORS, ".jsonl", ".parquet")


def is_table(path: str) -> bool:
    """Tell by its name whether a file holds a table."""
    return _suffix(path) in SUFFIXES


def data_sets(study: Study, rev: str | None = None) -> set[str]:
    """Return the paths of the data that is looked at.

    These are the `datasets` of `study.yaml` as it is now, and the tables of raw data: what DVC
    tracks by a `*.dvc` file, and what a stage writes into `data/raw`.

    Args:
        study: The study.
        rev: The revision that says what raw data there is; the files on disk when not given.

    Raises:
        StudyError: `datasets` is not a list of mappings with a `path`.
    """
    entries = study.settings.get("datasets") or []
    if not (
        isinstance(entries, list)
        and all(isinstance(one, dict) and isinstance(one.get("path"), str) for one in entries)
    ):
        what = "not a list of entries with a path"
        raise StudyError(what, f"{MARKER}: datasets", f"$EDITOR {MARKER}")
    kept = dvc_files.outputs(study.root, rev)
    tracked = dvc_files.tracked(study.root, rev)
    raw = {path for path in kept if path in tracked or path.startswith(RAW)}
    return {one["path"] for one in entries} | set(filter(is_table, raw))


def read_table(content: bytes, name: str, texts: Iterable[str] = ()) -> DataFrame:
    """Return a table as it is in its file, columns without a name or with the same one included.

    Missing is what is empty, and what `pandas.read_csv` takes for missing, such as `NA`.

    Args:
        content: What the file holds.
        name: Its name; the suffix says the format: CSV, TSV, JSON lines or Parquet.
        texts: Columns of CSV and TSV whose values are texts even if they look like numbers.

    Raises:
        StudyError: It cannot be read as what its name says.
    """
    import pandas
    from pandas.errors import ParserWarning

    form = _suffix(name)
    if form not in SUFFIXES:
        what = f"no table: its name does not end in {', '.join(SUFFIXES)}"
        raise StudyError(what, name, "save it as one of these")
    try:
        # pandas only warns of values that it leaves out.
        with warnings.catch_warnings(action="error", category=ParserWarning):
            if form == ".parquet":
                return pandas.read_parquet(BytesIO(content))
            if form == ".jsonl":
                # pandas.read_json takes texts for dates or numbers if they look like some.
                return pandas.DataFrame([*_objects(content)])
            options: dict[str, Any] = {"encoding": "utf-8-sig", "sep": SEPARATORS[form]}
            names = dict.fromkeys(texts, "str")
            table = pandas.read_csv(
                BytesIO(content), index_col=False, low_memory=False, dtype=names, **options
            )
            # pandas renames columns of the same name, and names those without.
            header = pandas.read_csv(
                BytesIO(content), header=None, nrows=1, dtype=str, keep_default_na=False, **options
            )
            table.columns = pandas.Index(header.iloc[0].tolist())
            return table
    except (ValueError, OSError, OverflowError, RecursionError, ParserWarning) as error:
        what = f"cannot be read ({one_line(error)})"
        raise StudyError(what, name, "save it again, in the format that its name says") from None


def shown(value: object) -> str:
    """Return a name or value from a table on one short line."""
    text = str(value)
    if not text.isprintable() or text != text.strip() or not text:
        text = repr(text)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _objects(content: bytes) -> Iterator[dict[str, Any]]:
    for at, line in enumerate(content.splitlines(), start=1):
        if line.strip():
            if not isinstance(parsed := json.loads(line), dict):
                raise ValueError(f"no object in line {at}")
            yield parsed


def _suffix(path: str) -> str:
    return PurePosixPath(path).suffix.lower()
