"""Names to addresses through getaddrinfo, so that /etc/hosts and search domains hold, on daemon threads of our own."""

from __future__ import annotations

import asyncio
import ipaddress
import math
import re
import socket
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from healthcheck.engine.check import CheckSession
from healthcheck.engine.faults import ProbeFailure, classify_os_error
from healthcheck.engine.lookup_threads import LOOKUP_THREADS, LookupThreads
from healthcheck.engine.types import AddressFamily, ErrorKind, Phase

# More than anyone needs to choose from; a name with hundreds of addresses must not fill a result.
MAX_ADDRESSES = 32
CONTROL_SECONDS = 1.0
# The C library waits for five seconds before it asks a name server again, which is longer than most checks may last: a
# name without an answer is asked for once more after this. The control name is asked for with it, so that a silence of
# our resolver is noticed while it lasts, and not looked for when it may be over.
ASK_AGAIN_SECONDS = 0.4

_FAMILIES = {
    AddressFamily.ANY: socket.AF_UNSPEC,
    AddressFamily.IPV4: socket.AF_INET,
    AddressFamily.IPV6: socket.AF_INET6,
}
# What a living resolver says of a name that does not exist, or has no address of the wanted family.
_NO_SUCH_NAME = frozenset(
    {
        socket.EAI_NONAME,
        getattr(socket, "EAI_NODATA", socket.EAI_NONAME),
        getattr(socket, "EAI_ADDRFAMILY", socket.EAI_NONAME),
    }
)
# The same words, whoever is asked.
NO_SUCH_NAME, NO_ADDRESS, SERVERS_FAILED = "no such name", "no address", "the name servers failed"
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")

Answer = tuple[str, ...] | OSError


@dataclass(slots=True, eq=False)
class _Lookup:
    name: str
    family: AddressFamily
    loop: asyncio.AbstractEventLoop
    started: asyncio.Future[None]
    answered: asyncio.Future[Answer]
    # By the loop's clock.
    began: float

    def run(self) -> None:
        """On a thread of the pool; it may outlive the loop when the system's resolver is silent."""
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(_settle, self.started, None)
            answer = _ask_system(self.name, self.family)
            self.loop.call_soon_threadsafe(_settle, self.answered, answer)


class Resolver:
    """One per event loop. One lookup in flight per name and family, shared by all who wait; nothing is cached."""

    def __init__(self, *, control_name: str = "", threads: LookupThreads = LOOKUP_THREADS) -> None:
        self._control_name = control_name
        self._threads = threads
        self._lookups: dict[tuple[str, AddressFamily], _Lookup] = {}
        # When the control name was last known to get no answer.
        self._silent_at = -math.inf

    async def lookup(self, name: str, family: AddressFamily, session: CheckSession) -> tuple[str, ...]:
        """Return the addresses of a name in the system's order of preference; an address is its own answer.

        Raises ProbeFailure: DNS when the name has no address, CAPACITY when our own resolver does not answer. Waiting
        for a thread is `session.waiting()`: a deadline that ends it is our lack of capacity. A deadline that passes
        while the lookup runs cancels this call in phase RESOLVE; whose fault that is, `is_silent` tells.
        """
        literal = answer_literal(name, family)
        if literal is not None:
            return literal
        answer = await self._ask(name, family, session)
        if isinstance(answer, OSError):
            raise await self._explain(answer, since=session.asked_at)
        if not answer:
            raise ProbeFailure(ErrorKind.DNS, Phase.RESOLVE, NO_ADDRESS)
        return answer

    async def is_silent(self, *, since: float = math.inf) -> bool:
        """True when the control name gets no answer within a second either: the resolver is ours and it is dead.

        "No such name" is an answer. The runner calls this after a timeout in phase RESOLVE: True means CAPACITY
        (no data), False means that the target's name is the trouble (TIMEOUT). `since` is when the lookup began that
        got no answer: where the control name got none in its time, what it asked was lost, and nobody asks again for
        seconds after the resolver is back.
        """
        if not self._control_name:
            return False
        if since <= self._silent_at:
            return True
        is_silent = await self._gets_no_answer()
        if is_silent:
            self._silent_at = asyncio.get_running_loop().time()
        return is_silent

    async def _gets_no_answer(self) -> bool:
        try:
            async with asyncio.timeout(CONTROL_SECONDS):
                answer = await self._ask(self._control_name, AddressFamily.ANY)
        except (TimeoutError, ProbeFailure):
            return True
        return isinstance(answer, OSError) and answer.errno not in _NO_SUCH_NAME

    async def _ask(self, name: str, family: AddressFamily, session: CheckSession | None = None) -> Answer:
        lookup = self._lookups.get((name, family)) or self._start(name, family)
        if session is not None:
            session.asked_at = lookup.began
        # Shielded, because a waiter that is cancelled must not take the answer from the others.
        if session is not None and not lookup.started.done() and self._threads.is_busy:
            with session.waiting():
                await asyncio.shield(lookup.started)
        return await asyncio.shield(lookup.answered)

    def _start(self, name: str, family: AddressFamily) -> _Lookup:
        loop = asyncio.get_running_loop()
        lookup = _Lookup(name, family, loop, loop.create_future(), loop.create_future(), loop.time())
        try:
            self._threads.submit(lookup.run)
        except RuntimeError:
            raise ProbeFailure(ErrorKind.CAPACITY, Phase.RESOLVE, "no thread for the lookup") from None
        # Kept until it is answered, not until nobody waits: a hanging name holds one thread however often it is asked.
        self._lookups[name, family] = lookup
        again = loop.call_later(ASK_AGAIN_SECONDS, self._ask_again, lookup)

        def forget(_: object) -> None:
            again.cancel()
            self._lookups.pop((name, family))

        lookup.answered.add_done_callback(forget)
        return lookup

    def _ask_again(self, lookup: _Lookup) -> None:
        # Where work waits for a thread, it waits for those that hang: more of them would help nobody.
        if not lookup.started.done() or self._threads.is_full:
            return
        control = (self._control_name, AddressFamily.ANY)
        with suppress(RuntimeError, ProbeFailure):
            self._threads.submit(lookup.run)
            if self._control_name and control not in self._lookups and self._control_name != lookup.name:
                self._start(*control)

    async def _explain(self, error: OSError, *, since: float) -> ProbeFailure:
        if not isinstance(error, socket.gaierror):
            return classify_os_error(error, Phase.RESOLVE)
        if error.errno in _NO_SUCH_NAME:
            return ProbeFailure(ErrorKind.DNS, Phase.RESOLVE, NO_SUCH_NAME)
        if error.errno == socket.EAI_MEMORY:
            return ProbeFailure(ErrorKind.CAPACITY, Phase.RESOLVE, "no memory for the lookup")
        # EAI_AGAIN is a server's own failure (SERVFAIL) as well as a resolver that does not answer anybody.
        if error.errno == socket.EAI_AGAIN and await self.is_silent(since=since):
            return ProbeFailure(ErrorKind.CAPACITY, Phase.RESOLVE, "our resolver does not answer")
        return ProbeFailure(ErrorKind.DNS, Phase.RESOLVE, SERVERS_FAILED)


