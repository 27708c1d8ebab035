"""Has data drifted: from one table to another, and in a study since an earlier version?"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_versioning.data import declared
from data_versioning.data.column_tests import ColumnDrift, compare, holm
from data_versioning.data.quality import DataProblem
from data_versioning.data.tables import data_sets, is_table, read_table
from data_versioning.data.versions import Version, changed_files, content
from data_versioning.errors import StudyError
from data_versioning.study import Study
from data_versioning.tools import dvc_files, git, git_history

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class Drift:
    """How a table differs from another one.

    Args:
        alpha: The significance level.
        rows: How many rows there were, and are.
        columns: What the tests say; of a column with missing values there are two.
    """

    alpha: float
    rows: tuple[int, int]
    columns: tuple[ColumnDrift, ...]

    @property
    def drifted(self) -> tuple[str, ...]:
        """The columns that drifted, were added or dropped."""
        return tuple(dict.fromkeys(one.column for one in self.columns if one.drifted))

    def as_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return asdict(self) | {"drifted": list(self.drifted)}


@dataclass(frozen=True)
class DatasetDrift:
    """What became of a data set since an earlier version.

    Args:
        path: The file or folder.
        state: `unchanged`, `changed`, `new`, `gone`, or `unknown` where there is a problem.
        note: What changed in a folder, or in a file that is no table.
        drift: How the table changed, if it is one.
        explained: The explanations in `study.yaml` by column; that of `""` is for all.
        problem: Why the versions could not be compared.
    """

    path: str
    state: str
    note: str = ""
    drift: Drift | None = None
    explained: dict[str, str] = field(default_factory=dict)
    problem: DataProblem | None = None

    def why(self, column: str) -> str:
        """Return the explanation of a column's drift, empty if there is none."""
        return (self.explained.get(column) or self.explained.get("") or "").strip()

    @property
    def unexplained(self) -> tuple[str, ...]:
        """The drifted columns without an explanation; `""` for a data set that is gone."""
        drifted = self.drift.drifted if self.drift else ("",) if self.state == "gone" else ()
        return tuple(column for column in drifted if not self.why(column))


@dataclass(frozen=True)
class DataDrift:
    """What became of the data of a study since an earlier version.

    Args:
        since: The revision, as it was named.
        commit: Its commit.
        datasets: Every data set of now and of then, by path.
    """

    since: str
    commit: str
    datasets: tuple[DatasetDrift, ...]

    @property
    def unexplained(self) -> tuple[tuple[str, str], ...]:
        """Path and column of each drift without an explanation; see `DatasetDrift`."""
        return tuple((one.path, column) for one in self.datasets for column in one.unexplained)

    @property
    def problems(self) -> tuple[DataProblem, ...]:
        """Why data sets could not be compared."""
        return tuple(one.problem for one in self.datasets if one.problem)

    def as_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return asdict(self) | {"unexplained": list(self.unexplained)}


def detect_drift(
    reference: DataFrame | Path | str,
    current: DataFrame | Path | str,
    alpha: float = declared.ALPHA,
) -> Drift:
    """Compare two tables column by column.

    Numbers and dates by the two-sample Kolmogorov-Smirnov test, other values by the chi-squared
    test of how often each occurs, both of scipy; how many are missing by Fisher's exact test.
    A column that was added or dropped, or that changed from numbers to other values, has drifted.
    `p_value` is that of the test alone. The verdict follows from `adjusted_p_value`, so that a
    table of many columns does not drift by chance; see `column_tests.holm`.

    Args:
        reference: The table as it was, or its file: CSV, TSV, JSON lines or Parquet.
        current: The table as it is.
        alpha: The probability to find drift where there is none.

    Raises:
        StudyError: A file cannot be read, two columns have one name, or alpha is no probability.
    """
    level = declared.checked_alpha(alpha, "alpha")
    before, now = _named_columns(reference), _named_columns(current)
    tests: list[ColumnDrift] = []
    for name in dict.fromkeys([*now.columns, *before.columns]):
        if name not in before.columns:
            tests.append(ColumnDrift(name, drifted=True, note="added"))
        elif name not in now.columns:
            tests.append(ColumnDrift(name, drifted=True, note="dropped"))
        else:
            tests += compare(name, before[name], now[name])
    return Drift(level, (len(before), len(now)), tuple(holm(tests, level)))


def _named_columns(given: DataFrame | Path | str) -> DataFrame:
    if isinstance(given, (Path, str)):
        try:
            return _named_columns(read_table(Path(given).read_bytes(), str(given)))
        except FileNotFoundError:
            raise StudyError("no such file", str(given), "ls") from None
    names = [str(name) for name in given.columns]
    if twice := next((name for at, name in enumerate(names) if name in names[:at]), None):
        raise StudyError("two columns have one name", repr(twice), "rename one of them")
    return given.set_axis(names, axis="columns")


def data_drift(study: Study, since: str) -> DataDrift:
    """Compare the data of a study with that of an earlier version.

    Compared is what DVC has on record: equal hashes are equal data, and nothing is read. Other
    versions are read from disk, DVC's cache or the remote. Folders are compared by the hashes of
    their files, files that are no tables by their own.

    Args:
        study: The study; its `study.yaml` holds alpha and explanations.
        since: A tag, branch or commit.

    Raises:
        StudyError: There is no such revision, or `study.yaml` says something that means nothing.
    """
    rules = declared.drift_rules(study)
    tables = declared.table_rules(study)
    commit = git.resolve(study.root, since)
    before, now = dvc_files.outputs(study.root, commit), dvc_files.outputs(study.root)
    found = []
    for path in sorted(data_sets(study) | data_sets(study, commit)):
        old, new = Version(path, before.get(path), commit), Version(path, now.get(path))
        texts = tables[path].texts if path in tables else []
        try:
            one = _compared(study, old, new, texts, rules.alpha)
        except StudyError as error:
            one = DatasetDrift(
                path, "unknown", problem=DataProblem(path, "", error.what, error.mend)
            )
        found.append(replace(one, explained=dict(rules.explained.get(path, {}))))
    return DataDrift(since, commit, tuple(found))


def last_version(study: Study) -> str:
    """Return the nearest tag in the history: that of a phase, or any if no phase is done.

    Raises:
        StudyError: There is none.
    """
    from data_versioning.phases.phase_tags import held

    if phases := held(study.root):
        return phases[-1].name
    if tag := git_history.nearest_tag(study.root, "*"):
        return tag
    mend = "python -m data_versioning drift --since <commit>"
    raise StudyError("no tag to compare with", "the history of HEAD", mend)


def _compared(
    study: Study, old: Version, new: Version, texts: list[str], alpha: float
) -> DatasetDrift:
    path = old.path
    if not old.md5 and not new.md5:
        raise StudyError("DVC has no version of it on record", path, "make repro")
    if old.md5 == new.md5:
        return DatasetDrift(path, "unchanged")
    if not old.md5 or not new.md5:
        return DatasetDrift(path, "new" if new.md5 else "gone")
    if ".dir" in old.md5 + new.md5:
        files = changed_files(study, old, new)
        counts = ", ".join(f"{len(names)} {kind}" for kind, names in files.items())
        return DatasetDrift(path, "changed", f"files: {counts}")
    if not is_table(path):
        return DatasetDrift(path, "changed", "no table")
    before, now = (read_table(content(study, one), path, texts) for one in (old, new))
    return DatasetDrift(path, "changed", drift=detect_drift(before, now, alpha))
