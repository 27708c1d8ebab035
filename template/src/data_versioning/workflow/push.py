"""Push the study: data first, then the commits and tags that refer to it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data_versioning.command import stream
from data_versioning.data import remotes
from data_versioning.errors import StudyError
from data_versioning.rest import may_have_token
from data_versioning.study import Study
from data_versioning.tools import git, git_state
from data_versioning.workflow.history_check import ci_branch
from data_versioning.workflow.new_data import HEADS, new_references, not_sent, refusal

NO_REMOTE = "git remote add origin <url>"
# Where the token of CI is sent, which user it stands for, and its names: one made for pushing
# comes first.
TOKENS = (
    ("GITHUB_SERVER_URL", "x-access-token", ("GIT_PUSH_TOKEN", "GITHUB_TOKEN")),
    ("CI_SERVER_URL", "oauth2", ("GIT_PUSH_TOKEN", "GITLAB_TOKEN")),
)
# What git says, with LC_ALL=C: a pattern, what it means, the mend.
DIAGNOSES = [
    (
        r"\[rejected\] +(?P<name>\S+) -> \S+ \(already exists\)",
        "{remote} has another tag of this name: {name}",
        "git tag --delete {name} && git fetch --tags {remote}, then tag the next version",
    ),
    (
        r"\[rejected\] +.*\((fetch first|non-fast-forward)\)",
        "{remote} has commits that are not here",
        "git pull --rebase {remote} {branch} && make push",
    ),
    (
        r"\[remote rejected\] +\S+ -> (?P<name>\S+) \((?P<why>.*)\)",
        "{remote} refused {name} ({why})",
        "work on a branch: git switch --create feature/<topic> && make push",
    ),
    (
        r"returned error: 30[1278]",
        "{remote} points elsewhere, where no token goes",
        "git remote set-url {remote} <where it is now>, then: make push",
    ),
    (
        r"Authentication failed|could not read (Username|Password)|Permission denied|HTTP 40[13]"
        r"|returned error: 40[13]",
        "{remote} refused the credentials, or there are none",
        "git remote get-url {remote}; log in to it, then: make push",
    ),
]


@dataclass(frozen=True)
class Target:
    """Where the current commit goes.

    Args:
        remote: The name of git's remote.
        branch: The branch there.
        refspec: The same as git takes it.
        options: More options of `git push`.
    """

    remote: str
    branch: str
    refspec: str
    options: tuple[str, ...]


def push(study: Study) -> None:
    """Send data to the remotes of DVC, then the branch and its annotated tags to git's.

    A repeated call goes on where a killed one stopped. In CI, where no branch is checked out, the
    commit goes to the branch that CI works on, with the token that is in the environment.

    Raises:
        StudyError: A remote of DVC refused, and nothing went to git; or git's refused.
    """
    print(remotes.push(study), flush=True)
    if not (target := _target(study.root)):
        return
    _send_committed(study, target)
    argv = ["git", "push", "--follow-tags", *target.options, "--", target.remote, target.refspec]
    hidden = ("error: ", "try: ", "hint: ")  # they come back in the error
    status, said = stream(argv, study.root, hide=hidden, environment=_environment())
    if status != 0:
        raise _failure(target, said)
    print(f"pushed to {target.remote}: {target.branch} and the tags in it")


def plan(study: Study, names: Sequence[str] = ()) -> list[str]:
    """Return what a push would send, a line for each thing.

    Args:
        study: The study.
        names: Remotes of DVC, which get data alone; both kinds of remotes if none is named.

    Raises:
        StudyError: A remote refused.
    """
    sent = remotes.not_in_remote(study, names)
    lines = [f"would send {path} to {name}" for name in sent for path in sent[name]]
    if names or not (target := _target(study.root)):
        return lines
    argv = ["git", "push", "--dry-run", "--no-verify", "--porcelain", "--follow-tags"]
    done = subprocess.run(
        [*argv, "--", target.remote, target.refspec],
        cwd=study.root, env=_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise _failure(target, done.stdout + done.stderr)
    # Of each reference a flag, its names, and for a branch that is there already `old..new`.
    for flag, pair, summary in re.findall(r"(?m)^([ *])\t(\S+)\t(.+)$", done.stdout):
        if pair.partition(":")[2].startswith("refs/tags/"):
            lines.append(f"would send tag {pair.rpartition('refs/tags/')[2]} to {target.remote}")
            continue
        new = [summary] if flag == " " else ["HEAD", "--not", f"--remotes={target.remote}"]
        log = git.run(study.root, ["log", "--format=%h %s", *new, "--"]).decode(errors="replace")
        lines += [f"would send commit {line} to {target.remote}" for line in log.splitlines()]
    return lines


def _target(root: Path) -> Target | None:
    """Return where the current commit goes, or say why nowhere."""
    if git.head(root) is None:
        print("note: no commit yet, so git has nothing to push", file=sys.stderr)
        return None
    here = git.branch(root)
    if not (branch := here or ci_branch()):
        raise StudyError("no branch is checked out", "HEAD", "git switch --create feature/<topic>")
    form = "--format=%(push:remotename)%00%(upstream)"
    asked = ["for-each-ref", form, f"refs/heads/{branch}"]
    remote, _, upstream = git.run(root, asked).decode().strip("\n").partition("\0")
    known = list(git_state.remote_urls(root))
    if remote not in known:
        remote = "origin" if "origin" in known or len(known) != 1 else known[0]
    if remote not in known:
        which = f"none of {', '.join(known)} is called origin" if known else NO_REMOTE
        print(f"note: no git remote, so commits and tags stay here: {which}", file=sys.stderr)
        return None
    options = ("--set-upstream",) if here and not upstream else ()
    refspec = f"refs/heads/{branch}"
    return Target(remote, branch, refspec if here else f"HEAD:{refspec}", options)


def _send_committed(study: Study, target: Target) -> None:
    """Send what the commit refers to where the work tree does not any more.

    And of a folder the files that the remote lost, which DVC takes for granted.
    """
    ref = HEADS + target.branch
    tips = {ref: git.resolve(study.root, "HEAD")}
    asked = ["for-each-ref", "--format=%(objectname)"]
    there = git.run(study.root, [*asked, f"refs/remotes/{target.remote}/{target.branch}"])
    replaced = {ref: commit} if (commit := there.decode().strip()) else {}
    wanted = new_references(study, target.remote, tips, replaced)
    if wanted and remotes.chosen(study) and (lacking := not_sent(study, wanted, send=True)):
        raise refusal(study, lacking, tips)


def _environment() -> dict[str, str]:
    """Return the environment of git: it speaks English, and has the token of CI if there is one.

    An argument would show the token to every process of the machine.

    Raises:
        StudyError: The token would go over the network in clear.
    """
    env = os.environ | {"LC_ALL": "C"}
    for server, user, names in TOKENS:
        name = next((name for name in names if env.get(name, "").strip()), "")
        address = env.get(server, "").strip().rstrip("/")
        if not name or not address:
            continue
        if not may_have_token(address):
            raise StudyError("a token goes to git's server by https only", server, f"unset {name}")
        login = b64encode(os.fsencode(f"{user}:{env[name].strip()}")).decode()
        settings = (
            ("extraHeader", ""),  # drops what was configured before
            ("extraHeader", f"Authorization: Basic {login}"),
            ("followRedirects", "false"),  # git would take the header along
        )
        before = env.get("GIT_CONFIG_COUNT", "")
        count = int(before) if before.isdecimal() else 0
        for number, (key, value) in enumerate(settings, count):
            env |= {f"GIT_CONFIG_KEY_{number}": f"http.{address}/.{key}"}
            env |= {f"GIT_CONFIG_VALUE_{number}": value}
        return env | {"GIT_CONFIG_COUNT": str(count + len(settings))}
    return env


def _failure(target: Target, said: str) -> StudyError:
    # What the pre-push hook says, which is our own.
    if found := re.search(r"(?m)^error: (?!failed to push)(.+)\ntry: (.+)$", said):
        return StudyError(found[1], "", found[2])
    words = {"remote": target.remote, "branch": target.branch}
    for pattern, what, mend in DIAGNOSES:
        if found := re.search(pattern, said):
            words |= found.groupdict()
            quoted = {key: shlex.quote(value) for key, value in words.items()}
            return StudyError(what.format(**words), target.branch, mend.format(**quoted))
    lines = [line for line in said.splitlines() if line.strip() and "failed to push" not in line]
    reason = remotes.masked(lines[-1].removeprefix("fatal: ")) if lines else "no reason given"
    mend = f"git push {shlex.quote(target.remote)} {shlex.quote(target.branch)}"
    return StudyError(f"git push failed: {reason}", target.remote, mend)
