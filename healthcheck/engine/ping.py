"""Writes a check's echo requests as a line for a shell, to repeat it by hand. Pure."""

from __future__ import annotations

import shlex

from healthcheck.engine.probes.icmp_options import IcmpOptions, parse_host
from healthcheck.engine.types import AddressFamily, Target

_FAMILIES = {AddressFamily.ANY: (), AddressFamily.IPV4: ("-4",), AddressFamily.IPV6: ("-6",)}


def write_ping(target: Target) -> str:
    """Return the line, as iputils' ping takes it; empty for a check of another kind.

    Raises ConfigurationError when the target's address cannot be read.
    """
    options = target.options
    if not isinstance(options, IcmpOptions):
        return ""
    words = ["ping", "-n", *_FAMILIES[options.family], "-c", str(options.packets)]
    words += ["-i", f"{options.packet_interval_ms / 1000:g}", "-W", f"{options.packet_wait_ms / 1000:g}"]
    return shlex.join([*words, "-s", str(options.packet_bytes), parse_host(target.address)])
