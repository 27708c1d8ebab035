"""Push data to the remotes and pull it back, with errors a researcher can act on."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from data_versioning.errors import StudyError
from data_versioning.pipeline.manager import make_read_only
from data_versioning.study import Study
from data_versioning.tools import dvc, dvc_state
from data_versioning.tools.dvc import Remote

BACKUP = "backup"  # pushed to as well, where there is a remote of this name
NO_REMOTE = "dvc remote add --default storage <url>"
# What DVC and its storage libraries say, tried in this order: a pattern, what it means, the mend.
DIAGNOSES = [
    (
        r"requires 'dvc-(?P<extra>\w+)' to be installed",
        "its storage library is not installed",
        "uv add 'dvc[{extra}]'",
    ),
    (
        r"[Cc]redentials|config profile|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken"
        r"|Access ?Denied|Forbidden|Unauthorized|Authenticat|Permission denied for user",
        "the credentials are missing or were refused",
        "{login}, then: make {make}",
    ),
    (
        r"NoSuchBucket|ContainerNotFound|resource +could not be found",
        "it does not exist",
        "make it, or: dvc remote modify {name} url <where it is>",
    ),
    (
        r"[Cc]ould not connect|Cannot connect|[Tt]imed? ?out|Connection (refused|reset|lost|closed)"
        r"|Connect call failed|new connection|not known|unreachable|No route to host|SSL",
        "it does not answer",
        "make {make}, once the network and the server are up;"
        " or: dvc remote modify {name} {address} <where it is>",
    ),
    (
        r"\[Errno \d+\] (Permission denied|Not a directory|Read-only file system)",
        "it cannot be written",
        "dvc remote modify {name} url <a folder you may write to>",
    ),
]  # fmt: skip
MISSING = r"Missing cache files|Checkout failed"
LACKING = {
    "push": (
        "some data is neither there nor in .dvc/cache",
        "make pull && make push; where that fails: make repro && dvc commit && make push",
    ),
    "pull": (
        "some data is not there",
        "make repro, which makes what is missing; or ask who made it to: make push",
    ),
}
LACKING["fetch"] = LACKING["pull"]
# What logs in, by kind of remote; to the others what is in the environment does.
LOGINS = {
    "ssh": "ssh-copy-id {host}",
    "webdav": "dvc remote modify --local {name} user <you> &&"
    " dvc remote modify --local {name} password <password>",
    "hdfs": "kinit",
    "webhdfs": "dvc remote modify --local {name} token <token>",
}
ENVIRONMENT = "put them in .env (.env.example lists their names)"


def push(study: Study, names: Sequence[str] = ()) -> str:
    """Push what the study refers to.

    Args:
        study: The study.
        names: Remotes to push to; the default remote and the remote `backup` if none is named.

    Returns:
        What was done, in one sentence.

    Raises:
        StudyError: A remote refused; names the remote and the mend. The others were pushed to.
            Nothing local changes.
    """
    targets = chosen(study, names)
    if not targets:
        return (
            "nothing pushed: no remote is configured yet; your data is safe in .dvc/cache\n"
            f"try: {NO_REMOTE}"
        )
    done: list[str] = []
    failures: list[StudyError] = []
    for remote in targets:
        try:
            _transfer(study, "push", remote)
            done.append(remote.name)
        except StudyError as error:
            failures.append(error)
    if not failures:
        return f"pushed to {' and '.join(done)}"
    if done:
        print(f"pushed to {' and '.join(done)}")
    for failure in failures[:-1]:
        print(f"error: {failure}\ntry: {failure.mend}", file=sys.stderr)
    raise failures[-1]


def pull(study: Study, name: str | None = None) -> str:
    """Fetch what the study refers to and put it in place.

    Args:
        study: The study.
        name: The remote to pull from; the default remote if none is named.

    Raises:
        StudyError: The remote refused or lacks something.
    """
    targets = chosen(study, [name] if name else [])
    if not targets:
        return (
            "nothing pulled: no remote is configured\n"
            f"try: make repro, which makes the results, or: {NO_REMOTE}"
        )
    _transfer(study, "pull", targets[0])
    make_read_only(study.root / "data/raw")
    return f"pulled from {targets[0].name}"


def fetch(study: Study, names: Sequence[str] = (), targets: Sequence[str] = ()) -> None:
    """Get data from a remote into the cache and leave what is on disk.

    Args:
        study: The study.
        names: The remote; the default one if none is named. Without any, nothing happens.
        targets: What to get, such as `data/people.csv.dvc`; everything when empty.

    Raises:
        StudyError: The remote refused or lacks something.
    """
    for remote in chosen(study, names)[:1]:
        _transfer(study, "fetch", remote, targets)


def not_in_remote(study: Study, names: Sequence[str] = ()) -> dict[str, list[str]]:
    """Return the paths that a push would send, by remote.

    Raises:
        StudyError: A remote refused.
    """
    lacking: dict[str, list[str]] = {}
    for remote in chosen(study, names):
        status, paths, stderr = dvc.not_in_remote(study.root, remote.name)
        if status != 0:
            raise _failure("push", remote, stderr)
        lacking[remote.name] = paths
    return lacking


def lacking(
    study: Study,
    remote: Remote,
    objects: Mapping[str, Sequence[str]],
    seconds: float | None = None,
    send: bool = False,
    older: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, tuple[int, int]]:
    """Return which objects a remote lacks; see `dvc_state.lacking`.

    Raises:
        StudyError: The remote refused, or did not answer in time.
    """
    try:
        _refuse_absent_folder("push", remote)
        status, found, stderr = dvc_state.lacking(
            study.root, remote.name, objects, seconds, send, older
        )
        if status != 0:
            raise _failure("push", remote, stderr)
    except StudyError as error:
        what = error.what.replace("push failed", "the remote could not be asked")
        raise StudyError(what, error.where, error.mend) from None
    return found


def fetch_objects(study: Study, hashes: Sequence[str], name: str = "") -> None:
    """Get objects from a remote into the cache; see `dvc_state.fetch`.

    Args:
        study: The study.
        hashes: The objects.
        name: The remote; the default one when empty. Without any, nothing happens.

    Raises:
        StudyError: The remote refused.
    """
    for remote in chosen(study, [name] if name else [])[:1]:
        _refuse_absent_folder("fetch", remote)
        status, stderr = dvc_state.fetch(study.root, remote.name, hashes)
        if status != 0:
            raise _failure("fetch", remote, stderr)


def chosen(study: Study, names: Sequence[str] = ()) -> list[Remote]:
    """Return remotes by name: the default remote and the remote `backup` if none is named.

    Raises:
        StudyError: There is no remote of that name.
    """
    default, remotes = dvc.remotes(study.root)
    if not names:
        names = [*([default] if default else []), *([BACKUP] if BACKUP in remotes else [])]
    for name in names:
        if name not in remotes:
            raise StudyError("no such remote", f"'{name}'", f"dvc remote add {name} <url>")
    return [remotes[name] for name in dict.fromkeys(names)]


def _transfer(study: Study, verb: str, remote: Remote, targets: Sequence[str] = ()) -> None:
    _refuse_absent_folder(verb, remote)
    status, stderr = dvc.transfer(study.root, verb, remote.name, targets)
    # A push that finds data nowhere warns, and calls itself a success.
    if status != 0 or (verb == "push" and re.search(MISSING, stderr)):
        raise _failure(verb, remote, stderr)


def _refuse_absent_folder(verb: str, remote: Remote) -> None:
    """Refuse a folder that is not there: DVC would make it, on a drive that is not mounted too.

    The first push may make the folder itself, but not the one that it lies in.
    """
    if remote.kind:
        return
    folder = Path(remote.url)
    needed = folder.parent if verb == "push" else folder
    if needed.is_dir():
        return
    mend = f"mount its drive, or: mkdir -p {shlex.quote(str(needed))}"
    if verb != "push":
        mend = f"mount its drive, or: dvc remote modify --local {remote.name} url <where it is>"
    raise StudyError(f"{verb} failed: there is no folder {needed}", _where(remote), mend)


def _failure(verb: str, remote: Remote, stderr: str) -> StudyError:
    # The first error is the cause; what precedes it is chatter of the storage libraries.
    said = stderr.partition("ERROR: ")[2] or stderr
    host, _, port = remote.url.partition("://")[2].partition("/")[0].partition(":")
    words = {
        "verb": verb,
        "make": "pull" if verb == "fetch" else verb,
        "name": remote.name,
        "host": f"-p {port} {host}" if port else host,
        "address": "endpointurl" if remote.endpoint else "url",
    }
    words["login"] = LOGINS.get(remote.kind.replace("webdavs", "webdav"), ENVIRONMENT).format(
        **words
    )
    for pattern, what, mend in DIAGNOSES:
        if found := re.search(pattern, said):
            mend = mend.format(**words, **found.groupdict())
            return StudyError(f"{verb} failed: {what}", _where(remote), mend)
    if re.search(MISSING, stderr) and not said.startswith("failed to transfer"):
        what, mend = LACKING[verb]
        return StudyError(f"{verb} failed: {what}", _where(remote), mend)
    reason = said.partition("\n")[0].removeprefix("unexpected error - ")
    mend = f"dvc {verb} --remote {remote.name} --verbose"
    return StudyError(f"{verb} failed: {masked(reason)}", _where(remote), mend)


def _where(remote: Remote) -> str:
    at = f" at {remote.endpoint}" if remote.endpoint else ""
    return masked(f"remote '{remote.name}' ({remote.url}{at})")


def masked(text: str) -> str:
    """Hide the passwords of the addresses in a text."""
    return re.sub(r"(://[^/:@\s]*):[^\s]*@", r"\1:***@", text)
