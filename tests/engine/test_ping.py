"""The line that sends the same echo requests by hand."""

from __future__ import annotations

from typing import Any

import pytest

from healthcheck.engine.ping import write_ping
from healthcheck.engine.probes import load_probe
from healthcheck.engine.types import Target


def write(address: str, kind: str = "icmp", **options: Any) -> str:
    return write_ping(Target(1, kind, address, load_probe(kind).parse(address, options)))


@pytest.mark.parametrize(
    ("address", "options", "line"),
    [
        ("icmp://example.com", {}, "ping -n -c 3 -i 0.2 -W 1 -s 56 example.com"),
        (
            "[::1]",
            {"family": "ipv6", "packets": 1, "packet_interval_ms": 10, "packet_wait_ms": 1500, "packet_bytes": 1472},
            "ping -n -6 -c 1 -i 0.01 -W 1.5 -s 1472 ::1",
        ),
    ],
)
def test_line_says_what_the_check_asks(address: str, options: dict[str, Any], line: str) -> None:
    assert write(address, **options) == line


def test_other_kinds_have_none() -> None:
    assert write("tcp://a.example:1", kind="tcp") == ""
