"""Verbs that reproduce the results where the data is not."""

from __future__ import annotations

from data_versioning.cli.verbs import Verbs


def add(verbs: Verbs) -> None:
    """Add the verbs."""
