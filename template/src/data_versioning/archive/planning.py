"""What a package will hold: checked, decided and in order, before a byte is written."""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, is_dataclass, replace
from pathlib import Path

from data_versioning.archive import kept as keeping
from data_versioning.archive import requirements, verify_package
from data_versioning.archive.anonymous import Identity, packed
from data_versioning.archive.contents import Content, in_order, of_dvc, of_git, read_each
from data_versioning.archive.facts import Facts
from data_versioning.archive.identifying import identity_of, note, withheld
from data_versioning.archive.kept import KeptByDVC
from data_versioning.archive.names import refuse_links, refuse_names
from data_versioning.archive.objects import Objects, are_linked, refuse_unsent
from data_versioning.archive.package_files import DATA, Pointer
from data_versioning.archive.request import Request, refuse_dirty
from data_versioning.archive.secrets import Secrets
from data_versioning.archive.settings import RESTRICTED
from data_versioning.archive.volumes import planned
from data_versioning.errors import StudyError
from data_versioning.phases.lock_check import stale_at
from data_versioning.phases.work_tree import clean
from data_versioning.study import MARKER, Study
from data_versioning.tools import dvc_config, dvc_files, git, git_tree
from data_versioning.wording import counted, listed, printable, sized

LOCK, PROJECT = "uv.lock", "pyproject.toml"


@dataclass(frozen=True)
class Plan:
    """What a package will hold.

    Args:
        request: What was asked for.
        facts: What the package says about the study.
        volumes: What is in each zip file, the main one last.
        pointers: What the package points to.
        unfetched: What DVC's cache lacks; nothing where it was fetched.
        secrets: What must not be in it.
        identity: What must not be in it either, if it is anonymous.
        notes: What who publishes it should know.
        uv_lock: The study's `uv.lock`.
        pyproject: The study's `pyproject.toml`.
        requirements: The locked packages as pip reads them.
    """

    request: Request
    facts: Facts
    volumes: dict[str, list[Content]]
    pointers: tuple[Pointer, ...]
    unfetched: tuple[KeptByDVC, ...]
    secrets: Secrets
    identity: Identity | None
    notes: tuple[str, ...]
    uv_lock: bytes
    pyproject: bytes
    requirements: str

    @property
    def names(self) -> list[str]:
        """The zip files, the main one first."""
        *data, main = self.volumes
        return [main, *data]

    @property
    def size(self) -> int:
        """Bytes of the study's files."""
        return sum(one.size for contents in self.volumes.values() for one in contents)

    def by_role(self) -> dict[str, tuple[int, int]]:
        """Return how many of the study's files there are of each role, and their bytes."""
        folders = {one.path: one.nfiles or 1 for one in self.unfetched}
        found: dict[str, tuple[int, int]] = {}
        for contents in self.volumes.values():
            for one in contents:
                number, size = found.get(one.role, (0, 0))
                found[one.role] = number + folders.get(one.path, 1), size + one.size
        return dict(sorted(found.items()))


def plan(request: Request, fetch: bool) -> Plan:
    """Return what a package will hold.

    Args:
        request: The package.
        fetch: Get into DVC's cache what it lacks, and ask the remotes for what is pointed to.

    Raises:
        StudyError: No package can be made of this commit; says why.
    """
    study, root, commit = request.study, request.study.root, request.commit
    _refuse_stale(root, commit)
    _refuse_machine_in(request.facts)
    entries = git_tree.entries(root, commit)
    in_git = {one.path for one in entries}
    _refuse_unlocked(in_git)
    uv_lock, pyproject = (git.file_at(root, commit, name) or b"" for name in (LOCK, PROJECT))
    locked = requirements.text(uv_lock, pyproject)
    config = dvc_config.parse(git.file_at(root, commit, dvc_config.CONFIG) or b"")
    _refuse_passwords(config)
    records = keeping.current(root, commit, request.facts.stages)
    kept = keeping.kept_by_dvc(root, commit, records, in_git)
    objects = Objects(dvc_config.cache_dir(root)) if kept else None
    if request.of_work_tree and objects and not are_linked(root, kept, objects):
        refuse_dirty(study, clean(study))
    inside = keeping.chosen(kept, request.data, request.budget)
    pointed = [one for one in kept if one not in inside]
    from_git = of_git(entries, keeping.stage_of_each(records))
    secrets = Secrets(os.environ)
    identity = None
    if request.anonymous:
        identity = identity_of(root, commit, request.facts, config.urls.values())
        from_git = withheld(from_git)
    from_git, notes = _inspected(study, from_git, secrets, identity)
    from_dvc, unfetched = _from_dvc(study, inside, objects, fetch) if objects else ([], [])
    contents = in_order([*from_git, *from_dvc])
    refuse_names([one.path for one in contents], in_git)
    pointers = tuple(_pointer(one, config) for one in pointed)
    if pointed and fetch:
        refuse_unsent(study, pointed)
    if identity:
        for path in (*(one.path for one in contents), *(one.path for one in pointers)):
            identity.refuse_name(path)
        pointers = tuple(replace(one, remote="", url="") for one in pointers)
    volumes = planned(request.name, contents, request.limits, request.volume_bytes)
    facts = replace(request.facts, stages=tuple(records))
    return Plan(
        request,
        facts.anonymous() if identity else facts,
        volumes,
        pointers,
        tuple(unfetched),
        secrets,
        identity,
        tuple(notes + _notes(request, contents, pointers, unfetched)),
        uv_lock,
        pyproject,
        locked,
    )


