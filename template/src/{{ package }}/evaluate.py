"""Estimate the effect of body-mass index and score the model on patients it has not seen.

Effect: the standardised partial regression coefficient of body-mass index, adjusted for all other
variables, by ordinary least squares over all patients. Ridge coefficients are biased towards zero
on purpose, so they predict but do not estimate. Nothing was chosen by looking at the data, so all
patients can serve the estimate, and the split and `train.alpha` do not change it.

Confidence intervals: 95% percentile bootstrap over patients (Efron and Tibshirani 1993,
chapter 13), which assumes neither normal nor equally spread residuals. Only body-mass index is a
hypothesis; the other intervals are descriptive and not corrected for their number.
"""

from __future__ import annotations

import json
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from . import params
from .cohort import EXPOSURE, FEATURES, OUTCOME, read_table, write_table

Array = NDArray[np.floating]


def standardised_coefficients(data: Array) -> Array:
    """Return the change of the last column, in SD, per SD of each other column, all else equal.

    They solve R b = r, with R the correlations among the others and r those with the last column.
    """
    z = (data - data.mean(axis=0)) / data.std(axis=0)
    correlations = z.T @ z / len(z)
    return np.linalg.solve(correlations[:-1, :-1], correlations[:-1, -1])


def r_squared(observed: Array, predicted: Array) -> Array:
    """Return the share of the variance explained along the last axis: 1 at best, 0 for the mean."""
    explained: Array = 1 - ((observed - predicted) ** 2).mean(axis=-1) / observed.var(axis=-1)
    return explained


def interval(resampled: Array) -> Array:
    """Return the lower and upper ends of the 95% percentile interval, per column."""
    return np.percentile(resampled, [2.5, 97.5], axis=0)


def effects(patients: pd.DataFrame, resamples: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return the standardised coefficient of every feature with its confidence interval."""
    data = patients[[*FEATURES, OUTCOME]].to_numpy()
    picks = rng.integers(len(data), size=(resamples, len(data)))
    low, high = interval(np.array([standardised_coefficients(data[pick]) for pick in picks]))
    estimate = standardised_coefficients(data)
    table = {"variable": FEATURES, "estimate": estimate, "ci_low": low, "ci_high": high}
    return pd.DataFrame(table).round(4)


def scores(observed: Array, predicted: Array) -> dict[str, float]:
    """Return R², and MAE and RMSE in points of the progression score."""
    error = observed - predicted
    return {
        "r2": round(float(r_squared(observed, predicted)), 4),
        "mae": round(float(np.abs(error).mean()), 2),
        "rmse": round(float(np.sqrt((error**2).mean())), 2),
    }


def main() -> None:
    """Write the metrics, the coefficients and the predictions for the test patients."""
    rng = np.random.default_rng(params.integer("evaluate.seed"))
    resamples = params.integer("evaluate.resamples", low=100)
    train, test = (read_table(f"data/processed/{part}.csv") for part in ("train", "test"))
    observed = test[OUTCOME].to_numpy()
    predicted = joblib.load("models/model.joblib").predict(test[FEATURES])
    trivial = np.full(len(test), train[OUTCOME].mean())

    # One order of patients whatever the split, or the resamples would depend on it.
    everyone = pd.concat([train, test]).sort_values([*FEATURES, OUTCOME])
    coefficients = effects(everyone, resamples, rng)
    effect = coefficients.set_index("variable").loc[EXPOSURE].to_dict()
    picks = rng.integers(len(test), size=(resamples, len(test)))
    r2_low, r2_high = interval(r_squared(observed[picks], predicted[picks]))
    metrics = {
        "effect": {f"{EXPOSURE}_{name}": value for name, value in effect.items()},
        "test": {
            **scores(observed, predicted),
            "r2_ci_low": round(float(r2_low), 4),
            "r2_ci_high": round(float(r2_high), 4),
        },
        "baseline": scores(observed, trivial),
        "patients": {"train": len(train), "test": len(test)},
    }
    write_table(coefficients, "results/coefficients.csv")
    predictions = pd.DataFrame({"predicted": predicted.round(2), "observed": observed})
    write_table(predictions, "results/predictions.csv")
    text = json.dumps(metrics, indent=2) + "\n"
    Path("results/metrics.json").write_text(text, encoding="utf-8", newline="\n")
    print(f"results/metrics.json: {json.dumps(metrics['effect'])}")


if __name__ == "__main__":
    main()
