"""The second half of a replay, in the environment of the package: see `replay`.

Run as a program in the unpacked package, with two files: what is asked, and what was found.
"""

from __future__ import annotations

import json
import posixpath
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from data_versioning.archive.comparison import Comparison, compare
from data_versioning.archive.replay_result import (
    DIFFERENT,
    MISSING,
    NOT_CHECKED,
    NOT_COMPARABLE,
    SAME,
    WITHIN,
    Claim,
    Output,
)
from data_versioning.archive.verify_package import MANIFEST
from data_versioning.errors import StudyError
from data_versioning.hashing import listing
from data_versioning.lineage import records
from data_versioning.lineage.records import Record
from data_versioning.reproduction import proof
from data_versioning.reproduction.freshness import FROZEN, state
from data_versioning.reproduction.sparse import NotFetched, fetch
from data_versioning.study import Study
from data_versioning.tools import dvc_config
from data_versioning.wording import counted, printable

Remotes = tuple[str | None, dict[str, dict[str, str]]]
PACKAGED = ".dvc/tmp/packaged"  # the outputs as they were in the package
OTHER_REMOTE = "given"


def main() -> int:
    """Do what is asked, and write what was found or what went wrong."""
    asked, answer = (Path(name) for name in sys.argv[1:])
    request = json.loads(asked.read_bytes())
    asked.unlink()  # it can hold passwords
    try:
        found = run(Study(Path.cwd()), **request)
    except StudyError as error:
        found = {"error": [error.what, error.where, error.mend]}
    except KeyboardInterrupt:  # who asked is interrupted, too, and says so
        return 130
    answer.write_text(json.dumps(found), encoding="utf-8")
    return int("error" in found)


def run(
    study: Study, remote: str | None, known: Remotes, quiet: bool, again: str, keep: bool
) -> dict[str, Any]:
    """Run the pipeline of an unpacked package, and compare its outputs.

    Args:
        study: The unpacked package.
        remote: Where data by pointer is; where the package says when not given.
        known: The name of the default remote and the options of all, that the caller knows.
        quiet: Write nothing to standard output.
        again: The command that replays the package.
        keep: Whether the folder is kept.

    Raises:
        StudyError: Data could not be fetched, or a stage failed.
    """
    manifest = json.loads((study.root / MANIFEST).read_bytes())
    _refuse_outside(study.root)
    _configure(study.root, manifest, remote, known)
    pipeline = state(study)
    names = [stage.name for stage in pipeline.stages if stage.verdict != FROZEN]
    if not names:
        raise StudyError("the package has no stage to run", "dvc.yaml")
    try:
        fetch(study, pipeline, pipeline.missing(names))
    except NotFetched as error:
        mend = f"{again} --remote <where the data is>"
        raise StudyError(error.what, error.where, mend) from None
    recorded = _records(study)
    packaged = _set_aside(study.root, [recorded[name] for name in names if name in recorded])
    start = time.perf_counter()
    where = "look in that folder" if keep else f"{again} --keep --into <a folder>, and look there"
    proof.run(study, names, quiet, where="the replay", mend=where)
    seconds = time.perf_counter() - start
    comparing = _Outputs(study.root, packaged, manifest)
    made = _records(study)
    outputs = [
        output
        for name in names
        for output in comparing.of_stage(name, recorded.get(name), made.get(name))
    ]
    return {
        "seconds": seconds,
        "outputs": [vars(one) for one in outputs],
        "claims": [vars(_claim(one, outputs, comparing)) for one in manifest["claims"]],
        "frozen": pipeline.names(FROZEN),
    }


def _refuse_outside(root: Path) -> None:
    """Refuse a package that has outputs elsewhere: they would be moved away, and overwritten."""
    for record in records.at(root):
        for out in record.outs:
            if out.path.startswith(("/", "../")) or out.path == "..":
                what = "the package names an output outside of its folder"
                raise StudyError(what, printable(out.path), "ask its authors for one without")


def _configure(root: Path, manifest: dict[str, Any], remote: str | None, known: Remotes) -> None:
    """Give DVC a cache of its own; and the remote asked for, or those known, or of the pointers."""
    default, remotes = known
    if remote:
        default, remotes = OTHER_REMOTE, {OTHER_REMOTE: {"url": remote}}
    elif not remotes:
        # A folder beside the study is in the package's own configuration.
        pointers = [one for one in manifest["pointers"] if one["remote"]]
        remotes = {one["remote"]: {"url": one["url"]} for one in pointers if "://" in one["url"]}
        default = next(iter(remotes), None)
    dvc_config.write_local(root, default, remotes, analytics="false", check_update="false")


def _records(study: Study) -> dict[str, Record]:
    return {record.address: record for record in records.at(study.root) if record.is_stage}


def _set_aside(root: Path, stages: Sequence[Record]) -> Path:
    """Move the outputs of stages away, so that none passes for one that was made again."""
    aside = root / PACKAGED
    for out in (out for stage in stages for out in stage.outs):
        if "://" not in out.path and (root / out.path).exists():
            (aside / out.path).parent.mkdir(parents=True, exist_ok=True)
            (root / out.path).rename(aside / out.path)
    return aside


