"""What makes a page its owner's: theme, accent colour, logo. Each has an address of its own that changes with it."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from healthcheck.models import StatusPage
from healthcheck.web.addresses import PageUrls
from healthcheck.web.contrast import Colour, Tones, derive_tones, parse_colour

# A logo stands in a box of this height; it is never shown larger than it is.
_BOX_WIDTH, _BOX_HEIGHT = 240, 48
_SIZE = slice(16, 24)


@dataclass(frozen=True, slots=True)
class Logo:
    """The picture's address, and the size at which it is shown: known before it is loaded, so that nothing moves."""

    url: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Look:
    theme: str
    style_url: str = ""
    logo: Logo | None = None


def load_look(page: StatusPage, urls: PageUrls) -> Look:
    """Return the look of a page in one query, which reads the logo."""
    accent = parse_colour(page.accent)
    style_url = f"{urls.page}style-{name_version(draw_style(accent))}.css" if accent else ""
    return Look(page.theme, style_url, _describe_logo(read_logo(page), urls))


def read_logo(page: StatusPage) -> bytes:
    """Return the stored PNG, empty for none."""
    stored = StatusPage.objects.filter(pk=page.pk).values_list("logo", flat=True).first()
    return bytes(stored or b"")


def name_version(content: bytes) -> str:
    """Return the part of an address that changes with what lies there."""
    return blake2b(content, digest_size=8).hexdigest()


def draw_style(accent: Colour) -> bytes:
    """Return the page's own style sheet: the tokens of `status.css` that the accent replaces."""
    light, dark = derive_tones(accent, is_dark=False), derive_tones(accent, is_dark=True)
    tokens = {"link": "text", "accent": "mark", "on-link": "knockout"}
    lines = (f"--hc-{token}: {_pair(light, dark, name)};" for token, name in tokens.items())
    return f":root {{ {' '.join(lines)} }}\n".encode()


def _pair(light: Tones, dark: Tones, name: str) -> str:
    return f"light-dark({getattr(light, name)}, {getattr(dark, name)})"


def _describe_logo(logo: bytes, urls: PageUrls) -> Logo | None:
    if not logo:
        return None
    # PNG has its size in the bytes after the first chunk's name.
    width, height = (int.from_bytes(logo[_SIZE][place : place + 4], "big") for place in (0, 4))
    scale = min(1.0, _BOX_WIDTH / max(width, 1), _BOX_HEIGHT / max(height, 1))
    return Logo(
        f"{urls.page}logo-{name_version(logo)}.png", max(1, round(width * scale)), max(1, round(height * scale))
    )
