"""Title, authors, licences and addresses stand where they belong, as they were answered."""

from __future__ import annotations

import base64
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typst
import yaml
from dotenv import dotenv_values

from tests.conftest import ROOT, Render
from tests.render.test_parse import BIN, run

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def citation(study: Path) -> dict[str, Any]:
    """Read a study's CITATION.cff."""
    return dict(yaml.safe_load((study / "CITATION.cff").read_text("utf-8")))


def test_citation_is_valid(study: Path) -> None:
    """CITATION.cff is valid by the schema of CFF 1.2.0."""
    schema = "vendor.citation-file-format"
    result = run(BIN / "check-jsonschema", "--builtin-schema", schema, "CITATION.cff", cwd=study)
    assert result.returncode == 0, result.stdout
    assert citation(study)["cff-version"] == "1.2.0"


@pytest.mark.parametrize(
    ("author", "expected"),
    [
        ("Ada Lovelace", {"given-names": "Ada", "family-names": "Lovelace"}),
        ("Lovelace, Ada", {"given-names": "Ada", "family-names": "Lovelace"}),
        ("Jane O'Keefe", {"given-names": "Jane", "family-names": "O'Keefe"}),
        ("Martin Luther King", {"given-names": "Martin Luther", "family-names": "King"}),
        (
            "Ludwig van Beethoven",
            {"given-names": "Ludwig", "name-particle": "van", "family-names": "Beethoven"},
        ),
        (
            "Robert J. van de Graaff",
            {"given-names": "Robert J.", "name-particle": "van de", "family-names": "Graaff"},
        ),
        ("bell hooks", {"given-names": "bell", "family-names": "hooks"}),
        ("李", {"family-names": "李"}),
        ("李, 小龙", {"given-names": "小龙", "family-names": "李"}),
        ("García Márquez, Gabriel", {"given-names": "Gabriel", "family-names": "García Márquez"}),
    ],
)
def test_author(render: Render, author: str, expected: dict[str, str]) -> None:
    """An author's name is split into its parts."""
    assert citation(render({"author": author}))["authors"] == [expected]


def test_author_details(render: Render) -> None:
    """E-mail, ORCID iD (bare or as an address) and affiliation belong to the author."""
    answers = {"author": "Ada Lovelace", "email": "ada@example.org", "affiliation": "Uni: #1"}
    for orcid in ("0000-0002-1694-233X", "https://orcid.org/0000-0002-1694-233X"):
        author = citation(render(answers | {"orcid": orcid}))["authors"][0]
        assert author["orcid"] == "https://orcid.org/0000-0002-1694-233X"
        assert author["email"] == "ada@example.org"
        assert author["affiliation"] == "Uni: #1"


def test_no_author(render: Render) -> None:
    """Without an author, the study is by its authors as a group, and the file stays valid."""
    study = render({"title": "Tea", "affiliation": "Uni", "email": "tea@example.org"})
    expected = {"name": "The authors of Tea", "email": "tea@example.org"}
    assert citation(study)["authors"] == [expected]
    test_citation_is_valid(study)


@pytest.mark.parametrize(
    ("licence", "first_line"),
    [
        ("MIT", "MIT License"),
        ("BSD-3-Clause", "BSD 3-Clause License"),
        ("Apache-2.0", "Apache License"),
        ("GPL-3.0-or-later", "GNU GENERAL PUBLIC LICENSE"),
    ],
)
def test_code_licence(render: Render, licence: str, first_line: str) -> None:
    """LICENSE, CITATION.cff, pyproject.toml and README.md name the same licence for the code."""
    study = render({"author": "Lovelace, Ada", "code_license": licence})
    text = (study / "LICENSE").read_text("utf-8")
    assert text.strip().splitlines()[0].strip() == first_line
    if licence in {"MIT", "BSD-3-Clause"}:
        assert "Copyright (c) Ada Lovelace\n" in text
    assert citation(study)["license"] == licence
    assert (
        tomllib.loads((study / "pyproject.toml").read_text("utf-8"))["project"]["license"]
        == licence
    )
    assert f"Code: {licence}," in (study / "README.md").read_text("utf-8")


