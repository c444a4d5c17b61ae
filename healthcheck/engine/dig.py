"""Writes a check's question to a name server as a line for a shell, to repeat it by hand. Pure."""

from __future__ import annotations

import shlex

from healthcheck.engine import trust
from healthcheck.engine.curl import AUTHORITY_FILE
from healthcheck.engine.dns.servers import DNS_OVER_TLS_PORT, DNS_PORT, DnsProtocol
from healthcheck.engine.probes.dns_options import DnsOptions, parse_name
from healthcheck.engine.types import AddressFamily, Target

_FAMILIES = {AddressFamily.ANY: (), AddressFamily.IPV4: ("-4",), AddressFamily.IPV6: ("-6",)}


def write_dig(target: Target) -> str:
    """Return the line, empty for a check that asks no name server.

    Raises ConfigurationError when the target's address cannot be read.
    """
    options = target.options
    if not isinstance(options, DnsOptions):
        return ""
    # Nothing from the reader's own ~/.digrc.
    words = ["dig", "-r", *_FAMILIES[options.family]]
    server = options.find_server()
    if server is not None:
        usual = DNS_OVER_TLS_PORT if server.protocol is DnsProtocol.TLS else DNS_PORT
        words += [f"@{server.host}", *(["-p", str(server.port)] if server.port != usual else [])]
        words += [f"+{server.protocol}"] if server.protocol is not DnsProtocol.UDP else []
    if server is not None and server.protocol is DnsProtocol.TLS and options.verify != trust.OFF:
        words += [f"+tls-hostname={(options.server_name or server.host).removesuffix('.')}"]
        words += [f"+tls-ca={AUTHORITY_FILE}" if options.verify == trust.CUSTOM else "+tls-ca"]
    words += ["+norecurse"] if options.is_iterative else []
    name = parse_name(target.address, options.record_type)
    return shlex.join([*words, "-q", name if name == "." else f"{name}.", "-t", options.record_type])
