"""What the questions accept, refuse with which sentence, and make of it."""

from __future__ import annotations

import keyword
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from copier import run_copy, run_update
from jinja2 import Environment, FileSystemLoader
from jinja2_ansible_filters import AnsibleCoreFiltersExtension

from tests.conftest import ROOT, Render, clone_template, git

ONE_LINE = "on one line, without line breaks, tabs or control characters"
INVISIBLE = "invisible character"
IN_GIT = "would be stored in git"
S3 = {"data_remote": "s3"}
SERVER = {"mlflow_tracking": "server"}


def checks() -> Any:
    """Load the macros that copier.yml shares."""
    environment = Environment(
        loader=FileSystemLoader(ROOT), extensions=[AnsibleCoreFiltersExtension]
    )
    return environment.get_template("questions/checks.jinja").module


@pytest.mark.parametrize(
    ("question", "answer", "sentence", "others"),
    [
        ("title", "", "write something here", {}),
        ("title", "   ", "write something here", {}),
        ("title", "two\nlines", ONE_LINE, {}),
        ("title", "a\ttab", ONE_LINE, {}),
        ("title", "a\x7fb", ONE_LINE, {}),
        ("title", "a\x85b", ONE_LINE, {}),
        ("title", "a\u2028b", ONE_LINE, {}),
        ("title", "\ufeffa", INVISIBLE, {}),
        ("title", "a\u202eb", INVISIBLE, {}),
        ("title", "a\u2067b", INVISIBLE, {}),
        ("title", "a\ud800b", INVISIBLE, {}),
        ("title", "a\uffffb", INVISIBLE, {}),
        ("title", " a", "spaces at its start and end", {}),
        ("title", "a" * 301, "shorten it to 300 characters; it has 301", {}),
        ("description", "a\nb", ONE_LINE, {}),
        ("affiliation", "a\nb", ONE_LINE, {}),
        ("author", "a\nb", ONE_LINE, {}),
        ("author", "...", "needs a letter", {}),
        ("author", "Lovelace,", "both sides of the comma", {}),
        ("author", ", Ada", "both sides of the comma", {}),
        ("slug", "", "lower-case letters", {}),
        ("slug", "My Study", "lower-case letters", {}),
        ("slug", "a--b", "lower-case letters", {}),
        ("slug", "a-", "lower-case letters", {}),
        ("slug", "1a", "lower-case letters", {}),
        ("slug", "../a", "lower-case letters", {}),
        ("slug", "study\n", "lower-case letters", {}),
        ("slug", "étude", "lower-case letters", {}),
        ("slug", "a" * 41, "shorten it to 40 characters; it has 41", {}),
        ("slug", "numpy", "add a word, such as numpy-study", {}),
        ("slug", "scikit-learn", "add a word", {}),
        ("slug", "data-versioning", "add a word", {}),
        ("email", "ada", "not an e-mail address", {}),
        ("email", "ada@localhost", "not an e-mail address", {}),
        ("email", "Ada <ada@example.org>", "not an e-mail address", {}),
        ("email", "ada@example.org\n", ONE_LINE, {}),
        ("orcid", "0000-0002-1825-0098", "A digit of this ORCID iD is wrong", {}),
        ("orcid", "0000-0002-1694-2330", "A digit of this ORCID iD is wrong", {}),
        ("orcid", "0000-0002-1825-009", "four groups of four digits", {}),
        ("orcid", "0000000218250097", "four groups of four digits", {}),
        ("orcid", "http://orcid.org/0000-0002-1825-0097", "four groups of four digits", {}),
        ("orcid", "0000-0002-1825-009\u0667", "four groups of four digits", {}),
        ("data_remote_url", "s3://bucket/x", "choose its kind", {}),
        ("data_remote_url", "~/storage", "in full", {}),
        ("data_remote_url", "../stôrage", "without accents", {}),
        ("backup_remote_url", "../备份", "without accents", {}),
        ("data_remote_url", "--default", "in full", {}),
        ("data_remote_url", "../$(touch pwned)", "in full", {}),
        ("data_remote_url", "../%(x)s", "in full", {}),
        ("data_remote_url", '../a"b', "in full", {}),
        ("data_remote_url", "../a\nb", ONE_LINE, {}),
        ("data_remote_url", "../storage", "such as s3://my-bucket/my-study", S3),
        ("data_remote_url", "gs://bucket/x", "such as s3://my-bucket/my-study", S3),
        ("data_remote_url", "s3://", "not an address of this kind", S3),
        ("data_remote_url", "s3://b/a b", "not an address of this kind", S3),
        ("data_remote_url", "s3://key:secret@bucket/x", IN_GIT, S3),
        ("data_remote_url", "s3://key@bucket/x", IN_GIT, S3),
        ("data_remote_url", "s3://bucket/x?sig=abc", IN_GIT, S3),
        ("data_remote_url", "azure://c/x?sv=1&sig=abc", IN_GIT, {"data_remote": "azure"}),
        ("data_remote_url", "azure://c@account/x", IN_GIT, {"data_remote": "azure"}),
        ("data_remote_url", "ssh://ada:pw@host/x", IN_GIT, {"data_remote": "ssh"}),
        ("data_remote_url", "ssh://ada:p/w@host/x", "not an address", {"data_remote": "ssh"}),
        ("data_remote_url", "webdavs://ada@host/x", IN_GIT, {"data_remote": "webdav"}),
        ("data_remote_url", "hdfs:///x", "not an address of this kind", {"data_remote": "hdfs"}),
        ("s3_endpoint_url", "minio.example.org", "write a web address", S3),
        ("s3_endpoint_url", "https://key:secret@minio.example.org", IN_GIT, S3),
        ("s3_endpoint_url", "https://minio.example.org/$HOME", "write a web address", S3),
        ("backup_remote_url", "ftp://host/x", "That storage is not known", {}),
        ("backup_remote_url", "s3://key:secret@bucket/x", IN_GIT, {}),
        ("backup_remote_url", "ssh://host/a b", "not an address of this kind", {}),
        ("backup_remote_url", "~/backup", "in full", {}),
        ("mlflow_server_url", "", "write a web address", SERVER),
        ("mlflow_server_url", "sqlite:///mlflow.db", "write a web address", SERVER),
        ("mlflow_server_url", "https://token@mlflow.example.org", IN_GIT, SERVER),
        ("mlflow_server_url", "https://mlflow.example.org/#a", IN_GIT, SERVER),
        ("ci", "jenkins", "Invalid choice for 'ci'", {}),
        ("code_license", "WTFPL", "Invalid choice for 'code_license'", {}),
    ],
)
def test_refused(
    render_answers: Render,
    tmp_path: Path,
    question: str,
    answer: str,
    sentence: str,
    others: dict[str, str],
) -> None:
    """An answer that would do harm is refused with a sentence that says how to mend it."""
    with pytest.raises(ValueError, match=re.escape(sentence)) as error:
        render_answers({**others, question: answer}, tmp_path / "study")
    assert f"'{question}'" in str(error.value)
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize(
    ("question", "answer", "others"),
    [
        ("title", "a" * 300, {}),
        ("title", "دراسة النوم והזיכרון 研究 🧊👩‍🔬", {}),
        ("title", 'Don\'t "quote" \\ $(x) {{ y }} ${{ z }} # : - `w` %', {}),
        ("author", "李", {}),
        ("author", "O'Keefe, Jane", {}),
        ("slug", "a" * 40, {}),
        ("slug", "sleep-2-memory", {}),
        ("email", "李@例子.中国", {}),
        ("orcid", "0000-0002-1694-233X", {}),
        ("orcid", "https://orcid.org/0000-0002-1825-0097", {}),
        ("data_remote_url", "", S3),
        ("data_remote_url", "/mnt/O'Keefe's data, 100%", {}),
        ("data_remote_url", "C:\\data\\study", {}),
        ("data_remote_url", "s3://bucket.name/a/b=c", S3),
        ("data_remote_url", "gs://my_bucket/a", {"data_remote": "gs"}),
        ("data_remote_url", "azure://container", {"data_remote": "azure"}),
        ("data_remote_url", "ssh://ada@host:22/srv/x", {"data_remote": "ssh"}),
        ("data_remote_url", "webdav://host/x", {"data_remote": "webdav"}),
        ("data_remote_url", "webdavs://host/x", {"data_remote": "webdav"}),
        ("data_remote_url", "hdfs://ada@host:8020/x", {"data_remote": "hdfs"}),
        ("data_remote_url", "webhdfs://ada@host:9870/x", {"data_remote": "webhdfs"}),
        ("s3_endpoint_url", "http://localhost:9000", S3),
        ("backup_remote_url", "../backup", {}),
        ("mlflow_server_url", "https://mlflow.example.org/team-a", SERVER),
    ],
)
def test_accepted(
    render_answers: Render, tmp_path: Path, question: str, answer: str, others: dict[str, str]
) -> None:
    """An answer that is safe to write is taken as it is."""
    study = render_answers({**others, question: answer}, tmp_path / "study")
    assert yaml.safe_load((study / ".copier-answers.yml").read_text("utf-8"))[question] == answer


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Sleep and Memory", "sleep-and-memory"),
        ("L'été à Århus: 2nd Straße", "lete-a-arhus-2nd-strasse"),
        ("2024: a cohort", "a-cohort"),
        ("李", "study"),
        ("دراسة", "study"),
        ("Pandas", "pandas-study"),
        ("a" * 50, "a" * 40),
        ("a" * 39 + " b", "a" * 39),
    ],
)
def test_default_slug(render_answers: Render, tmp_path: Path, title: str, slug: str) -> None:
    """The short name follows from the title, and is always one that is accepted."""
    study = render_answers({"title": title}, tmp_path / "study")
    assert yaml.safe_load((study / ".copier-answers.yml").read_text("utf-8"))["slug"] == slug


