"""Do two samples of a column come from one distribution? The tests of `drift`, each on its own."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pandas import DataFrame, Series

FEWEST = 5  # values in each sample, and expected in each cell of a table of counts


@dataclass(frozen=True)
class ColumnDrift:
    """What a test says of a column.

    Args:
        column: Its name.
        test: `Kolmogorov-Smirnov` for numbers and dates, `chi-squared` for other values,
            `Fisher: missing` for how many values are missing; empty where nothing was tested.
        statistic: The largest distance of the two distribution functions, chi-squared, or the
            difference of the shares that are missing.
        p_value: The probability of a difference at least as large by chance alone.
        adjusted_p_value: The same after Holm's correction for the number of tests.
        effect: How large the difference is, from 0 to 1: the statistic itself, for chi-squared
            Cramer's V.
        missing: The share of the values that is missing, before and now.
        drifted: The difference is not by chance, or needs no test.
        note: Why there was no test, or what it could not do.
    """

    column: str
    test: str = ""
    statistic: float | None = None
    p_value: float | None = None
    adjusted_p_value: float | None = None
    effect: float | None = None
    missing: tuple[float | None, float | None] = (None, None)
    drifted: bool = False
    note: str = ""


def compare(name: str, reference: Series, current: Series) -> list[ColumnDrift]:
    """Return what tests say of a column: of its values and, if there are such, of missing ones.

    Args:
        name: The column.
        reference: Its values before.
        current: Its values now.
    """
    shares = (_share(reference), _share(current))
    tests = [replace(_values(name, reference.dropna(), current.dropna()), missing=shares)]
    if any(shares):
        tests.append(replace(_missing(name, reference, current), missing=shares))
    return tests


def holm(tests: Sequence[ColumnDrift], alpha: float) -> list[ColumnDrift]:
    """Return tests with adjusted p values, and the verdict that follows from them.

    The smallest of m p values is multiplied by m, the next by m - 1, and so on; none gets smaller
    than the one before it (S. Holm, A simple sequentially rejective multiple test procedure,
    Scandinavian Journal of Statistics 6, 1979, 65-70). The probability to call any column of data
    that did not drift drifted is then alpha at most. Without it, of 40 such columns at 0.05, it
    would be 87 %.

    Args:
        tests: All the tests of two versions of a table.
        alpha: The significance level.
    """
    found = list(tests)
    order = sorted(
        (at for at, one in enumerate(tests) if one.p_value is not None),
        key=lambda at: tests[at].p_value or 0.0,
    )
    adjusted = 0.0
    for rank, at in enumerate(order):
        adjusted = max(adjusted, min(1.0, (len(order) - rank) * (tests[at].p_value or 0.0)))
        drifted = adjusted < alpha
        found[at] = replace(tests[at], adjusted_p_value=adjusted, drifted=drifted)
    return found


def _values(name: str, reference: Series, current: Series) -> ColumnDrift:
    kinds = (_kind(reference), _kind(current))
    if len(reference) and len(current) and kinds[0] != kinds[1]:
        return ColumnDrift(name, drifted=True, note=f"held {kinds[0]}, holds {kinds[1]}")
    if min(len(reference), len(current)) < FEWEST:
        return ColumnDrift(name, note=f"too few values ({len(reference)} and {len(current)})")
    if kinds[0] == "other values":
        return _chi_squared(name, reference, current)
    from scipy.stats import ks_2samp

    with warnings.catch_warnings():
        # Where the exact p value cannot be computed, it is approximated, and says so.
        warnings.simplefilter("ignore", RuntimeWarning)
        found = ks_2samp(_numbers(reference), _numbers(current))
    statistic = float(found.statistic)
    return ColumnDrift(name, "Kolmogorov-Smirnov", statistic, float(found.pvalue), effect=statistic)


def _chi_squared(name: str, reference: Series, current: Series) -> ColumnDrift:
    from scipy.stats import chi2_contingency
    from scipy.stats.contingency import association

    counts, note = _counts(reference.astype(str), current.astype(str))
    if len(counts) < 2:
        return ColumnDrift(name, note=note)
    found = chi2_contingency(counts)
    effect = float(association(counts, method="cramer"))
    return ColumnDrift(
        name, "chi-squared", float(found.statistic), float(found.pvalue), effect=effect, note=note
    )


def _counts(reference: Series, current: Series) -> tuple[DataFrame, str]:
    """Return how often each value occurs in both samples, the rare ones together, and a note.

    The test needs about five expected occurrences (W. G. Cochran, Some methods for strengthening
    the common chi-squared tests, Biometrics 10, 1954, 417-451).
    """
    import pandas

    counts = pandas.concat([reference.value_counts(), current.value_counts()], axis=1)
    counts = counts.fillna(0).astype(int)
    counts.columns = pandas.Index(["reference", "current"])
    # The rarest first; which of equally frequent ones comes first makes no difference.
    counts["all"] = counts.sum(axis=1)
    counts = counts.sort_values(["all", "reference"])
    share = min(len(reference), len(current)) / (len(reference) + len(current))
    rare = int((counts["all"] * share < FEWEST).sum())
    if len(counts) == 1:
        return counts, "the same value everywhere"
    note = ""
    if rare:
        # If they are too rare even together, the rarest of the others goes with them.
        while rare < len(counts) and counts["all"].iloc[:rare].sum() * share < FEWEST:
            rare += 1
        note = f"{rare} rare values taken together"
        together = counts.iloc[:rare].sum().to_frame().T
        counts = pandas.concat([together, counts.iloc[rare:]], ignore_index=True)
    if len(counts) == 1:
        note = f"values too rare to compare ({rare} different ones)"
    return counts[["reference", "current"]], note


def _missing(name: str, reference: Series, current: Series) -> ColumnDrift:
    from scipy.stats import fisher_exact

    table = [[int(one.isna().sum()), int(one.notna().sum())] for one in (reference, current)]
    difference = abs((_share(reference) or 0.0) - (_share(current) or 0.0))
    p_value = float(fisher_exact(table).pvalue)
    return ColumnDrift(name, "Fisher: missing", difference, p_value, effect=difference)


def _share(values: Series) -> float | None:
    return float(values.isna().mean()) if len(values) else None


def _kind(values: Series) -> str:
    from pandas.api.types import is_bool_dtype, is_datetime64_any_dtype, is_numeric_dtype

    if is_datetime64_any_dtype(values):
        return "dates"
    return "numbers" if is_numeric_dtype(values) and not is_bool_dtype(values) else "other values"


def _numbers(values: Series) -> Series:
    import pandas

    if _kind(values) == "dates":
        # In one time zone and unit: two files can have different ones.
        return pandas.to_datetime(values, utc=True).dt.as_unit("us").astype("int64")
    return values.astype(float)
