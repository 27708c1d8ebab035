"""Verbs that package the study, prove the package, and deposit it."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

from data_versioning.cli.verbs import Verbs, json_option, show
from data_versioning.errors import StudyError, UsageError
from data_versioning.study import Study

if TYPE_CHECKING:
    from data_versioning.archive.package import Package

ASK = "data-versioning {verb} --yes, where nobody can be asked"


def add(verbs: Verbs) -> None:
    """Add the verbs."""
    verbs.group("archive")
    package = verbs.add("package", _package, "make a package of a commit that proves itself")
    package.add_argument("rev", nargs="?", help="a tag or commit (default: the current commit)")
    package.add_argument(
        "--data", choices=["auto", "data", "pointers"],
        help="what of data and results goes in: what fits the budget, all, or hashes only",
    )  # fmt: skip
    package.add_argument(
        "--anonymous", action="store_true", help="without names, addresses, remotes and DOIs"
    )
    package.add_argument(
        "--for", dest="archive", choices=["zenodo", "osf"], help="keep to the limits of an archive"
    )
    package.add_argument(
        "--if-results",
        action="store_true",
        default=os.environ.get("IF_RESULTS") == "true",
        help="make none of a phase's tag that asks for no results (or IF_RESULTS=true)",
    )
    package.add_argument("--output", metavar="DIR", help="where to make it (default: packages/)")
    verify = verbs.add("verify-package", _verify, "check every byte of a package; 1 if bad")
    replayed = verbs.add("replay", _replay, "unpack a package, run it, compare; 1 on any miss")
    for parser in (verify, replayed):
        parser.add_argument(
            "package", nargs="?", help="a folder of volumes, one zip, or an unpacked package"
        )
    replayed.add_argument(
        "--into",
        metavar="DIR",
        help="the empty folder to unpack it into, instead of a temporary one",
    )
    replayed.add_argument(
        "--keep", action="store_true", help="keep that folder; otherwise it is deleted"
    )
    replayed.add_argument("--remote", metavar="URL", help="where data by pointer comes from")

    deposit = verbs.add("deposit", _deposit, "upload a package to a draft in an archive")
    deposit.add_argument("package", nargs="?", help="its folder (default: that of this commit)")
    deposit.add_argument(
        "--delete-others", action="store_true", help="delete files that the draft has besides"
    )
    deposit.add_argument(
        "--reserve", action="store_true",
        help="only make a draft with a DOI, and write it into CITATION.cff and README.md",
    )  # fmt: skip
    deposit.add_argument(
        "--if-reserved",
        action="store_true",
        default=os.environ.get("IF_RESERVED") == "true",
        help="do nothing where the commit has no draft with a DOI (or IF_RESERVED=true)",
    )
    deposits = verbs.add("deposits", _deposits, "list the deposits, and what the archive says")
    publish = verbs.add("publish", _publish, "package, replay, deposit and tag, asking once")
    for parser in (deposit, publish):
        parser.add_argument(
            "--to", metavar="ARCHIVE",
            help="zenodo-sandbox, zenodo, osf, or the address of an InvenioRDM",
        )  # fmt: skip
        parser.add_argument(
            "--publish",
            action="store_true",
            default=os.environ.get("PUBLISH") == "yes",
            help="make the deposit public: this cannot be undone (or PUBLISH=yes)",
        )
        parser.add_argument(
            "--yes",
            action="store_true",
            default=os.environ.get("YES") == "yes",
            help="do not ask (or YES=yes)",
        )
    for parser in (package, deposit, publish):
        parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    for parser in (package, verify, replayed, deposit, deposits, publish):
        json_option(parser)


def _package(args: argparse.Namespace) -> None:
    from data_versioning.archive.package import create_reproducibility_package

    if args.if_results and not _asks_for_results(args.rev):
        none = f"no package: the phase of {args.rev} asks for no results"
        show(args, {"state": "none", "notes": [none]}, none)
        return
    made = create_reproducibility_package(
        args.output,
        rev=args.rev or None,
        data=args.data,
        anonymous=args.anonymous,
        archive=args.archive,
        dry_run=args.dry_run,
    )
    show(args, made.as_dict(), made.text)


def _verify(args: argparse.Namespace) -> int:
    from data_versioning.archive import verify_package

    # Python compiles the tooling in an unpacked package on the way here.
    argv = [args.package or _latest(), *["--json"] * args.json]
    return verify_package.main(argv, compiled=True)


def _replay(args: argparse.Namespace) -> int:
    from data_versioning.archive.replay import replay

    found = replay(
        args.package or _latest(), args.into, keep=args.keep, remote=args.remote, quiet=args.json
    )
    show(args, found.as_dict(), found.text)
    return int(not found)


def _deposit(args: argparse.Namespace) -> None:
    from data_versioning.archive.deposit.archives import destination, draft
    from data_versioning.archive.deposit.depositing import STATE, deposit, reserve
    from data_versioning.tools import git_state

    study = Study.open()
    to = args.to or None
    if args.if_reserved and draft(study) is None:
        none = "nothing to deposit: no draft with a DOI is reserved in this commit"
        show(args, {"state": "none", "notes": [none]}, none)
        return
    if args.reserve:
        if args.publish:
            raise UsageError("what is reserved now is published later", "--reserve, --publish")
        where = to or destination(study)
        step = f"would make a draft at {where}, and write its DOI into CITATION.cff and README.md"
        doi = "" if args.dry_run else reserve(study, to)
        said = f"reserved {doi or 'a draft'}; commit it, and then: make package"
        show(args, {"doi": doi, "to": where}, step if args.dry_run else said)
        return
    done = deposit(
        study,
        _opened(args.package),
        to,
        publish=args.publish,
        dry_run=args.dry_run,
        delete_others=args.delete_others,
        confirm=lambda question: args.yes or _confirmed(question, "deposit"),
    )
    show(args, done.as_dict(), done.text)
    if git_state.changed(study.root, [STATE]):
        mend = f"git add {STATE} && git commit --message 'data(archive): note the deposit'"
        print(f"note: {STATE} is to be committed: {mend}", file=sys.stderr)


def _deposits(args: argparse.Namespace) -> None:
    from data_versioning.archive.deposit.depositing import deposits

    found = deposits(Study.open())
    show(args, found.as_dict(), found.text)


def _publish(args: argparse.Namespace) -> None:
    from data_versioning.archive import publishing

    study, to = Study.open(), args.to or None
    if args.dry_run:
        ahead = publishing.planned(study, to, args.publish)
        said = "\n".join(f"would {step}" for step in ahead) or "nothing is left to do"
        show(args, {"steps": ahead}, said)
        return
    with redirect_stdout(sys.stderr if args.json else sys.stdout):
        done = publishing.publish(
            study,
            lambda question: args.yes or _confirmed(question, "publish"),
            to,
            publish=args.publish,
            quiet=args.json,
        )
    show(args, done.as_dict(), done.text)


def _asks_for_results(rev: str | None) -> bool:
    from data_versioning.phases.phase_tags import phase_tags

    tags = [tag for tag in phase_tags(Study.open().root) if tag.name == rev]
    return any(one["gate"] == "pipeline" for tag in tags for one in tag.manifest["gates"])


def _opened(folder: str | None) -> Package:
    from data_versioning.archive.package import Package

    return Package.open(folder or _latest())


def _latest() -> str:
    """Return the package of the current commit, or say how to make it."""
    from data_versioning.archive.package import of_commit

    return str(of_commit(Study.open()))


def _confirmed(question: str, verb: str) -> bool:
    """Ask on the terminal; where there is none, say what to do instead."""
    if not sys.stdin.isatty():
        raise StudyError("it asks before it goes on", "no terminal", ASK.format(verb=verb))
    print(question, file=sys.stderr)
    return input("go on? [y/N] ").strip().lower() in ("y", "yes")
