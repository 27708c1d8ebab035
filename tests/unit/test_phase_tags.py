"""Completing phases: what is tagged, what is refused, and what a clone finds out about a tag."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from data_versioning import PhaseGate
from data_versioning.cli import main
from data_versioning.errors import StudyError
from data_versioning.phases import manifest
from data_versioning.phases.findings import Finding
from data_versioning.phases.phase_tags import other_tags, phase_tags
from data_versioning.phases.plan import phase
from data_versioning.study import Study, parse_yaml
from data_versioning.tools import dvc_files
from data_versioning.tools import git as git_tool

from tests.conftest import ROOT, git
from tests.unit.phases import EARLY, PHASES, TAG, as_json, furnish, save, tag_manifest, write

Printed = pytest.CaptureFixture[str]
QUESTION = "v0.1.0-problem-formulation"
LATER = "v1.1.0-interpretation"
EARLIER = ["phase", "complete", "--override", "before others"]


@pytest.fixture
def ready(science: Study) -> Study:
    """The study, with all that its phases ask for, of which the analysis is the first."""
    furnish(science.root, PHASES.replace(EARLY, ""))
    return science


@pytest.fixture
def early(science: Study) -> Study:
    """The same with two phases before it."""
    furnish(science.root)
    return science


@pytest.fixture
def tagged(ready: Study) -> Study:
    """The study with its analysis complete."""
    assert main(["phase", "complete", "analysis"]) == 0
    return ready


def tags(root: Path) -> list[str]:
    return git(root, "tag", "--list", "v*").split()


def refused(capsys: Printed, *argv: str) -> tuple[str, str]:
    """Return the error and the mend of a phase that cannot be completed."""
    assert main(["phase", "complete", *argv]) == 1
    error, mend = capsys.readouterr().err.splitlines()[-2:]
    return error.removeprefix("error: "), mend.removeprefix("try: ")


def verified(capsys: Printed, tag: str = TAG) -> dict[str, Finding]:
    """Return what a tag's verification found; by the exit status whether it failed."""
    capsys.readouterr()
    status = main(["phase", "verify", tag, "--json"])
    found = as_json(capsys.readouterr().out)
    assert status == any(one.ok is False for one in found.values())
    return found


def wrong(found: dict[str, Finding]) -> dict[str, str]:
    """Return the evidence of what is wrong."""
    return {name: one.evidence for name, one in found.items() if one.ok is False}


def retag(root: Path, name: str, message: str, commit: str = "") -> None:
    """Make a tag anew, as somebody with the same name would."""
    options = ["--force", "--annotate", "--cleanup=whitespace", "--file=-"]
    argv = ["git", "tag", *options, name, commit or f"{name}^{{commit}}"]
    subprocess.run(argv, cwd=root, input=message.encode(), check=True, capture_output=True)


def test_the_tag_of_a_phase(ready: Study, capsys: Printed) -> None:
    """Above the line for people, below it a manifest of what was tagged."""
    assert main(["phase", "complete", "analysis"]) == 0
    root, said = ready.root, tag_manifest(ready.root)
    head = git(root, "rev-parse", "HEAD").strip()
    assert git(root, "cat-file", "-t", TAG) == "tag\n"
    message = git(root, "tag", "--list", "--format=%(contents)", TAG)
    lines = message.splitlines()
    assert lines[:3] == [
        "Analysis complete",
        "",
        f"holds  clean      nothing uncommitted at {head[:8]}",
    ]
    assert lines[11:13] == ["", "---"]
    assert [one["gate"] for one in said["gates"]] == list(phase(ready, "analysis").gates)
    assert all(one["ok"] is True and one["evidence"] for one in said["gates"])
    lock = (root / "dvc.lock").read_bytes()
    (run,) = said["runs"]
    assert len(run) == 32
    assert said | {"gates": [], "runs": [], "time": ""} == {
        "format": 1,
        "phase": "analysis",
        "version": "1.0.0",
        "commit": head,
        "time": "",
        "who": "Test",
        "gates": [],
        "override": None,
        "dvc_lock": hashlib.sha256(lock).hexdigest(),
        "data": dict(sorted(dvc_files.outputs(root).items())),
        "template": "unversioned",
        "doi": None,
        "metrics": {
            "results/metrics.json": json.loads((root / "results/metrics.json").read_text())
        },
        "environment": {
            "uv.lock": hashlib.sha256(b"version = 1\n").hexdigest(),
            "python": ".".join(map(str, sys.version_info[:3])),
        },
        "runs": [],
    }
    out = capsys.readouterr().out
    assert f"tagged {head[:8]} {TAG}; to share it: make push" in out
    assert out.count("holds  ") == 9


