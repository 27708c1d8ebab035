"""Log one reproduction, in the study's interpreter and folder.

`python tracking_process.py ours|bare` logs a run; `python tracking_process.py compare` prints what
only one of the last two runs holds.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

BARE = "bare MLflow calls"
RESULTS = (
    "results/coefficients.csv",
    "results/figures/coefficients.pdf",
    "results/figures/coefficients.png",
    "results/figures/prediction.pdf",
    "results/figures/prediction.png",
    "results/metrics.json",
    "results/predictions.csv",
    "results/tables/cohort.csv",
    "results/tables/cohort.md",
)
DATASETS = {"data/processed/train.csv": "training", "data/processed/test.csv": "evaluation"}
REQUIREMENTS = ("joblib", "matplotlib", "numpy", "pandas", "pyyaml", "scikit-learn")
TAGS = tuple(f"tag.{number}" for number in range(20))


def ours() -> None:
    """Call what a reproduction calls."""
    from data_versioning.experiments.runs import log_reproduction
    from data_versioning.study import Study

    log_reproduction(Study.find(), seconds=1.0)


def bare() -> None:
    """Call MLflow for the same; what ours looks up is written down here."""
    import json
    from importlib import metadata

    import joblib
    import mlflow
    import mlflow.sklearn
    import pandas
    import yaml
    from mlflow.data.dataset_source_registry import resolve_dataset_source
    from mlflow.data.meta_dataset import MetaDataset
    from mlflow.models import infer_signature

    mlflow.set_tracking_uri(f"sqlite:///{Path.cwd() / 'mlflow.db'}")
    client = mlflow.MlflowClient()
    found = client.get_experiment_by_name(BARE)
    store = (Path.cwd() / "mlartifacts").as_uri()
    experiment = found.experiment_id if found else client.create_experiment(BARE, store)
    with mlflow.start_run(experiment_id=experiment, tags=dict.fromkeys(TAGS, 40 * "0")):
        mlflow.log_params(_leaves(yaml.safe_load(Path("params.yaml").read_text())))
        mlflow.log_metrics(_leaves(json.loads(Path("results/metrics.json").read_text())))
        for path in RESULTS:
            mlflow.log_artifact(path, str(Path(path).parent))
        for path, context in DATASETS.items():
            source = resolve_dataset_source(str(Path(path).resolve()))
            dataset = MetaDataset(source, name=path, digest=32 * "0")  # type: ignore[abstract]
            mlflow.log_input(dataset, context=context, tags={"dvc.path": path})
        model = joblib.load("models/model.joblib")
        rows = pandas.read_csv("data/processed/test.csv", nrows=5).drop(columns="progression")
        mlflow.sklearn.log_model(
            model,
            name="model",
            signature=infer_signature(rows, model.predict(rows)),
            input_example=rows,
            pip_requirements=[f"{name}=={metadata.version(name)}" for name in REQUIREMENTS],
        )


def _leaves(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    leaves: dict[str, Any] = {}
    for key, value in tree.items():
        leaves |= _leaves(value, f"{key}.") if isinstance(value, dict) else {prefix + key: value}
    return leaves


def compare() -> None:
    """Print what only one of the last two runs, ours and the bare one, holds."""
    import mlflow

    mlflow.set_tracking_uri(f"sqlite:///{Path.cwd() / 'mlflow.db'}")
    client = mlflow.MlflowClient()
    held: list[set[str]] = []
    for experiment in sorted(client.search_experiments(), key=lambda found: found.name == BARE):
        for run in client.search_runs([experiment.experiment_id], max_results=1):
            names = {f"parameter {name}" for name in run.data.params}
            names |= {f"metric {name}" for name in run.data.metrics}
            datasets = run.inputs.dataset_inputs if run.inputs else []
            models = run.outputs.model_outputs if run.outputs else []
            names |= {f"dataset {found.dataset.name}" for found in datasets}
            names |= {f"artifact {path}" for path in _artifacts(client, run.info.run_id, "")}
            held.append(names | {f"{len(models)} models"})
    print(", ".join(sorted(held[0] ^ held[1])))


def _artifacts(client: Any, run: str, folder: str) -> list[str]:
    found: list[str] = []
    for entry in client.list_artifacts(run, folder):
        found += _artifacts(client, run, entry.path) if entry.is_dir else [entry.path]
    return found


if __name__ == "__main__":
    {"ours": ours, "bare": bare, "compare": compare}[sys.argv[1]]()
