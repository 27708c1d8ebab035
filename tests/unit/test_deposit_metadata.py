"""What an archive is told: from the study's files, and as Zenodo's older API took it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from data_versioning.archive.citation import Author
from data_versioning.archive.deposit.metadata import Metadata
from data_versioning.archive.facts import facts
from data_versioning.archive.settings import Funding, Related
from data_versioning.errors import StudyError
from data_versioning.study import Study

from tests.conftest import git

# As the documents that the project was built from have it.
LEGACY: dict[str, Any] = {
    "title": "Exercise Intervention Study - Raw Data",
    "upload_type": "dataset",
    "description": "Raw data from RCT testing effect of 12-week exercise program.",
    "creators": [
        {
            "name": "Researcher, Jane",
            "affiliation": "University Name",
            "orcid": "0000-0001-2345-6789",
        }
    ],
    "access_right": "open",
    "license": "CC-BY-4.0",
    "keywords": ["depression", "exercise", "RCT", "college students"],
    "related_identifiers": [
        {"identifier": "10.1234/preregistration", "relation": "isSupplementedBy", "scheme": "doi"}
    ],
    "version": "1.0.0",
    "language": "eng",
}
CITATION = """\
cff-version: 1.2.0
message: Please cite it.
title: Exercise & mood
abstract: "What <b>exercise</b> does.\\n\\nMore."
authors:
  - {family-names: Lovelace, given-names: Ada, orcid: "https://orcid.org/0000-0001-2345-6789",
     affiliation: University}
  - name: The Study Group
keywords: [exercise]
license: [MIT, Apache-2.0]
repository-code: https://github.com/ada/study
"""
SETTINGS = """
archive:
  data_license: CC-BY-4.0
  language: eng
  preregistration: https://osf.io/abcde
  related: [{identifier: 10.1234/x, relation: isSupplementTo, scheme: doi}]
  funding: [{funder: 00k4n6c32, award: 101, title: Mood}, {funder: 00k4n6c32}]
