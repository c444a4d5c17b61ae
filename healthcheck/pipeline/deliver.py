"""Delivers a channel's messages, one at a time and in order: composes, holds, sends outside any transaction, records.

Whoever sends holds the delivery by a lease and writes with its token alone. One that dies leaves a lease that ends: the
message is sent again, the same under the same id.
"""

from __future__ import annotations

import logging
import random
import time
import traceback
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ParamSpec, Protocol, TypeVar

from django.db import IntegrityError, transaction

from healthcheck.conf import get_settings
from healthcheck.engine.incidents import Event
from healthcheck.engine.types import ConfigurationError
from healthcheck.models import (
    ChannelState,
    Delivery,
    DeliveryStatus,
    Notification,
    NotificationChannel,
    NotificationStatus,
)
from healthcheck.models.clock import read_database_clock
from healthcheck.models.secrets import SecretsError
from healthcheck.notifiers import load_notifier
from healthcheck.notifiers.contract import Answer, Notifier, Reach, Verdict
from healthcheck.notifiers.message import Message, read_message
from healthcheck.pipeline.compose import compose_delivery
from healthcheck.pipeline.database import DATABASE_AWAY, name_error
from healthcheck.pipeline.due_channels import find_next_visit
from healthcheck.pipeline.storing import find_later
from healthcheck.pipeline.text import sanitise

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

# One try, over everything; and how long it is held. In between lies what recording may take.
SEND_SECONDS = 15.0
LEASE = timedelta(seconds=SEND_SECONDS + 15)
# The pause after a first try that failed; it doubles up to the last, and is spread by so much either way.
FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS, JITTER = 5.0, 300.0, 0.2
# What a receiver asks for by Retry-After is honoured up to this.
MAX_ASKED_SECONDS = 3600.0
# A message that nobody took for so long is given up for a new one, of what is true by then.
GIVE_UP_AFTER = timedelta(hours=24)
# While the database is away, what became of a message is kept in hand, and recorded until the lease ends.
RECORD_AGAIN_SECONDS = 0.5
MAX_ANSWER_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Held:
    """A delivery that this process may send until its lease ends."""

    delivery_id: uuid.UUID
    token: int
    attempts: int
    channel: NotificationChannel
    message: Message
    created_at: datetime
    held_at: datetime


