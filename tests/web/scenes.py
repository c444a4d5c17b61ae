"""Pages to look at: stored scenes with realistic data, for browser tests and screenshots."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from healthcheck.engine.latencies import Latencies
from healthcheck.engine.types import ErrorKind, State
from healthcheck.engine.uptime import HOUR_MS, Totals
from healthcheck.models import (
    CheckResult,
    CheckRun,
    Endpoint,
    EndpointGroup,
    PageItem,
    PageSection,
    Resolution,
    RunStatus,
    StatusPage,
    Trigger,
)
from healthcheck.models.result import Judgement
from tests.factories import (
    make_endpoint,
    make_group,
    make_location,
    make_page,
    make_state,
    make_tick,
    make_transition,
)
from tests.histories import LENGTHS_MS, number_day, number_hour, roll, spend
from tests.pictures import make_picture

HOSTILE_NAME = (
    '<script>alert(1)</script><b>bold</b> \u202egnp.exe\u202c "quotes" \u200f\u2067rtl ' + "🧨" * 80 + "W" * 60
)


def _fail(kind: ErrorKind, strip: str, **columns: Any) -> dict[str, Any]:
    return {"state": State.DOWN, "last_verdict": State.DOWN, "last_error_kind": kind, "strip": strip} | columns


def paint_mixed_page(now: datetime) -> None:
    """A working day: most is up, one endpoint is down, one degraded, one paused, one new."""
    make_page(title="Example Cloud", description="Live state of our public services and the systems behind them.")
    make_tick(at=now)
    soon = now + timedelta(seconds=30)
    website = make_group("website", name="Website", position=1, next_run_at=soon)
    _add(website, "Landing page", now, last_latency_us=41_300)
    _add(website, "Customer portal", now, last_latency_us=187_000, strip="1" * 41 + "33331" + "1" * 14)
    _add(
        website,
        "Search",
        now,
        state=State.DEGRADED,
        last_error_kind=ErrorKind.ASSERTION,
        last_latency_us=2_412_000,
        since=now - timedelta(minutes=26),
        strip="1" * 38 + "2122" + "2" * 18,
    )
    api = make_group("api", name="Payments API", position=2, next_run_at=soon)
    _add(api, "Checkout", now, **_fail(ErrorKind.TIMEOUT, "1" * 49 + "13333333333", since=now - timedelta(minutes=11)))
    _add(api, "Refunds", now, last_latency_us=96_000, strip="1" * 30 + "0001" + "1" * 26)
    _add(api, "Webhooks to partner banks with an unusually long but honest name", now, last_latency_us=8_400)
    make_endpoint(api, "Invoices (new)")
    mail = make_group("mail", name="Mail", position=3, next_run_at=soon)
    _add(mail, "Outgoing mail", now, last_latency_us=23_000, strip="1" * 22)
    make_state(make_endpoint(mail, "Incoming mail", is_paused=True), now=now, last_latency_us=31_000)
    archive = make_group("archive", name="Archive", position=4, is_paused=True)
    _add(archive, "Cold storage", now, valid_until=now - timedelta(days=2), strip="1" * 60)


def paint_full_page(now: datetime) -> StatusPage:
    """A page of its owner's: logo, accent, announcement, sections with groups and single endpoints between."""
    paint_mixed_page(now)
    page = make_page(
        "example",
        title="Example Cloud",
        description="Live state of our public services and the systems behind them.",
        shows_all_groups=False,
        accent="#e4572e",
        logo=make_picture(size=(192, 96)),
        announcement=(
            "Maintenance of the payments database on Saturday from 02:00 to 03:00 UTC.\nCheckout may answer slowly.\n\n"
            "Details: https://status.example.org/maintenance/17."
        ),
    )
    customers, inner = (
        PageSection.objects.create(page=page, position=position, title=title, description=description)
        for position, (title, description) in enumerate(
            [("For customers", "What people use every day."), ("Behind the scenes", "")]
        )
    )
    groups = {group.slug: group for group in EndpointGroup.objects.all()}
    shown: list[dict[str, Any]] = [{"group": groups["website"]}]
    shown += [{"endpoint": endpoint, "label": ""} for endpoint in groups["api"].endpoints.all()]
    for position, item in enumerate(shown):
        PageItem.objects.create(section=customers, position=position, **item)
    PageItem.objects.create(section=inner, position=1, group=groups["mail"], label="Post")
    PageItem.objects.create(section=inner, position=2, group=groups["archive"])
    return page


def paint_history(endpoint: Endpoint, now: datetime, *, count: int = 300) -> None:
    """A check a minute up to now: mostly well, a slow hour, an outage, a time in which nothing was measured."""
    luck = random.Random(3)  # the same picture each time
    location = make_location()
    runs = CheckRun.objects.bulk_create(
        CheckRun(
            group=endpoint.group,
            location=location,
            trigger=Trigger.SCHEDULED,
            status=RunStatus.FINISHED,
            scheduled_for=now - timedelta(minutes=count - 1 - number),
            open_until=now,
            valid_until=now,
        )
        for number in range(count)
    )
    CheckResult.objects.bulk_create(
        _check(run.pk, endpoint, number / count, luck.lognormvariate(0, 0.25)) for number, run in enumerate(runs)
    )
    down = {"from_state": State.UP, "to_state": State.DOWN, "error_kind": ErrorKind.TIMEOUT}
    make_transition(endpoint, at=now - timedelta(minutes=count * 0.6), **down)
    make_transition(endpoint, at=now - timedelta(minutes=count * 0.57), from_state=State.DOWN, to_state=State.UP)
    make_transition(endpoint, at=now - timedelta(minutes=11), **down)


