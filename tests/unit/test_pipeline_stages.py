"""What a reproduction says of each stage, and the parameters it is given."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from data_versioning.cli import main
from data_versioning.command import capture
from data_versioning.errors import StudyError
from data_versioning.pipeline.manager import PipelineManager, Reproduction
from data_versioning.pipeline.parameters import set_params
from data_versioning.pipeline.stage_results import StageFailed, StageResult, stage_results
from data_versioning.study import Study

from tests.conftest import ROOT, git

RESULTS = ("results/metrics.json", "results/predictions.csv")


def outcomes(done: Reproduction) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return what became of each stage and what it changed; only those that ran have a time."""
    for stage in done.stages:
        assert (stage.seconds is not None) == (stage.outcome == "ran")
    return {stage.name: (stage.outcome, stage.changed) for stage in done.stages}


def test_each_stage_has_an_outcome(science: Study, capfd: pytest.CaptureFixture[str]) -> None:
    """Skipped, run or restored; as Python, JSON and text."""
    pipeline = PipelineManager(project_dir=science.root / "src")
    skipped = {name: ("skipped", ()) for name in ("prepare", "train", "evaluate")}
    assert outcomes(pipeline.run()) == skipped

    # What a stage prints is not what DVC says; nor does a quarter of a second pass unnoticed.
    train = science.root / "src/train.py"
    lines = ["Stage 'prepare' is cached - skipping run, checking out outputs"]
    lines += ["Running stage 'nonsense':", "Stage 'evaluate' didn't change, skipping"]
    prints = "".join(f'print("{line}")\n' for line in lines)
    train.write_text(f"{prints}import time\ntime.sleep(0.25)\n{train.read_text()}")
    done = pipeline.reproduce({"train.alpha": 1})
    ran = {"train": ("ran", ("models/model.json",)), "evaluate": ("ran", RESULTS)}
    assert outcomes(done) == skipped | ran
    assert done.stages[1].seconds and 0.25 <= done.stages[1].seconds < done.seconds
    said = capfd.readouterr().out
    assert lines[1] in said
    assert science.root.joinpath("params.yaml").read_text() == (
        "prepare:\n  rows: 3 # of five\ntrain:\n  alpha: 1.0\n  name: ridge\n"
    )

    assert main(["repro", "--set", "train.alpha=2", "--json"]) == 0
    printed = json.loads(capfd.readouterr().out)
    assert [stage["outcome"] for stage in printed["stages"]] == ["skipped", "ran", "ran"]
    assert printed["stages"][2]["changed"] == list(RESULTS)
    assert main(["repro", "--set", "train.alpha=1.0"]) == 0
    out = capfd.readouterr().out.splitlines()
    assert out[-4].split() == ["prepare", "skipped"]
    assert out[-3].split() == ["train", "cached", "models/model.json"]
    assert out[-1].startswith("logged MLflow run ")
    assert main(["repro", "--force", "train"]) == 0
    out = capfd.readouterr().out.splitlines()
    assert [line.split()[:2] for line in out[-3:-1]] == [["prepare", "ran"], ["train", "ran"]]
    assert out[-1] == "nothing changed, nothing logged"
    assert main(["repro", "--json"]) == 0
    idle = json.loads(capfd.readouterr().out)
    assert {stage["outcome"] for stage in idle.pop("stages")} == {"skipped"}
    assert idle.keys() == {"changed", "seconds", "run_id"}
    assert main(["repro", "--", "--dry", "--force"]) == 0
    out = capfd.readouterr().out.splitlines()
    assert out[-1] == "nothing changed, nothing logged"
    assert not any(line.startswith("evaluate") for line in out)


