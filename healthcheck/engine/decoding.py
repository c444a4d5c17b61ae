"""Bodies and texts made readable within bounds: what a target claims never chooses what code runs."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterable, Iterator, Mapping

from healthcheck.engine.faults import ProbeFailure
from healthcheck.engine.types import ErrorKind, Phase

# About a millisecond of inflating: the loop breathes between two pieces however strongly a body is packed.
PIECE_BYTES = 256 * 1024

_GZIP, _ZLIB, _RAW_DEFLATE = 31, 15, -15
_WINDOWS: Mapping[str, int] = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": _ZLIB}

# Text codecs only, by the names that servers use. Python's registry also knows `hex`, `idna` and `utf-7`.
_CHARSETS: Mapping[str, str] = {
    **dict.fromkeys(("utf-8", "utf8", "us-ascii", "ascii"), "utf-8-sig"),
    **dict.fromkeys(("iso-8859-1", "iso8859-1", "latin1", "latin-1", "windows-1252", "cp1252"), "cp1252"),
    **{f"iso-8859-{number}": f"iso8859-{number}" for number in (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16)},
    **{f"windows-{number}": f"cp{number}" for number in (1250, 1251, 1253, 1254, 1255, 1256, 1257, 1258)},
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "koi8-r": "koi8-r",
    "koi8-u": "koi8-u",
    "shift_jis": "cp932",
    "euc-jp": "euc_jp",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb18030": "gb18030",
    "big5": "big5",
    "euc-kr": "cp949",
}


class _Inflater:
    """gzip (of any number of members) or deflate (with or without zlib's frame), in pieces of bounded size."""

    def __init__(self, window: int) -> None:
        self._window = window
        self._inflate = zlib.decompressobj(window)
        self._has_begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        if not self._has_begun and data:
            self._begin(data)
        while data:
            if self._inflate.eof:
                if self._window != _GZIP:
                    return
                self._inflate = zlib.decompressobj(_GZIP)
            try:
                yield self._inflate.decompress(data, PIECE_BYTES)
            except zlib.error:
                raise ProbeFailure(
                    ErrorKind.PROTOCOL, Phase.BODY, "the body is not in the encoding it claims"
                ) from None
            data = self._inflate.unconsumed_tail or self._inflate.unused_data

    def _begin(self, data: bytes) -> None:
        self._has_begun = True
        # RFC 9110, 8.4.1.2 means zlib's frame by "deflate", but servers that leave it out are as old as the word.
        if self._window == _ZLIB and (data[0] & 0x0F != 8 or (len(data) > 1 and (data[0] << 8 | data[1]) % 31)):
            self._inflate = zlib.decompressobj(_RAW_DEFLATE)

    def finish(self) -> None:
        if self._has_begun and not self._inflate.eof:
            raise ProbeFailure(ErrorKind.PROTOCOL, Phase.BODY, "the encoded body is cut")


async def count_body(stream: AsyncIterable[bytes], limit: int) -> int:
    """Read a body to its end and return its size in bytes, keeping nothing. Raises ProbeFailure over the limit."""
    size = 0
    async for chunk in stream:
        size += len(chunk)
        _check_size(size, limit)
    return size


async def read_body(stream: AsyncIterable[bytes], *, encoding: str, limit: int) -> bytes:
    """Return the whole body without its content encoding; `limit` bounds it in bytes both packed and unpacked.

    Raises ProbeFailure: TOO_LARGE, or PROTOCOL for an encoding that is broken or that nobody asked for.
    """
    inflater = _open_inflater(encoding)
    pieces: list[bytes] = []
    received = size = 0
    async for chunk in stream:
        received += len(chunk)
        _check_size(received, limit)
        if inflater is None:
            pieces.append(chunk)
            continue
        for piece in inflater.feed(chunk):
            size += len(piece)
            _check_size(size, limit)
            pieces.append(piece)
            await asyncio.sleep(0)
    if inflater is not None:
        inflater.finish()
    return b"".join(pieces)


def _open_inflater(encoding: str) -> _Inflater | None:
    names = [name for part in encoding.lower().split(",") if (name := part.strip()) not in {"", "identity"}]
    if not names:
        return None
    window = _WINDOWS.get(names[0])
    if len(names) > 1 or window is None:
        raise ProbeFailure(ErrorKind.PROTOCOL, Phase.BODY, "an encoding that was not asked for")
    return _Inflater(window)


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise ProbeFailure(
            ErrorKind.TOO_LARGE, Phase.BODY, f"more than {limit} bytes", expected=f"at most {limit} bytes"
        )


def choose_charset(content_type: str) -> str:
    """Return the charset that a Content-Type names, if it is one of ours, else `utf-8`."""
    for parameter in content_type[:1000].split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            charset = value.strip().strip("\"'").lower()
            return charset if charset in _CHARSETS else "utf-8"
    return "utf-8"


def decode_text(body: bytes, charset: str) -> str:
    """Return the body as text. Total: an unknown charset is read as UTF-8, what cannot be read becomes U+FFFD."""
    return body.decode(_CHARSETS.get(charset.lower(), "utf-8-sig"), errors="replace")
