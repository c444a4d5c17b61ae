"""What becomes of an uploaded logo."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from healthcheck.admin.fields.logos import (
    MAX_PIXELS,
    MAX_SIDE,
    MAX_STORED_BYTES,
    MAX_UPLOAD_BYTES,
    LogoError,
    encode_logo,
)
from tests.pictures import make_picture, read_size


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_picture_of_any_allowed_kind_becomes_png(kind: str) -> None:
    stored = encode_logo(make_picture(kind))
    assert stored.startswith(b"\x89PNG\r\n")
    assert read_size(stored) == (40, 20)


def test_large_picture_is_made_smaller_in_its_own_shape() -> None:
    assert read_size(encode_logo(make_picture(size=(2048, 1024)))) == (MAX_SIDE, MAX_SIDE // 2)


def test_nothing_but_pixels_is_kept() -> None:
    told = PngImagePlugin.PngInfo()
    told.add_text("Comment", "canary-comment")
    stored = encode_logo(make_picture(pnginfo=told, icc_profile=b"canary-profile"))
    with Image.open(BytesIO(stored)) as picture:
        assert picture.info == {}
    assert b"canary" not in stored


def test_picture_taken_sideways_is_put_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert read_size(encode_logo(make_picture("JPEG", size=(40, 20), exif=exif))) == (20, 40)


def test_photograph_is_kept_small() -> None:
    bands = [Image.effect_noise((MAX_SIDE, MAX_SIDE), 100) for _ in range(3)]
    output = BytesIO()
    Image.merge("RGB", bands).save(output, format="PNG")
    assert len(output.getvalue()) > MAX_STORED_BYTES
    assert len(encode_logo(output.getvalue())) < len(output.getvalue()) / 2


@pytest.mark.parametrize(
    ("upload", "sentence"),
    [
        (b"", "not a picture that can be read; choose a PNG, JPEG, GIF or WebP file."),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "not a picture that can be read"),
        (b"%PDF-1.7", "not a picture that can be read"),
        (make_picture("BMP"), "not a picture that can be read"),
        (make_picture("TIFF"), "not a picture that can be read"),
        (make_picture()[:60], "is broken and cannot be read; save it anew"),
        (b"x" * (MAX_UPLOAD_BYTES + 1), "larger than 5 MB; make it smaller"),
    ],
)
def test_what_is_no_picture_is_refused_with_the_cure(upload: bytes, sentence: str) -> None:
    with pytest.raises(LogoError) as caught:
        encode_logo(upload)
    assert sentence in str(caught.value)


def _claim(width: int, height: int) -> bytes:
    """Return a PNG of a few bytes that claims to be as large."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))


@pytest.mark.parametrize("side", [6_000, 15_000, 60_000])
def test_picture_that_claims_too_many_pixels_is_never_decoded(side: int) -> None:
    assert side * side > MAX_PIXELS
    with pytest.raises(LogoError, match=r"pixels; make it smaller|is broken and cannot be read"):
        encode_logo(_claim(side, side))


@given(st.sampled_from(["PNG", "JPEG", "GIF", "WEBP"]), st.integers(0, 400), st.binary(min_size=1, max_size=8))
def test_damaged_picture_is_read_or_refused_and_never_anything_else(kind: str, place: int, damage: bytes) -> None:
    upload = make_picture(kind)
    place = min(place, len(upload) - 1)
    damaged = upload[:place] + damage + upload[place + len(damage) :]
    try:
        assert encode_logo(damaged).startswith(b"\x89PNG")
    except LogoError as error:
        assert str(error).endswith(".")  # noqa: PT017  # either is right
