"""Run a package again, in an empty folder, and compare what comes out with what is in it.

This half needs nothing but Python and git, so that a package can be replayed on a bare machine:
it checks and unpacks the package, and builds the environment that it locks. `replay_run` is the
other half, in that environment.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from data_versioning.archive import verify_package
from data_versioning.archive.replay_result import Claim, Output, Replay
from data_versioning.archive.unpacking import refuse_lack_of_room, unpack
from data_versioning.archive.verify_package import MANIFEST, SUMS, Checked
from data_versioning.archive.workplace import temporary, workplace
from data_versioning.errors import StudyError
from data_versioning.setup.bootstrap import make_environment
from data_versioning.study import Study
from data_versioning.tools.git_snapshot import snapshot
from data_versioning.wording import printable

LOCKED = "uv.lock"
TOKENS = (
    "ZENODO_TOKEN", "ZENODO_SANDBOX_TOKEN", "INVENIO_TOKEN", "OSF_TOKEN", "GITHUB_TOKEN",
    "GH_TOKEN", "GITLAB_TOKEN", "CI_JOB_TOKEN",
)  # fmt: skip
RESERVED = (".venv/", ".dvc/tmp/", ".dvc/cache/", ".dvc/config.local")
_ASKED = ".dvc/tmp/replay-asked.json"
_FOUND = ".dvc/tmp/replay-found.json"
_BARE = "PYTHONPATH=src python3 -m data_versioning"  # in an unpacked package
_HAS_DVC = "import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, ('dvc', 'yaml'))))"


def verify(path: Path | str) -> Checked:
    """Check a package; see `verify_package.examine`.

    What Python compiled in an unpacked package, on the way here, does not count.

    Raises:
        StudyError: There is no package.
    """
    try:
        return verify_package.examine(path, compiled=True)
    except verify_package.NoPackage as error:
        mend = "data-versioning verify-package <a package's folder, or one of its zip files>"
        raise StudyError("no package to check", printable(str(error)), mend) from None


def replay(
    package: Path | str,
    into: Path | str | None = None,
    keep: bool = False,
    *,
    remote: str | None = None,
    quiet: bool = False,
) -> Replay:
    """Unpack a package, build its environment, run its pipeline, and compare the outputs.

    Nothing comes from a cache, and nothing outside the folder that it is unpacked into changes.

    Args:
        package: A folder of volumes, one zip file, or an unpacked package.
        into: An empty or new folder to unpack into; one of the system's for temporary files when
            not given. What a replay that was killed left there is deleted first.
        keep: Whether that folder stays.
        remote: Where data by pointer is, instead of where the package says; as DVC takes it.
        quiet: Write nothing to standard output.

    Raises:
        StudyError: The package is not whole; or there is no room; or the environment could not be
            built; or data could not be fetched; or a stage failed.
    """
    checked = verify(package)
    tooling = "data-versioning" if importlib.util.find_spec("dvc") else _BARE
    again = f"{tooling} replay {shlex.quote(str(package))}"
    if checked.findings:
        path, what = checked.findings[0]
        mend = f"{tooling} verify-package {shlex.quote(str(package))}"
        more = len(checked.findings) - 1
        where = f"{path}: {what}{f', and {more} more' if more else ''}"
        raise StudyError("the package is not whole", where, mend)
    if not any(file["path"] == LOCKED for file in checked.manifest["files"]):
        raise StudyError("the package locks no environment", LOCKED, "ask its authors for one")
    _refuse_reserved(checked)
    if remote and "://" not in remote:
        remote = os.path.abspath(remote)
    known = _known_remotes(checked.manifest)
    target = Path(os.path.abspath(into)) if into else temporary(package, keep)
    with _without_tokens(), workplace(target, bool(into), keep, again) as lock:
        refuse_lack_of_room(checked, target, f"{again} --into <a folder with room>")
        unpack(checked, target)
        _commit(checked.manifest, target)
        try:
            make_environment(target, "--locked")
        except StudyError as error:
            what = f"no environment from {LOCKED}: {error.what}"
            mend = f"{again}, where the package index answers"
            if "PYTHON=" in error.mend:  # this interpreter is too old, or too new
                mend = again.replace("python3", "python3.12", 1)
            raise StudyError(what, error.where, mend) from None
        request = {"remote": remote, "known": known, "quiet": quiet, "again": again, "keep": keep}
        found = _other_half(target, request, lock, quiet)
    return Replay(
        package=str(package),
        commit=checked.manifest["commit"],
        seconds=found["seconds"],
        outputs=tuple(Output(**one) for one in found["outputs"]),
        claims=tuple(Claim(**one) for one in found["claims"]),
        frozen=tuple(found["frozen"]),
        folder=str(target) if keep else None,
    )


def _refuse_reserved(checked: Checked) -> None:
    """Refuse a package that brings along what a replay makes: environment, cache, settings."""
    for file in checked.manifest["files"]:
        if file["path"].startswith(RESERVED):
            what = "the package holds what a replay has to make itself"
            raise StudyError(what, printable(file["path"]), "ask its authors for one without")


def _known_remotes(manifest: dict[str, Any]) -> tuple[str | None, dict[str, dict[str, str]]]:
    """Return the remotes of the study that this is called in, if the package is one of it.

    Only that study knows what its configuration keeps from git; its `.env` is read, too.
    """
    if importlib.util.find_spec("dvc"):
        with suppress(StudyError):
            study = Study.open()
            if study.answers.get("slug") == manifest["study"].get("slug"):
                from data_versioning.tools import dvc

                return dvc.remote_options(study.root)
    return None, {}


@contextmanager
def _without_tokens() -> Iterator[None]:
    """Keep from the code of a package what could publish, or write to a forge."""
    hidden = {name: os.environ.pop(name) for name in TOKENS if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(hidden)


def _commit(manifest: dict[str, Any], root: Path) -> None:
    """Make a repository of what git kept, and of what only the package has."""
    files = [file["path"] for file in manifest["files"] if not file["origin"].startswith("dvc:")]
    message = f"{manifest['study'].get('title') or 'a study'}, as packaged"
    snapshot(root, [*files, MANIFEST, SUMS], message, manifest["commit_time"])


def _other_half(root: Path, request: dict[str, Any], lock: int, quiet: bool) -> dict[str, Any]:
    """Run `replay_run` in the environment of the package, and return what it found."""
    python, path = str(root / ".venv/bin/python"), []
    if subprocess.run([python, "-P", "-c", _HAS_DVC], check=False).returncode != 0:
        if not importlib.util.find_spec("dvc"):
            mend = "call it in a study's environment"
            raise StudyError("the package's environment has no DVC", LOCKED, mend)
        python, path = sys.executable, [str(Path(sys.executable).parent)]
    from data_versioning.reproduction.clean_clone import environment

    inside = environment(Study(root)) | {"PROFILE": "local"}
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):  # in a hook, those of another one
        inside.pop(name, None)
    programs = [str(root / ".venv/bin"), *path, os.environ.get("PATH", os.defpath)]
    inside["PATH"] = os.pathsep.join(programs)
    # The tooling that is at work here, not the one in the package: both halves are of one version.
    inside["PYTHONPATH"] = str(Path(__file__).parents[2])
    asked, answer = root / _ASKED, root / _FOUND
    # What is known of remotes can be a password.
    with os.fdopen(os.open(asked, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(request, file)
    argv = [python, "-P", "-m", "data_versioning.archive.replay_run", str(asked), str(answer)]
    out = sys.stderr.fileno() if quiet else None
    sys.stdout.flush()
    status = subprocess.call(argv, cwd=root, env=inside, stdout=out, pass_fds=[lock])
    try:
        found: dict[str, Any] = json.loads(answer.read_bytes())
    except (FileNotFoundError, ValueError):
        mend = f"{request['again']} --keep --into <a folder>, and look there"
        raise StudyError("the replay ended early", f"exit status {status}", mend) from None
    if "error" in found:
        raise StudyError(*found["error"])
    return found
