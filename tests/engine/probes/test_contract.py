"""What every kind holds, whatever it asks: one entry per kind, and none without one. Third parties' run in a process
that has their distribution: `tests/third_party`.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from healthcheck.engine.faults import ProbeFailure
from healthcheck.engine.lag import LagMeter
from healthcheck.engine.probes import JUDGED, PROBES, list_third_party, load_kind, load_probe
from healthcheck.engine.probes.plugins import ThirdPartyProbe
from healthcheck.engine.runner import probe_all
from healthcheck.engine.types import (
    AddressRules,
    ConfigurationError,
    ErrorKind,
    Limits,
    Observation,
    Outcome,
    State,
    Target,
)
from tests.dns_server import DnsServer
from tests.engine.conftest import Attempt, Run, serve_with
from tests.hostile import Behaviour, HostileServer
from tests.namespaces import run_in_namespace
from tests.open_sockets import count_sockets, settle_sockets

SECRET = "canary-of-a-contract"
TIMEOUT, GRACE = 0.6, 0.5


@dataclass(frozen=True)
class Entry:
    """How a kind is brought to an answer, to silence, and to say what must not be kept."""

    # Of the address, from the port of a server.
    address: str
    options: Mapping[str, Any] = field(default_factory=dict)
    # What the server does that answers as the kind wants it.
    answer: str | Behaviour = "good"
    is_encrypted: bool = False
    # Options that carry a secret.
    secrets: Mapping[str, Any] = field(default_factory=dict)


async def _finger(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(await reader.readline())
    await writer.drain()


ENTRIES: Mapping[str, Entry] = {
    "http": Entry("http://127.0.0.1:{port}/", secrets={"headers": [["X-Key", SECRET]], "body": SECRET}),
    "tcp": Entry(
        "127.0.0.1:{port}",
        {"dialogue": 'send "GET / HTTP/1.1\\r\\n\\r\\n"\nexpect "hello"'},
        secrets={"dialogue": f'send "{SECRET} HTTP/1.1\\r\\n\\r\\n"\nexpect "nothing of this"'},
    ),
    "tls": Entry("127.0.0.1:{port}", {"verify": "off"}, answer="silent", is_encrypted=True),
    # The kernel answers, or in a network of the test's own nobody does; there are no ports.
    "icmp": Entry("127.0.0.1", {"packets": 1, "packet_wait_ms": 10_000}),
    "dns": Entry("dns://a.example", {"server": "127.0.0.1:{port}"}),
    "finger": Entry("127.0.0.1:{port}", {"person": "ada"}, answer=_finger),
}
KINDS = [*PROBES, *(each.kind for each in list_third_party() if isinstance(each, ThirdPartyProbe) and each.uses_dialer)]
every_kind = pytest.mark.parametrize("kind", KINDS)

Place = Callable[..., Attempt]


@pytest.fixture(scope="module")
def names() -> Iterator[DnsServer]:
    with DnsServer() as server:
        server.add("a.example", "A 192.0.2.1")
        yield server


@pytest.fixture(scope="module")
def mute() -> Iterator[int]:
    """A port for datagrams where nobody reads."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture
def place(hostile: HostileServer, names: DnsServer, mute: int, authority: trustme.CA) -> Place:
    """Return an attempt at a server that answers, or does something else."""

    def place(kind: str, does: str | Behaviour = "", **changed: Any) -> Attempt:
        entry = ENTRIES[kind]
        tls = serve_with(authority.issue_cert("127.0.0.1")) if entry.is_encrypted and not does else None
        if kind == "dns":
            port = int(names.address.rpartition(":")[2]) if not does else mute
        else:
            port = hostile.listen(does or entry.answer, tls=tls)
        options = {
            name: value.format(port=port) if name == "server" else value
            for name, value in {**entry.options, **changed.pop("options", {})}.items()
        }
        return Attempt(entry.address.format(port=port), options, kind=kind, **changed)

    return place


def act(run: Run, kind: str, coroutine: Callable[[], Coroutine[Any, Any, Any]], *, silent: bool = True) -> Any:
    """Run to the end; where the kernel itself would answer, in a network where it does not."""
    if kind == "icmp" and silent:
        return run_in_namespace(lambda: run(coroutine()), echoes=False)
    return run(coroutine())


async def check(attempt: Attempt) -> tuple[Outcome, float]:
    """Check as a run does; return the outcome and how long it took."""
    options = load_probe(attempt.kind).parse(attempt.url, attempt.options)
    target = Target(1, attempt.kind, attempt.url, options, (), attempt.timeout)
    limits, started = Limits(20.0, address_rules=attempt.rules, control_name=""), time.monotonic()
    # A meter at rest, so that a busy test machine takes no blame.
    (outcome,) = await probe_all([target], limits, now=datetime.now(UTC), lag=LagMeter())
    return outcome, time.monotonic() - started


