"""CITATION.cff: read, checked, and given its DOI; and what `study.yaml` says about archives."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from data_versioning.archive import citation, settings
from data_versioning.archive.citation import Author, readme_badge, with_doi
from data_versioning.archive.settings import Claim, Funding, Related, Settings
from data_versioning.errors import StudyError

from tests.unit.described import ARCHIVE, CITATION, CONCEPT, DOI, ORCID

BROKEN = """\
cff-version: 1.2
type: paper
titel: x
date-released: yesterday
license: Foo
doi: https://doi.org/10.1234/x
url: here
keywords: [a, a, 3]
authors:
  - family_names: Lovelace
    orcid: 0000-0002-1825-0097
  - name: Lab
    affiliation: x
  - Ada
  - family-names: X
    orcid: https://orcid.org/0000-0002-1825-0098
  - orcid:
identifiers:
  - {type: doi, value: xx}
  - {type: isbn, value: xx}
  - {type: url}
"""
PROBLEMS = """\
unknown key titel; did you mean title?
message is missing, such as: If you use this study, please cite it as below.
title is missing
author 1: unknown key family_names; did you mean family-names?
author 1, orcid: 0000-0002-1825-0097: an ORCID iD is written as a full address, \
https://orcid.org/0000-0002-1825-0097
author 2: unknown key affiliation; only a person has one, who has family-names instead of name
author 3: Ada is not a mapping
author 5, orcid: empty
cff-version: 1.2: has to be 1.2.0
date-released: yesterday: a date is written as 2026-11-28
doi: https://doi.org/10.1234/x: a DOI is written without https://doi.org/, as \
10.5281/zenodo.1003150
identifier 1, value: xx: a DOI is written without https://doi.org/, as 10.5281/zenodo.1003150
identifier 2, type: isbn: has to be doi, url, swh or other
identifier 3: value is missing
keywords: an entry stands there twice
keyword 3: 3 is not a text
license: Foo: not an SPDX identifier, such as MIT or CC-BY-4.0
type: paper: has to be software or dataset
url: here: not a web address
author 1: neither name nor family-names
author 4: https://orcid.org/0000-0002-1825-0098 is no ORCID iD: its last digit does not fit
author 5: neither name nor family-names
"""


def test_what_is_wrong_is_said_in_a_few_words() -> None:
    assert "\n".join(citation.problems(BROKEN.encode())) + "\n" == PROBLEMS
    assert citation.problems(b"authors: x\ntitle: [1]\nmessage: a\ncff-version: 1.2.0") == [
        "authors: x is not a list",
        "title: [1] is not a text",
    ]
    with pytest.raises(StudyError, match=r"unknown key titel.*and 21 more") as caught:
        citation.read(BROKEN.encode())
    assert caught.value.mend == "$EDITOR CITATION.cff"
    with pytest.raises(StudyError, match="not valid YAML"):
        citation.problems(b"a: [")


def test_people_and_organisations_are_read() -> None:
    found = citation.read(CITATION.encode())
    assert citation.problems(CITATION.encode()) == []
    assert found.authors == (
        Author(
            "Ada von Lovelace", "Ada", "von Lovelace", ORCID, "Analytical Society",
            "ada@example.org",
        ),
        Author("The Engine Group", email="group@example.org"),
    )  # fmt: skip
    assert (found.license, found.doi, found.concept_doi) == ("MIT", DOI, CONCEPT)
    dated = CITATION.replace(
        "license: MIT", "license: [MIT, Apache-2.0]\ndate-released: 2026-01-02"
    )
    assert citation.read(dated.encode()).license == "MIT OR Apache-2.0"


def test_the_doi_is_written_once_and_comments_stay() -> None:
    """A new version replaces the old one's DOI; identifiers that others wrote stay."""
    plain = CITATION.partition("doi: ")[0] + "identifiers:\n  # the paper\n  - type: other\n"
    plain += "    value: x\n# the end\n"
    once = with_doi(plain, DOI, CONCEPT)
    assert with_doi(once, DOI, CONCEPT) == once
    assert citation.problems(once.encode()) == []
    found = citation.read(once.encode())
    assert (found.doi, found.concept_doi) == (DOI, CONCEPT)
    kept = [line for line in plain.splitlines() if line not in once.splitlines()]
    assert kept == []
    later = with_doi(once, "10.5072/zenodo.13", CONCEPT)
    assert later == once.replace(DOI, "10.5072/zenodo.13")
    assert CONCEPT not in with_doi(once, "10.17605/OSF.IO/ABCDE", None)  # of another archive
    alone = yaml.safe_load(with_doi(plain, DOI, None))["identifiers"]
    assert [one["value"] for one in alone] == ["x", DOI]
    with pytest.raises(StudyError, match="not valid YAML"):
        with_doi("a: [", DOI, None)


