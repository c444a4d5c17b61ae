"""Takes what CI says of a deploy: believes what the hook's secret has signed lately, and answers each id once.

1. Whatever is not signed, in whatever way, is nobody's: no more is said than to a stranger.
2. Within the lock of the hook an id is looked for first; one that is known is answered as before, and does nothing.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from django.db import transaction

from healthcheck.engine.types import ConfigurationError
from healthcheck.models import DeployCall, DeployHook
from healthcheck.models.deploy import FORMER, SECRET
from healthcheck.models.secrets import SecretsError
from healthcheck.notifiers.signatures import is_signed, make_secret, read_secret
from healthcheck.pipeline.deploy_messages import FINISHED, Message, read_message
from healthcheck.pipeline.deploys import Start, close_deploy, find_last, hold_hook, open_deploy, read_end

logger = logging.getLogger(__name__)

# What the Standard Webhooks specification recommends: a call that is older was recorded and sent again.
TOLERANCE = timedelta(minutes=5)
# Timestamps are compared in whole seconds: in the last one, too, a call is remembered as long as it is believed.
_SECOND = timedelta(seconds=1)
# Calls of one hook that are remembered: more than any CI makes in that time.
MAX_CALLS = 600
RETRY_SECONDS = 60
MAX_ANSWER_LENGTH = DeployCall._meta.get_field("answer").max_length or 0
# Signs for hooks that there are not, so that one takes as long as another.
_NOBODY = make_secret()


@dataclass(frozen=True, slots=True)
class SignedCall:
    """A call as it came. `timestamp` is in seconds since 1970."""

    public_id: str
    call_id: str
    timestamp: int
    signatures: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What CI is told; `retry_seconds` is more than 0 where it is to come again."""

    status: HTTPStatus
    sentence: str
    retry_seconds: int = 0


def take_deploy_call(call: SignedCall, now: datetime) -> Answer | None:
    """Do what the call says, once; None for a hook that there is not, and for what its secret has not signed."""
    hook = DeployHook.objects.filter(public_id=call.public_id).first()
    keys = _read_keys(hook)
    if not is_signed(keys, call.call_id, call.timestamp, body=call.body, signatures=call.signatures) or hook is None:
        return None
    if (offset := _find_offset(call.timestamp, now)) is not None:
        sentence = f"webhook-timestamp is {offset}; set the clock of the caller and sign each call anew"
        return Answer(HTTPStatus.BAD_REQUEST, sentence)
    try:
        message = read_message(call.body)
    except ConfigurationError as error:
        return Answer(HTTPStatus.UNPROCESSABLE_ENTITY, error.sentence)
    return _answer_once(hook.pk, call, message, now)


def list_public_ids(limit: int) -> frozenset[str]:
    """Return the addresses that there are, as many as `limit`."""
    return frozenset(DeployHook.objects.values_list("public_id", flat=True)[:limit])


def _read_keys(hook: DeployHook | None) -> list[bytes]:
    secrets = [_NOBODY]
    if hook is not None:
        try:
            opened = hook.open_secrets()
            secrets = [opened[name] for name in (SECRET, FORMER) if opened.get(name)] or secrets
        except SecretsError as error:
            # Its page says so, too. CI gets the answer of strangers: nothing can be believed.
            logger.error("deploy hook cannot be opened", extra={"hook": hook.pk, "reason": str(error)})
    return [read_secret(each, field=SECRET) for each in secrets]


def _find_offset(timestamp: int, now: datetime) -> str | None:
    """Say how far off a timestamp is that is not to be believed."""
    seconds = timestamp - int(now.timestamp())
    if abs(seconds) <= TOLERANCE.total_seconds():
        return None
    return f"{abs(seconds)} seconds {'ahead' if seconds > 0 else 'ago'}"


def _answer_once(hook_id: int, call: SignedCall, message: Message, now: datetime) -> Answer | None:
    digest = hashlib.sha256(call.call_id.encode("utf-8", "replace")).hexdigest()
    with transaction.atomic():
        hook = hold_hook(hook_id)
        if hook is None:
            # It was deleted just now.
            return None
        DeployCall.objects.filter(hook=hook, until__lt=now).delete()
        known = DeployCall.objects.filter(hook=hook, digest=digest).first()
        if known is not None:
            return Answer(HTTPStatus(known.status), known.answer)
        if DeployCall.objects.filter(hook=hook).count() >= MAX_CALLS:
            return Answer(HTTPStatus.TOO_MANY_REQUESTS, "too many calls of this hook", RETRY_SECONDS)
        answer = _act(hook, message, now)
        until = datetime.fromtimestamp(call.timestamp, UTC) + TOLERANCE + _SECOND
        DeployCall.objects.create(
            hook=hook, digest=digest, until=until, status=answer.status, answer=answer.sentence[:MAX_ANSWER_LENGTH]
        )
    return answer


def _act(hook: DeployHook, message: Message, now: datetime) -> Answer:
    return _finish(hook, message.deploy, now) if message.type == FINISHED else _start(hook, message, now)


def _start(hook: DeployHook, message: Message, now: datetime) -> Answer:
    try:
        with transaction.atomic():
            deploy, is_new = open_deploy(hook, Start(message.deploy, message.minutes, message.title), now)
    except ConfigurationError as error:
        return Answer(HTTPStatus.CONFLICT, error.sentence)
    words = "is open" if is_new else "was open already, and is"
    return Answer(HTTPStatus.OK, f"deploy {message.deploy} {words} until {_write(read_end(deploy))}")


def _finish(hook: DeployHook, name: str, now: datetime) -> Answer:
    deploy = find_last(hook, name)
    if deploy is None:
        sentence = f"no deploy {name} is known; send deploy.started first, with the same data.deploy"
        return Answer(HTTPStatus.CONFLICT, sentence)
    open_until = deploy.window.clock.open_until
    if deploy.closed_at is None and open_until is not None and open_until > now:
        close_deploy(deploy, now)
        return Answer(HTTPStatus.OK, f"deploy {name} is finished")
    return Answer(HTTPStatus.OK, f"deploy {name} was over already, since {_write(read_end(deploy))}")


def _write(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
