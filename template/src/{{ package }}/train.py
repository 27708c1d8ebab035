"""Fit ridge regression (Hoerl and Kennard 1970) to the training patients.

Features are standardised first, because the penalty depends on their units. The means and standard
deviations come from the training patients alone and travel inside the model.
"""

from __future__ import annotations

from pathlib import Path

import joblib
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from . import params
from .cohort import FEATURES, OUTCOME, read_table

MODEL = Path("models/model.joblib")


def main() -> None:
    """Write the fitted model: features in their own units in, progression score out."""
    alpha = params.number("train.alpha", low=0)
    train = read_table("data/processed/train.csv")
    model = make_pipeline(StandardScaler(), Ridge(alpha=alpha))
    model.fit(train[FEATURES], train[OUTCOME])
    # The last bits depend on the processor; without them the file is the same on every machine.
    ridge = model[-1]
    ridge.coef_, ridge.intercept_ = ridge.coef_.round(9), ridge.intercept_.round(9)
    MODEL.parent.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, MODEL)
    print(f"{MODEL}: ridge, alpha = {alpha:g}, {len(train)} patients")


if __name__ == "__main__":
    main()
