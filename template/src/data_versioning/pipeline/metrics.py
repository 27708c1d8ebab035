"""Read metrics, and compare them and parameters between any two revisions without a checkout."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_versioning.errors import StudyError
from data_versioning.study import Study, flatten, parse_yaml, plain, refuse_deep
from data_versioning.tools import dvc_files, git

WORKSPACE = "workspace"


@dataclass(frozen=True)
class Change:
    """A metric or a parameter on both sides.

    Args:
        file: The file it is in.
        name: Its dotted name in the file.
        old: Its value in the baseline; None if it has none there.
        new: Its value in the comparison; None if it has none there.
    """

    file: str
    name: str
    old: Any
    new: Any

    @property
    def full_name(self) -> str:
        """The file and the name, such as `results/metrics.json:accuracy`."""
        return f"{self.file}:{self.name}"

    @property
    def difference(self) -> float | None:
        """How much more the new value is; None where one of them is no number."""
        if _is_number(self.old) and _is_number(self.new):
            return float(self.new - self.old)
        return None

    def as_dict(self) -> dict[str, Any]:
        """Return it as what JSON can hold."""
        values = {"old": self.old, "new": self.new, "difference": self.difference}
        return {"file": self.file, "name": self.name, **plain(values)}


@dataclass(frozen=True)
class MetricsDiff:
    """The metrics of two revisions; `diff["accuracy"]` is how much more the new one is.

    Args:
        baseline: What the old values are of.
        comparison: What the new values are of.
        metrics: Every metric.
        params: The parameters that changed.
    """

    baseline: str
    comparison: str
    metrics: tuple[Change, ...]
    params: tuple[Change, ...]

    def __getitem__(self, name: str) -> float:
        """Return the difference of a metric.

        Args:
            name: `accuracy`; or `test.accuracy` or `results/metrics.json:accuracy` where there are
                several of that name.

        Raises:
            UnknownMetric: There is no such metric, or several, or it has no number on both sides.
        """
        change = self.metric(name)
        if change.difference is not None:
            return change.difference
        if change.old is None or change.new is None:
            side = self.baseline if change.old is None else self.comparison
            raise UnknownMetric(f"no metric {name} in {side}", change.file)
        raise UnknownMetric(f"not a number: {name}", f"{change.old!r} and {change.new!r}")

    def metric(self, name: str) -> Change:
        """Return a metric by its name; see `diff[name]`."""
        matches = [
            [change for change in self.metrics if name == change.full_name],
            [change for change in self.metrics if name == change.name],
            [change for change in self.metrics if change.name.endswith(f".{name}")],
        ]
        found = next(filter(None, matches), [])
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(change.full_name for change in found)
            raise UnknownMetric(f"several metrics are called {name}", names)
        names = ", ".join(change.name for change in self.metrics) or "none"
        raise UnknownMetric(f"no metric {name}", f"there is {names}")

    def rows(self) -> tuple[list[list[str]], list[list[str]]]:
        """Return the metrics and the parameters as rows of text; the first of each is a header."""
        both: list[list[list[str]]] = []
        for title, changes in (("metric", self.metrics), ("parameter", self.params)):
            names = [change.name for change in changes]
            table = [[title, self.baseline, self.comparison, "difference"]]
            for change in changes:
                name = change.full_name if names.count(change.name) > 1 else change.name
                difference = shown(change.difference, sign="+")
                table.append([name, shown(change.old), shown(change.new), difference])
            both.append(table)
        return both[0], both[1]

    def table(self) -> str:
        """Return it as aligned text."""
        return self._tables(_text_table)

    def markdown(self) -> str:
        """Return it as Markdown tables."""
        return self._tables(_markdown_table)

    def as_dict(self) -> dict[str, Any]:
        """Return it as what JSON can hold."""
        return {
            "baseline": self.baseline,
            "comparison": self.comparison,
            "metrics": [change.as_dict() for change in self.metrics],
            "params": [change.as_dict() for change in self.params],
        }

    def _tables(self, drawn: Callable[[list[list[str]]], str]) -> str:
        tables = [drawn(rows) for rows in self.rows() if len(rows) > 1]
        return "\n\n".join(tables) or "no metrics, and no parameter changed"


class UnknownMetric(StudyError, KeyError):
    """A metric that is not there, is there twice, or has no difference."""

    __str__ = Exception.__str__


class MetricsComparator:
    """Compares the metrics of a study.

    Args:
        project_dir: The study's folder, or one in it.

    Raises:
        StudyError: There is no study.
    """

    def __init__(self, project_dir: Path | str = ".") -> None:
        self.study = Study.open(project_dir)

    def diff(self, baseline: str = "HEAD", comparison: str | None = None) -> MetricsDiff:
        """Compare every metric and parameter of two revisions.

        Metrics are those that `dvc.yaml` names at each revision, parameters all of `params.yaml`
        and of the other files that its stages name.

        Args:
            baseline: A commit, branch or tag.
            comparison: Another one; the files on disk when not given.

        Raises:
            StudyError: There is no such revision, or a file is damaged or in no storage.
        """
        root = self.study.root
        sides = []
        for rev in (baseline, comparison):
            commit = None if rev is None else git.resolve(root, rev)
            metrics, params = dvc_files.value_files(root, commit)
            sides.append((_values(root, commit, metrics), _values(root, commit, params)))
        (old_metrics, old_params), (new_metrics, new_params) = sides
        changed = (c for c in _changes(old_params, new_params) if repr(c.old) != repr(c.new))
        return MetricsDiff(
            baseline=baseline,
            comparison=WORKSPACE if comparison is None else comparison,
            metrics=tuple(_changes(old_metrics, new_metrics)),
            params=tuple(changed),
        )


def read_metrics(study: Study) -> dict[str, Any]:
    """Return the metrics of all files together, as `dvc.api.metrics_show` does.

    Plain files are read here, as a start of DVC costs more. A name that several files have becomes
    `<file>:<name>`.

    Raises:
        StudyError: A file is not what its ending says.
    """
    paths = sorted(dvc_files.value_files(study.root)[0])
    folders = any((study.root / path).is_dir() for path in paths)
    if folders or len(git.tracked_files(study.root, f"*{dvc_files.PIPELINE}")) > 1:
        import dvc.api

        return dict(dvc.api.metrics_show(repo=str(study.root)))
    contents = {
        path: parse_values(content, path)
        for path in paths
        if (content := dvc_files.content(study.root, path)) is not None
    }
    uses = Counter(name for content in contents.values() for name in content)
    return {
        (name if uses[name] == 1 else f"{path}:{name}"): value
        for path, content in contents.items()
        for name, value in content.items()
    }


Values = dict[tuple[str, str], Any]


def _values(root: Path, rev: str | None, paths: Iterable[str]) -> Values:
    """Return the values of some files by file and dotted name; a missing file has none."""
    return {
        (path, name): value
        for path in sorted(paths)
        if (content := dvc_files.content(root, path, rev)) is not None
        for name, value in flatten(parse_values(content, path, f" at {rev[:8]}" if rev else ""))
    }


def parse_values(content: bytes, path: str, at: str = "") -> Mapping[str, Any]:
    """Return the mapping that a JSON, TOML or YAML file holds.

    Args:
        content: What the file holds.
        path: Its path; the ending says what it is.
        at: What to add to the path in an error.
    """
    kind = {".json": "JSON", ".toml": "TOML"}.get(Path(path).suffix)
    if kind is None:
        return parse_yaml(content, f"{path}{at}")
    try:
        parsed = json.loads(content) if kind == "JSON" else tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise StudyError(f"not valid {kind}", f"{path}{at}: {error}") from None
    if not isinstance(parsed, dict):
        raise StudyError("not a mapping of names to values", f"{path}{at}")
    refuse_deep(parsed, f"{path}{at}")
    return parsed


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _changes(old: Values, new: Values) -> Iterable[Change]:
    for file, name in sorted(old.keys() | new.keys()):
        yield Change(file, name, old.get((file, name)), new.get((file, name)))


def shown(value: Any, sign: str = "") -> str:
    """Return a metric or parameter as text, on one line."""
    if value is None:
        return "-"
    return f"{value:{sign}.6g}" if isinstance(value, float) else " ".join(str(value).split())


def _text_table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _markdown_table(rows: Sequence[Sequence[str]]) -> str:
    escaped = [[cell.replace("\\", "\\\\").replace("|", "\\|") for cell in row] for row in rows]
    lines = [f"| {' | '.join(row)} |" for row in escaped]
    return "\n".join([lines[0], "| --- | ---: | ---: | ---: |", *lines[1:]])
