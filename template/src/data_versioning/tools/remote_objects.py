"""Ask a remote which objects it lacks: a process of its own, started by `dvc_state.lacking`.

No command of DVC says that: `dvc status --cloud` names one path per hash, and takes the files of a
folder for granted when the folder's own object is there. So does `dvc push`, which sends none then.

Reads JSON: `root`, `remote`, `objects`, hashes by the algorithm that made them, `older`, more of
these that matter only where the cache has them, and `send`, whether to send what is lacking.
Prints JSON: by hash how many files are lacking, the folder's own object included, and how many of
these are lost, in the cache neither.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def main() -> int:
    """Answer one question; errors are worded as the `dvc` command words them."""
    from dvc.repo import Repo

    asked = json.load(sys.stdin)
    answer: dict[str, tuple[int, int]] = {}
    try:
        with Repo(asked["root"]) as repo:
            for algorithm in asked["objects"] | asked["older"]:
                remote = repo.cloud.get_remote_odb(asked["remote"], "status", hash_name=algorithm)
                cache = repo.cache.local if algorithm == "md5" else repo.cache.legacy
                hashes = asked["objects"].get(algorithm, [])
                older = set(cache.list_oids_exists(asked["older"].get(algorithm, [])))
                parts = {digest: _parts(digest, cache, remote) for digest in older.union(hashes)}
                lacking, lost = _lacking(remote, cache, set().union(*parts.values()))
                here = lacking - lost
                if asked["send"] and here:
                    # Folders last: who sees one takes its files for granted.
                    for digest in sorted(here, key=lambda digest: digest.endswith(".dir")):
                        remote.add(cache.oid_to_path(digest), cache.fs, digest)
                    lacking, lost = _lacking(remote, cache, lacking)
                answer |= {
                    digest: (len(files & lacking), len(files & lost))
                    for digest, files in parts.items()
                    if files & lacking
                }
    except Exception as error:  # of any storage library
        reasons = []
        cause: BaseException | None = error
        while cause:
            reasons.append(str(cause) or type(cause).__name__)
            cause = cause.__cause__
        print(f"ERROR: {': '.join(dict.fromkeys(reasons))}", file=sys.stderr)
        return 1
    print(json.dumps(answer))
    return 0


def _lacking(remote: Any, cache: Any, wanted: set[str]) -> tuple[set[str], set[str]]:
    """Return what a remote lacks, and what of that the cache lacks as well."""
    # The local one hashes the files again, and deletes what does not match.
    exist = remote.list_oids_exists if remote.fs.protocol == "local" else remote.oids_exist
    lacking = wanted - set(exist(list(wanted)))
    return lacking, lacking - set(cache.list_oids_exists(list(lacking)))


def _parts(digest: str, cache: Any, remote: Any) -> set[str]:
    if not digest.endswith(".dir"):
        return {digest}
    return {digest} | (_files(cache, digest) or _files(remote, digest))


def _files(odb: Any, digest: str) -> set[str]:
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_data.hashfile.tree import Tree
    from dvc_objects.errors import ObjectFormatError

    try:
        tree = Tree.load(odb, HashInfo("md5", digest))
    except (FileNotFoundError, ObjectFormatError):
        return set()
    return {info.value for _, _, info in tree}


if __name__ == "__main__":
    raise SystemExit(main())
