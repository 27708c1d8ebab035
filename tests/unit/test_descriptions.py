"""What describes a package, besides its crate: facts, README, environment, CODECHECK, PROV."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from data_versioning.archive import codecheck, requirements, reviewers_readme, sbom
from data_versioning.archive.facts import facts, version_of
from data_versioning.archive.provenance import prov_of_commit
from data_versioning.archive.settings import Claim
from data_versioning.errors import StudyError
from data_versioning.study import Study
from prov.model import ProvAttribution, ProvDocument, ProvMembership

from tests.conftest import git
from tests.unit.described import ADDRESS, CONCEPT, DOI, PROJECT, RELEASE, SECRETS, described
from tests.unit.described import POINTER as RAW

LOCKED = """\
version = 1
revision = 3
requires-python = ">=3.11, <3.14"

[[package]]
name = "bmi"
version = "0.0.0"
source = { virtual = "." }
dependencies = [{ name = "numpy" }]

[package.dev-dependencies]
dev = [{ name = "ruff" }]
tooling = [{ name = "dvc", extra = ["s3"] }]

[package.metadata]
requires-dist = [{ name = "numpy", specifier = ">=2.1" }]

[package.metadata.requires-dev]
dev = [{ name = "ruff" }]
tooling = [{ name = "dvc", extras = ["s3"] }]

[[package]]
name = "numpy"
version = "2.1.0"
source = { registry = "https://mirror.example.org/simple" }
sdist = { url = "https://mirror.example.org/numpy-2.1.0.tar.gz", hash = "sha256:AA", size = 1 }
wheels = [
    { url = "https://mirror.example.org/numpy-2.1.0-cp311-abi3-any.whl", hash = "sha256:BB" },
]

[[package]]
name = "dvc"
version = "3.67.1"
source = { registry = "https://mirror.example.org/simple" }
dependencies = [{ name = "numpy", marker = "sys_platform == 'win32'" }]
wheels = [
    { url = "https://mirror.example.org/dvc-3.67.1-py3-none-any.whl", hash = "sha256:CC" },
]

[package.optional-dependencies]
s3 = [{ name = "dvc-s3" }]

[[package]]
name = "dvc-s3"
version = "3.2.0"
source = { registry = "https://mirror.example.org/simple" }
wheels = [
    { url = "https://mirror.example.org/dvc_s3-3.2.0-py3-none-any.whl", hash = "sha256:DD" },
]

[[package]]
name = "ruff"
version = "0.12.0"
source = { registry = "https://mirror.example.org/simple" }
wheels = [
    { url = "https://mirror.example.org/ruff-0.12.0-py3-none-any.whl", hash = "sha256:EE" },
]
"""
for letter in "ABCDE":  # a digest has 64 digits
    LOCKED = LOCKED.replace(f":{letter}{letter}", f":{letter.lower() * 64}")
GROUPS = PROJECT + '\n[dependency-groups]\ndev = ["ruff"]\ntooling = ["dvc[s3]"]\n'
GROUPS += '[tool.uv]\ndefault-groups = "all"\n'


def test_facts_are_those_of_the_commit_and_of_nothing_else(tmp_path: Path) -> None:
    """Neither the work tree, nor the folder's name, nor where it was cloned from matters."""
    root = tmp_path / "one"
    root.mkdir()
    made, _ = described(root)
    assert (made.title, made.slug, made.version) == ("Body mass: a study", "bmi", "1.0.0")
    assert (made.tag, made.phase, made.runs) == (RELEASE.tag, "analysis", ("run1",))
    assert (made.doi, made.concept_doi, made.repository) == (DOI, CONCEPT, ADDRESS)
    assert (made.license, made.data_license, made.language) == ("MIT", "CC-BY-4.0", "eng")
    assert made.time.isoformat() == "2023-11-15T00:13:20+00:00"
    assert (made.python, made.keywords) == (">=3.11,<3.14", ("mass", "disease"))
    assert [one.address for one in made.stages] == ["draw", "prepare@a b", "train"]
    assert made.stages[0].outs[0].path == "results/figures"

    clone = tmp_path / "two"
    git(tmp_path, "clone", "--quiet", str(root), str(clone))
    for path in ("CITATION.cff", "study.yaml", "dvc.yaml", "dvc.lock", "pyproject.toml"):
        (clone / path).unlink()
    (clone / ".copier-answers.yml").write_text("slug: other\n")
    assert facts(Study(clone), str(made.commit), RELEASE) == made
    first = git(root, "rev-list", "--max-parents=0", "HEAD").strip()
    with pytest.raises(StudyError, match=r"no CITATION\.cff") as caught:
        facts(Study(root), first)
    assert caught.value.mend == "$EDITOR CITATION.cff"
    names = ("v1.0.0-analysis-complete", "cohort@v1.2.0", "v2.1", "submitted", "v1.0.0.1")
    assert [*map(version_of, names)] == ["1.0.0", "1.2.0", "2.1", "submitted", "v1.0.0.1"]


