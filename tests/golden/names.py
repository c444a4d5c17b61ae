"""The golden table: where redirects lead, and what names and addresses become."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from healthcheck.engine.types import AddressMode, ErrorKind, Phase
from tests.dns_server import Reply
from tests.golden.case import (
    MAX_ROUNDS,
    NAME_SERVER,
    ZONE,
    Case,
    Door,
    Golden,
    fresh_prefix,
    is_down,
    is_unknown,
    is_up,
)
from tests.hostile import answer, redirect_to

DNS, REDIRECT, REFUSED, TIMEOUT, BLOCKED = (
    ErrorKind.DNS,
    ErrorKind.REDIRECT,
    ErrorKind.REFUSED,
    ErrorKind.TIMEOUT,
    ErrorKind.BLOCKED,
)
RESOLVE, CONNECT, HEADERS = Phase.RESOLVE, Phase.CONNECT, Phase.HEADERS
PUBLIC = AddressMode.PUBLIC

# Addresses of no case, where the doors below are.
GOOD, OTHER, DEAD, DEAD_V6, SILENT_V6 = "81.99.0.1", "81.99.0.2", "81.99.0.3", "2a66::3", "2a66::4"
NO_URL = "a Location that is not a valid URL"
NO_PORT = "a Location without a usable host or port"
SECRET = "a-secret-key-of-somebody"


def to(location: str) -> tuple[Door, ...]:
    return (Door(redirect_to(location)),)


def is_blocked(words: str) -> Golden:
    return is_unknown(BLOCKED, RESOLVE, words)


def is_refused(words: str) -> Golden:
    return is_down(REDIRECT, HEADERS, words)


def resolve(*records: str) -> tuple[Reply, ...]:
    return (Reply(records),)


def rebind(first: str, then: str) -> tuple[Reply, ...]:
    """Answer the first lookup, which asks for two types, with one address, and all later ones with another."""
    return (Reply((f"A {first}",)), Reply((f"A {first}",)), Reply((f"A {then}",)))


def unanswered(name: str, reply: Reply) -> dict[str, tuple[Reply, ...]]:
    """A name without an answer, and others like it: a lookup that hangs is shared by all who ask for the same name."""
    return {f"{prefix}{name}.{ZONE}": (reply,) for prefix in ("", *map(fresh_prefix, range(MAX_ROUNDS)))}


def own_names(case: Case) -> dict[str, tuple[Reply, ...]]:
    """Return the answers of a case for a name that begins otherwise."""
    return {name.replace(case.host, f"own-{case.host}"): replies for name, replies in case.names.items()}


async def _redirect_onwards(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    request = await reader.readuntil(b"\r\n\r\n")
    number = int(request.split()[1].strip(b"/") or 0)
    if number == 50:
        writer.write(answer("HTTP/1.1 200 OK", "Content-Length: 0"))
    else:
        writer.write(answer("HTTP/1.1 302 Found", f"Location: /{number + 1}", "Content-Length: 0"))


REDIRECTS = [
    Case("redirect-loop", "redirects to itself", is_refused("more than 5 redirects"), (Door("redirect_loop"),)),
    Case("redirect-chain", "redirects 50 times", is_refused("more than 5 redirects"), (Door(_redirect_onwards),)),
    Case(
        "ping-pong",
        "redirects from http to https and back",
        is_refused("more than 5 redirects"),
        (
            Door(redirect_to(f"https://ping-pong.{ZONE}/")),
            Door(redirect_to(f"http://ping-pong.{ZONE}/"), 443, "good"),
        ),
    ),
    Case("redirect-file", "redirects to a file", is_refused("to the scheme “file”"), (Door("redirect_file"),)),
    Case(
        "redirect-javascript",
        "redirects to javascript:",
        is_refused("to the scheme “javascript”"),
        (Door("redirect_javascript"),),
    ),
    Case("redirect-empty", "redirects to nothing", is_refused("an empty Location"), (Door("redirect_empty"),)),
    Case(
        "redirect-broken",
        "redirects to what is no URL",
        is_refused(NO_URL),
        (Door("redirect_broken"),),
    ),
    Case(
        "redirect-nowhere",
        "answers 302 without saying where",
        is_up(),
        (Door("redirect_missing"),),
    ),
    Case(
        "redirect-endless-body",
        "redirects with a body without end, which nobody reads",
        is_refused("to the scheme “file”"),
        (Door("endless_redirect_body"),),
    ),
    Case("redirect-port-0", "redirects to port 0", is_refused(NO_PORT), to(f"http://{GOOD}:0/")),
    Case("redirect-port-minus", "redirects to port -1", is_refused(NO_PORT), to(f"http://{GOOD}:-1/")),
    Case("redirect-port-99999", "redirects to port 99999", is_refused(NO_PORT), to(f"http://{GOOD}:99999/")),
    Case(
        "redirect-userinfo",
        "redirects with a password",
        is_up(OTHER),
        to(f"http://user:pass@{OTHER}/"),
        assertions='body not contains "Authorization"',
    ),
    Case(
        "redirect-elsewhere",
        "redirects to another host, which shows what it was sent",
        is_up(OTHER),
        to(f"http://{OTHER}/"),
        options={"headers": [["X-Api-Key", SECRET]]},
        assertions=f'body contains "GET / HTTP/1.1"\nbody not contains "{SECRET}"',
    ),
]

FORBIDDEN = [
    Case("loopback", "is this machine itself", is_blocked("loopback"), url="http://127.0.0.1/"),
    Case("redirect-loopback", "redirects to this machine", is_blocked("loopback"), to("http://127.0.0.1/")),
    Case(
        "redirect-metadata",
        "redirects to a cloud's metadata",
        is_blocked("cloud metadata"),
        to("http://169.254.169.254/"),
    ),
    Case(
        "redirect-mapped",
        "redirects to a private address in IPv6",
        is_blocked("private"),
        to("http://[::ffff:10.0.0.1]/"),
        mode=PUBLIC,
    ),
    Case(
        "redirect-mapped-loopback",
        "redirects to loopback in IPv6",
        is_blocked("loopback"),
        to("http://[::ffff:127.0.0.1]/"),
    ),
    Case(
        "redirect-nat64", "redirects to loopback behind NAT64", is_blocked("loopback"), to("http://[64:ff9b::7f00:1]/")
    ),
    Case("redirect-6to4", "redirects to loopback behind 6to4", is_blocked("loopback"), to("http://[2002:7f00:1::1]/")),
    Case("redirect-decimal", "redirects to an address as one number", is_blocked("loopback"), to("http://2130706433/")),
    Case("redirect-hexadecimal", "redirects to 0x7f.1", is_blocked("loopback"), to("http://0x7f.1/")),
    Case("redirect-octal", "redirects to 0177.0.0.1", is_refused(NO_URL), to("http://0177.0.0.1/")),
    Case("redirect-zero", "redirects to the host 0", is_blocked("unspecified"), to("http://0/")),
    Case(
        "redirect-fullwidth",
        "redirects to loopback in full-width digits",
        is_refused(NO_URL),
        to("http://１２７.０.０.１/"),
    ),
    Case(
        "redirect-ideographic",
        "redirects to loopback with ideographic stops",
        is_blocked("loopback"),
        to("http://127。0。0。1/"),
    ),
    Case(
        "redirect-trailing-dot",
        "redirects to loopback with a dot behind it",
        is_down(DNS, RESOLVE, "no such name"),
        to("http://127.0.0.1./"),
    ),
    Case(
        "redirect-zone",
        "redirects to a link-local address with a zone",
        is_blocked("link-local"),
        to("http://[fe80::1%25lo]/"),
    ),
    Case(
        "name-private",
        "has a private address under a public policy",
        is_blocked("private"),
        names={f"name-private.{ZONE}": resolve("A 10.0.0.1")},
        mode=PUBLIC,
    ),
    Case(
        "name-alias",
        "is an alias of loopback",
        is_blocked("loopback"),
        names={f"name-alias.{ZONE}": resolve("CNAME inside.test.", "inside.test. 60 IN A 127.0.0.1")},
    ),
    Case(
        "name-mixed",
        "has a public and a private address",
        is_up(GOOD),
        names={f"name-mixed.{ZONE}": resolve("A 10.0.0.1", f"A {GOOD}", "A 192.168.1.1")},
        mode=PUBLIC,
    ),
    Case(
        "rebinding",
        "changes its address as soon as it was looked up",
        is_up(GOOD),
        names={f"rebinding.{ZONE}": rebind(GOOD, "127.0.0.1")},
    ),
    Case(
        "rebinding-hop",
        "redirects to itself and then is somebody else",
        is_blocked("loopback"),
        (Door(redirect_to(f"http://rebinding-hop.{ZONE}/2"), address="81.99.0.4"),),
        names={f"rebinding-hop.{ZONE}": rebind("81.99.0.4", "127.0.0.1")},
    ),
    Case(
        "rebinding-retry",
        "refuses at first and then is somebody else",
        is_blocked("loopback"),
        names={f"rebinding-retry.{ZONE}": rebind(DEAD, "127.0.0.1")},
    ),
]

NAMES = [
    Case(
        "name-unknown",
        "does not exist",
        is_down(DNS, RESOLVE, "no such name"),
        names={f"name-unknown.{ZONE}": (Reply(rcode="NXDOMAIN"),)},
    ),
    Case(
        "name-empty",
        "exists without an address",
        is_down(DNS, RESOLVE, "no such name"),
        names={f"name-empty.{ZONE}": (Reply(),)},
    ),
    Case(
        "name-servfail",
        "has name servers that fail",
        is_down(DNS, RESOLVE, "the name servers failed"),
        names={f"name-servfail.{ZONE}": (Reply(rcode="SERVFAIL"),)},
    ),
    Case(
        "name-refused",
        "has name servers that refuse",
        is_down(DNS, RESOLVE, "the name servers failed"),
        names={f"name-refused.{ZONE}": (Reply(rcode="REFUSED"),)},
    ),
    Case(
        "name-garbage",
        "has name servers that answer with garbage",
        is_down(TIMEOUT, RESOLVE, "no end within"),
        names=unanswered("name-garbage", Reply(raw=b"\xff" * 40)),
    ),
    Case(
        "name-silent",
        "has name servers that never answer",
        is_down(TIMEOUT, RESOLVE, "no end within"),
        names=unanswered("name-silent", Reply(is_silent=True)),
    ),
    Case(
        "name-lost",
        "has a name server that loses the first questions",
        is_up(GOOD),
        names={f"name-lost.{ZONE}": (Reply((f"A {GOOD}",), drops=1),)},
    ),
    Case(
        "name-cut",
        "has name servers that hang up in the middle",
        is_down(DNS, RESOLVE, ""),
        names={f"name-cut.{ZONE}": (Reply(("A 81.99.0.1",), is_truncated=True, is_cut=True),)},
    ),
    Case(
        "name-crowded",
        "has 200 addresses, all of them closed",
        is_down(REFUSED, CONNECT, "ECONNREFUSED"),
        names={f"name-crowded.{ZONE}": resolve(*(f"A 81.98.0.{number}" for number in range(1, 201)))},
        timeout_seconds=10.0,
    ),
    Case(
        "name-loop",
        "is an alias of an alias of itself",
        is_down(DNS, RESOLVE, "no such name"),
        names={
            f"name-loop.{ZONE}": resolve("CNAME other.loop.test.", f"other.loop.test. 60 IN CNAME name-loop.{ZONE}.")
        },
    ),
    Case(
        "name-v6-refused",
        "has an IPv6 address that refuses, and a good one",
        is_up(GOOD),
        names={f"name-v6-refused.{ZONE}": resolve(f"AAAA {DEAD_V6}", f"A {GOOD}")},
    ),
    Case(
        "name-v6-silent",
        "has an IPv6 address that is silent, and a good one",
        is_up(GOOD),
        (Door(None, address=SILENT_V6),),
        names={f"name-v6-silent.{ZONE}": resolve(f"AAAA {SILENT_V6}", f"A {GOOD}")},
    ),
    Case("name-dot", "is written with a dot at its end", is_up(), (Door("good"),), url=f"http://name-dot.{ZONE}./"),
    Case(
        "name-homograph",
        "looks like another name",
        is_up(GOOD),
        url=f"http://hоmograph.{ZONE}/",
        names={f"{'hоmograph'.encode('idna').decode()}.{ZONE}": resolve(f"A {GOOD}")},
    ),
    Case(
        "redirect-long-label",
        "redirects to a label of 64 letters",
        is_down(DNS, RESOLVE, "not a valid name"),
        (Door("redirect_bad_name"),),
    ),
    Case(
        "redirect-empty-label",
        "redirects to an empty label",
        is_down(DNS, RESOLVE, "not a valid name"),
        to("http://a..example/"),
    ),
    Case(
        "redirect-punycode",
        "redirects to punycode that is none",
        is_down(DNS, RESOLVE, "not a valid name"),
        to("http://xn--a-zzzzz99.example/"),
    ),
]

# The same of a name server that the check itself names, which is asked without the C library; it tells more.
SAID_BY_OWN = {
    "name-garbage": is_down(DNS, RESOLVE, "a message that cannot be read"),
    "name-cut": is_down(DNS, RESOLVE, "closed before the end"),
    "name-loop": is_down(DNS, RESOLVE, "more than 16 aliases, or a circle of them"),
}
OWN = [
    replace(
        case,
        name=f"own-{case.name}",
        becomes=SAID_BY_OWN.get(case.name, case.becomes),
        doors=(),
        options={"resolver": NAME_SERVER},
        names=own_names(case),
    )
    for case in NAMES
    if case.names and case.name != "name-homograph"
]

# Doors that other rows lead to.
SHARED = [
    Case(
        "good",
        "answers at an address that several rows lead to",
        is_up(GOOD),
        (Door("good", address=GOOD),),
        url=f"http://{GOOD}/",
    ),
    Case("echo", "answers with the request", is_up(OTHER), (Door("echo", address=OTHER),), url=f"http://{OTHER}/"),
]

CASES = [*REDIRECTS, *FORBIDDEN, *NAMES, *OWN, *SHARED]
# Together with the one above, twenty names whose servers are silent.
CROWD = [
    Case(
        f"name-silent-{number}",
        "has name servers that never answer",
        is_down(TIMEOUT, RESOLVE, "no end within"),
        names=unanswered(f"name-silent-{number}", Reply(is_silent=True)),
    )
    for number in range(19)
]
