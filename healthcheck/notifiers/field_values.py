"""What a person says of a channel, read and refused alike for every kind. Refusals name the field and the cure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import httpx

from healthcheck.engine.masking import list_url_secrets
from healthcheck.engine.probes.http_options import parse_address
from healthcheck.engine.probes.http_values import Pairs, parse_headers
from healthcheck.engine.probes.option_values import check_authority, has_surrogate, parse_ca_pem
from healthcheck.engine.trust import CUSTOM, ON, TlsSettings
from healthcheck.engine.types import ConfigurationError
from healthcheck.notifiers.contract import Field

MAX_VALUE_CHARS = 2_000
MAX_LONG_CHARS = 256 * 1024
# Looked for in what is told of an answer; shorter ones are found in any text. A part of a secret is a word of it, or
# what stands between the slashes of a URL.
MIN_SECRET_CHARS, MIN_PART_CHARS = 4, 8


def read_values(fields: Iterable[Field], values: Mapping[str, str]) -> dict[str, str]:
    """Return the value of each field without space around it, or its default. Raises ConfigurationError."""
    return {field.name: _read_value(field, values.get(field.name, "")) for field in fields}


def _read_value(field: Field, value: str) -> str:
    text = value.strip() or field.default
    limit = MAX_LONG_CHARS if field.is_long else MAX_VALUE_CHARS
    if not text and field.is_required:
        raise ConfigurationError(f"{field.label} is missing; enter it.", field=field.name)
    if len(text) > limit:
        raise ConfigurationError(f"{field.label} is longer than {limit} characters; shorten it.", field=field.name)
    if has_surrogate(text) or not _is_printable(text, is_long=field.is_long):
        raise ConfigurationError(
            f"{field.label} holds a line break or a character that cannot be seen; remove it.", field=field.name
        )
    return text


def _is_printable(text: str, *, is_long: bool) -> bool:
    return all(line.isprintable() for line in text.splitlines()) if is_long else text.isprintable()


def parse_url(text: str, *, field: str) -> httpx.URL:
    """Return an address of the web. Raises ConfigurationError at the field."""
    try:
        return parse_address(text)
    except ConfigurationError as error:
        raise ConfigurationError(error.sentence, field=field) from None


def parse_header_lines(text: str, *, field: str) -> Pairs:
    """Return headers that are written one a line, as `Name: value`. Raises ConfigurationError at the field."""
    pairs = []
    for line in filter(None, map(str.strip, text.splitlines())):
        name, colon, value = line.partition(":")
        if not colon:
            raise ConfigurationError("A header has no colon; write each as Name: value, one a line.", field=field)
        pairs.append((name.strip(), value.strip()))
    try:
        return parse_headers(pairs)
    except ConfigurationError as error:
        raise ConfigurationError(error.sentence, field=field) from None


def read_trust(ca_pem: str, *, alpn: tuple[str, ...] = ()) -> TlsSettings:
    """Return whom TLS trusts: one authority, or those of the system. Raises ConfigurationError at `ca_pem`."""
    tls = TlsSettings(CUSTOM, parse_ca_pem(ca_pem), alpn=alpn) if ca_pem else TlsSettings(ON, alpn=alpn)
    check_authority(tls)
    return tls


def check_token(text: str, label: str, *, field: str) -> None:
    """Raises ConfigurationError for what cannot be part of a header or of a path."""
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ConfigurationError(
            f"{label} holds a space or another character that none has; copy it anew.", field=field
        )


def list_secrets(fields: Iterable[Field], values: Mapping[str, str]) -> list[str]:
    """Return what must be in no sentence: every secret, whole and in parts, and those within URLs."""
    secrets: list[str] = []
    for field in fields:
        text = values.get(field.name, "")
        whole = [text] if field.is_secret else list_url_secrets(text)
        parts = (
            [part for part in re.split(r"[\s/?&=:,]+", text) if len(part) >= MIN_PART_CHARS] if field.is_secret else []
        )
        secrets += [*whole, *parts]
    return [secret for secret in dict.fromkeys(secrets) if len(secret) >= MIN_SECRET_CHARS]
