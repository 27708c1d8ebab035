"""One rendered study per answer set."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from copier import run_copy

from tests.conftest import ROOT, Answers, Render

SETS = sorted(path.stem for path in (ROOT / "example-answers").glob("*.yml"))


@pytest.fixture(scope="session", params=SETS)
def answer_set(request: pytest.FixtureRequest) -> str:
    """The name of an answer set."""
    return str(request.param)


@pytest.fixture(scope="session")
def study(answer_set: str, render: Render) -> Path:
    """A study rendered from that answer set. Read-only."""
    return render(answer_set)


@pytest.fixture(scope="session")
def render_answers(template_clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Render:
    """`render_answers(answers, dst)` renders only the files that carry answers, in 0.1 s."""
    template = tmp_path_factory.mktemp("answers-only")
    for name in ("copier.yml", "questions", "licenses"):
        source = template_clone / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, template / name)
    for source in (template_clone / "template").rglob("*.jinja"):
        target = template / source.relative_to(template_clone)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)

    def render_answers(answers: Answers, dst: Path) -> Path:
        run_copy(str(template), dst, data=dict(answers), defaults=True, quiet=True, skip_tasks=True)
        return dst

    return render_answers
