"""Which files a study has, and who owns them.

After a wanted change of the file lists: UPDATE_SNAPSHOTS=1 pytest tests/render/test_files.py
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT, Render, git

SNAPSHOTS = Path(__file__).parent / "snapshots"
CONFIG: dict[str, Any] = yaml.safe_load((ROOT / "copier.yml").read_text("utf-8"))
TEMPLATE_FILES = [
    Path(name)
    for name in git(ROOT, "ls-files", "-co", "--exclude-standard", "template").splitlines()
    if (ROOT / name).is_file()
]


def files(study: Path) -> list[str]:
    """List a study's files in the order of their names."""
    return sorted(path.relative_to(study).as_posix() for path in study.rglob("*") if path.is_file())


def test_file_list(answer_set: str, study: Path) -> None:
    """A study has exactly the files of its reviewed list."""
    snapshot = SNAPSHOTS / f"{answer_set}.txt"
    text = "".join(f"{name}\n" for name in files(study))
    if os.environ.get("UPDATE_SNAPSHOTS"):
        snapshot.write_text(text, "utf-8")
    assert text == snapshot.read_text("utf-8")


def test_no_answers(render: Render, tmp_path: Path) -> None:
    """A study renders when no question is answered at all, named after its folder."""
    study = render({}, tmp_path / "sleep-and-memory")
    answers = yaml.safe_load((study / ".copier-answers.yml").read_text("utf-8"))
    assert answers["title"] == "Sleep and memory"
    assert answers["slug"] == "sleep-and-memory"


def test_nothing_unrendered(render: Render, template_clone: Path) -> None:
    """A Jinja file leaves no Jinja behind; any other is copied and names no answer in braces."""
    study = render("full")
    package = "air_quality"
    names = [name for name in CONFIG if not name.startswith("_")]
    answer = re.compile(rf"\{{ ?[{{%][^}}]*\b({'|'.join(names)})\b[^}}]*[}}%] ?\}}")
    for path in TEMPLATE_FILES:
        inside = path.relative_to("template").as_posix().replace("{{ package }}", package)
        target = study / inside.removesuffix(".jinja")
        if not target.exists():
            continue
        text = target.read_text("utf-8")
        if path.suffix == ".jinja":
            assert not re.search(r"\{ ?[{%#]|[}%#] ?\}", text), inside
        else:
            assert target.read_bytes() == (template_clone / path).read_bytes(), inside
            assert not answer.search(text), inside
    assert not [name for name in files(study) if re.search(r"[{}%]|\.jinja$", name)]


def test_no_workflow_expression_in_jinja() -> None:
    """No Jinja file holds `${{`: outside a raw block, Jinja would empty it without an error."""
    for path in [path for path in TEMPLATE_FILES if path.suffix == ".jinja"]:
        text = (ROOT / path).read_text("utf-8")
        cooked = re.sub(r"\{%-? raw -?%\}.*?\{%-? endraw -?%\}", "", text, flags=re.DOTALL)
        assert "${{" not in cooked, path


def test_names_are_plain() -> None:
    """Names in template/ can be checked out everywhere; only two carry Jinja."""
    for path in TEMPLATE_FILES:
        plain = re.sub(r"\{\{ (package|_copier_conf\.answers_file) \}\}", "x", str(path))
        assert re.fullmatch(r"[A-Za-z0-9._/-]+", plain), path


def test_answers_stay_out_of_code() -> None:
    """No Makefile, workflow, Python or shell file takes an answer."""
    for path in [path for path in TEMPLATE_FILES if path.suffix == ".jinja"]:
        target = path.with_suffix("")
        assert target.suffix not in {".py", ".sh", ".mk"}, path
        assert target.name not in {"Makefile", ".gitlab-ci.yml", ".pre-commit-config.yaml"}, path
        assert ".github" not in path.parts, path


def researcher_paths(listed: list[str]) -> set[str]:
    """Read one of the two lists of the researcher's files in copier.yml."""
    return {path.replace("{{ package }}", "<package>") for path in listed}


def test_owner_lists_agree() -> None:
    """What `recopy` skips, `update` excludes: with one of the two alone, edits would be lost."""
    entry = CONFIG["_exclude"][0].replace("'/src/' ~ package", "'/src/<package>'")
    excluded = re.findall(r"'(/[^']*)'", entry)
    assert "_copier_operation == 'update'" in entry
    assert researcher_paths(CONFIG["_skip_if_exists"]) == set(excluded)
    assert all(path.startswith("/") for path in excluded), "unanchored: would match in any folder"


@pytest.mark.parametrize(
    ("answers", "present", "absent"),
    [
        ({"ci": "github"}, [], [".gitlab-ci.yml"]),
        ({"ci": "gitlab"}, [], [".github"]),
        ({"ci": "none"}, [], [".github", ".gitlab-ci.yml"]),
        ({"manuscript": "none"}, [], ["manuscript"]),
        ({"manuscript": "typst"}, ["manuscript/main.typ"], ["manuscript/main.tex"]),
        ({"manuscript": "latex"}, ["manuscript/main.tex"], ["manuscript/main.typ"]),
    ],
    ids=str,
)
def test_conditional_files(
    render: Render, answers: dict[str, str], present: list[str], absent: list[str]
) -> None:
    """A choice brings its files and no others."""
    study = render(answers)
    assert [name for name in present if not (study / name).exists()] == []
    assert [name for name in absent if (study / name).exists()] == []
