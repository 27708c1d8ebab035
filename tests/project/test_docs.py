"""The commands in the README and in docs/ work as they stand there."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.project.conftest import copy_study, run

REPOSITORY = "https://github.com/copier-research/copier-research.git"
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Runs a page from top to bottom: its commands in shells, its Python in one session.
DRIVER = """
import json, os, subprocess, sys
here, names = os.getcwd(), {"__name__": "page"}
for kind, block in json.load(open(sys.argv[1])):
    print(block, file=sys.stderr, flush=True)
    if kind == "python":
        exec(compile(block, "<page>", "exec"), names)
    else:
        script = f'cd "{here}"\\nset -eux\\n{block}\\npwd >"{sys.argv[1]}.pwd"'
        if subprocess.run(["bash", "-c", script]).returncode:
            sys.exit("the command failed")
        here = open(sys.argv[1] + ".pwd").read().strip()
"""
PLACE = re.compile(r"<!-- commands: in (a study|an empty folder) -->")
PAGES = sorted(
    page
    for page in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]
    if BLOCK.search(page.read_text())
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
    # Nobody is here to answer the questions.
    text = re.sub(r"copier copy (?!.*--defaults)", "copier copy --defaults ", page.read_text())
    blocks, driver = tmp_path / "blocks.json", tmp_path / "driver.py"
    blocks.write_text(json.dumps(BLOCK.findall(text)))
    driver.write_text(DRIVER)
    tools = f"{folder / '.venv/bin'}{os.pathsep}{ROOT / '.venv/bin'}"
    run(
        folder, "python3", str(driver), str(blocks),
        # The repository is fetched from the clone under test, by the address users type.
        GIT_CONFIG_COUNT="1",
        GIT_CONFIG_KEY_0=f"url.{template_clone.as_uri()}.insteadOf",
        GIT_CONFIG_VALUE_0=REPOSITORY,
        UV_PYTHON=sys.executable,
        PATH=f"{tools}{os.pathsep}{os.environ['PATH']}",
    )  # fmt: skip


def test_links_lead_somewhere() -> None:
    """Every relative link in the README and in docs/ names a file that exists."""
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    links = [(page, link) for page in pages for link in LINK.findall(page.read_text())]
    assert len(links) > 20
    assert [f"{page}: {link}" for page, link in links if not (page.parent / link).exists()] == []
