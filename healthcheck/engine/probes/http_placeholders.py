"""Placeholders that every attempt fills anew, so that no cache on the way answers in the target's place.

`{uuid}`, `{timestamp}` and `{random}`, and no others: all other braces stay as they are. `{{uuid}}` is `{uuid}` itself.
"""

from __future__ import annotations

import re
import secrets
import time
import uuid
from collections.abc import Callable, Iterable, Mapping

_MAKERS: Mapping[str, Callable[[], str]] = {
    "uuid": lambda: str(uuid.uuid4()),
    "timestamp": lambda: str(int(time.time())),
    "random": lambda: secrets.token_hex(8),
}
_NAMES = "|".join(_MAKERS)
_PLACEHOLDER = re.compile(rf"\{{(\{{(?:{_NAMES})\}})\}}|\{{({_NAMES})\}}")


class Fresh:
    """One value for each placeholder, the same wherever it stands in what one attempt sends."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    @property
    def values(self) -> tuple[str, ...]:
        """What was filled in."""
        return tuple(self._values.values())

    def fill(self, text: str) -> str:
        """Return the text with values in the place of its placeholders."""
        return _PLACEHOLDER.sub(lambda found: found[1] or self._make(found[2]), text) if "{" in text else text

    def fill_pairs(self, pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        """Return the pairs with their values filled; their names stay as they are."""
        return tuple([(name, self.fill(value)) for name, value in pairs])

    def _make(self, name: str) -> str:
        if name not in self._values:
            self._values[name] = _MAKERS[name]()
        return self._values[name]


def has_placeholder(texts: Iterable[str]) -> bool:
    """Whether one of the texts has a placeholder, or one in double braces."""
    return any("{" in text and _PLACEHOLDER.search(text) for text in texts)
