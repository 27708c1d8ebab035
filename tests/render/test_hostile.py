"""Whatever is answered, it is refused with a sentence or arrives unchanged and is never run.

A longer hunt: EXAMPLES=2000 pytest tests/render/test_hostile.py
"""

from __future__ import annotations

import os
import re
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import yaml
from configobj import ConfigObj
from dotenv import dotenv_values
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.conftest import Render
from tests.render.test_files import CONFIG, files
from tests.render.test_parse import parse

FREE = {
    name
    for name, question in CONFIG.items()
    if not name.startswith("_")
    and "choices" not in question
    and question.get("when") is not False
    and question.get("ask") is not False
}
ADDRESSES = {name for name in FREE if name.endswith("_url")}

ATOMS = [
    *[
        "'",
        '"',
        "\\",
        "`",
        "$(touch pwned)",
        "`touch pwned`",
        ";touch pwned",
        "$HOME",
        "\\N",
        "\\u0041",
    ],
    *[
        "{{7*7}}",
        "{{ 7 * 7 }}",
        "{%",
        "%}",
        "{#",
        "#}",
        "{% raw %}",
        "${{ secrets.X }}",
        "${{ title }}",
    ],
    *[
        "#",
        ":",
        "-",
        "---",
        "...",
        "|",
        ">",
        "&",
        "&a",
        "*a",
        "!!python/name:os.system",
        "%",
        "%(x)s",
    ],
    *[
        "@",
        "=",
        ",",
        "[",
        "]",
        "{",
        "}",
        "<b>",
        "</script>",
        "]]>",
        "null",
        "true",
        "1e3",
        "0x10",
        "~",
    ],
    *[
        "é",
        "😀",
        "👩\u200d🔬",
        "שלום",
        "مرحبا",
        "O'Keefe",
        "李",
        "\u200f",
        "\ufb01",
        "\xa0",
        "\\input{x}",
    ],
]
CONTROL = list("\n\r\t\0\x1b\x7f\x85\u2028\u2029\ufeff\u202e\u2066\ud800\uffff")
text = (
    st.lists(st.sampled_from([*ATOMS, " ", " ", " ", ": ", " #", "- "]), max_size=12).map("".join)
    | st.lists(st.sampled_from([*ATOMS, *CONTROL]), max_size=6).map("".join)
    | st.builds("a{}b".format, st.sampled_from(CONTROL))
    | st.text(max_size=40)
    | st.text(st.sampled_from("aé😀'\"\\"), min_size=295, max_size=305)
)
SCHEMES = [
    "s3",
    "gs",
    "azure",
    "ssh",
    "webdav",
    "webdavs",
    "hdfs",
    "webhdfs",
    "http",
    "https",
    "file",
]
address = st.one_of(
    text,
    st.builds("{}/{}".format, st.sampled_from(["..", "/mnt", "C:"]), text),
    st.builds("{}://h/{}".format, st.sampled_from(SCHEMES), text),
    st.builds("{}://{}".format, st.sampled_from(SCHEMES), text),
    st.builds("{}://{}@h".format, st.sampled_from(SCHEMES), text),
    st.builds("{}://h.example.org/{}".format, st.sampled_from(SCHEMES), st.just("a%20b/~c")),
)
person = st.builds("{} {}".format, text, text) | st.builds("{}, {}".format, text, text) | text
strategies = {name: address if name in ADDRESSES else text for name in FREE}
strategies["author"] = person
strategies["email"] = st.builds("{}@{}.org".format, text, text) | text
choices = st.fixed_dictionaries(
    {
        name: st.sampled_from(sorted(CONFIG[name]["choices"].values()))
        for name in ("code_license", "data_license", "data_remote")
    }
)
unhurried = settings(
    deadline=None,
    max_examples=int(os.environ.get("EXAMPLES", "40")),
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking would take minutes
    report_multiple_bugs=False,
)


def refuse_or_render(render: Render, answers: dict[str, str], dst: Path) -> dict[str, str]:
    """Render, dropping each answer that a validator refuses; return the answers that were taken."""
    taken = dict(answers)
    while True:
        try:
            render(taken, dst)
        except ValueError as error:
            found = re.fullmatch(r"Validation error for question '(\w+)': (.+\.)", str(error), re.S)
            assert found and 20 < len(found[2]) < 240, f"no sentence: {error}"
            assert found[1] in taken, f"a default is refused: {error}"
            del taken[found[1]]
            if found[1] == "mlflow_server_url":
                taken["mlflow_tracking"] = "sqlite"
        else:
            return taken