def test_the_environment_for_pip_and_as_a_bill_of_materials(tmp_path: Path) -> None:
    """Without the address of an index, which may be that of a mirror; pip's without `dev`."""
    made, _ = described(tmp_path)
    lock, project = LOCKED.encode(), GROUPS.encode()
    text = requirements.text(lock, project)
    assert text.splitlines() == [
        "dvc==3.67.1 \\", f"    --hash=sha256:{'c' * 64}",
        "dvc-s3==3.2.0 \\", f"    --hash=sha256:{'d' * 64}",
        "numpy==2.1.0 \\", f"    --hash=sha256:{'a' * 64} \\", f"    --hash=sha256:{'b' * 64}",
    ]  # fmt: skip
    assert requirements.text(b"", b"") == requirements.NOTHING
    with pytest.raises(StudyError, match=r"uv\.lock`: TOML parse error at line 2") as caught:
        requirements.text(b"version = 1\n[", project)
    assert str(tmp_path.parent) not in str(caught.value) and caught.value.mend.startswith("uv lock")

    bill = sbom.document(lock, project, made)
    assert bill == sbom.document(lock, project, made)
    assert (bill["bomFormat"], bill["specVersion"], bill["version"]) == ("CycloneDX", "1.5", 1)
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", bill["serialNumber"])
    assert bill["metadata"]["timestamp"] == "2023-11-15T00:13:20Z"
    study = bill["metadata"]["component"]
    assert (study["name"], study["version"]) == ("bmi", "1.0.0")
    assert study["licenses"] == [{"license": {"id": "MIT"}}]
    both = sbom.document(lock, project, replace(made, license="MIT OR Apache-2.0"))
    assert both["metadata"]["component"]["licenses"] == [{"expression": "MIT OR Apache-2.0"}]
    by_name = {one["name"]: one for one in bill["components"]}
    assert [*by_name] == ["dvc-s3", "dvc", "numpy", "ruff"]  # by purl: `-` is before `@`
    assert by_name["numpy"]["purl"] == "pkg:pypi/numpy@2.1.0"
    assert by_name["numpy"]["externalReferences"][0] == {
        "type": "distribution",
        "url": "numpy-2.1.0-cp311-abi3-any.whl",
        "hashes": [{"alg": "SHA-256", "content": "b" * 64}],
    }
    references = [study["bom-ref"], *(one["bom-ref"] for one in bill["components"])]
    assert sorted(one["ref"] for one in bill["dependencies"]) == sorted(references)
    depends = {one["ref"]: one.get("dependsOn") for one in bill["dependencies"]}
    assert depends[study["bom-ref"]] == [
        "pkg:pypi/dvc@3.67.1", "pkg:pypi/numpy@2.1.0", "pkg:pypi/ruff@0.12.0",
    ]  # fmt: skip
    assert depends["pkg:pypi/dvc@3.67.1"] == ["pkg:pypi/dvc-s3@3.2.0", "pkg:pypi/numpy@2.1.0"]
    assert "mirror.example.org" not in json.dumps(bill) + text
    assert sbom.document(b"", b"", made)["components"] == []


def test_who_checks_the_code_is_told_what_to_see(tmp_path: Path) -> None:
    """What shows a claim comes first; data is no output."""
    made, files = described(tmp_path)
    said = yaml.safe_load(codecheck.text(made, files))
    assert said["version"] == "https://codecheck.org.uk/spec/config/1.0"
    assert said["paper"] == {
        "title": "Body mass: a study",
        "authors": [
            {"name": "Ada von Lovelace", "ORCID": "0000-0002-1825-0097"},
            {"name": "The Engine Group"},
        ],
        "reference": "https://doi.org/10.1234/x",
    }
    assert [one["file"] for one in said["manifest"]] == [
        "results/metrics.json", "results/figures/a b.png", "results/figures/ünï.png",
        "results/predictions.csv",
    ]  # fmt: skip
    assert said["manifest"][0]["comment"].startswith("Body-mass index has an effect. Expected: bmi")
    assert said["manifest"][1]["comment"] == "made by stage draw"
    assert said["repository"] == ADDRESS


def test_prov_has_all_of_the_commit(tmp_path: Path) -> None:
    """The `prov` package reads it back; nobody's address is in it."""
    made, _ = described(tmp_path)
    text = json.dumps(prov_of_commit(made))
    assert text == json.dumps(prov_of_commit(made))
    document = ProvDocument.deserialize(content=text, format="json")
    assert ProvDocument.deserialize(content=document.serialize(format="json")) == document
    assert {str(one.args[1]) for one in document.get_records(ProvAttribution)} == {
        "agent:https%3A//orcid.org/0000-0002-1825-0097", "agent:The%20Engine%20Group",
    }  # fmt: skip
    members = {str(one.args[1]).partition("@")[0] for one in document.get_records(ProvMembership)}
    assert members == {
        f"file:{path}"
        for path in (
            "data/big.csv", "data/raw", "src/bmi/train.py", "src/bmi/prepare.py",
            "results/metrics.json", "results/predictions.csv", "results/figures",
            "https%3A//data.example.org/ada/x.csv",
        )
    }  # fmt: skip
    assert "ada@example.org" not in text