def test_every_licence_has_its_text() -> None:
    """Every code licence that can be chosen has a text, and no text is left over."""
    questions = yaml.safe_load((ROOT / "copier.yml").read_text("utf-8"))
    texts = {path.stem for path in (ROOT / "licenses").glob("*.txt")}
    assert texts == set(questions["code_license"]["choices"].values())


def test_data_licence(render: Render) -> None:
    """README.md and data/README.md state the data's licence, with its address or how to ask."""
    questions = yaml.safe_load((ROOT / "copier.yml").read_text("utf-8"))
    for licence in questions["data_license"]["choices"].values():
        study = render({"data_license": licence})
        stated = f"[{licence}](https://" if licence != "restricted" else "not open; ask the authors"
        for name in ("README.md", "data/README.md"):
            assert stated in (study / name).read_text("utf-8"), (licence, name)


def test_profiles_default(render: Render) -> None:
    """By default runs stay in the study, and the server profile names a server on this computer."""
    study = render({})
    assert dotenv_values(study / "profiles/local.env")["MLFLOW_TRACKING_URI"] == ""
    server = dotenv_values(study / "profiles/server.env")
    assert server["MLFLOW_TRACKING_URI"] == "http://127.0.0.1:5000"
    assert server["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "2"


def test_profiles_server(render: Render) -> None:
    """A tracking server reaches both profiles."""
    url = "https://m.example.org:1/a%20b"
    study = render({"mlflow_tracking": "server", "mlflow_server_url": url})
    for name in ("local", "server"):
        values = dotenv_values(study / f"profiles/{name}.env")
        assert values["MLFLOW_TRACKING_URI"] == url


def test_env_example_holds_no_value(study: Path) -> None:
    """.env.example names credentials and sets none."""
    text = (study / ".env.example").read_text("utf-8")
    assert all(line.startswith("#") for line in text.splitlines() if line)
    named = [line for line in text.splitlines() if "=" in line]
    assert len(named) > 10
    assert all(line.endswith("=") or "behind the =" in line for line in named)


def test_typst_manuscript(render: Render, example_answers: Any) -> None:
    """The Typst manuscript compiles with title, authors and numbers from the study's own files."""
    study = render(example_answers("awkward") | {"manuscript": "typst"})
    metrics = {
        "effect": {"bmi_estimate": 0.321, "bmi_ci_low": 0.2, "bmi_ci_high": 0.4},
        "test": {"r2": 0.4, "r2_ci_low": 0.3, "r2_ci_high": 0.5},
        "patients": {"test": 111},
    }
    figures = study / "results/figures"
    figures.mkdir(parents=True)
    (figures / "coefficients.png").write_bytes(base64.b64decode(PIXEL))
    (study / "results/metrics.json").write_text(json.dumps(metrics))
    pdf = typst.compile(study / "manuscript/main.typ", root=study)
    assert pdf.startswith(b"%PDF")
    heading = typst.query(
        study / "manuscript/main.typ", "heading", field="body", one=True, root=study
    )
    assert json.loads(heading)["text"] == "Results"


def test_latex_manuscript(render: Render, example_answers: Any) -> None:
    """The LaTeX manuscript says title and author in letters that LaTeX prints as they are."""
    answers = example_answers("awkward") | {
        "title": r"50 % of $x_1 & {y}~^\z #2",
        "author": "A_B C",
    }
    text = (render(answers) / "manuscript/main.tex").read_text("utf-8")
    title = r"50 \% of \$x\_1 \& \{y\}\textasciitilde{}\textasciicircum{}\textbackslash{}z \#2"
    assert rf"\title{{{title}}}" in text
    assert r"\author{A\_B C}" in text
