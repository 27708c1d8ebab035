"""Collect the raw data: the diabetes cohort of Efron et al. (2004), as published.

Source: Efron B, Hastie T, Johnstone I, Tibshirani R. Least angle regression. Annals of Statistics
2004;32:407-499, in the copy that scikit-learn ships, so no network is needed.
`data/raw/README.md` gives the meaning and the unit of every column.
"""

from __future__ import annotations

from pathlib import Path

from sklearn.datasets import load_diabetes

RAW = Path("data/raw/diabetes.csv")
NAMES = {
    "age": "age",
    "sex": "sex",
    "bmi": "bmi",
    "bp": "blood_pressure",
    "s1": "total_cholesterol",
    "s2": "ldl",
    "s3": "hdl",
    "s4": "cholesterol_hdl_ratio",
    "s5": "log_triglycerides",
    "s6": "glucose",
    "target": "progression",
}


def main() -> None:
    """Write the cohort once; raw data that differ are never overwritten."""
    frame = load_diabetes(as_frame=True, scaled=False).frame.rename(columns=NAMES)
    content = frame[list(NAMES.values())].to_csv(index=False, lineterminator="\n").encode()
    if not RAW.exists():
        RAW.parent.mkdir(parents=True, exist_ok=True)
        RAW.write_bytes(content)
        RAW.chmod(0o444)
    elif RAW.read_bytes() != content:
        raise SystemExit(f"error: {RAW} differs from its source: move it away, then collect again")
    print(f"{RAW}: {len(frame)} patients")


if __name__ == "__main__":
    main()
