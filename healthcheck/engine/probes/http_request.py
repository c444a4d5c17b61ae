"""One request of a chain, as it goes out."""

from __future__ import annotations

from dataclasses import replace

import httpx

from healthcheck.engine.agent import USER_AGENT
from healthcheck.engine.check import CheckSession
from healthcheck.engine.client_certificate import ClientCertificate
from healthcheck.engine.http_message import Request
from healthcheck.engine.probes.http_options import HttpOptions, find_proxy, parse_address
from healthcheck.engine.probes.http_redirects import Hop
from healthcheck.engine.probes.http_values import Pairs, encode_query
from healthcheck.engine.probes.option_values import find_resolver
from healthcheck.engine.transport import OneConnectionTransport

_DEFAULT_HEADERS = (("Accept", "*/*"), ("Accept-Encoding", "identity"), ("User-Agent", USER_AGENT))


def build_url(address: str, query: Pairs) -> httpx.URL:
    """Return the address as a URL with the parameters after its own."""
    url = parse_address(address)
    if not query:
        return url
    mark = b"&" if b"?" in url.raw_path else b"?"
    return url.copy_with(raw_path=b"%s%s%s" % (url.raw_path, mark, encode_query(query).encode("ascii")))


def open_transport(
    options: HttpOptions, session: CheckSession, *, client: ClientCertificate | None = None
) -> OneConnectionTransport:
    """Return the way on which the options send a request, with a certificate of the client's where there is one."""
    return OneConnectionTransport(
        session,
        tls=options.tls if client is None else replace(options.tls, client=client),
        family=options.family,
        resolver=find_resolver(options.resolver),
        proxy=find_proxy(options.proxy),
    )


def build_request(hop: Hop) -> Request:
    """Return the request of a hop."""
    given = {name.lower() for name, _ in hop.headers}
    headers = [("Host", hop.host or hop.url.netloc.decode("ascii"))]
    headers += [pair for pair in _DEFAULT_HEADERS if pair[0].lower() not in given]
    headers += _add_cookies(hop) if hop.cookies else hop.headers
    if hop.body or hop.method in {"POST", "PUT", "PATCH"}:
        headers.append(("Content-Length", str(len(hop.body))))
    return Request(hop.method, hop.url, tuple(headers), hop.body, hop.server_name)


def _add_cookies(hop: Hop) -> Pairs:
    # One line for all of them (RFC 6265, 5.4), those of the person first.
    own = [value for name, value in hop.headers if name.lower() == "cookie"]
    others = tuple((name, value) for name, value in hop.headers if name.lower() != "cookie")
    return (*others, ("Cookie", "; ".join([*own, hop.cookies])))
