"""The cohort: its variables, their units, and the values that can be real."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd


@dataclass(frozen=True)
class Variable:
    """One column of the data; `low` and `high` bound what a patient can have, in `unit`."""

    name: str
    label: str
    unit: str
    low: float
    high: float


VARIABLES = (
    Variable("age", "Age", "years", 0, 120),
    Variable("sex", "Sex, code 2", "code", 1, 2),
    Variable("bmi", "Body-mass index", "kg/m²", 10, 80),
    Variable("blood_pressure", "Mean blood pressure", "mmHg", 30, 200),
    Variable("total_cholesterol", "Total cholesterol", "mg/dL", 50, 600),
    Variable("ldl", "LDL cholesterol", "mg/dL", 5, 500),
    Variable("hdl", "HDL cholesterol", "mg/dL", 5, 200),
    Variable("cholesterol_hdl_ratio", "Total/HDL cholesterol", "ratio", 1, 30),
    Variable("log_triglycerides", "Log triglycerides", "ln mg/dL", 2, 9),
    Variable("glucose", "Glucose", "mg/dL", 20, 600),
    Variable("progression", "Disease progression at one year", "score", 0, 500),
)
OUTCOME = "progression"
EXPOSURE = "bmi"
FEATURES = [variable.name for variable in VARIABLES if variable.name != OUTCOME]


def read_table(path: str) -> pd.DataFrame:
    """Read a CSV file that an earlier stage wrote."""
    if not Path(path).is_file():
        raise SystemExit(f"error: {path} is missing: `dvc repro` makes it")
    return pd.read_csv(path)


def write_table(table: pd.DataFrame, path: str) -> None:
    """Write a CSV file with the same bytes on every operating system."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, index=False, lineterminator="\n")
