"""Evaluate the expressions of GitHub's workflows, as far as the template's workflows use them.

https://docs.github.com/en/actions/reference/workflows-and-actions/expressions
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<word>[A-Za-z_][\w-]*(?:\.[\w-]+)*)"
    r"|(?P<sign>&&|\|\||==|!=|!|\(|\)|,))"
)
EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
CONSTANTS = {"true": True, "false": False, "null": None}
STATUS = re.compile(r"\b(success|failure|always|cancelled)\(")

Functions = Mapping[str, Callable[..., Any]]


def evaluate(text: str, contexts: Mapping[str, Any], functions: Functions) -> Any:
    """Return the value of an expression.

    Args:
        text: What stands between `${{` and `}}`.
        contexts: `github`, `secrets`, `steps` and so on, as nested mappings.
        functions: The functions that it may call.

    Raises:
        ValueError: It uses something that is not known here.
    """
    parser = _Parser(text, contexts, functions)
    value = parser.either()
    if parser.tokens:
        raise ValueError(f"not understood: {text!r}, from {parser.tokens[0][1]!r}")
    return value


def filled(text: str, contexts: Mapping[str, Any], functions: Functions) -> str:
    """Return a text with its expressions filled in."""

    def value(found: re.Match[str]) -> str:
        return as_text(evaluate(found[1], contexts, functions))

    return EXPRESSION.sub(value, text)


def holds(condition: str, contexts: Mapping[str, Any], functions: Functions) -> bool:
    """Tell whether an `if:` holds; without a status function it asks for success as well."""
    inside = EXPRESSION.fullmatch(condition.strip())
    text = inside[1] if inside else condition
    if not STATUS.search(text):
        text = f"success() && ({text})"
    return bool(evaluate(text, contexts, functions))


def as_text(value: Any) -> str:
    """Return a value as GitHub writes it into a text."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


class _Parser:
    """Precedence climbing: `||`, `&&`, `==` and `!=`, `!`, the rest."""

    def __init__(self, text: str, contexts: Mapping[str, Any], functions: Functions) -> None:
        self.contexts, self.functions = contexts, functions
        self.tokens: list[tuple[str, str]] = []
        at, end = 0, len(text.rstrip())
        while at < end:
            found = TOKEN.match(text, at)
            if not found:
                raise ValueError(f"not understood: {text!r}, from {text[at:]!r}")
            self.tokens.append((str(found.lastgroup), str(found[str(found.lastgroup)])))
            at = found.end()

    def either(self) -> Any:
        value = self.both()
        while self._next("||"):
            other = self.both()
            value = value or other
        return value

    def both(self) -> Any:
        value = self.comparison()
        while self._next("&&"):
            other = self.comparison()
            value = value and other
        return value

    def comparison(self) -> Any:
        value = self.negation()
        for sign, equal in (("==", True), ("!=", False)):
            if self._next(sign):
                # Texts are compared without case, and null equals the empty text.
                same = as_text(value).lower() == as_text(self.negation()).lower()
                return same is equal
        return value

    def negation(self) -> Any:
        return not self.negation() if self._next("!") else self.single()

    def single(self) -> Any:
        if self._next("("):
            value = self.either()
            self._expect(")")
            return value
        kind, text = self.tokens.pop(0) if self.tokens else ("", "")
        if kind == "text":
            return text[1:-1].replace("''", "'")
        if kind != "word":
            raise ValueError(f"a value is missing before {text!r}")
        if self._next("("):
            return self._call(text)
        return CONSTANTS[text] if text in CONSTANTS else self._look_up(text)

    def _call(self, name: str) -> Any:
        if name not in self.functions:
            raise ValueError(f"no such function here: {name}")
        arguments = []
        while not self._next(")"):
            arguments.append(self.either())
            if not self._next(","):
                self._expect(")")
                break
        return self.functions[name](*arguments)

    def _look_up(self, path: str) -> Any:
        first, *rest = path.split(".")
        if first not in self.contexts:
            raise ValueError(f"no such context here: {first}")
        value: Any = self.contexts[first]
        for name in rest:
            value = value.get(name) if isinstance(value, Mapping) else None
        return value

    def _next(self, sign: str) -> bool:
        if self.tokens and self.tokens[0] == ("sign", sign):
            self.tokens.pop(0)
            return True
        return False

    def _expect(self, sign: str) -> None:
        if not self._next(sign):
            raise ValueError(f"{sign!r} is missing")
