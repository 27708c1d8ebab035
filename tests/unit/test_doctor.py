"""Each finding of the doctor, on a study with that defect, and what mends it."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from data_versioning import doctor
from data_versioning.cli import main
from data_versioning.command import capture
from data_versioning.experiments.store import setup_mlflow
from data_versioning.health.diagnosis import CATALOGUE, Finding
from data_versioning.health.processes import is_held
from data_versioning.locking import exclusive
from data_versioning.pipeline.manager import LOCK
from data_versioning.pipeline.unlogged import begin
from data_versioning.setup import git_hooks
from data_versioning.study import Study
from mlflow import MlflowClient

from tests.conftest import ROOT, git
from tests.unit.conftest import SCIENCE

TEMPLATE = {
    "copier.yml": "_subdirectory: template\n_templates_suffix: .jinja\n"
    "_skip_if_exists: [/README.md, /study.yaml, /params.yaml]\n"
    "_tasks: [exit 1]\nslug: {type: str, default: my-study}\n",
    "template/{{ _copier_conf.answers_file }}.jinja": "{{ _copier_answers | to_nice_yaml -}}\n",
    "template/Makefile": "all:\n",
    "template/src/tool/my tool.py": "print(1)\n",
    "template/README.md": "# Yours\n",
    "template/.gitignore": "/mlflow.db*\n/mlartifacts/\n",
    "template/.gitattributes": "dvc.lock merge=dvc-lock\n*.dvc merge=dvc\n",
    "template/pyproject.toml": '[project]\nname = "my-study"\nversion = "0"\n'
    'requires-python = ">=3.11"\ndependencies = []\n',
    "template/.pre-commit-config.yaml": "default_install_hook_types: [pre-commit, commit-msg]\n"
    "repos: []\n",
}
SLOW = SCIENCE["dvc.yaml"].replace("python src/train.py", "touch started && sleep 60")
SECRET = "TESTSECRET0123456789"  # pragma: allowlist secret


@pytest.fixture
def well(science: Study, tmp_path: Path) -> Study:
    """A healthy study: made from a template, with an environment, hooks and a remote."""
    root, template = science.root, tmp_path / "template"
    for path, content in TEMPLATE.items():
        (template / path).parent.mkdir(parents=True, exist_ok=True)
        (template / path).write_text(content)
    git(template, "init", "--quiet")
    save(template, "feat: a template")
    git(template, "tag", "v0.1.0")
    (root / ".copier-answers.yml").unlink()
    copy = ["copier", "copy", "--quiet", "--skip-tasks", "--defaults", "--overwrite"]
    capture([*copy, str(template), str(root)], root)
    storage = tmp_path / "storage"
    shutil.rmtree(storage, ignore_errors=True)
    shutil.copytree(root / ".dvc/cache/files", storage / "files")
    capture(["dvc", "remote", "modify", "storage", "url", str(storage)], root)
    capture(["uv", "sync", "--offline", "--quiet", "--python", sys.executable], root)
    (site,) = (root / ".venv/lib").glob("python3*/site-packages")
    (site / "tools.pth").write_text(
        f"{next((ROOT / '.venv/lib').glob('python3*/site-packages'))}\n"
    )
    save(root, "chore: start")
    capture([".venv/bin/python", "-m", "pre_commit", "install"], root)
    git_hooks.install_pre_push(science)
    git_hooks.install_drivers(science)
    return science


def save(root: Path, message: str) -> None:
    """Commit everything, the hooks left out."""
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--no-verify", "--message", message)


def ids(found: list[Finding]) -> list[str]:
    """Return the identifiers, each once."""
    return sorted({one.id for one in found})


def follow(root: Path, mend: str) -> None:
    """Do what a mend says."""
    verb = mend.removeprefix("make ").removeprefix("python -m data_versioning ")
    if verb != mend:
        assert main(shlex.split(verb)) in (0, 1)
    else:
        subprocess.run(mend, cwd=root, shell=True, capture_output=True, check=True)


def test_a_healthy_study_is_called_so(well: Study, capsys: pytest.CaptureFixture[str]) -> None:
    """In one sentence; asking changes nothing."""
    before = git(well.root, "status", "--porcelain", "--ignored")
    assert main(["doctor"]) == 0
    assert capsys.readouterr().out == "the study is well: nothing to mend\n"
    assert main(["doctor", "--offline", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert git(well.root, "status", "--porcelain", "--ignored") == before


def test_defects_of_data_and_runs(well: Study, tmp_path: Path) -> None:
    """Each is found, and gone when its mend was followed."""
    root = well.root
    git(root, "checkout", "-q", "-b", "feature/lost")
    (root / "lost.txt").write_text("lost\n")
    capture(["dvc", "add", "-q", "lost.txt"], root)
    save(root, "data: what gets lost")
    git(root, "checkout", "-q", "main")
    lost = next(
        path for path in root.glob(".dvc/cache/files/md5/*/*") if path.read_bytes() == b"lost\n"
    )
    lost.chmod(0o644)
    lost.unlink()  # DV214
    people = root / "data/raw/people.csv"
    people.chmod(0o644)
    people.write_text(people.read_text() + "zoe,20\n")  # DV205, and DV207 later
    (root / "results/predictions.csv").unlink()  # DV206
    (root / "params.yaml").write_text(SCIENCE["params.yaml"].replace("0.5", "0.7"))  # DV207
    (root / ".dvc/tmp/damaged").mkdir()
    (root / ".dvc/tmp/damaged/ab12").write_text("?")  # DV204
    model = "30fc074ceabf98b1b36b73ba86851954"
    (tmp_path / "storage/files/md5" / model[:2] / model[2:]).unlink()  # DV213
    begin(root, None)  # DV302
    experiment = setup_mlflow(well)
    MlflowClient().create_run(experiment)  # DV303
    git(root, "tag", "-a", "-m", "by hand", "model@v1.0.0")  # DV305
    capture(["dvc", "config", "core.autostage", "false"], root)  # DV209
    found = doctor()
    expected = ["DV204", "DV205", "DV206", "DV207", "DV209", "DV213", "DV214"]
    assert ids(found) == [*expected, "DV302", "DV303", "DV305"]
    where = {one.id: one.where for one in found}
    assert where["DV205"] == "data/raw/people.csv"
    assert where["DV206"] == "results/predictions.csv"
    assert where["DV207"] == "prepare, train"
    assert where["DV214"] == "lost.txt (feature/lost)"
    assert where["DV213"] == "storage lacks models/model.json (of work tree, feature/lost, main)"
    assert "model, version" in where["DV305"]

    mends = {one.id: one.mend for one in found}
    git(root, "branch", "-q", "-D", "feature/lost")  # nobody has it
    git(root, "tag", "-d", "model@v1.0.0")  # nor is there such a model: `registry rebuild` says so
    assert mends["DV305"] == "python -m data_versioning registry rebuild"
    for key in ("DV204", "DV205", "DV207", "DV303", "DV213"):
        follow(root, mends[key])
    found = doctor(root / "data", offline=True)
    assert ids(found) == ["DV209"]  # what was made anew is not committed
    follow(root, found[0].mend)
    assert doctor() == []


def test_defects_of_the_repository(well: Study, capsys: pytest.CaptureFixture[str]) -> None:
    """Conflicts, large files, secrets, locks; nothing prints a secret."""
    root = well.root
    (root / "old big.bin").write_bytes(b"o" * 3000)
    save(root, "feat: large")
    git(root, "rm", "-q", "old big.bin")  # DV407
    (root / "-big 'one.bin").write_bytes(b"b" * 2000)  # DV406
    (root / "notes.md").write_text("<<<<<<< HEAD\nmine\n=======\nyours\n>>>>>>> theirs\n")  # DV404
    (root / "Makefile.rej").write_text("@@")  # DV405
    (root / ".env").write_text(f"AWS_SECRET_ACCESS_KEY={SECRET}\n")  # DV411
    (root / "profiles").mkdir()
    (root / "profiles/local.env").write_text(
        f"MLFLOW_TRACKING_URI=http://ada:{SECRET}@mlflow.example.org\nMLFLOW_TRACKING_TOKEN={SECRET}\n"
        "AWS_ACCESS_KEY_ID=public\nPORT=5000\n"
    )
    for option, value in (("password", SECRET), ("user", "ada"), ("ask_password", "true")):
        capture(["dvc", "remote", "add", "--force", "web", "webdav://h.example.org/x"], root)
        capture(["dvc", "remote", "modify", "web", option, value], root)
    config = root / ".dvc/config"
    config.write_text(config.read_text() + f"    password = {SECRET}\n")
    git(root, "remote", "add", "origin", f"https://ada:{SECRET}@git.example.org/x.git")  # DV412
    git(root, "remote", "add", "clean", "ssh://git@git.example.org:22/ada/x.git")
    save(root, "feat: defects")
    git_folder = root / ".git"
    (git_folder / "index.lock").touch()  # DV403
    assert main(["doctor", "--offline"]) == 1
    text = capsys.readouterr().out
    assert SECRET not in text
    lines = [line for line in text.splitlines() if not line.startswith(" ")]
    assert len(lines) < len(text.splitlines()) < 2 * len(lines), "what has no mend shows none"
    severities = ["error", "warning", "note"]
    order = [severities.index(line.split()[0]) for line in lines]
    assert order == sorted(order)
    found = doctor(offline=True)
    expected = ["DV403", "DV404", "DV405", "DV406", "DV407", "DV411", "DV412"]
    assert ids(found) == expected
    assert sorted(one.where for one in found if one.id == "DV411") == [
        ".dvc/config: remote web: password",
        ".env",
        "profiles/local.env: MLFLOW_TRACKING_TOKEN",
        "profiles/local.env: MLFLOW_TRACKING_URI",
    ]
    where = {one.id: one.where for one in found}
    assert where["DV404"] == "notes.md"
    assert where["DV406"].startswith("-big 'one.bin (")
    assert [one.where[:13] for one in found if one.id == "DV407"] == ["old big.bin ("]
    assert where["DV412"] == "origin: https://git.example.org/x.git"
    mends = {one.id: one.mend for one in found}
    follow(root, mends["DV403"])
    follow(root, mends["DV406"])
    follow(root, mends["DV412"])
    git(root, "rm", "-q", "--cached", ".env", "Makefile.rej")
    (root / "Makefile.rej").unlink()
    (root / "notes.md").write_text("mine\n")
    (root / "profiles/local.env").write_text("PORT=5000\n")
    capture(["dvc", "remote", "remove", "web"], root)
    (root / ".git/info/exclude").write_text(".env\n")
    save(root, "fix: defects")
    assert ids(doctor(offline=True)) == ["DV213", "DV407"]  # tracked by DVC now, and not pushed


def test_defects_of_environment_hooks_and_template(well: Study, tmp_path: Path) -> None:
    """Found, and mended by their own commands; what is the study's is not the template's."""
    root, template = well.root, tmp_path / "template"
    (root / "pyproject.toml").write_text(
        TEMPLATE["template/pyproject.toml"].replace('"0"', '"1"')
    )  # DV102
    (root / "README.md").write_text("# Mine\n")
    (root / "Makefile").write_text("all:\n\techo mine\n")  # DV502
    (root / "src/tool/my tool.py").write_text("print(2)\n")
    hooks = root / ".git/hooks"
    (hooks / "commit-msg").unlink()  # DV111
    text = (hooks / "pre-commit").read_text()
    (hooks / "pre-commit").write_text(text.replace(f"{root}/.venv", "/elsewhere/.venv"))  # DV112
    (hooks / "pre-push").chmod(0o644)  # DV111
    git(root, "config", "merge.dvc.driver", "dvc git-hook merge-driver")  # DV114
    (template / "template/Makefile").write_text("all:\n\techo new\n")
    save(template, "feat: newer")
    git(template, "tag", "v0.2.0")  # DV503
    save(root, "feat: edits")
    found = doctor(offline=True)
    assert ids(found) == ["DV102", "DV111", "DV112", "DV114", "DV502", "DV503"]
    by_setup = {one.where: one.mend for one in found if one.mend == "make setup"}
    assert list(by_setup) == ["pre-push", "merge driver dvc"]
    git_hooks.install_pre_push(well)  # what `make setup` does, which this study has no make for
    git_hooks.install_drivers(well)
    edited = {one.where: one.mend for one in found if one.id == "DV502"}
    said = " (what to try discards your edit)"
    assert edited.keys() == {f"Makefile{said}", f"src/tool/my tool.py{said}"}
    assert [one.where for one in found if one.id == "DV503"] == ["0.1.0 -> 0.2.0"]
    for one in found:
        if one.id not in ("DV503", "DV112") and one.where not in by_setup:
            follow(root, one.mend)
    assert (root / "README.md").read_text() == "# Mine\n"
    assert ids(doctor()) == ["DV503"]

    for package in (root / ".venv/lib").glob("python3*/site-packages/*.dist-info"):
        shutil.rmtree(package)  # not of this environment: it has none
    (root / "pyproject.toml").write_text(
        TEMPLATE["template/pyproject.toml"].replace("= []", '= ["mine"]')
        + f'[tool.uv.sources]\nmine = {{ path = "{package_of(tmp_path)}" }}\n'
    )
    capture(["uv", "lock", "--offline", "--quiet"], root)
    (root / ".copier-answers.yml").write_text(
        "_src_path: https://127.0.0.1:9/x.git\n_commit: v1\nslug: my-study\n"
    )
    git(root, "config", "core.hooksPath", "elsewhere")
    assert ids(doctor(offline=True)) == ["DV101", "DV113", "DV504"]
    (found_504,) = (one for one in doctor() if one.id == "DV504")
    assert "127.0.0.1:9" in found_504.where
    assert "--offline" not in found_504.where  # it was asked
    git(root, "config", "--unset", "core.hooksPath")
    (root / ".copier-answers.yml").unlink()
    assert ids(doctor(offline=True)) == ["DV101", "DV501"]
    (found_501,) = (one for one in doctor(offline=True) if one.id == "DV501")
    follow(root, found_501.mend)
    assert "DV501" not in ids(doctor(offline=True))


def package_of(folder: Path) -> Path:
    """Return a package that can be locked without a network."""
    made = folder / "mine"
    made.mkdir()
    (made / "pyproject.toml").write_text('[project]\nname = "mine"\nversion = "0"\n')
    return made


def test_remotes_and_stores_that_cannot_be_asked(
    well: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A drive that is not mounted, no remote, a server that is down, a damaged database."""
    root = well.root
    capture(["dvc", "remote", "modify", "--local", "storage", "url", str(tmp_path / "a/b")], root)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    start = time.monotonic()
    found = doctor()
    assert ids(found) == ["DV211", "DV301"]
    assert time.monotonic() - start < 30
    assert "mount its drive" in found[1].mend
    capture(["dvc", "remote", "modify", "--local", "storage", "url", "ssh://127.0.0.1:9/x"], root)
    assert doctor(offline=True) == []  # neither is asked
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    capture(["dvc", "remote", "remove", "--local", "storage"], root)
    capture(["dvc", "remote", "remove", "storage"], root)
    (root / "mlflow.db").write_bytes(b"no database")
    found = doctor(offline=True)
    assert ids(found) == ["DV209", "DV212", "DV301"]
    assert "mlflow.db" in found[0].where
    follow(root, found[0].mend.partition(" && ")[0])
    assert "DV301" not in ids(doctor(offline=True))
    (root / "params.yaml").write_text("a: [\n")
    (broken,) = (one for one in doctor(offline=True) if one.id == "DV202")
    assert broken.where.startswith("params.yaml")
    follow(root, broken.mend)
    (root / "dvc.lock").unlink()
    (root / "dvc.lock").mkdir()
    (broken,) = (one for one in doctor(offline=True) if one.id == "DV202")
    assert broken.mend


