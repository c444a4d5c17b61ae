"""Sockets that are opened before anything else: a taken port is found at once, and a restarted child loses nobody."""

from __future__ import annotations

import errno
import ipaddress
import socket

from django.core.management.base import CommandError

BACKLOG = 128
# TEST-NET-1 (RFC 5737): connecting a datagram socket sends nothing, it only chooses the address to send from.
ANYWHERE = ("192.0.2.1", 9)


def open_listener(host: str, port: int) -> socket.socket:
    """Return a listening socket. Raises CommandError with the cure; `port` 0 takes any free one."""
    try:
        family, _type, _protocol, _name, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise CommandError(f"“{host}” is not an address ({error.strerror}); correct --host.") from None
    except UnicodeError:
        # What no name can look like is refused before anybody is asked.
        raise CommandError(f"“{host}” is not an address (no name looks like this); correct --host.") from None
    try:
        # Without it a port stays taken for a minute after a stop.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise CommandError(_explain(error, host=host, port=port)) from None
    return listener


def _explain(error: OSError, *, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is in use; stop what uses it or choose another with --port."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this machine; correct --host."
    return f"Cannot listen on {host}, port {port} ({error.strerror}); choose another --host or --port."


def is_loopback(listener: socket.socket) -> bool:
    return ipaddress.ip_address(listener.getsockname()[0]).is_loopback


def describe_address(listener: socket.socket, host: str) -> str:
    """Return the URL for people. For a socket on every address this is one that other machines can use."""
    if _is_everywhere(listener):
        host = _find_own_address() or socket.gethostname()
    return f"http://{_bracket(host)}:{listener.getsockname()[1]}/"


def choose_allowed_hosts(listener: socket.socket, host: str) -> list[str]:
    """Return the names under which this socket can be meant, for Django's ALLOWED_HOSTS."""
    names = {"localhost", "127.0.0.1", "[::1]"}
    if not is_loopback(listener):
        names |= {socket.gethostname().lower(), _find_own_address()} - {""}
    return sorted(names if _is_everywhere(listener) else names | {_bracket(host)})


def _is_everywhere(listener: socket.socket) -> bool:
    return ipaddress.ip_address(listener.getsockname()[0]).is_unspecified


def _find_own_address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(ANYWHERE)
        except OSError:
            return ""
        return str(probe.getsockname()[0])


def _bracket(host: str) -> str:
    return f"[{host}]" if ":" in host else host
