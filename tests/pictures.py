"""Pictures for tests, made by the library that reads them."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from PIL import Image


def make_picture(kind: str = "PNG", *, size: tuple[int, int] = (40, 20), mode: str = "RGB", **options: Any) -> bytes:
    """Return a file of this kind in one colour."""
    output = BytesIO()
    Image.new(mode, size, "red" if mode != "1" else 1).save(output, format=kind, **options)
    return output.getvalue()


def read_size(png: bytes) -> tuple[int, int]:
    with Image.open(BytesIO(png), formats=["PNG"]) as picture:
        return picture.size
