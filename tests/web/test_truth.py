"""What the pages say against what every second of a history was: changes, maintenance and corrections as rows, rolled
up by the real roll-up, read by the real pages. The truth is painted second by second and knows nothing of intervals.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from healthcheck.engine.types import State
from healthcheck.engine.uptime import Condition
from healthcheck.models import CorrectionEffect, Endpoint, MaintenanceSpan
from healthcheck.pipeline.roll_up import roll_up
from healthcheck.web.json_twin import describe_board
from healthcheck.web.past_rows import load_past
from healthcheck.web.past_twin import describe_past
from healthcheck.web.snapshot import load_board
from healthcheck.web.uptime import PERIODS, Span
from tests.factories import (
    NOW,
    make_correction,
    make_endpoint,
    make_group,
    make_page,
    make_state,
    make_tick,
    make_transition,
)

pytestmark = [pytest.mark.django_db, pytest.mark.database]

SECOND, MS = timedelta(seconds=1), timedelta(milliseconds=1)
DAYS = 9
SIZE = DAYS * 86_400
# In the middle of an hour, and of a second.
END = NOW + timedelta(minutes=23, milliseconds=250)
START = END - SIZE * SECOND - 250 * MS
NOTHING = 255
EXPIRED_SECONDS = 100
_CONDITIONS = {
    CorrectionEffect.MAINTENANCE: Condition.MAINTENANCE,
    CorrectionEffect.EXCLUDED: Condition.EXCLUDED,
}


@dataclass(slots=True)
class Life:
    """The history of an endpoint: rows of the product's, and beside them a byte for each second since START."""

    endpoint: Endpoint
    luck: random.Random
    states: bytearray = field(default_factory=lambda: bytearray([NOTHING]) * SIZE)
    spans: list[tuple[int, int, Condition | None]] = field(default_factory=list)

    def change(self, count: int) -> None:
        places = sorted(self.luck.sample(range(SIZE - 1000), count))
        state = State.UNKNOWN
        for place in places:
            before, state = state, self.luck.choice([each for each in State if each is not state])
            self.states[place:] = bytes([state]) * (SIZE - place)
            make_transition(self.endpoint, at=START + place * SECOND, from_state=before, to_state=state)
        # Nobody has written down yet that the evidence has expired.
        self.states[-EXPIRED_SECONDS:] = bytes([State.UNKNOWN]) * EXPIRED_SECONDS
        expired_at = START + (SIZE - EXPIRED_SECONDS) * SECOND
        make_state(self.endpoint, state, now=END, since=START + places[-1] * SECOND, valid_until=expired_at)

    def overlay(self, count: int) -> None:
        """Lay over it what was planned, and over that what people say."""
        for number in range(count):
            start, end = self._span(Condition.MAINTENANCE)
            MaintenanceSpan.objects.create(endpoint_id=self.endpoint.pk, window_id=number, starts_at=start, ends_at=end)
        for number in range(count):
            effect = list(CorrectionEffect)[number % 3]
            start, end = self._span(_CONDITIONS.get(effect))
            make_correction(self.endpoint, start=start, end=end, effect=effect)

    def _span(self, condition: Condition | None) -> tuple[datetime, datetime]:
        first = self.luck.randrange(SIZE)
        last = min(SIZE - 1, first + 1 + self.luck.randrange(60_000))
        self.spans.append((first, last, condition))
        return START + first * SECOND, START + last * SECOND

    def paint(self) -> bytes:
        """Return what each second counts as; what was laid over it last holds."""
        painted = bytearray(self.states)
        for first, last, condition in self.spans:
            for place in range(first, last):
                painted[place] = _judge(self.states[place], condition)
        return bytes(painted)


def _judge(state: int, condition: Condition | None) -> int:
    if state == NOTHING:
        return NOTHING
    if condition is not None:
        return condition
    return Condition.UP if state in {State.DEGRADED, State.DOWN} else state


def _count(seconds: bytes, start: datetime, end: datetime) -> dict[str, int]:
    """Return the milliseconds of an interval by their names. The piece of a second at the end is as the last one."""
    first = max(0, round((start - START) / SECOND))
    spent = seconds[first : max(first, (end - START) // SECOND)]
    counts = {f"{each.word}_ms": spent.count(each) * 1000 for each in Condition}
    if end == END:
        counts[f"{Condition(seconds[-1]).word}_ms"] += 250
    return counts


def _pick(facts: dict[str, Any]) -> dict[str, int]:
    return {f"{each.word}_ms": facts[f"{each.word}_ms"] for each in Condition}


def _read(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.fixture
def lives() -> list[Life]:
    """Three endpoints; the last one begins late, and none has anything laid over its last seconds."""
    make_tick(at=END)
    group, luck = make_group("shop"), random.Random(11)
    lives = [Life(make_endpoint(group, f"site-{number}"), luck) for number in range(3)]
    for life, changes in zip(lives, (400, 40, 3), strict=True):
        life.change(changes)
        life.overlay(6)
    roll_up(END, budget_seconds=120)
    return lives


def test_page_says_what_every_second_was(lives: list[Life]) -> None:
    page = make_page()
    painted = [life.paint() for life in lives]
    for period in PERIODS:
        facts = describe_board(load_board(page, now=END, period=period), END)
        start = _read(facts["period"]["start"])
        truths = [_count(seconds, start, END) for seconds in painted]
        (group,) = facts["groups"]
        assert [_pick(endpoint["uptime"]) for endpoint in group["endpoints"]] == truths
        assert _pick(group["uptime"]) == {name: sum(truth[name] for truth in truths) for name in truths[0]}
        good = group["uptime"]["up_ms"] + group["uptime"]["degraded_ms"]
        assert group["uptime"]["uptime"] == good / (good + group["uptime"]["down_ms"])


def test_buckets_say_what_every_second_was(lives: list[Life]) -> None:
    for life in lives:
        seconds = life.paint()
        facts = describe_past(load_past(life.endpoint.pk, PERIODS[0], END), Span(PERIODS[0], counts_degraded=True), END)
        for name, length in (("hours", timedelta(hours=1)), ("days", timedelta(days=1))):
            assert facts[name]
            for bucket in facts[name]:
                start = _read(bucket["at"])
                assert _pick(bucket) == _count(seconds, start, min(start + length, END)), (name, bucket["at"])
        for period in facts["periods"].values():
            assert _pick(period) == _count(seconds, _read(period["start"]), END)


def test_marks_say_what_occurred(lives: list[Life]) -> None:
    board = load_board(make_page(), now=END, period=PERIODS[0])
    first_hour = END.replace(minute=0, second=0, microsecond=0) - timedelta(hours=23)
    (group,) = describe_board(board, END)["groups"]
    for life, endpoint in zip(lives, group["endpoints"], strict=True):
        seconds = life.paint()
        for place, occurred in enumerate(endpoint["buckets"]):
            start = first_hour + place * timedelta(hours=1)
            truth = _count(seconds, start, min(start + timedelta(hours=1), END))
            assert set(occurred) == {name.removesuffix("_ms") for name, spent in truth.items() if spent}
