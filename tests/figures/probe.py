"""CPU of one check by itself, over http, https and tcp: a fresh connection, for the first two one request and a keyword
assertion, nothing stored.

Groups of 20 targets on 20 addresses of an nginx on this machine, ten groups under way at once, on the engine's own loop
in this process. `time.process_time` over all of them, after as many again for warming up, divided by their number; the
median of five such passes. The server's CPU is not in it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from statistics import median
from typing import Any

import trustme

from healthcheck.engine.assertions import parse_assertion
from healthcheck.engine.loop import LOOP_MODULE, EngineLoop, get_engine_loop
from healthcheck.engine.probes import load_probe
from healthcheck.engine.runner import probe_all
from healthcheck.engine.types import AddressMode, AddressRules, Limits, State, Target
from tests.figures.control import measure_control
from tests.figures.rows import KEYWORD
from tests.figures.table import Row
from tests.figures.targets import run_nginx, spread

MEMBERS, AT_ONCE, PASSES = 20, 10, 5
LIMITS = Limits(deadline_seconds=30.0, address_rules=AddressRules(AddressMode.EVERYTHING))


def measure(size: int) -> Iterator[Row]:
    rounds = max(1, size // PASSES // (MEMBERS * AT_ONCE))
    authority = trustme.CA()
    trust = {"verify": "custom", "ca_pem": authority.cert_pem.bytes().decode()}
    with run_nginx(spread(MEMBERS)) as urls:
        plain = [_freeze(number, "http", url) for number, url in enumerate(urls)]
        yield describe_cpu("CPU per probe", plain, rounds, target="at most 300 us")
        bare = [_freeze(number, "tcp", url.replace("http:", "tcp:").rstrip("/")) for number, url in enumerate(urls)]
        yield describe_cpu("the same over tcp, a connection alone", bare, rounds)
    with run_nginx(spread(MEMBERS), authority=authority) as urls:
        encrypted = [_freeze(number, "http", url, trust) for number, url in enumerate(urls)]
        yield describe_cpu("the same over https", encrypted, max(1, rounds // 3), target="at most 1,050 us")


def _freeze(number: int, kind: str, url: str, given: Mapping[str, Any] | None = None) -> Target:
    options = load_probe(kind).parse(url, given or {})
    assertions = (parse_assertion(KEYWORD),) if kind == "http" else ()
    return Target(number, kind, url, options, assertions, timeout_seconds=10.0)


def describe_cpu(
    what: str, targets: Sequence[Target], rounds: int, *, target: str = "", limits: Limits = LIMITS
) -> Row:
    """Warm up, spend, and say what one check took."""
    loop = get_engine_loop()
    spend_cpu(loop, targets, rounds, limits)
    spent = [spend_cpu(loop, targets, rounds, limits) for _ in range(PASSES)]
    how = f"{LOOP_MODULE}, {PASSES} x {rounds * AT_ONCE * len(targets):,} checks, median; lowest {min(spent):.0f} us"
    return Row(what, target, f"{median(spent):.0f} us", f"{how}; control {measure_control():.0f} ms")


def spend_cpu(loop: EngineLoop, targets: Sequence[Target], rounds: int, limits: Limits) -> float:
    """Return microseconds of CPU per check."""
    before = time.process_time()
    loop.submit(_gather(loop, targets, rounds, limits)).result()
    return (time.process_time() - before) / (rounds * AT_ONCE * len(targets)) * 1e6


async def _gather(loop: EngineLoop, targets: Sequence[Target], rounds: int, limits: Limits) -> None:
    for _ in range(rounds):
        now = datetime.now(UTC)
        runs = (probe_all(targets, limits, now=now, lag=loop.lag) for _ in range(AT_ONCE))
        for outcomes in await asyncio.gather(*runs):
            if any(outcome.verdict is not State.UP for outcome in outcomes):
                raise RuntimeError(f"not up: {outcomes}")