def check(study: Path, taken: dict[str, str]) -> None:
    """Every file parses, says what was answered, and nothing ran."""
    for name in files(study):
        parse(study / name)
    assert not list(study.rglob("*pwned*")) and not list(Path.cwd().glob("*pwned*"))
    answers = yaml.safe_load((study / ".copier-answers.yml").read_text("utf-8"))
    for name, value in taken.items():
        assert answers.get(name, value) == value

    citation = yaml.safe_load((study / "CITATION.cff").read_text("utf-8"))
    project = tomllib.loads((study / "pyproject.toml").read_text("utf-8"))["project"]
    assert citation["title"] == answers["title"]
    assert citation.get("abstract", "") == project["description"] == answers["description"]
    assert project["name"] == answers["slug"]
    assert citation["license"] == project["license"] == answers["code_license"]
    (author,) = citation["authors"]
    assert author.get("email", "") == answers["email"]
    assert answers["orcid"] in author.get("orcid", "")
    holder = written_name(author)
    if answers["author"]:
        family, comma, given = answers["author"].partition(",")
        assert holder.split() == (f"{given} {family}" if comma else family).split()
        assert author.get("affiliation", "") == answers["affiliation"]
    else:
        assert author["name"] == f"The authors of {answers['title']}"
    if answers["code_license"] in {"MIT", "BSD-3-Clause"}:
        line = (study / "LICENSE").read_text("utf-8").split("\n")[2]
        assert line.removeprefix("Copyright (c) ").split() == holder.split()

    readme = (study / "README.md").read_text("utf-8").split("\n")
    assert from_markdown(readme[0]) == f"# {answers['title']}"
    assert from_markdown(readme[2]) == answers["description"]
    latex = (study / "manuscript/main.tex").read_text("utf-8")
    assert from_latex(re.findall(r"\\title\{(.*)\}\n", latex)[0]) == answers["title"]
    assert from_latex(re.findall(r"\{abstract\}\n(.*)\n\\end", latex)[0]) == answers["description"]

    profile = dotenv_values(study / "profiles/local.env", interpolate=False)
    assert profile["MLFLOW_TRACKING_URI"] == answers.get("mlflow_server_url", "")
    assert all(re.fullmatch(r"[\w:/.%~+\[\]-]*", value or "", re.A) for value in profile.values())
    for name in ("data_remote_url", "backup_remote_url"):
        assert through_dvc_config(answers[name]) == answers[name]


def written_name(author: dict[str, Any]) -> str:
    """Join the parts of a CFF person or entity as a reader would."""
    parts = ("name", "given-names", "name-particle", "family-names")
    return " ".join(author[part] for part in parts if part in author)


def from_markdown(line: str) -> str:
    """Undo Markdown's backslash escapes."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", line)


def from_latex(line: str) -> str:
    """Read what LaTeX would print; a special letter that is not escaped is an error."""
    named = {
        "textbackslash": "\\", "textasciicircum": "^", "textasciitilde": "~", "textquotedbl": '"',
        "textless": "<", "textgreater": ">", "textbar": "|", "textasciigrave": "`",
    }  # fmt: skip
    plain = re.sub(r"\\(?:(\w+)\{\}|[{}$&#%_])", "", line)
    assert not re.search(r"[\\{}$&#%_^~]", plain), line
    return re.sub(
        r"\\(?:([a-z]+)\{\}|(.))", lambda found: named.get(found[1], "") or found[2], line
    )


def through_dvc_config(url: str) -> str:
    """Write an address into a file like .dvc/config and read it back."""
    config = ConfigObj()
    config["storage"] = {"url": url}
    return str(ConfigObj(config.write()).dict()["storage"]["url"])


def run(render: Render, answers: dict[str, str]) -> None:
    """Render one example in a folder of its own and check it."""
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder, "study")
        check(study, refuse_or_render(render, answers | {"manuscript": "latex"}, study))


def test_strategies_cover_the_questions() -> None:
    """Every question that takes free text gets hostile answers."""
    assert set(strategies) == FREE
    assert {"title", "author", "email", "data_remote_url"} <= FREE


@unhurried
@given(
    st.fixed_dictionaries({name: strategies[name] for name in ("title", "description")}), choices
)
def test_hostile_titles(render_answers: Render, answers: dict[str, str], chosen: Any) -> None:
    """Hostile titles and descriptions."""
    run(render_answers, answers | chosen)


@unhurried
@given(
    st.fixed_dictionaries(
        {name: strategies[name] for name in ("author", "affiliation")},
        optional={name: strategies[name] for name in ("email", "orcid", "slug")},
    ),
    choices,
)
def test_hostile_people(render_answers: Render, answers: dict[str, str], chosen: Any) -> None:
    """Hostile names, e-mail addresses, identifiers and institutions."""
    run(render_answers, answers | chosen)


@unhurried
@given(
    st.fixed_dictionaries({}, optional={name: strategies[name] for name in sorted(ADDRESSES)}),
    choices,
)
def test_hostile_addresses(render_answers: Render, answers: dict[str, str], chosen: Any) -> None:
    """Hostile folders and addresses."""
    if "mlflow_server_url" in answers:
        chosen["mlflow_tracking"] = "server"
    run(render_answers, answers | chosen)
