"""The style sheet's colours keep WCAG AA contrast in both themes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders

TEXT = ["text", "quiet", "link", "up", "degraded", "down", "unknown"]
PHASES = ["phase-resolve", "phase-connect", "phase-tls", "phase-headers", "phase-body"]
MARKS = ["up-mark", "degraded-mark", "down-mark", "unknown-mark", "maintenance-mark", "excluded-mark", *PHASES]
SOFT = ["up-soft", "degraded-soft", "down-soft", "unknown-soft"]


def _read_tokens(theme: str) -> dict[str, str]:
    path = finders.find("healthcheck/status.css")
    assert isinstance(path, str)
    pairs = re.findall(
        r"--hc-([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", Path(path).read_text(encoding="utf-8")
    )
    return {name: dark if theme == "dark" else light for name, light, dark in pairs}


def _measure_luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2.2."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _measure_contrast(one: str, other: str) -> float:
    dark, light = sorted([_measure_luminance(one), _measure_luminance(other)])
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("ground", ["ground", "card"])
@pytest.mark.parametrize("text", TEXT)
def test_text_is_readable(theme: str, ground: str, text: str) -> None:
    tokens = _read_tokens(theme)
    assert _measure_contrast(tokens[text], tokens[ground]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("ground", SOFT)
@pytest.mark.parametrize("text", ["text", "quiet"])
def test_text_is_readable_on_every_tint(theme: str, ground: str, text: str) -> None:
    tokens = _read_tokens(theme)
    assert _measure_contrast(tokens[text], tokens[ground]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("mark", MARKS)
def test_marks_are_visible(theme: str, mark: str) -> None:
    tokens = _read_tokens(theme)
    assert _measure_contrast(tokens[mark], tokens["card"]) >= 3


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_lookup_and_connection_differ_without_their_hue(theme: str) -> None:
    tokens = _read_tokens(theme)
    assert _measure_contrast(tokens["phase-resolve"], tokens["phase-connect"]) >= 1.5
