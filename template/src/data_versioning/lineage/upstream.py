"""What an artifact was made from, step by step, down to raw data."""

from __future__ import annotations

import posixpath
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from data_versioning.lineage.records import Kept, Record

# What a stage reads from git is code, unless its name says that it is data.
DATA = {
    ".arff", ".arrow", ".avro", ".bam", ".csv", ".db", ".dcm", ".feather", ".fasta", ".fastq",
    ".geojson", ".gz", ".h5", ".hdf5", ".jpeg", ".jpg", ".json", ".jsonl", ".mat", ".nc",
    ".ndjson", ".nii", ".npy", ".npz", ".onnx", ".parquet", ".pkl", ".png", ".pt", ".pth", ".rds",
    ".sav", ".shp", ".sqlite", ".tar", ".tif", ".tiff", ".tsv", ".txt", ".vcf", ".wav", ".xls",
    ".xlsx", ".xml", ".zarr", ".zip",
}  # fmt: skip


@dataclass(frozen=True)
class File:
    """A file or folder, as a stage wrote or read it.

    Args:
        path: Relative to the study.
        hash: DVC's hash of it.
        kind: `result` of a stage, `data` (raw, or tracked), or `code`.
        made_by: The stages, or the `*.dvc` files that track it; none for what only git keeps, or
            if they made another version.
    """

    path: str
    hash: str
    kind: str
    made_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Upstream:
    """The graph that ends in an artifact.

    Args:
        files: Everything read or written on the way, the artifact first.
        stages: What ran, the last first.
        notes: Where the recorded hashes do not fit together.
    """

    files: tuple[File, ...]
    stages: tuple[Record, ...]
    notes: tuple[str, ...]


def trace(records: Iterable[Record], record: Record, out: Kept) -> Upstream:
    """Follow an artifact back through the stages.

    Args:
        records: All records of a revision.
        record: The one that has the artifact among its outputs.
        out: The artifact.
    """
    index = _Index(records)
    kind = "result" if record.is_stage else "data"
    files = {out.version: File(*out.version, kind, (record.address,))}
    stages: dict[str, Record] = {}
    notes: dict[str, None] = {}
    ahead = [record]
    while ahead:
        at = ahead.pop()
        if at.address in stages:
            continue
        stages[at.address] = at
        for dep in at.deps:
            makers = list(index.makers(dep.path))
            made = next((kept for maker in makers if (kept := maker.out(dep.path))), None)
            if made and made.md5 != dep.md5:
                notes[f"{at.address} read another version of {dep.path} than there is now"] = None
                files.setdefault(dep.version, replace(_file(dep, makers), made_by=()))
            else:
                files.setdefault(dep.version, _file(dep, makers))
                ahead += makers
    ran = tuple(stage for stage in stages.values() if stage.is_stage)
    return Upstream(tuple(files.values()), ran, tuple(notes))


def everything(records: Sequence[Record]) -> Upstream:
    """Return the graph of all that is on record, in the order of the records.

    Args:
        records: All records of a revision.
    """
    index = _Index(records)
    files: dict[tuple[str, str], File] = {}
    for record in records:
        kind = "result" if record.is_stage else "data"
        for out in record.outs:
            files[out.version] = File(*out.version, kind, (record.address,))
    for record in records:
        for dep in record.deps:
            makers = list(index.makers(dep.path))
            files.setdefault(dep.version, _file(dep, makers))
    ran = tuple(record for record in records if record.is_stage)
    return Upstream(tuple(files.values()), ran, ())


def _file(dep: Kept, makers: Sequence[Record]) -> File:
    if makers:
        kind = "result" if any(maker.is_stage for maker in makers) else "data"
        return File(*dep.version, kind, tuple(dict.fromkeys(maker.address for maker in makers)))
    name = PurePosixPath(dep.path)
    is_data = name.parts[:1] == ("data",) or name.suffix.lower() in DATA or "://" in dep.path
    return File(*dep.version, "data" if is_data else "code")


class _Index:
    """Finds who made a path, or what is in it, or the folder that it is in."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._makers = {out.path: record for record in records for out in record.outs}
        self._paths = sorted(self._makers)

    def makers(self, path: str) -> Iterator[Record]:
        above = path
        while above.strip("/"):
            if above in self._makers:
                yield self._makers[above]
                return
            above = posixpath.dirname(above)
        inside = f"{path}/"
        for other in self._paths[bisect_left(self._paths, inside) :]:
            if not other.startswith(inside):
                return
            yield self._makers[other]
