"""Tones that can be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthcheck.web.contrast import (
    BLACK,
    DARK_GROUNDS,
    LIGHT_GROUNDS,
    WHITE,
    Colour,
    derive_tones,
    measure_contrast,
    parse_colour,
)
from tests.web.test_colours import _read_tokens

CHANNEL = st.integers(0, 255)


def test_contrast_is_that_of_the_standard() -> None:
    assert measure_contrast(BLACK, WHITE) == measure_contrast(WHITE, BLACK) == 21
    assert round(measure_contrast(Colour(0x76, 0x76, 0x76), WHITE), 2) == 4.54


@given(CHANNEL, CHANNEL, CHANNEL, st.booleans())
def test_every_colour_has_tones_that_can_be_read(red: int, green: int, blue: int, is_dark: bool) -> None:
    tones = derive_tones(Colour(red, green, blue), is_dark=is_dark)
    for ground in DARK_GROUNDS if is_dark else LIGHT_GROUNDS:
        assert measure_contrast(tones.text, ground) >= 4.5
        assert measure_contrast(tones.mark, ground) >= 3
    assert measure_contrast(tones.knockout, tones.text) >= 4.5


def test_colour_that_can_be_read_is_left_as_it_is() -> None:
    blue = Colour(0x24, 0x56, 0xC9)
    assert derive_tones(blue, is_dark=False).text == blue
    assert derive_tones(WHITE, is_dark=True).text == WHITE


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_grounds_are_those_of_the_style_sheet(theme: str) -> None:
    tokens = _read_tokens(theme)
    expected = [tokens[name] for name in ("ground", "card", "unknown-soft")]
    assert [str(ground) for ground in (DARK_GROUNDS if theme == "dark" else LIGHT_GROUNDS)] == expected


@pytest.mark.parametrize("text", ["", "#fff", "123456", "#12345g", "#1234567", "＃123456", "#１23456"])
def test_only_six_digits_are_a_colour(text: str) -> None:
    assert parse_colour(text) is None
    assert parse_colour("#C0ffEE") == Colour(0xC0, 0xFF, 0xEE)
