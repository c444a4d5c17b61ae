"""The certificates that a target presented, with the one that is the problem named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from healthcheck.admin.look.words import describe_instant
from healthcheck.engine.assertions.instants import read_instant


@dataclass(frozen=True, slots=True)
class CertificateWords:
    """One certificate of a chain. `problem` is empty for one that nothing is wrong with by itself."""

    role: str
    subject: str
    issuer: str
    validity: str
    left: str
    fingerprint: str
    key: str = ""
    signature: str = ""
    problem: str = ""


def describe_chain(facts: Mapping[str, Any], at: datetime | None, *, is_problem: bool) -> list[CertificateWords]:
    """Return the chain, leaf first; empty without one. `is_problem` says that the check failed by its certificate.

    What OpenSSL said names no certificate: one that is out of date at `at` is the problem, else the last one of the
    chain where its issuer is not trusted, else the leaf.
    """
    stored = facts.get("chain") or [facts.get("certificate")]
    chain = [each for each in stored if isinstance(each, Mapping)] if isinstance(stored, list) else []
    problems = [_find_date_problem(each, at) for each in chain]
    if is_problem and chain and not any(problems):
        found = str(facts.get("found") or "")
        problems[-1 if _is_about_the_issuer(found) else 0] = found
    return [
        CertificateWords(
            role=_("the target's own") if place == 0 else _("issuer no. %(place)s") % {"place": place},
            subject=str(each.get("subject") or ""),
            issuer=str(each.get("issuer") or ""),
            validity=_describe_validity(each),
            left=_describe_left(each, at),
            fingerprint=str(each.get("fingerprint_sha256") or ""),
            key=_describe_key(each),
            signature=str(each.get("signature") or ""),
            problem=problems[place],
        )
        for place, each in enumerate(chain)
    ]


def _is_about_the_issuer(found: str) -> bool:
    return "issuer" in found or "self-signed" in found or "self signed" in found


def _find_date_problem(certificate: Mapping[str, Any], at: datetime | None) -> str:
    starts, ends = read_instant(certificate.get("not_before")), read_instant(certificate.get("not_after"))
    if at is not None and ends is not None and ends < at:
        return _("expired")
    if at is not None and starts is not None and starts > at:
        return _("not valid yet")
    return ""


def _describe_key(certificate: Mapping[str, Any]) -> str:
    # Evidence of an older release has neither.
    kind, bits = str(certificate.get("key_type") or ""), certificate.get("key_bits")
    return _("%(kind)s, %(bits)s bits") % {"kind": kind, "bits": bits} if kind and isinstance(bits, int) else kind


def _describe_validity(certificate: Mapping[str, Any]) -> str:
    starts, ends = read_instant(certificate.get("not_before")), read_instant(certificate.get("not_after"))
    return _("%(start)s to %(end)s") % {"start": describe_instant(starts), "end": describe_instant(ends)}


def _describe_left(certificate: Mapping[str, Any], at: datetime | None) -> str:
    ends = read_instant(certificate.get("not_after"))
    if at is None or ends is None:
        return ""
    days = int(abs(ends - at) / timedelta(days=1))
    if ends < at:
        return ngettext("expired %(days)s day before", "expired %(days)s days before", days) % {"days": days}
    return ngettext("%(days)s day left", "%(days)s days left", days) % {"days": days}
