"""One incident in two states, in the words that an incident of the pipeline has."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from healthcheck.engine.causes import describe_cause
from healthcheck.engine.faults import SENTENCES
from healthcheck.engine.incidents import Event, Severity
from healthcheck.engine.types import ErrorKind
from healthcheck.notifiers.message import Item, Message

_STARTED_AT = datetime(2026, 3, 14, 9, 26, 5, tzinfo=UTC)
_ENDED_AT = _STARTED_AT + timedelta(minutes=14, seconds=20)
_OPENED = Item(
    event=Event.OPENED,
    severity=Severity.DOWN,
    key="healthcheck-incident-7",
    title="3 of 4 in Shop",
    cause=describe_cause(Severity.DOWN, 3, 4, error_kind=ErrorKind.STATUS, host="shop.example.com"),
    seen=f"{SENTENCES[ErrorKind.STATUS]} Found: 503.",
    names=("Catalogue", "Basket", "Checkout"),
    count=3,
    started_at=_STARTED_AT,
    url="https://status.example.com/admin/healthcheck/incident/7/change/",
    acknowledge_url="https://status.example.com/acknowledge/WzcsM10:1w1LBx:u0vFqA/",
)
_RESOLVED = replace(_OPENED, event=Event.RESOLVED, seen="", ended_at=_ENDED_AT, acknowledge_url="")

OUTAGE = Message("5b1c1c7e-8b1f-4a53-9d55-0f1a3f0a7c11", (_OPENED,), _STARTED_AT + timedelta(seconds=20))
RECOVERY = Message("0e7d42a9-63c5-4f0b-8a1d-3c9b51d2e6f4", (_RESOLVED,), _ENDED_AT + timedelta(seconds=1))
