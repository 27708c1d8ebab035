"""Verbs of the model registry."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from data_versioning.cli.verbs import Verbs, aligned, json_option, show

if TYPE_CHECKING:
    from data_versioning.models.registry import ModelRegistry, ModelVersion

SHARE = "share it: git push --follow-tags"
SHOWN = 3  # metrics in the list


def add(verbs: Verbs) -> None:
    """Add the verbs."""
    verbs.group("models")
    registry = verbs.nest("registry", "versions of models and who holds which stage")

    register = registry.add("register", _register, "register a version: tag it in git and MLflow")
    register.add_argument("name", help="the model: letters, digits, - and _")
    register.add_argument("version", help="a semantic version, such as 1.2.0")
    register.add_argument("--path", help="its file (default: what dvc.yaml or study.yaml says)")
    register.add_argument("--stage", help="promote it to this stage, too")
    register.add_argument(
        "--metric", action="append", default=[], type=_metric, metavar="NAME=VALUE",
        help="what it scored (default: the metrics of the pipeline)",
    )  # fmt: skip
    register.add_argument("--remote", help="push the model to this remote of DVC")

    promote = registry.add("promote", _promote, "give a stage to a version")
    promote.add_argument("name")
    promote.add_argument("version")
    promote.add_argument("stage", help="such as production")
    promote.add_argument(
        "--no-worse", metavar="METRIC", help="refuse if the holder of the stage is better in this"
    )
    promote.add_argument("--lower-is-better", action="store_true", help="less of it is better")

    listed = registry.add("list", _list, "list the versions and the stages they hold")
    history = registry.add("history", _history, "who registered and promoted what, and when")
    history.add_argument("name")
    verify = registry.add("verify", _verify, "compare git's tags with MLflow; 1 if they disagree")
    rebuild = registry.add("rebuild", _rebuild, "make MLflow say what git's tags say")
    for parser in (register, promote, listed, history, verify, rebuild):
        json_option(parser)


def _register(args: argparse.Namespace) -> None:
    from data_versioning.models.registry import ModelRegistry

    registry = ModelRegistry(remote=args.remote)
    metrics = dict(args.metric) or None
    before = _known(registry, args.name).get(args.version)
    made = registry.register(args.name, args.version, args.path, metrics, args.stage)
    if made == before:
        text = f"already registered: {_line(made)}"
    else:
        text = f"{'promoted' if before else 'registered'} {_line(made)}; {SHARE}"
    show(args, _plain(made), text)


def _promote(args: argparse.Namespace) -> None:
    from data_versioning.models.registry import ModelRegistry

    registry = ModelRegistry()
    before = _known(registry, args.name).values()
    holder = next((one for one in before if args.stage in one.stages), None)
    made = registry.transition(
        args.name, args.version, args.stage, args.no_worse, args.lower_is_better
    )
    if holder and holder.version == made.version:
        text = f"{made.name} {made.version} already holds {args.stage}"
    else:
        text = f"promoted {_line(made)}; {SHARE}"
    if args.no_worse and holder:
        new, old = (float(one.metrics[args.no_worse]) for one in (made, holder))
        better = "less" if args.lower_is_better else "more"
        text += (
            f"\n{args.no_worse}: {new:g} against {old:g} of {holder.version}, {better} is better"
        )
    show(args, _plain(made), text)


def _list(args: argparse.Namespace) -> None:
    from data_versioning.models.registry import ModelRegistry

    found = ModelRegistry().list()
    rows = [["model", "version", "stages", "registered", "by", "metrics"]]
    rows += [
        [
            one.name,
            one.version,
            ", ".join(one.stages) or "-",
            f"{one.time:%Y-%m-%d %H:%M}",
            one.author,
            _some(one.metrics),
        ]
        for one in found
    ]
    text = aligned(rows) if found else "no model is registered"
    show(args, [_plain(one) for one in found], text)


def _history(args: argparse.Namespace) -> None:
    from data_versioning.models.registry import ModelRegistry

    found = ModelRegistry().history(args.name)
    rows = [["when", "who", "what", "tag"]]
    rows += [[f"{one.time:%Y-%m-%d %H:%M}", one.author, one.message, one.tag] for one in found]
    show(args, [asdict(one) | {"time": one.time.isoformat()} for one in found], aligned(rows))


def _verify(args: argparse.Namespace) -> int:
    from data_versioning.models.registry_check import verify
    from data_versioning.study import Study

    found = verify(Study.open())
    rows = [["model", "what", "in git", "in MLflow"]]
    rows += [[one.name, one.what, one.in_git, one.in_mlflow] for one in found]
    mend = "\ntry: python -m data_versioning registry rebuild"
    text = aligned(rows) + mend if found else "git's tags and MLflow agree"
    show(args, [asdict(one) for one in found], text)
    return int(bool(found))


def _rebuild(args: argparse.Namespace) -> None:
    from data_versioning.models.registry_check import rebuild
    from data_versioning.study import Study

    found = rebuild(Study.open())
    lines = [f"mended {one.name}: {one.what}: {one.in_mlflow} is {one.in_git}" for one in found]
    text = "\n".join(lines) or "nothing to mend"
    show(args, [asdict(one) for one in found], text)


def _plain(one: ModelVersion) -> dict[str, Any]:
    return asdict(one) | {"time": one.time.isoformat()}


def _known(registry: ModelRegistry, name: str) -> dict[str, ModelVersion]:
    return {one.version: one for one in registry.list() if one.name == name}


def _some(metrics: Mapping[str, float]) -> str:
    texts = [f"{key}={value:.4g}" for key, value in metrics.items()]
    more = [f"+{len(texts) - SHOWN} more"] if len(texts) > SHOWN else []
    return " ".join(texts[:SHOWN] + more)


def _line(one: ModelVersion) -> str:
    return f"{one.name} {one.version}" + (f" ({', '.join(one.stages)})" if one.stages else "")


def _metric(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        if name:
            return name, float(value)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"not NAME=NUMBER: {text!r}")
