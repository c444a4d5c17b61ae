"""Where a credential is sent is decided by people who may see it: one rule for every way to define an endpoint.

Others may change everything else of the endpoint, its path and query included.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from healthcheck.definitions.documents import Document
from healthcheck.definitions.drafts import Draft, name_key
from healthcheck.engine import trust
from healthcheck.engine.credentials.parse import name_origin
from healthcheck.engine.probes import collect_defaults, read_defaults
from healthcheck.engine.probes.http_options import parse_address
from healthcheck.engine.types import ConfigurationError
from healthcheck.models import Endpoint

# What the form calls those keys of the document.
_KEYS = {"address": "address", "verify": "options.verify"}
# Each leads the request to somebody else behind the same address.
_ROUTE = ("host", "server_name", "resolver", "proxy")


def refuse_exposure(before: Document, after: Document) -> dict[str, str]:
    """Return what would have the credential sent to somebody else: a sentence that names the cure, by field.

    Both name `address` and `options`. The caller asks only where a credential is attached, and stays so, and where the
    person may not see credentials.
    """
    refusals = {}
    if _name_origin(before["address"]) != _name_origin(after["address"]):
        refusals["address"] = _(
            "A credential is sent to this address: scheme, host and port may only be changed by people who may see "
            "credentials; leave them, or ask one of those people."
        )
    if _weakens(before["options"], after["options"]):
        refusals["verify"] = _(
            "A credential is sent to this address: whom it trusts may only be changed by people who may see "
            "credentials; leave the verification and the authority, or ask one of those people."
        )
    for name in _list_detours(before["options"], after["options"]):
        refusals[name] = _(
            "A credential is sent to this address: the way to it may only be changed by people who may see "
            "credentials; leave it, or ask one of those people."
        )
    return refusals


def refuse_exposures(drafts: Iterable[Draft]) -> None:
    """Refuse, among drafts of people who may not see credentials, those that would have one sent to somebody else."""
    for draft in drafts:
        if draft.before is not None and draft.before.get("credential") and draft.after.get("credential"):
            refusals = refuse_exposure(draft.before, draft.after)
            draft.refusals += [
                f"{name_key(draft, Endpoint, _KEYS.get(name, f'options.{name}'))}: {each}"
                for name, each in refusals.items()
            ]


def _name_origin(address: Any) -> str:
    try:
        return name_origin(parse_address(str(address)))
    except ConfigurationError:
        # Nothing is sent there; what it becomes is somewhere else.
        return str(address)


def _weakens(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    old, new = _read_trust(before), _read_trust(after)
    return old != new and old[0] != trust.OFF and new[0] != trust.ON


def _list_detours(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    defaults = read_defaults("http")
    old, new = ({**defaults, **options} for options in (before, after))
    changed = [name for name in _ROUTE if old[name] != new[name]]
    return [*changed, "tls_min"] if new["tls_min"] == trust.OLDEST != old["tls_min"] else changed


def _read_trust(options: Mapping[str, Any]) -> tuple[Any, Any]:
    defaults = collect_defaults()
    verify = options.get("verify", defaults["verify"])
    # An authority counts only where it is asked.
    return verify, options.get("ca_pem", defaults["ca_pem"]) if verify == trust.CUSTOM else ""
