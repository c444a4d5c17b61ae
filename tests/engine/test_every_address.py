"""Every address of a name on its own, over real sockets: who is asked, how often, and what becomes of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest
import trustme

from healthcheck.engine.address_policy import AddressPolicy
from healthcheck.engine.assertions import parse_assertions
from healthcheck.engine.capacity import AddressCaps
from healthcheck.engine.check import CheckSession
from healthcheck.engine.destination import Destination
from healthcheck.engine.dialer import Dialer
from healthcheck.engine.faults import ProbeFailure
from healthcheck.engine.lag import LagMeter
from healthcheck.engine.probes import Probe, load_probe
from healthcheck.engine.probes.address_rule import MAX_ADDRESSES
from healthcheck.engine.resolver import Resolver
from healthcheck.engine.runner import probe_all
from healthcheck.engine.types import (
    AddressFamily,
    AddressMode,
    AddressRules,
    ErrorKind,
    Limits,
    Observation,
    Outcome,
    Phase,
    State,
    SubResult,
    Target,
)
from tests.dns_server import DnsServer, Reply
from tests.engine.conftest import LAPTOP, Run, serve_with
from tests.engine.scripted import ScriptedProbe
from tests.free_ports import find_lonely_port
from tests.hostile import Gate, HostileServer, play, redirect_to
from tests.namespaces import run_in_namespace

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ONE, TWO, THREE = "127.0.0.1", "127.0.0.2", "127.0.0.3"
BROKEN = play(b"HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n")


class Names(Resolver):
    """Knows a few names, and remembers which were asked for."""

    def __init__(self, names: Mapping[str, Sequence[str]]) -> None:
        super().__init__()
        self.names = names
        self.asked: list[str] = []

    async def lookup(self, name: str, family: AddressFamily, session: CheckSession) -> tuple[str, ...]:
        self.asked.append(name)
        if name not in self.names:
            raise ProbeFailure(ErrorKind.DNS, Phase.RESOLVE, "no such name")
        return tuple(self.names[name])


@dataclass
class Crowd:
    """A name with several addresses, and how it is checked."""

    port: int
    addresses: Sequence[str] = (ONE, TWO, THREE)
    others: Mapping[str, Sequence[str]] = field(default_factory=dict)
    rules: AddressRules = LAPTOP
    timeout: float = 5.0
    concurrency: int = 256
    details: bool = False

    def __post_init__(self) -> None:
        self.names = Names({"name.test": self.addresses, **self.others})

    async def check(self, rule: str, *, assertions: str = "", kind: str = "http", **options: Any) -> Outcome:
        url = f"{kind}://name.test:{self.port}" + ("/" if kind == "http" else "")
        given = load_probe(kind).parse(url, {**options, "addresses": rule})
        return await self.probe(Target(1, kind, url, given, parse_assertions(assertions), self.timeout))

    async def probe(self, target: Target, load: Callable[[str], Probe] = load_probe) -> Outcome:
        limits = Limits(20.0, concurrency=self.concurrency, address_rules=self.rules, control_name="")
        dialer = Dialer(policy=AddressPolicy(self.rules), resolver=self.names, caps=AddressCaps(limits.per_address))
        # A meter at rest, so that a busy test machine takes no blame.
        calm = LagMeter()
        [outcome] = await probe_all([target], limits, now=NOW, lag=calm, load=load, dialer=dialer, details=self.details)
        assert len(dialer.caps) == 0
        return outcome


def list_parts(outcome: Outcome) -> list[tuple[str, State, ErrorKind | None, str]]:
    told = outcome.evidence.parts if outcome.evidence else outcome.details.parts if outcome.details else ()
    return [(part.name, part.verdict, part.error_kind, part.found) for part in told]


@pytest.mark.parametrize(
    ("rule", "verdict", "kind"),
    [
        ("all", State.DOWN, ErrorKind.STATUS),
        ("at least 2", State.DOWN, ErrorKind.STATUS),
        ("any", State.UP, None),
        ("first", State.UP, None),
    ],
)
def test_rule_decides_what_failing_addresses_mean(
    hostile: HostileServer, run: Run, rule: str, verdict: State, kind: ErrorKind | None
) -> None:
    crowd = Crowd(hostile.listen_together({ONE: "good", TWO: BROKEN}), details=True)
    outcome = run(crowd.check(rule))
    assert (outcome.verdict, outcome.error_kind, crowd.names.asked) == (verdict, kind, ["name.test"])
    parts = [
        (ONE, State.UP, None, ""),
        (TWO, State.DOWN, ErrorKind.STATUS, "status 500"),
        (THREE, State.DOWN, ErrorKind.REFUSED, "ECONNREFUSED"),
    ]
    assert list_parts(outcome) == ([] if rule == "first" else parts)


def test_failing_addresses_are_named_and_confirmed_each(hostile: HostileServer, run: Run) -> None:
    crowd = Crowd(hostile.listen_together({ONE: "good", TWO: BROKEN}))
    outcome = run(crowd.check("all"))
    assert outcome.evidence.found == f"2 of 3 addresses failed: {TWO}: status 500; {THREE}: ECONNREFUSED"
    assert (outcome.evidence.sentence, outcome.evidence.address) == ("It answered with an unexpected status.", TWO)
    assert (outcome.attempts, outcome.http_status) == (2, 500)
    # The good one once, the broken one twice, and nobody else.
    assert hostile.accepted[crowd.port] == 3


def test_both_families_are_asked(hostile: HostileServer, run: Run) -> None:
    crowd = Crowd(hostile.listen_together({ONE: "good", "::1": BROKEN}), addresses=("::1", ONE))
    outcome = run(crowd.check("all"))
    assert list_parts(outcome) == [("::1", State.DOWN, ErrorKind.STATUS, "status 500"), (ONE, State.UP, None, "")]


def test_system_is_asked_for_all_addresses(hostile: HostileServer, run: Run) -> None:
    crowd = Crowd(hostile.listen("good"), details=True)
    crowd.names = Resolver()  # type: ignore[assignment]
    url = f"http://localhost:{crowd.port}/"
    options = load_probe("http").parse(url, {"addresses": "all", "family": "ipv4"})
    outcome = run(crowd.probe(Target(1, "http", url, options)))
    assert list_parts(outcome) == [(ONE, State.UP, None, "")]


def test_other_kinds_ask_every_address(hostile: HostileServer, run: Run, authority: trustme.CA) -> None:
    good, bad = (serve_with(authority.issue_cert(name)) for name in ("name.test", "other.test"))
    port = hostile.listen_together({ONE: "good", TWO: "good"}, tls={ONE: good, TWO: bad})
    trust = {"verify": "custom", "ca_pem": authority.cert_pem.bytes().decode()}
    outcome = run(Crowd(port, addresses=(ONE, TWO)).check("all", kind="tls", **trust))
    assert [part[:3] for part in list_parts(outcome)] == [
        (ONE, State.UP, None),
        (TWO, State.DOWN, ErrorKind.CERTIFICATE),
    ]
    closed = run(Crowd(port).check("all", kind="tcp"))
    assert (closed.error_kind, [part[1] for part in list_parts(closed)]) == (
        ErrorKind.REFUSED,
        [State.UP, State.UP, State.DOWN],
    )


@pytest.mark.parametrize("rule", ["all", "any"])
@pytest.mark.parametrize(("answer", "verdict"), [(b"200 OK", State.UP), (b"500 Broken", State.DOWN)])
def test_host_without_ipv6_judges_by_ipv4(run: Run, rule: str, answer: bytes, verdict: State) -> None:
    def check() -> Outcome:
        behave = play(b"HTTP/1.1 %b\r\nContent-Length: 0\r\n\r\n" % answer)
        with HostileServer() as server:
            crowd = Crowd(server.listen(behave), ("2001:db8::1", ONE, "2001:db8::2"), details=True)
            return cast("Outcome", run(crowd.check(rule)))

    # A loopback device and no route.
    outcome = run_in_namespace(check)
    assert outcome.verdict is verdict
    lost, seen, also_lost = list_parts(outcome)
    assert seen[:2] == (ONE, verdict)
    note = "ENETUNREACH; not counted, because this machine has no way to any IPv6 address"
    assert lost[1:] == also_lost[1:] == (State.UNKNOWN, ErrorKind.CAPACITY, note)


@pytest.mark.parametrize(("rule", "verdict"), [("all", State.DEGRADED), ("any", State.UP), ("at least 2", State.UP)])
def test_each_address_is_judged_on_its_own(hostile: HostileServer, run: Run, rule: str, verdict: State) -> None:
    crowd = Crowd(hostile.listen_together({ONE: "good", TWO: "empty", THREE: "good"}))
    assert run(crowd.check(rule, assertions='body contains "hello" degraded')).verdict is verdict


@pytest.mark.parametrize(
    ("rule", "verdict", "kind"),
    [("all", State.UNKNOWN, ErrorKind.BLOCKED), ("any", State.UP, None), ("at least 3", State.DOWN, ErrorKind.REFUSED)],
)
def test_refused_address_is_not_asked_and_no_outage(
    hostile: HostileServer, run: Run, rule: str, verdict: State, kind: ErrorKind | None
) -> None:
    addresses = (ONE, TWO, THREE, "127.0.0.4") if rule == "at least 3" else (ONE, TWO)
    rules = AddressRules(AddressMode.EVERYTHING, deny=(f"{TWO}/32",))
    crowd = Crowd(hostile.listen_together({ONE: "good", TWO: "good"}), addresses, rules=rules, details=True)
    outcome = run(crowd.check(rule))
    assert (outcome.verdict, outcome.error_kind) == (verdict, kind)
    assert list_parts(outcome)[1] == (TWO, State.UNKNOWN, ErrorKind.BLOCKED, "denied by a rule")
    assert hostile.accepted[crowd.port] == 1


def test_name_with_only_refused_addresses_is_blocked(hostile: HostileServer, run: Run) -> None:
    rules = AddressRules(AddressMode.EVERYTHING, deny=("127.0.0.0/8",))
    crowd = Crowd(hostile.listen("good"), rules=rules)
    outcome = run(crowd.check("all"))
    assert (outcome.verdict, outcome.error_kind, outcome.phase) == (State.UNKNOWN, ErrorKind.BLOCKED, Phase.RESOLVE)
    assert hostile.accepted[crowd.port] == 0


def test_name_that_is_gone_is_told_as_ever(run: Run) -> None:
    crowd = Crowd(1)
    crowd.names.names = {}
    outcome = run(crowd.check("all"))
    assert (outcome.verdict, outcome.error_kind, outcome.attempts) == (State.DOWN, ErrorKind.DNS, 2)
    assert crowd.names.asked == ["name.test", "name.test"]


def test_silent_addresses_share_the_timeout_of_the_check(hostile: HostileServer, run: Run) -> None:
    crowd = Crowd(hostile.listen_together({ONE: "silent", TWO: "silent", THREE: "good"}), timeout=0.5)
    before = time.monotonic()
    outcome = run(crowd.check("all"))
    assert time.monotonic() - before < 0.95
    assert [part[1:3] for part in list_parts(outcome)] == [
        (State.DOWN, ErrorKind.TIMEOUT),
        (State.DOWN, ErrorKind.TIMEOUT),
        (State.UP, None),
    ]


def test_redirect_to_another_name_is_looked_up(hostile: HostileServer, run: Run) -> None:
    elsewhere = hostile.listen("good", host=THREE)
    away = redirect_to(f"http://other.test:{elsewhere}/")
    port = hostile.listen_together({ONE: away, TWO: away})
    crowd = Crowd(port, (ONE, TWO), others={"other.test": [THREE]}, details=True)
    outcome = run(crowd.check("all"))
    assert (outcome.verdict, sorted(crowd.names.asked)) == (State.UP, ["name.test", "other.test", "other.test"])
    assert outcome.details.observation.address == THREE
    assert (hostile.accepted[port], hostile.accepted[elsewhere]) == (2, 2)


def test_redirect_to_the_same_name_stays_at_its_address(hostile: HostileServer, run: Run) -> None:
    second = hostile.listen_together({ONE: "good", TWO: BROKEN})
    home = redirect_to(f"http://name.test:{second}/")
    crowd = Crowd(hostile.listen_together({ONE: home, TWO: home}), (ONE, TWO))
    outcome = run(crowd.check("all"))
    assert [part[:2] for part in list_parts(outcome)] == [(ONE, State.UP), (TWO, State.DOWN)]
    assert crowd.names.asked == ["name.test"]


def test_redirect_to_a_refused_address_is_followed_by_nobody(hostile: HostileServer, run: Run) -> None:
    inside = hostile.listen("good", host=THREE, port=find_lonely_port(THREE))
    port = hostile.listen_together({ONE: redirect_to(f"http://inside.test:{inside}/"), TWO: "good"})
    rules = AddressRules(AddressMode.EVERYTHING, deny=(f"{THREE}/32",))
    crowd = Crowd(port, (ONE, TWO), others={"inside.test": [THREE]}, rules=rules)
    outcome = run(crowd.check("all"))
    assert list_parts(outcome)[0] == (ONE, State.UNKNOWN, ErrorKind.BLOCKED, "denied by a rule")
    assert hostile.accepted[inside] == 0


def test_addresses_take_places_of_the_run(hostile: HostileServer, run: Run) -> None:
    open_now, most = 0, 0

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await play(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")(reader, writer)
        # Until the other side has hung up.
        await reader.read()
        open_now -= 1

    port = hostile.listen_together({ONE: count, TWO: count, THREE: count})
    assert run(Crowd(port, concurrency=1).check("all")).verdict is State.UP
    assert most == 1


def test_secret_that_comes_back_is_hidden_in_every_part(hostile: HostileServer, run: Run) -> None:
    leak = play(b"HTTP/1.1 200 OK\r\nX-Said: my-own-token\r\nContent-Length: 0\r\n\r\n")
    crowd = Crowd(hostile.listen_together({ONE: leak, TWO: leak}), (ONE, TWO))
    outcome = run(crowd.check("all", assertions='header x-said == "x"', headers=[["X-Key", "my-own-token"]]))
    assert "my-own-token" not in repr(outcome)
    assert all("[hidden]" in part[3] for part in list_parts(outcome))


class SlowNames(Names):
    async def lookup(self, name: str, family: AddressFamily, session: CheckSession) -> tuple[str, ...]:
        await asyncio.sleep(0.2)
        return await super().lookup(name, family, session)


def test_lookup_is_part_of_the_latency(hostile: HostileServer, run: Run) -> None:
    crowd = Crowd(hostile.listen("good"), (ONE,))
    crowd.names = SlowNames({"name.test": (ONE,)})
    outcome = run(crowd.check("all", assertions="latency resolve < 100ms degraded"))
    assert outcome.verdict is State.DEGRADED
    assert outcome.latency_us >= outcome.phases.resolve_us >= 190_000


def test_lookup_is_part_of_the_timeout(hostile: HostileServer, run: Run) -> None:
    crowd = Crowd(hostile.listen("silent"), (ONE,), timeout=0.4)
    crowd.names = SlowNames({"name.test": (ONE,)})
    outcome = run(crowd.check("all"))
    # What is left of the timeout is for the addresses, and the latency holds both.
    assert (outcome.error_kind, outcome.phase) == (ErrorKind.TIMEOUT, Phase.HEADERS)
    assert 390_000 <= outcome.latency_us < 550_000


def test_name_server_of_the_check_is_asked_once(hostile: HostileServer, run: Run) -> None:
    second = hostile.listen_together({ONE: "good", TWO: "good"})
    elsewhere = redirect_to(f"http://name.test:{second}/")
    crowd = Crowd(hostile.listen_together({ONE: elsewhere, TWO: elsewhere}), details=True)
    rules = AddressRules(AddressMode.EVERYTHING, deny=(f"{THREE}/32",))
    with DnsServer() as server:
        # Who asks again is led to where nobody may go.
        server.play("name.test", Reply((f"A {ONE}", f"A {TWO}")), Reply((f"A {THREE}",)))
        outcome = run(replace(crowd, rules=rules).check("all", resolver=server.address, family="ipv4"))
        assert len(server.questions) == 1
    assert sorted(list_parts(outcome)) == [(ONE, State.UP, None, ""), (TWO, State.UP, None, "")]
    assert crowd.names.asked == []


@dataclass
class Scripted:
    """The options of a scripted check that asks every address."""

    script: Callable[[CheckSession], Observation]
    addresses: str = "all"


class LocatingScript(ScriptedProbe):
    async def observe(self, target: Target, session: CheckSession) -> Observation:
        return target.options.script(session)  # type: ignore[no-any-return]

    def locate(self, target: Target) -> Destination:
        return Destination("name.test", 80)


@pytest.mark.parametrize(("rule", "verdict"), [("all", State.UNKNOWN), ("any", State.UP)])
def test_defect_of_ours_costs_one_address(run: Run, rule: str, verdict: State) -> None:
    def script(session: CheckSession) -> Observation:
        assert session.pin
        if session.pin.address == TWO:
            raise RuntimeError
        return Observation(1000)

    target = Target(1, "scripted", "", Scripted(script, rule))
    outcome = run(Crowd(0, (ONE, TWO), details=True).probe(target, lambda kind: LocatingScript()))
    assert outcome.verdict is verdict
    if verdict is State.UNKNOWN:
        assert outcome.evidence.parts[1] == SubResult(TWO, verdict, ErrorKind.INTERNAL, found="RuntimeError")


def test_no_more_addresses_are_asked_than_a_check_may(run: Run) -> None:
    asked: list[str] = []

    def script(session: CheckSession) -> Observation:
        assert session.pin
        asked.append(session.pin.address)
        raise ProbeFailure(ErrorKind.TIMEOUT, Phase.CONNECT, "no answer")

    addresses = [f"127.0.1.{number}" for number in range(MAX_ADDRESSES + 3)]
    outcome = run(Crowd(0, addresses).probe(Target(1, "scripted", "", Scripted(script)), lambda kind: LocatingScript()))
    assert sorted(asked) == sorted(addresses[:MAX_ADDRESSES])
    assert outcome.evidence.found.endswith("; 3 more were not asked")


def test_cancellation_ends_every_address(hostile: HostileServer, run: Run) -> None:
    gate = Gate()
    crowd = Crowd(hostile.listen_together({ONE: gate, TWO: gate}), (ONE, TWO), timeout=30.0)

    async def cancel() -> None:
        checking = asyncio.create_task(crowd.check("all"))
        for _ in crowd.addresses:
            await asyncio.to_thread(gate.arrived.acquire, timeout=5)
        checking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await checking

    run(cancel())
