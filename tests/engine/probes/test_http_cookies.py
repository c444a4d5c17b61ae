"""Cookies of one chain of redirects: where they go, where they do not, and how many there may be."""

from __future__ import annotations

import asyncio
import time

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthcheck.engine.probes.http_cookies import (
    MAX_ATTRIBUTES,
    MAX_COOKIES,
    MAX_LINE_CHARS,
    MAX_TAKEN,
    MAX_TAKEN_CHARS,
    CookieJar,
)
from tests.engine.conftest import Attempt, Run
from tests.hostile import BEHAVIOURS, Behaviour, HostileServer, answer, play, redirect_to

FIRST = "https://login.shop.test/a/b?c"


def write(*lines: str, to: str = FIRST, first: str = FIRST) -> str:
    jar = CookieJar()
    jar.keep(httpx.URL(first), [line.encode("latin-1") for line in lines])
    return jar.write(httpx.URL(to))


@pytest.mark.parametrize(
    ("line", "to"),
    [
        ("a=b", "https://login.shop.test/a/c"),
        ("a=b", "http://LOGIN.shop.test:8080/a/"),
        ("a=b; Path=/", "https://login.shop.test/"),
        ("a=b; path=/x", "https://login.shop.test/x"),
        ("a=b; path=/x", "https://login.shop.test/x/y?z"),
        ("a=b; path=x", "https://login.shop.test/a/"),
        ("a=b; domain=shop.test; path=/", "https://shop.test/"),
        ("a=b; Domain=.Shop.test; path=/", "https://www.shop.test/"),
        ("a=b; domain=login.shop.test; path=/", "https://x.login.shop.test/"),
        ("a=b; Secure; HttpOnly; SameSite=Lax", FIRST),
        ("a=b; max-age=5", FIRST),
        ("a=b; expires=Fri, 31 Dec 9999 23:59:59 GMT", FIRST),
        ("a=b; expires=nonsense; max-age=soon", FIRST),
        (" a = b ;;;=", FIRST),
    ],
)
def test_cookie_goes_where_it_belongs(line: str, to: str) -> None:
    assert write(line, to=to) == "a=b"


@pytest.mark.parametrize(
    ("line", "to"),
    [
        ("a=b", "https://shop.test/a/b"),
        ("a=b", "https://x.login.shop.test/a/b"),
        ("a=b", "https://evil.test/a/b"),
        ("a=b", "https://login.shop.test/"),
        ("a=b; path=/x", "https://login.shop.test/xy"),
        ("a=b; domain=shop.test; path=/", "https://evilshop.test/"),
        ("a=b; domain=test; path=/", FIRST),
        ("a=b; domain=evil.test; path=/", "https://evil.test/"),
        ("a=b; domain=x.login.shop.test; path=/", "https://x.login.shop.test/"),
        ("a=b; Secure", "http://login.shop.test/a/b"),
        ("a=b; max-age=0", FIRST),
        ("a=b; max-age=-1; expires=Fri, 31 Dec 9999 23:59:59 GMT", FIRST),
        ("a=b; expires=Thu, 01 Jan 1970 00:00:00 GMT", FIRST),
        ("a", FIRST),
        ("=b", FIRST),
        ("a=b\x00", FIRST),
        ("a=b\x85", FIRST),
        (f"a={'b' * 4096}", FIRST),
    ],
)
def test_cookie_goes_nowhere_else(line: str, to: str) -> None:
    assert write(line, to=to) == ""


def test_cookie_of_an_address_is_for_it_alone() -> None:
    assert write("a=b; domain=0.0.1", to="http://127.0.0.1/", first="http://127.0.0.1/") == ""
    assert write("a=b; domain=127.0.0.1", to="http://127.0.0.1/", first="http://127.0.0.1/") == "a=b"


def test_secure_cookie_is_not_taken_over_plain_text() -> None:
    assert write("a=b; secure", first="http://login.shop.test/a/b") == ""


def test_cookie_of_the_same_name_takes_the_place_of_the_other_and_an_old_one_removes_it() -> None:
    assert write("a=1", "a=2", "a=3; path=/a/b", "c=4; domain=shop.test") == "a=3; a=2; c=4"
    assert write("a=1", "a=; max-age=0", "c=4") == "c=4"


