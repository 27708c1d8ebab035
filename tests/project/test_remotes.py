"""Data goes to every kind of remote as the answers say, comes back, and errors tell the mend."""

from __future__ import annotations

import os
import pty
import re
import shutil
import signal
import stat
import subprocess
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from data_versioning.data import remotes
from data_versioning.setup import wiring
from data_versioning.study import Study
from data_versioning.tools import dvc as study_dvc

from tests import servers
from tests.conftest import ROOT, Render, git, load_answers
from tests.project.conftest import S3_LOGIN, clone_study, copy_study, run
from tests.project.test_pipeline import edit

TOOLS = str(ROOT / ".venv/bin")
SLUG = "body-mass-and-diabetes-progression"
# By name: the answers, the extras of DVC, and the `dvc remote` commands that come to the same.
KINDS: dict[str, tuple[dict[str, str], set[str], list[str]]] = {
    "local": ({}, set(), [f"add --default storage ../{SLUG}-storage"]),
    "local-absolute": (
        {"data_remote_url": "/srv/data/study"},
        set(),
        ["add --default storage /srv/data/study"],
    ),
    "local-awkward": (
        {"data_remote_url": "../O'Keefe's storage (2), #1 100%"},
        set(),
        ["add --default storage|../O'Keefe's storage (2), #1 100%"],
    ),
    "none": ({"data_remote_url": ""}, set(), []),
    "s3": (
        {"data_remote": "s3", "data_remote_url": "s3://bucket/study"},
        {"s3"},
        ["add --default storage s3://bucket/study"],
    ),
    "s3-endpoint": (
        {
            "data_remote": "s3",
            "data_remote_url": "s3://bucket/study",
            "s3_endpoint_url": "http://minio.example.org:9000",
        },
        {"s3"},
        [
            "add --default storage s3://bucket/study",
            "modify storage endpointurl http://minio.example.org:9000",
        ],
    ),
    "gs": (
        {"data_remote": "gs", "data_remote_url": "gs://bucket/study"},
        {"gs"},
        ["add --default storage gs://bucket/study"],
    ),
    "azure": (
        {"data_remote": "azure", "data_remote_url": "azure://container/study"},
        {"azure"},
        ["add --default storage azure://container/study"],
    ),
    "ssh": (
        {"data_remote": "ssh", "data_remote_url": "ssh://ada@host.example.org:2222/srv/x"},
        {"ssh"},
        ["add --default storage ssh://ada@host.example.org:2222/srv/x"],
    ),
    "webdav": (
        {"data_remote": "webdav", "data_remote_url": "webdavs://cloud.example.org/dav/a%20b"},
        {"webdav"},
        ["add --default storage webdavs://cloud.example.org/dav/a%20b"],
    ),
    "hdfs": (
        {"data_remote": "hdfs", "data_remote_url": "hdfs://ada@node.example.org:8020/x"},
        {"hdfs"},
        ["add --default storage hdfs://ada@node.example.org:8020/x"],
    ),
    "webhdfs": (
        {"data_remote": "webhdfs", "data_remote_url": "webhdfs://ada@node.example.org:9870/x"},
        {"webhdfs"},
        ["add --default storage webhdfs://ada@node.example.org:9870/x"],
    ),
    "backup-of-another-kind": (
        {
            "data_remote": "gs",
            "data_remote_url": "gs://bucket/study",
            "backup_remote_url": "ssh://ada@host.example.org/srv/x",
        },
        {"gs", "ssh"},
        ["add --default storage gs://bucket/study", "add backup ssh://ada@host.example.org/srv/x"],
    ),
}


