"""How a check proves who it is: typed values without a secret in their repr, one file per way."""

from healthcheck.engine.credentials.model import (
    CertificateCredential,
    DigestCredential,
    EngineCredential,
    HeaderCredential,
    OAuth2Credential,
    UnusableCredential,
)
from healthcheck.engine.credentials.parse import parse_credential

__all__ = [
    "CertificateCredential",
    "DigestCredential",
    "EngineCredential",
    "HeaderCredential",
    "OAuth2Credential",
    "UnusableCredential",
    "parse_credential",
]
