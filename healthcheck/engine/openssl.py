"""Writes a check's handshake as a line for a shell, to repeat it by hand. Pure; nothing of a dialogue is in it."""

from __future__ import annotations

import shlex

from healthcheck.engine import trust
from healthcheck.engine.curl import AUTHORITY_FILE
from healthcheck.engine.probes.stream_options import StreamOptions, parse_place
from healthcheck.engine.probes.tcp import TcpOptions
from healthcheck.engine.probes.tls import DEFAULT_PORT
from healthcheck.engine.resolver import is_address
from healthcheck.engine.types import AddressFamily, Target

_FAMILIES = {AddressFamily.ANY: (), AddressFamily.IPV4: ("-4",), AddressFamily.IPV6: ("-6",)}

_PROTOCOLS = {trust.OLDEST: "TLSv1", "1.2": "TLSv1.2", "1.3": "TLSv1.3"}


def write_openssl(target: Target) -> str:
    """Return the line, empty for a check that does not begin with a handshake.

    Raises ConfigurationError when the target's address cannot be read.
    """
    options = target.options
    if not isinstance(options, StreamOptions) or (isinstance(options, TcpOptions) and not options.is_encrypted):
        return ""
    place = parse_place(target.address, target.kind, DEFAULT_PORT if target.kind == "tls" else None)
    host = f"[{place.host}]" if ":" in place.host else place.host
    name = (options.server_name or place.host).removesuffix(".")
    words = ["openssl", "s_client", *_FAMILIES[options.family], "-connect", f"{host}:{place.port}"]
    words += ["-noservername"] if is_address(name) else ["-servername", name]
    if options.tls_min == trust.OLDEST:
        words += ["-cipher", trust.WEAK_CIPHERS]
    if options.tls_min:
        words += ["-min_protocol", _PROTOCOLS[options.tls_min]]
    if options.tls_max:
        words += ["-max_protocol", _PROTOCOLS[options.tls_max]]
    if options.verify != trust.OFF:
        words += ["-verify_return_error", "-verify_ip" if is_address(name) else "-verify_hostname", name]
    if options.verify == trust.CUSTOM:
        words += ["-no-CAfile", "-no-CApath", "-no-CAstore", "-CAfile", AUTHORITY_FILE]
    # Nothing is typed over it: the handshake is all that is asked for.
    return f"{shlex.join(words)} </dev/null"
