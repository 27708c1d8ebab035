"""The merge drivers: what git runs for `dvc.lock` and for the files of DVC that end in `.dvc`.

Git hands over three temporary files and takes the merged content from the one of our side; see
gitattributes(5). Content that a driver cannot merge is merged as text, so that none is lost.
"""

from __future__ import annotations

import itertools
import shutil
import sys
import tempfile
from pathlib import Path

from data_versioning.errors import StudyError
from data_versioning.merging.lock_merge import merge_lock
from data_versioning.study import Study
from data_versioning.tools import dvc, git_merge


def merge_lock_files(ancestor: Path, ours: Path, theirs: Path, path: str = "dvc.lock") -> bool:
    """Merge two versions of a `dvc.lock` into `ours`, stage by stage.

    Args:
        ancestor: The version that both come from.
        ours: The version of the current branch.
        theirs: The version that is merged into it.
        path: What the file is called in messages.

    Returns:
        Whether nothing is in conflict.
    """
    try:
        merged = merge_lock(*(one.read_bytes() for one in (ancestor, ours, theirs)))
    except StudyError as error:
        # As lines, halves of two records make one that never ran, and no conflict.
        git_merge.as_text(ancestor, ours, theirs)
        print(f"merged {path} as text, look at it before `git add`: {error}", file=sys.stderr)
        return False
    ours.write_bytes(merged.text)
    if merged.conflicts:
        names = ", ".join(one if one.isprintable() else repr(one) for one in merged.conflicts)
        print(f"both sides changed, in {path}: {names}", file=sys.stderr)
    else:
        print(f"merged {path} by stage: check with make repro", file=sys.stderr)
    return not merged.conflicts


def merge_data_files(ancestor: Path, ours: Path, theirs: Path, path: str) -> bool:
    """Merge two versions of a `.dvc` file into `ours`: that of a folder by DVC, file by file.

    Args:
        ancestor: The version that both come from.
        ours: The version of the current branch.
        theirs: The version that is merged into it.
        path: Where the merged file goes; says which study it belongs to.

    Returns:
        Whether nothing is in conflict.
    """
    root = Study.open(Path(path).parent).root
    # DVC reads nothing outside the study, and git's files can lie above it.
    with tempfile.TemporaryDirectory(prefix=".merge-", dir=root) as folder:
        copies = [shutil.copy(one, folder) for one in (ancestor, ours, theirs)]
        options = zip(("--ancestor", "--our", "--their"), copies, strict=True)
        try:
            if not (root / ".dvc").is_dir():  # which DVC's driver calls a success
                raise StudyError("DVC is not set up", str(root), "make setup")
            dvc.call(root, "git-hook", "merge-driver", *itertools.chain(*options))
        except StudyError as error:
            print(f"merged {path} as text, for DVC could not: {error}", file=sys.stderr)
            return git_merge.as_text(ancestor, ours, theirs)
        shutil.copy(copies[1], ours)
    print(f"merged {path} file by file: put the data in place with make pull", file=sys.stderr)
    return True
