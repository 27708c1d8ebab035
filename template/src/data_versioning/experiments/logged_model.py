"""Log a fitted model through the MLflow flavor that its class belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module, metadata
from typing import Any

from data_versioning.errors import StudyError
from data_versioning.study import Study

# Modules of MLflow, by the library that a model's class comes from.
FLAVORS = {
    "catboost": "catboost",
    "keras": "keras",
    "lightgbm": "lightgbm",
    "onnx": "onnx",
    "pmdarima": "pmdarima",
    "prophet": "prophet",
    "pyspark": "spark",
    "sklearn": "sklearn",
    "spacy": "spacy",
    "statsmodels": "statsmodels",
    "tensorflow": "tensorflow",
    "torch": "pytorch",
    "xgboost": "xgboost",
}


def log_model(
    study: Study,
    model: Any,
    flavor: str | None = None,
    name: str = "model",
    input_example: Any = None,
    tags: Mapping[str, str] | None = None,
    **options: Any,
) -> str:
    """Log a fitted model to MLflow's active run.

    Args:
        study: The study.
        model: The model.
        flavor: The module of MLflow that knows it, such as `sklearn`; guessed from its class.
        name: What it is called in the run.
        input_example: Rows that it predicts from; they give the signature too.
        tags: Tags of the logged model.
        options: What else the `log_model` of the flavor takes.

    Returns:
        Its address, `models:/m-...`.

    Raises:
        StudyError: No flavor fits, or its library is not installed.
    """
    flavor = flavor or _flavor(model)
    library = next((name for name, known in FLAVORS.items() if known == flavor), flavor)
    try:
        import_module(library)  # some flavors find out too late that it is missing
        module = import_module(f"mlflow.{flavor}")
        keep = module.log_model
    except (ImportError, AttributeError):
        mend = f"uv add {library}, or another of: {', '.join(sorted(FLAVORS.values()))}"
        raise StudyError("MLflow cannot load this flavor", flavor, mend) from None
    if input_example is not None and "signature" not in options and hasattr(model, "predict"):
        from mlflow.models import infer_signature

        options["signature"] = infer_signature(input_example, model.predict(input_example))
    logged = keep(
        model,
        name=name,
        input_example=input_example,
        # Given, because MLflow would start another interpreter to find them out.
        pip_requirements=_requirements(study) or module.get_default_pip_requirements(),
        **options,
    )
    if tags:
        import mlflow

        mlflow.set_logged_model_tags(logged.model_id, dict(tags))
    return str(logged.model_uri)


def _flavor(model: Any) -> str:
    """Return the flavor of the nearest class that a known library made."""
    for kind in type(model).__mro__:
        if flavor := FLAVORS.get(kind.__module__.partition(".")[0]):
            return flavor
    kind = type(model)
    what = "no MLflow flavor is known for this model"
    mend = 'log_model(..., flavor="sklearn"), or whichever fits'
    raise StudyError(what, f"{kind.__module__}.{kind.__qualname__}", mend)


def _requirements(study: Study) -> list[str]:
    """Return the dependencies of the study at their installed versions."""
    import tomllib

    from packaging.requirements import Requirement

    path = study.root / "pyproject.toml"
    if not path.is_file():
        return []
    project = tomllib.loads(path.read_text(encoding="utf-8"))
    needed = map(Requirement, project.get("project", {}).get("dependencies", []))
    return [
        f"{one.name}=={metadata.version(one.name)}"
        for one in needed
        if one.marker is None or one.marker.evaluate()
    ]
