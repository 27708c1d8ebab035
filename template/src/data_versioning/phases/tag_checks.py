"""Does the tag of a phase agree with itself, and with the list of phases that it tagged?"""

from __future__ import annotations

import re
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from data_versioning.command import last_line
from data_versioning.errors import StudyError
from data_versioning.phases import manifest
from data_versioning.phases.plan import Phase, listed_in
from data_versioning.study import MARKER
from data_versioning.tools import git
from data_versioning.wording import printable

if TYPE_CHECKING:
    from data_versioning.phases.phase_tags import PhaseTag

Answer = tuple[bool | None, str]  # does it hold, and the evidence
SLACK = timedelta(minutes=1)  # between the manifest's time and the tag's
# Only the armour of OpenPGP (RFC 9580, 6.2), X.509 and SSH: other text would be signed by nobody.
SIGNATURE = re.compile(
    r"-----BEGIN ((?:PGP|SSH) SIGNATURE|SIGNED MESSAGE)-----\n"
    r"(?:Version: [^\n]*\n)?[A-Za-z0-9+/=\n]+-----END \1-----"
)
UNJUDGED = {  # what gpg and ssh-keygen say, through git, of keys that nobody here has judged
    "[GNUPG:] NO_PUBKEY": "the signer's public key is not on this machine",
    "[GNUPG:] EXPKEYSIG": "the signer's key has expired since",
    "gpg.ssh.allowedSignersFile needs to be configured": "git has no gpg.ssh.allowedSignersFile",
    "No principal matched": "the signer is not in gpg.ssh.allowedSignersFile",
}


def agrees(root: Path, tag: PhaseTag) -> bool:
    """Tell whether a tag can be what it claims; `verification` looks at all that it says."""
    try:
        found = [name(phase_at(root, tag), tag), commit(tag), tagger(tag), message(tag)]
    except StudyError:
        return False
    return all(ok for ok, _ in found)


def phase_at(root: Path, tag: PhaseTag) -> Phase:
    """Return the phase of a tag, as `study.yaml` of the tagged commit has it.

    Raises:
        StudyError: It has none of this name, or no valid list.
    """
    listed_then = listed_in(git.file_at(root, tag.commit, MARKER) or b"")
    phase = next((one for one in listed_then if one.name == tag.phase), None)
    if phase is None:
        raise StudyError(f"{MARKER} of the tagged commit has no phase {tag.phase!r}")
    return phase


def name(phase: Phase, tag: PhaseTag) -> Answer:
    """Judge whether the name is that of the phase, and the manifest repeats it."""
    said = tag.manifest
    if said["format"] != manifest.FORMAT:
        return False, f"format {said['format']!r}; this tooling knows {manifest.FORMAT}"
    if said["version"] != str(tag.version):
        return False, f"the manifest is of version {said['version']}"
    if phase.tag(tag.version.patch) != tag.name:
        return False, f"{MARKER} of the tagged commit has {phase.tag()} for {tag.phase}"
    return True, tag.name


def commit(tag: PhaseTag) -> Answer:
    """Judge whether the manifest is of the tagged commit."""
    if tag.manifest["commit"] != tag.commit:
        return False, f"the manifest is of commit {tag.manifest['commit'][:40]}"
    return True, tag.commit


def tagger(tag: PhaseTag) -> Answer:
    """Judge whether who and when are those of the tag itself."""
    said = tag.manifest
    if said["who"] != tag.author:
        return False, f"the manifest is of {said['who']!r}, the tag of {tag.author!r}"
    try:
        time = datetime.fromisoformat(said["time"])
        is_close = timedelta() <= tag.time - time <= SLACK
    except (ValueError, TypeError):  # no time, or one without its zone
        is_close = False
    if not is_close:
        return False, f"the manifest is of {said['time']!r}, the tag of {tag.time.isoformat()}"
    return True, f"{tag.author}, {tag.time:%Y-%m-%d %H:%M}"


def message(tag: PhaseTag) -> Answer:
    """Judge whether the text above the manifest is the one that belongs to it."""
    said = tag.message.partition(manifest.SIGNATURE)[0]
    if said.strip() != manifest.text(tag.manifest).strip():
        return False, "the message says something else than its manifest"
    return True, "the message says what its manifest says"


def signature(root: Path, tag: PhaseTag) -> Answer:
    """Judge the signature by git and the keys on this machine."""
    _, line, below = tag.message.partition(manifest.SIGNATURE)
    if not SIGNATURE.fullmatch(f"{line}{below}".strip()):
        return False, "what is below the manifest is no signature, or not only one"
    asked = ["git", "verify-tag", "--raw", f"refs/tags/{tag.name}"]
    done = subprocess.run(asked, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return True, "git verifies it"
    for words, why in UNJUDGED.items():
        if words in done.stderr:
            return None, f"not checked here: {why}"
    return False, f"git does not verify it: {printable(last_line(done.stderr))}"
