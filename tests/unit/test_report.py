"""The report: what changed, as a page that needs nothing else, and as Markdown for a comment."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from data_versioning.cli import main
from data_versioning.command import capture
from data_versioning.pipeline.manager import reproduce
from data_versioning.reporting import page as pages
from data_versioning.study import Study
from markdown_it import MarkdownIt

from tests.conftest import git
from tests.once import made_once

DRAW = """\
import json, struct, zlib
from pathlib import Path

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

mean = json.loads(Path("models/model.json").read_text())["mean"]
Path("results/figures").mkdir(parents=True, exist_ok=True)
rows = b"".join(b"\\0" + bytes([int(mean) % 256] * 40) for _ in range(30))
header = struct.pack(">IIBBBBB", 40, 30, 8, 0, 0, 0, 0)
image = b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows))
Path("results/figures/mean.png").write_bytes(image + chunk(b"IEND", b""))
svg = '<svg xmlns="http://www.w3.org/2000/svg" width="40"><rect width="{}" height="9"/></svg>'
Path("results/figures/frame.svg").write_text(svg.format(9))
Path("results/plots").mkdir(exist_ok=True)
Path("results/plots/bar.svg").write_text(svg.format(int(mean)))
Path("results/plots/about.txt").write_text("two plots")
"""
STAGE = """\
  draw:
    cmd: python src/draw.py
    deps:
      - models/model.json
      - src/draw.py
    outs:
      - results/figures/mean.png
      - results/figures/frame.svg:
          cache: false
    plots:
      - results/plots
