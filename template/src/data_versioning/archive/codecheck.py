"""`codecheck.yml`: what someone who checks the study has to see again.

Source of the format: https://codecheck.org.uk/spec/config/1.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from data_versioning.archive.citation import Author
from data_versioning.archive.facts import Facts
from data_versioning.archive.package_files import RESULT, PackagedFile, Pointer
from data_versioning.wording import printable

SPECIFICATION = "https://codecheck.org.uk/spec/config/1.0"


def text(facts: Facts, files: Sequence[PackagedFile | Pointer]) -> str:
    """Return the outputs of the study, those that show a claim first.

    Args:
        facts: What is known about the study.
        files: What is in the package, and what it points to.
    """
    import yaml

    paper: dict[str, Any] = {
        "title": facts.title,
        "authors": [_author(one) for one in facts.authors],
    }
    supplemented = [one for one in facts.related if one.relation == "isSupplementTo"]
    if supplemented:
        said = supplemented[0].identifier
        paper["reference"] = f"https://doi.org/{said}" if said.startswith("10.") else said
    content: dict[str, Any] = {
        "version": SPECIFICATION,
        "paper": {key: value for key, value in paper.items() if value},
        "manifest": _outputs(facts, files),
    }
    if facts.repository:
        content["repository"] = facts.repository
    dumped = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=10**9)
    return f"---\n{dumped}"


def _author(author: Author) -> dict[str, str]:
    orcid = {"ORCID": author.orcid.rsplit("/", 1)[-1]} if author.orcid else {}
    return {"name": author.name} | orcid


def _outputs(facts: Facts, files: Sequence[PackagedFile | Pointer]) -> list[dict[str, str]]:
    made = {one.path: one for one in files if one.role == RESULT}
    claimed: dict[str, list[str]] = {}
    for claim in facts.claims:
        if claim.output:
            shown = f" Expected: {claim.expected}" if claim.expected else ""
            claimed.setdefault(claim.output, []).append(printable(claim.claim + shown))
    listed = {path: " ".join(said) for path, said in claimed.items() if path in made}
    for path, file in made.items():
        listed.setdefault(path, f"made by stage {file.stage}" if file.stage else "a result")
    return [{"file": path, "comment": comment} for path, comment in listed.items()]