class _Outputs:
    """The outputs that were made again, compared with the packaged ones.

    Args:
        root: The unpacked package.
        packaged: The folder of the outputs as they were in it.
        manifest: What the package says of itself.
    """

    def __init__(self, root: Path, packaged: Path, manifest: dict[str, Any]) -> None:
        self.root = root
        self._packaged = packaged
        self._tolerances = manifest["tolerances"]
        self._files = {file["path"]: file for file in manifest["files"]}
        self._pointers = {pointer["path"]: pointer for pointer in manifest["pointers"]}
        self.inside: dict[str, Comparison] = {}  # files of folders, those that are not the same

    def of_stage(self, name: str, old: Record | None, new: Record | None) -> list[Output]:
        """Return what became of every output of a stage."""
        before = {dep.path: dep.md5 for dep in old.deps} if old else {}
        after = {dep.path: dep.md5 for dep in new.deps} if new else {}
        changed = [path for path in after if before.get(path) != after[path]]
        outs = {out.path: "" for out in (old.outs if old else ())}
        outs |= {out.path: out.md5 for out in (new.outs if new else ())}
        found = []
        for path, md5 in outs.items():
            one = self._compared(path, md5)
            verdict, how = one.verdict, one.how
            if verdict == DIFFERENT and changed:
                verdict = NOT_COMPARABLE
                how = f"its input {printable(changed[0])} came out different; {how}"
            found.append(Output(path, name, verdict, how))
        return found

    def _compared(self, path: str, md5: str) -> Comparison:
        made, packaged = self.root / path, self._packaged / path
        if "://" in path:
            return Comparison(DIFFERENT, "it lies outside the package")
        if not made.exists():
            return Comparison(MISSING, "the stage did not make it")
        if packaged.is_dir():
            return self._folders(path)
        if packaged.exists():
            if made.is_dir():
                return Comparison(DIFFERENT, "a folder, not a file")
            if self._files.get(path, {}).get("md5") == md5:
                return Comparison(SAME)
            return compare(packaged, made, self._tolerances.get(path))
        pointer = self._pointers.get(path)
        if pointer is None:
            return Comparison(DIFFERENT, "the package has nothing to compare it with")
        if pointer["md5"] == md5:
            return Comparison(SAME)
        how = f"hash {md5}, of the packaged pointer {pointer['md5']}"
        if path in self._tolerances:
            how += "; no tolerance applies to what is not in the package"
        return Comparison(DIFFERENT, how)

    def _folders(self, path: str) -> Comparison:
        """Compare a folder with the packaged one, file by file."""
        made, packaged = (listing(folder / path) for folder in (self.root, self._packaged))
        found: dict[str, Comparison] = {}
        for name in sorted({*made, *packaged}):
            if made.get(name) == packaged.get(name):
                continue
            inner = posixpath.join(path, name)
            if name not in made:
                one = Comparison(DIFFERENT, "it was not made")
            elif name not in packaged:
                one = Comparison(DIFFERENT, "the package has none")
            else:
                old, new = self._packaged / inner, self.root / inner
                one = compare(old, new, self._tolerances.get(inner, self._tolerances.get(path)))
            found[inner] = one
        self.inside |= found
        if not found:
            return Comparison(SAME)
        worst = DIFFERENT if DIFFERENT in {one.verdict for one in found.values()} else WITHIN
        first = next(name for name, one in found.items() if one.verdict == worst)
        more = sum(one.verdict == worst for one in found.values()) - 1
        rest = f"; {counted(more, 'file')} more" if more else ""
        return Comparison(worst, f"{printable(first)}: {found[first].how}{rest}")


def _claim(claim: dict[str, Any], outputs: Sequence[Output], found: _Outputs) -> Claim:
    """Return a claim with the verdict of the output that shows it."""
    said = {key: str(claim.get(key) or "") for key in ("claim", "command", "output", "expected")}
    if not said["output"]:
        return Claim(**said, verdict=NOT_CHECKED, how="it names no output")
    path = posixpath.normpath(said["output"])
    for one in outputs:
        if one.path == path:
            return Claim(**said, verdict=one.verdict, how=one.how)
        if path.startswith(f"{one.path}/"):
            inner = found.inside.get(path, Comparison(SAME))
            there = (found.root / path).exists() and one.verdict != MISSING
            verdict = inner.verdict if there else MISSING
            return Claim(**said, verdict=verdict, how=inner.how)
    within = [one for one in outputs if one.path.startswith(f"{path}/")]
    if within:
        order = (SAME, WITHIN, NOT_COMPARABLE, DIFFERENT, MISSING)
        worst = max(within, key=lambda one: order.index(one.verdict))
        return Claim(**said, verdict=worst.verdict, how=worst.how)
    by_hand = printable(said["command"])
    how = f"no stage that ran makes it{f'; by hand: {by_hand}' if by_hand else ''}"
    return Claim(**said, verdict=MISSING, how=how)


if __name__ == "__main__":
    sys.exit(main())
