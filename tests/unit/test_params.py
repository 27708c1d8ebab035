"""Parameters by item and by attribute."""

from __future__ import annotations

import copy
import pickle

import pytest
from data_versioning import StudyError, load_params
from data_versioning.study import Study


def test_item_and_attribute(science: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways, from a folder inside the study too."""
    monkeypatch.chdir(science.root / "src")
    params = load_params()
    assert params["train"]["alpha"] == params.train.alpha == 0.5
    assert params.get("nothing", 7) == 7
    assert not hasattr(params.train, "beta")
    assert pickle.loads(pickle.dumps(params)) == copy.deepcopy(params) == params


@pytest.mark.parametrize(
    "ask", [lambda params: params.train.beta, lambda params: params["train"]["beta"]]
)
def test_what_is_missing_is_named(science: Study, ask) -> None:  # type: ignore[no-untyped-def]
    """File and key, as the tooling's error and as the usual ones."""
    named = r"(?m)^no parameter train\.beta: .*params\.yaml$"
    with pytest.raises(StudyError, match=named) as error:
        ask(load_params())
    assert isinstance(error.value, KeyError) and isinstance(error.value, AttributeError)
    with pytest.raises(StudyError, match=r"file is missing: .*nowhere\.yaml"):
        load_params("nowhere.yaml")
