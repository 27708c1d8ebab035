"""`README-ARTIFACT.md`: what someone who reviews the artifact needs, in the form that ACM asks for.

Source of the form: https://www.acm.org/publications/policies/artifact-review-and-badging-current.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence

from data_versioning.archive.facts import Facts
from data_versioning.archive.markdown import block, code, linked, table, text_of
from data_versioning.archive.package_files import RESULT, PackagedFile, Pointer
from data_versioning.archive.reviewers_map import contents
from data_versioning.archive.settings import COMMAND, RESTRICTED
from data_versioning.wording import counted, printable, sized

VERIFY = "python3 verify.py ."


def text(
    facts: Facts,
    files: Sequence[PackagedFile],
    pointers: Sequence[Pointer],
    volumes: Sequence[str],
) -> str:
    """Return the document.

    Args:
        facts: What is known about the study.
        files: What is in the package.
        pointers: What is not.
        volumes: The names of the package's zip files.
    """
    sections = [
        (f"Artifact: {text_of(facts.title)}", _about(facts)),
        ("Claims" if facts.claims else "Results", _claims(facts, [*files, *pointers])),
        ("Contents", contents(files)),
        ("Requirements", _requirements(facts, files, pointers)),
        ("Install and run", _steps(facts, pointers, volumes)),
        ("Run time and hardware", [text_of(facts.run_time or "The authors do not say.")]),
        ("Data", _data(facts, pointers)),
        ("Licences", _licences(facts)),
        ("How to cite", [_citation(facts)]),
    ]
    parts = ["\n".join([f"## {title}", "", *lines]).rstrip() for title, lines in sections]
    return "\n\n".join(parts).removeprefix("#") + "\n"


def _about(facts: Facts) -> Iterator[str]:
    if facts.description and facts.description != facts.title:
        yield f"{text_of(facts.description)}\n"
    rows = [
        ("Authors", ", ".join(text_of(one.name) for one in facts.authors)),
        ("Version", facts.version and text_of(facts.version)),
        ("Tag", facts.tag and code(facts.tag)),
        ("Commit", facts.commit and code(facts.commit)),
        ("Date", facts.time.date().isoformat()),
        ("DOI", facts.doi and linked(f"https://doi.org/{facts.doi}")),
        ("All versions", facts.concept_doi and linked(f"https://doi.org/{facts.concept_doi}")),
        ("Preregistration", facts.preregistration and linked(facts.preregistration)),
        ("Repository", facts.repository and linked(facts.repository)),
    ]
    yield from table(["", ""], [(name, shown) for name, shown in rows if shown])


def _claims(facts: Facts, files: Sequence[PackagedFile | Pointer]) -> Iterator[str]:
    if facts.claims:
        yield from table(
            ["", "claim", "command", "output", "expected", "tolerance"],
            [
                (
                    str(number),
                    text_of(one.claim),
                    code(one.command),
                    code(one.output) if one.output else "",
                    text_of(one.expected),
                    _tolerance(facts, one.output),
                )
                for number, one in enumerate(facts.claims, 1)
            ],
        )
        return
    results = sorted((one for one in files if one.role == RESULT), key=lambda one: one.path)
    if not results:
        yield "The package holds no results; `make repro` makes them."
        return
    yield "`make repro` makes all of them; one by one, after `source .venv/bin/activate`:\n"
    yield from table(
        ["result", "command", "tolerance"],
        [
            (
                code(one.path),
                code(f"dvc repro {shlex.quote(one.stage)}") if one.stage else "none makes it",
                _tolerance(facts, one.path),
            )
            for one in results
        ],
    )


def _tolerance(facts: Facts, path: str) -> str:
    if not path:
        return ""
    kinds = {
        "relative": "relative difference {:g}",
        "absolute": "absolute difference {:g}",
        "pixels": "mean difference of pixels {:g}",
    }
    said = facts.tolerances.get(path, {})
    return " or ".join(kinds[key].format(value) for key, value in said.items()) or "same bytes"


def _requirements(
    facts: Facts, files: Sequence[PackagedFile], pointers: Sequence[Pointer]
) -> Iterator[str]:
    inside = sum(one.size for one in files)
    outside = sum(one.size or 0 for one in pointers)
    more = f", {sized(outside)} for the data outside" if outside else ""
    python = f" {code(facts.python)}" if facts.python else ""
    yield "- Linux or macOS with git, make and unzip"
    yield f"- Python{python}; `verify.py` alone runs on Python 3.9 and newer"
    yield "- the Python package index, once, for the packages that `uv.lock` pins by hash"
    yield f"- disk: {sized(inside)} for the package{more}, and the Python environment besides"


def _steps(facts: Facts, pointers: Sequence[Pointer], volumes: Sequence[str]) -> Iterator[str]:
    names = " and ".join(code(one) for one in volumes[:2])
    more = f" and {len(volumes) - 2} more" if len(volumes) > 2 else ""
    steps = [
        (
            f"Unpack {counted(len(volumes), 'volume')}, {names}{more}, into one empty folder that "
            "is in no git repository.",
            "unzip -q '*.zip' -d ../artifact && cd ../artifact",
        ),
        ("Compare every file with its checksum. This changes nothing.", VERIFY),
        (
            "Build the environment in `.venv`, and make the folder a git repository. Where "
            "`python3` is another version: `make setup PYTHON=python3.12`.",
            "make setup",
        ),
    ]
    if pointers and not _out_of_reach(pointers):
        what = "Fetch the data that is not in the package; see Data below."
        steps.append((what, "make pull"))
    # What was fetched is the result already: nothing would be out of date.
    run = ".venv/bin/dvc repro --force" if pointers else COMMAND
    steps.append(("Run every stage.", run))
    what = "See what differs: nothing, if every output has the same bytes."
    steps.append((what, "git status --short"))
    commands = [one.command for one in facts.claims if one.command != COMMAND]
    if commands:
        listed = "\n".join(dict.fromkeys(map(printable, commands)))
        what = "Run what else the claims above name."
        steps.append((what, f"source .venv/bin/activate\n{listed}"))
    for number, (what, command) in enumerate(steps, 1):
        yield f"{number}. {what}\n"
        yield "\n".join(f"   {one}" for one in block(command).splitlines()) + "\n"
    yield (
        "`make replay PACKAGE=<folder of the zip files>` does all of this in an empty folder, and "
        "compares output by output within the tolerances."
    )


def _data(facts: Facts, pointers: Sequence[Pointer]) -> Iterator[str]:
    if facts.data_license == RESTRICTED:
        yield "The data is not open; ask the authors.\n"
    if not pointers:
        yield "The package holds all data and results that the stages read and write."
        return
    yield "These are not in the package. DVC fetches them by their hash from where they are kept.\n"
    if _out_of_reach(pointers):
        yield "That is a folder of the authors, or is not said: ask them where you can reach it.\n"
    yield from table(
        ["path", "role", "size", "files", "MD5", "kept in"],
        [
            (
                code(one.path),
                one.role,
                "" if one.size is None else sized(one.size),
                "" if one.nfiles is None else str(one.nfiles),
                code(one.md5),
                code(one.url or one.remote) if one.url or one.remote else "",
            )
            for one in pointers
        ],
    )


def _out_of_reach(pointers: Sequence[Pointer]) -> bool:
    """Tell whether some data is kept where only the authors can fetch it."""
    return any("://" not in one.url for one in pointers)


def _licences(facts: Facts) -> Iterable[str]:
    data = facts.data_license
    shown = "not open, on request" if data == RESTRICTED else text_of(data or "not stated")
    return [
        f"- code: {text_of(facts.license or 'not stated')}; see `LICENSE`",
        f"- data and results that were made here: {shown}",
        "- data of others: what `data/README.md` and the sources say",
    ]


def _citation(facts: Facts) -> str:
    if facts.is_anonymous:
        return "Withheld for review."
    authors = "; ".join(text_of(one.name) for one in facts.authors)
    version = f", version {text_of(facts.version)}" if facts.version else ""
    doi = f". {linked(f'https://doi.org/{facts.doi}')}" if facts.doi else ""
    named = f"{authors} ({facts.time.year}): {text_of(facts.title)}{version}{doi}"
    return f"{named}\n\n`CITATION.cff` says who and what to machines."
