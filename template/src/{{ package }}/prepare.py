"""Check the raw data against the schema and split the patients into training and test."""

from __future__ import annotations

import pandas as pd

from . import params
from .cohort import VARIABLES, read_table, write_table

RAW = "data/raw/diabetes.csv"


def check(table: pd.DataFrame, max_missing: float) -> pd.DataFrame:
    """Return the complete rows of `table`, or stop at the first thing wrong with it.

    Analysing complete rows only is defensible while few are incomplete, so more than the share
    `max_missing` (0 to 1) is an error.
    """
    if list(table.columns) != [variable.name for variable in VARIABLES]:
        raise SystemExit(f"error: {RAW}: columns are {', '.join(table.columns)}")
    for variable in VARIABLES:
        values = table[variable.name]
        if not pd.api.types.is_numeric_dtype(values):
            raise SystemExit(f"error: {RAW}: {variable.name} holds text, expected numbers")
        wrong = values.notna() & ~values.between(variable.low, variable.high)
        if wrong.any():
            raise SystemExit(
                f"error: {RAW}: line {int(wrong.to_numpy().argmax()) + 2}: {variable.name} must be "
                f"from {variable.low:g} to {variable.high:g} ({variable.unit}), "
                f"got {float(values[wrong].iloc[0]):g}"
            )
    complete = table.dropna()
    missing = 1 - len(complete) / len(table) if len(table) else 1.0
    if missing > max_missing:
        raise SystemExit(
            f"error: {RAW}: {missing:.1%} of the rows have missing values, "
            f"prepare.max_missing allows {max_missing:.1%}"
        )
    return complete


def main() -> None:
    """Write the training and the test patients; together they are all complete patients."""
    seed = params.integer("prepare.seed")
    test_share = params.number("prepare.test_share", 0.05, 0.95)
    patients = check(read_table(RAW), params.number("prepare.max_missing", 0, 1))
    test = patients.sample(frac=test_share, random_state=seed)
    train = patients.drop(index=test.index)
    write_table(train, "data/processed/train.csv")
    write_table(test.sort_index(), "data/processed/test.csv")
    print(f"data/processed: {len(train)} patients to train, {len(test)} to test")


if __name__ == "__main__":
    main()
