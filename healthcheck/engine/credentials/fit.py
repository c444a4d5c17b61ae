"""Whether a credential fits an endpoint: what it would send, where to, and beside which headers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import httpx

from healthcheck.engine.credentials.model import CertificateCredential, EngineCredential, HeaderCredential
from healthcheck.engine.credentials.parse import name_origin, parse_origins
from healthcheck.engine.types import ConfigurationError


def refuse_misfit(credential: EngineCredential, url: httpx.URL, headers: Iterable[tuple[str, str]]) -> None:
    """Raise ConfigurationError where the credential cannot be used with this address and these headers."""
    refuse_conflict(name_headers(credential), headers)
    if isinstance(credential, CertificateCredential):
        refuse_plain(url)
    refuse_origin(credential.origins, url)


def name_headers(credential: EngineCredential) -> frozenset[str]:
    """Return the headers that the credential sets, in lower case."""
    if isinstance(credential, CertificateCredential):
        return frozenset()
    if isinstance(credential, HeaderCredential):
        return frozenset(name.lower() for name, _ in credential.headers)
    return frozenset({"authorization"})


def refuse_stored_misfit(
    kind: str, details: Mapping[str, Any], url: httpx.URL, headers: Iterable[tuple[str, str]]
) -> None:
    """Raise as `refuse_misfit` does, from the public parts alone, so that nothing has to be opened."""
    names = {"certificate": [], "headers": details.get("header_names", [])}.get(kind, ["authorization"])
    refuse_conflict(frozenset(str(name).lower() for name in names), headers)
    if kind == "certificate":
        refuse_plain(url)
    refuse_origin(parse_origins(details.get("origins", [])), url)


def refuse_conflict(names: frozenset[str], headers: Iterable[tuple[str, str]]) -> None:
    twice = next((name for name, _ in headers if name.lower() in names), "")
    if twice:
        raise ConfigurationError(
            f"The header {twice[:50]} is set by the credential as well; remove it here or there.", field="headers"
        )


def refuse_plain(url: httpx.URL) -> None:
    if url.scheme != "https":
        raise ConfigurationError(
            "A client certificate is only shown over https; correct the address or choose another credential.",
            field="credential",
        )


def refuse_origin(origins: frozenset[str], url: httpx.URL) -> None:
    if origins and name_origin(url) not in origins:
        raise ConfigurationError(
            "The credential may not be sent to this address; add its origin to the credential, or choose another one.",
            field="credential",
        )
