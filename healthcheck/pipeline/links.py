"""The addresses in messages. Those that act are signed and expire; they say which channel was told, and name nobody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.core import signing
from django.urls import NoReverseMatch, reverse

from healthcheck.conf import get_settings

# A mail is answered within days; what lies around for longer answers nobody.
LINK_LIFETIME = timedelta(days=7)
# What an address of the web is called that shows a page with a button, and takes the token as its one argument.
ACKNOWLEDGE_VIEW = "healthcheck:acknowledge"
_DETAILS_VIEW = "admin:healthcheck_incident_change"
_SALT = "healthcheck.incident"


@dataclass(frozen=True, slots=True)
class Link:
    """Whoever follows it was told of this incident on this channel."""

    incident_id: int
    channel_id: int


def sign_link(link: Link) -> str:
    """Return the token of a link, safe in the path of a URL."""
    return signing.dumps([link.incident_id, link.channel_id], salt=_SALT)


def read_link(token: str) -> Link | None:
    """Return what a token stands for; None for one that has expired, or that we did not sign."""
    try:
        incident_id, channel_id = signing.loads(token, salt=_SALT, max_age=LINK_LIFETIME)
    except signing.BadSignature:
        return None
    return Link(incident_id, channel_id)


def make_acknowledge_url(link: Link) -> str:
    """Return where an incident can be acknowledged; empty where our own address is not known."""
    return _make_url(ACKNOWLEDGE_VIEW, sign_link(link))


def make_details_url(incident_id: int) -> str:
    """Return where operators see an incident; empty where our own address is not known, or there is no admin."""
    return _make_url(_DETAILS_VIEW, incident_id)


def _make_url(view: str, argument: str | int) -> str:
    base = get_settings().base_url.rstrip("/")
    if not base:
        return ""
    try:
        return base + reverse(view, args=[argument])
    except NoReverseMatch:
        # A project that has not included these pages.
        return ""
