"""Heartbeats: the tokens that people give to jobs, and what machines remember of the signals that came with them."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from healthcheck.models.endpoint import Endpoint

# 128 random bits are 22 characters; nobody guesses one of them, and the database holds none.
TOKEN_BYTES = 16
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")
# The newest signals of an endpoint that are kept, whatever it sends, and how much of a body: 400 KB at the worst.
KEPT_SIGNALS = 100
MAX_BODY_LENGTH = 4096
# What stands in a result's evidence.
MAX_SAID_LENGTH = 1000
# How a job names one of its runs: a UUID, or whatever else is as short.
MAX_RUN_NAME_LENGTH = 64


def make_token() -> str:
    """Return a new token. It is shown once: only its hash is stored."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def hash_token(token: str) -> str:
    """Return what is stored of a token. Total: what cannot be a token has a hash that none has."""
    plain = token if _TOKEN.fullmatch(token) else ""
    # A fast hash is enough: it protects random bits, which nobody could try out.
    return hashlib.sha256(plain.encode()).hexdigest()


class HeartbeatTokenQuerySet(models.QuerySet["HeartbeatToken"]):
    def valid(self, now: datetime) -> HeartbeatTokenQuerySet:
        """Keep those that are not retired, of endpoints that are not deleted."""
        alive = Q(endpoint__deleted_at__isnull=True, endpoint__group__deleted_at__isnull=True)
        return self.filter(Q(retires_at__isnull=True) | Q(retires_at__gt=now), alive)


class HeartbeatToken(models.Model):
    """Several are valid at once while a job is taught the new one; see `definitions/heartbeat_tokens.py`."""

    id = models.AutoField(primary_key=True)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="heartbeat_tokens")
    # SHA-256 in hexadecimal digits. Read by every signal: the one index that a token is found by.
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(_("made at"))
    retires_at = models.DateTimeField(_("valid until"), null=True)

    objects = HeartbeatTokenQuerySet.as_manager()

    class Meta:
        verbose_name = _("heartbeat token")
        verbose_name_plural = _("heartbeat tokens")

    def __str__(self) -> str:
        return f"token {self.pk}"


class SignalKind(models.IntegerChoices):
    START = 1, _("start")
    SUCCESS = 2, _("success")
    FAIL = 3, _("fail")
    # Kept beside the others, and no more: it says nothing about how the job fares.
    LOG = 4, _("log")


class Heartbeat(models.Model):
    """What is known of an endpoint's job now. Written by machines only; every signal locks it."""

    endpoint = models.OneToOneField(Endpoint, on_delete=models.CASCADE, primary_key=True, related_name="heartbeat")
    first_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.PositiveSmallIntegerField(choices=SignalKind.choices, default=0)
    exit_code = models.PositiveSmallIntegerField(null=True)
    duration_ms = models.PositiveBigIntegerField(null=True)
    # The beginning of what it said with its end.
    said = models.CharField(max_length=MAX_SAID_LENGTH, default="", blank=True)
    # Runs that have begun and not ended, by the name that the job gave them: when that was first said, and last.
    open_runs = models.JSONField(default=dict)
    # Signals since the beginning of the minute that is counted.
    counted_since = models.DateTimeField(null=True)
    counted = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")

    def __str__(self) -> str:
        return f"heartbeat of endpoint {self.pk}"


class Signal(models.Model):
    """One call of a job. Bounded by `KEPT_SIGNALS` and by the retention of raw rows."""

    # Not enforced, as of results: what arrives while an endpoint is being removed goes with the next prune.
    endpoint_id = models.IntegerField()
    kind = models.PositiveSmallIntegerField(choices=SignalKind.choices)
    at = models.DateTimeField()
    exit_code = models.PositiveSmallIntegerField(null=True)
    duration_ms = models.PositiveBigIntegerField(null=True)
    run_name = models.CharField(max_length=MAX_RUN_NAME_LENGTH, default="", blank=True)
    body = models.TextField(default="", blank=True)
    address = models.CharField(max_length=45, default="", blank=True)

    class Meta:
        verbose_name = _("signal")
        verbose_name_plural = _("signals")
        indexes = [
            # Read by the admin, newest first, by every signal for what is too many, and by the pruner.
            models.Index(fields=["endpoint_id", "-id"], name="hc_signal_endpoint"),
        ]

    def __str__(self) -> str:
        return f"signal {self.pk}"
