"""A line for a POSIX shell, in which a secret is a variable in double quotes, and everything else in single ones."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

# With a prefix of their own, so that a header called Path does not become what every shell has.
PREFIX = "SECRET_"
_NOT_IN_A_NAME = re.compile(r"[^A-Z0-9]+")


class ShellLine:
    """The words of a line, each quoted for a POSIX shell."""

    def __init__(self) -> None:
        self._words: list[str] = []
        self._variables: list[str] = []

    def add(self, *texts: str) -> None:
        self._words += [shlex.quote(text) for text in texts]

    def add_secret(self, text: str, name: str) -> None:
        """Add one word: a text and after it a variable for the secret of this name."""
        self.add_pieces([(text, ""), ("", name)])

    def add_pieces(self, pieces: Iterable[tuple[str, str]]) -> None:
        """Add one word from pieces of a text and the name of the secret in the text's place, or no name."""
        self._words.append("".join(self._quote(text, name) for text, name in pieces if text or name))

    def _quote(self, text: str, name: str) -> str:
        return f'"${self._name_variable(name)}"' if name else shlex.quote(text)

    def _name_variable(self, name: str) -> str:
        wanted = variable = PREFIX + (_NOT_IN_A_NAME.sub("_", name.upper()).strip("_") or "VALUE")[:40]
        while variable in self._variables:
            variable = f"{wanted}_{len(self._variables) + 1}"
        self._variables.append(variable)
        return variable

    def __str__(self) -> str:
        return " ".join(self._words)
