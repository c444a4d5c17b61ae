"""One request of a chain, as it goes out."""

from __future__ import annotations

import httpx

from healthcheck.engine.agent import USER_AGENT
from healthcheck.engine.probes.http_redirects import Hop

_DEFAULT_HEADERS = (("Accept", "*/*"), ("Accept-Encoding", "identity"), ("User-Agent", USER_AGENT))


def build_request(hop: Hop) -> httpx.Request:
    """Return the request with everything but `Connection`, which is the transport's."""
    given = {name.lower() for name, _ in hop.headers}
    headers = [("Host", hop.url.netloc.decode("ascii"))]
    headers += [pair for pair in _DEFAULT_HEADERS if pair[0].lower() not in given]
    headers += hop.headers
    if hop.body or hop.method in {"POST", "PUT", "PATCH"}:
        headers.append(("Content-Length", str(len(hop.body))))
    encoded = [(name.encode("ascii"), value.encode()) for name, value in headers]
    return httpx.Request(hop.method, hop.url, headers=encoded, stream=httpx.ByteStream(hop.body))
