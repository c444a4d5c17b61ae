"""What a theme's trail shows of an object that people know by another name than its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Crumb:
    """Passes for an object where a theme asks for its model, its key and its words: `original` in a context."""

    pk: Any
    _meta: Any
    words: str

    def __str__(self) -> str:
        return self.words


def name_crumb(obj: Any, words: str) -> Crumb:
    return Crumb(obj.pk, obj._meta, words)
