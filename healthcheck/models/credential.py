"""Credentials: how checks prove who they are. Shared by many endpoints; the secret parts are sealed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from healthcheck.engine.credentials import EngineCredential, parse_credential
from healthcheck.engine.credentials.fit import refuse_stored_misfit
from healthcheck.engine.probes.http_options import parse_address
from healthcheck.models.secrets import unseal_secrets


class CredentialKind(models.TextChoices):
    BASIC = "basic", _("user name and password (basic)")
    DIGEST = "digest", _("user name and password (digest)")
    BEARER = "bearer", _("token (bearer)")
    OAUTH2 = "oauth2", _("OAuth 2.0 client credentials")
    CERTIFICATE = "certificate", _("client certificate")
    HEADERS = "headers", _("secret headers")


class Credential(models.Model):
    id = models.AutoField(primary_key=True)
    name = models.CharField(
        _("name"),
        max_length=200,
        unique=True,
        error_messages={"unique": _("There is already a credential with this name; choose another.")},
    )
    kind = models.CharField(_("kind"), max_length=20, choices=CredentialKind.choices)
    # What is no secret, by name: username, token_url, client_id, scope, certificate.
    details = models.JSONField(default=dict, blank=True, editable=False)
    # What is, sealed: password, token, client_secret, private_key, passphrase, headers. See `models.secrets`.
    sealed = models.TextField(default="", blank=True, editable=False)
    changed_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("credential")
        verbose_name_plural = _("credentials")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def parse(self) -> EngineCredential:
        """Return the typed credential. Raises SecretsError and ConfigurationError, which name the cure."""
        return parse_credential(self.kind, self.details, self.open_secrets())

    def refuse_endpoint(self, address: str, headers: Iterable[tuple[str, str]]) -> None:
        """Raise ConfigurationError where it cannot be used with this address and headers. Opens nothing."""
        refuse_stored_misfit(self.kind, self.details, parse_address(address), headers)

    def open_secrets(self) -> dict[str, Any]:
        """Return the secret parts by name. Raises SecretsError with a sentence that names the cure."""
        return unseal_secrets(self.sealed) if self.sealed else {}
