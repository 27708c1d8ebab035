"""Draw the figures and print the table, at the size and in the type that a journal asks for.

Colours: Okabe and Ito (2008), told apart under every common colour-vision deficiency.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from . import params
from .cohort import EXPOSURE, VARIABLES, read_table, write_table

MM = 1 / 25.4  # matplotlib measures in inches
BLACK, BLUE, VERMILION, GREY = "#000000", "#0072B2", "#D55E00", "#999999"
MINUS = "\N{MINUS SIGN}"


def set_style(font_pt: float, dpi: int) -> None:
    """Start from matplotlib's own defaults, so that no personal setting changes the bytes."""
    mpl.rcdefaults()
    mpl.rcParams.update(
        {
            "font.family": "DejaVu Sans",  # comes with matplotlib, so it is the same everywhere
            "font.size": font_pt,
            "axes.labelsize": font_pt,
            "axes.linewidth": 0.6,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "xtick.major.width": 0.6,
            "ytick.major.width": 0.6,
            "pdf.fonttype": 42,  # TrueType: text stays text, which journals ask for
            "savefig.dpi": dpi,
        }
    )


def save(figure: Figure, name: str) -> None:
    """Write the figure as PNG and as PDF, without the date that would change the bytes."""
    path = Path("results/figures") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path.with_suffix(".png"))
    figure.savefig(path.with_suffix(".pdf"), metadata={"CreationDate": None})


def draw_prediction(predictions: pd.DataFrame, test: dict[str, float], width_mm: float) -> Figure:
    """Draw observed against predicted progression, with the line of perfect prediction."""
    figure = Figure(figsize=(width_mm * MM, 0.97 * width_mm * MM), layout="constrained")
    axes = figure.add_subplot(aspect="equal")
    top = 50 * np.ceil(predictions.to_numpy().max() / 50)
    axes.plot([0, top], [0, top], color=GREY, linewidth=0.8, linestyle="--", zorder=1)
    x, y = predictions["predicted"], predictions["observed"]
    axes.scatter(x, y, s=14, color=BLUE, alpha=0.65, linewidth=0)
    axes.set(xlim=(0, top), xlabel="Predicted progression (score)")
    axes.set(ylim=(0, top), ylabel="Observed progression (score)")
    text = (
        f"$R^2$ = {test['r2']:.2f}\n95% CI {test['r2_ci_low']:.2f} to {test['r2_ci_high']:.2f}\n"
        f"MAE = {test['mae']:.0f} points\n$n$ = {len(predictions)} patients"
    )
    text = text.replace("-", MINUS)
    axes.text(0.03, 0.99, text, transform=axes.transAxes, va="top", linespacing=1.4)
    return figure


def draw_coefficients(coefficients: pd.DataFrame, width_mm: float) -> Figure:
    """Draw the standardised coefficients with their 95% intervals; the hypothesis stands out."""
    labels = {variable.name: variable.label for variable in VARIABLES}
    figure = Figure(figsize=(width_mm * MM, 0.42 * width_mm * MM), layout="constrained")
    axes = figure.add_subplot()
    axes.axvline(0, color=GREY, linewidth=0.8, linestyle="--", zorder=1)
    side: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "center"}
    axes.text(1.03, -1, "Estimate (95% CI)", **side)
    for row, (name, estimate, low, high) in enumerate(coefficients.to_numpy().tolist()):
        colour = VERMILION if name == EXPOSURE else BLACK
        axes.plot([low, high], [row, row], color=colour, linewidth=1.1)
        axes.plot(estimate, row, "s", color=colour, markersize=4)
        numbers = f"{estimate:.2f} ({low:.2f} to {high:.2f})".replace("-", MINUS)
        axes.text(-0.03, row, labels[name], color=colour, ha="right", **side)
        axes.text(1.03, row, numbers, color=colour, **side)
    axes.set(yticks=[], ylim=(len(coefficients) - 0.5, -0.5))
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("Standardised coefficient (SD of progression per SD of variable)")
    return figure


def describe(groups: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return Table 1: mean and SD of every variable per group; for sex, the share of code 2."""
    rows = []
    for variable in VARIABLES:
        is_code = variable.name == "sex"
        unit = "%" if is_code else variable.unit
        row: dict[str, object] = {"variable": variable.label, "unit": unit}
        for group, patients in groups.items():
            values = patients[variable.name]
            row[f"{group}_mean"] = 100 * (values == 2).mean() if is_code else values.mean()
            row[f"{group}_sd"] = np.nan if is_code else values.std()
        rows.append(row)
    return pd.DataFrame(rows).round(2)


def as_markdown(table: pd.DataFrame, groups: dict[str, pd.DataFrame]) -> str:
    """Return Table 1 as it is printed: "mean (SD)", one column per group."""
    heads = [f"{group.capitalize()} (n = {len(patients)})" for group, patients in groups.items()]
    lines = [["Variable", "Unit", *heads], ["---", "---", *["---:"] * len(heads)]]
    for _, row in table.iterrows():
        cells = []
        for group in groups:
            mean, sd = row[f"{group}_mean"], row[f"{group}_sd"]
            digits = 2 if sd < 2 else 1
            cells.append(f"{mean:.1f}" if np.isnan(sd) else f"{mean:.{digits}f} ({sd:.{digits}f})")
        lines.append([row["variable"], row["unit"], *cells])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    """Write two figures, each as PNG and PDF, and Table 1, as CSV and Markdown."""
    set_style(params.number("figures.font_pt", 5, 14), params.integer("figures.dpi", low=72))
    single = params.number("figures.single_column_mm", 40, 400)
    double = params.number("figures.double_column_mm", 40, 400)

    predictions = read_table("results/predictions.csv")
    test = json.loads(Path("results/metrics.json").read_text(encoding="utf-8"))["test"]
    save(draw_prediction(predictions, test, single), "prediction")
    save(draw_coefficients(read_table("results/coefficients.csv"), double), "coefficients")

    parts = {part: read_table(f"data/processed/{part}.csv") for part in ("train", "test")}
    groups = {"all": pd.concat(list(parts.values())), **parts}
    table = describe(groups)
    write_table(table, "results/tables/cohort.csv")
    text = as_markdown(table, groups)
    Path("results/tables/cohort.md").write_text(text, encoding="utf-8", newline="\n")
    print("results/figures: prediction, coefficients; results/tables: cohort")


if __name__ == "__main__":
    main()
