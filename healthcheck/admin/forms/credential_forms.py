"""One form per kind of credential: its public parts, its secrets to be written and never read, and what goes together.

Whatever is refused, what is not secret stays in the form.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from healthcheck.admin.fields.secret_fields import LinesField, SecretField, SecretTextField, ask_again
from healthcheck.admin.fields.text_fields import TextField, split_header
from healthcheck.admin.look.bases import ModelFormBase
from healthcheck.engine.credentials import parse_credential
from healthcheck.engine.credentials.parse import MAX_NAME_CHARS, MAX_SECRET_CHARS
from healthcheck.engine.types import ConfigurationError
from healthcheck.models import Credential, CredentialKind
from healthcheck.models.secrets import SecretsError, seal_secrets

_WIDE = {"class": "hc-wide", "autocomplete": "off", "spellcheck": "false"}

_ENTER_AGAIN = _(
    "A stored secret would be sent to another place than before; enter the secret again, or leave the token URL and "
    "the origins as they are."
)


def goes_further(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Tell whether a credential could be sent where it could not before: whoever changes that must know the secret."""
    if before.get("token_url") != after.get("token_url"):
        return True
    allowed, wanted = before.get("origins") or (), after.get("origins") or ()
    return bool(allowed) and (not wanted or not set(wanted) <= set(allowed))


def _name_field(label: Any, help_text: Any = "", *, required: bool = True) -> forms.CharField:
    widget = forms.TextInput(attrs=_WIDE)
    return forms.CharField(
        max_length=MAX_NAME_CHARS, strip=False, label=label, help_text=help_text, required=required, widget=widget
    )


