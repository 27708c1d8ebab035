"""The one error type of the tooling."""

from __future__ import annotations


class StudyError(Exception):
    """Something a researcher can mend.

    The command line prints it as ``error: <what>: <where>`` and ``try: <mend>``.

    Args:
        what: What is wrong, in a few words.
        where: The file, key, remote or stage it is wrong in.
        mend: The command that mends it.
    """

    def __init__(self, what: str, where: str = "", mend: str = "") -> None:
        super().__init__(f"{what}: {where}" if where else what)
        self.what = what
        self.where = where
        self.mend = mend
        # A notebook shows it below the error. The set-up tells a Python before 3.11, which has no
        # notes, that it is too old.
        if mend and hasattr(self, "add_note"):
            self.add_note(f"try: {mend}")


class UsageError(StudyError):
    """A command was called with arguments it does not know."""


class StoreError(StudyError):
    """MLflow could not read or write; what it should have kept is still on disk."""


def one_line(error: Exception) -> str:
    """Return the first line of an error's message, or its type when it has none."""
    return next(iter(str(error).splitlines()), "") or type(error).__name__
