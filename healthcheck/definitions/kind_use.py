"""Who may have kinds checked that answer to no address policy: one rule for every way to define an endpoint.

Such kinds are those of third parties that do not say that they connect through the check's dialer.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _

from healthcheck.definitions.drafts import Draft, name_key
from healthcheck.engine.probes import is_under_policy
from healthcheck.models import Endpoint


def refuse_kind(kind: str) -> str:
    """Return why only a superuser may have this kind checked, with the cure; empty when others may, too.

    The caller asks only where the address policy lets nothing but public addresses be connected to.
    """
    if is_under_policy(kind):
        return ""
    return _(
        "The kind %(kind)s connects past the address policy, which is “public”: only a superuser may set it up, so ask "
        "one."
    ) % {"kind": kind}


def refuse_kinds(drafts: Iterable[Draft]) -> None:
    """Refuse, among drafts of people who are no superusers, those of such kinds, whatever changes of them."""
    for draft in drafts:
        if sentence := refuse_kind(str(draft.after.get("kind", "http"))):
            draft.refusals.append(f"{name_key(draft, Endpoint, 'kind')}: {sentence}")