class Ask(Protocol):
    """Calls what touches the database, on the thread that is for it."""

    def __call__(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T: ...


def ask_here(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call it on the calling thread."""
    return function(*args, **kwargs)


def deliver(channel_id: int, now: datetime, *, ask: Ask = ask_here) -> datetime | None:
    """Send the channel's next message where there is one, and return when to come back; None where nothing waits.

    Raises what the database raises while it is away, but never after a message was sent.
    """
    started = time.monotonic()
    held = ask(hold_delivery, channel_id, now)
    if held is not None:
        answer = send(held)
        took_ms = round((time.monotonic() - started) * 1000)
        _record_in_time(ask, held, answer, started=started, took_ms=took_ms)
    return ask(find_next_visit, channel_id)


def deliver_next(channel_id: int, *, ask: Ask = ask_here) -> None:
    """Send the channel's next message by the database's clock. A database that is away is logged, never raised."""
    try:
        deliver(channel_id, ask(read_database_clock), ask=ask)
    except DATABASE_AWAY as error:
        # What waits is found by the sweep, whenever the database is back.
        logger.warning("database away, nothing delivered", extra={"channel": channel_id, "error": name_error(error)})


def hold_delivery(channel_id: int, now: datetime) -> Held | None:
    """Take the message that is to be sent to a channel now, composing it where none waits. None where there is none."""
    try:
        with transaction.atomic():
            return _hold(channel_id, now)
    except IntegrityError:
        # A person has just had another one sent again, or the channel was deleted.
        return None


def _hold(channel_id: int, now: datetime) -> Held | None:
    channel = NotificationChannel.objects.filter(pk=channel_id, is_enabled=True).first()
    if channel is None:
        return None
    ChannelState.objects.get_or_create(channel_id=channel_id)
    # Whoever holds this row is alone with the channel's messages.
    state = ChannelState.objects.select_for_update().filter(pk=channel_id).first()
    # None where the channel was deleted while this waited.
    if state is None or state.disabled_at is not None:
        return None
    delivery = Delivery.objects.filter(channel=channel_id, status=DeliveryStatus.WAITING).first()
    if delivery is None:
        if state.next_send_at is not None and state.next_send_at > now:
            return None
        delivery = compose_delivery(channel_id, now)
    if delivery is None or delivery.next_try_at > now or (delivery.lease_until or now) > now:
        return None
    _take(delivery, channel, now)
    return Held(
        delivery.pk,
        delivery.token,
        delivery.attempts,
        channel,
        read_message(delivery.message),
        delivery.created_at,
        now,
    )


def _take(delivery: Delivery, channel: NotificationChannel, now: datetime) -> None:
    delivery.token, delivery.attempts, delivery.lease_until = delivery.token + 1, delivery.attempts + 1, now + LEASE
    delivery.save(update_fields=["token", "attempts", "lease_until"])
    pause = timedelta(seconds=channel.pause_seconds)
    ChannelState.objects.filter(pk=channel.pk).update(next_send_at=now + pause)


def send(held: Held) -> Answer:
    """Send what is held, and return what came of it. Touches no database."""
    return send_message(held.channel, held.message)


def send_message(channel: NotificationChannel, message: Message) -> Answer:
    """Send a message to a channel, and return what came of it. Touches no database."""
    try:
        notifier = load_notifier(channel.kind)
        values = read_values(notifier, channel)
    except (ConfigurationError, SecretsError) as error:
        return Answer(Verdict.REFUSED, str(error))
    try:
        return notifier.send(values, message, Reach(get_settings().address_rules, SEND_SECONDS))
    except Exception as error:
        # The outermost guard: a defect of a kind is to be seen on its channel, where it would else repeat unseen.
        frames = "".join(traceback.format_tb(error.__traceback__))
        name = type(error).__qualname__
        logger.error("Sending to channel %s failed inside the checker: %s\n%s", channel.pk, name, frames)
        return Answer(Verdict.RETRY, f"Sending it failed inside the checker ({name}); its log says where.")


def read_values(notifier: Notifier, channel: NotificationChannel) -> dict[str, str]:
    """Return the value of each field of the kind. Raises SecretsError for secrets that no key opens."""
    entered = {**channel.details, **channel.open_secrets()}
    return {field.name: str(entered.get(field.name, field.default)) for field in notifier.fields}


def _record_in_time(ask: Ask, held: Held, answer: Answer, *, started: float, took_ms: int) -> None:
    """Record what came of it, again and again while the database is away, so that it is not sent twice."""
    while True:
        now = find_later(held.held_at, started)
        try:
            ask(record_answer, held, answer, now=now, took_ms=took_ms)
        except DATABASE_AWAY as error:
            extra = {"delivery": str(held.delivery_id), "error": name_error(error)}
            if now >= held.held_at + LEASE:
                logger.error("database away, a message will be sent again", extra=extra)
                return
            logger.warning("database away, the answer to a message waits", extra=extra)
            time.sleep(RECORD_AGAIN_SECONDS)
        else:
            return


def record_answer(held: Held, answer: Answer, *, now: datetime, took_ms: int) -> bool:
    """Store what came of a try; False where another process holds the delivery by now, which then decides."""
    sentence = sanitise(answer.sentence, MAX_ANSWER_LENGTH)
    with transaction.atomic():
        # In the order in which they are locked when a message is composed.
        state = ChannelState.objects.select_for_update().filter(pk=held.channel.pk).first()
        mine = Delivery.objects.filter(pk=held.delivery_id, token=held.token, status=DeliveryStatus.WAITING)
        is_said_anew = _is_said_anew(held, answer)
        outcome = _write_outcome(held, answer, now, is_said_anew=is_said_anew)
        if state is None or not mine.update(answer=sentence, duration_ms=took_ms, lease_until=None, **outcome):
            return False
        if outcome.get("status") == DeliveryStatus.FAILED:
            _queue_again(held)
        if is_said_anew:
            # The pause between two tries is that of the channel: no message waits for it.
            state.next_send_at = now + find_pause(state.failures + 1, answer.retry_seconds)
        _note_answer(state, answer, sentence=sentence, now=now)
    return True


def _is_said_anew(held: Held, answer: Answer) -> bool:
    """Return whether nobody has the message, so that another may say what is true by then.

    What an earlier try may have brought is said as it was, so that its receiver knows it by its id. So is what a person
    has sent again, which nobody could say anew.
    """
    if answer.verdict is not Verdict.RETRY or not answer.is_untaken or held.attempts > 1:
        return False
    return Notification.objects.filter(delivery=held.delivery_id).exists()


def _write_outcome(held: Held, answer: Answer, now: datetime, *, is_said_anew: bool) -> dict[str, Any]:
    if answer.verdict is Verdict.SENT:
        return {"status": DeliveryStatus.DELIVERED, "ended_at": now}
    if answer.verdict is Verdict.REFUSED or is_said_anew or now - held.created_at >= GIVE_UP_AFTER:
        return {"status": DeliveryStatus.FAILED, "ended_at": now}
    return {"next_try_at": now + find_pause(held.attempts, answer.retry_seconds)}


def find_pause(attempts: int, asked_seconds: float | None) -> timedelta:
    """Return the pause after so many tries: what the receiver asked for within our limits, and never less than ours."""
    own = min(LAST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2 ** min(attempts - 1, 20))
    own *= 1 + random.uniform(-JITTER, JITTER)  # noqa: S311  # it spreads tries, and guards nothing
    return timedelta(seconds=max(own, min(asked_seconds or 0, MAX_ASKED_SECONDS)))


def _queue_again(held: Held) -> None:
    """Let what it said be said anew, as far as it is still true by then. A test is over when it has failed."""
    carried = Notification.objects.filter(delivery=held.delivery_id).exclude(event=Event.TEST)
    carried.update(status=NotificationStatus.QUEUED, delivery=None)


def _note_answer(state: ChannelState, answer: Answer, *, sentence: str, now: datetime) -> None:
    extra = {"channel": state.pk}
    if answer.verdict is Verdict.SENT:
        if state.failures:
            logger.info("channel works again", extra=extra | {"failures": state.failures})
        state.last_sent_at, state.failures, state.last_error = now, 0, ""
    else:
        state.failures, state.last_error = state.failures + 1, sentence
    if answer.verdict is Verdict.REFUSED:
        state.disabled_at = now
        logger.warning("channel refused by its receiver, not used any more", extra=extra)
    elif state.failures == 1:
        # Once, and not what was said: the channel's page has it, and a log is read by more people.
        logger.warning("channel fails, its messages wait", extra=extra)
    state.save(update_fields=["next_send_at", "last_sent_at", "failures", "last_error", "disabled_at"])
