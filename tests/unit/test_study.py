"""Where a study is, what its files say, and what git and DVC know about it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from data_versioning import environment
from data_versioning.command import capture
from data_versioning.data.large_files import auto_track_large_files, refuse_large_files
from data_versioning.errors import StudyError
from data_versioning.experiments.lineage_key import lineage_key
from data_versioning.pipeline.metrics import MetricsComparator
from data_versioning.study import Study, flatten, load_params
from data_versioning.tools.git import changes

from tests.conftest import git


def test_a_study_is_found_from_inside(study: Study, tmp_path: Path) -> None:
    """From any folder of it; elsewhere the error says where to go."""
    (study.root / "deep/er").mkdir(parents=True)
    assert Study.find(study.root / "deep/er").root == study.root
    with pytest.raises(StudyError, match=r"no study\.yaml here or above"):
        Study.find(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: [1\nb: 2\n", r"^not valid YAML \(.*\): .*params\.yaml:2$"),
        ("- a\n", r"^not a YAML mapping: .*params\.yaml$"),
        ("a: &a {b: *a}\n", r"^nested in .* or in itself: .*params\.yaml$"),
        ("a: &a [*a]\n", r"^nested in .* or in itself: .*params\.yaml$"),
        ("a: " + "[" * 900 + "]" * 900, r"params\.yaml$"),
        ("a: 2020-13-45\n", r"^not valid YAML .*params\.yaml$"),
        (None, r"^file is missing: .*params\.yaml$"),
    ],
)
def test_unreadable_parameters_are_named(tmp_path: Path, content: str | None, message: str) -> None:
    """The file, and the line where there is one."""
    if content is not None:
        (tmp_path / "params.yaml").write_text(content)
    with pytest.raises(StudyError, match=f"(?m){message}"):
        load_params(tmp_path / "params.yaml")


def test_parameters_are_flattened_as_dvc_names_them() -> None:
    """Nested names are joined by dots, and lists are values."""
    tree = {"a": {"b": 1, "c": {"d": [1, 2]}}, "e": None}
    assert dict(flatten(tree)) == {"a.b": 1, "a.c.d": [1, 2], "e": None}


def test_a_wrong_threshold_is_named(study: Study) -> None:
    """The key and its file."""
    for size in ("big", ".inf", ".nan", "-1", "1e308"):
        (study.root / "study.yaml").write_text(f"large_file_mb: {size}\n")
        with pytest.raises(
            StudyError, match=r"(?m)^not a (number|size): study\.yaml: large_file_mb$"
        ):
            _ = Study(study.root).large_file_bytes


@pytest.mark.parametrize(
    ("file", "content", "wrong"),
    [
        ("dvc.lock", "stages: {train: 5}\n", "stages.train"),
        ("dvc.lock", "stages: [train]\n", "stages"),
        ("dvc.lock", "stages: {train: {outs: [5]}}\n", "stages.train.outs"),
        ("dvc.lock", "stages: {train: {params: 5}}\n", "stages.train.params"),
        ("dvc.yaml", "stages: {a: 5}\n", "stages.a"),
        ("dvc.yaml", "stages: {a: {do: 5}}\n", "stages.a"),
        ("dvc.yaml", "metrics: 5\n", "metrics"),
        ("dvc.yaml", "stages: {a: {metrics: [{}]}}\n", "stages.a.metrics"),
    ],
)
def test_files_of_dvc_of_another_shape(study: Study, file: str, content: str, wrong: str) -> None:
    """They parse, and are nothing that DVC wrote or reads: the file is named, and the place."""
    (study.root / file).write_text(content)
    with pytest.raises(StudyError, match=rf"(?m)^'{wrong}' is not what DVC .*: {file}$"):
        MetricsComparator().diff()


def test_large_files_are_tracked_once(study: Study) -> None:
    """Untracked and staged ones over the threshold; not what git ignores or has committed."""
    large = b"x" * 2000
    (study.root / "committed.bin").write_bytes(large)
    git(study.root, "add", "--all")
    git(study.root, "commit", "--quiet", "--message", "large")
    (study.root / "dätä").mkdir()
    for name in ("new.bin", "dätä/staged $(x) 'y'.bin", "ignored.bin"):
        (study.root / name).write_bytes(large)
    (study.root / "small.txt").write_text("small")
    with (study.root / ".gitignore").open("a") as ignore:
        ignore.write("ignored.bin\n")
    git(study.root, "add", "dätä")

    with pytest.raises(StudyError, match=r"(?m)new\.bin$") as refused:
        refuse_large_files(["small.txt", "new.bin"])
    assert refused.value.mend == "make track"
    assert auto_track_large_files("dätä") == ["dätä/staged $(x) 'y'.bin"]
    assert auto_track_large_files() == ["new.bin"]
    assert auto_track_large_files() == []
    staged = git(study.root, "diff", "--cached", "--name-only", "-z").split("\0")
    assert {"new.bin.dvc", "dätä/staged $(x) 'y'.bin.dvc"} <= set(staged)
    assert "new.bin" not in staged


def test_what_makes_a_study_dirty(study: Study) -> None:
    """Code, parameters and tracked data do; what the pipeline writes does not, in loops neither."""
    (study.root / "dvc.yaml").write_text(
        "stages:\n  copy:\n    foreach: [a, b]\n    do:\n      cmd: cp in.txt ${item}.txt\n"
        "      deps: [in.txt]\n      outs:\n        - ${item}.txt:\n            cache: false\n"
    )
    git(study.root, "commit", "--quiet", "--all", "--message", "loop")
    capture(["dvc", "repro", "--quiet"], study.root)
    key = lineage_key(study.root)
    assert key["git.dirty"] == "false"
    assert key["git.commit"] == git(study.root, "rev-parse", "HEAD").strip()
    assert key["data:a.txt"] == key["data:b.txt"] == "6137cde4893c59f76f005a8123d8e8e6"

    (study.root / "params.yaml").write_text("rate: 2\n")
    assert lineage_key(study.root)["git.dirty"] == "true"
    git(study.root, "restore", "params.yaml")
    odd = study.root / os.fsdecode(b"\xff.txt")  # a name that is not UTF-8
    odd.touch()
    assert lineage_key(study.root)["git.dirty"] == "true"
    odd.unlink()
    git(study.root, "mv", "params.yaml", "renamed.yaml")
    assert {"params.yaml", "renamed.yaml"} < set(changes(study.root))
    git(study.root, "mv", "renamed.yaml", "params.yaml")
    (study.root / "big.bin").write_bytes(b"x" * 2000)
    auto_track_large_files()
    assert lineage_key(study.root)["git.dirty"] == "true"


def test_the_environment_wins_over_secrets_and_they_over_the_profile(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Empty values say nothing; an unknown profile names the known ones."""
    monkeypatch.setattr(os, "environ", os.environ.copy() | {"ONE": "shell", "PROFILE": "far"})
    (study.root / "profiles").mkdir()
    (study.root / "profiles/far.env").write_text("ONE=profile\nTWO=profile\nTHREE=p $X#y\nFOUR=\n")
    (study.root / ".env").write_text("TWO='secret'\n")
    environment.load(study.root)
    values = [os.environ.get(name) for name in ("ONE", "TWO", "THREE", "FOUR")]
    assert values == ["shell", "secret", "p $X#y", None]
    os.environ["PROFILE"] = "nowhere"
    with pytest.raises(StudyError, match="no such profile") as unknown:
        environment.load(study.root)
    assert "far" in unknown.value.mend
