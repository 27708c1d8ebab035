"""A study with everything that a package describes; its stages never ran, so it costs little."""

from __future__ import annotations

import hashlib
from pathlib import Path

import yaml
from data_versioning.archive.facts import Facts, Release, facts
from data_versioning.archive.package_files import PackagedFile, Pointer
from data_versioning.study import Study

from tests.unit.recorded import Repository, hashed, lock, stage

ORCID = "https://orcid.org/0000-0002-1825-0097"
DOI, CONCEPT = "10.5072/zenodo.12", "10.5072/zenodo.11"
ADDRESS = "https://forge.example.org/ada/bmi"
CITATION = f"""\
# Who is to be cited.
cff-version: 1.2.0
message: If you use this study, please cite it as below.
type: software
title: "Body mass: a study" # as printed
abstract: Does body mass matter?
authors:
  - family-names: Lovelace
    name-particle: von
    given-names: Ada
    affiliation: Analytical Society
    email: ada@example.org
    orcid: "{ORCID}"
  - name: The Engine Group
    email: group@example.org
keywords: [mass, disease]
license: MIT
repository-code: {ADDRESS}
doi: {DOI}
identifiers:
  - type: doi
    value: {CONCEPT}
    description: Concept DOI, which leads to the newest version
"""
ARCHIVE = {
    "data_license": "CC-BY-4.0",
    "language": "eng",
    "preregistration": "https://registry.example.org/abcde",
    "related": [{"identifier": "10.1234/x", "relation": "issupplementto", "scheme": "doi"}],
    "funding": [{"funder": "https://ror.org/00k4n6c32", "award": 101, "title": "Engines"}],
    "claims": [
        {
            "claim": "Body-mass index has an effect.",
            "output": "results/metrics.json",
            "expected": "bmi_effect 0.32 (95 % CI | 0.24 to 0.40)",
        },
        {"claim": "It can be seen.", "command": "make figures"},
    ],
    "tolerances": {"results/metrics.json": {"relative": 1e-6}},
    "run_time": "2 minutes on a laptop",
}
PROJECT = """\
[project]
name = "bmi"
version = "0.0.0"
requires-python = ">=3.11,<3.14"
dependencies = ["numpy>=2.1"]
"""
# What tells who made the study.
SECRETS = (
    "Ada", "Lovelace", "Analytical Society", "Engine Group", "@example.org", "0000-0002-1825-0097",
    "forge.example.org", "registry.example.org", "data.example.org", "10.5072", "10.1234",
    "00k4n6c32",
)  # fmt: skip
FIGURES = ("results/figures/a b.png", "results/figures/ünï.png")
FILES = {
    "CITATION.cff": CITATION,
    "LICENSE": "MIT\n",
    ".copier-answers.yml": "slug: bmi\n",
    "study.yaml": yaml.safe_dump({"archive": ARCHIVE}),
    "pyproject.toml": PROJECT,
    "uv.lock": "version = 1\n",
    "src/bmi/prepare.py": "",
    "src/bmi/train.py": "",
    "data/big.csv": "x\n",
    "results/metrics.json": "{}\n",
    "results/predictions.csv": "x\n",
    **dict.fromkeys(FIGURES, "png"),
    "dvc.yaml": "stages: {draw: {wdir: results, cmd: x}}\n",
    "dvc.lock": lock(
        {
            "train": stage(
                {"data/big.csv": "1", "data/raw": "2", "src/bmi/train.py": "3"},
                {"results/metrics.json": "4", "results/predictions.csv": "5"},
                {"alpha": 0.5, "list": [1, 2], "on": True, "none": None},
                cmd="python -m bmi.train",
            ),
            "prepare@a b": stage(
                {"src/bmi/prepare.py": "6", "https://data.example.org/ada/x.csv": "7"},
                {"data/big.csv": "1", "data/raw": "2"},
                cmd="./src/bmi/prepare.py --fast 'x",
            ),
            "draw": stage({"metrics.json": "4"}, {"figures": "8"}, cmd="gnuplot 'a b'"),
        }
    ),
}
POINTER = Pointer(
    "data/raw", "data", f"{hashed('2')}.dir", 4096, 2, "prepare@a b", "storage", "s3://bucket/ada"
)
RELEASE = Release("v1.0.0-analysis-complete", "analysis", ("run1",))


def described(root: Path, release: Release | None = RELEASE) -> tuple[Facts, list[PackagedFile]]:
    """Make the study in an empty folder; return its facts and its files, as a package lists them.

    `POINTER` is what the package lacks of it.
    """
    commit = Repository(root).commit("all", FILES)
    found = facts(Study(root), commit, release)
    return found, [_packaged(root, path) for path in sorted(FILES)]


def _packaged(root: Path, path: str) -> PackagedFile:
    content = (root / path).read_bytes()
    folder = path.split("/")[0]
    role = {"data": "data", "results": "result", "src": "code"}.get(folder, "metadata")
    made = {one: "train" for one in ("results/metrics.json", "results/predictions.csv")}
    made |= dict.fromkeys(FIGURES, "draw") | {"data/big.csv": "prepare@a b"}
    return PackagedFile(
        path=path,
        role=role,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        md5=hashlib.md5(content).hexdigest(),
        stage=made.get(path),
        origin="git:0",
        volume="bmi.zip",
    )
