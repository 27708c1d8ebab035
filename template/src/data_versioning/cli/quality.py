"""Verbs that look at what is in the data."""

from __future__ import annotations

from data_versioning.cli.verbs import Verbs


def add(verbs: Verbs) -> None:
    """Add the verbs."""
