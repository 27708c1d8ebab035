"""Verbs of branches, commits, tags and pushes."""

from __future__ import annotations

from data_versioning.cli.verbs import Verbs


def add(verbs: Verbs) -> None:
    """Add the verbs."""
