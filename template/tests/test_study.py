"""What must hold for the results to be believed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import yaml

Module = Callable[[str], ModuleType]


def set_parameter(key: str, value: object) -> None:
    """Change one parameter of the study in the current folder; None removes it."""
    section, name = key.split(".")
    params = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    params[section][name] = value
    if value is None:
        del params[section][name]
    Path("params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")


def spoil(column: str, value: float | str | None) -> None:
    """Put `value` in the first row of a column of the raw data."""
    table = pd.read_csv("data/raw/diabetes.csv").astype({column: object})
    table.loc[0, column] = value
    Path("data/raw/diabetes.csv").unlink()
    table.to_csv("data/raw/diabetes.csv", index=False)


def test_every_patient_is_in_one_part_of_the_split(finished: Path) -> None:
    raw = pd.read_csv(finished / "data/raw/diabetes.csv")
    train = pd.read_csv(finished / "data/processed/train.csv")
    test = pd.read_csv(finished / "data/processed/test.csv")
    assert not raw.duplicated().any()
    assert train.merge(test).empty
    assert len(train.merge(raw)) + len(test.merge(raw)) == len(raw) == 442


def test_the_seed_decides_the_split(study: Path, module: Module) -> None:
    path = study / "data/processed/test.csv"
    first = path.read_bytes()
    module("prepare").main()
    assert path.read_bytes() == first
    set_parameter("prepare.seed", 1)
    module("prepare").main()
    assert path.read_bytes() != first


def test_raw_data_are_never_overwritten(study: Path, module: Module) -> None:
    module("collect").main()
    spoil("age", 60)
    with pytest.raises(SystemExit, match=r"^error: data.raw.diabetes\.csv differs"):
        module("collect").main()


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("bmi", -1, r"line 2: bmi must be from 10 to 80 \(kg/m²\), got -1$"),
        ("glucose", "high", "glucose holds text, expected numbers$"),
    ],
)
def test_impossible_data_stop_the_pipeline(
    study: Path, module: Module, column: str, value: float | str, message: str
) -> None:
    spoil(column, value)
    with pytest.raises(SystemExit, match=message):
        module("prepare").main()


def test_incomplete_patients_are_dropped_while_they_are_few(study: Path, module: Module) -> None:
    spoil("bmi", None)
    module("prepare").main()
    parts = [pd.read_csv(f"data/processed/{part}.csv") for part in ("train", "test")]
    assert sum(map(len, parts)) == 441
    set_parameter("prepare.max_missing", 0)
    with pytest.raises(SystemExit, match=r"prepare\.max_missing allows 0\.0%$"):
        module("prepare").main()


def test_the_model_beats_the_mean_of_the_training_patients(finished: Path) -> None:
    metrics = json.loads((finished / "results/metrics.json").read_text(encoding="utf-8"))
    assert metrics["test"]["r2_ci_low"] > max(0, metrics["baseline"]["r2"])
    assert metrics["test"]["mae"] < 0.8 * metrics["baseline"]["mae"]


def test_every_interval_contains_its_estimate(finished: Path) -> None:
    table = pd.read_csv(finished / "results/coefficients.csv")
    assert (table["ci_low"] < table["estimate"]).all()
    assert (table["estimate"] < table["ci_high"]).all()


def test_the_estimate_recovers_a_known_effect(module: Module) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20_000, 2))
    x[:, 1] += x[:, 0]  # confounded: without adjustment the first effect would be 1.5
    y = x @ [1.0, 0.5] + rng.normal(size=len(x))
    per_unit = module("evaluate").standardised_coefficients(np.column_stack([x, y]))
    per_unit *= y.std() / x.std(axis=0)
    assert per_unit == pytest.approx([1.0, 0.5], abs=0.03)


def test_the_effect_does_not_depend_on_the_split(study: Path, module: Module) -> None:
    before = Path("results/coefficients.csv").read_bytes()
    set_parameter("prepare.seed", 1)
    set_parameter("train.alpha", 1000.0)
    for stage in ("prepare", "train", "evaluate"):
        module(stage).main()
    assert Path("results/coefficients.csv").read_bytes() == before


def test_a_second_run_gives_the_same_bytes(study: Path, module: Module, finished: Path) -> None:
    for folder in ("models", "results"):
        shutil.rmtree(folder)
    for stage in ("train", "evaluate", "figures"):
        module(stage).main()
    files = [path for path in study.rglob("*") if path.is_file()]
    assert study / "results/figures/coefficients.pdf" in files
    for path in files:
        assert path.read_bytes() == (finished / path.relative_to(study)).read_bytes(), path


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("train.alpha", "abc", "must be a number, got 'abc'"),
        ("train.alpha", True, "must be a number, got True"),
        ("train.alpha", -1, "must be from 0 to inf, got -1"),
        ("train.alpha", None, "is missing"),
        ("prepare.seed", 1.5, "must be a whole number, got 1.5"),
        ("evaluate.resamples", 10, "must be at least 100, got 10"),
    ],
)
def test_a_wrong_parameter_is_named(
    study: Path, module: Module, key: str, value: object, message: str
) -> None:
    set_parameter(key, value)
    with pytest.raises(SystemExit) as stopped:
        module(key.split(".")[0]).main()
    assert stopped.value.code == f"error: params.yaml: {key} {message}"


def test_exponents_are_numbers(study: Path, module: Module) -> None:
    set_parameter("train.alpha", "1e-5")
    module("train").main()
