"""`@track_experiment`: a run for every call of a function."""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar, overload

from data_versioning.errors import StudyError, one_line
from data_versioning.experiments.masking import kind, masked, named_parts
from data_versioning.experiments.run_values import LoggedAlready, as_number, numbers

P = ParamSpec("P")
R = TypeVar("R")

LONG = 500  # characters, or elements, from which a value is described rather than printed
COLLECTIONS = (list, tuple, set, frozenset)
HASHED = 100_000_000  # bytes of data up to which its content is hashed, in a fifth of a second


@overload
def track_experiment(function: Callable[P, R], /) -> Callable[P, R]: ...


@overload
def track_experiment(
    experiment: str | None = None, /
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...


def track_experiment(experiment: Any = None, /) -> Any:
    """Log every call of a function as a run: `@track_experiment` or `@track_experiment("name")`.

    The run is named after the function. Its parameters are the arguments of the call, positional
    and default ones too; data frames and arrays are described by shape and hash, and what is named
    like a secret is masked. Its metrics are the numbers in what the function returns: a mapping,
    nested or not, a dataclass, a named tuple, or a number, then called `result`. When the function
    raises, the run has FAILED, and the exception goes on. What goes wrong with the logging after
    the function has returned is a warning: its result is returned.

    A call inside a tracked one is a nested run. In a stage of the pipeline, the first call joins
    the run of the reproduction; see `ExperimentTracker.start_run`.

    Args:
        experiment: The MLflow experiment; the study's own when not given.

    Raises:
        StudyError: It stands above a class, a generator or an asynchronous function.
    """
    if callable(experiment):
        return _tracked(experiment, None)
    return lambda function: _tracked(function, experiment)


def _tracked(function: Callable[P, R], experiment: str | None) -> Callable[P, R]:
    untracked: dict[str, Callable[[Any], bool]] = {
        "a class": inspect.isclass,
        "a generator": inspect.isgeneratorfunction,
        "an asynchronous function": inspect.iscoroutinefunction,
        "an asynchronous generator": inspect.isasyncgenfunction,
    }
    name = getattr(function, "__name__", type(function).__name__)
    for sort, is_one in untracked.items():
        if is_one(function):
            # Its work is done when the call is over; and MLflow knows one run a thread.
            mend = "use `with ExperimentTracker().start_run():` inside"
            raise StudyError(f"@track_experiment cannot track {sort}", name, mend)
    signature = inspect.signature(function)

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError:
            return function(*args, **kwargs)  # which raises its own
        bound.apply_defaults()
        import mlflow

        from data_versioning.experiments.tracker import ExperimentTracker

        tracker = ExperimentTracker(experiment)
        results: list[R] = []
        lost: list[Exception] = []
        try:
            with tracker.start_run(name, nested=mlflow.active_run() is not None):
                arguments = _arguments(bound)
                try:
                    tracker.log_params(arguments)
                except LoggedAlready:  # by another stage of the same reproduction
                    tracker.log_params({name: arguments})
                results.append(function(*args, **kwargs))
                try:
                    tracker.log_metrics(_metrics(results[0]))
                except Exception as error:
                    lost.append(error)
        except Exception as error:
            if not results:
                raise
            lost.append(error)
        if lost:  # one reason is enough: the others follow from it
            print(f"warning: {name} is not logged: {one_line(lost[0])}", file=sys.stderr)
        return results[0]

    return call


def _arguments(bound: inspect.BoundArguments) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    for position, (name, value) in enumerate(bound.arguments.items()):
        kind = bound.signature.parameters[name].kind
        if position == 0 and name in {"self", "cls"}:
            continue
        if kind is inspect.Parameter.VAR_KEYWORD:
            arguments |= {key: _described(key, one) for key, one in value.items()}
        elif kind is inspect.Parameter.VAR_POSITIONAL:
            arguments |= {f"{name}.{i}": _described(name, one) for i, one in enumerate(value)}
        else:
            arguments[name] = _described(name, value)
    return arguments


def _described(name: str, value: Any) -> Any:
    """Return what to log of an argument: its value, or what it is where that says too much."""
    try:
        if isinstance(value, COLLECTIONS) and len(value) > LONG:
            return f"{type(value).__name__} of {len(value)}"
        value = masked(name, value)
        if isinstance(value, Mapping):
            return {key: _described(key, one) for key, one in value.items()}
        return _leaf(value)
    except Exception:  # its own code runs here, such as `__str__`
        return kind(value)


def _leaf(value: Any) -> str:
    if isinstance(value, str):
        return value
    if inspect.isroutine(value) or inspect.isclass(value):
        return f"{value.__module__}.{value.__qualname__}"
    if (shape := getattr(value, "shape", None)) is not None and as_number(value) is None:
        return " ".join([type(value).__name__, str(tuple(shape)), *_hash(value)])
    text = repr(value) if isinstance(value, COLLECTIONS) else str(value)
    # An address says nothing about the next run.
    return kind(value) if len(text) > LONG or " at 0x" in text else text


def _hash(value: Any) -> list[str]:
    """Return the MD5 of the content of an array or a pandas object, if that is quick."""
    library = type(value).__module__.partition(".")[0]
    if library == "numpy" and not value.dtype.hasobject and value.nbytes <= HASHED:
        data = value.tobytes()
    elif library == "pandas" and _bytes(value) <= HASHED:
        from pandas.util import hash_pandas_object

        try:
            data = hash_pandas_object(value).to_numpy().tobytes()
        except TypeError:  # it holds lists or the like
            return []
        data += repr(list(getattr(value, "columns", []))).encode()
    else:
        return []
    return [f"md5={hashlib.md5(data, usedforsecurity=False).hexdigest()}"]


def _bytes(value: Any) -> int:
    used = value.memory_usage()
    return int(used if isinstance(used, int) else used.sum())


def _tree(value: Any) -> Any:
    """Return a value with all that has named parts as mappings."""
    value = named_parts(value)
    if isinstance(value, Mapping):
        return {str(key): _tree(one) for key, one in value.items()}
    return value


def _metrics(result: Any) -> dict[str, float]:
    tree = _tree(result)
    found, _ = numbers(tree if isinstance(tree, dict) else {"result": tree})
    return found