def test_reserved_names(render: Render) -> None:
    """No package may hide a keyword, a module of Python or something that the study depends on."""
    project = tomllib.loads((render("minimal") / "pyproject.toml").read_text("utf-8"))
    groups = project["dependency-groups"].values()
    required = [*project["project"]["dependencies"], *(name for group in groups for name in group)]
    names = {re.split(r"[\[<>=!~; ]", name)[0].lower().replace("-", "_") for name in required}
    assert len(names) > 10
    names |= set(keyword.kwlist) | set(sys.stdlib_module_names) | {"yaml", "sklearn", "tests"}
    possible = {name for name in names if re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name)}
    assert possible - set(checks().reserved) == set()


@pytest.mark.parametrize(
    ("remote", "backup", "extra"),
    [
        ("local", "", ""),
        ("local", "../backup", ""),
        ("s3", "", "[s3]"),
        ("s3", "s3://b/x", "[s3]"),
        ("ssh", "gs://b/x", "[gs,ssh]"),
        ("local", "webdavs://h/x", "[webdav]"),
        ("hdfs", "webhdfs://h/x", "[hdfs,webhdfs]"),
        ("azure", "../backup", "[azure]"),
    ],
)
def test_dvc_extra(
    render_answers: Render, tmp_path: Path, remote: str, backup: str, extra: str
) -> None:
    """The environment gets DVC with what both storages need, and no more."""
    answers = {"data_remote": remote, "backup_remote_url": backup}
    study = render_answers(answers, tmp_path / "study")
    project = tomllib.loads((study / "pyproject.toml").read_text("utf-8"))
    tooling = project["dependency-groups"]["tooling"]
    assert [name for name in tooling if re.match(re.escape(f"dvc{extra}") + "[<>=~]", name)]


