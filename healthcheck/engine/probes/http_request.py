"""One request of a chain, as it goes out."""

from __future__ import annotations

import httpx

from healthcheck.engine.agent import USER_AGENT
from healthcheck.engine.probes.http_options import parse_address
from healthcheck.engine.probes.http_redirects import Hop
from healthcheck.engine.probes.http_values import Pairs, encode_query

_DEFAULT_HEADERS = (("Accept", "*/*"), ("Accept-Encoding", "identity"), ("User-Agent", USER_AGENT))


def build_url(address: str, query: Pairs) -> httpx.URL:
    """Return the address as a URL with the parameters after its own."""
    url = parse_address(address)
    if not query:
        return url
    mark = b"&" if b"?" in url.raw_path else b"?"
    return url.copy_with(raw_path=b"%s%s%s" % (url.raw_path, mark, encode_query(query).encode("ascii")))


def build_request(hop: Hop) -> httpx.Request:
    """Return the request with everything but `Connection`, which is the transport's."""
    given = {name.lower() for name, _ in hop.headers}
    headers = [("Host", hop.host or hop.url.netloc.decode("ascii"))]
    headers += [pair for pair in _DEFAULT_HEADERS if pair[0].lower() not in given]
    headers += hop.headers
    if hop.body or hop.method in {"POST", "PUT", "PATCH"}:
        headers.append(("Content-Length", str(len(hop.body))))
    encoded = [(name.encode("ascii"), value.encode()) for name, value in headers]
    extensions = {"server_name": hop.server_name}
    return httpx.Request(hop.method, hop.url, headers=encoded, stream=httpx.ByteStream(hop.body), extensions=extensions)
