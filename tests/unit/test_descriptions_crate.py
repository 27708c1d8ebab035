"""The package as an RO-Crate, as its validator reads it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from data_versioning.archive import crate
from data_versioning.archive.package import create_reproducibility_package
from data_versioning.study import Study
from rocrate_validator import models, services

from tests.conftest import git
from tests.unit.described import ADDRESS, ARCHIVE, FIGURES, ORCID, POINTER, SECRETS, described
from tests.unit.test_package import FILES

CONTEXT = Path(__file__).with_name("ro-crate-1.1.context.jsonld").read_bytes()


def issues(folder: Path, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return what the validator has to say of a crate, with the severity in front; offline."""

    def answer(_: object, method: str, url: str, **options: Any) -> requests.Response:
        assert url == f"{crate.RO_CRATE}/context", url
        response = requests.Response()
        response.status_code, response._content = 200, CONTEXT
        response.headers["Content-Type"] = "application/ld+json"
        return response

    monkeypatch.setattr(requests.Session, "request", answer)
    settings = services.ValidationSettings(
        rocrate_uri=folder,  # type: ignore[arg-type]
        profile_identifier="process-run-crate-0.5",  # which takes ro-crate-1.1 in
        requirement_severity=models.Severity.RECOMMENDED,
        no_cache=True,
    )
    found = services.validate(settings).get_issues()
    return {f"{one.severity.name} {one.check.identifier}: {one.message}" for one in found}


def test_the_validator_finds_nothing_that_is_required(
    science: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a package; of what is only recommended, what the study knows is there."""
    root = science.root
    about = yaml.safe_load((root / "study.yaml").read_text())
    # The first two of what DVC keeps fit; the others are pointed to.
    about["archive"] = {**ARCHIVE, "budget_gb": 1e-7}
    for path, content in (FILES | {"study.yaml": yaml.safe_dump(about)}).items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(content)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "docs: all that a package asks for")
    package = create_reproducibility_package(project_dir=root)
    (volume,) = package.volumes
    with zipfile.ZipFile(volume) as packed:
        packed.extractall(tmp_path / "unpacked")
    kept = {one["path"] for one in package.manifest["files"] if one["origin"].startswith("dvc:")}
    assert kept and package.manifest["pointers"]
    found = issues(tmp_path / "unpacked", monkeypatch)
    assert not [one for one in found if one.startswith("REQUIRED")]
    # No address of a program, organisation or publisher is known, nor is a program's version.
    unknown = ("22.3", "28.1", "31.2", "0.5_3.2", "0.5_4.1", "0.5_5.1")
    assert not [one for one in found if not one.split(":")[0].endswith(unknown)]


def test_what_a_crate_says_of_runs(tmp_path: Path) -> None:
    """Programs, what they read and made, parameters, and what the package only points to."""
    facts, files = described(tmp_path)
    document = crate.document(facts, files, [POINTER])
    assert crate.document(facts, files, [POINTER]) == document
    by_id = {one["@id"]: one for one in document["@graph"]}
    train, prepare, draw = (by_id[f"#run-{one}"] for one in ("train", "prepare%40a%20b", "draw"))
    raw = f"urn:data-versioning:file:data/raw@{POINTER.md5}/"
    assert train["instrument"] == {"@id": "src/bmi/train.py"}
    assert by_id["src/bmi/train.py"]["@type"] == ["File", "SoftwareSourceCode"]
    assert [one["@id"] for one in train["object"]] == [
        "data/big.csv", raw, "src/bmi/train.py", "#parameter-train%3Aalpha",
        "#parameter-train%3Alist", "#parameter-train%3Aon", "#parameter-train%3Anone",
    ]  # fmt: skip
    assert by_id["#parameter-train%3Alist"]["value"] == "[1, 2]"
    assert train["result"] == [{"@id": "results/metrics.json"}, {"@id": "results/predictions.csv"}]
    assert train["agent"] == [{"@id": ORCID}, {"@id": "#author-2"}]
    assert train["endTime"] == facts.time.isoformat() == "2023-11-15T00:13:20+00:00"
    assert prepare["instrument"] == {"@id": "src/bmi/prepare.py"}
    assert prepare["object"][1]["@id"].endswith("/ada/x.csv@8f14e45fceea167a5a36dedd4bea2543")
    assert draw["instrument"] == {"@id": "#program-gnuplot"}
    # Paths of a stage with a folder of its own are relative to it.
    assert (draw["object"], draw["result"]) == (
        {"@id": "results/metrics.json"},
        {"@id": "results/figures/"},
    )
    assert [by_id[one["@id"]]["name"] for one in by_id["results/figures/"]["hasPart"]] == [*FIGURES]
    assert by_id[raw]["identifier"] == f"md5:{POINTER.md5}"
    assert by_id[raw]["url"] == "s3://bucket/ada"
    big = by_id["data/big.csv"]
    assert (big["contentSize"], big["encodingFormat"]) == ("2", "text/csv")
    assert big["sha256"] == "73cb3858a687a8494ca3323053016282f3dad39d42cf62ca4e79dda2aac7d9ac"
    assert big["license"] == {"@id": "https://spdx.org/licenses/CC-BY-4.0"}
    assert by_id["./"]["isBasedOn"] == {"@id": ADDRESS}


def test_an_anonymous_crate_names_nobody(tmp_path: Path) -> None:
    """Who, where and which commit are in the other one, and not in this."""
    facts, files = described(tmp_path)
    full = json.dumps(crate.document(facts, files, [POINTER]), ensure_ascii=False)
    said = json.dumps(crate.document(facts.anonymous(), files, []), ensure_ascii=False)
    for secret in [*SECRETS, str(facts.commit)]:
        assert (secret in full, secret in said) == (True, False), secret
    assert "#run-train" in said
