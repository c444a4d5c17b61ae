"""Reading a line of assertion text from left to right, with errors that know where they are."""

from __future__ import annotations

import json
import re
from typing import NoReturn

from healthcheck.engine.types import ConfigurationError

MAX_QUOTED_CHARS = 1000
_SPACES = re.compile(r"[ \t]*")
_WORD = re.compile(r"[A-Za-z]+")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_PATH_PART = re.compile(r"""\"(?:[^"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[\[\]]|[^\[\]"']""")
_PATH_ENDS = frozenset(" \t=!<>")


class Scanner:
    """A text and a position in it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.skip_spaces()

    @property
    def is_at_end(self) -> bool:
        return self.position >= len(self.text)

    def fail(self, sentence: str, *, position: int | None = None) -> NoReturn:
        raise ConfigurationError(sentence, position=self.position if position is None else position)

    def skip_spaces(self) -> None:
        found = _SPACES.match(self.text, self.position)
        self.position = found.end() if found else self.position

    def take(self, pattern: re.Pattern[str]) -> str | None:
        """Consume what the pattern matches here, and the spaces after it."""
        found = pattern.match(self.text, self.position)
        if found is None:
            return None
        self.position = found.end()
        self.skip_spaces()
        return found.group()

    def take_word(self) -> str:
        """Consume the letters that stand here; empty when there are none."""
        return self.take(_WORD) or ""

    def take_quoted(self) -> str:
        """Consume a quoted text with JSON's escapes and return what it means."""
        start = self.position
        quoted = self.take(_QUOTED)
        if quoted is None:
            self.fail('Put the text in double quotes, for example "ready".')
        try:
            value = str(json.loads(quoted))
        except json.JSONDecodeError as error:
            self.fail('Escapes are \\" \\\\ \\n \\t and \\u0041; double other backslashes.', position=start + error.pos)
        if len(value) > MAX_QUOTED_CHARS:
            self.fail(f"Use at most {MAX_QUOTED_CHARS} characters.", position=start)
        if any("\ud800" <= character <= "\udfff" for character in value):
            self.fail(
                "Half of a surrogate pair is not a character; write both halves or the character.", position=start
            )
        return value

    def take_json_path(self) -> str:
        """Consume a path: outside brackets it ends at a space or where an operator begins. Empty when there is none."""
        start, depth = self.position, 0
        if self.text[start : start + 1] != "$":
            return ""
        while (part := _PATH_PART.match(self.text, self.position)) and (depth > 0 or part[0] not in _PATH_ENDS):
            depth += (part[0] == "[") - (part[0] == "]")
            self.position = part.end()
        path = self.text[start : self.position]
        self.skip_spaces()
        return path
