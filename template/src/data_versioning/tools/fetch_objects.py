"""Get objects from a remote into DVC's cache: a process of its own, started by `dvc_state.fetch`.

`dvc fetch` knows objects only by what the work tree, a branch or a tag refers to.

Reads the JSON file that its argument names: `root`, `remote` and `hashes`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def main() -> int:
    """Fetch; errors are worded as the `dvc` command words them."""
    from dvc.repo import Repo
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_data.hashfile.transfer import transfer

    asked = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    try:
        with Repo(asked["root"]) as repo, _progress() as progress:
            remote = repo.cloud.get_remote_odb(asked["remote"], "fetch")
            hashes = {HashInfo("md5", digest) for digest in asked["hashes"]}
            transfer(remote, repo.cache.local, hashes, callback=progress)
    except Exception as error:  # of any storage library
        reasons = []
        cause: BaseException | None = error
        while cause:
            reasons.append(str(cause) or type(cause).__name__)
            cause = cause.__cause__
        print(f"ERROR: {': '.join(dict.fromkeys(reasons))}", file=sys.stderr)
        return 1
    return 0


def _progress() -> Any:
    from dvc.fs.callbacks import DEFAULT_CALLBACK, TqdmCallback

    if not sys.stderr.isatty():
        return DEFAULT_CALLBACK
    return TqdmCallback(desc="Fetching", unit="file")


if __name__ == "__main__":
    raise SystemExit(main())
