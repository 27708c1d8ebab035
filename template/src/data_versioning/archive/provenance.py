"""All that a commit has on record, as PROV-JSON; see `lineage.prov`."""

from __future__ import annotations

from typing import Any

from data_versioning.archive.facts import Facts
from data_versioning.lineage import prov
from data_versioning.lineage.upstream import everything


def prov_of_commit(facts: Facts) -> dict[str, Any]:
    """Return what the stages of a commit read and wrote, and to whom that is attributed.

    Args:
        facts: What is known about the study.
    """
    made = prov.graph(everything(facts.stages))
    made["prefix"]["study"] = "urn:data-versioning:study:"  # type: ignore[assignment]
    study = f"study:{prov.quoted(facts.slug)}"
    known = {
        "dv:commit": facts.commit,
        "dv:tag": facts.tag,
        "dv:doi": facts.doi,
        "dv:environment": facts.uv_lock,
    }
    files = list(made["entity"])
    made["entity"][study] = {
        "prov:label": facts.title,
        "prov:type": prov.qualified("prov:Collection"),
        **{key: value for key, value in known.items() if value},
    }
    for file in files:
        prov.relate(made, "hadMember", "prov:collection", study, "prov:entity", file)
    for author in facts.authors:
        kind = "prov:Person" if author.family_names else "prov:Organization"
        agent = f"agent:{prov.quoted(author.orcid or author.name)}"
        made["agent"][agent] = {"prov:type": prov.qualified(kind), "prov:label": author.name}
        prov.relate(made, "wasAttributedTo", "prov:entity", study, "prov:agent", agent)
    return dict(made)
