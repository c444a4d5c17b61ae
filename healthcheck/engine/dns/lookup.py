"""The addresses of a host from a name server that a person chose, in place of the system's resolver."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from itertools import chain, zip_longest

from healthcheck.engine.check import CheckSession
from healthcheck.engine.destination import Destination
from healthcheck.engine.dns.by_datagram import Answers, ask_by_udp
from healthcheck.engine.dns.by_stream import ask_by_stream
from healthcheck.engine.dns.message import MAX_ALIASES, Question, write_name
from healthcheck.engine.dns.servers import NameServer
from healthcheck.engine.faults import VERDICTS, ProbeFailure
from healthcheck.engine.resolver import MAX_ADDRESSES, NO_SUCH_NAME, SERVERS_FAILED, answer_literal
from healthcheck.engine.types import AddressFamily, DnsAnswer, ErrorKind, Phase, State

_A, _AAAA = 1, 28
_TYPES = {AddressFamily.ANY: (_AAAA, _A), AddressFamily.IPV4: (_A,), AddressFamily.IPV6: (_AAAA,)}
_KNOWN = frozenset({"NOERROR", "NXDOMAIN"})


async def look_up_at(session: CheckSession, server: NameServer, name: str, *, family: AddressFamily) -> tuple[str, ...]:
    """Return the addresses in the order in which to try them; an address is its own answer.

    Raises ProbeFailure in phase RESOLVE, with the words of the system's resolver: DNS when there is no address, or the
    server fails; BLOCKED when the address policy does not permit the server.
    """
    literal = answer_literal(name, family)
    if literal is not None:
        return literal
    refusal = session.dialer.policy.find_refusal(server.host)
    if refusal is not None:
        raise ProbeFailure(ErrorKind.BLOCKED, Phase.RESOLVE, f"the resolver {server}: {refusal}")
    before = session.address
    try:
        found = await _Lookup(session, server).find(name, _TYPES[family])
    except ProbeFailure as failure:
        raise _translate(failure, server) from failure
    finally:
        # What was asked for a name is not what is checked.
        session.address = before
    return found


def _translate(failure: ProbeFailure, server: NameServer) -> ProbeFailure:
    """Return a failure of the way to the server as one of the lookup; what is our own fault stays that."""
    if failure.kind is ErrorKind.DNS or VERDICTS[failure.kind] is not State.DOWN:
        return ProbeFailure(failure.kind, Phase.RESOLVE, failure.found)
    return ProbeFailure(
        ErrorKind.DNS, Phase.RESOLVE, f"{failure.kind.word} from the resolver {server}: {failure.found}"
    )


class _Lookup:
    def __init__(self, session: CheckSession, server: NameServer) -> None:
        self._session = session
        self._server = server
        self._found: dict[int, list[str]] = {_A: [], _AAAA: []}
        self._rcodes: set[str] = set()

    async def find(self, name: str, kinds: Sequence[int]) -> tuple[str, ...]:
        """Raises ProbeFailure."""
        asked = dict.fromkeys(kinds, name)
        # Within one answer aliases are followed as it is read; here, where one answer does not hold the end.
        for _ in range(MAX_ALIASES):
            heard = await self._ask([Question(write_name(each), kind) for kind, each in asked.items()])
            asked = {
                question.type: answer.end
                for question, answer in heard
                if not self._take(question, answer) and question.name != write_name(answer.end)
            }
            if not asked:
                return self._conclude()
        raise ProbeFailure(ErrorKind.DNS, Phase.RESOLVE, f"more than {MAX_ALIASES} aliases, or a circle of them")

    def _take(self, question: Question, answer: DnsAnswer) -> bool:
        """Keep what an answer says; False where an alias leads out of it."""
        self._rcodes.add(answer.rcode)
        self._found[question.type] += [each.data for each in answer.answers]
        return bool(answer.answers) or answer.rcode != "NOERROR" or not answer.records

    async def _ask(self, questions: Sequence[Question]) -> list[tuple[Question, DnsAnswer]]:
        place = (self._server.host, self._server.port)
        heard = await ask_by_udp(self._session, [place], questions, is_enough=_has_addresses)
        return [(question, answer or await self._ask_by_tcp(question)) for question, answer in heard.items()]

    async def _ask_by_tcp(self, question: Question) -> DnsAnswer:
        answer, _ = await ask_by_stream(self._session, Destination(self._server.host, self._server.port), question)
        return answer

    def _conclude(self) -> tuple[str, ...]:
        ipv6, ipv4 = self._found[_AAAA][:MAX_ADDRESSES], self._found[_A][:MAX_ADDRESSES]
        # By turns (RFC 8305, 4), so that the few that are tried are of both families.
        mixed = [each for each in chain.from_iterable(zip_longest(ipv6, ipv4)) if each]
        if mixed:
            return tuple(sorted(dict.fromkeys(mixed), key=self._is_out_of_reach))[:MAX_ADDRESSES]
        is_known = self._rcodes <= _KNOWN
        raise ProbeFailure(ErrorKind.DNS, Phase.RESOLVE, NO_SUCH_NAME if is_known else SERVERS_FAILED)

    def _is_out_of_reach(self, address: str) -> bool:
        """Whether this host has no way to it (RFC 6724, 6). What must not be connected to is not even asked about."""
        return self._session.dialer.policy.permits(address) and not _has_way_to(address)


def _has_addresses(heard: Answers) -> bool:
    return any(answer is None or answer.answers for answer in heard.values())


def _has_way_to(address: str) -> bool:
    """Whether the system knows where to send it: nothing is sent."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 9))
    except OSError:
        return False
    return True