def test_a_check_that_breaks_hides_no_other(well: Study) -> None:
    """It is a finding itself."""
    (well.root / "study.yaml").write_text("large_file_mb: many\n")
    (well.root / "Makefile.rej").write_text("@@")
    found = {one.id: one for one in doctor(offline=True)}
    assert list(found) == ["DV405", "DV001"]
    assert found["DV001"].where == "large_files: not a number: study.yaml: large_file_mb"
    assert found["DV001"].mend == "$EDITOR study.yaml"


def test_what_killed_processes_leave(well: Study) -> None:
    """A killed reproduction, half-written files, a killed git: named, and mended."""
    root = well.root
    (root / "dvc.yaml").write_text(SLOW)
    environment = os.environ | {"PYTHONPATH": str(ROOT / "template/src")}
    argv = [sys.executable, "-m", "data_versioning", "repro"]
    with subprocess.Popen(
        argv, cwd=root, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        start_new_session=True,
    ) as killed:  # fmt: skip
        while not (root / "started").exists():
            time.sleep(0.1)
        assert "DV208" in ids(doctor(offline=True))
        assert "DV302" not in ids(doctor(offline=True))
        os.killpg(killed.pid, signal.SIGKILL)
    while is_held(root / LOCK):  # by those that are about to die
        time.sleep(0.05)
    (root / "started").unlink()
    found = doctor(offline=True)
    assert "DV302" in ids(found)
    assert not {"DV001", "DV202", "DV208", "DV301"} & set(ids(found))
    git(root, "checkout", "--", "dvc.yaml")
    for one in found:
        if one.id in ("DV203", "DV302"):
            follow(root, one.mend)
    git(root, "checkout", "HEAD", "--", ".")
    assert doctor(offline=True) == []

    rwlock = root / ".dvc/tmp/rwlock"
    for content in (
        '{"write": {}, "read": {"x": [{"pid": 999999, "cmd": "dvc"}]}}',
        '{"write": {',
        "",
    ):
        rwlock.write_text(content)
        (found_one,) = doctor(offline=True)
        assert found_one.id == "DV203"
        follow(root, found_one.mend)
    assert doctor(offline=True) == []

    lock = root / "dvc.lock"
    for path, content in (
        (lock, lock.read_text()[:-40] + "\n  - [\n"),
        (root / "data/raw/people.csv.dvc", "outs:\n- md5: {\n"),
        (root / "dvc.yaml", "stages:\n  prepare:\n    nonsense: 1\n"),
    ):
        path.write_text(content)
        broken = [one for one in doctor(offline=True) if one.severity == "error"]
        assert ids(broken) == ["DV202"]
        assert path.name in broken[0].where
        follow(root, broken[0].mend)
    assert doctor(offline=True) == []

    index = root / ".git/index.lock"
    editing = os.environ | {"GIT_EDITOR": "sleep 30 #"}
    (root / "params.yaml").write_text(SCIENCE["params.yaml"] + "\n")
    with subprocess.Popen(
        ["git", "commit", "--quiet", "--no-verify", "-a"], cwd=root, env=editing,
        start_new_session=True,
    ) as committing:  # fmt: skip
        while not index.exists():
            time.sleep(0.05)
        assert "DV403" not in ids(doctor(offline=True))  # it is at work
        os.killpg(committing.pid, signal.SIGKILL)
    (left,) = (one for one in doctor(offline=True) if one.id == "DV403")
    follow(root, left.mend)
    git(root, "checkout", "--", "params.yaml")
    assert doctor(offline=True) == []
    with exclusive(root / LOCK, "it tests"):
        assert ids(doctor(offline=True)) == ["DV208"]


