"""Files and folders of a crate: those in the package, and those that it points to."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from data_versioning.archive.crate_graph import Entity, Graph, Reference, compact
from data_versioning.archive.package_files import DATA, RESULT, PackagedFile, Pointer
from data_versioning.lineage.prov import PREFIXES
from data_versioning.lineage.records import Kept

# By suffix. Not Python's table, which differs between machines and versions.
FORMATS = {
    ".bib": "application/x-bibtex", ".cff": "application/yaml", ".csv": "text/csv",
    ".dvc": "application/yaml", ".gz": "application/gzip", ".h5": "application/x-hdf5",
    ".html": "text/html", ".ipynb": "application/x-ipynb+json", ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg", ".json": "application/json", ".jsonl": "application/jsonl",
    ".lock": "text/plain", ".md": "text/markdown", ".parquet": "application/vnd.apache.parquet",
    ".pdf": "application/pdf", ".png": "image/png", ".py": "text/x-python", ".r": "text/x-r",
    ".sh": "application/x-sh", ".svg": "image/svg+xml", ".tex": "text/x-tex",
    ".tif": "image/tiff", ".tiff": "image/tiff", ".toml": "application/toml",
    ".tsv": "text/tab-separated-values", ".txt": "text/plain", ".typ": "text/plain",
    ".xml": "application/xml", ".yaml": "application/yaml", ".yml": "application/yaml",
    ".zip": "application/zip",
}  # fmt: skip


class Data:
    """The data entities of a crate.

    Args:
        graph: The crate; the files and pointers are added to it.
        files: What is in the package.
        pointers: What is not.
        license: Of data and results.
    """

    def __init__(
        self,
        graph: Graph,
        files: Sequence[PackagedFile],
        pointers: Sequence[Pointer],
        license: Sequence[Reference],
    ) -> None:
        self._graph = graph
        self._license = list(license)
        self._files = {one.path: self._file(one) for one in files}
        self._pointers = {one.path: self._pointer(one) for one in pointers}
        self._inside: dict[str, list[Reference]] = {}  # what each folder holds
        for path, entity in self._files.items():
            above = posixpath.dirname(path)
            while above:
                self._inside.setdefault(above, []).append(entity)
                above = posixpath.dirname(above)
        self._folders: dict[str, Reference] = {}  # those that a stage has read or written

    @property
    def parts(self) -> list[Reference]:
        """Everything that is part of the crate but not of a folder in it."""
        held = {one["@id"] for path in self._folders for one in self._inside[path]}
        single = [one for one in self._files.values() if one["@id"] not in held]
        return [*single, *self._folders.values(), *self._pointers.values()]

    def entity(self, kept: Kept) -> Reference:
        """Return the entity of something that a stage read or wrote; add it if it is new.

        Args:
            kept: A file or folder of the package, one that it points to, or one from elsewhere.
        """
        path = kept.path
        if path in self._files:
            return self._files[path]
        if path in self._inside:
            return self._folder(path, kept)
        above = path
        while above.strip("/"):  # a pointer can be to the folder that holds it
            if above in self._pointers:
                return self._pointers[above]
            above = posixpath.dirname(above)
        return self._external(kept)

    def _file(self, file: PackagedFile) -> Reference:
        return self._graph.add(
            Graph.quoted(file.path),
            "File",
            name=file.path,
            contentSize=str(file.size),
            sha256=file.sha256,
            encodingFormat=_format(file.path),
            license=self._license if file.role in (DATA, RESULT) else None,
        )

    def _folder(self, path: str, kept: Kept) -> Reference:
        if path not in self._folders:
            self._folders[path] = self._graph.add(
                f"{Graph.quoted(path)}/",
                "Dataset",
                name=path,
                hasPart=self._inside[path],
                identifier=_identifier(kept.md5),
            )
        return self._folders[path]

    def _pointer(self, pointer: Pointer) -> Reference:
        folder = pointer.md5.endswith(".dir")
        return self._graph.add(
            _name(pointer.path, pointer.md5) + ("/" if folder else ""),
            "Dataset" if folder else "File",
            name=pointer.path,
            description="Not in the package: `dvc pull` fetches it by its hash.",
            identifier=_identifier(pointer.md5),
            contentSize=None if pointer.size is None else str(pointer.size),
            encodingFormat=None if folder else _format(pointer.path),
            url=pointer.url,
            license=self._license,
        )

    def _external(self, kept: Kept) -> Reference:
        return self._graph.add(
            _name(kept.path, kept.md5),
            "CreativeWork",
            name=kept.path,
            description="From elsewhere; not in the package.",
            identifier=_identifier(kept.md5),
        )


def _name(path: str, md5: str) -> str:
    return f"{PREFIXES['file']}{Graph.quoted(path)}@{md5}"


def _format(path: str) -> str:
    name = posixpath.basename(path).lower()
    if name.startswith((".", "licen", "makefile", "dockerfile", "readme")) and "." not in name[1:]:
        return "text/plain"
    return FORMATS.get(posixpath.splitext(name)[1], "application/octet-stream")


def _identifier(md5: str) -> str | None:
    return f"md5:{md5}" if md5 else None


def as_source(entity: Entity, version: str | None, url: str | None) -> None:
    """Make a file of a crate one that is run as well."""
    entity |= {"@type": ["File", "SoftwareSourceCode"], **compact({"version": version, "url": url})}
