"""A look ahead: does a study still run with the newest packages that its bounds allow?"""

from __future__ import annotations

import re

import pytest

from tests.conftest import Render
from tests.project.conftest import run
from tests.project.tested_versions import PYTHONS, known, resolved


@pytest.mark.network
def test_newest(render: Render, capsys: pytest.CaptureFixture[str]) -> None:
    """A study set up with the newest packages reproduces; what differs from the tested is told."""
    study = render("minimal")
    settings = study / "pyproject.toml"
    undated, removed = re.subn("(?m)^exclude-newer = .*\n", "", settings.read_text())
    assert removed == 1
    settings.write_text(undated)
    run(study, "uv", "lock", "--upgrade", "--quiet")
    newest, tested = resolved(study), known()
    with capsys.disabled():
        print()
        for python in PYTHONS:
            new, old = newest[python], tested[python]
            changes = [
                f"  {name} {old.get(name, 'not there')} -> {new.get(name, 'not there')}"
                for name in sorted(new.keys() | old.keys())
                if new.get(name) != old.get(name)
            ]
            print(f"Python {python}: {len(changes)} packages differ from the tested ones", *changes,
                  sep="\n")  # fmt: skip
    run(study, "make", "setup")
    assert "logged MLflow run" in run(study, "make", "repro").stdout