def _refuse_stale(root: Path, commit: str) -> None:
    if stale := stale_at(root, commit):
        what = f"the results are not those of this commit: {listed(stale)}"
        raise StudyError(printable(what), f"commit {commit[:12]}", "make repro && git commit --all")


def _refuse_unlocked(in_git: Collection[str]) -> None:
    for name in (PROJECT, LOCK):
        if name not in in_git:
            mend = f"make setup && git add {name} && git commit"
            raise StudyError("the commit locks no environment", name, mend)


def _refuse_passwords(config: dvc_config.Config) -> None:
    for remote, option in config.secrets:
        name = shlex.quote(remote)
        mend = f"dvc remote modify --local {name} {option} <it>"
        if option != "url":
            mend += f" && dvc remote modify --unset {name} {option}"
        mend += ", commit it, and change the password: git's history holds it"
        where = f"{dvc_config.CONFIG}: {option} of the remote '{remote}'"
        raise StudyError("a secret: a password is committed", printable(where), mend)


def _inspected(
    study: Study, contents: Iterable[Content], secrets: Secrets, identity: Identity | None
) -> tuple[list[Content], list[str]]:
    """Read what git keeps, refuse what must not be public, and take names out."""
    found: list[Content] = []
    links: dict[str, str] = {}
    local: list[str] = []
    named: list[str] = []
    places = {
        os.fsencode(f"{place}/") for place in (Path.home(), study.root) if len(place.parts) > 2
    }
    for one, text in read_each(study.root, list(contents)):
        if len(text) != one.size:
            mend = "git fetch --refetch, or: git fsck"
            raise StudyError("git lacks it, or has it damaged", printable(one.path), mend)
        if one.is_link:
            links[one.path] = os.fsdecode(text)
        secrets.refuse(one.path, text)
        _refuse_machine(one.path, text)
        if any(place in text for place in places):
            local.append(one.path)
        if identity:
            clean = identity.rewritten(one, text)
            named += [one.path] * identity.is_in(one, clean)
            one = one.with_content(clean) if clean != text else one
        found.append(one)
    refuse_links(links)
    notes = [f"a path of this machine is in {printable(listed(local))}"] if local else []
    return found, notes + note(named)


def _refuse_machine_in(facts: Facts) -> None:
    """Refuse the same in what the package says about the study; its check would report it."""
    said = {
        "CITATION.cff": [facts.title, facts.description, facts.keywords, facts.authors],
        MARKER: [facts.claims, facts.tolerances, facts.related, facts.funding],
    }
    for file, values in said.items():
        if found := verify_package._OF_A_MACHINE.search("\n".join(_texts(values))):
            mend = f"$EDITOR {file}, and commit it"
            raise StudyError("a path of one machine", f"{file}: {printable(found[0])}", mend)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _texts([*value, *value.values()])
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)
    elif is_dataclass(value):
        yield from _texts(list(vars(value).values()))


def _refuse_machine(path: str, text: bytes) -> None:
    """Refuse a pipeline that names a place of one machine: nobody else can run it."""
    if path.rpartition("/")[2] not in (dvc_files.PIPELINE, dvc_files.LOCK):
        return
    for number, line in enumerate(text.decode(errors="replace").splitlines(), 1):
        if found := verify_package._OF_A_MACHINE.search(line):
            where = f"{printable(path)}:{number}: {printable(found[0])}"
            raise StudyError("a path of one machine", where, "$EDITOR dvc.yaml && make repro")


def _from_dvc(
    study: Study, inside: list[KeptByDVC], objects: Objects, fetch: bool
) -> tuple[list[Content], list[KeptByDVC]]:
    if fetch:
        objects.fetch(study, inside)
        return of_dvc(inside, objects), []
    here = [one for one in inside if not objects.lacking([one])]
    lacking = [one for one in inside if one not in here]
    return [*of_dvc(here, objects), *(_expected(one, objects) for one in lacking)], lacking


def _expected(kept: KeptByDVC, objects: Objects) -> Content:
    """Return what stands for a file or folder that is not here, by its record."""
    file = objects.path(kept.md5)
    return Content(kept.path, 0o100644, kept.role, kept.size or 0, kept.stage, "dvc:", file)


def _pointer(one: KeptByDVC, config: dvc_config.Config) -> Pointer:
    remote = one.remote or config.default
    url = config.urls.get(remote, "")
    return Pointer(one.path, one.role, one.md5, one.size, one.nfiles, one.stage, remote, url)


def _notes(
    request: Request,
    contents: Iterable[Content],
    pointers: Iterable[Pointer],
    unfetched: Collection[KeptByDVC],
) -> list[str]:
    notes = []
    local = sorted({one.remote for one in pointers if "://" not in one.url})
    if local and not request.anonymous:
        remote = printable(listed(local))
        notes.append(f"it points to data in a folder of this machine: remote {remote}")
    kept = [one for one in contents if one.file and one.role == DATA]
    if request.facts.data_license == RESTRICTED and kept:
        notes.append(
            f"the data has no open licence, and {counted(len(kept), 'file')} of it are inside:"
            " data-versioning package --data pointers"
        )
    if unfetched:
        size = sized(sum(one.size or 0 for one in unfetched))
        notes.append(
            f"to be fetched first: {printable(listed([one.path for one in unfetched]))}, {size}"
        )
    if request.anonymous and (closed := packed(contents)):
        notes.append(f"no name can be looked for in packed files: {printable(listed(closed))}")
    return notes
