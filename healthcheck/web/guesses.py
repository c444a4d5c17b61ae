"""How often somebody may guess a page's password: so many times from one address, then not for a while.

Counted in Django's cache. Where that is each process's own memory, every process counts for itself; a shared cache
makes it one count.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.core.cache import cache
from django.http import HttpRequest

from healthcheck import conf

MAX_GUESSES = 10
WINDOW_SECONDS = 300
# What one customer of a provider is given: whoever has one IPv6 address has all of these.
_IPV6_CUSTOMER_BITS = 64


def may_guess(page_id: int, visitor: str) -> bool:
    """Count a guess, then tell whether it may be looked at: counting first leaves no room for many at once."""
    key = _name_count(page_id, visitor)
    cache.add(key, 0, WINDOW_SECONDS)
    try:
        return cache.incr(key) <= MAX_GUESSES
    except ValueError:
        # It expired just now.
        cache.set(key, 1, WINDOW_SECONDS)
        return True


def forgive_guesses(page_id: int, visitor: str) -> None:
    """Start anew for somebody who knew the password."""
    cache.delete(_name_count(page_id, visitor))


def find_visitor(request: HttpRequest) -> str:
    """Return the address that guesses are counted for.

    Anybody can write an X-Forwarded-For, so it is believed only from the proxies in TRUSTED_PROXIES, and read from its
    end: the last entry that is not such a proxy is what the outermost of them saw. Without a trusted proxy it is the
    address of the connection; behind one that is not named, all visitors share one count.
    """
    proxies = conf.get_settings().trusted_proxies
    chain = [*request.headers.get("X-Forwarded-For", "").split(","), request.META.get("REMOTE_ADDR", "")]
    visitor: IPv4Address | IPv6Address | None = None
    for hop in reversed(chain):
        address = _parse(hop)
        if address is None:
            break
        visitor = address
        if not _is_within(address, proxies):
            break
    return _name_visitor(visitor)


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _is_within(address: IPv4Address | IPv6Address, networks: Iterable[str]) -> bool:
    return any(address in ip_network(network, strict=False) for network in networks)


def _name_visitor(address: IPv4Address | IPv6Address | None) -> str:
    if isinstance(address, IPv6Address):
        return str(ip_network((int(address), _IPV6_CUSTOMER_BITS), strict=False).network_address)
    # A socket of this machine has no address.
    return str(address or "local")


def _name_count(page_id: int, visitor: str) -> str:
    return f"healthcheck.guesses.{page_id}.{visitor}"
