"""What an address says by its scheme, and may mean without one: https:// first, then http://."""

from __future__ import annotations

from healthcheck.engine.probes import list_kinds
from healthcheck.engine.types import ErrorKind

# Where https:// ends so, http:// is worth a try; it cures neither a bad certificate nor a wrong name.
WORTH_PLAIN = frozenset({ErrorKind.REFUSED, ErrorKind.CONNECTION, ErrorKind.TLS, ErrorKind.PROTOCOL, ErrorKind.TIMEOUT})


def list_candidates(address: str) -> list[str]:
    """Return the addresses to try: what was given, or with both schemes where it has none."""
    text = address.strip()
    return [text] if "://" in text else [f"https://{text}", f"http://{text}"]


def find_kind(address: str) -> str:
    """Return the kind that checks such an address: the one of its scheme, HTTP for all others."""
    scheme = address.strip().partition("://")[0].lower()
    return scheme if scheme in list_kinds() else "http"
