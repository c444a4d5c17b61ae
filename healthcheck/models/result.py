"""Results: one narrow row per endpoint and run, and the evidence of failures beside it.

No enforced foreign keys: deferred ones fail at COMMIT and take a whole batch with them. The order of the columns packs
them without padding on PostgreSQL.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from healthcheck.engine.types import ErrorKind, Phase, State

STATE_CHOICES = [(state.value, state.word) for state in State]
ERROR_KIND_CHOICES = [(0, ""), *((kind.value, kind.word) for kind in ErrorKind)]
# Latencies are integers of four bytes; what does not fit is capped rather than lost.
MAX_INTEGER = 2**31 - 1
PHASE_CHOICES = [(0, ""), *((phase.value, phase.word) for phase in Phase)]


class CheckResult(models.Model):
    # The one index: it keeps a replay from storing twice, and serves an endpoint's history, newest run first.
    pk = models.CompositePrimaryKey("endpoint_id", "run_id")
    run_id = models.BigIntegerField()
    endpoint_id = models.IntegerField()
    latency_us = models.IntegerField(default=0)
    resolve_us = models.IntegerField(default=0)
    connect_us = models.IntegerField(default=0)
    tls_us = models.IntegerField(default=0)
    headers_us = models.IntegerField(default=0)
    body_us = models.IntegerField(default=0)
    verdict = models.SmallIntegerField(choices=STATE_CHOICES)
    error_kind = models.SmallIntegerField(choices=ERROR_KIND_CHOICES, default=0)
    phase = models.SmallIntegerField(choices=PHASE_CHOICES, default=0)
    http_status = models.SmallIntegerField(default=0)
    attempts = models.SmallIntegerField(default=1)

    class Meta:
        verbose_name = _("result")
        verbose_name_plural = _("results")

    def __str__(self) -> str:
        return f"result of endpoint {self.endpoint_id} in run {self.run_id}"


class Evidence(models.Model):
    """What was seen of a failure: capped, sanitised, for staff only."""

    pk = models.CompositePrimaryKey("endpoint_id", "run_id")
    run_id = models.BigIntegerField()
    endpoint_id = models.IntegerField()
    # Keys as in `engine.types.Evidence`; absent where there was nothing to say.
    facts = models.JSONField()

    class Meta:
        verbose_name = _("evidence")
        verbose_name_plural = _("evidence")

    def __str__(self) -> str:
        return f"evidence of endpoint {self.endpoint_id} in run {self.run_id}"