def test_a_conflict_in_dvc_lock(science: Study, capsys: pytest.CaptureFixture[str]) -> None:
    """No verb speaks of YAML, and nothing throws a side away: the mend runs the stage again."""
    root, lock = science.root, science.root / "dvc.lock"
    recorded = lock.read_text()
    git(root, "branch", "--quiet", "feature/other")
    for branch, alpha in (("feature/other", "0.7"), ("main", "0.9")):
        git(root, "switch", "--quiet", branch)
        lock.write_text(recorded.replace("alpha: 0.5", f"alpha: {alpha}"))
        save(root, f"feat: {alpha}")
    merge = ["git", "merge", "--quiet", "feature/other"]
    assert subprocess.run(merge, cwd=root, capture_output=True, check=False).returncode == 1
    again = "sed -i '/^<<<<<<< /,/^>>>>>>> /d' dvc.lock && make repro"
    found = [one for one in doctor(offline=True) if one.severity != "note"]
    commit = "git add --all && git commit --no-edit"
    mend = f"{again} && {commit}; or: git merge --abort"
    assert found == [Finding("DV404", "dvc.lock", mend)]

    tag = ["data-tag", "people", "--bump", "minor", "--message", "the first"]
    verbs = (["status"], ["check-pipeline"], ["reproduce"], ["repro"], ["push"], ["pull"], tag)
    for verb in verbs:
        assert main(verb) == (0 if verb == ["status"] else 1)
        said = "".join(capsys.readouterr())
        assert "dvc.lock is in conflict: dvc.lock:" in said, verb
        assert again in said, verb
        assert "YAML" not in said, verb

    (root / "notes.md").write_text("<<<<<<< HEAD\n")
    git(root, "add", "notes.md")
    where = {one.where: one.mend for one in doctor(offline=True) if one.id == "DV404"}
    assert where == {"dvc.lock (mend the others first)": mend, "notes.md": "$EDITOR notes.md"}
    git(root, "rm", "--quiet", "--force", "notes.md")
    kept, lines = lock.read_text(), "stages:\n"
    lock.write_text(lines + "- [\n")  # half mended
    (broken,) = (one for one in doctor(offline=True) if one.id == "DV202")
    assert broken.mend == "git merge --abort"
    lock.write_text(kept)

    follow(root, again.removesuffix(" && make repro"))
    follow(root, "make repro")
    assert "DV209" not in ids(doctor(offline=True))  # the merge commits it
    follow(root, commit)
    assert main(["check-pipeline"]) == 0
    assert {"DV202", "DV207", "DV209", "DV404"}.isdisjoint(ids(doctor(offline=True)))