def test_gates_that_fail(ready: Study, capsys: Printed) -> None:
    """All are printed, the first mend is proposed, and nothing is tagged."""
    root = ready.root
    write(root, "notes.txt", "x")
    error, mend = refused(capsys, "analysis")
    assert error == "phase analysis is not complete: 1 gate fails"
    assert mend == "git add --all && git commit"
    write(root, "docs/analysis.md", "# Analysis\n\nTODO\n")
    save(root, "what I did")
    write(root, "notes.txt", "y")
    assert main(["phase", "complete", "analysis"]) == 1
    printed = capsys.readouterr()
    assert "error: phase analysis is not complete: 3 gates fail\n" in printed.err
    assert "FAILS  clean: 1 not committed: notes.txt\n" in printed.out
    assert "FAILS  documents: docs/analysis.md: placeholder TODO (line 3)\n" in printed.out
    assert "       try: $EDITOR docs/analysis.md\n" in printed.out
    assert "holds  data: " in printed.out
    assert tags(root) == []


def test_a_dry_run_tags_nothing(early: Study, capsys: Printed) -> None:
    assert main(["phase", "complete", "problem-formulation", "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert f" {QUESTION}:\n\nProblem formulation complete\n" in out
    assert yaml.safe_load(out.partition("\n---\n")[2])["phase"] == "problem-formulation"
    assert tags(early.root) == []


HOSTILE = """\
it's "late": {{ 7*7 }} ${X} $(touch pwned) `x` \\ {a: [b

# not a comment


---
- a: &x *x !!python/object
\x1b[31mred\x07 دراسة 研究 1e-3\t"""


def test_an_override_is_recorded(early: Study, capsys: Printed) -> None:
    """With its reason, for the gates that fail only; and however the reason is written."""
    root = early.root
    save(root, "what {{ I }} did: #1 'today'", "--allow-empty")
    for empty in ("", " \n"):
        assert main(["phase", "complete", "problem-formulation", "--override", empty]) == 2
        assert "error: an override needs its reason: problem-formulation" in capsys.readouterr().err
    assert main(["phase", "complete", "problem-formulation", "--override", HOSTILE]) == 0
    said = tag_manifest(root, QUESTION)
    assert said["override"] == {"reason": HOSTILE, "gates": ["commits"]}
    assert [one["ok"] for one in said["gates"]] == [True, True, False]
    message = git(root, "tag", "--list", "--format=%(contents)", QUESTION)
    assert "FAILS  commits    1 of 1 commit since " in message
    assert '\nComplete all the same: it\'s "late": {{ 7*7 }} ${X} ' in message
    assert "\x1b" not in message
    assert not (root / "pwned").exists()
    found = verified(capsys, QUESTION)
    assert not wrong(found)
    assert found["gates"].evidence.startswith("2 of 3 held; commits overridden: it's")
    assert "commits" not in found

    save(root, "docs: more", "--allow-empty")
    assert main(["phase", "complete", "problem-formulation", "--override", "not needed"]) == 0
    assert "every gate holds, so there is nothing to override" in capsys.readouterr().out
    assert tag_manifest(root, "v0.1.1-problem-formulation")["override"] is None


def test_completed_again(tagged: Study, capsys: Printed) -> None:
    """On the same commit nothing happens; on a later one the patch number goes up."""
    root = tagged.root
    before = git(root, "rev-parse", TAG)
    assert main(["phase", "complete", "analysis"]) == 0
    assert f"complete already: {TAG} is on this commit" in capsys.readouterr().out
    assert tags(root) == [TAG]
    assert main(["phase", "complete", "interpretation"]) == 0
    save(root, "docs: more", "--allow-empty")
    git(root, "tag", "v1.0.7-analysis-complete")  # a name is taken, whoever took it
    assert main(["phase", "complete", "analysis"]) == 0  # though a later phase is complete
    assert tags(root) == [TAG, "v1.0.7-analysis-complete", "v1.0.8-analysis-complete", LATER]
    assert git(root, "rev-parse", TAG) == before
    assert not wrong(verified(capsys, "v1.0.8-analysis-complete"))
    assert [tag.name for tag in phase_tags(root)] == [TAG, LATER, "v1.0.8-analysis-complete"]


def test_versions_do_not_go_back(early: Study, capsys: Printed) -> None:
    root = early.root
    assert main([*EARLIER, "interpretation"]) == 0
    capsys.readouterr()
    error, mend = refused(capsys, "problem-formulation")
    assert error == (
        "versions do not go back: problem-formulation would be 0.1.0: "
        "v1.1.0-interpretation is in the history; "
        "list it below interpretation, with a version above 1.1.0"
    )
    assert mend == "$EDITOR study.yaml"
    assert tags(root) == [LATER]
    higher = PHASES.replace(
        "  - name: problem-formulation\n    version: 0.1.0\n    documents: [docs/question.md]\n", ""
    )
    write(root, "study.yaml", f"{higher}  - name: problem-formulation\n    version: 1.2.0\n")
    save(root, "chore: ask last")
    assert main([*EARLIER, "problem-formulation"]) == 0
    # Where the later phase is not in the history, nothing goes back.
    git(root, "switch", "--quiet", "--detach", f"{LATER}~1")
    write(root, "elsewhere.txt", "another commit, even in the same second")
    furnish(root)
    assert main(["phase", "complete", "problem-formulation"]) == 0
    assert tags(root) == [QUESTION, LATER, "v1.2.0-problem-formulation"]


def test_two_phases_of_one_version(ready: Study, capsys: Printed) -> None:
    """The list cannot have them, the history could."""
    assert main([*EARLIER, "interpretation"]) == 0
    write(ready.root, "study.yaml", PHASES.replace("interpretation", "discussion"))
    save(ready.root, "chore: rename a phase")
    capsys.readouterr()
    error, _ = refused(capsys, "discussion")
    assert error.startswith("versions do not go back: discussion would be 1.1.0: v1.1.0-inter")


def test_where_a_phase_cannot_be_completed(
    ready: Study, capsys: Printed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = ready.root
    git(root, "switch", "--quiet", "--create", "phase/analysis")
    error, mend = refused(capsys, "no-such-phase")
    assert error.startswith("no phase 'no-such-phase'; study.yaml has analysis, ")
    assert mend == "make phase"
    with monkeypatch.context() as patch:
        git(root, "config", "user.useConfigOnly", "true")
        patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        error, mend = refused(capsys, "interpretation")
        assert error.startswith("git does not know who you are: ")
        assert mend.startswith("git config --global user.name")
    assert main([*EARLIER, "interpretation"]) == 0  # on another phase's branch
    save(root, "docs: more", "--allow-empty")
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{root}", str(shallow))
    monkeypatch.chdir(shallow)
    error, mend = refused(capsys, "interpretation")
    assert error == f"a shallow clone: the tags of earlier phases are not in it: {shallow}"
    assert mend == "git fetch --unshallow --tags"
    git(shallow, "fetch", "--quiet", "--unshallow", "--tags")
    assert main([*EARLIER, "interpretation"]) == 0
    empty = tmp_path / "empty"
    git(tmp_path, "init", "--quiet", str(empty))
    write(empty, "study.yaml", PHASES)
    monkeypatch.chdir(empty)
    error, mend = refused(capsys, "interpretation")
    assert (error, mend) == (f"no commit yet, so there is nothing to tag: {empty}", "make setup")


def test_the_commit_changes_meanwhile(ready: Study, capsys: Printed) -> None:
    """What the gates looked at would not be what is tagged."""
    root = ready.root
    write(
        root,
        "tests/test_people.py",
        "import subprocess\n\ndef test_people():\n"
        "    argv = ['git', 'commit', '--no-verify', '--allow-empty', '-qm', 'docs: meanwhile']\n"
        "    subprocess.run(argv, check=True)\n",
    )
    save(root, "test: one that commits")
    before = git(root, "rev-parse", "HEAD")
    error, mend = refused(capsys, "analysis")
    after = git(root, "rev-parse", "HEAD")
    what = "the commit changed while the gates were checked"
    assert error == f"{what}, to {after[:8]}: {before[:8]}"
    assert mend == "make phase-complete PHASE=analysis"
    assert tags(root) == []


def test_two_complete_a_phase_at_once(ready: Study) -> None:
    argv = [sys.executable, "-m", "data_versioning", "phase", "complete", "analysis"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "template/src")}
    both = [
        subprocess.Popen(
            argv, cwd=ready.root, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]  # fmt: skip
    printed = [one.communicate() for one in both]
    assert [one.returncode for one in both] == [0, 0], printed
    outs = sorted(out for out, _ in printed)
    assert outs[0].startswith(f"complete already: {TAG} is on this commit")
    assert f" {TAG}; to share it: make push" in outs[1]
    assert "it completes a phase" in printed[0][1] + printed[1][1]
    assert tags(ready.root) == [TAG]


def test_a_tag_verifies_in_a_bare_clone(
    tagged: Study, capsys: Printed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without data, store and remote; what it cannot tell is said, and is not called right."""
    save(tagged.root, "docs: later", "--allow-empty")
    here = verified(capsys)
    assert here["runs"].ok
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--no-local", str(tagged.root), str(clone))
    (tagged.root.parent / "storage").rename(tmp_path / "away")
    monkeypatch.chdir(clone)
    found = verified(capsys)
    assert not wrong(found)
    assert {name: one.evidence for name, one in found.items() if one.ok is None} == {
        "runs": f"not checked here, the store is elsewhere: {tag_manifest(clone)['runs'][0]}",
        "python": f"not checked here: {sys.version_info[0]}.{sys.version_info[1]}."
        f"{sys.version_info[2]} was used",
        "remote": "not checked here: does it hold the data"
        " (python -m data_versioning check-remote)",
        "other gates": "not checked here: clean, pushed, logged, tests, data, drift",
    }
    held = {name for name, one in found.items() if one.ok}
    assert held == {
        "phase", "commit", "tagger", "message", "gates", "dvc.lock", "metrics", "data",
        "environment", "template", "doi", "pipeline", "documents", "commits",
    }  # fmt: skip
    assert not (clone / "mlflow.db").exists()
    assert main(["phase", "verify", TAG]) == 0
    assert "-      runs: not checked here" in capsys.readouterr().out


def part(*keys: Any, to: Any) -> Callable[[dict[str, Any]], None]:
    """Return what changes one part of a manifest."""

    def change(said: dict[str, Any]) -> None:
        for key in keys[:-1]:
            said = said[key]
        said[keys[-1]] = to

    return change


CHANGES: list[tuple[Callable[[dict[str, Any]], None], str, str]] = [
    (part("format", to=2), "phase", "format 2; this tooling knows 1"),
    (
        part("phase", to="nothing"),
        "phase",
        "study.yaml of the tagged commit has no phase 'nothi",
    ),
    (
        part("phase", to="interpretation"),
        "phase",
        "has v1.1.0-interpretation for interpretation",
    ),
    (part("version", to="1.0.1"), "phase", "the manifest is of version 1.0.1"),
    (part("commit", to="1" * 40), "commit", f"the manifest is of commit {'1' * 40}"),
    (part("time", to="2020-01-01T00:00:00+00:00"), "tagger", "the manifest is of '2020-01-01"),
    (part("time", to="2020-01-01"), "tagger", "the manifest is of '2020-01-01'"),
    (part("who", to="Mallory"), "tagger", "the manifest is of 'Mallory', the tag of 'Test'"),
    (part("gates", 0, "ok", to=False), "gates", "failed: clean; overridden: []"),
    (part("gates", to=[]), "gates", "not checked: clean, pipeline, pushed and 6 more"),
    (part("override", to={"reason": "x", "gates": ["tests"]}), "gates", "failed: none; overr"),
    (part("dvc_lock", to="0" * 64), "dvc.lock", "0" * 40 + " is not what the tagged commit"),
    (part("dvc_lock", to=None), "dvc.lock", "none is not what the tagged commit holds: "),
    (
        part("metrics", "results/metrics.json", "accuracy", to=0.99),
        "metrics",
        "results/metrics.json is not what the tagged commit holds",
    ),
    (part("metrics", to={}), "metrics", "results/metrics.json is not what"),
    (part("metrics", "more.json", to={"r2": 1}), "metrics", "more.json is not what"),
    (part("data", "data/prepared.csv", to="0" * 32), "data", "data/prepared.csv is not what"),
    (
        part("data", to={}),
        "data",
        "data/prepared.csv, data/raw/people.csv, models/model.json a",
    ),
    (part("environment", "uv.lock", to=None), "environment", "none is not what the tagged"),
    (part("template", to="v9"), "template", "v9 is not what the tagged commit holds: unvers"),
    (part("doi", to="10.5281/zenodo.1"), "doi", "10.5281/zenodo.1 is not what the tagged commit"),
]


def test_a_changed_manifest_is_found(tagged: Study, capsys: Printed) -> None:
    """Though the text above the line agrees with it, and the tagger is the same."""
    root = tagged.root
    git(root, "tag", "kept", f"refs/tags/{TAG}")
    for change, found_by, evidence in CHANGES:
        said = tag_manifest(root, "kept")
        change(said)
        retag(root, TAG, manifest.text(said))
        found = verified(capsys)
        assert evidence in wrong(found)[found_by], found
        assert found[found_by].mend.startswith("git fetch --tags --force, if only this copy is")
        assert main(["phase", "verify", TAG]) == 1
    said = tag_manifest(root, "kept") | {"runs": ["0" * 32]}  # a store can be anywhere
    retag(root, TAG, manifest.text(said))
    found = verified(capsys)
    assert found["runs"].ok is None
    assert found["runs"].evidence == f"not checked here, not in this store: {'0' * 32}"


def test_what_is_said_above_the_line_only(tagged: Study, capsys: Printed) -> None:
    message = git(tagged.root, "tag", "--list", "--format=%(contents)", TAG)
    retag(tagged.root, TAG, message.replace("holds  tests", "holds  TESTS"))
    assert wrong(verified(capsys)) == {
        "message": "the message says something else than its manifest"
    }
    said = tag_manifest(tagged.root)
    said["gates"][4]["ok"] = False
    said["override"] = {"reason": " ", "gates": ["tests"]}
    retag(tagged.root, TAG, manifest.text(said))
    assert wrong(verified(capsys)) == {"gates": "overridden without a reason: tests"}


def test_a_tag_moved_to_another_commit(tagged: Study, capsys: Printed) -> None:
    root = tagged.root
    message = git(root, "tag", "--list", "--format=%(contents)", TAG)
    write(root, "results/metrics.json", '{"accuracy": 0.9, "f1": 0.5}')
    save(root, "feat: better")
    retag(root, TAG, message, "HEAD")
    assert wrong(verified(capsys)).keys() == {"commit", "metrics", "pipeline"}


def test_a_forged_tag_agrees_with_itself_only(early: Study, capsys: Printed) -> None:
    """Its manifest is that of its commit, but no gate was ever looked at."""
    root = early.root
    write(root, "params.yaml", "prepare:\n  rows: 4\ntrain:\n  alpha: 0.5\n  name: ridge\n")
    write(root, "src/train.py", "# nothing\n")
    write(root, "docs/analysis.md", "# Analysis\n\nTODO\n")
    save(root, "quick")
    head = git(root, "rev-parse", "HEAD").strip()
    chosen = phase(early, "analysis")
    gates = [Finding(name, True, "sure") for name in chosen.gates]
    time = datetime.now().astimezone().replace(microsecond=0)
    said = manifest.make(root, chosen, "1.0.0", head, time, "Test", gates, None, [])
    git_tool.make_tag(root, TAG, head, manifest.text(said), None)
    found = wrong(verified(capsys))
    assert found.keys() == {"pipeline", "documents", "commits"}
    assert found["pipeline"] == (
        "stage prepare: params.yaml: prepare.rows changed,"
        " stage train: src/train.py is another version than it read"
    )
    assert found["documents"] == "docs/analysis.md: placeholder TODO (line 3)"
    assert found["commits"].startswith("1 of 1 commit since ")


def test_tags_that_are_no_phase(ready: Study, capsys: Printed) -> None:
    """Reported as what they are."""
    root = ready.root
    git(root, "tag", "v0.2.0-by-hand")
    git(root, "tag", "--annotate", "--message", "done", "v0.3.0-by-hand")
    git(root, "tag", "--annotate", "--message", "x\n\n---\n{a: [", "v0.4.0-by-hand")
    git(root, "tag", "--annotate", "--message", "x\n\n---\nphase: 1", "v0.5.0-by-hand")
    for other in ("v1.0", "v01.0.0-x", "model@v1.0.0", "v1.0.0", "v1.0.0-X"):
        git(root, "tag", other)
    assert phase_tags(root) == []
    assert other_tags(root) == {
        "v0.2.0-by-hand": "not annotated, so there is no manifest",
        "v0.3.0-by-hand": "there is no manifest in its message",
        "v0.4.0-by-hand": other_tags(root)["v0.4.0-by-hand"],
        "v0.5.0-by-hand": "the manifest has a part that is missing or broken: format",
    }
    assert other_tags(root)["v0.4.0-by-hand"].startswith("not valid YAML")
    assert verified(capsys, "v0.2.0-by-hand")["manifest"].evidence == (
        "v0.2.0-by-hand: not annotated, so there is no manifest"
    )
    assert main(["phase", "verify", TAG]) == 1
    assert capsys.readouterr().err == (
        f"error: no tag of a phase; the latest are: none: {TAG}\ntry: git fetch --tags\n"
    )
    assert main(["phase", "status"]) == 0


def test_a_manifest_without_a_part(tagged: Study) -> None:
    whole = tag_manifest(tagged.root)
    for key in manifest.SHAPE:
        said = {name: value for name, value in whole.items() if name != key}
        retag(tagged.root, TAG, "x\n\n---\n" + yaml.safe_dump(said))
        (found,) = PhaseGate().verify(TAG)
        assert found.evidence == f"{TAG}: the manifest has a part that is missing or broken: {key}"


def test_a_signed_tag(
    ready: Study, tmp_path: Path, capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git writes the signature below the manifest."""
    signer = tmp_path / "gpg"
    signer.write_text(
        "#!/bin/sh\ncat >/dev/null\necho '[GNUPG:] SIG_CREATED ' >&2\n"
        'case "$*" in *--verify*)\n'
        "printf '\\n[GNUPG:] %s 0 Test\\n' \"${SAYS-GOODSIG}\"; exit;; esac\n"
        "printf -- '-----BEGIN PGP SIGNATURE-----\\n\\nabc\\n-----END PGP SIGNATURE-----\\n'\n"
    )
    signer.chmod(0o755)
    git(ready.root, "config", "tag.gpgSign", "true")
    git(ready.root, "config", "gpg.program", str(signer))
    assert main([*EARLIER, "interpretation"]) == 0
    assert "SIGNATURE" in git(ready.root, "tag", "--list", "--format=%(contents)", LATER)
    assert verified(capsys, LATER)["signature"].evidence == "git verifies it"
    monkeypatch.setenv("SAYS", "NO_PUBKEY")
    unknown = verified(capsys, LATER)["signature"]
    assert unknown.ok is None
    assert unknown.evidence.endswith("the signer's public key is not on this machine")
    monkeypatch.setenv("SAYS", "BADSIG")
    assert wrong(verified(capsys, LATER)).keys() == {"signature"}


def test_a_shallow_clone_says_what_it_cannot_see(
    tagged: Study, tmp_path: Path, capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    shallow = tmp_path / "shallow"
    git(
        tmp_path, "clone", "-q", "--depth=1", "--branch", TAG, f"file://{tagged.root}", str(shallow)
    )
    monkeypatch.chdir(shallow)
    found = verified(capsys)
    assert not wrong(found)
    what = "not checked here, in a shallow clone (git fetch --unshallow)"
    assert (found["commits"].ok, found["commits"].evidence) == (None, what)


def test_later_phases_are_counted_from_the_last(tagged: Study, capsys: Printed) -> None:
    """What an override let pass, the next phase does not judge again."""
    root = tagged.root
    save(root, "what I did", "--allow-empty")
    assert main(["phase", "complete", "analysis", "--override", "public already"]) == 0
    save(root, "docs: more", "--allow-empty")
    assert main(["phase", "complete", "interpretation"]) == 0
    again = "v1.0.1-analysis-complete"
    assert f"commits: 1 commit since {again}, " in capsys.readouterr().out
    assert not wrong(verified(capsys, LATER))
    assert not wrong(verified(capsys, again))


def test_texts_come_back_as_they_were(ready: Study) -> None:
    """Through YAML, and through what git does to messages."""
    texts = [HOSTILE, "1e-3", "null", "", " x ", "a\n\n\n\nb  \n", "#", "\u2028", "x" * 5000, "-"]
    said = {"texts": texts, "values": [0.001, None, True, float("inf")]} | dict.fromkeys(texts, 1)
    git_tool.make_tag(ready.root, "v1.0.0-x", "HEAD", f"t\n\n---\n{manifest.dump(said)}", None)
    (tag,) = git_tool.annotated_tags(ready.root)
    assert parse_yaml(tag.message.partition("\n---\n")[2].encode(), "x") == said


def test_a_name_that_is_no_text(ready: Study) -> None:
    """Bytes that are not UTF-8 reach us in the reason, and are no reason to fail."""
    reason = b"caf\xe9"
    argv = [sys.executable, "-m", "data_versioning", "phase", "complete", "interpretation"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "template/src")}
    save(ready.root, "what I did", "--allow-empty")
    subprocess.run([*argv, b"--override", reason], cwd=ready.root, env=environment, check=True)
    assert tag_manifest(ready.root, LATER)["override"]["reason"] == "caf\ufffd"
    assert not [one for one in PhaseGate().verify(LATER) if one.ok is False]


def test_a_manifest_of_thousands_of_files(ready: Study) -> None:
    """Longer than an argument of a command may be."""
    data = {f"data/{number:05}.csv": f"{number:032x}" for number in range(5000)}
    git_tool.make_tag(ready.root, "v1.0.0-x", "HEAD", f"t\n\n---\n{manifest.dump(data)}", None)
    (tag,) = git_tool.annotated_tags(ready.root)
    assert len(tag.message) > 200_000


def test_without_a_phase_or_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StudyError, match=r"no study\.yaml here or above"):
        PhaseGate()


def test_json_of_a_verification(tagged: Study, capsys: Printed) -> None:
    capsys.readouterr()
    assert main(["phase", "verify", TAG, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found[0] == {
        "gate": "phase", "ok": True, "evidence": "analysis is 1.0", "mend": "",
    }  # fmt: skip
