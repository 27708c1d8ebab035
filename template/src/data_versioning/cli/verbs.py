"""How a group of verbs adds itself to the command line."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Generator, Sequence
from typing import Any

Run = Callable[[argparse.Namespace], "int | None"]  # on an old Python, `make setup` says so


class Verbs:
    """The verbs of the command line, in groups.

    Args:
        parser: The parser they are added to; its help then lists them by group.
    """

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._parser = parser
        self._verbs = parser.add_subparsers(metavar="<verb>", required=True)
        parser.epilog = ""
        parser.formatter_class = _Grouped

    def group(self, title: str) -> None:
        """Begin a group."""
        self._parser.epilog = f"{self._parser.epilog}\n{title}:\n"

    def add(self, name: str, run: Run, text: str) -> argparse.ArgumentParser:
        """Add a verb.

        Args:
            name: What the user types.
            run: What it does with the parsed arguments; returns the exit status, None for 0.
            text: What it does, in one line that begins with a small letter.
        """
        added = self._parser_of(name, text)
        added.set_defaults(run=run)
        return added

    def nest(self, name: str, text: str) -> Verbs:
        """Add a verb that has verbs of its own, such as `registry list`."""
        nested = Verbs(self._parser_of(name, text))
        nested.group("verbs")
        return nested

    def _parser_of(self, name: str, text: str) -> argparse.ArgumentParser:
        self._parser.epilog = f"{self._parser.epilog}  {name:<19} {text}\n"
        # Completion leaves out verbs without a help text.
        return self._verbs.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")


class _Grouped(argparse.RawDescriptionHelpFormatter):
    """Leaves out argparse's own list of verbs: the epilog has them, by group."""

    def _iter_indented_subactions(
        self, action: argparse.Action
    ) -> Generator[argparse.Action, None, None]:
        yield from ()


def json_option(parser: argparse.ArgumentParser) -> None:
    """Give a verb the option `--json`."""
    parser.add_argument("--json", action="store_true", help="print the result as JSON, only that")


def show(args: argparse.Namespace, result: Any, text: str | Callable[[], str]) -> None:
    """Print a result: as JSON where `--json` was given, otherwise as text.

    Args:
        args: The parsed arguments.
        result: What JSON can hold.
        text: The same for people, or what makes it.
    """
    if args.json:
        print(json.dumps(result, indent=2, ensure_ascii=False))
    else:
        print(text if isinstance(text, str) else text())


def positive(text: str) -> int:
    """Read a number from 1 up."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"not a number from 1 up: {text!r}")
    return int(text)


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return rows of cells as a text table; the first row is the header."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
