"""The map of a package: its folders and files, and what they are for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from data_versioning.archive.markdown import code, table
from data_versioning.archive.package_files import ROLES, PackagedFile
from data_versioning.wording import counted, sized

KNOWN = {
    "CITATION.cff": "title, authors, licence and DOI, for machines",
    "LICENSE": "the licence of the code",
    "MANIFEST.json": "every file with size, checksums, role, stage and origin",
    "Makefile": "the commands; `make help` lists them",
    "README-ARTIFACT.md": "this file",
    "README.md": "the study's own description",
    "SHA256SUMS": "the checksums, for `sha256sum -c`",
    "codecheck.yml": "the outputs, for a CODECHECK",
    "data": "the data",
    "docs": "the documents of the study's phases",
    "dvc.lock": "what each stage read and wrote, with hashes",
    "dvc.yaml": "the stages of the pipeline",
    "manuscript": "the manuscript",
    "models": "the fitted models",
    "notebooks": "the notebooks",
    "params.yaml": "the parameters of the stages",
    "profiles": "settings of places where the study runs",
    "prov.json": "the same as W3C PROV",
    "pyproject.toml": "the packages that the code needs",
    "requirements.txt": "the locked packages, for pip",
    "results": "the results",
    "ro-crate-metadata.json": "files, stages and authors as an RO-Crate",
    "sbom.cdx.json": "the locked packages as a bill of materials, CycloneDX",
    "src": "the code; `src/data_versioning` is the tooling",
    "study.yaml": "claims, tolerances and phases of the study",
    "tests": "the tests; `make test` runs them",
    "uv.lock": "the locked packages, for uv",
    "verify.py": "checks the package; needs Python and nothing else",
}
# Made last, so that no list of files has them.
LAST = ("MANIFEST.json", "README-ARTIFACT.md", "SHA256SUMS", "ro-crate-metadata.json")


def contents(files: Sequence[PackagedFile]) -> Iterator[str]:
    """Yield a table of what lies at the root of a package.

    Args:
        files: What is in the package.
    """
    folders: dict[str, list[PackagedFile]] = {}
    single: dict[str, PackagedFile | None] = dict.fromkeys(LAST)
    for one in files:
        first, slash, _ = one.path.partition("/")
        if slash:
            folders.setdefault(first, []).append(one)
        else:
            single[first] = one
    rows = [
        (
            code(f"{name}/"),
            KNOWN.get(name, _roles(inside)),
            counted(len(inside), "file"),
            sized(sum(one.size for one in inside)),
        )
        for name, inside in sorted(folders.items())
    ]
    for name, file in sorted(single.items()):
        if not name.startswith("."):
            what = KNOWN.get(name, file.role if file else "")
            rows.append((code(name), what, "", sized(file.size) if file else ""))
    yield from table(["path", "what it is", "files", "size"], rows)


def _roles(files: Sequence[PackagedFile]) -> str:
    held = {one.role for one in files}
    return ", ".join(role for role in ROLES if role in held)
