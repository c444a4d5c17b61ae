"""Colours that can be read: from the one that a page's owner likes, tones for text and marks in both themes.

Pure. Contrast is that of WCAG 2.2: 4.5 to 1 for text (1.4.3), 3 to 1 for marks (1.4.11).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

TEXT_CONTRAST = 4.5
MARK_CONTRAST = 3.0
# Towards black or white in so many steps: fine enough that no hue jumps.
_STEPS = 100


class Colour(NamedTuple):
    red: int
    green: int
    blue: int

    def __str__(self) -> str:
        return f"#{self.red:02x}{self.green:02x}{self.blue:02x}"


BLACK, WHITE = Colour(0, 0, 0), Colour(255, 255, 255)
# What text stands on, in `status.css`: the ground, cards, and the tint of the unknown, which is the closest to both.
LIGHT_GROUNDS = (Colour(0xF6, 0xF7, 0xF9), WHITE, Colour(0xEE, 0xF0, 0xF3))
DARK_GROUNDS = (Colour(0x0D, 0x0F, 0x13), Colour(0x15, 0x18, 0x1E), Colour(0x1D, 0x21, 0x29))


@dataclass(frozen=True, slots=True)
class Tones:
    """An accent in one theme: as text, as a mark, and the text that stands on a field of the text's tone."""

    text: Colour
    mark: Colour
    knockout: Colour


def parse_colour(text: str) -> Colour | None:
    """Read #rrggbb; None for anything else."""
    digits = text.removeprefix("#")
    if len(text) != 7 or len(digits) != 6 or not all(each in "0123456789abcdefABCDEF" for each in digits):
        return None
    return Colour(*bytes.fromhex(digits))


def derive_tones(accent: Colour, *, is_dark: bool) -> Tones:
    """Return the accent itself where it can be read, else the nearest of its tones that can."""
    grounds, end = (DARK_GROUNDS, WHITE) if is_dark else (LIGHT_GROUNDS, BLACK)
    text = _approach(accent, end, grounds=grounds, contrast=TEXT_CONTRAST)
    mark = _approach(accent, end, grounds=grounds, contrast=MARK_CONTRAST)
    return Tones(text, mark, max((BLACK, WHITE), key=lambda each: measure_contrast(each, text)))


def measure_contrast(one: Colour, other: Colour) -> float:
    """Return the contrast ratio, from 1 to 21."""
    dark, light = sorted((_measure_luminance(one), _measure_luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _approach(accent: Colour, end: Colour, *, grounds: tuple[Colour, ...], contrast: float) -> Colour:
    for step in range(_STEPS):
        tone = _mix(accent, end, step / _STEPS)
        if all(measure_contrast(tone, ground) >= contrast for ground in grounds):
            return tone
    return end


def _mix(one: Colour, other: Colour, share: float) -> Colour:
    return Colour(*(round(a + (b - a) * share) for a, b in zip(one, other, strict=True)))


def _measure_luminance(colour: Colour) -> float:
    channels = [channel / 255 for channel in colour]
    red, green, blue = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