@pytest.fixture(autouse=True)
def no_login(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what logs this machine in to storage, and its proxies."""
    for name in os.environ:
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


# ------------------------------------------------------------------------------ configuration


@pytest.fixture(scope="session")
def fresh_dvc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository after `dvc init`, to copy."""
    scratch = tmp_path_factory.mktemp("scratch") / "study"
    git(ROOT, "init", "--quiet", str(scratch))
    run(scratch, "dvc", "init", "--quiet")
    return scratch


@pytest.mark.parametrize("kind", KINDS)
def test_set_up_configures_dvc_as_its_own_commands_would(
    kind: str, render: Render, fresh_dvc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment has DVC's extras, and .dvc/config is byte for byte what `dvc` writes."""
    answers, extras, commands = KINDS[kind]
    study = render(load_answers("minimal") | answers, tmp_path / "study")
    tooling = tomllib.loads((study / "pyproject.toml").read_text())["dependency-groups"]["tooling"]
    requirement = next(line for line in tooling if line.startswith("dvc"))
    extra = f"[{','.join(sorted(extras))}]" if extras else ""
    assert requirement == f"dvc{extra}>=3.67,<4"

    shutil.copytree(fresh_dvc / ".git", study / ".git")
    monkeypatch.setattr(study_dvc, "call", dvc)
    wiring._dvc(Study(study))

    scratch = tmp_path / "plain"
    shutil.copytree(fresh_dvc, scratch)
    dvc(scratch, "config", "core.analytics", "false")
    for command in commands:
        words, _, spaced = command.partition("|")
        dvc(scratch, "remote", *words.split(), *([spaced] if spaced else []))
    dvc(scratch, "config", "core.autostage", "true")
    assert (study / ".dvc/config").read_bytes() == (scratch / ".dvc/config").read_bytes()


def dvc(folder: Path, *arguments: str) -> None:
    """Run DVC in this process, which is quicker than in one of its own."""
    from dvc.cli import main

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(list(arguments)) == 0, arguments


def test_every_extra_can_be_installed_beside_the_others(render: Render, tmp_path: Path) -> None:
    """One environment for all kinds of remote can be resolved."""
    study = render("minimal", tmp_path / "study")
    project = study / "pyproject.toml"
    every = sorted(set().union(*(extras for _, extras, _ in KINDS.values())))
    project.write_text(project.read_text().replace('"dvc>=', f'"dvc[{",".join(every)}]>='))
    run(study, "uv", "lock", "--quiet")
    locked = {
        package["name"] for package in tomllib.loads((study / "uv.lock").read_text())["package"]
    }
    assert {f"dvc-{extra}" for extra in every} <= locked


# ------------------------------------------------------------------------------ there and back


def lose_data(study: Path) -> dict[str, bytes]:
    """Delete the cache and all that is in it from the workspace, and return what that was."""
    paths = git(study, "ls-files", "--others", "--ignored", "--exclude-standard").splitlines()
    kept = {p for p in paths if p.startswith(("data/", "models/", "results/"))}
    lost = {path: (study / path).read_bytes() for path in kept}
    assert len(lost) == 9
    for path in lost:
        (study / path).unlink()
    shutil.rmtree(study / ".dvc/cache")
    return lost


def assert_restored(study: Path, lost: dict[str, bytes]) -> None:
    """The data is there again, and there is nothing to compute."""
    assert {path: (study / path).read_bytes() for path in lost} == lost
    again = run(study, "make", "repro")
    assert "Running stage" not in again.stdout + again.stderr
    assert "nothing changed" in again.stdout


def test_a_folder_gives_everything_back(study: Path, tmp_path: Path) -> None:
    """With a folder as remote: push, lose cache and outputs, pull here and in a second clone."""
    assert "pushed to storage" in run(study, "make", "push").stdout
    assert (tmp_path / f"{SLUG}-storage/files/md5").is_dir()
    lost = lose_data(study)
    clone = clone_study(study, tmp_path / "clone")
    for place in (study, clone):
        assert "pulled from storage" in run(place, "make", "pull").stdout
        assert_restored(place, lost)
    raw = clone / "data/raw/diabetes.csv"
    assert not raw.stat().st_mode & stat.S_IWUSR, "raw data is written once"


def test_s3_gives_everything_back(s3_study: Path, tmp_path: Path) -> None:
    """With an S3 server: the same, with credentials from .env or the shell and nowhere else."""
    storage, port = tmp_path / "server", servers.free_port()
    (storage / "bucket").mkdir(parents=True)
    study = copy_study(s3_study / "study", tmp_path / "study")
    edit(study / ".dvc/config", r"endpointurl = .*", f"endpointurl = http://127.0.0.1:{port}")
    git(study, "commit", "--quiet", "--all", "--no-verify", "--message", "chore: another endpoint")
    login = "".join(f"{name}={value}\n" for name, value in S3_LOGIN.items())
    (study / ".env").write_text(login)
    with servers.s3(storage, port):
        said = [run(study, "make", "repro"), run(study, "make", "push")]
        lost = lose_data(study)
        assert list((storage / "bucket/study/files/md5").iterdir())
        said.append(run(study, "make", "pull"))
        assert_restored(study, lost)
        clone = clone_study(study, tmp_path / "clone")
        said.append(run(clone, "make", "pull", **S3_LOGIN))
    assert_restored(clone, lost)
    for place in (study, clone):
        assert files_that_hold(place, servers.S3_SECRET, servers.S3_KEY) <= {".env"}
        assert git(place, "status", "--porcelain", "--", ".dvc", ".env") == ""
    for done in said:
        assert servers.S3_SECRET not in done.stdout + done.stderr


def files_that_hold(study: Path, *secrets: str) -> set[str]:
    """Return the files of a study, tracked by git or not, in which one of some texts stands."""
    found = set()
    for folder, folders, names in os.walk(study):
        folders[:] = [name for name in folders if name != ".venv"]
        for name in names:
            path = Path(folder, name)
            if path.is_file() and any(text.encode() in path.read_bytes() for text in secrets):
                found.add(path.relative_to(study).as_posix())
    return found


# ------------------------------------------------------------------------------ a small study


@pytest.fixture(scope="session")
def small_template(render: Render, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study without stages: one folder and one file tracked, no remote; quick to set up."""
    study = render(
        load_answers("minimal") | {"data_remote_url": ""},
        tmp_path_factory.mktemp("small") / "study",
    )
    (study / "dvc.yaml").unlink()
    (study / ".venv").symlink_to(ROOT / ".venv")
    git(study, "init", "--quiet")
    (study / ".git/info/exclude").write_text(".venv\n")
    run(study, "dvc", "init", "--quiet")
    many = study / "data/external/many"
    many.mkdir(parents=True)
    for number in range(3):
        (many / f"{number}.txt").write_text(f"{number}\n" * 1000)
    (study / "data/external/one.csv").write_text("a,b\n1,2\n")
    run(study, "dvc", "add", "--quiet", "data/external/many", "data/external/one.csv")
    git(study, "add", "--all")
    git(study, "commit", "--quiet", "--message", "data: a study")
    return study


@pytest.fixture
def small(small_template: Path, tmp_path: Path) -> Path:
    """A private copy of the small study."""
    return Path(shutil.copytree(small_template, tmp_path / "small", symlinks=True))


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """An S3 server with an empty bucket: its address, and the folder that is the bucket."""
    folder, port = tmp_path_factory.mktemp("s3"), servers.free_port()
    (folder / "bucket").mkdir()
    with servers.s3(folder, port):
        yield f"http://127.0.0.1:{port}", folder / "bucket"


def configure(study: Path, name: str, url: str, endpoint: str = "") -> None:
    """Add or replace a remote; `storage` is the default one."""
    default = ["--default"] if name == "storage" else []
    dvc(study, "remote", "add", "--quiet", "--force", *default, name, url)
    if endpoint:
        dvc(study, "remote", "modify", name, "endpointurl", endpoint)


def verb(
    study: Path, *arguments: str, prefix: tuple[str, ...] = (), **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a verb of the tooling in the small study, in a shell that knows its environment."""
    python = [*prefix, ".venv/bin/python", "-m", "data_versioning", *arguments]
    activated = {"PYTHONPATH": "src", "VIRTUAL_ENV": str(study / ".venv")}
    return run(study, *python, check=False, **activated, **environment)


def assert_refused(done: subprocess.CompletedProcess[str], error: str, mend: str) -> None:
    """A verb failed with two lines: what is wrong and where, and what mends it."""
    assert done.returncode == 1, done
    assert done.stderr.splitlines() == [f"error: {error}", f"try: {mend}"]
    assert "Traceback" not in done.stdout


def tracked(study: Path) -> dict[str, bytes]:
    """Return the tracked data of the small study."""
    files = (path for path in (study / "data/external").rglob("*") if path.is_file())
    return {path.name: path.read_bytes() for path in files}


# ------------------------------------------------------------------------------ what goes wrong


def test_without_a_remote_nothing_is_pushed_and_nothing_is_wrong(small: Path) -> None:
    """Before a remote is configured, `make push` and `make pull` say so and how to mend it."""
    before = tracked(small)
    push = run(small, "make", "push", PYTHONPATH="src")
    assert push.stdout == (
        "nothing pushed: no remote is configured yet; your data is safe in .dvc/cache\n"
        "try: dvc remote add --default storage <url>\n"
    )
    assert "nothing pulled: no remote" in run(small, "make", "pull", PYTHONPATH="src").stdout
    assert tracked(small) == before
    # The mend, with the folder of the default answer.
    run(small, "dvc", "remote", "add", "--default", "storage", "../storage")
    assert "pushed to storage" in run(small, "make", "push", PYTHONPATH="src").stdout
    assert len(list((small.parent / "storage/files/md5").glob("*/*"))) == 5


LOGIN_MEND = "put them in .env (.env.example lists their names), then: make push"


@pytest.mark.parametrize(
    ("login", "bucket", "what", "mend"),
    [
        pytest.param(
            S3_LOGIN | {"AWS_SECRET_ACCESS_KEY": "wrong" * 8},
            "bucket",
            "the credentials are missing or were refused",
            LOGIN_MEND,
            id="wrong-secret",
        ),
        pytest.param(
            S3_LOGIN | {"AWS_ACCESS_KEY_ID": "NOSUCHACCESSKEY01"},
            "bucket",
            "the credentials are missing or were refused",
            LOGIN_MEND,
            id="unknown-key",
        ),
        pytest.param(
            {},
            "bucket",
            "the credentials are missing or were refused",
            LOGIN_MEND,
            id="no-credentials",
        ),
        pytest.param(
            {"AWS_PROFILE": "nobody"},
            "bucket",
            "the credentials are missing or were refused",
            LOGIN_MEND,
            id="unknown-profile",
        ),
        pytest.param(
            S3_LOGIN,
            "absent",
            "it does not exist",
            "make it, or: dvc remote modify storage url <where it is>",
            id="no-bucket",
        ),
    ],
)
def test_s3_refusals_are_one_line_and_its_mend(
    login: dict[str, Any],
    bucket: str,
    what: str,
    mend: str,
    small: Path,
    s3_server: tuple[str, Path],
) -> None:
    """S3 refuses: one line names the remote, one the mend, nothing local changes, a mend works."""
    endpoint, _ = s3_server
    before = tracked(small)
    configure(small, "storage", f"s3://{bucket}/{small.parent.name}", endpoint)
    where = f"remote 'storage' (s3://{bucket}/{small.parent.name} at {endpoint})"
    assert_refused(verb(small, "push", **login), f"push failed: {what}: {where}", mend)
    assert tracked(small) == before
    if bucket == "absent":
        run(small, "dvc", "remote", "modify", "storage", "url", f"s3://bucket/{small.parent.name}")
    else:
        lines = (f"{name}={value}\n" for name, value in S3_LOGIN.items())
        (small / ".env").write_text("".join(lines))
    assert verb(small, "push", **(login if bucket == "absent" else {})).stdout.endswith(
        "pushed to storage\n"
    )


def test_a_server_that_is_down_is_given_up_in_seconds(small: Path) -> None:
    """Nobody listens at the endpoint: the error comes in seconds, also from pull and dry-run."""
    endpoint = f"http://127.0.0.1:{servers.free_port()}"
    configure(small, "storage", "s3://bucket/study", endpoint)
    where = f"remote 'storage' (s3://bucket/study at {endpoint})"
    before = tracked(small)
    start = time.monotonic()
    for arguments in (["push"], ["push", "--dry-run"], ["pull"]):
        if arguments == ["pull"]:
            shutil.rmtree(small / ".dvc/cache")  # what is in the cache needs no server
        action = arguments[0]
        mend = (
            f"make {action}, once the network and the server are up;"
            " or: dvc remote modify storage endpointurl <where it is>"
        )
        error = f"{action} failed: it does not answer: {where}"
        assert_refused(verb(small, *arguments, **S3_LOGIN), error, mend)
    assert time.monotonic() - start < 60
    assert tracked(small) == before


LOGIN = "the credentials are missing or were refused"
SILENCE = "it does not answer"


@pytest.mark.parametrize(
    ("url", "said", "what", "mend"),
    [
        (
            "s3://b/x",
            "The request signature we calculated does not match the signature you provided. Check"
            " your key and signing method.: An error occurred (SignatureDoesNotMatch) when calling"
            " the ListObjectsV2 operation: The request signature we calculated does not match",
            LOGIN,
            LOGIN_MEND,
        ),
        (
            "s3://b/x",
            "Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY",
            LOGIN,
            LOGIN_MEND,
        ),
        (
            "s3://b/x",
            'Connect timeout on endpoint URL: "http://127.0.0.1:18082/bucket?list-type=2"',
            SILENCE,
            "make push, once the network",
        ),
        (
            "s3://b/x",
            "SSL validation failed for https://127.0.0.1:18080/bucket Cannot connect to host",
            SILENCE,
            "make push, once the network",
        ),
        (
            "gs://b/x",
            "Cannot connect to host storage.googleapis.com:443 ssl:default [Name or service not"
            " known]: [Errno -2] Name or service not known",
            SILENCE,
            "make push, once the network",
        ),
        (
            "azure://c/x",
            "Authentication to Azure Blob Storage requires either account_name or"
            " connection_string.",
            LOGIN,
            LOGIN_MEND,
        ),
        (
            "ssh://ada@host:22/x",
            "[Errno 111] Connect call failed ('127.0.0.1', 18092)",
            SILENCE,
            "make push, once the network",
        ),
        (
            "ssh://ada@host:22/x",
            "Permission denied for user ada on host host",
            LOGIN,
            "ssh-copy-id -p 22 ada@host, then: make push",
        ),
        (
            "webdavs://host/x",
            "received 401 (Unauthorized): Client error '401 Unauthorized' for url",
            LOGIN,
            "dvc remote modify --local storage user <you> && ",
        ),
        (
            "webdav://host/x",
            "[Errno 2] No such file or directory: '': The resource  could not be found in the"
            " server",
            "it does not exist",
            "make it, or: dvc remote modify storage url",
        ),
        (
            "webhdfs://ada@host:9870/x",
            "HTTPConnectionPool(host='127.0.0.1', port=18092): Max retries exceeded with url: /x"
            ' (Caused by NewConnectionError("Failed to establish a new connection: [Errno 111]'
            ' Connection refused"))',
            SILENCE,
            "make push, once the network",
        ),
        (
            "/mnt/x",
            "[Errno 20] Not a directory: '/mnt/x/files/md5/9b/88df67e297b1e1b4556106abc2882a'",
            "it cannot be written",
            "dvc remote modify storage url <a folder you may write to>",
        ),
        (
            "/mnt/x",
            "[Errno 28] No space left on device: '/a' -> '/mnt/x/files/md5/0e/.tmp'",
            "[Errno 28] No space left on device: '/a' -> '/mnt/x/files/md5/0e/.tmp'",
            "dvc push --remote storage --verbose",
        ),
    ],
)
def test_what_dvc_says_is_understood(url: str, said: str, what: str, mend: str) -> None:
    """The words of DVC 3.67 and its storage libraries, recorded, lead to the right mend."""
    remote = study_dvc.Remote("storage", url)
    help_line = "Having any troubles? Hit us up at https://dvc.org/support, we are always happy"
    stderr = f"falling back to GCSFileSystem\nERROR: unexpected error - {said}\n\n{help_line}\n"
    error = remotes._failure("push", remote, stderr)
    assert (error.what, error.where) == (f"push failed: {what}", f"remote 'storage' ({url})")
    assert error.mend.startswith(mend)


def test_an_s3_server_is_tried_three_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What talks to S3 is told to try three times, unless the environment says otherwise."""
    (tmp_path / "dvc").write_text('#!/bin/sh\necho "tries=$AWS_MAX_ATTEMPTS" >&2\n')
    (tmp_path / "dvc").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert "tries=3" in study_dvc.transfer(tmp_path, "push", "storage")[1]
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "7")
    assert "tries=7" in study_dvc.transfer(tmp_path, "push", "storage")[1]


def test_a_library_that_is_missing_is_named_and_can_be_added(
    reproduced_study: Path, tmp_path: Path
) -> None:
    """The kind of the remote changed: following one mend after the other, the push succeeds."""
    study = copy_study(reproduced_study, tmp_path / "study")
    storage, port = tmp_path / "dav", servers.free_port()
    (storage / "study").mkdir(parents=True)
    url = f"webdav://127.0.0.1:{port}/study"
    run(study, "dvc", "remote", "modify", "storage", "url", url)
    where = f"remote 'storage' ({url})"
    assert_refused(
        verb(study, "push"),
        f"push failed: its storage library is not installed: {where}",
        "uv add 'dvc[webdav]'",
    )
    run(study, "uv", "add", "--quiet", "dvc[webdav]")
    with servers.webdav(storage, port):
        assert_refused(
            verb(study, "push"),
            f"push failed: the credentials are missing or were refused: {where}",
            "dvc remote modify --local storage user <you> &&"
            " dvc remote modify --local storage password <password>, then: make push",
        )
        modify = ("dvc", "remote", "modify", "--local", "storage")
        run(study, *modify, "user", servers.WEBDAV_USER)
        run(study, *modify, "password", servers.WEBDAV_PASSWORD)
        done = run(study, "make", "push")
        assert "pushed to storage" in done.stdout
        lost = lose_data(study)
        run(study, "make", "pull")
        assert_restored(study, lost)
    assert servers.WEBDAV_PASSWORD not in done.stdout + done.stderr
    assert files_that_hold(study, servers.WEBDAV_PASSWORD) == {".dvc/config.local"}
    assert ".dvc/config.local" not in git(study, "status", "--porcelain", "--untracked-files=all")


def test_a_drive_that_is_not_mounted_is_not_made_up(small: Path, tmp_path: Path) -> None:
    """A folder in a folder that is not there is refused, not created, and mkdir mends it."""
    drive = tmp_path / "no drive"
    configure(small, "storage", str(drive / "storage"))
    where = f"remote 'storage' ({drive}/storage)"
    assert_refused(
        verb(small, "push"),
        f"push failed: there is no folder {drive}: {where}",
        f"mount its drive, or: mkdir -p '{drive}'",
    )
    assert_refused(
        verb(small, "pull"),
        f"pull failed: there is no folder {drive}/storage: {where}",
        "mount its drive, or: dvc remote modify --local storage url <where it is>",
    )
    assert not drive.exists()
    drive.mkdir()
    assert verb(small, "push").returncode == 0


def test_a_folder_that_cannot_be_written(small: Path, tmp_path: Path) -> None:
    """A remote folder without write permission: one line; naming another folder mends it."""
    storage = tmp_path / "storage"
    storage.mkdir(mode=0o555)
    configure(small, "storage", str(storage))
    root = os.geteuid() == 0  # whom permissions do not stop, unless he gives that up
    if root and not shutil.which("setpriv"):
        pytest.skip("runs as root, without setpriv")
    mortal = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if root else ()
    assert_refused(
        verb(small, "push", prefix=mortal),
        f"push failed: it cannot be written: remote 'storage' ({storage})",
        "dvc remote modify storage url <a folder you may write to>",
    )
    run(small, "dvc", "remote", "modify", "storage", "url", str(tmp_path / "mine"))
    assert verb(small, "push", prefix=mortal).returncode == 0
    assert tracked(small) == tracked(tmp_path / "small")


def test_data_that_is_nowhere_is_not_called_pushed(small: Path, tmp_path: Path) -> None:
    """DVC pushes what it finds and calls it a success; here a gap in the cache is an error."""
    configure(small, "storage", str(tmp_path / "storage"))
    shutil.rmtree(small / ".dvc/cache")
    done = verb(small, "push")
    assert_refused(
        done,
        "push failed: some data is neither there nor in .dvc/cache:"
        f" remote 'storage' ({tmp_path}/storage)",
        "make pull && make push; where that fails: make repro && dvc commit && make push",
    )
    run(small, "dvc", "commit")
    assert verb(small, "push").returncode == 0


def test_data_that_the_remote_lacks_is_an_error_of_pull(small: Path, tmp_path: Path) -> None:
    """One file is missing in the remote: pull fetches the rest and says what to do about it."""
    configure(small, "storage", str(tmp_path / "storage"))
    verb(small, "push")
    one = (small / "data/external/one.csv.dvc").read_text().partition("md5: ")[2][:32]
    stored = tmp_path / f"storage/files/md5/{one[:2]}/{one[2:]}"
    aside = stored.rename(tmp_path / "aside")
    before = tracked(small)
    shutil.rmtree(small / ".dvc/cache")
    shutil.rmtree(small / "data/external/many")
    (small / "data/external/one.csv").unlink()
    assert_refused(
        verb(small, "pull"),
        f"pull failed: some data is not there: remote 'storage' ({tmp_path}/storage)",
        "make repro, which makes what is missing; or ask who made it to: make push",
    )
    assert tracked(small).keys() == before.keys() - {"one.csv"}
    aside.rename(stored)
    assert verb(small, "pull").returncode == 0
    assert tracked(small) == before


def test_a_remote_that_is_not_configured_is_named(small: Path) -> None:
    """A remote that is named but not configured: one line and how to add it."""
    done = verb(small, "push", "nowhere")
    assert_refused(done, "no such remote: 'nowhere'", "dvc remote add nowhere <url>")


def test_passwords_in_addresses_are_masked(small: Path) -> None:
    """A password that someone wrote into an address is neither printed nor logged."""
    configure(small, "storage", "webdav://ada:hunter2@127.0.0.1:1/study")
    done = verb(small, "push")
    assert "webdav://ada:***@127.0.0.1:1/study" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr


def test_a_terminal_sees_the_same_two_lines(small: Path) -> None:
    """On a terminal, where DVC writes in colour, its own error is kept back as well."""
    configure(small, "storage", "gs://bucket/study")
    reader, writer = pty.openpty()
    done = subprocess.run(
        [".venv/bin/python", "-m", "data_versioning", "push"],
        cwd=small, env=os.environ | {"PYTHONPATH": "src"}, stdout=writer, stderr=writer,
    )  # fmt: skip
    os.close(writer)
    lines = [line.strip("\x1b[0m \r") for line in os.read(reader, 65536).decode().split("\n")]
    os.close(reader)
    assert done.returncode == 1
    assert [line for line in lines if line] == [
        "error: push failed: its storage library is not installed:"
        " remote 'storage' (gs://bucket/study)",
        "try: uv add 'dvc[gs]'",
    ]


def test_a_push_that_was_cut_off_is_completed_by_the_next(small: Path, tmp_path: Path) -> None:
    """The server dies during a push: an error; once it is back, a push sends the rest."""
    storage, port = tmp_path / "server", servers.free_port()
    (storage / "bucket").mkdir(parents=True)
    many = small / "data/external/many"
    for number in range(60):
        (many / f"{number}.bin").write_bytes(os.urandom(400_000))
    run(small, "dvc", "add", "--quiet", "data/external/many")
    configure(small, "storage", "s3://bucket/study", f"http://127.0.0.1:{port}")
    sent = storage / "bucket/study/files/md5"
    with servers.s3(storage, port) as server:
        push = subprocess.Popen(
            [".venv/bin/python", "-m", "data_versioning", "push"],
            cwd=small, env=os.environ | S3_LOGIN | {"PYTHONPATH": "src", "AWS_MAX_ATTEMPTS": "1"},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
        )  # fmt: skip
        while push.poll() is None and not sent.exists():
            time.sleep(0.005)
        server.send_signal(signal.SIGKILL)
        server.wait()
        _, stderr = push.communicate(timeout=120)
    assert push.returncode == 1
    assert [line.split(":")[0] for line in stderr.splitlines()] == ["error", "try"]
    assert "push failed: it does not answer: remote 'storage' (s3://bucket/study at" in stderr
    with servers.s3(storage, port):
        assert "would send" in verb(small, "push", "--dry-run", **S3_LOGIN).stdout
        assert verb(small, "push", **S3_LOGIN).returncode == 0
        assert verb(small, "push", "--dry-run", **S3_LOGIN).stdout == "nothing to send\n"
        before = tracked(small)
        shutil.rmtree(small / ".dvc/cache")
        shutil.rmtree(many)
        assert verb(small, "pull", **S3_LOGIN).returncode == 0
    assert tracked(small) == before


# ------------------------------------------------------------------------------ more than one


def test_dry_run_lists_what_each_remote_lacks(small: Path, tmp_path: Path) -> None:
    """`push --dry-run` names files and folders by remote, sends nothing, and ends up empty."""
    configure(small, "storage", str(tmp_path / "storage"))
    configure(small, "backup", str(tmp_path / "backup"))
    done = verb(small, "push", "--dry-run")
    assert done.stdout.splitlines() == [
        "would send data/external/many/ to storage",
        "would send data/external/one.csv to storage",
        "would send data/external/many/ to backup",
        "would send data/external/one.csv to backup",
    ]
    assert not (tmp_path / "storage").exists()
    verb(small, "push", "storage")
    assert {line.split()[-1] for line in verb(small, "push", "--dry-run").stdout.splitlines()} == {
        "backup"
    }
    verb(small, "push")
    assert verb(small, "push", "--dry-run").stdout == "nothing to send\n"


def test_push_fills_the_backup_and_one_failure_does_not_stop_the_other(
    small: Path, tmp_path: Path
) -> None:
    """`make push` sends to the default remote and to `backup`, whichever of them works."""
    configure(small, "storage", str(tmp_path / "drive/storage"))
    configure(small, "backup", str(tmp_path / "backup"))
    configure(small, "unused", str(tmp_path / "unused"))
    done = verb(small, "push")
    assert done.stdout.endswith("pushed to backup\n")
    failed = f"push failed: there is no folder {tmp_path}/drive:"
    mend = f"mount its drive, or: mkdir -p {tmp_path}/drive"
    assert_refused(done, f"{failed} remote 'storage' ({tmp_path}/drive/storage)", mend)

    configure(small, "backup", str(tmp_path / "drive/backup"))
    done = verb(small, "push")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"error: {failed} remote 'storage' ({tmp_path}/drive/storage)",
        f"try: {mend}",
        f"error: {failed} remote 'backup' ({tmp_path}/drive/backup)",
        f"try: {mend}",
    ]
    (tmp_path / "drive").mkdir()
    assert verb(small, "push").stdout.endswith("pushed to storage and backup\n")
    assert not (tmp_path / "unused").exists()

    before = tracked(small)
    shutil.rmtree(tmp_path / "drive/storage")
    shutil.rmtree(small / ".dvc/cache")
    shutil.rmtree(small / "data/external/many")
    assert verb(small, "pull", "backup").stdout.endswith("pulled from backup\n")
    assert tracked(small) == before


# ------------------------------------------------------------------------------ shared cache


def test_two_clones_share_one_cache(small: Path, tmp_path: Path) -> None:
    """As documented, a second clone has the data without pulling it, and links are read-only."""
    page = (ROOT / "docs/how-to/share-a-cache.md").read_text("utf-8")
    switch, fill, use, *_ = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    cache, other = tmp_path / "shared-cache", tmp_path / "other"
    git(small, "clone", "--quiet", str(small), str(other))
    shell = ("sh", "-euc")
    run(small, *shell, switch + fill.replace("make repro\n", ""))  # it has no stages
    run(other, *shell, switch + use)
    assert tracked(other) == tracked(small)
    assert not (other / ".dvc/cache").exists()
    assert not (small / ".dvc/cache").exists()
    assert git(other, "status", "--porcelain") == ""

    file = other / "data/external/one.csv"
    if file.is_symlink() or file.stat().st_nlink > 1:  # not where the file system has reflinks
        assert not file.stat().st_mode & 0o222, "a write into a link would change the cache"
    run(other, "dvc", "unprotect", "data/external/one.csv")
    file.write_text("a,b\n3,4\n")
    assert (small / "data/external/one.csv").read_text() == "a,b\n1,2\n"
    run(other, "dvc", "add", "--quiet", "data/external/one.csv")
    folders = [folder for folder in cache.rglob("*") if folder.is_dir()]
    assert len(folders) > 6
    closed = [folder for folder in folders if folder.stat().st_mode & 0o070 != 0o070]
    assert not closed, "the group may add to the cache"
