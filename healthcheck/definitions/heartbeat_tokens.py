"""Makes and rotates the tokens of heartbeats. A token leaves here once; what is stored is its hash."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from healthcheck.definitions.versions import lock_rows
from healthcheck.models import Endpoint, HeartbeatToken
from healthcheck.models.heartbeat import hash_token, make_token

# Long enough for a job that runs once a week to be taught the new one.
MAX_OVERLAP = timedelta(days=30)


def rotate_token(endpoint_id: int, now: datetime, *, overlap: timedelta) -> str:
    """Return a new token of the endpoint. The one before it stays valid for `overlap`, and any older one ends now."""
    token = make_token()
    with transaction.atomic():
        # Two people at once would leave three valid.
        lock_rows(Endpoint, [endpoint_id])
        tokens = HeartbeatToken.objects.filter(endpoint=endpoint_id)
        # Those on their way out, at the latest now: two are valid at once, no more.
        tokens.filter(retires_at__isnull=False).delete()
        tokens.update(retires_at=now + min(overlap, MAX_OVERLAP))
        HeartbeatToken.objects.create(endpoint_id=endpoint_id, digest=hash_token(token), created_at=now)
    return token