def _settle(future: asyncio.Future[Any], result: object) -> None:
    """Set a result for which there may have been two who asked."""
    if not future.done():
        future.set_result(result)


def warm_up(threads: LookupThreads = LOOKUP_THREADS) -> None:
    """Let the C library load what it resolves names with, while this process has file descriptors for it.

    It loads that with the first lookup, which without a descriptor ends as "no such name" instead of by its reason.
    """
    # Without a thread there is nothing to warm up for: every lookup will say so itself.
    with suppress(RuntimeError):
        threads.submit(_ask_and_forget)


def _ask_and_forget() -> None:
    _ask_system("localhost", AddressFamily.ANY)


def _ask_system(name: str, family: AddressFamily) -> Answer:
    try:
        # Bytes, because Python runs text through its own IDNA codec first and that raises errors of its own.
        found = socket.getaddrinfo(name.encode("ascii"), None, family=_FAMILIES[family], type=socket.SOCK_STREAM)
    except OSError as error:
        return error
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))[:MAX_ADDRESSES]


# Every check asks, and reading an address or a name costs as much as the rest of the way there; 4,096 are a megabyte.
@lru_cache(maxsize=4096)
def answer_literal(name: str, family: AddressFamily) -> tuple[str, ...] | None:
    """Return the answer for what needs no server: an address. Raises ProbeFailure for what no server can know."""
    literal = _read_literal(name)
    if literal is not None:
        return _keep_family(literal, family)
    if not is_name(name):
        raise ProbeFailure(ErrorKind.DNS, Phase.RESOLVE, "not a valid name")
    return None


def _read_literal(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def _keep_family(address: ipaddress.IPv4Address | ipaddress.IPv6Address, family: AddressFamily) -> tuple[str, ...]:
    if family is not AddressFamily.ANY and family is not (
        AddressFamily.IPV4 if address.version == 4 else AddressFamily.IPV6
    ):
        raise ProbeFailure(
            ErrorKind.DNS, Phase.RESOLVE, f"an IPv{address.version} address, but the check wants {family}"
        )
    return (str(address),)


def is_address(name: str) -> bool:
    return _read_literal(name) is not None


def is_name(name: str) -> bool:
    """Whether a name server can know the name (RFC 1035, 2.3.4), so that no codec or C library meets what it cannot."""
    labels = name.removesuffix(".").split(".")
    if len(name) > 254 or not all(_LABEL.fullmatch(label) for label in labels):
        return False
    try:
        for label in labels:
            if label[:4].lower() == "xn--":
                label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return False
    return True
