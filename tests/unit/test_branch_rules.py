"""The branch rules for GitHub and GitLab hold what their documentation allows, and what we mean.

https://docs.github.com/en/rest/repos/rules#create-a-repository-ruleset
https://docs.gitlab.com/api/protected_branches/, https://docs.gitlab.com/api/protected_tags/
"""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT

TEMPLATE = ROOT / "template"
RULESETS = sorted((TEMPLATE / ".github/rulesets").glob("*.json"))
# The rules that we use, with the parameters that each must and may have.
RULES: dict[str, tuple[set[str], set[str]]] = {
    "deletion": (set(), set()),
    "update": (set(), {"update_allows_fetch_and_merge"}),
    "non_fast_forward": (set(), set()),
    "required_status_checks": (
        {"required_status_checks", "strict_required_status_checks_policy"},
        {"do_not_enforce_on_create"},
    ),
}
ACTORS = {"Integration", "OrganizationAdmin", "RepositoryRole", "Team", "DeployKey"}
ACTIONS = 15368  # the app that runs GitHub's workflows
PHASE, DATA_SET = "v1.0.0-analysis-complete", "people-v1.2.0"


def read(path: str | Path) -> dict[str, Any]:
    """Return what a file of the template holds."""
    return dict(json.loads((TEMPLATE / path).read_text()))


@pytest.mark.parametrize("path", RULESETS, ids=lambda path: path.stem)
def test_github_takes_the_file(path: Path) -> None:
    """Its keys and values are those of the request that makes a ruleset."""
    rules = read(path)
    assert rules.keys() == {
        "name", "target", "enforcement", "conditions", "rules", "bypass_actors"
    }  # fmt: skip
    assert rules["target"] in ("branch", "tag")
    assert rules["enforcement"] == "active"
    assert rules["conditions"].keys() == {"ref_name"}
    names = rules["conditions"]["ref_name"]
    prefix = {"branch": "refs/heads/", "tag": "refs/tags/"}[rules["target"]]
    assert names["exclude"] == []
    assert all(name.startswith(prefix) for name in names["include"])
    for rule in rules["rules"]:
        needed, allowed = RULES[rule["type"]]
        given = rule.get("parameters", {}).keys()
        assert needed <= given <= needed | allowed
    for actor in rules["bypass_actors"]:
        assert actor.keys() == {"actor_id", "actor_type", "bypass_mode"}
        assert actor["actor_type"] in ACTORS
        # GitHub answers 422 to this app in a ruleset of a repository.
        assert (actor["actor_type"], actor["actor_id"]) != ("Integration", ACTIONS)


def test_github_guards_main_and_the_tags() -> None:
    """Nobody is excepted from the two; what a tag's name can be is covered, a branch's is not."""
    main, tags = read(".github/rulesets/main.json"), read(".github/rulesets/tags.json")
    assert (main["bypass_actors"], tags["bypass_actors"]) == ([], [])
    assert {rule["type"] for rule in main["rules"]} == {"deletion", "non_fast_forward"}
    assert {"deletion", "update"} <= {rule["type"] for rule in tags["rules"]}
    patterns = tags["conditions"]["ref_name"]["include"]
    for name, guarded in ((PHASE, True), (DATA_SET, True), ("my-version", False)):
        assert any(fnmatchcase(f"refs/tags/{name}", one) for one in patterns) == guarded


def test_the_required_checks_are_jobs_of_the_workflow() -> None:
    """A check that no job reports would block every pull request for ever."""
    (rule,) = read(".github/rulesets/checks.json")["rules"]
    required = {check["context"] for check in rule["parameters"]["required_status_checks"]}
    workflow = yaml.safe_load((TEMPLATE / ".github/workflows/ci.yml").read_text())
    jobs = {job.get("name", key) for key, job in workflow["jobs"].items()}
    assert required <= jobs
    for check in rule["parameters"]["required_status_checks"]:
        assert check["integration_id"] == ACTIONS


def test_gitlab_takes_the_files() -> None:
    """Keys and access levels are those of its API; `*` is the only wildcard it knows."""
    branch = read(".gitlab/protected-branch.json")
    assert branch.keys() == {
        "name", "push_access_level", "merge_access_level", "allow_force_push"
    }  # fmt: skip
    assert (branch["name"], branch["allow_force_push"]) == ("main", False)
    assert {branch["push_access_level"], branch["merge_access_level"]} <= {30, 40}
    for path, name in (("phase", PHASE), ("data", DATA_SET)):
        tags = read(f".gitlab/protected-{path}-tags.json")
        assert tags.keys() == {"name", "create_access_level"}
        assert tags["create_access_level"] in (30, 40)
        assert fnmatchcase(name, tags["name"])


def test_every_file_has_the_command_that_applies_it() -> None:
    """In the study, and on the page of the documentation."""
    page = (ROOT / "docs/how-to/protect-main.md").read_text()
    for folder, files in ((".github/rulesets", RULESETS), (".gitlab", None)):
        readme = (TEMPLATE / folder / "README.md").read_text()
        for path in files or sorted((TEMPLATE / folder).glob("*.json")):
            assert path.name in readme
            assert f"--input {folder}/{path.name}\n" in page
