"""What a person may store as a credential, refused early: every refusal names the field and the cure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from healthcheck.engine.client_certificate import ClientCertificate
from healthcheck.engine.credentials.certificate import check_certificate
from healthcheck.engine.credentials.model import (
    CertificateCredential,
    DigestCredential,
    EngineCredential,
    HeaderCredential,
    OAuth2Credential,
    encode_basic,
)
from healthcheck.engine.probes.http_options import parse_address
from healthcheck.engine.probes.http_values import parse_headers
from healthcheck.engine.types import ConfigurationError

# Longer than any name that a server takes, and than the tokens that fit into its header.
MAX_NAME_CHARS = 1000
MAX_SECRET_CHARS = 8 * 1024
MAX_PEM_CHARS = 32 * 1024
MAX_ORIGINS = 20

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# RFC 6749, A.4 and A.12: what may stand in a scope and in a token.
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*")
_TOKEN = re.compile(r"[\x21-\x7e]+")

Values = Mapping[str, Any]


def parse_credential(kind: str, details: Values, secrets: Values) -> EngineCredential:
    """Return the typed credential from its public and its secret parts. Raises ConfigurationError."""
    parser = _PARSERS.get(kind)
    if parser is None:
        raise ConfigurationError(f"There is no kind of credential “{kind[:50]}”; choose one.", field="kind")
    parse, public, secret = parser
    for given, known in ((details, {*public, "origins"}), (secrets, secret)):
        if not isinstance(given, Mapping):
            raise ConfigurationError("What is stored is not a credential; enter it again.")
        if unknown := sorted(set(given) - set(known)):
            raise ConfigurationError(f"There is no field “{unknown[0][:50]}”; remove it.", field=unknown[0][:50])
    return parse(details, secrets)


def parse_origins(value: Any) -> frozenset[str]:
    """Return the origins in one spelling. Raises ConfigurationError."""
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise ConfigurationError("The origins must be a list; write one per line.", field="origins")
    if len(value) > MAX_ORIGINS:
        raise ConfigurationError(f"There are more than {MAX_ORIGINS} origins; remove some.", field="origins")
    return frozenset(_parse_origin(each) for each in value)


def name_origin(url: httpx.URL) -> str:
    """Return scheme, host and port, the port always written."""
    port = url.port if url.port is not None else (443 if url.scheme == "https" else 80)
    return f"{url.scheme}://{url.raw_host.decode('ascii')}:{port}"


def _parse_origin(text: str) -> str:
    try:
        url = parse_address(text)
    except ConfigurationError as error:
        raise ConfigurationError(f"“{text[:100]}” is not an origin: {error.sentence}", field="origins") from None
    if url.raw_path != b"/" or url.fragment or text.rstrip().endswith(("?", "#")):
        raise ConfigurationError(
            f"“{text[:100]}” is more than an origin; leave out what follows the host and the port.", field="origins"
        )
    return name_origin(url)


def _parse_basic(details: Values, secrets: Values) -> HeaderCredential:
    username, password = _read_username(details), _read_secret(secrets, "password", is_required=False)
    if ":" in username:
        raise ConfigurationError(
            "A user name with a colon cannot be sent as basic; remove the colon.", field="username"
        )
    encoded = encode_basic(username, password)
    headers = (("Authorization", f"Basic {encoded}"),)
    return HeaderCredential(headers, _leave_out_empty(password, encoded), origins=_read_origins(details))


def _parse_bearer(details: Values, secrets: Values) -> HeaderCredential:
    token = _read_secret(secrets, "token")
    if not _TOKEN.fullmatch(token):
        raise ConfigurationError(
            "The token holds a space or a letter that no token has; paste it alone, without “Bearer”.", field="token"
        )
    return HeaderCredential((("Authorization", f"Bearer {token}"),), (token,), origins=_read_origins(details))


def _parse_headers(details: Values, secrets: Values) -> HeaderCredential:
    headers = parse_headers(secrets.get("headers") or [])
    if not headers:
        raise ConfigurationError("There is no header; write one per line as Name: value.", field="headers")
    names = [name.lower() for name, _ in headers]
    if len(set(names)) < len(names):
        raise ConfigurationError("A header is set twice; remove one of them.", field="headers")
    values = _leave_out_empty(*(value for _, value in headers))
    return HeaderCredential(headers, values, origins=_read_origins(details))


def _parse_digest(details: Values, secrets: Values) -> DigestCredential:
    username, password = _read_username(details), _read_secret(secrets, "password", is_required=False)
    return DigestCredential(username, password, origins=_read_origins(details))


def _parse_oauth2(details: Values, secrets: Values) -> OAuth2Credential:
    token_url = _read_text(details, "token_url")
    try:
        parse_address(token_url)
    except ConfigurationError as error:
        raise ConfigurationError(f"The token URL: {error.sentence}", field="token_url") from None
    scope = _read_text(details, "scope", is_required=False)
    if scope and not _SCOPE.fullmatch(scope):
        raise ConfigurationError(
            "The scope must be words between single spaces, without quotes or backslashes; correct it.", field="scope"
        )
    in_body = details.get("sends_secret_in_body", False)
    if not isinstance(in_body, bool):
        raise ConfigurationError(
            "Whether the secret goes into the body must be true or false; correct it.", field="sends_secret_in_body"
        )
    return OAuth2Credential(
        token_url=token_url,
        client_id=_read_text(details, "client_id"),
        client_secret=_read_secret(secrets, "client_secret"),
        scope=scope,
        sends_secret_in_body=in_body,
        origins=_read_origins(details),
    )


def _parse_certificate(details: Values, secrets: Values) -> CertificateCredential:
    client = ClientCertificate(
        certificate_pem=_read_pem(details, "certificate"),
        key_pem=_read_pem(secrets, "private_key"),
        passphrase=_read_secret(secrets, "passphrase", is_required=False),
    )
    check_certificate(client)
    return CertificateCredential(client, origins=_read_origins(details))


def _read_origins(details: Values) -> frozenset[str]:
    return parse_origins(details.get("origins", []))


def _read_username(details: Values) -> str:
    return _read_text(details, "username")


def _read_secret(values: Values, name: str, *, is_required: bool = True) -> str:
    return _read_text(values, name, is_required=is_required, limit=MAX_SECRET_CHARS)


def _read_text(values: Values, name: str, *, is_required: bool = True, limit: int = MAX_NAME_CHARS) -> str:
    value, words = values.get(name, ""), f"The {name.replace('_', ' ')}"
    if not isinstance(value, str):
        raise ConfigurationError(f"{words} must be text; correct it.", field=name)
    if is_required and not value:
        raise ConfigurationError(f"{words} is missing; enter it.", field=name)
    if len(value) > limit:
        raise ConfigurationError(f"{words} is longer than {limit} characters; shorten it.", field=name)
    if _CONTROL.search(value) or _has_surrogate(value):
        raise ConfigurationError(f"{words} holds a line break or another control character; remove it.", field=name)
    return value


def _read_pem(values: Values, name: str) -> str:
    value, words = values.get(name, ""), f"The {name.replace('_', ' ')}"
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f"{words} is missing; paste its PEM text.", field=name)
    if len(value) > MAX_PEM_CHARS or not value.isascii() or "\0" in value:
        raise ConfigurationError(f"{words} must be PEM text of at most {MAX_PEM_CHARS} bytes; correct it.", field=name)
    return value


def _has_surrogate(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)


def _leave_out_empty(*texts: str) -> tuple[str, ...]:
    return tuple(text for text in texts if text)


_Parser = Callable[[Values, Values], EngineCredential]
# By kind: who reads it, its public parts, its secret parts. The names of secret headers are public, so that a form and
# an endpoint know them without opening anything.
_PARSERS: Mapping[str, tuple[_Parser, tuple[str, ...], tuple[str, ...]]] = {
    "basic": (_parse_basic, ("username",), ("password",)),
    "digest": (_parse_digest, ("username",), ("password",)),
    "bearer": (_parse_bearer, (), ("token",)),
    "oauth2": (_parse_oauth2, ("token_url", "client_id", "scope", "sends_secret_in_body"), ("client_secret",)),
    "certificate": (_parse_certificate, ("certificate",), ("private_key", "passphrase")),
    "headers": (_parse_headers, ("header_names",), ("headers",)),
}