def test_attributes_are_read_up_to_their_limit() -> None:
    filled = "a=b" + "; x=y" * (MAX_ATTRIBUTES - 1)
    assert write(f"{filled}; path=/elsewhere") == ""
    assert write(f"{filled}; x=y; path=/elsewhere; path=/elsewhere") == "a=b"
    jar, started = CookieJar(), time.thread_time()
    jar.keep(httpx.URL(FIRST), [b"a=b" + b";" * 60_000] * 10)
    # Some 30 ms for each line, if all of them were read.
    assert time.thread_time() - started < 0.1


def test_cookies_are_bounded() -> None:
    assert len(write(*(f"c{number}=x" for number in range(2_000))).split("; ")) == MAX_COOKIES
    assert MAX_LINE_CHARS // 2 < len(write(*(f"c{number}={'x' * 4_000}" for number in range(50)))) <= MAX_LINE_CHARS


def test_cookies_that_are_set_anew_and_anew_are_bounded() -> None:
    jar, url = CookieJar(), httpx.URL(FIRST)
    assert len(jar.keep(url, [b"a=%d" % number for number in range(2_000)])) == MAX_TAKEN
    assert sum(map(len, CookieJar().keep(url, [b"a=%s" % (b"x" * 4_000)] * 50))) <= MAX_TAKEN_CHARS


@given(st.lists(st.binary() | st.text().map(lambda text: f"a=b;{text}".encode(errors="replace"))))
def test_cookies_are_kept_or_not_but_never_break(lines: list[bytes]) -> None:
    jar = CookieJar()
    jar.keep(httpx.URL(FIRST), lines)
    assert jar.write(httpx.URL(FIRST)).isprintable()


def set_and_send(cookie: str, location: str) -> Behaviour:
    return play(answer("HTTP/1.1 302 Found", f"Set-Cookie: {cookie}", f"Location: {location}", "Content-Length: 0"))


def test_http_comes_back_from_a_login_with_its_cookie(hostile: HostileServer, run: Run) -> None:
    page = f"http://127.0.0.1:{hostile.listen('echo')}/page"
    login = f"http://127.0.0.1:{hostile.listen(set_and_send('session=canary; Path=/', page))}/login"
    first = f"http://127.0.0.1:{hostile.listen(redirect_to(login))}/"
    assert b"\r\nCookie: session=canary\r\n" in run(Attempt(first).observe()).body
    # The next attempt begins anew.
    assert b"Cookie" not in run(Attempt(page).observe()).body


def test_http_says_its_own_cookies_and_those_of_the_chain_in_one_line(hostile: HostileServer, run: Run) -> None:
    steps = iter((set_and_send("b=2", "/end"), BEHAVIOURS["echo"]))

    async def take_a_step(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await next(steps)(reader, writer)

    url = f"http://127.0.0.1:{hostile.listen(take_a_step)}/"
    seen = run(Attempt(url, options={"headers": {"cookie": "a=1"}}).observe())
    assert seen.body.lower().count(b"cookie") == 1
    assert b"\r\nCookie: a=1; b=2\r\n" in seen.body


def test_http_takes_no_cookie_to_another_host(hostile: HostileServer, run: Run) -> None:
    page = f"http://localhost:{hostile.listen('echo')}/page"
    first = f"http://127.0.0.1:{hostile.listen(set_and_send('session=canary; Path=/', page))}/"
    assert b"Cookie" not in run(Attempt(first).observe()).body


def test_http_outlives_thousands_of_cookies(hostile: HostileServer, run: Run) -> None:
    lines = [f"Set-Cookie: c{number}={'x' * 100}" for number in range(150)]
    page = f"http://127.0.0.1:{hostile.listen('echo')}/page"
    port = hostile.listen(play(answer("HTTP/1.1 302 Found", *lines, f"Location: {page}", "Content-Length: 0")))
    assert run(Attempt(f"http://127.0.0.1:{port}/").observe()).body.count(b"=xx") == MAX_COOKIES