def _check(run_id: int, endpoint: Endpoint, place: float, chance: float) -> CheckResult:
    verdict, kind = State.UP, 0
    if 0.4 <= place < 0.43 or place > 0.97:
        verdict, kind = State.DOWN, ErrorKind.TIMEOUT.value
    elif 0.2 <= place < 0.23:
        verdict, kind = State.UNKNOWN, ErrorKind.CAPACITY.value
    chance *= 1.8 if 0.65 <= place < 0.75 else 1
    phases = {"resolve_us": 3, "connect_us": 9, "tls_us": 18, "headers_us": 60, "body_us": 7}
    spent = {name: int(each * 1000 * chance) for name, each in phases.items()}
    judgement = Judgement(verdict, error_kind=kind).pack()
    latency_us = sum(spent.values())
    return CheckResult(run_id=run_id, endpoint_id=endpoint.pk, judgement=judgement, latency_us=latency_us, **spent)


def paint_past(now: datetime, *, endpoints: Iterable[Endpoint] | None = None, days: int = 90) -> None:
    """Ninety days of every endpoint up to the hour that is under way: outages, maintenance, a time of blindness."""
    luck = random.Random(5)  # the same picture each time
    today, hour = number_day(now), number_hour(now)
    for endpoint in Endpoint.objects.order_by("pk") if endpoints is None else endpoints:
        if not endpoint.states.exists():
            continue
        age = days if luck.random() < 0.8 else days // 3
        history = {number: _live_through(Resolution.DAY, number - today, luck) for number in range(today - age, today)}
        # What the hours of today came to.
        history[today] = Totals(up_ms=(hour - today * 24) * HOUR_MS)
        hours = {number: _live_through(Resolution.HOUR, number - hour, luck) for number in range(hour - 48, hour)}
        for resolution, buckets in ((Resolution.DAY, history), (Resolution.HOUR, hours)):
            lived = {number: totals for number, totals in buckets.items() if totals.total_ms}
            roll(endpoint, resolution, lived, **_answer(luck))


def _answer(luck: random.Random) -> dict[str, Any]:
    """The counts and latencies of a bucket."""
    latencies = Latencies()
    for _ in range(60):
        chance = luck.lognormvariate(0, 0.4) * 1000
        phases = [int(each * chance) for each in (3, 9, 18, 60, 7)]
        latencies.add(sum(phases), *phases)
    errors = {str(ErrorKind.TIMEOUT.value): 7, str(ErrorKind.STATUS.value): 2, str(ErrorKind.CAPACITY.value): 1}
    return {"count": 60, "unknown_count": 1, "error_counts": errors, "latencies": latencies.pack()}


# By chance in a hundred: what a bucket holds beside good time, in hundredths of it.
_FATES: list[tuple[float, dict[str, int]]] = [
    (1.5, {"down_ms": 7}),
    (2.0, {"down_ms": 66, "unknown_ms": 10}),
    (4.0, {"degraded_ms": 11}),
    (5.0, {"maintenance_ms": 8}),
    (5.5, {"excluded_ms": 100}),
    (100.0, {}),
]
# So many buckets ago, everywhere.
_BLINDNESS = {-17: 25, -30: 100}


def _live_through(resolution: Resolution, age: int, luck: random.Random) -> Totals:
    chance = luck.random() * 100
    fate = next(each for limit, each in _FATES if chance <= limit)
    if age in _BLINDNESS:
        fate = {"unknown_ms": _BLINDNESS[age]}
    return spend(resolution, **{name: LENGTHS_MS[resolution] * share // 100 for name, share in fate.items()})


def paint_calm_page(now: datetime, *, endpoint_count: int = 300) -> None:
    """Everything is up, and there is a lot of it."""
    make_page(title="Example Cloud")
    make_tick(at=now)
    for number in range(max(1, endpoint_count // 25)):
        group = make_group(f"zone-{number}", name=f"Zone {number + 1}", next_run_at=now + timedelta(seconds=30))
        for member in range(min(25, endpoint_count)):
            _add(group, f"node-{number + 1}-{member + 1}", now, last_latency_us=900 + 730 * member)


def paint_hostile_page(now: datetime) -> None:
    """Names that try to break out of the markup, the direction and the layout."""
    make_page(title=HOSTILE_NAME[:200], description="<i>x</i>" * 30)
    make_tick(at=now)
    group = make_group("hostile", name=HOSTILE_NAME[:200], next_run_at=now + timedelta(seconds=30))
    _add(group, HOSTILE_NAME[:200], now)
    _add(group, "🧨" * 200, now, **_fail(ErrorKind.CERTIFICATE, "3" * 60))
    _add(group, "Z" + "\u0310\u0489" * 90, now, is_paused=True)


def _add(group: EndpointGroup, name: str, now: datetime, **columns: Any) -> None:
    own = {key: columns.pop(key) for key in ("is_paused",) if key in columns}
    columns.setdefault("since", now - timedelta(days=12, hours=3))
    make_state(make_endpoint(group, name, **own), columns.pop("state", State.UP), now=now, **columns)
