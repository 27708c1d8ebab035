"""Tags and studies made to deceive: what phases refuse, and what is reported instead."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from data_versioning import PhaseGate
from data_versioning.cli import main
from data_versioning.command import capture
from data_versioning.phases import manifest
from data_versioning.phases.documents import incomplete
from data_versioning.phases.findings import Finding
from data_versioning.phases.lock_check import stale_at
from data_versioning.phases.phase_tags import other_tags, phase_tags
from data_versioning.phases.plan import phase
from data_versioning.study import Study
from data_versioning.tools import git as git_tool

from tests.conftest import git
from tests.unit.phases import furnish, gate, save, tag_manifest, write

QUESTION = "v0.1.0-problem-formulation"
TAG = "v1.0.0-analysis-complete"


@pytest.fixture
def ready(science: Study) -> Study:
    """The study, with all that its phases ask for."""
    furnish(science.root)
    return science


def tag_object(root: Path, name: str, message: str, date: str = "1700000000 +0000") -> None:
    """Make a tag as git's plumbing can, with any date and any text."""
    head = git(root, "rev-parse", "HEAD").strip()
    lines = f"object {head}\ntype commit\ntag {name}\ntagger Test <t@example.org> {date}\n\n"
    argv = ["git", "hash-object", "-t", "tag", "-w", "--stdin", "--literally"]
    given = os.fsencode(f"{lines}{message}\n")
    made = subprocess.run(argv, cwd=root, input=given, capture_output=True, check=True)
    git(root, "update-ref", f"refs/tags/{name}", made.stdout.decode().strip())