def test_two_attempts_count_as_one() -> None:
    """A stage ran if it did in either; the second attempt follows on damage in DVC's cache."""
    cached = "Stage '{}' is cached - skipping run, checking out outputs"
    log = [(0.0, "Running stage 'a':"), (0.0, "> x"), (2.0, "Updating lock file 'dvc.lock'")]
    log += [(3.0, cached.format("b")), (4.0, ""), (5.0, cached.format("a"))]
    log += [(6.0, "Running stage 'b':"), (6.0, "> y"), (9.0, ""), (9.0, cached.format("c"))]
    results = stage_results(log, {}, {"a": {"outs": [{"path": "a.txt", "md5": "1"}]}})
    assert results == (
        StageResult("a", "ran", 2.0, ("a.txt",)),
        StageResult("b", "ran", 3.0),
        StageResult("c", "cached"),
    )


def test_one_stage(science: Study, capfd: pytest.CaptureFixture[str]) -> None:
    """It and what it needs; an unknown one is refused before anything is written."""
    pipeline = PipelineManager("dvc.yaml")
    done = pipeline.run_stage("train", {"prepare.rows": 2})
    assert [(stage.name, stage.outcome) for stage in done.stages] == [
        ("prepare", "ran"),
        ("train", "ran"),
    ]
    assert done.run_id
    params = (science.root / "params.yaml").read_bytes()
    with pytest.raises(
        StudyError, match=r"no stage 'trian': dvc\.yaml has prepare, train, evaluate"
    ):
        pipeline.run_stage("trian", {"prepare.rows": 4})
    assert main(["repro", "trian", "--set", "prepare.rows=4"]) == 1
    assert "no stage 'trian'" in capfd.readouterr().err
    assert (science.root / "params.yaml").read_bytes() == params
    forced = pipeline.run_stage("train", force=True)
    assert {stage.outcome for stage in forced.stages} == {"ran"}
    assert not forced.changed
    with pytest.raises(StudyError, match=r"not the pipeline of the study: other/dvc\.yaml"):
        PipelineManager("other/dvc.yaml")


FAILS = """\
stages:
  noisy:
    cmd: echo of another stage >&2; echo x > noisy.txt
    outs: [noisy.txt]
  half:
    cmd: python half.py
    deps: [half.py, noisy.txt]
    outs: [half.txt]
  last:
    cmd: cp half.txt last.txt
    deps: [half.txt]
    outs: [last.txt]
"""
HALF = """\
import os, signal, sys
for line in range(30):
    print("line", line, flush=True)
with open("half.txt", "w") as file:
    file.write("half")
    file.flush()
    {}
    file.write(" and whole")
"""


@pytest.mark.parametrize(
    ("end", "status", "last", "shell"),
    [
        ("raise ValueError('no patient')", 1, "ValueError: no patient", "/bin/sh"),
        # bash becomes the command it is given, and is killed; dash waits for it.
        ("os.kill(os.getpid(), signal.SIGKILL)", 137, "line 29", "/bin/bash"),
        ("os.kill(os.getpid(), signal.SIGKILL)", 137, "line 29", "/bin/sh"),
    ],
)
def test_a_failed_stage(
    study: Study, monkeypatch: pytest.MonkeyPatch, end: str, status: int, last: str, shell: str
) -> None:
    """It is named, with its end; its half an output is never a result, and a rerun completes."""
    monkeypatch.setenv("SHELL", shell)
    (study.root / "dvc.yaml").write_text(FAILS)
    (study.root / "half.py").write_text(HALF.format(end))
    with pytest.raises(StageFailed, match=r"(?m)^stage 'half' failed: [^\n]*$") as caught:
        PipelineManager().run()
    assert (caught.value.stage, caught.value.exit_status) == ("half", status)
    lines = caught.value.output.splitlines()
    assert len(lines) == 20
    assert last in lines[-2:]  # dash says "Killed" after it
    assert "another" not in caught.value.output
    assert (study.root / "half.txt").read_text() == "half"
    assert not (study.root / "last.txt").exists()
    assert main(["repro"]) == 1
    (study.root / "half.py").write_text(HALF.format("pass"))
    done = PipelineManager().run()
    assert [stage.outcome for stage in done.stages] == ["skipped", "ran", "ran"]
    assert (study.root / "last.txt").read_text() == "half and whole"


