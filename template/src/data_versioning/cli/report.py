"""Verbs that report what changed, to people and to GitHub and GitLab."""

from __future__ import annotations

from data_versioning.cli.verbs import Verbs


def add(verbs: Verbs) -> None:
    """Add the verbs."""
