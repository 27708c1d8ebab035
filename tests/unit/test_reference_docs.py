"""The reference pages name what there is, no more and no less."""

from __future__ import annotations

import re

import yaml

from tests.conftest import ROOT

NAME = re.compile(r"^\| `([^`]+)` \|", re.MULTILINE)


def test_questions_page_names_every_question() -> None:
    """docs/reference/questions.md lists exactly the questions that copier.yml asks, in order."""
    copier = yaml.safe_load((ROOT / "copier.yml").read_text("utf-8"))
    asked = [
        name
        for name, question in copier.items()
        if not name.startswith("_")
        and question.get("when") is not False
        and question.get("ask") is not False
    ]
    assert NAME.findall((ROOT / "docs/reference/questions.md").read_text("utf-8")) == asked


def test_commands_page_names_every_target() -> None:
    """docs/reference/commands.md lists the targets of a study's Makefile, in order."""
    makefile = (ROOT / "template/Makefile").read_text("utf-8")
    targets = re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)
    listed = NAME.findall((ROOT / "docs/reference/commands.md").read_text("utf-8"))
    assert [name.split()[1] for name in listed] == [t for t in targets if t != "help"]
