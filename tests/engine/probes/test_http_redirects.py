"""Where a redirect leads, and what of the first request it may carry there."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthcheck.engine.faults import ProbeFailure
from healthcheck.engine.probes.http_redirects import MAX_LOCATION_BYTES, MAX_UNENCODED_BYTES, Hop, follow
from healthcheck.engine.types import ErrorKind, Phase

HEADERS = (("X-Api-Key", "canary"), ("Authorization", "canary"), ("Cookie", "canary"), ("Accept", "text/html"))


def hop(method: str = "GET", body: bytes = b"", headers: tuple[tuple[str, str], ...] = HEADERS) -> Hop:
    return Hop(method, httpx.URL("https://one.test/a/b?c"), headers, body)


@pytest.mark.parametrize(
    ("location", "url"),
    [
        (b"/d", "https://one.test/d"),
        (b"d", "https://one.test/a/d"),
        (b"?e", "https://one.test/a/b?e"),
        (b"//two.test/d", "https://two.test/d"),
        (b"HTTP://Two.Test:80/d", "http://two.test/d"),
        (b"https://user:canary@two.test/", "https://two.test/"),
        ("https://bücher.test/größe".encode(), "https://xn--bcher-kva.test/gr%C3%B6%C3%9Fe"),
        (b" /d ", "https://one.test/d"),
    ],
)
def test_follow_resolves(location: bytes, url: str) -> None:
    assert str(follow(hop(), 302, location).url) == url


@pytest.mark.parametrize(
    "location",
    [
        b"",
        b"  ",
        b"file:///etc/passwd",
        b"javascript:alert(1)",
        b"data:text/html,hello",
        b"ftp://one.test/",
        b"http://",
        b"http:///d",
        b"http://[::1",
        b"http://one.test:0/",
        b"http://one.test:99999/",
        b"http://one.test:port/",
        b"/a\x00b",
        b"/a\tb",
        b"http://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1/",
        b"/" + b"a" * 70_000,
    ],
)
def test_follow_refuses(location: bytes) -> None:
    with pytest.raises(ProbeFailure) as caught:
        follow(hop(), 302, location)
    assert (caught.value.kind, caught.value.phase) == (ErrorKind.REDIRECT, Phase.HEADERS)


def test_follow_reads_a_location_of_some_length_and_no_longer() -> None:
    longest = b"/" + b"a" * (MAX_LOCATION_BYTES - 1)
    assert follow(hop(), 302, longest).url.raw_path == longest
    for location in (longest + b"a", "/ä".encode() + b"a" * MAX_UNENCODED_BYTES):
        with pytest.raises(ProbeFailure, match=f"a Location of {len(location)} bytes"):
            follow(hop(), 302, location)


@given(st.binary() | st.text().map(lambda text: f"http://{text}".encode(errors="replace")))
def test_follow_leads_somewhere_or_refuses_but_never_breaks(location: bytes) -> None:
    with suppress(ProbeFailure):
        url = follow(hop(), 302, location).url
        assert (url.scheme in {"http", "https"}, bool(url.raw_host), url.userinfo) == (True, True, b"")


@pytest.mark.parametrize("location", [b"/d", b"https://one.test:443/d", b"https://ONE.test/d"])
def test_follow_keeps_every_header_within_the_origin(location: bytes) -> None:
    assert follow(hop(), 302, location).headers == HEADERS


@pytest.mark.parametrize("location", [b"https://two.test/", b"http://one.test/", b"https://one.test:8443/"])
def test_follow_leaves_secrets_at_the_origin(location: bytes) -> None:
    away = follow(hop(), 302, location)
    assert away.headers == (("Accept", "text/html"),)
    assert follow(away, 302, b"https://one.test/").headers == (("Accept", "text/html"),)


def test_follow_takes_other_names_along_within_the_origin_alone() -> None:
    named = replace(hop(), host="shop.test", server_name="shop.test")
    assert follow(named, 302, b"/d").server_name == "shop.test"
    away = follow(named, 302, b"https://two.test/")
    assert (away.host, away.server_name) == ("", "")
    back = follow(away, 302, b"https://one.test/")
    assert (back.host, back.server_name) == ("", "")


@pytest.mark.parametrize("location", [b"/d", b"http://one.test/", b"https://ONE.test:8443/"])
def test_follow_stays_on_the_host(location: bytes) -> None:
    assert follow(hop(), 302, location, stays=True).url.host == "one.test"


@pytest.mark.parametrize("location", [b"https://two.test/", b"//www.one.test/", b"https://one.test./"])
def test_follow_refuses_another_host_where_it_stays(location: bytes) -> None:
    with pytest.raises(ProbeFailure) as caught:
        follow(hop(), 302, location, stays=True)
    assert caught.value.kind == ErrorKind.REDIRECT


@pytest.mark.parametrize(
    ("method", "status", "followed"),
    [
        ("POST", 301, "GET"),
        ("POST", 302, "GET"),
        ("POST", 303, "GET"),
        ("POST", 307, "POST"),
        ("POST", 308, "POST"),
        ("PUT", 301, "PUT"),
        ("PUT", 302, "PUT"),
        ("PUT", 303, "GET"),
        ("DELETE", 303, "GET"),
        ("HEAD", 302, "HEAD"),
        ("HEAD", 303, "HEAD"),
        ("GET", 308, "GET"),
    ],
)
def test_follow_changes_the_method_as_browsers_do(method: str, status: int, followed: str) -> None:
    assert follow(hop(method), status, b"/d").method == followed


def test_follow_drops_the_body_with_its_headers_when_the_method_changes() -> None:
    posted = hop("POST", b"canary", (("Content-Type", "text/plain"), ("X-A", "b")))
    following = follow(posted, 303, b"/d")
    assert (following.body, following.headers) == (b"", (("X-A", "b"),))
    assert follow(posted, 307, b"/d").body == b"canary"


def test_follow_takes_no_body_to_another_host() -> None:
    with pytest.raises(ProbeFailure) as caught:
        follow(hop("POST", b"canary"), 307, b"https://two.test/")
    assert caught.value.kind == ErrorKind.REDIRECT