class CredentialForm(ModelFormBase):
    """What all kinds share. `public` and `secret` name the fields; those in `removable` may be stored empty."""

    kind: ClassVar[CredentialKind]
    public: ClassVar[tuple[str, ...]] = ()
    secret: ClassVar[tuple[str, ...]] = ()
    removable: ClassVar[tuple[str, ...]] = ()

    origins = LinesField(
        rows=3,
        label=_("Only for these origins"),
        help_text=_(
            "One per line, such as https://shop.example.org. Then nobody can have it sent elsewhere by changing an "
            "endpoint's address. Empty: wherever an endpoint uses it."
        ),
    )

    class Meta:
        model = Credential
        fields = ("name",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.kind = self.kind
        self.unreadable = ""
        try:
            self.stored = self.instance.open_secrets()
        except SecretsError as error:
            self.stored, self.unreadable = {}, str(error)
        for name in (*self.public, "origins"):
            self.initial.setdefault(name, self.instance.details.get(name, ""))
        for name in self.secret:
            self._mark(name)

    def _mark(self, name: str) -> None:
        """Say what is stored of a secret, which is whether."""
        field = self.fields.get(name)
        if field is None or not self.instance.pk:
            return
        if self.unreadable:
            mark = _("(set, but no key opens it.) Enter it again, or add the key that sealed it.")
        elif self.stored.get(name):
            mark = _("(set) Leave it empty to keep it.")
        else:
            mark = _("(not set)")
        field.help_text = f"{mark} {field.help_text}".strip()

    def full_clean(self) -> None:
        super().full_clean()
        ask_again(self, *self.secret)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        details = self.read_details(cleaned)
        secrets = self._read_secrets(cleaned)
        if self.unreadable and secrets == {}:
            if details != self.instance.details:
                self.add_error(None, self._explain_unreadable())
            return cleaned
        if self.instance.pk and goes_further(self.instance.details, details) and not self._has_entered(cleaned):
            self.add_error(None, _ENTER_AGAIN)
            return cleaned
        try:
            parse_credential(self.kind, details, secrets)
            if not self.instance.pk or secrets != self.stored:
                self.instance.sealed = seal_secrets(secrets)
            self.instance.details = details
        except ConfigurationError as error:
            self.add_error(error.field if error.field in self.fields else None, error.sentence)
        except SecretsError as error:
            self.add_error(None, str(error))
        return cleaned

    def _has_entered(self, cleaned: Mapping[str, Any]) -> bool:
        """Tell whether every secret that is stored was entered again or is removed."""
        return all(cleaned.get(name) or cleaned.get(f"clear_{name}") for name in self.secret if self.stored.get(name))

    def _explain_unreadable(self) -> str:
        return gettext("Only the name can be changed while the secrets cannot be opened: %(reason)s") % {
            "reason": self.unreadable
        }

    def read_details(self, cleaned: Mapping[str, Any]) -> dict[str, Any]:
        """Return the public parts as they are stored: what is empty is left out."""
        return {name: cleaned[name] for name in (*self.public, "origins") if cleaned.get(name)}

    def _read_secrets(self, cleaned: Mapping[str, Any]) -> dict[str, Any]:
        kept = {name: value for name, value in self.stored.items() if not cleaned.get(f"clear_{name}")}
        return kept | {name: cleaned[name] for name in self.secret if cleaned.get(name)}


class BasicForm(CredentialForm):
    kind = CredentialKind.BASIC
    public, secret, removable = ("username",), ("password",), ("password",)

    username = _name_field(_("User name"))
    password = SecretField(max_length=MAX_SECRET_CHARS, label=_("Password"))
    clear_password = forms.BooleanField(required=False, label=_("Remove the stored password"))


class DigestForm(BasicForm):
    kind = CredentialKind.DIGEST


class BearerForm(CredentialForm):
    kind = CredentialKind.BEARER
    secret = ("token",)

    token = SecretField(max_length=MAX_SECRET_CHARS, label=_("Token"), help_text=_("Without the word “Bearer”."))


class OAuth2Form(CredentialForm):
    kind = CredentialKind.OAUTH2
    public = ("token_url", "client_id", "scope", "sends_secret_in_body")
    secret = ("client_secret",)

    token_url = _name_field(_("Token URL"), _("Such as https://login.example.org/oauth2/token."))
    client_id = _name_field(_("Client ID"))
    client_secret = SecretField(max_length=MAX_SECRET_CHARS, label=_("Client secret"))
    scope = _name_field(_("Scope"), _("Words between spaces; often none."), required=False)
    sends_secret_in_body = forms.BooleanField(
        required=False,
        label=_("Send the secret in the body"),
        help_text=_("For token servers that know client_secret_post only; otherwise it is sent as basic."),
    )


class CertificateForm(CredentialForm):
    kind = CredentialKind.CERTIFICATE
    public, secret, removable = ("certificate",), ("private_key", "passphrase"), ("passphrase",)

    certificate = TextField(
        rows=6, label=_("Certificate"), help_text=_("PEM text: the own certificate first, then its chain.")
    )
    private_key = SecretTextField(rows=6, label=_("Private key"), help_text=_("PEM text, RSA or elliptic curve."))
    passphrase = SecretField(max_length=MAX_SECRET_CHARS, label=_("Passphrase"), help_text=_("If it is encrypted."))
    clear_passphrase = forms.BooleanField(required=False, label=_("Remove the stored passphrase"))


class SecretHeadersField(SecretTextField):
    """One header per line as `Name: value`, cleaned to pairs; a refusal names the line and quotes nothing."""

    def clean(self, value: Any) -> list[list[str]]:
        lines = enumerate(super().clean(value).split("\n"), start=1)
        return [split_header(number, line) for number, line in lines if line.strip()]


class HeadersForm(CredentialForm):
    kind = CredentialKind.HEADERS
    secret = ("headers",)

    headers = SecretHeadersField(
        rows=4, label=_("Headers"), help_text=_("One per line as Name: value. What you enter replaces all of them.")
    )

    def read_details(self, cleaned: Mapping[str, Any]) -> dict[str, Any]:
        """Keep the names in view: endpoints that set the same header themselves are refused by them."""
        pairs = cleaned.get("headers") or self.stored.get("headers") or ()
        names = [name for name, _value in pairs] if pairs else self.instance.details.get("header_names", [])
        return super().read_details(cleaned) | {"header_names": names}


FORMS: Mapping[str, type[CredentialForm]] = {
    form.kind.value: form for form in (BasicForm, BearerForm, DigestForm, OAuth2Form, CertificateForm, HeadersForm)
}
EXPLANATIONS: Mapping[str, Promise] = {
    "basic": _("A user name and a password, sent with each request."),
    "bearer": _("A token that does not change, sent with each request."),
    "digest": _("A user name and a password that never travels; for servers that ask for digest."),
    "oauth2": _("A client that fetches its access token from a token server and renews it."),
    "certificate": _("A certificate and its private key, shown in the TLS handshake."),
    "headers": _("Up to fifty headers of your choice, such as X-Api-Key."),
}
