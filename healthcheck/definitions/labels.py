"""What people call the keys of documents: the labels of their forms, without the unit that a value says itself."""

from __future__ import annotations

from collections.abc import Mapping

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

# What is no column: the columns name themselves.
LABELS: Mapping[str, Promise] = {
    "assertions": _("Assertions"),
    "members": _("Members"),
    "options.member_rule": _("Judged by"),
    "options.up_share": _("Up from (percent)"),
    "options.degraded_share": _("Degraded from (percent)"),
    "options.degraded_is_down": _("A degraded member counts as down"),
    "options.method": _("Method"),
    "options.query": _("Parameters"),
    "options.headers": _("Headers"),
    "options.body": _("Body"),
    "options.body_type": _("Type of the body"),
    "options.verify": _("Verify the certificate"),
    "options.ca_pem": _("Authority"),
    "options.tls_min": _("Lowest version of TLS"),
    "options.tls_max": _("Highest version of TLS"),
    "options.host": _("Host header"),
    "options.family": _("Address family"),
    "options.addresses": _("Addresses of the name"),
    "options.max_redirects": _("Redirects to follow"),
    "options.redirect_scope": _("Where redirects may lead"),
    "options.max_body_bytes": _("Body limit (bytes)"),
    "options.dialogue": _("Dialogue"),
    "options.is_encrypted": _("Encrypted from the start"),
    "options.server_name": _("Server name"),
    "options.packets": _("Echo requests"),
    "options.packet_interval_ms": _("Time between requests (ms)"),
    "options.packet_wait_ms": _("Wait for each reply (ms)"),
    "options.packet_bytes": _("Size of a request (bytes)"),
    "options.period_seconds": _("Period (seconds)"),
    "options.cron": _("Cron expression"),
    "options.timezone": _("Time zone"),
    "options.grace_seconds": _("Grace (seconds)"),
    "options.max_run_seconds": _("Longest run (seconds)"),
    "options.record_type": _("Record type"),
    "options.server": _("Name server"),
    "options.is_iterative": _("Without recursion"),
    "options.proxy": _("Proxy"),
    "options.resolver": _("Resolver"),
    "details.username": _("User name"),
    "details.token_url": _("Token URL"),
    "details.client_id": _("Client ID"),
    "details.scope": _("Scope"),
    "details.sends_secret_in_body": _("Send the secret in the body"),
    "details.certificate": _("Certificate"),
    "details.header_names": _("Names of the headers"),
    "details.origins": _("Only for these origins"),
    "secrets": _("Secrets"),
    "secrets_changed_at": _("Secrets changed"),
    "password": _("Password"),
    "logo": _("Logo"),
    "sections": _("Sections"),
    "ended_at": _("Ended by hand"),
}
# What the registry's kinds are to people; one that joins without words here is shown by its name.
KINDS: Mapping[str, Promise] = {
    "http": _("http: a request and its answer"),
    "tcp": _("tcp: a connection, and a dialogue over it"),
    "tls": _("tls: a handshake and its certificate"),
    "icmp": _("icmp: echo requests, as ping sends them"),
    "heartbeat": _("heartbeat: a job that reports by itself"),
    "dns": _("dns: a question to a name server"),
    "group": _("group: the worst, the best or a share of other endpoints"),
}


def name_kind(kind: str) -> str:
    """Return the kind in words."""
    return str(KINDS.get(kind, kind))


def name_field(model: type[Model], key: str) -> str:
    """Return the label of a document's key, such as “Timeout” for `timeout_seconds`."""
    label = LABELS.get(key) or _find_column(model, key)
    return str(capfirst(str(label).partition(" (")[0]))


def _find_column(model: type[Model], key: str) -> object:
    try:
        return getattr(model._meta.get_field(key), "verbose_name", key)
    except FieldDoesNotExist:
        # Of a version from before a column was renamed or went.
        return key.rpartition(".")[2].replace("_", " ")
