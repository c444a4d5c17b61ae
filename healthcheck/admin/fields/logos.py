"""What is uploaded as a logo becomes a small PNG of our own making: only its pixels are kept, and not too many."""

from __future__ import annotations

import struct
import warnings
import zlib
from io import BytesIO

from django.utils.translation import gettext as _
from PIL import Image, ImageOps, UnidentifiedImageError

MAX_UPLOAD_BYTES = 5 * 1024 * 1024
# A few kilobytes can claim to be gigabytes of pixels; this many take a hundred megabytes for a moment.
MAX_PIXELS = 24_000_000
# Four times the size at which it is shown, for screens that show every point in four.
MAX_SIDE = 512
# Every visitor loads it. More is a photograph, which 256 colours show well enough at that size.
MAX_STORED_BYTES = 192 * 1024
# Each decoder is code that reads what a stranger wrote: no more of them than logos come in.
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
# What Pillow's decoders raise for a file that is broken in one way or another.
_BROKEN = (OSError, SyntaxError, ValueError, TypeError, EOFError, IndexError, KeyError, OverflowError)
_BROKEN_DATA = (struct.error, zlib.error, Image.DecompressionBombError, Image.DecompressionBombWarning)


class LogoError(ValueError):
    """It cannot be a logo. The text is one sentence for people and names the cure."""


def encode_logo(upload: bytes) -> bytes:
    """Return the picture as PNG of at most MAX_SIDE pixels. Raises LogoError."""
    if len(upload) > MAX_UPLOAD_BYTES:
        sentence = _("The picture is larger than %(limit)s MB; make it smaller and choose it again.")
        raise LogoError(sentence % {"limit": MAX_UPLOAD_BYTES // 1024**2})
    try:
        return _write(_decode(upload))
    except UnidentifiedImageError:
        sentence = _("This file is not a picture that can be read; choose a PNG, JPEG, GIF or WebP file.")
        raise LogoError(sentence) from None
    except (*_BROKEN, *_BROKEN_DATA) as error:
        if isinstance(error, LogoError):
            raise
        sentence = _("The picture is broken and cannot be read; save it anew in another program and choose it again.")
        raise LogoError(sentence) from None


def _decode(upload: bytes) -> Image.Image:
    with warnings.catch_warnings():
        # Too many pixels are refused below, in our own words.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        picture = Image.open(BytesIO(upload), formats=_FORMATS)
    with picture:
        width, height = picture.size
        if width * height > MAX_PIXELS:
            sentence = _("The picture has %(width)s by %(height)s pixels; make it smaller and choose it again.")
            raise LogoError(sentence % {"width": width, "height": height})
        # JPEG can be decoded at a fraction of its size.
        picture.draft("RGB", (MAX_SIDE, MAX_SIDE))
        upright = ImageOps.exif_transpose(picture).convert("RGBA")
    upright.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    # A new picture has none of the old one's profiles, comments and places.
    clean = Image.new("RGBA", upright.size)
    clean.paste(upright)
    return clean


def _write(picture: Image.Image) -> bytes:
    stored = _save(picture)
    if len(stored) <= MAX_STORED_BYTES:
        return stored
    return _save(picture.quantize(256, method=Image.Quantize.FASTOCTREE))


def _save(picture: Image.Image) -> bytes:
    output = BytesIO()
    picture.save(output, format="PNG", optimize=True)
    return output.getvalue()