def test_the_tag_of_a_phase_that_main_lost(study: Study) -> None:
    """As after a rebase of main, or where nobody merged the phase's branch."""
    root, name = study.root, "v0.1.0-start"
    plan = "phases:\n  - name: start\n    version: 0.1.0\n    gates: [documents]\n"
    git(root, "switch", "--quiet", "--create", "phase/start")
    (root / "study.yaml").write_text(plan)
    save(root, "feat: a phase")
    assert main(["phase", "complete", "start"]) == 0
    git(root, "switch", "--quiet", "main")
    git(root, "branch", "--quiet", "-D", "phase/start")
    (found,) = (one for one in doctor(offline=True) if one.id == "DV408")
    assert (found.where, found.severity) == (name, "warning")
    follow(root, found.mend)
    assert git(root, "branch", "--contains", name).split() == ["*", "main"]
    assert "DV408" not in ids(doctor(offline=True))


def test_studies_that_are_not_set_up(
    tools: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In no repository, without a commit, in a folder of a repository, without a remote."""
    root = tmp_path / "repository/the study"
    root.mkdir(parents=True)
    monkeypatch.chdir(root)
    (root / "study.yaml").write_text("large_file_mb: 10\n")
    (root / ".copier-answers.yml").write_text("slug: fresh\n")
    (root / ".gitignore").write_text("/mlflow.db*\n/mlartifacts/\n")
    (root / "params.yaml").write_text("rate: 1\n")
    assert ids(doctor()) == ["DV201", "DV401", "DV504"]
    assert main(["status"]) == 0
    git(root.parent, "init", "-q")
    assert ids(doctor()) == ["DV201", "DV402", "DV504"]
    capture(["dvc", "init", "-q", "--subdir"], root)
    assert main(["status"]) == 0
    assert ids(doctor()) == ["DV212", "DV402", "DV504"]
    (root / "in.txt").write_text("data\n")
    (root / "dvc.yaml").write_text(
        "stages:\n  copy:\n    cmd: cp in.txt out.txt\n    deps: [in.txt]\n    outs: [out.txt]\n"
    )
    assert main(["repro"]) == 0
    save(root, "chore: start")
    (root.parent / "outside.bin").write_bytes(b"x" * 20)
    storage = tmp_path / "storage"
    storage.mkdir()
    capture(["dvc", "remote", "add", "-q", "-d", "storage", str(storage)], root)
    save(root, "chore: a remote")
    assert ids(doctor()) == ["DV213", "DV504"]
    (one,) = (one for one in doctor() if one.id == "DV213")
    follow(root, one.mend)
    assert ids(doctor(root)) == ["DV504"]
    (root / "dvc.lock").write_text((root / "dvc.lock").read_text() + "\n")
    (pointer,) = (one for one in doctor() if one.id == "DV209")
    assert pointer.where == "dvc.lock"
    follow(root, pointer.mend)
    assert "DV209" not in ids(doctor())


def test_the_catalogue_is_documented_data() -> None:
    """Identifiers are of one form, severities of three."""
    assert all(len(key) == 5 and key.startswith("DV") for key in CATALOGUE)
    assert {severity for severity, _ in CATALOGUE.values()} == {"error", "warning", "note"}
