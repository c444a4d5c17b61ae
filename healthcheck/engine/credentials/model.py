"""The credentials of a check, frozen. A secret is in no repr; `secrets` names every text that nobody may be shown."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field

from healthcheck.engine.client_certificate import ClientCertificate


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limited:
    """Where it may be used: origins such as `https://example.com:443`; none means wherever an endpoint uses it."""

    origins: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class HeaderCredential(_Limited):
    """The same headers with each request: basic, bearer and secret headers."""

    headers: tuple[tuple[str, str], ...] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class DigestCredential(_Limited):
    """RFC 7616: the answer depends on what the target asks for."""

    username: str
    password: str = field(repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.password,)


@dataclass(frozen=True, slots=True)
class OAuth2Credential(_Limited):
    """RFC 6749, 4.4. `sends_secret_in_body` is `client_secret_post`, otherwise `client_secret_basic`."""

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str = ""
    sends_secret_in_body: bool = False

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.client_secret,)


@dataclass(frozen=True, slots=True)
class CertificateCredential(_Limited):
    """A client certificate, shown where TLS asks for it."""

    client: ClientCertificate

    @property
    def secrets(self) -> tuple[str, ...]:
        lines = (line.strip() for line in self.client.key_pem.splitlines())
        return (*filter(None, (self.client.passphrase,)), *(line for line in lines if not line.startswith("---")))


@dataclass(frozen=True, slots=True)
class UnusableCredential:
    """One that cannot be opened or read. The sentence is for staff and names the cure."""

    sentence: str

    @property
    def secrets(self) -> tuple[str, ...]:
        return ()


EngineCredential = HeaderCredential | DigestCredential | OAuth2Credential | CertificateCredential


def encode_basic(username: str, password: str) -> str:
    """Return what stands behind `Basic` (RFC 7617, in UTF-8)."""
    return b64encode(f"{username}:{password}".encode()).decode("ascii")
