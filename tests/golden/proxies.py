"""Proxies on the way: their own troubles are nobody's outage, and what they say of a target counts."""

from __future__ import annotations

from healthcheck.engine.types import ErrorKind, Phase
from tests.golden.case import ZONE, Case, Door, Golden, is_down, is_unknown
from tests.hostile import answer, play

CAPACITY, CONNECT = ErrorKind.CAPACITY, Phase.CONNECT
_SQUID = "X-Squid-Error: ERR_CONNECT_FAIL 111"


def _case(name: str, says: str, becomes: Golden, *lines: str) -> Case:
    """A proxy that answers CONNECT by these lines; without any it is silent."""
    door = Door(play(answer(*lines, "Content-Length: 0")) if lines else "silent")
    url, proxy = f"https://{name}.{ZONE}/", f"http://{name}.{ZONE}:80"
    return Case(name, says, becomes, (door,), url=url, options={"proxy": proxy})


CASES = [
    _case(
        "proxy-silent",
        "is a proxy that never says whether it could connect",
        is_unknown(CAPACITY, CONNECT, "the proxy did not answer in time"),
    ),
    _case(
        "proxy-busy",
        "is a proxy that answers 503 and blames nobody",
        is_unknown(CAPACITY, CONNECT, "does not say that the target is the reason (503)"),
        "HTTP/1.1 503 Service Unavailable",
    ),
    _case(
        "proxy-forbids",
        "is a proxy that does not let anybody go there",
        is_unknown(CAPACITY, CONNECT, "the proxy refuses to connect there (403)"),
        "HTTP/1.1 403 Forbidden",
    ),
    _case(
        "proxy-login",
        "is a proxy that wants a login",
        is_unknown(ErrorKind.CREDENTIAL, Phase.REQUEST, "The proxy wants a login (407)"),
        "HTTP/1.1 407 Proxy Authentication Required",
    ),
    _case(
        "proxy-blames",
        "is a proxy that could not reach the target and says so",
        is_down(ErrorKind.CONNECTION, CONNECT, "the proxy could not reach it (502)"),
        "HTTP/1.1 502 Bad Gateway",
    ),
    _case(
        "proxy-blames-squid",
        "is Squid that could not reach the target",
        is_down(ErrorKind.CONNECTION, CONNECT, "the proxy could not reach it (503)"),
        "HTTP/1.1 503 Service Unavailable",
        _SQUID,
    ),
    _case(
        "proxy-waited",
        "is a proxy that waited for the target in vain",
        is_down(ErrorKind.TIMEOUT, CONNECT, "the proxy waited for it in vain (504)"),
        "HTTP/1.1 504 Gateway Timeout",
    ),
]