"""
GOOD = Metadata(
    "Title", (Author("Ada Lovelace", "Ada", "Lovelace"),), "Text.", ("mit",),
    publication_date="2026-01-02",
)  # fmt: skip


def test_of_the_studys_files(study: Study) -> None:
    """At a commit, in the words of InvenioRDM and of OSF."""
    (study.root / "CITATION.cff").write_text(CITATION)
    with (study.root / "study.yaml").open("a") as file:
        file.write(SETTINGS)
    git(study.root, "add", "--all")
    git(study.root, "commit", "--quiet", "--message", "docs: citation")
    (study.root / "CITATION.cff").unlink()
    commit = git(study.root, "rev-parse", "HEAD").strip()
    made = Metadata.from_facts(facts(study, commit), "2026-01-02")
    made.check()
    person = {
        "type": "personal", "family_name": "Lovelace", "given_name": "Ada",
        "identifiers": [{"scheme": "orcid", "identifier": "0000-0001-2345-6789"}],
    }  # fmt: skip
    group = {"type": "organizational", "name": "The Study Group"}
    relations = [
        ("https://github.com/ada/study", "isderivedfrom", "url"),
        ("https://osf.io/abcde", "issupplementedby", "url"),
        ("10.1234/x", "issupplementto", "doi"),
    ]
    award = {"number": "101", "title": {"en": "Mood"}}
    assert made.to_rdm("Zenodo") == {
        "resource_type": {"id": "software"},
        "title": "Exercise & mood",
        "creators": [
            {"person_or_org": person, "affiliations": [{"name": "University"}]},
            {"person_or_org": group},
        ],
        "description": "<p>What &lt;b&gt;exercise&lt;/b&gt; does.</p><p>More.</p>",
        "publication_date": "2026-01-02",
        "publisher": "Zenodo",
        "version": commit[:12],
        "rights": [{"id": "mit"}, {"id": "apache-2.0"}, {"id": "cc-by-4.0"}],
        "subjects": [{"subject": "exercise"}],
        "languages": [{"id": "eng"}],
        "related_identifiers": [
            {"identifier": one, "relation_type": {"id": relation}, "scheme": scheme}
            for one, relation, scheme in relations
        ],
        "funding": [
            {"funder": {"id": "00k4n6c32"}, "award": award}, {"funder": {"id": "00k4n6c32"}},
        ],
    }  # fmt: skip
    assert made.to_osf() == {
        "title": "Exercise & mood",
        "category": "project",
        "description": "What <b>exercise</b> does.\n\nMore.",
        "tags": ["exercise"],
    }


def test_of_the_older_api() -> None:
    made = Metadata.of(LEGACY, "2026-01-02")
    made.check()
    said = made.to_rdm()
    assert said["resource_type"] == {"id": "dataset"} and said["rights"] == [{"id": "cc-by-4.0"}]
    assert said["creators"] == [
        {
            "person_or_org": {
                "type": "personal",
                "family_name": "Researcher",
                "given_name": "Jane",
                "identifiers": [{"scheme": "orcid", "identifier": "0000-0001-2345-6789"}],
            },
            "affiliations": [{"name": "University Name"}],
        }
    ]
    assert said["publication_date"] == "2026-01-02" and said["version"] == "1.0.0"
    assert dict(made.access)["files"] == "public"
    ignored = {"prereserve_doi": True, "doi": "", "notes": "Twelve weeks."}
    assert Metadata.of(LEGACY | ignored, "2026-01-02").to_rdm() == said | {
        "additional_descriptions": [{"description": "Twelve weeks.", "type": {"id": "notes"}}]
    }
    closed = Metadata.of(LEGACY | {"access_right": "restricted", "version": None}, "2026-01-02")
    assert dict(closed.access)["files"] == "restricted" and "version" not in closed.to_rdm()


@pytest.mark.parametrize(
    ("change", "where", "what"),
    [
        ({"titel": "x"}, "titel", "unknown; it could be title, upload_type, "),
        ({"title": 1}, "title", "not a text"),
        ({"communities": []}, "communities", "a community takes a record in at the archive"),
        ({"creators": "Jane"}, "creators", "not a list of mappings"),
        ({"creators": [{"nmae": "x"}]}, "creators", "unknown: nmae"),
        ({"upload_type": "software paper"}, "upload_type", "not one of publication, "),
        ({"access_right": "embargoed"}, "access_right", "not one of open, "),
        ({"title": ""}, "title", "no archive takes this: the title is shorter than 3 letters"),
        ({"license": None}, "rights", "no archive takes this: no licence says what others may do"),
    ],
)
def test_broken_ones_of_the_older_api(change: dict[str, Any], where: str, what: str) -> None:
    with pytest.raises(StudyError) as found:
        Metadata.of(LEGACY | change, "2026-01-02").check()
    assert found.value.where == f"metadata: {where}" and found.value.what.startswith(what)
    assert found.value.mend.startswith(("metadata['", "del metadata['"))


@pytest.mark.parametrize(
    ("change", "where", "what"),
    [
        ({"title": " x "}, "CITATION.cff: title", "the title is shorter"),
        ({"creators": ()}, "CITATION.cff: authors", "there is no author"),
        ({"creators": (Author(""),)}, "CITATION.cff: authors", "an author has no name"),
        ({"creators": (Author("A", orcid="https://orcid.org/0000-0001-2345-6780"),)},
         "CITATION.cff: authors", "0000-0001-2345-6780 is no ORCID: its check digit is wrong"),
        ({"description": "<p></p>"}, "CITATION.cff: abstract", "no abstract says"),
        ({"rights": ()}, "CITATION.cff: license", "no licence says"),
        ({"keywords": ("a", "a")}, "CITATION.cff: keywords", "a keyword is there twice"),
        ({"related": (Related("10.1/x", "likes"),)}, "study.yaml: archive.related",
         "likes is none"),
        ({"languages": ("en",)}, "study.yaml: archive.language", "en is not ISO 639-3"),
        ({"version": "1" * 192}, "the name of the tag", "the version is longer than 191"),
        ({"publication_date": "today"}, "publication_date", "today is no date"),
        ({"title": "", "rights": ()}, "CITATION.cff: title", "the title is shorter than 3 letters"
         " (and 1 more)"),
    ],
)  # fmt: skip
def test_what_no_archive_takes(change: dict[str, Any], where: str, what: str) -> None:
    """Is told before any call, with the file and key to edit."""
    GOOD.check()
    with pytest.raises(StudyError) as found:
        replace(GOOD, **change).check()
    assert found.value.where == where
    assert found.value.what.startswith(f"no archive takes this: {what}")
    assert found.value.mend


def test_licences_and_awards_of_ones_own() -> None:
    said = replace(GOOD, rights=("licenseref-mine",), funding=(Funding("0abcdef12", title="T"),))
    assert said.to_rdm()["rights"] == [{"title": {"en": "licenseref-mine"}}]
    assert said.to_rdm()["funding"][0]["award"] == {"number": "T", "title": {"en": "T"}}
