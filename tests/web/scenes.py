"""Pages to look at: stored scenes with realistic data, for browser tests and screenshots."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from healthcheck.engine.types import ErrorKind, State
from healthcheck.models import EndpointGroup
from tests.factories import make_endpoint, make_group, make_page, make_state, make_tick

HOSTILE_NAME = (
    '<script>alert(1)</script><b>bold</b> \u202egnp.exe\u202c "quotes" \u200f\u2067rtl ' + "🧨" * 80 + "W" * 60
)


def _fail(kind: ErrorKind, strip: str, **columns: Any) -> dict[str, Any]:
    return {"state": State.DOWN, "last_verdict": State.DOWN, "last_error_kind": kind, "strip": strip} | columns


def paint_mixed_page(now: datetime) -> None:
    """A working day: most is up, one endpoint is down, one degraded, one paused, one new."""
    make_page(title="Acme Cloud", description="Live state of our public services and the systems behind them.")
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


def paint_calm_page(now: datetime, *, endpoint_count: int = 300) -> None:
    """Everything is up, and there is a lot of it."""
    make_page(title="Acme Cloud")
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
