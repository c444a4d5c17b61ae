"""Writes a check's request as a line for a shell, to repeat it by hand. Pure; no secret of the check is in it.

What a person or a target wrote stands in single quotes; a secret is a variable of the shell in double quotes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from healthcheck.engine import trust
from healthcheck.engine.credentials import (
    CertificateCredential,
    DigestCredential,
    HeaderCredential,
    OAuth2Credential,
)
from healthcheck.engine.details import Exchange
from healthcheck.engine.http_message import spell_url
from healthcheck.engine.masking import mask_request_header, split_url
from healthcheck.engine.probes.http_options import HttpOptions, parse_address
from healthcheck.engine.probes.http_placeholders import Fresh
from healthcheck.engine.probes.http_values import CONTENT_TYPES, FORM, encode_query
from healthcheck.engine.redaction import MASK
from healthcheck.engine.resolver import is_address
from healthcheck.engine.shell_line import ShellLine
from healthcheck.engine.types import AddressFamily, Target

# What the reader has to put there first.
AUTHORITY_FILE, CERTIFICATE_FILE, KEY_FILE = "authority.pem", "client.pem", "client.key"
_FAMILIES = {AddressFamily.ANY: (), AddressFamily.IPV4: ("--ipv4",), AddressFamily.IPV6: ("--ipv6",)}


@dataclass(frozen=True, slots=True)
class CredentialOutline:
    """What the line says of a credential, nothing of which is secret. `headers` are texts, each with its variable."""

    headers: tuple[tuple[str, str], ...] = ()
    digest_username: str | None = None
    has_certificate: bool = False
    has_passphrase: bool = False


def outline_stored(kind: str, details: Any) -> CredentialOutline:
    """Return the outline from the public parts of a stored credential, so that nothing has to be opened.

    Whether a key has a passphrase is no public part; curl asks for it by itself.
    """
    public = details if isinstance(details, Mapping) else {}
    if kind == "headers":
        names = public.get("header_names")
        return CredentialOutline(tuple((f"{name}: ", str(name)) for name in names if name) if names else ())
    if kind == "digest":
        return CredentialOutline(digest_username=str(public.get("username", "")))
    if kind == "oauth2":
        return CredentialOutline((("Authorization: Bearer ", "token"),))
    if kind == "certificate":
        return CredentialOutline(has_certificate=True)
    return CredentialOutline((("Authorization: ", "Authorization"),))


def outline_credential(credential: object) -> CredentialOutline:
    """Return the outline of an opened credential, or of none."""
    if isinstance(credential, HeaderCredential):
        return CredentialOutline(tuple((f"{name}: ", name) for name, _ in credential.headers))
    if isinstance(credential, DigestCredential):
        return CredentialOutline(digest_username=credential.username)
    if isinstance(credential, OAuth2Credential):
        return CredentialOutline((("Authorization: Bearer ", "token"),))
    if isinstance(credential, CertificateCredential):
        return CredentialOutline(has_certificate=True, has_passphrase=bool(credential.client.passphrase))
    return CredentialOutline()


def write_curl(
    target: Target, *, exchanges: Sequence[Exchange] = (), credential: CredentialOutline | None = None
) -> str:
    """Return the line, empty for a kind that curl cannot ask. `exchanges` name the addresses that it is pinned to.

    `credential` is an outline in the place of the target's own. Raises ConfigurationError when the target's address
    cannot be read.
    """
    options = target.options
    if not isinstance(options, HttpOptions):
        return ""
    line, fresh, sent = ShellLine(), Fresh(), ""
    if options.has_placeholder(target.address):
        # As it was sent; before that, with values such as it will be sent with.
        sent = exchanges[0].url if exchanges else ""
        options = options.fill(fresh)
    url = parse_address(fresh.fill(target.address))
    line.add("curl", "--include", "--globoff", "--http1.1", *_list_detours(options))
    line.add("--max-time", f"{target.timeout_seconds:g}", *_FAMILIES[options.family])
    _add_connection(line, options, url=url, exchanges=exchanges)
    # Nothing in it keeps a chain of redirects on one host.
    if options.max_redirects:
        line.add("--location", "--max-redirs", str(options.max_redirects))
    _add_trust(line, options)
    _add_method(line, options)
    _add_headers(line, options, url=url)
    _add_credential(line, credential or outline_credential(target.credential))
    if options.body:
        line.add("--data-raw")
        line.add_secret("", "body")
    asked = sent or spell_url(url)
    if options.server_name:
        connected, said = (each.netloc.decode("ascii") for each in (url, url.copy_with(host=options.server_name)))
        asked = asked.replace(f"//{connected}", f"//{said}", 1)
    pieces = _hide(asked, fresh)
    line.add_pieces(pieces if sent else [*pieces, *_list_parameters(options, url=url, fresh=fresh)])
    return str(line)


def _list_detours(options: HttpOptions) -> list[str]:
    # Either way, what the environment says of proxies is left aside.
    return ["--proxy", options.proxy, "--noproxy", ""] if options.proxy else ["--noproxy", "*"]


def _add_connection(line: ShellLine, options: HttpOptions, *, url: httpx.URL, exchanges: Sequence[Exchange]) -> None:
    # Over a proxy it was the proxy's address that was connected to.
    for pin in _list_pins(exchanges) if not options.proxy else []:
        line.add("--resolve", pin)
    if options.server_name:
        # It asks in TLS for the host of the URL and for no other.
        line.add("--connect-to", _redirect_connection(url, options.server_name))


def _add_trust(line: ShellLine, options: HttpOptions) -> None:
    if options.verify == trust.OFF:
        line.add("--insecure")
    elif options.verify == trust.CUSTOM:
        line.add("--cacert", AUTHORITY_FILE)
    if options.tls_min == trust.OLDEST:
        line.add("--ciphers", trust.WEAK_CIPHERS)
    if options.tls_min:
        line.add(f"--tlsv{options.tls_min}")
    if options.tls_max:
        line.add("--tls-max", options.tls_max)


def _redirect_connection(url: httpx.URL, server_name: str) -> str:
    host, port = url.raw_host.decode("ascii"), url.port or 443
    asked, connected = (f"[{each}]" if ":" in each else each for each in (server_name, host))
    return f"{asked}:{port}:{connected}:{port}"


def _hide(url: str, fresh: Fresh) -> list[tuple[str, str]]:
    return [("" if piece.secret else piece.text, piece.secret) for piece in split_url(url, known=fresh.values)]


def _list_parameters(options: HttpOptions, *, url: httpx.URL, fresh: Fresh) -> list[tuple[str, str]]:
    pieces = []
    for number, (name, value) in enumerate(options.query):
        mark = "&" if number or b"?" in url.raw_path else "?"
        is_known = value in fresh.values
        pieces.append((f"{mark}{encode_query(((name, value if is_known else ''),))}", ""))
        if not is_known:
            pieces.append(("", name))
    return pieces


def _add_method(line: ShellLine, options: HttpOptions) -> None:
    if options.method == "HEAD":
        line.add("--head")
    # Left out where curl chooses it by itself: a method by name would be kept on every redirect.
    elif options.method != ("POST" if options.body else "GET"):
        line.add("--request", options.method)


def _add_headers(line: ShellLine, options: HttpOptions, *, url: httpx.URL) -> None:
    if options.host or options.server_name:
        line.add("--header", f"Host: {options.host or url.netloc.decode('ascii')}")
    given = {name.lower() for name, _ in options.headers}
    if "accept-encoding" not in given:
        line.add("--header", "Accept-Encoding: identity")
    content_type = CONTENT_TYPES[options.body_type]
    if options.body and options.body_type != FORM and "content-type" not in given:
        # curl would call it a form.
        line.add("--header", f"Content-Type: {content_type}".rstrip())
    for name, value in options.headers:
        line.add("--header")
        if not value:
            # Its way to say that a header is sent empty, where a colon would remove it.
            line.add(f"{name};")
        elif mask_request_header(name, value) == MASK:
            line.add_secret(f"{name}: ", name)
        else:
            line.add(f"{name}: {value}")


def _add_credential(line: ShellLine, credential: CredentialOutline) -> None:
    for text, name in credential.headers:
        line.add("--header")
        line.add_secret(text, name)
    if credential.digest_username is not None:
        line.add("--digest", "--user")
        line.add_secret(f"{credential.digest_username}:", "password")
    if credential.has_certificate:
        line.add("--cert", CERTIFICATE_FILE, "--key", KEY_FILE)
    if credential.has_passphrase:
        line.add("--pass")
        line.add_secret("", "passphrase")


def _list_pins(exchanges: Sequence[Exchange]) -> list[str]:
    pins = []
    for each in exchanges:
        if each.address and not is_address(each.host):
            address = f"[{each.address}]" if ":" in each.address else each.address
            pins.append(f"{each.host}:{each.port}:{address}")
    return list(dict.fromkeys(pins))