def test_one_badge_stands_below_the_title() -> None:
    url, badge = f"https://doi.org/{DOI}", re.compile(r"^\[!\[DOI of this study\]\(.*\)\]\((.*)\)$")

    def badged(text: str) -> list[str]:
        once = readme_badge(text, DOI, url)
        assert readme_badge(once, DOI, url) == once
        newer = readme_badge(once, "10.5072/a-b_c", "https://other.example.org/1")
        assert (once.count(url), newer.count(url)) == (1, 0)
        assert "DOI-10.5072%2Fa--b__c-blue" in newer
        return ["BADGE" if badge.match(line) else line for line in once.split("\n")]

    assert badged("# T\n\ntext\n") == ["# T", "", "BADGE", "", "text", ""]
    assert badged("```\n# no\n```\nT\n===\ntext") == [
        "```", "# no", "```", "T", "===", "", "BADGE", "", "text",
    ]  # fmt: skip
    assert badged("text\n") == ["BADGE", "", "text", ""]
    assert badged("") == ["BADGE", ""]
    paper = "[![DOI](https://zenodo.org/badge/1.svg)](https://doi.org/10.1234/x)"
    assert badged(f"# T\n\n{paper}\n") == ["# T", "", "BADGE", "", paper, ""]
    assert "\r\n\r\n[![DOI" in readme_badge("# T\r\nx\r\n", DOI, url)


def test_settings_of_archives_are_read() -> None:
    assert settings.parse({}) == settings.parse({"archive": None}) == Settings()
    found = settings.parse(
        {"archive": ARCHIVE | {"to": "http://127.0.0.1:5000/", "budget_gb": 1.5}}
    )
    assert (found.to, found.budget) == ("http://127.0.0.1:5000", 1_500_000_000)
    assert found.related == (Related("10.1234/x", "isSupplementTo", "doi"),)
    assert found.funding == (Funding("00k4n6c32", "101", "Engines"),)
    assert found.claims[1] == Claim("It can be seen.", "make figures")
    assert found.claims[0].command == "make repro"
    assert found.tolerances == {"results/metrics.json": {"relative": 1e-6}}
    assert settings.parse(
        {"archive": {"preregistration": "10.17605/OSF.IO/A"}}
    ).preregistration == ("https://doi.org/10.17605/OSF.IO/A")


@pytest.mark.parametrize(
    ("section", "key", "what"),
    [
        (["to"], "archive", "not a mapping"),
        ({"too": "zenodo"}, "archive.too", "unknown; it could be budget_gb, claims"),
        ({"to": "zenod"}, "archive.to", "'zenod' is not zenodo-sandbox, zenodo, osf or an https"),
        ({"to": "http://example.org"}, "archive.to", "not zenodo-sandbox"),
        ({"to": "https://me:secret@example.org"}, "archive.to", "not zenodo-sandbox"),
        ({"data": "some"}, "archive.data", "not one of data, pointers, auto"),
        ({"budget_gb": -1}, "archive.budget_gb", "not a number of GB"),
        ({"budget_gb": True}, "archive.budget_gb", "not a number of GB"),
        ({"language": "en"}, "archive.language", "not ISO 639-3"),
        ({"preregistration": "soon"}, "archive.preregistration", "not an address or a DOI"),
        ({"related": {"a": 1}}, "archive.related", "not a list"),
        ({"related": [{"identifier": "x"}]}, "archive.related[1].relation", "missing"),
        (
            {"related": [{"identifier": "x", "relation": "a"}]},
            "archive.related[1].relation",
            "'a' is not one of isCitedBy, cites",
        ),
        ({"funding": [{"funder": "NSF"}]}, "archive.funding[1].funder", "not a ROR id"),
        ({"claims": ["x"]}, "archive.claims[1]", "not a mapping"),
        ({"claims": [{"claim": "x", "output": "../x"}]}, "archive.claims[1].output", "not a file"),
        ({"tolerances": {"/x": {"relative": 1}}}, "archive.tolerances./x", "not a file"),
        (
            {"tolerances": {"x.png": {"relative": 1}}},
            "archive.tolerances.x.png.relative",
            "unknown",
        ),
        ({"tolerances": {"x.png": {"pixels": 2}}}, "archive.tolerances.x.png.pixels", "1 at most"),
        (
            {"tolerances": {"x.csv": {"absolute": "1"}}},
            "archive.tolerances.x.csv.absolute",
            "a num",
        ),
        ({"tolerances": {"x.csv": {}}}, "archive.tolerances.x.csv", "says no tolerance"),
    ],
)
def test_a_broken_setting_is_named(section: Any, key: str, what: str) -> None:
    with pytest.raises(StudyError) as caught:
        settings.parse({"archive": section})
    assert caught.value.where == f"study.yaml: {key}"
    assert what in caught.value.what
    assert caught.value.mend == "$EDITOR study.yaml"
    assert "secret" not in str(caught.value)
