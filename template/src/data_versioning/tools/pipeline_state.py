"""How each stage's record compares with the study: a process of its own, see `freshness`.

`dvc status` answers that for data that is here only: where it is not, it says neither whether the
record of an input is that of the stage which makes it, nor anything about an input that is a file
of a tracked folder, or a folder with tracked files in it.

Reads the study's folder from its argument. Prints JSON: the stages and `*.dvc` files in the order
in which they would run, each with what differs. Asks no remote and no other repository.
"""

from __future__ import annotations

import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def main(root: str) -> int:
    """Print the state; errors are worded as the `dvc` command words them."""
    from dvc.repo import Repo
    from dvc.utils.strictyaml import YAMLValidationError

    try:
        with Repo(root) as repo:
            import networkx as nx

            graph = repo.index.graph
            outs = {out.fs_path: out for stage in repo.index.stages for out in stage.outs}
            inside: dict[str, list[Any]] = defaultdict(list)
            for path, out in outs.items():
                for folder in _above(path):
                    inside[folder].append(out)
            print(json.dumps([
                _state(stage, outs, inside)
                | {"after": sorted(one.addressing for one in graph[stage])}
                for stage in nx.dfs_postorder_nodes(graph)
            ]))  # fmt: skip
    except YAMLValidationError as error:
        error.__pretty_exc__()  # to standard error, with file and line
        return 1
    except Exception as error:  # whatever the files of the study make DVC stumble over
        reasons = []
        cause: BaseException | None = error
        while cause:
            reasons.append(str(cause) or type(cause).__name__)
            cause = cause.__cause__
        print(f"ERROR: {': '.join(dict.fromkeys(reasons))}", file=sys.stderr)
        return 1
    return 0


def _state(stage: Any, outs: dict[str, Any], inside: dict[str, list[Any]]) -> dict[str, Any]:
    from dvc.dependency import ParamsDependency

    is_stage = bool(stage.cmd)
    params = [dep for dep in stage.deps if isinstance(dep, ParamsDependency)]
    others = [dep for dep in stage.deps if is_stage and dep not in params]
    return {
        "address": stage.addressing,
        "is_stage": is_stage,
        "frozen": stage.frozen,
        "always": bool(stage.is_callback or stage.always_changed),
        "command": is_stage and stage.changed_stage(),
        "recorded": any(entry.hash_info for entry in [*stage.deps, *stage.outs]),
        "params": {_path(dep): _params(dep) for dep in params},
        "deps": [_dependency(dep, outs, inside) for dep in others],
        "outs": [_output(out) for out in stage.outs],
    }


def _params(dep: Any) -> Any:
    """Return what differs, by name; of a file that is not there, one word."""
    return next(iter(dep.status().values()), {})


def _dependency(dep: Any, outs: dict[str, Any], inside: dict[str, list[Any]]) -> dict[str, Any]:
    """Return how an input compares.

    `here`: what is on disk with what the stage read, as `dvc status` words it. `record`: what the
    records of its sources say with what the stage read. `disk`: what is on disk with these records.
    """
    from dvc.dependency import DatasetDependency

    facts = {"path": _path(dep), "here": "", "record": "", "disk": "", "sources": []}
    if isinstance(dep, DatasetDependency):  # dvc.lock says all of it
        return facts | {"here": next(iter(dep.status().values()), "")}
    if dep.protocol != "local":
        return facts | {"here": "not asked"}
    path = dep.fs_path
    # The input itself, or a folder that it lies in; otherwise what lies in it.
    holder = next((outs[one] for one in (path, *_above(path)) if one in outs), None)
    sources = [holder] if holder else inside.get(path, [])
    facts["sources"] = [_path(out) for out in sources]
    facts["here"] = next(iter(dep.status().values()), "") if dep.hash_info else "new"
    if not sources:
        return facts
    recorded = _hash_in(holder, path) if holder else _hash_with(dep, sources)
    if not dep.exists or (not holder and not all(out.exists for out in sources)):
        facts["disk"] = "absent"
    else:
        dep.update_legacy_hash_name()  # to DVC, a new input is one of before DVC 3
        if recorded and dep.hash_name == recorded.name and dep.get_hash() != recorded:
            facts["disk"] = "differs"
    if not recorded or recorded.name != dep.hash_info.name:
        return facts | {"record": "unknown"}
    return facts | {"record": "" if recorded == dep.hash_info else "other"}


def _hash_in(out: Any, path: str) -> Any:
    """Return the hash on record of an output or of a part of it; None without its listing."""
    if out.fs_path == path or not out.hash_info:
        return out.hash_info
    listing = out.get_obj()
    part = listing and out.get_obj(filter_info=path)
    return part.hash_info if part else None


def _hash_with(dep: Any, inside: Iterable[Any]) -> Any:
    """Return the hash of a folder that holds files of git and outputs as they are on record."""
    from dvc_data.hashfile.build import build
    from dvc_data.hashfile.tree import Tree

    files = {}
    if dep.exists:
        tree: Any
        _, _, tree = build(
            dep.cache, dep.fs_path, dep.fs, dep.hash_name, dry_run=True, ignore=dep.dvcignore
        )
        files = {key: (meta, digest) for key, meta, digest in tree}
    for out in inside:
        key = out.fs.relparts(out.fs_path, dep.fs_path)
        if not out.hash_info:
            return None
        files = {one: file for one, file in files.items() if one[: len(key)] != key}
        if not out.hash_info.isdir:
            files[key] = (out.meta, out.hash_info)
        elif (listing := out.get_obj()) is not None:
            files |= {(*key, *one): (meta, digest) for one, meta, digest in listing}
        else:
            return None
    whole: Any = Tree()  # type: ignore[no-untyped-call]
    for one, (meta, digest) in files.items():
        whole.add(one, meta, digest)
    whole.digest()
    return whole.hash_info


def _output(out: Any) -> dict[str, Any]:
    facts = {"path": _path(out), "cached": out.use_cache, "recorded": bool(out.hash_info)}
    if out.protocol != "local":
        return facts | {"here": "not asked", "fetched": True, "kept": True}
    # `status` says of all that the cache lacks only that, whatever is on disk.
    here = next(iter(out.workspace_status().values()), "")
    # What a stage made is in the cache, be it of another branch; what a hand changed is not.
    kept = here != "modified" or out.cache.exists(out.get_hash().value)
    return facts | {"here": here, "fetched": not out.changed_cache(), "kept": kept}


def _path(entry: Any) -> str:
    """Return a path as relative to the study, or an address."""
    root: str = entry.repo.root_dir
    if entry.protocol != "local" or not entry.fs_path.startswith(f"{root}{os.sep}"):
        return str(entry.def_path)
    return Path(entry.fs_path).relative_to(root).as_posix()


def _above(path: str) -> list[str]:
    """Return the folders that a path lies in, the nearest first."""
    found = []
    while (folder := os.path.dirname(path)) != path:
        found.append(folder)
        path = folder
    return found


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