"""
# Names as nobody should give them.
HOSTILE = "a|b`<img src=x onerror=alert(1)>`@ada"
HOSTILE_FILE = "data/x<script>alert(1)<|@ada #1 **b** %%{init}%%.csv"


@pytest.fixture
def drawn(
    science: Study, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Study:
    """The science study with figures on `main`, and a branch whose `alpha` is another."""

    def make(folder: Path) -> None:
        root = folder / "study"
        shutil.copytree(science.root, root, symlinks=True)
        shutil.copytree(science.root.parent / "storage", folder / "storage")
        (root / "src/draw.py").write_text(DRAW)
        with (root / "dvc.yaml").open("a") as file:
            file.write(STAGE)
        (root / ".gitignore").open("a").write("/report/\n")
        reproduce(Study(root), quiet=True)
        commit(root, "feat: draw")
        capture(["dvc", "push", "--quiet"], root)
        git(root, "switch", "--quiet", "--create", "feature/alpha")
        change(root / "params.yaml", "alpha: 0.5", "alpha: 0.75")
        reproduce(Study(root), quiet=True)
        commit(root, "feat: another alpha")

    for name in ("GITHUB_BASE_REF", "CI_MERGE_REQUEST_DIFF_BASE_SHA"):
        monkeypatch.delenv(name, raising=False)
    made = made_once(tmp_path_factory, "drawn", make)
    for name, target in (("study", science.root), ("storage", science.root.parent / "storage")):
        shutil.rmtree(target)
        shutil.copytree(made / name, target, symlinks=True)
    monkeypatch.chdir(science.root)
    return science


def commit(root: Path, message: str) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", message)


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def report(root: Path, *options: str) -> tuple[str, str]:
    """Write a report, and return it as Markdown and as a page."""
    assert main(["report", *options]) == 0
    return (root / "report/report.md").read_text(), (root / "report/report.html").read_text()


def found(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    """Write a report, and return what it says as JSON."""
    capsys.readouterr()
    assert main(["report", "--json", *options]) == 0
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    return said


class Page(HTMLParser):
    """Reads a page: is it well formed, and what does it load?"""

    VOID = ("meta", "img", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.tags: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element loads."""
        self.tags.append(tag)
        assert not [key for key, _ in attrs if key.startswith("on")]
        self.loads += [value or "" for key, value in attrs if key in ("src", "href", "srcset")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element of SVG."""
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Match it with what is open."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.words.append(data)


def shown(text: str) -> Iterator[str]:
    """Yield the names of what Markdown as GitHub reads it becomes, code left out."""
    parser = MarkdownIt("gfm-like", {"html": True, "linkify": False})
    for token in parser.parse(text):
        for one in (token, *(token.children or [])):
            yield one.type


def test_a_changed_parameter_shows_in_metrics_data_and_figures(
    drawn: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    markdown, page = report(drawn.root)
    said = capsys.readouterr().out
    assert re.search(
        r"since main \(\w{8}\): 1 metric, 1 parameter, 2 data, 2 figures changed", said
    )
    assert "wrote report/report.md and report/report.html" in said
    assert "stale" not in said and "unknown" not in said

    result = found(capsys)
    assert [one["name"] for one in result["metrics"]] == ["accuracy"]
    (alpha,) = result["params"]
    assert (alpha["name"], alpha["old"], alpha["new"]) == ("train.alpha", 0.5, 0.75)
    assert {one["path"] for one in result["data"]} == {
        "models/model.json", "results/predictions.csv",
    }  # fmt: skip
    states = {one["path"]: one["state"] for one in result["figures"]}
    assert states == {
        "results/figures/frame.svg": "unchanged",
        "results/figures/mean.png": "changed",
        "results/plots/bar.svg": "changed",
    }
    assert result["stages"] == ["train", "evaluate", "draw"] and result["unknown"] == []

    assert "| `train.alpha` | 0.5 | 0.75 | +0.25 |" in markdown
    assert "1 of 2 metrics differ." in markdown and "```mermaid\nflowchart TD" in markdown
    assert "`results/figures/mean.png` | changed" in markdown
    assert "`train`, `evaluate`, `draw`" in markdown
    read = Page(page)
    assert sum(one.startswith("data:image/png;base64,") for one in read.loads) == 2
    assert sum(one.startswith("data:image/svg+xml;base64,") for one in read.loads) == 2
    assert all(one.startswith("data:image/") for one in read.loads)
    assert {"svg", "rect", "path"} <= set(read.tags) and "script" not in read.tags
    assert "http" not in re.sub(r"data:[^\"]*", "", page).replace("http-equiv", "")
    assert page.count('<g class="changed">') == 3
    assert [git(drawn.root, "status", "--porcelain")] == [""]

    before = (markdown, page)
    assert report(drawn.root) == before  # a second run writes the same


def test_what_it_compares_with(
    drawn: Study, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = drawn.root
    main_commit = git(root, "rev-parse", "main").strip()
    assert found(capsys)["base"] == "main"
    git(root, "update-ref", "refs/remotes/origin/main", main_commit)
    assert found(capsys)["base"] == "origin/main"
    assert found(capsys, "--base", "HEAD~2")["base_commit"] != main_commit

    # Of GitHub's jobs, and of GitLab's, which fetch no branch.
    git(root, "update-ref", "refs/remotes/origin/other", "main~1")
    monkeypatch.setenv("GITHUB_BASE_REF", "other")
    assert found(capsys)["base"] == "origin/other"
    monkeypatch.setenv("GITHUB_BASE_REF", "")
    monkeypatch.setenv("CI_MERGE_REQUEST_DIFF_BASE_SHA", main_commit)
    assert found(capsys)["base_commit"] == main_commit
    monkeypatch.delenv("CI_MERGE_REQUEST_DIFF_BASE_SHA")

    git(root, "switch", "--quiet", "main")
    assert found(capsys)["base"] == "HEAD~"

    assert main(["report", "--base", "v9"]) == 1
    assert (
        capsys.readouterr().err == "error: no such revision: v9\ntry: git tag; git log --oneline\n"
    )


def test_the_first_commit_is_compared_with_itself(
    study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    result = found(capsys)
    assert (result["base"], result["data"], result["metrics"]) == ("HEAD", [], [])
    markdown, page = report(study.root)
    assert "No data changed." in markdown and "There is no metric." in markdown
    assert [stage for stage in result["stale"]] == ["copy"]
    Page(page)


def test_stale_results_are_not_read_as_results(
    drawn: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    change(drawn.root / "params.yaml", "alpha: 0.75", "alpha: 0.9")
    markdown, page = report(drawn.root)
    said = capsys.readouterr().out
    assert "warning: stale, so this may not hold: train, evaluate, draw (make repro)" in said
    assert markdown.index("### Stale results") < markdown.index("### Metrics")
    assert "params.yaml: train changed" in markdown
    assert '<section class="stale">' in page and "changes that are not committed" in page


def test_old_figures_come_from_the_remote_or_are_named(
    drawn: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = drawn.root / ".dvc/cache/files"
    shutil.rmtree(cache)
    _, page = report(drawn.root)
    assert page.count("data:image/png") == 2 and page.count("data:image/svg") == 2

    for kept in (cache, drawn.root.parent / "storage"):
        shutil.rmtree(kept, ignore_errors=True)
    changed = [one for one in found(capsys)["figures"] if one["state"] != "unchanged"]
    assert len(changed) == 2
    for one in changed:
        assert one["old"]["size"] is None and one["new"]["size"]
        assert "is neither here nor in the remote" in one["old"]["problem"]


def test_a_change_of_the_docs_needs_no_data(
    drawn: Study,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (drawn.root / "README.md").write_text("# Study\n")
    commit(drawn.root, "docs: say what it is")
    git(tmp_path, "clone", "--quiet", str(drawn.root), "clone")
    monkeypatch.chdir(tmp_path / "clone")
    shutil.rmtree(tmp_path / "storage")
    result = found(capsys, "--base", "HEAD~")
    assert (result["unknown"], result["stale"], result["data"], result["drift"]) == ([], {}, [], [])
    assert {one["state"] for one in result["figures"]} == {"unchanged"}
    assert not (tmp_path / "clone/.dvc/cache").exists()


def test_an_old_figure_that_is_nowhere_is_said_so(
    drawn: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    old = yaml.safe_load(git(drawn.root, "show", "main:dvc.lock"))["stages"]["draw"]["outs"]
    digest = next(one["md5"] for one in old if one["path"] == "results/figures/mean.png")
    for folder in (drawn.root / ".dvc/cache", drawn.root.parent / "storage"):
        (folder / f"files/md5/{digest[:2]}/{digest[2:]}").unlink()
    markdown, page = report(drawn.root)
    assert page.count("data:image/png") == 1  # the new one
    for text in (markdown, page):
        assert "is neither here nor in the remote" in text


def test_new_and_gone_figures(drawn: Study, capsys: pytest.CaptureFixture[str]) -> None:
    root = drawn.root
    change(root / "src/draw.py", "results/figures/mean.png", "results/figures/average.png")
    change(root / "dvc.yaml", "results/figures/mean.png", "results/figures/average.png")
    reproduce(drawn, quiet=True)
    states = {one["path"]: one["state"] for one in found(capsys)["figures"]}
    assert states["results/figures/average.png"] == "new"
    assert states["results/figures/mean.png"] == "gone"
    _, page = report(root)
    assert "not there before" in page and "not there now" in page


def test_data_that_was_added_changed_and_dropped(
    drawn: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    root = drawn.root
    (root / "data/raw/people.csv").chmod(0o644)
    (root / "data/raw/people.csv").write_text("name,age\nada,36\ngrace,45\nmary,50\nzoe,99\n")
    (root / "data/more").mkdir()
    for name in ("a", "b"):
        (root / f"data/more/{name}.txt").write_text(name)
    capture(["dvc", "add", "--quiet", "data/raw/people.csv", "data/more"], root)
    commit(root, "data: more")
    data = {one["path"]: one for one in found(capsys)["data"]}
    assert data["data/more"]["old"] == {} and data["data/more"]["new"]["nfiles"] == 2
    people = data["data/raw/people.csv"]
    assert people["old"]["md5"] != people["new"]["md5"]
    markdown, _ = report(root)
    assert "| `data/more` | new | - | 2 B in 2 files | - |" in markdown.replace("bytes", "B")
    capsys.readouterr()
    assert main(["report"]) == 0
    assert "stale" in capsys.readouterr().out


def test_names_that_are_hostile_stay_names(drawn: Study) -> None:
    root = drawn.root
    (root / "params.yaml").write_text(
        yaml.safe_dump(
            {"prepare": {"rows": 3}, "train": {"alpha": 0.75, HOSTILE: HOSTILE}}
        ).replace("prepare:\n  rows: 3", "prepare:\n  rows: 3 ")
    )
    (root / "results/metrics.json").write_text(json.dumps({HOSTILE: 1, "accuracy": "@ada <b>"}))
    (root / HOSTILE_FILE).write_text("x\n")
    capture(["dvc", "add", "--quiet", HOSTILE_FILE], root)
    git(root, "switch", "--quiet", "--create", "feature/a<b>`|@ada")
    markdown, page = report(root)
    assert "@ada" in markdown and "alert(1)" in markdown

    kinds = set(shown(markdown))
    assert "table_open" in kinds and "code_inline" in kinds
    assert not kinds & {"html_block", "image", "link_open", "strong_open"}
    spans = MarkdownIt("gfm-like", {"html": True, "linkify": False}).parse(markdown)
    inline = [one for token in spans for one in token.children or []]
    outside, code = [], False
    for one in inline:
        if one.type == "html_inline":
            assert one.content in ("<code>", "</code>")
            code = one.content == "<code>"
        elif one.type == "text" and not code:
            outside.append(one.content)
    assert not [one for one in outside if "@" in one or "<" in one or "#1" in one]
    rows = [line for line in markdown.splitlines() if line.startswith("|")]
    assert all(len(re.findall(r"(?<!\\)\|", row)) in (3, 5, 7) for row in rows)
    drawing = markdown.partition("```mermaid")[2]
    assert "%" not in drawing and "<script" not in drawing

    read = Page(page)
    assert not {"script", "b", "iframe"} & set(read.tags)
    assert all(one.startswith("data:image/") for one in read.loads)
    assert any("<script>alert(1)" in one for one in read.words)
    assert any(one == HOSTILE for one in read.words)


def test_a_report_may_be_longer_than_a_comment(drawn: Study) -> None:
    names = {f"metric_{number:04}_{'`' * 150}": number for number in range(3000)}
    (drawn.root / "results/metrics.json").write_text(json.dumps(names))
    markdown, page = report(drawn.root)
    assert len(markdown) > 65_536 and "### Pipeline" in markdown  # the last of its sections
    assert "2902 more, in `report.html`" in markdown
    assert "metric_2999" in page and "metric_2999" not in markdown


def test_images_that_are_too_large_are_named(drawn: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "LARGEST", 10)
    _, page = report(drawn.root)
    assert page.count("too large to show here") == 4 and page.count("data:image/") == 0
    monkeypatch.setattr(pages, "LARGEST", 10_000)
    monkeypatch.setattr(pages, "ALL", 100)
    _, page = report(drawn.root)
    assert page.count("data:image/") == 1 and page.count("too large to show here") == 3


def test_drift_is_reported_as_far_as_data_changed(
    drawn: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    root = drawn.root
    assert found(capsys)["drift"] == []
    rows = "\n".join(f"p{number},{number + 200}" for number in range(60))
    (root / "data/raw/people.csv").chmod(0o644)
    (root / "data/raw/people.csv").write_text(f"name,age\n{rows}\n")
    old = "\n".join(f"p{number},{number}" for number in range(60))
    git(root, "switch", "--quiet", "main")
    (root / "data/raw/people.csv").write_text(f"name,age\n{old}\n")
    capture(["dvc", "add", "--quiet", "data/raw/people.csv"], root)
    commit(root, "data: many")
    (root / "data/raw/people.csv").write_text(f"name,age\n{rows}\n")
    capture(["dvc", "add", "--quiet", "data/raw/people.csv"], root)
    (drift,) = [one for one in found(capsys, "--base", "HEAD")["drift"]]
    assert (drift["path"], drift["drifted"]) == ("data/raw/people.csv", ["age"])
    markdown, _ = report(root, "--base", "HEAD")
    assert "### Drift" in markdown
    assert "| `data/raw/people.csv` | age | Kolmogorov-Smirnov |" in markdown
    assert "| unexplained |" in markdown


def test_dates_are_text_in_json(drawn: Study, capsys: pytest.CaptureFixture[str]) -> None:
    with (drawn.root / "params.yaml").open("a") as file:
        file.write("begin: 2020-01-02\nend: .nan\n")
    params = {one["name"]: one["new"] for one in found(capsys)["params"]}
    assert (params["begin"], params["end"]) == ("2020-01-02", "nan")
