"""Cookies kept over one chain of redirects (RFC 6265), as a login that comes back needs them. Nothing outlives it.

There is no list of public suffixes: a host may set a cookie for its parent domain, as long as that has a dot. All that
such a cookie can tell another host of the chain, the redirect to it could tell as well.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import httpx

from healthcheck.engine.resolver import is_address

# Browsers keep 50 for a domain and 4 KiB of each (RFC 6265, 6.1); servers refuse a header line of more than 8 KiB.
MAX_COOKIES = 50
MAX_COOKIE_CHARS = 4096
# Of one cookie. There are some ten that anybody knows; those behind are not read.
MAX_ATTRIBUTES = 20
MAX_LINE_CHARS = 8 * 1024
# Of all that one chain ever sets, over its redirects and over each other: each value is hidden in what is kept of it.
# To spell 64 KiB beyond ASCII in all ways that a page may say them back takes the loop 40 ms; this much, five.
MAX_TAKEN, MAX_TAKEN_CHARS = 100, MAX_LINE_CHARS


@dataclass(frozen=True, slots=True)
class Cookie:
    """One cookie and where it may be sent; `is_exact` for the very host alone."""

    name: str
    value: str
    domain: str
    path: str
    is_exact: bool
    is_secure: bool

    @property
    def identity(self) -> tuple[str, str, str]:
        return self.name, self.domain, self.path

    def fits(self, url: httpx.URL) -> bool:
        """Whether it is for this URL (RFC 6265, 5.4)."""
        if self.is_secure and url.scheme != "https":
            return False
        host = _read_host(url)
        is_there = host == self.domain if self.is_exact else _lies_below(host, self.domain)
        return is_there and _leads_to(self.path, url.raw_path.partition(b"?")[0].decode("ascii"))


class CookieJar:
    """The cookies of one chain, oldest first."""

    def __init__(self) -> None:
        self._cookies: dict[tuple[str, str, str], Cookie] = {}
        self._taken = self._taken_chars = 0

    def keep(self, url: httpx.URL, lines: Iterable[bytes]) -> list[str]:
        """Keep what an answer from this URL sets, within the bounds; return the values, which are secret."""
        values = []
        for line in lines:
            cookie, is_over = _read_cookie(url, line.decode("latin-1"))
            if cookie is None:
                continue
            self._cookies.pop(cookie.identity, None)
            if not is_over and self._has_room(cookie):
                self._cookies[cookie.identity] = cookie
                self._taken, self._taken_chars = self._taken + 1, self._taken_chars + len(cookie.value)
                values.append(cookie.value)
        return values

    def _has_room(self, cookie: Cookie) -> bool:
        is_bounded = self._taken < MAX_TAKEN and self._taken_chars + len(cookie.value) <= MAX_TAKEN_CHARS
        return is_bounded and len(self._cookies) < MAX_COOKIES

    def write(self, url: httpx.URL) -> str:
        """Return the value of the header Cookie for this URL, the longest path first; empty for none."""
        fitting = sorted((each for each in self._cookies.values() if each.fits(url)), key=lambda each: -len(each.path))
        line = ""
        for each in fitting:
            longer = f"{line}; {each.name}={each.value}" if line else f"{each.name}={each.value}"
            if len(longer) <= MAX_LINE_CHARS:
                line = longer
        return line


def _read_cookie(url: httpx.URL, line: str) -> tuple[Cookie | None, bool]:
    """Return the cookie and whether it is over already; None for one that cannot be kept (RFC 6265, 5.2 and 5.3)."""
    pair, *attributes = line.split(";", MAX_ATTRIBUTES + 1)
    name, equals, value = (part.strip(" \t") for part in pair.partition("="))
    given = dict(_read_attribute(each) for each in attributes[:MAX_ATTRIBUTES])
    host, domain = _read_host(url), given.get("domain", "").lower().removeprefix(".")
    if not equals or not name or len(name) + len(value) > MAX_COOKIE_CHARS or not (name + value).isprintable():
        return None, False
    if domain and domain != host and ("." not in domain or not _lies_below(host, domain)):
        return None, False
    is_secure = "secure" in given
    if is_secure and url.scheme != "https":
        return None, False
    path = given.get("path", "")
    cookie = Cookie(
        name=name,
        value=value,
        domain=domain or host,
        path=path if path.startswith("/") else _find_folder(url),
        is_exact=not domain,
        is_secure=is_secure,
    )
    return cookie, _is_over(given)


def _read_attribute(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip(" \t").lower(), value.strip(" \t")


def _is_over(given: dict[str, str]) -> bool:
    age = given.get("max-age", "")
    if age.removeprefix("-").isdecimal() and age.isascii():
        return age.startswith("-") or not age.strip("0")
    with suppress(ValueError, TypeError, OverflowError):
        return parsedate_to_datetime(given.get("expires", "")).timestamp() <= time.time()
    return False


def _read_host(url: httpx.URL) -> str:
    return url.raw_host.decode("ascii").lower()


def _lies_below(host: str, domain: str) -> bool:
    return host == domain or (host.endswith(f".{domain}") and not is_address(host))


def _leads_to(path: str, asked: str) -> bool:
    return asked == path or (asked.startswith(path) and (path.endswith("/") or asked[len(path)] == "/"))


def _find_folder(url: httpx.URL) -> str:
    return url.raw_path.partition(b"?")[0].decode("ascii").rpartition("/")[0] or "/"