def test_a_short_failure_is_its_own(study: Study) -> None:
    """What earlier stages printed is not part of it; DVC's own failure has no exit status."""
    (study.root / "dvc.yaml").write_text(FAILS)
    (study.root / "half.py").write_text("import sys; print('out'); sys.exit('error: bad')")
    with pytest.raises(StageFailed, match="stage 'half' failed: bad") as caught:
        PipelineManager().run()
    assert sorted(caught.value.output.splitlines()) == ["> python half.py", "error: bad", "out"]
    (study.root / "half.py").write_text("")
    with pytest.raises(StageFailed, match="does not exist") as caught:
        PipelineManager().run()
    assert caught.value.exit_status is None


TERMINALS = """\
import os, sys
print("out", sys.stdout.isatty(), os.get_terminal_size(1).columns)
print("err", sys.stderr.isatty(), file=sys.stderr)
print("\\033[32mgreen\\033[0m")
"""


def test_stages_keep_their_terminal(study: Study) -> None:
    """On a terminal both streams of a stage are one, of its size, in colour."""
    (study.root / "dvc.yaml").write_text("stages:\n  see:\n    cmd: python see.py\n")
    (study.root / "see.py").write_text(TERMINALS)
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (30, 123))
    process = subprocess.Popen(
        [sys.executable, "-m", "data_versioning", "repro"],
        env=os.environ | {"PYTHONPATH": str(ROOT / "template/src")}, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    seen = b""
    while True:
        try:
            seen += os.read(ours, 4096)
        except OSError:
            break
    os.close(ours)
    assert process.wait() == 0, seen
    for text in (b"out True 123", b"err True", b"\033[32mgreen\033[0m", b"see  ran"):
        assert text in seen


def test_the_graph(study: Study, capfd: pytest.CaptureFixture[str]) -> None:
    """Loops are unrolled, and no name of a file can break the text."""
    name = 'a "b" <i>#`.csv'
    (study.root / name).write_text("1\n")
    capture(["dvc", "add", "--quiet", name], study.root)
    (study.root / "dvc.yaml").write_text(
        "stages:\n  fit:\n    matrix:\n      size: [1, 2]\n"
        "    cmd: cp in.txt ${item.size}.txt\n"
        f"    deps: ['{name}']\n    outs:\n      - ${{item.size}}.txt\n"
    )
    text = PipelineManager().dag()
    assert text.startswith("flowchart TD\n")
    nodes = dict(re.findall(r'^\t(node\d+)\["([^"<>`]*)"\]$', text, re.MULTILINE))
    named = {label: node for node, label in nodes.items()}
    assert named.keys() == {"a #34;b#34; #60;i#62;#35;#96;.csv.dvc", "fit@1", "fit@2"}
    data = named["a #34;b#34; #60;i#62;#35;#96;.csv.dvc"]
    assert set(re.findall(r"^\t(\w+)-->(\w+)$", text, re.MULTILINE)) == {
        (data, named["fit@1"]),
        (data, named["fit@2"]),
    }
    assert main(["dag"]) == 0
    assert capfd.readouterr().out == f"{text}\n"


PARAMS = """\
# Of the study.
train: # the model
    alpha: 10.0    # tuned
    lr: 1e-3
    name: 'ridge'
    plain: abc
    epochs: 5
    flag: true

    none:
    sizes: [1, 2, 3]  # flow
    names:
    - a
    - b
    text: |
        one
        two
shared: &shared {a: 1}
alias: *shared
"""


@pytest.mark.parametrize(
    ("name", "value", "old", "new"),
    [
        ("train.alpha", 0.25, "10.0", "0.25"),
        ("train.alpha", 33, "10.0", "33.0"),
        ("train.alpha", 10, "", ""),
        ("train.lr", 0.002, "1e-3", "0.002"),
        ("train.name", "it's", "'ridge'", "'it''s'"),
        ("train.plain", "1e-3", "abc", "'1e-3'"),
        ("train.plain", "true", "abc", "'true'"),
        ("train.plain", "a: b # c", "abc", "'a: b # c'"),
        ("train.epochs", 7, "5\n", "7\n"),
        ("train.flag", False, "true", "false"),
        ("train.none", 1, "none:", "none: 1"),
        ("train.sizes", (4, 5, 6), "[1, 2, 3]", "[4, 5, 6]"),
        ("train.names", ["c", "d", "e"], "- a\n    - b", "- c\n    - d\n    - e"),
        ("train.text", "new\n", "one\n        two\n", "new\n"),
    ],
)
def test_a_parameter_is_set_in_place(
    tmp_path: Path, name: str, value: object, old: str, new: str
) -> None:
    """Comments, order and quotes stay, and so does every other value."""
    path = tmp_path / "params.yaml"
    path.write_text(PARAMS)
    path.chmod(0o640)
    set_params(tmp_path, {name: value})
    assert PARAMS.count(old) == 1 or not old
    assert blanks_aside(path.read_text()) == blanks_aside(PARAMS.replace(old, new))
    assert path.stat().st_mode & 0o777 == 0o640
    assert [one.name for one in tmp_path.iterdir()] == ["params.yaml"]


def blanks_aside(text: str) -> str:
    """Return a text without the blanks that put a comment into its column."""
    return re.sub(r" +#", " #", text)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"train.alhpa": 1}, "no parameter train.alhpa: params.yaml; did you mean train.alpha?"),
        ({"zzz": 1}, "no parameter zzz: params.yaml; it has train.alpha, train.lr, "),
        ({"train": 1}, "params.yaml: train is a section; it has train.alpha, "),
        ({"train.epochs": 6, "train.alpha": "high"}, "train.alpha must be a number, got 'high'"),
        ({"train.alpha": True}, "train.alpha must be a number, got True"),
        ({"train.epochs": True}, "train.epochs must be an integer, got True"),
        ({"train.epochs": 2.5}, "train.epochs must be an integer, got 2.5"),
        ({"train.epochs": None}, "train.epochs must be an integer, got None"),
        ({"train.flag": 1}, "train.flag must be true or false, got 1"),
        ({"train.name": 1}, "train.name must be a text, got 1"),
        ({"train.sizes": 1}, "train.sizes must be a list, got 1"),
        ({"train.sizes": [1, "x"]}, "train.sizes[1] must be an integer, got 'x'"),
        ({"alias.a": 2}, "repeats a section by an alias, which would change with it: alias.a"),
    ],
)
def test_a_wrong_parameter_changes_nothing(
    study: Study, params: dict[str, object], message: str
) -> None:
    """An unknown key or a wrong type is named, with the file; nothing is written, nothing runs."""
    (study.root / "params.yaml").write_text(PARAMS)
    with pytest.raises(StudyError, match=re.escape(message)) as caught:
        PipelineManager().reproduce(params)
    assert "params.yaml" in str(caught.value)
    assert (study.root / "params.yaml").read_text() == PARAMS
    assert not (study.root / "out.txt").exists()


def test_settings_on_the_command_line(study: Study, capfd: pytest.CaptureFixture[str]) -> None:
    """Values are YAML; DVC reads them as they were meant, and a failed stage leaves them."""
    (study.root / "params.yaml").write_text(PARAMS)
    (study.root / "dvc.yaml").write_text("stages:\n  no:\n    cmd: 'false'\n    params: [train]\n")
    settings = {"train.lr": "2e-3", "train.plain": "'1e-3'", "train.sizes": "[7]", "train.name": ""}
    options = [arg for name, value in settings.items() for arg in ("--set", f"{name}={value}")]
    assert main(["repro", *options]) == 1
    assert "error: stage 'no' failed" in capfd.readouterr().err
    import dvc.api

    train = dvc.api.params_show()["train"]
    assert (train["lr"], train["plain"], train["sizes"], train["name"]) == (0.002, "1e-3", [7], "")
    for wrong in ("train.lr", "=1", "train.lr=["):
        with pytest.raises(SystemExit) as ended:
            main(["repro", "--set", wrong])
        assert ended.value.code == 2
        assert f"not a setting: '{wrong}'" in capfd.readouterr().err
    assert "params.yaml" not in git(study.root, "diff", "--cached", "--name-only")