def test_default_storage(render: Render) -> None:
    """Data goes to a folder beside the study by default; other kinds wait for an address."""
    answers = yaml.safe_load((render({"slug": "tea"}) / ".copier-answers.yml").read_text("utf-8"))
    assert answers["data_remote_url"] == "../tea-storage"
    answers = yaml.safe_load((render(S3) / ".copier-answers.yml").read_text("utf-8"))
    assert answers["data_remote_url"] == ""


def test_package_follows_slug(render_answers: Render, tmp_path: Path) -> None:
    """Nobody can name the package by itself."""
    for answers in ({"package": "../x"}, {"package": "../x", "slug": "tea"}):
        with pytest.raises(ValueError, match="The short name is fixed"):
            render_answers(answers, tmp_path / "study")


def test_no_secret_is_asked() -> None:
    """No question is about a secret, and none is hidden from the answers file."""
    questions = yaml.safe_load((ROOT / "copier.yml").read_text("utf-8"))
    assert not [name for name, value in questions.items() if "secret" in value]
    assert not [name for name in questions if re.search("password|token|secret|key", name)]


@pytest.fixture
def committed(tmp_path: Path) -> Path:
    """A committed study, beside a template that has released a second version."""
    template = clone_template(tmp_path / "template")
    git(template, "tag", "v0.1.0")
    study = tmp_path / "study"
    run_copy(
        str(template), study, data={"title": "Tea"}, defaults=True, quiet=True, skip_tasks=True
    )
    git(study, "init", "--quiet")
    git(study, "add", "--all")
    git(study, "commit", "--quiet", "--message", "start")
    git(template, "commit", "--quiet", "--allow-empty", "--message", "second")
    git(template, "tag", "v0.2.0")
    return study


def update(study: Path, **data: str) -> dict[str, Any]:
    """Update a study and return its answers."""
    run_update(
        study, data=data, defaults=True, overwrite=True, quiet=True, unsafe=True, skip_tasks=True
    )
    return dict(yaml.safe_load((study / ".copier-answers.yml").read_text("utf-8")))


def test_slug_is_fixed(committed: Path) -> None:
    """Changing the short name on update is refused with a sentence, and changes nothing."""
    with pytest.raises(ValueError, match=r"fixed once the study exists.* Keep tea;"):
        update(committed, slug="coffee")
    assert git(committed, "status", "--porcelain") == ""


def test_title_changes_slug_does_not(committed: Path) -> None:
    """A new title reaches the answers; the short name stays."""
    answers = update(committed, title="Coffee")
    assert (answers["title"], answers["slug"], answers["package"]) == ("Coffee", "tea", "tea")
    assert answers["_commit"] == "v0.2.0"