async def cancel(attempt: Attempt) -> float:
    """Cancel an attempt that hangs; return how long it took to end."""
    task = asyncio.create_task(attempt.observe())
    _done, hanging = await asyncio.wait({task}, timeout=0.1)
    assert hanging == {task}
    started = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return time.monotonic() - started


def test_every_kind_has_an_entry() -> None:
    assert set(KINDS) <= set(ENTRIES)


@every_kind
def test_answer_is_an_observation_and_closes_its_sockets(run: Run, place: Place, kind: str) -> None:
    attempt, before = place(kind), count_sockets()
    assert isinstance(act(run, kind, attempt.observe, silent=False), Observation)
    assert settle_sockets(before) == before


@every_kind
def test_deadline_is_held_and_closes_its_sockets(run: Run, place: Place, kind: str) -> None:
    attempt, before = place(kind, "silent", timeout=TIMEOUT), count_sockets()
    outcome, took = act(run, kind, lambda: check(attempt))
    assert (outcome.verdict, outcome.error_kind) == (State.DOWN, ErrorKind.TIMEOUT)
    assert took < TIMEOUT + GRACE
    assert settle_sockets(before) == before


@every_kind
@pytest.mark.parametrize("does", ["close_at_once", "random", "endless_body", "reset_in_body"])
def test_nothing_but_named_failures_is_raised(run: Run, place: Place, kind: str, does: str) -> None:
    if kind in {"icmp", "dns"}:
        does = "silent"
    attempt, before = place(kind, does, timeout=TIMEOUT), count_sockets()

    async def observe() -> Observation | ProbeFailure:
        try:
            return await attempt.observe()
        except ProbeFailure as failure:
            return failure

    seen = act(run, kind, observe)
    assert isinstance(seen, Observation | ProbeFailure)
    assert settle_sockets(before) == before


@every_kind
def test_cancellation_is_honoured_at_once(run: Run, place: Place, kind: str) -> None:
    attempt, before = place(kind, "silent", timeout=10.0), count_sockets()
    assert act(run, kind, lambda: cancel(attempt)) < GRACE
    assert settle_sockets(before) == before


@every_kind
def test_policy_refuses_before_anything_is_connected(
    run: Run, place: Place, hostile: HostileServer, names: DnsServer, kind: str
) -> None:
    attempt = place(kind, rules=AddressRules())
    accepted, asked = dict(hostile.accepted), len(names.questions)
    failure = run(attempt.fail())
    assert failure.kind is ErrorKind.BLOCKED
    assert (hostile.accepted, len(names.questions)) == (accepted, asked)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if ENTRIES[kind].secrets])
def test_secrets_are_in_no_text(run: Run, place: Place, kind: str) -> None:
    async def repeat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 500 {SECRET}\r\nContent-Length: 0\r\nX-Said: {SECRET}\r\n\r\n".encode())
        await writer.drain()

    attempt = place(kind, repeat, options=dict(ENTRIES[kind].secrets), timeout=TIMEOUT)
    assert SECRET not in repr(load_probe(kind).parse(attempt.url, attempt.options))
    outcome, _took = run(check(attempt))
    assert outcome.verdict is State.DOWN
    assert SECRET not in repr(outcome)


WITHOUT_PROBE = [*KINDS, *JUDGED]
EXAMPLES = {kind: ENTRIES[kind].address.format(port=80) if kind in ENTRIES else "" for kind in WITHOUT_PROBE}


@pytest.mark.parametrize("kind", WITHOUT_PROBE)
def test_options_come_back_from_plain_values(kind: str) -> None:
    made = load_kind(kind).parse(EXAMPLES[kind], load_kind(kind).defaults)
    assert made.to_dict() == load_kind(kind).defaults
    assert load_kind(kind).parse(EXAMPLES[kind], {}) == made


@pytest.mark.parametrize("kind", WITHOUT_PROBE)
def test_option_that_nobody_has_is_refused_at_its_field(kind: str) -> None:
    with pytest.raises(ConfigurationError, match="nobody_has") as caught:
        load_kind(kind).parse(EXAMPLES[kind], {"nobody_has": 1})
    assert caught.value.field == "nobody_has"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize("kind", WITHOUT_PROBE)
@given(data=st.data())
def test_any_value_of_any_option_is_read_or_refused(kind: str, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(load_kind(kind).defaults)))
    refusal: ConfigurationError | None = None
    try:
        load_kind(kind).parse(EXAMPLES[kind], {name: data.draw(JSON)})
    except ConfigurationError as error:
        refusal = error
    assert refusal is None or (refusal.sentence and refusal.field)
