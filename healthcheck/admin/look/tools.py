"""The buttons and links over a form or a history."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tool:
    """A link, or a button that posts to `url`."""

    label: str
    url: str
    is_button: bool = False