def test_reviewers_find_each_claim_and_each_command(tmp_path: Path) -> None:
    made, files = described(tmp_path)
    text = reviewers_readme.text(made, files, [RAW], ["bmi.zip", "bmi.data-001.zip"])
    assert text.startswith("# Artifact: Body mass: a study\n\nDoes body mass matter?\n")
    assert re.findall("^## (.*)$", text, re.MULTILINE) == [
        "Claims", "Contents", "Requirements", "Install and run", "Run time and hardware", "Data",
        "Licences", "How to cite",
    ]  # fmt: skip
    for line in (
        "| 1 | Body-mass index has an effect. | `make repro` | `results/metrics.json` "
        "| bmi\\_effect 0.32 (95 % CI \\| 0.24 to 0.40) | relative difference 1e-06 |",
        "| 2 | It can be seen. | `make figures` |  |  |  |",
        "1. Unpack 2 volumes, `bmi.zip` and `bmi.data-001.zip`, into one empty folder that "
        "is in no git repository.",
        "4. Fetch the data that is not in the package; see Data below.",
        f"| `data/raw` | data | 4.1 kB | 2 | `{RAW.md5}` | `s3://bucket/ada` |",
        "2 minutes on a laptop",
        "- code: MIT; see `LICENSE`",
        "- data and results that were made here: CC-BY-4.0",
        "Ada von Lovelace; The Engine Group (2023): Body mass: a study, version 1.0.0. "
        f"<https://doi.org/{DOI}>",
    ):
        assert f"{line}\n" in text, line
    commands = re.findall(r"^   (?!```)(\S.*)$", text, re.MULTILINE)
    assert commands == [
        "unzip -q '*.zip' -d ../artifact && cd ../artifact", "python3 verify.py .", "make setup",
        "make pull", ".venv/bin/dvc repro --force", "git status --short",
        "source .venv/bin/activate", "make figures",
    ]  # fmt: skip

    hostile = replace(
        made, title="1. &lt;b> $x$", run_time="- [x]", preregistration="https://x.org/a|b",
        claims=(Claim("A.", command="```"),),
    )  # fmt: skip
    text = reviewers_readme.text(hostile, files, [], ["bmi.zip"])
    assert text.startswith("# Artifact: 1\\. \\&lt;b\\> \\$x\\$\n")
    assert "\n\\- \\[x\\]\n" in text and "| <https://x.org/a%7Cb> |" in text
    assert "   ````\n   source .venv/bin/activate\n   ```\n   ````\n" in text

    bare = replace(made, claims=(), data_license="restricted", run_time=None)
    text = reviewers_readme.text(bare, files, [], ["bmi.zip"])
    assert "| `results/predictions.csv` | `dvc repro train` | same bytes |\n" in text
    assert "| `results/metrics.json` | `dvc repro train` | relative difference 1e-06 |\n" in text
    assert "- data and results that were made here: not open, on request\n" in text
    assert "make pull" not in text and "holds all data and results" in text
    # A folder of the authors is out of the reviewer's reach; results there are results.
    away = replace(RAW, path="results/drawn", role="result", stage="draw", url="../storage")
    text = reviewers_readme.text(bare, files, [away], ["bmi.zip"])
    assert "make pull" not in text and "ask them where you can reach it" in text
    assert "| `results/drawn` | `dvc repro draw` | same bytes |\n" in text


def test_anonymous_descriptions_name_nobody(tmp_path: Path) -> None:
    """What each of them says of the people is in the other one, and not in this."""
    made, files = described(tmp_path)
    hidden = made.anonymous()
    assert hidden.is_anonymous and not made.is_anonymous
    for full, said in (
        (repr(made), repr(hidden)),
        (
            reviewers_readme.text(made, files, [], ["bmi.zip"]),
            reviewers_readme.text(hidden, files, [], ["bmi.zip"]),
        ),
        (codecheck.text(made, files), codecheck.text(hidden, files)),
        (json.dumps(prov_of_commit(made)), json.dumps(prov_of_commit(hidden))),
        (
            json.dumps(sbom.document(LOCKED.encode(), b"", made)),
            json.dumps(sbom.document(LOCKED.encode(), b"", hidden)),
        ),
    ):
        secrets = [*SECRETS, str(made.commit), RELEASE.tag, "run1"]
        assert [one for one in secrets if one in full]
        assert [one for one in secrets if one in said] == []
