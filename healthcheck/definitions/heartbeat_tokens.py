"""Makes and rotates the tokens of heartbeats. A token leaves here once; what is stored is its hash."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from healthcheck.definitions.versions import lock_rows
from healthcheck.models import Endpoint, HeartbeatToken
from healthcheck.models.heartbeat import hash_token, make_token

# Long enough for a job that runs once a week to be taught the new one.
MAX_OVERLAP = timedelta(days=30)


# More than two people who rotate at once, or one who clicks twice and again, would make.
MAX_VALID = 5


def rotate_token(endpoint_id: int, now: datetime, *, overlap: timedelta) -> str:
    """Return a new token of the endpoint. Those before it stay valid for `overlap` at most, the newest of them.

    One that is on its way out already keeps its own time: whoever clicks twice, or at the same moment as somebody else,
    must not end the one that the job still uses.
    """
    token = make_token()
    ends_at = now + min(overlap, MAX_OVERLAP)
    with transaction.atomic():
        # Two people at once would leave more valid than there may be.
        lock_rows(Endpoint, [endpoint_id])
        tokens = HeartbeatToken.objects.filter(endpoint=endpoint_id)
        tokens.filter(Q(retires_at__isnull=True) | Q(retires_at__gt=ends_at)).update(retires_at=ends_at)
        newest = tokens.filter(retires_at__gt=now).order_by("-id").values_list("pk", flat=True)[: MAX_VALID - 1]
        tokens.exclude(pk__in=list(newest)).delete()
        HeartbeatToken.objects.create(endpoint_id=endpoint_id, digest=hash_token(token), created_at=now)
    return token
