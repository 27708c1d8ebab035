"""What can be wrong with a study. The identifiers never change their meaning."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from data_versioning.study import Study
from data_versioning.tools import git

ERROR, WARNING, NOTE = "error", "warning", "note"
ANSWERS = ".copier-answers.yml"
SEVERITIES = (ERROR, WARNING, NOTE)

# By identifier: how bad it is, and what it is.
CATALOGUE = {
    "DV001": (WARNING, "a check could not run"),
    "DV101": (ERROR, "the environment is not what uv.lock says"),
    "DV102": (ERROR, "uv.lock is not what pyproject.toml says"),
    "DV103": (NOTE, "there is no uv, so the environment was not checked"),
    "DV104": (ERROR, "the tooling does not support this Python"),
    "DV111": (WARNING, "a git hook is not installed"),
    "DV112": (WARNING, "a git hook runs in another environment"),
    "DV113": (NOTE, "git runs other hooks than the study's"),
    "DV114": (WARNING, "git does not merge what DVC writes as it should"),
    "DV201": (ERROR, "DVC is not set up"),
    "DV202": (ERROR, "DVC cannot read a file of the study"),
    "DV203": (WARNING, "a killed process left a lock of DVC"),
    "DV204": (NOTE, "damaged files of DVC's cache were set aside"),
    "DV205": (WARNING, "tracked data was changed"),
    "DV206": (WARNING, "data is not here"),
    "DV207": (WARNING, "the pipeline is stale"),
    "DV208": (NOTE, "a reproduction is under way, so the pipeline was not checked"),
    "DV209": (WARNING, "what DVC keeps is not committed"),
    "DV211": (WARNING, "a remote does not answer"),
    "DV212": (NOTE, "there is no remote: the data is on this machine only"),
    "DV213": (WARNING, "a remote lacks data"),
    "DV214": (WARNING, "data is neither in a remote nor here"),
    "DV215": (NOTE, "older versions of data are on this machine only"),
    "DV301": (ERROR, "the MLflow store cannot be read"),
    "DV302": (WARNING, "a reproduction was not logged"),
    "DV303": (WARNING, "a run is unfinished, and no process works on it"),
    "DV304": (NOTE, "no run holds the current results"),
    "DV305": (WARNING, "git's tags and MLflow's registry disagree"),
    "DV401": (ERROR, "the study is in no git repository"),
    "DV402": (NOTE, "nothing is committed yet"),
    "DV403": (WARNING, "a killed process left a lock of git"),
    "DV404": (ERROR, "a file holds conflict markers"),
    "DV405": (ERROR, "changes of a template update were rejected"),
    "DV406": (WARNING, "git keeps a large file"),
    "DV407": (NOTE, "git's history keeps a large file"),
    "DV408": (WARNING, "the tag of a phase is not in main"),
    "DV411": (ERROR, "git keeps a password, token or key"),
    "DV412": (WARNING, "the address of a git remote holds a password or token"),
    "DV501": (WARNING, "the answers to the template's questions are missing"),
    "DV502": (WARNING, "a file of the template was edited"),
    "DV503": (NOTE, "the template has a newer version"),
    "DV504": (NOTE, "the study was not compared with its template"),
}


@dataclass(frozen=True)
class Finding:
    """Something that is wrong.

    Args:
        id: Its identifier in `CATALOGUE`.
        where: The file, remote, run or stage.
        mend: The command that mends it; empty where nothing is to be done.
    """

    id: str
    where: str = ""
    mend: str = ""

    @property
    def severity(self) -> str:
        """How bad it is: `error`, `warning` or `note`."""
        return CATALOGUE[self.id][0]

    @property
    def title(self) -> str:
        """What it is."""
        return CATALOGUE[self.id][1]


@dataclass(frozen=True)
class Case:
    """What the checks look at.

    Args:
        study: The study.
        offline: Ask nothing outside this machine.
    """

    study: Study
    offline: bool = False

    @cached_property
    def in_git(self) -> bool:
        """Whether the study lies in a git repository."""
        return git.toplevel(self.study.root) is not None

    @cached_property
    def is_committed(self) -> bool:
        """Whether there is a commit."""
        return self.in_git and git.head(self.study.root) is not None

    @property
    def has_dvc(self) -> bool:
        """Whether DVC is set up."""
        return (self.study.root / ".dvc/config").is_file()
