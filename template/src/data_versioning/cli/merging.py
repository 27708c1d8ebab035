"""The verb that git calls to merge `dvc.lock`."""

from __future__ import annotations

from data_versioning.cli.verbs import Verbs


def add(verbs: Verbs) -> None:
    """Add the verbs."""