def bomb() -> str:
    """Return a manifest of 700 bytes that is ten thousand million values long."""
    lines = ["metrics:", "  a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"  a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    return "x\n\n---\n" + "\n".join(lines)


def test_tags_that_would_stop_every_verb(ready: Study, capsys: pytest.CaptureFixture[str]) -> None:
    """One tag of anybody's is reported, and hides no other."""
    root = ready.root
    tag_object(root, "v0.2.0-framed", "a\x1eb\x1fc\n\n\x1e")
    tag_object(root, "v0.3.0-ended", "a\0b\n\n---\nx: 1")
    tag_object(root, "v0.4.0-undated", "x", "99999999999999999 +0000")
    tag_object(root, "v0.5.0-zoned", "x", "1700000000 +9999")
    tag_object(root, "v0.6.0-bomb", bomb())
    tag_object(root, "v0.7.0-merged", "x\n\n---\na: &a {b: 1}\nc:\n  <<: [*a, *a]")
    tag_object(root, "v0.8.0-long", "x\n\n---\n" + "a" * manifest.LARGEST)
    assert main(["phase", "complete", "problem-formulation"]) == 0
    assert [tag.name for tag in phase_tags(root)] == [QUESTION]
    others = other_tags(root)
    no_manifest = "there is no manifest in its message"
    alias = "the manifest has an alias, which no manifest needs: "
    assert others.pop("v0.8.0-long").startswith("the message of a phase's tag has 1048576 char")
    assert others == {
        "v0.2.0-framed": no_manifest,
        "v0.3.0-ended": no_manifest,
        "v0.4.0-undated": others["v0.4.0-undated"],
        "v0.5.0-zoned": others["v0.5.0-zoned"],
        "v0.6.0-bomb": f"{alias}a0",
        "v0.7.0-merged": f"{alias}a",
    }
    capsys.readouterr()
    assert main(["phase", "status"]) == 0
    assert main(["phase", "verify", "v0.6.0-bomb"]) == 1
    assert "an alias, which no manifest needs" in capsys.readouterr().out
    (framed,) = [one for one in git_tool.annotated_tags(root) if one.name == "v0.2.0-framed"]
    assert framed.message.rstrip("\n") == "a\x1eb\x1fc\n\n\x1e"


def test_tests_that_do_not_run_are_not_passed(
    ready: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "--collect-only")
    found = gate(ready, "tests")
    assert (found.ok, found.evidence[:12]) == (True, "1 passed in ")
    write(ready.root, "pytest.ini", "[pytest]\naddopts = --collect-only\n")
    assert gate(ready, "tests").evidence == "no test passed: pytest ended with 0"
    skip = "import pytest\n\n@pytest.mark.skip\ndef test_people():\n    assert False\n"
    write(ready.root, "tests/test_people.py", skip)
    write(ready.root, "pytest.ini", "[pytest]\naddopts = -q -q\n")
    assert gate(ready, "tests").evidence.startswith("no test passed: 1 skipped in ")


def remade(root: Path, change: Callable[[dict[str, Any]], None], below: str = "") -> None:
    """Make the tag again, with another manifest and the text that belongs to it."""
    said = tag_manifest(root, "kept")
    change(said)
    commit = said["commit"]
    argv = ["git", "tag", "--force", "--annotate", "--cleanup=verbatim", "--file=-", TAG, commit]
    given = f"{manifest.text(said)}{below}".encode()
    subprocess.run(argv, cwd=root, input=given, check=True, capture_output=True)


EDITED: list[tuple[str, Callable[[dict[str, Any]], Any], str]] = [
    ("metrics", lambda said: said["metrics"].update({"models/model.json": {"r2": 1}}), "models/"),
    ("manifest", lambda said: said.update(format=True), "missing or broken: format"),
    ("manifest", lambda said: said.update(audited=True), "that no manifest has: audited"),
    ("manifest", lambda said: said["environment"].update(gpu="none"), "no manifest has: gpu"),
    ("manifest", lambda said: said["gates"][0].update(by="me"), "no manifest has: by"),
    ("manifest", lambda said: said.update(override={}), "missing or broken: reason"),
    ("manifest", lambda said: said.update(runs=[1]), "missing or broken: runs"),
    ("gates", lambda said: said["gates"].append(said["gates"][0]), "a gate is there twice"),
    ("gates", lambda said: said["gates"].append(said["gates"][0] | {"gate": "audit"}), "no gate"),
    ("gates", lambda said: said["gates"].append(said["gates"][0] | {"gate": "tests: x"}), "no g"),
]


def test_manifests_that_say_more_than_is_so(ready: Study) -> None:
    """And the tag of such a one is the base of nothing."""
    root = ready.root
    assert main(["phase", "complete", "analysis", "--override", "not all tests run here"]) == 0
    git(root, "tag", "kept", f"refs/tags/{TAG}")
    study = PhaseGate()
    for part, change, evidence in EDITED:
        remade(root, change)
        found = {one.gate: one.evidence for one in study.verify(TAG) if one.ok is False}
        assert evidence in found[part], found
    armour = "-----BEGIN PGP SIGNATURE-----\n%s\n-----END PGP SIGNATURE-----\n"
    for below in (armour % "all is well, says me", "-----BEGIN LIES", armour % "ab" + "and more"):
        remade(root, lambda said: None, below)
        found = {one.gate: one.evidence for one in study.verify(TAG) if one.ok is False}
        assert found == {"signature": "what is below the manifest is no signature, or not only one"}
    remade(root, lambda said: None, armour % "ab")
    found = {one.gate: one.evidence for one in study.verify(TAG) if one.ok is False}
    assert found.keys() == {"signature"}

    save(root, "what I did", "--allow-empty")
    head = git(root, "rev-parse", "HEAD").strip()
    for other in (
        {"who": "Mallory"},
        {"commit": "1" * 40},
        {"version": "1.0.5"},
        {"phase": "interpretation"},
        {"time": "2020-01-01T00:00:00+00:00"},
    ):
        said = tag_manifest(root, "kept") | {"commit": head} | other
        git_tool.make_tag(root, "v1.0.1-analysis-complete", head, manifest.text(said), None)
        assert gate(ready, "commits").evidence.startswith("1 of 1 commit since v1.0.0-"), other
        git(root, "tag", "--delete", "v1.0.1-analysis-complete")


def claim(study: Study, name: str) -> None:
    """Tag a phase whose gates nobody looked at."""
    root, chosen = study.root, phase(study, name)
    head = git(root, "rev-parse", "HEAD").strip()
    gates = [Finding(one, True, "sure") for one in chosen.gates]
    time = datetime.now().astimezone().replace(microsecond=0)
    said = manifest.make(root, chosen, str(chosen.version), head, time, "Test", gates, None, [])
    git_tool.make_tag(root, chosen.tag(), head, manifest.text(said), None)


def test_a_phase_in_between_hides_no_drift(ready: Study) -> None:
    root = ready.root
    claim(ready, "problem-formulation")
    people = root / "data/raw/people.csv"
    people.chmod(0o644)
    people.write_text("name,years\nada,36\n")
    capture(["dvc", "add", "--quiet", str(people)], root)
    save(root, "data: other people")
    claim(ready, "interpretation")
    assert "drift" not in phase(ready, "interpretation").gates
    found = gate(ready, "drift")
    assert not found.ok
    assert found.evidence.startswith("unexplained since v0.1.0-problem-formulation: data/raw/")
    claim(ready, "analysis")
    assert (
        gate(ready, "drift").evidence == f"0 of 2 data sets changed since {TAG}, none unexplained"
    )


def test_records_that_are_not_of_the_commit(science: Study) -> None:
    """Results that git keeps, and what `dvc.yaml` names since."""
    root = science.root
    assert stale_at(root, "HEAD") == []
    metrics = "results/metrics.json"
    write(root, metrics, '{"accuracy": 0.99, "f1": 0.99}')
    save(root)
    assert stale_at(root, "HEAD") == [f"stage evaluate: {metrics} is not what it made"]
    capture(["dvc", "freeze", "evaluate"], root)
    save(root)
    assert stale_at(root, "HEAD") == [f"stage evaluate: {metrics} is not what it made"]
    git(root, "checkout", "--quiet", "HEAD~2", "--", metrics, "dvc.yaml")
    text = (root / "dvc.yaml").read_text()
    for old, new in (
        (
            "- data/prepared.csv\n      - src/",
            "- ./data/prepared.csv\n      - new.py\n      - src/",
        ),
        ("- train\n", "- train.alpha\n      - seed\n      - more.yaml:\n"),
        ("- models/model.json\n  ev", "- models/model.json\n      - models/b.json\n  ev"),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    write(root, "dvc.yaml", text)
    save(root)
    assert stale_at(root, "HEAD") == [
        "stage train: new.py is new to it",
        "stage train: models/b.json was never made",
        "stage train: params.yaml: seed is new to it",
        "stage train: more.yaml is new to it",
    ]


def test_files_that_git_does_not_look_at(ready: Study) -> None:
    root = ready.root
    for flag in ("assume-unchanged", "skip-worktree"):
        git(root, "update-index", f"--{flag}", "LICENSE")
        write(root, "LICENSE", "mine\n")
        found = gate(ready, "clean")
        assert found.evidence == "git was told not to look at LICENSE"
        assert found.mend == f"git update-index --no-{flag} -- LICENSE"
        capture(found.mend.split(), root)
        assert gate(ready, "clean").evidence == "1 not committed: LICENSE"
        git(root, "checkout", "--", "LICENSE")


def test_a_link_is_no_document(ready: Study) -> None:
    """Git keeps where it leads to, and that answers every question."""
    root = ready.root
    (root / "docs/analysis.md").unlink()
    (root / "docs/analysis.md").symlink_to("question.md")
    assert incomplete(root, "docs/analysis.md") == ["docs/analysis.md is a link, not a document"]
    save(root, "docs: link")
    assert gate(ready, "documents").evidence == "docs/analysis.md is a link, not a document"


def test_replaced_commits_are_judged_as_they_are(
    ready: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`git replace` and grafts change what this clone shows of its history, and no other."""
    root = ready.root
    for name in ("GIT_NO_REPLACE_OBJECTS", "GIT_GRAFT_FILE"):
        monkeypatch.setenv(name, "")  # for it to be taken back
        monkeypatch.delenv(name)
    good = git(root, "rev-parse", "HEAD").strip()
    save(root, "what I did", "--allow-empty")
    bad = git(root, "rev-parse", "HEAD").strip()
    save(root, "docs: more", "--allow-empty")
    git(root, "replace", "--graft", "HEAD", good)
    asked = [one for one in PhaseGate().check("interpretation") if one.gate == "commits"]
    assert bad[:8] in asked[0].evidence
    git(root, "replace", "--delete", "HEAD")
    write(root, ".git/info/grafts", f"{git(root, 'rev-parse', 'HEAD').strip()} {good}\n")
    asked = [one for one in PhaseGate().check("interpretation") if one.gate == "commits"]
    assert bad[:8] in asked[0].evidence
