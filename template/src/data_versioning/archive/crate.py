"""The package as an RO-Crate 1.1 that conforms to Process Run Crate 0.5, by hand, as JSON-LD.

Source of the formats: https://w3id.org/ro/crate/1.1 and https://w3id.org/ro/wfrun/process/0.5. The
latter still extends the former, so newer versions of RO-Crate do not validate with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from data_versioning.archive.citation import Author
from data_versioning.archive.crate_data import Data
from data_versioning.archive.crate_graph import Graph, Reference, compact
from data_versioning.archive.crate_runs import add_runs
from data_versioning.archive.facts import Facts
from data_versioning.archive.package_files import PackagedFile, Pointer
from data_versioning.archive.settings import RESTRICTED, Funding, Related

FILE = "ro-crate-metadata.json"
RO_CRATE = "https://w3id.org/ro/crate/1.1"
PROCESS_RUN = "https://w3id.org/ro/wfrun/process/0.5"
# RO-Crate 1.1's own context lacks it; later ones map it like this.
CONTEXT = [f"{RO_CRATE}/context", {"sha256": "http://schema.org/sha256"}]
ROOT = "./"


def document(
    facts: Facts, files: Sequence[PackagedFile], pointers: Sequence[Pointer]
) -> dict[str, Any]:
    """Return the crate of a package.

    Args:
        facts: What is known about the study.
        files: What is in the package; an entry of the crate itself is left out.
        pointers: What is not.
    """
    graph = Graph()
    descriptor = {"conformsTo": {"@id": RO_CRATE}, "about": {"@id": ROOT}}
    graph.add(FILE, "CreativeWork", **descriptor)
    root = graph.entities[graph.add(ROOT, "Dataset")["@id"]]
    profile = graph.add(PROCESS_RUN, "CreativeWork", name="Process Run Crate", version="0.5")
    code = _licenses(graph, facts.license)
    data = _licenses(graph, facts.data_license)
    authors = [_author(graph, number, one) for number, one in enumerate(facts.authors, 1)]
    contents = Data(graph, [one for one in files if one.path != FILE], pointers, data)
    mentions = add_runs(graph, facts, contents, authors)
    root |= compact(
        {
            "name": facts.title,
            "description": facts.description or facts.title,
            "datePublished": facts.time.date().isoformat(),
            "conformsTo": profile,
            "license": list({one["@id"]: one for one in (*code, *data)}.values())
            or graph.add("#no-licence", "CreativeWork", name="No licence: all rights reserved"),
            "author": authors,
            "keywords": ", ".join(facts.keywords),
            "version": facts.version,
            "inLanguage": facts.language,
            "identifier": facts.doi and f"https://doi.org/{facts.doi}",
            "isBasedOn": _repository(graph, facts),
            "citation": [_work(graph, one) for one in facts.related],
            "subjectOf": facts.preregistration
            and graph.add(facts.preregistration, "CreativeWork", name="Preregistration"),
            "funder": [_funder(graph, one) for one in facts.funding],
            "hasPart": contents.parts,
            "mentions": mentions,
        }
    )
    return {"@context": CONTEXT, "@graph": list(graph.entities.values())}


def _licenses(graph: Graph, expression: str | None) -> list[Reference]:
    if expression == RESTRICTED:
        text = "Not open: available on request"
        return [graph.add("#restricted", "CreativeWork", name=text)]
    return [
        graph.add(f"https://spdx.org/licenses/{one}", "CreativeWork", name=one)
        for one in (expression.split(" OR ") if expression else ())
    ]


def _author(graph: Graph, number: int, author: Author) -> Reference:
    affiliation = author.affiliation and graph.add(
        Graph.local("organisation", author.affiliation), "Organization", name=author.affiliation
    )
    return graph.add(
        author.orcid or f"#author-{number}",
        "Person" if author.family_names else "Organization",
        name=author.name,
        givenName=author.given_names,
        familyName=author.family_names,
        affiliation=affiliation,
        email=author.email,
    )


def _repository(graph: Graph, facts: Facts) -> Reference | None:
    if not facts.repository:
        return None
    return graph.add(
        facts.repository, "SoftwareSourceCode", name=facts.slug, version=facts.commit,
        url=facts.repository,
    )  # fmt: skip


def _funder(graph: Graph, funding: Funding) -> Reference:
    address = f"https://ror.org/{funding.funder}"
    return graph.add(address, "Organization", name=address, url=address)


def _work(graph: Graph, related: Related) -> Reference:
    said = related.identifier
    is_doi = related.scheme == "doi" or (not related.scheme and said.startswith("10."))
    address = f"https://doi.org/{said}" if is_doi and "://" not in said else said
    if "://" not in address:
        address = f"urn:{related.scheme or 'data-versioning:work'}:{Graph.quoted(said)}"
    return graph.add(address, "CreativeWork", name=said)
