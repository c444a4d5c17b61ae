"""Redirects followed by hand: where the next request goes, and what of the first one it may carry."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from healthcheck.engine.faults import ProbeFailure
from healthcheck.engine.types import ErrorKind, Phase

# Reading a URL takes up to a microsecond for each byte, on the loop, and five for one that has to be encoded first, as
# few servers leave to the client. The longest that are meant, from a login to another host, have some 3,000.
MAX_LOCATION_BYTES, MAX_UNENCODED_BYTES = 4096, 1024
REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
# Everything else that a person set may be a secret: only these leave the origin they were meant for.
HARMLESS_HEADERS = frozenset({"accept", "accept-encoding", "accept-language", "cache-control", "pragma", "user-agent"})
BODY_HEADERS = frozenset({"content-encoding", "content-language", "content-location", "content-type"})


@dataclass(frozen=True, slots=True)
class Hop:
    """One request of a chain of redirects.

    At the first origin only: `credential`, an `engine.credentials` value, and what is said in the place of the URL's
    host, `host` in the header of that name and `server_name` in TLS.
    """

    method: str
    url: httpx.URL
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)
    credential: Any = field(default=None, repr=False)
    host: str = ""
    server_name: str = ""
    # Of the chain, not of the person: as a header says them.
    cookies: str = field(default="", repr=False)


def follow(hop: Hop, status: int, location: bytes, *, stays: bool = False) -> Hop:
    """Return the next hop; where it `stays`, one on the same host, whatever the scheme and the port.

    Raises ProbeFailure(REDIRECT) for a place where a check cannot or must not go.
    """
    url = _resolve(hop.url, location)
    if stays and url.raw_host != hop.url.raw_host:
        raise _refuse("to another host, and this check stays on the same one")
    following = replace(hop, url=url)
    if _changes_to_get(hop.method, status):
        following = replace(following, method="GET", body=b"", headers=_drop(hop.headers, BODY_HEADERS))
    if _origin(url) == _origin(hop.url):
        return following
    if following.body:
        raise _refuse("it would send the request's body to another host")
    kept = tuple((name, value) for name, value in following.headers if name.lower() in HARMLESS_HEADERS)
    return replace(following, headers=kept, credential=None, host="", server_name="")


def _changes_to_get(method: str, status: int) -> bool:
    # As browsers do it (Fetch standard, HTTP-redirect fetch, step 12).
    return (status in {301, 302} and method == "POST") or (status == 303 and method not in {"GET", "HEAD"})


def _drop(headers: tuple[tuple[str, str], ...], names: frozenset[str]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in headers if name.lower() not in names)


def _resolve(base: httpx.URL, location: bytes) -> httpx.URL:
    if len(location) > (MAX_LOCATION_BYTES if location.isascii() else MAX_UNENCODED_BYTES):
        raise _refuse(f"a Location of {len(location)} bytes")
    text = location.decode("utf-8", errors="replace").strip()
    if not text:
        raise _refuse("an empty Location")
    try:
        url = base.join(text)
        host, port = url.raw_host, url.port
        if url.userinfo:
            url = url.copy_with(userinfo=b"")
    except (httpx.InvalidURL, ValueError):
        raise _refuse("a Location that is not a valid URL") from None
    if url.scheme not in {"http", "https"}:
        raise _refuse(f"to the scheme “{url.scheme[:20]}”")
    if not host or (port is not None and not 1 <= port <= 65535):
        raise _refuse("a Location without a usable host or port")
    return url


def _origin(url: httpx.URL) -> tuple[str, bytes, int]:
    return url.scheme, url.raw_host, url.port if url.port is not None else (443 if url.scheme == "https" else 80)


def _refuse(found: str) -> ProbeFailure:
    return ProbeFailure(ErrorKind.REDIRECT, Phase.HEADERS, found)
