"""Secrets in what is about to be published: those of well-known kinds, and this environment's."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping

from data_versioning.archive.digests import Take
from data_versioning.errors import StudyError
from data_versioning.wording import printable

ALLOWED = b"pragma: allowlist secret"  # of detect-secrets, at the end of a line
# Of data, what looks like a secret is looked for here; this environment's secrets everywhere.
LOOKED_AT = 1024**2  # bytes
_KINDS = {
    "private key": rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----",
    "key of AWS": rb"(?<![A-Za-z0-9])A[KS]IA[0-9A-Z]{16}(?![A-Za-z0-9])",
    "secret key of AWS": rb"(?i:aws_secret_access_key)['\"]?\s*[=:]\s*['\"]?[A-Za-z0-9/+]{40}\b",
    "token of GitHub": rb"(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{40})",
    "token of GitLab": rb"(?<![A-Za-z0-9])gl(?:pat|dt|rt|cbt|ptt|soat)-[\w-]{20}",
    "token of Slack": rb"(?<![A-Za-z0-9])xox[abprs]-[A-Za-z0-9-]{16}",
    "token of Hugging Face": rb"(?<![A-Za-z0-9])hf_[A-Za-z0-9]{34}\b",
    "token of an archive": rb"(?i:(?:zenodo|osf|invenio|access)\w{0,30}token)['\"]?\s*[=:]\s*['\"]?"
    rb"[A-Za-z0-9]{40,}\b",
}
# Of git's files; what a placeholder of a document looks like is none.
_IN_ADDRESS = re.compile(
    rb"[a-z]://[^\s/:@'\"`<>${}|\\]{1,99}:(?!(?i:pass|password|passwd|pw|secret|token|x+|\.+|\*+)@)"
    rb"[^\s/:@'\"`<>${}|\\]{4,99}@[A-Za-z0-9]"
)
_PATTERN = re.compile(b"|".join(b"(%b)" % kind for kind in _KINDS.values()))
# A part of each kind, to look for first: forty times as fast. What has none of these letters has
# none of these parts.
_LETTERS = (b"K", b"I", b"_", b"-", b"k")
_PART = re.compile(
    rb"PRIVATE KEY|A[KS]IA[0-9A-Z]{16}|_access_key|_ACCESS_KEY|gh[pousr]_[A-Za-z0-9]{36}"
    rb"|github_pat_|gl[a-z]{2,4}-[\w-]{20}|xox[abprs]-|hf_[A-Za-z0-9]{34}|ken['\"]?\s*[=:]"
    rb"|KEN['\"]?\s*[=:]"
)
# But for private keys, each kind has a run of so many letters, digits and `_/+-` that other tables
# have not; to look for one is four times as fast again.
_RUN = 20 * b"a"
_IN_RUNS = bytes(
    ord("a") if one < 128 and (chr(one).isalnum() or chr(one) in "_/+-") else ord(" ")
    for one in range(256)
)
_BEFORE, _AFTER = 64, 256  # bytes around such a part that a secret is in
_NAME = re.compile(r"(?:.*_)?TOKEN|.*SECRET.*|.*PASSWORD.*", re.IGNORECASE)
_CLASSES = ("[a-z]", "[A-Z]", "[0-9]", "[^a-zA-Z0-9]")
_SHORTEST = 8  # letters; what is shorter, or one word, is found in any text


class Secrets:
    """What must not be published.

    Args:
        environment: Names and values; those named like a secret count.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._values = {
            value.encode(errors="surrogateescape"): name
            for name, value in environment.items()
            if _NAME.fullmatch(name) and _is_secret(value)
        }
        self._longest = max(map(len, self._values), default=1)

    def refuse(self, path: str, content: bytes) -> None:
        """Refuse a file that git keeps if it holds a secret.

        Args:
            path: The file.
            content: What it holds.

        Raises:
            StudyError: Names the file, the line and the kind; the secret itself stands nowhere.
        """
        for start, kind in self._found(content):
            line = content[content.rfind(b"\n", 0, start) + 1 :].partition(b"\n")[0]
            if ALLOWED not in line:
                number = content.count(b"\n", 0, start) + 1
                where = f"{printable(path)}:{number}"
                name = shlex.quote(path)
                mend = f"$EDITOR {name}, commit it, and revoke the secret: git's history holds it"
                raise StudyError(f"a secret: {kind}", where, mend)

    def refuse_in_data(self, path: str, content: bytes) -> None:
        """Refuse a file of DVC if it holds a secret; of a large one, see `watch`."""
        self._refuse_kinds(path, content, len(content))
        for value, name in self._values.items():
            if value in content:
                raise _in_data(path, f"the value of {name}")

    def watch(self, path: str) -> Take:
        """Return what takes a file of DVC chunk by chunk, and refuses it if it holds a secret."""
        rest = b""
        done = 0

        def take(buffer: bytearray | bytes, count: int) -> None:
            nonlocal rest, done
            if not done:
                self._refuse_kinds(path, buffer, count)
            done += count
            for value, name in self._values.items():
                if buffer.find(value, 0, count) >= 0 or value in rest + buffer[: len(value)]:
                    raise _in_data(path, f"the value of {name}")
            if self._values:
                rest = (rest + buffer[max(0, count - self._longest) : count])[-self._longest :]

        return take

    def _refuse_kinds(self, path: str, content: bytes | bytearray, count: int) -> None:
        if content.find(b"\0", 0, min(count, 8000)) < 0:
            head = content if count <= LOOKED_AT else bytes(content[:LOOKED_AT])
            for start, kind in _known(head):
                if start < count:
                    raise _in_data(path, kind)

    def _found(self, content: bytes) -> Iterator[tuple[int, str]]:
        for value, name in self._values.items():
            start = -1
            while (start := content.find(value, start + 1)) >= 0:
                yield start, f"the value of {name}"
        if b"\0" not in content[:8000]:
            yield from _known(content)
            if b"@" in content:
                for match in _IN_ADDRESS.finditer(content):
                    yield match.start(), "password in an address"


def _known(content: bytes | bytearray) -> Iterator[tuple[int, str]]:
    """Yield where in a text secrets of well-known kinds are, and the kind."""
    if not any(letter in content for letter in _LETTERS):
        return
    if _RUN not in content.translate(_IN_RUNS) and b"PRIVATE KEY" not in content:
        return
    for part in _PART.finditer(content):
        begin = max(0, part.start() - _BEFORE)
        around = bytes(content[begin : part.end() + _AFTER])
        for match in _PATTERN.finditer(around):
            yield begin + match.start(), list(_KINDS)[(match.lastindex or 1) - 1]


def _in_data(path: str, kind: str) -> StudyError:
    mend = f"$EDITOR dvc.yaml, and what writes {shlex.quote(path)}, then: make repro"
    return StudyError(f"a secret: {kind}", printable(path), mend)


def _is_secret(value: str) -> bool:
    kinds = sum(bool(re.search(kind, value)) for kind in _CLASSES)
    return len(value) >= _SHORTEST and kinds > 1
