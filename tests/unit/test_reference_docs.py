"""The reference pages name what there is, no more and no less."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import data_versioning
import yaml
from data_versioning.cli import parser
from data_versioning.health.diagnosis.findings import CATALOGUE

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


def test_tooling_page_names_every_export_and_verb() -> None:
    """docs/reference/data_versioning.md lists the names to import and the verbs, in order."""
    page = (ROOT / "docs/reference/data_versioning.md").read_text("utf-8")
    python, _, shell = page.partition("## From the shell")
    assert sorted(NAME.findall(python)) == sorted(data_versioning.__all__)
    assert NAME.findall(shell) == list(verbs(parser()))


def verbs(command: argparse.ArgumentParser) -> Iterator[str]:
    """Yield the verbs of a command line, those within a verb after its name."""
    for choices in (action.choices for action in command._actions if action.choices):
        for name, inner in choices.items() if isinstance(choices, dict) else ():
            yield from (f"{name} {one}" for one in verbs(inner)) if [*verbs(inner)] else [name]


def test_exports_are_typed_and_load() -> None:
    """What editors read of the exports is what is imported."""
    source = Path(data_versioning.__file__).read_text("utf-8")
    typed = re.findall(r"from (\S+) import \(?\s*(\w+) as \2,?\s*\)?$", source, re.MULTILINE)
    assert sorted(name for _, name in typed) == sorted(data_versioning.__all__)
    for module, name in typed:
        assert getattr(import_module(module), name) is getattr(data_versioning, name)


def test_doctor_page_names_every_finding() -> None:
    """docs/reference/doctor.md lists the identifiers with severity and title."""
    rows = re.findall(
        r"^\| `(DV\d+)` \| (\w+) \| (.+) \|$",
        (ROOT / "docs/reference/doctor.md").read_text("utf-8"),
        re.MULTILINE,
    )
    assert rows == [(key, *value) for key, value in CATALOGUE.items()]
