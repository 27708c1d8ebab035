"""Reproduce the pipeline, and log one run when that changed something."""

from __future__ import annotations

import os
import re
import stat
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from data_versioning.errors import StoreError, StudyError, UsageError
from data_versioning.locking import exclusive
from data_versioning.pipeline import unlogged
from data_versioning.pipeline.stage_results import StageResult, stage_failed, stage_results
from data_versioning.study import Study, read_yaml
from data_versioning.tools import dvc, dvc_cache, dvc_files, git

LOCK = ".dvc/tmp/reproduce.lock"
NODE = re.compile(r'(?<=\[")[^\n]*(?:\n(?!\t)[^\n]*)*(?="\](?:\n\t|$))')  # the label of one


@dataclass(frozen=True)
class Reproduction:
    """What `reproduce` did.

    Args:
        changed: Whether it left another `dvc.lock` behind.
        seconds: How long DVC took.
        run_id: The MLflow run, if one was logged.
        stages: What became of each stage.
    """

    changed: bool
    seconds: float
    run_id: str | None
    stages: tuple[StageResult, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as what JSON can hold."""
        return asdict(self)

    def report(self) -> str:
        """Return a line for each stage, if one had something to do, and what to do next."""
        lines = []
        width = max((len(stage.name) for stage in self.stages), default=0)
        worked = any(stage.outcome != "skipped" for stage in self.stages)
        for stage in self.stages if worked else ():
            seconds = "" if stage.seconds is None else f"{stage.seconds:.1f} s"
            changed = ", ".join(stage.changed)
            line = f"{stage.name:<{width}}  {stage.outcome:<7}  {seconds:>8}  {changed}"
            lines.append(line.rstrip())
        if self.run_id:
            keep = "to keep this result: git add -A && git commit"
            lines.append(f"logged MLflow run {self.run_id[:8]}; {keep}")
        elif not self.changed:
            lines.append("nothing changed, nothing logged")
        return "\n".join(lines)


class PipelineManager:
    """The pipeline of a study.

    What DVC and the stages print is shown as they print it.

    Args:
        pipeline_file: The `dvc.yaml` in the study's folder.
        project_dir: The study's folder, or one in it.

    Raises:
        StudyError: There is no study, or the pipeline is another file.
    """

    def __init__(
        self, pipeline_file: Path | str = dvc_files.PIPELINE, project_dir: Path | str = "."
    ) -> None:
        self.study = Study.open(project_dir)
        root = self.study.root
        if (root / pipeline_file).resolve() != (root / dvc_files.PIPELINE).resolve():
            raise StudyError("not the pipeline of the study", str(pipeline_file), "dvc.yaml")

    def run(self, params: Mapping[str, Any] | None = None) -> Reproduction:
        """Run what is out of date: `reproduce`, without its options."""
        return self.reproduce(params)

    def run_stage(
        self, name: str, params: Mapping[str, Any] | None = None, force: bool = False
    ) -> Reproduction:
        """Run a stage, and before it those that it needs, where they are out of date.

        Args:
            name: The stage; of a loop all of it, `train`, or one, `train@large`.
            params: See `reproduce`.
            force: Run it and those that it needs although nothing changed.

        Raises:
            StudyError: See `reproduce`; or there is no such stage.
        """
        return reproduce(self.study, [*_force(force), "--", name], params=params)

    def reproduce(
        self, params: Mapping[str, Any] | None = None, force: bool = False
    ) -> Reproduction:
        """Run what is out of date, and log one MLflow run if that changed something.

        Args:
            params: New values of parameters by their dotted names, such as `train.alpha`. They
                are written to `params.yaml` and stay there, also when a stage fails: the same
                call, or one without them, then goes on.
            force: Run every stage although nothing changed.

        Raises:
            StageFailed: A stage failed; carries its exit status and the end of its output.
            StudyError: The pipeline cannot run, or a parameter is unknown or of a wrong type;
                then nothing ran and nothing was written.
        """
        return reproduce(self.study, _force(force), params=params)

    def dag(self) -> str:
        """Return the stages and tracked data as a Mermaid flowchart, from data to results."""
        text = dvc.call(self.study.root, "dag", "--mermaid").strip()
        # DVC puts names between quotation marks as they are; these mean something to Mermaid.
        return NODE.sub(lambda node: re.sub(r'[#"&<>`\\\n]', _code, node[0]), text)


def reproduce(
    study: Study,
    args: Sequence[str] = (),
    quiet: bool = False,
    params: Mapping[str, Any] | None = None,
    then: Callable[[], Sequence[str]] | None = None,
) -> Reproduction:
    """Run `dvc repro` and log one run if `dvc.lock` changed, or if a stage began a run.

    A reproduction whose run could not be logged (server down, process killed) is logged by the
    next one.

    Args:
        study: The study.
        args: Further arguments of `dvc repro`, such as the name of a stage.
        quiet: Write nothing to standard output.
        params: New values of parameters; see `PipelineManager.reproduce`.
        then: Asked for the arguments of a further `dvc repro`, until it has none.

    Raises:
        StageFailed: A stage failed; a FAILED run that names it was logged.
        StudyError: The pipeline cannot run.
    """
    root = study.root
    with exclusive(root / LOCK, "it reproduces the pipeline") as held:
        for path in (root / dvc_files.PIPELINE, root / "params.yaml"):
            if path.exists():
                read_yaml(path)  # DVC's own message about broken YAML names no file
        _refuse_unknown_stages(root, args)
        if params:
            from data_versioning.pipeline.parameters import set_params

            set_params(root, params)
        dvc.forget_killed_processes(root)
        digest = dvc_files.lock_digest(root)
        owed = unlogged.begin(root, digest)
        before = dvc_files.locked_stages(root)
        start = time.perf_counter()
        done = _run(root, args, quiet, held, before)
        while then and done.status == 0 and (more := then()):
            again = _run(root, more, quiet, held, dvc_files.locked_stages(root))
            done = replace(again, log=done.log + again.log)
        seconds = time.perf_counter() - start
        digest_now = dvc_files.lock_digest(root)
        changed = digest_now != owed[unlogged.DIGEST]
        failed, reason = dvc.failure(done.stderr) if done.status != 0 else (None, "")
        after = before if digest_now == digest else dvc_files.locked_stages(root)
        stages = () if "--dry" in args else stage_results(done.log, before, after)
        worked = any(stage.outcome != "skipped" for stage in stages)
        joined = unlogged.read(root).get("run_id")
        run_id = None
        if failed or (done.status == 0 and (changed or (joined and worked))):
            run_id = _log(study, seconds, failed, reason, joined)
        elif done.status == 0 and joined:
            _end_killed(study, joined)
        if run_id or not (changed or joined):
            unlogged.forget(root)
        if done.status == dvc.BAD_USAGE:
            raise UsageError("dvc repro", reason, "dvc repro --help")
        if failed:
            raise stage_failed(failed, reason, done.printed)
        if done.status != 0:
            raise StudyError("the pipeline did not run", reason, "mend it, then: make repro")
        make_read_only(root / "data/raw")
        return Reproduction(changed, seconds, run_id, stages)


def _code(found: re.Match[str]) -> str:
    return f"#{ord(found[0])};"


def _force(force: bool) -> list[str]:
    return ["--force"] if force else []


def _refuse_unknown_stages(root: Path, args: Sequence[str]) -> None:
    """Refuse what DVC would look for in vain, before anything is written.

    Options of `dvc repro` can change what the other arguments mean; then DVC is asked.
    """
    names = [arg for arg in args if arg not in {"--", "--force"}]
    if not names or any(name.startswith("-") for name in names):
        return
    stages = dvc_files.stages(root)
    for name in names:
        if name.partition("@")[0] in stages or ":" in name or (root / name).exists():
            continue
        raise StudyError(
            f"no stage '{name}'",
            f"{dvc_files.PIPELINE} has {', '.join(stages) or 'none'}",
            "dvc stage list",
        )


def make_read_only(folder: Path) -> None:
    """Take the write permission from every file of a folder: raw data is written once."""
    write = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
    for path in folder.rglob("*"):
        kept_by_git = path.suffix in {".dvc", ".md"} or path.name.startswith(".git")
        if kept_by_git or path.is_symlink() or not path.is_file():
            continue
        mode = path.stat().st_mode
        if mode & write:
            path.chmod(mode & ~write)


def _run(
    root: Path, args: Sequence[str], quiet: bool, held: int, before: dvc_cache.Stages
) -> dvc.Reproduced:
    """Run `dvc repro`; once more where a damaged file of its cache had got into the results."""
    lock = root / dvc_files.LOCK
    content = lock.read_bytes() if lock.exists() else None
    since = os.fstat(held).st_mtime_ns  # it was just written
    done = dvc.repro(root, args, quiet, held)
    if damaged := dvc_cache.set_damaged_aside(root, before, since):
        names = ", ".join(str(path) for path in damaged)
        print(f"warning: damaged in DVC's cache, so made again: {names}", file=sys.stderr)
        print(f"the damaged files are in {dvc_cache.ASIDE}", file=sys.stderr, flush=True)
        if content is None:
            lock.unlink()
        else:
            lock.write_bytes(content)
            git.stage(root, dvc_files.LOCK)  # DVC staged the damaged one
        again = dvc.repro(root, args, quiet, held)
        done = replace(again, log=done.log + again.log)
    return done


def _log(
    study: Study, seconds: float, stage: str | None, reason: str, joined: str | None
) -> str | None:
    from data_versioning.experiments.runs import log_reproduction

    try:
        return log_reproduction(study, seconds, stage, reason, joined)
    except StoreError as error:
        # The results are on disk whatever happens to a server; the next reproduction logs them.
        print(f"warning: no run logged: {error}", file=sys.stderr)
        print("try: make repro, once that is mended", file=sys.stderr)
        return None


def _end_killed(study: Study, run_id: str) -> None:
    """End the run that a killed reproduction left behind and that nothing is left to do for."""
    from data_versioning.experiments.runs import end_run

    try:
        end_run(study, run_id, "KILLED")
    except StoreError as error:
        print(f"warning: the run {run_id} is still open: {error}", file=sys.stderr)
    else:
        unlogged.forget(study.root)
