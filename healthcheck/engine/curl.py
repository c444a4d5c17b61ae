"""Writes a check's request as a line for a shell, to repeat it by hand. Pure; no secret of the check is in it.

What a person or a target wrote stands in single quotes; a secret is a variable of the shell in double quotes.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence

from healthcheck.engine import trust
from healthcheck.engine.credentials import (
    CertificateCredential,
    DigestCredential,
    HeaderCredential,
    OAuth2Credential,
)
from healthcheck.engine.details import Exchange
from healthcheck.engine.masking import mask_request_header, split_url
from healthcheck.engine.probes.http_options import HttpOptions, parse_address
from healthcheck.engine.redaction import MASK
from healthcheck.engine.resolver import is_address
from healthcheck.engine.transport import spell_url
from healthcheck.engine.types import AddressFamily, Target

# With a prefix of their own, so that a header called Path does not become what every shell has.
PREFIX = "SECRET_"
# What the reader has to put there first.
AUTHORITY_FILE, CERTIFICATE_FILE, KEY_FILE = "authority.pem", "client.pem", "client.key"
_NOT_IN_A_NAME = re.compile(r"[^A-Z0-9]+")
_FAMILIES = {AddressFamily.ANY: (), AddressFamily.IPV4: ("--ipv4",), AddressFamily.IPV6: ("--ipv6",)}


def write_curl(target: Target, *, exchanges: Sequence[Exchange] = ()) -> str:
    """Return the line, empty for a kind that curl cannot ask. `exchanges` name the addresses that it is pinned to.

    Raises ConfigurationError when the target's address cannot be read.
    """
    options = target.options
    if not isinstance(options, HttpOptions):
        return ""
    line = _Line()
    line.add("curl", "--include", "--globoff", "--http1.1", "--noproxy", "*")
    line.add("--max-time", f"{target.timeout_seconds:g}", *_FAMILIES[options.family])
    for pin in _list_pins(exchanges):
        line.add("--resolve", pin)
    if options.max_redirects:
        line.add("--location", "--max-redirs", str(options.max_redirects))
    if options.verify == trust.OFF:
        line.add("--insecure")
    elif options.verify == trust.CUSTOM:
        line.add("--cacert", AUTHORITY_FILE)
    _add_method(line, options)
    _add_headers(line, options)
    _add_credential(line, target.credential)
    if options.body:
        line.add("--data-raw")
        line.add_secret("", "body")
    url = spell_url(parse_address(target.address))
    line.add_pieces([("" if piece.secret else piece.text, piece.secret) for piece in split_url(url)])
    return str(line)


class _Line:
    """The words of a line, each quoted for a POSIX shell."""

    def __init__(self) -> None:
        self._words: list[str] = []
        self._variables: list[str] = []

    def add(self, *texts: str) -> None:
        self._words += [shlex.quote(text) for text in texts]

    def add_secret(self, text: str, name: str) -> None:
        """Add one word: a text and after it a variable for the secret of this name."""
        self.add_pieces([(text, ""), ("", name)])

    def add_pieces(self, pieces: Iterable[tuple[str, str]]) -> None:
        """Add one word from pieces of a text and the name of the secret in the text's place, or no name."""
        self._words.append("".join(self._quote(text, name) for text, name in pieces if text or name))

    def _quote(self, text: str, name: str) -> str:
        return f'"${self._name_variable(name)}"' if name else shlex.quote(text)

    def _name_variable(self, name: str) -> str:
        wanted = variable = PREFIX + (_NOT_IN_A_NAME.sub("_", name.upper()).strip("_") or "VALUE")[:40]
        while variable in self._variables:
            variable = f"{wanted}_{len(self._variables) + 1}"
        self._variables.append(variable)
        return variable

    def __str__(self) -> str:
        return " ".join(self._words)


def _add_method(line: _Line, options: HttpOptions) -> None:
    if options.method == "HEAD":
        line.add("--head")
    # Left out where curl chooses it by itself: a method by name would be kept on every redirect.
    elif options.method != ("POST" if options.body else "GET"):
        line.add("--request", options.method)


def _add_headers(line: _Line, options: HttpOptions) -> None:
    given = {name.lower() for name, _ in options.headers}
    if "accept-encoding" not in given:
        line.add("--header", "Accept-Encoding: identity")
    if options.body and "content-type" not in given:
        # curl would call it a form.
        line.add("--header", "Content-Type:")
    for name, value in options.headers:
        line.add("--header")
        if not value:
            # Its way to say that a header is sent empty, where a colon would remove it.
            line.add(f"{name};")
        elif mask_request_header(name, value) == MASK:
            line.add_secret(f"{name}: ", name)
        else:
            line.add(f"{name}: {value}")


def _add_credential(line: _Line, credential: object) -> None:
    if isinstance(credential, HeaderCredential):
        for name, _ in credential.headers:
            line.add("--header")
            line.add_secret(f"{name}: ", name)
    elif isinstance(credential, DigestCredential):
        line.add("--digest", "--user")
        line.add_secret(f"{credential.username}:", "password")
    elif isinstance(credential, OAuth2Credential):
        line.add("--header")
        line.add_secret("Authorization: Bearer ", "token")
    elif isinstance(credential, CertificateCredential):
        line.add("--cert", CERTIFICATE_FILE, "--key", KEY_FILE)
        if credential.client.passphrase:
            line.add("--pass")
            line.add_secret("", "passphrase")


def _list_pins(exchanges: Sequence[Exchange]) -> list[str]:
    pins = []
    for each in exchanges:
        if each.address and not is_address(each.host):
            address = f"[{each.address}]" if ":" in each.address else each.address
            pins.append(f"{each.host}:{each.port}:{address}")
    return list(dict.fromkeys(pins))
