"""The commands in the README and in docs/ work as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.project.conftest import copy_study
from tests.project.pages import BLOCK, run_page

PLACE = re.compile(r"<!-- commands: in (a study|an empty folder) -->")
LIFE = ROOT / "docs/tutorial/the-life-of-a-study.md"  # test_a_study_life.py runs it
PAGES = sorted(
    page
    for page in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]
    if BLOCK.search(page.read_text()) and page != LIFE
)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def place_of(page: Path) -> str:
    """Return where the commands of a page run."""
    if page.name == "README.md":
        return "an empty folder"
    found = PLACE.search(page.read_text())
    assert found, f"{page}: say where its commands run: <!-- commands: in a study -->"
    return found.group(1)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_run(
    page: Path, template_clone: Path, reproduced_study: Path, tmp_path: Path
) -> None:
    """Every `sh` and `python` block of a page runs, in order."""
    folder = tmp_path / "here"
    if place_of(page) == "a study":
        copy_study(reproduced_study, folder)
    else:
        folder.mkdir()
    run_page(page, folder, template_clone)


def test_links_lead_somewhere() -> None:
    """Every relative link in the README and in docs/ names a file that exists."""
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    links = [(page, link) for page in pages for link in LINK.findall(page.read_text())]
    assert len(links) > 20
    assert [f"{page}: {link}" for page, link in links if not (page.parent / link).exists()] == []
