"""Which of them this job runs on."""

from __future__ import annotations

import os

from data_versioning.errors import StudyError
from data_versioning.forge.github import GitHub
from data_versioning.forge.gitlab import GitLab

Forge = GitHub | GitLab


def forge(mend: str) -> Forge:
    """Return the server that this job runs for, by the variables that it sets for its jobs.

    Args:
        mend: The command that does the same on one's own machine.

    Raises:
        StudyError: This is no job of GitHub Actions or GitLab CI.
    """
    if os.environ.get("GITHUB_REPOSITORY"):
        return GitHub()
    if os.environ.get("CI_PROJECT_ID") and os.environ.get("CI_API_V4_URL"):
        return GitLab()
    raise StudyError("this is for CI", "no job of GitHub Actions or GitLab CI", mend)
