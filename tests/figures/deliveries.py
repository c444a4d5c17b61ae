"""What kill -9 at each step of a delivery costs: messages lost, and messages that arrive twice.

One incident after another is told to a webhook. Its first deliverer is a process that is killed: in turn before each of
its statements, between its steps, when the receiver has the request and has not answered, and after half an answer. A
second process comes when the lease has ended, and delivers what is left. The receiver counts by the id of the message
and by the title of the incident.
"""

from __future__ import annotations

import os
import signal
from collections import Counter, deque
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, ParamSpec, TypeVar

from django.db import connection, connections
from django.utils import timezone

from healthcheck.engine.incidents import Event, Happening, Severity
from healthcheck.models import Delivery, DeliveryStatus, EndpointGroup, NotificationChannel
from healthcheck.pipeline.database import close_database_threads
from healthcheck.pipeline.deliver import LEASE, deliver
from healthcheck.pipeline.notify import queue_notifications
from tests.factories import make_channel, make_endpoint, make_group, make_incident, make_policy
from tests.figures.killing_receiver import ALIVE, HALF_ANSWERED, UNANSWERED, KillingReceiver, Told
from tests.figures.table import Row

P = ParamSpec("P")
T = TypeVar("T")

# A delivery of a first message is so many statements; one that is killed before a later one has ended by itself.
STATEMENTS = 30
# Before and after each step that touches the database: hold, record, look ahead.
STEPS = ("before hold", "after hold", "before record", "after record")


def measure(size: int) -> Iterator[Row]:
    """`size` is the number of kills."""
    statements = (f"statement {number}" for number in range(1, STATEMENTS + 1))
    places = deque([*STEPS, UNANSWERED, HALF_ANSWERED, *statements])
    killed: Counter[str] = Counter()
    titles: list[str] = []
    with KillingReceiver() as receiver:
        channel = make_channel("receiver", "webhook", details={"url": ""})
        make_policy(steps={0: [channel]})
        group, now = make_group(), timezone.now()
        while killed.total() < size:
            titles.append(f"incident {len(titles)}")
            now += timedelta(hours=1)
            _break_down(group, titles[-1], now)
            if run_deliverer(channel, receiver.port, places[0], now):
                killed[places[0]] += 1
                places.rotate(-1)
            else:
                # A delivery is over before that.
                places.popleft()
            run_deliverer(channel, receiver.port, ALIVE, now + 2 * LEASE)
        told = receiver.read()
    yield from _describe(told, titles, killed)


def _break_down(group: EndpointGroup, title: str, now: datetime) -> None:
    endpoint = make_endpoint(group, title)
    incident = make_incident(endpoint, at=now, title=title)
    queue_notifications([Happening(Event.OPENED, incident.pk, Severity.DOWN, (endpoint.pk,))], now)


def _describe(told: Told, titles: list[str], killed: Counter[str]) -> Iterator[Row]:
    lost = [title for title in titles if not told.titles[title]]
    twice = {message_id: count for message_id, count in told.ids.items() if count > 1}
    open_rows = Delivery.objects.exclude(status=DeliveryStatus.DELIVERED).count()
    how = f"{killed.total()} deliverers of {len(titles)} messages killed, at {len(killed)} places"
    yield Row("messages lost by kill -9", "0", str(len(lost)), how)
    yield Row("most arrivals of one message", "2", str(max(told.ids.values())), f"{len(twice)} arrived twice")
    # The same message under two ids would be seen as an incident that is told in two messages.
    renamed = sum(told.titles[title] for title in titles) - sum(told.ids.values())
    ids = len(told.ids) - len(titles)
    yield Row(
        "messages under another id", "0", str(max(renamed, ids)), f"{len(told.ids)} ids for {len(titles)} incidents"
    )
    yield Row("deliveries left open", "0", str(open_rows), "")


def run_deliverer(channel: NotificationChannel, port: int, place: str, now: datetime) -> bool:
    """Deliver in a process of its own that is killed at a place, and return whether it was."""
    # Not shared with the child: what it sends over it would arrive in the middle of what we send.
    connections.close_all()
    pid = os.fork()
    if pid == 0:
        try:
            _deliver_and_die(channel, port, place, now)
        finally:
            os._exit(0)
    _pid, status = os.waitpid(pid, 0)
    return os.WIFSIGNALED(status)


def _deliver_and_die(channel: NotificationChannel, port: int, place: str, now: datetime) -> None:
    by_receiver = place if place in (UNANSWERED, HALF_ANSWERED) else ALIVE
    url = f"http://127.0.0.1:{port}/{by_receiver}/{os.getpid()}"
    NotificationChannel.objects.filter(pk=channel.pk).update(details={"url": url})
    if place.startswith("statement"):
        connection.execute_wrappers.append(_Killer(int(place.split()[1])))
    deliver(channel.pk, now, ask=_Ask(place))
    close_database_threads()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class _Killer:
    """Kills its process before the statement of this number."""

    def __init__(self, last: int) -> None:
        self._left = last

    def __call__(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        self._left -= 1
        if not self._left:
            _die()
        return execute(*arguments)


class _Ask:
    """Kills its process before or after a step."""

    def __init__(self, place: str) -> None:
        self._steps = iter(STEPS)
        self._place = place

    def __call__(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if next(self._steps, "") == self._place:
            _die()
        result = function(*args, **kwargs)
        if next(self._steps, "") == self._place:
            _die()
        return result
