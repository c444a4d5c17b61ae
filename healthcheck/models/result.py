"""Results: one narrow row per endpoint and run, and the evidence of failures beside it.

No enforced foreign keys: deferred ones fail at COMMIT and take a whole batch with them. The order of the columns packs
them without padding on PostgreSQL.
"""

from __future__ import annotations

from typing import NamedTuple, Self

from django.db import models
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from healthcheck.engine.types import ErrorKind, Phase, State

STATE_CHOICES = [(state.value, state.word) for state in State]
ERROR_KIND_CHOICES = [(0, ""), *((kind.value, kind.word) for kind in ErrorKind if kind is not ErrorKind.OTHER)]
# Latencies are integers of four bytes; what does not fit is capped rather than lost.
MAX_INTEGER = 2**31 - 1
# Three bits; two is what a check makes.
MAX_ATTEMPTS = 7
PHASE_CHOICES = [(0, ""), *((phase.value, phase.word) for phase in Phase)]


class Judgement(NamedTuple):
    """What was judged of an endpoint in a run, as numbers of the engine's enums; 0 means none.

    Packed from the lowest bit: verdict in 2, ErrorKind in 5, phase in 4, attempts in 3, maintenance in 1. The order is
    stored: keep it.
    """

    verdict: int
    error_kind: int = 0
    phase: int = 0
    attempts: int = 1
    # The endpoint was in maintenance at the run's slot.
    in_maintenance: bool = False

    def pack(self) -> int:
        """Return the number that is stored, below 2**15."""
        attempts = min(self.attempts, MAX_ATTEMPTS)
        return self.verdict | self.error_kind << 2 | self.phase << 7 | attempts << 11 | self.in_maintenance << 14

    @classmethod
    def unpack(cls, packed: int) -> Self:
        in_maintenance = bool(packed >> 14 & 1)
        return cls(packed & 0b11, packed >> 2 & 0b11111, packed >> 7 & 0b1111, packed >> 11 & 0b111, in_maintenance)


class CheckResultQuerySet(models.QuerySet["CheckResult"]):
    def judged(self, verdict: State) -> CheckResultQuerySet:
        """Keep the results with this verdict. Reads what it is given row by row: narrow it down first."""
        return self.annotate(packed_verdict=F("judgement").bitand(0b11)).filter(packed_verdict=int(verdict))


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
    # Verdict, ErrorKind, phase and attempts in one column, which is 8 of 122 bytes on PostgreSQL: see `Judgement`.
    judgement = models.SmallIntegerField()
    http_status = models.SmallIntegerField(default=0)

    objects = CheckResultQuerySet.as_manager()

    class Meta:
        verbose_name = _("result")
        verbose_name_plural = _("results")

    def __str__(self) -> str:
        return f"result of endpoint {self.endpoint_id} in run {self.run_id}"

    @property
    def verdict(self) -> int:
        return Judgement.unpack(self.judgement).verdict

    @property
    def error_kind(self) -> int:
        return Judgement.unpack(self.judgement).error_kind

    @property
    def phase(self) -> int:
        return Judgement.unpack(self.judgement).phase

    @property
    def attempts(self) -> int:
        return Judgement.unpack(self.judgement).attempts

    @property
    def in_maintenance(self) -> bool:
        return Judgement.unpack(self.judgement).in_maintenance


class Evidence(models.Model):
    """What was seen of a failure: capped, sanitised, for staff only."""

    pk = models.CompositePrimaryKey("endpoint_id", "run_id")
    run_id = models.BigIntegerField()
    endpoint_id = models.IntegerField()
    # Keys as in `engine.types.Evidence`; absent where there was nothing to say. `assertions` is a list of {text,
    # expected, found, verdict, held}, the verdict as a word; `chain` a list of certificates, leaf first; `parts` a list
    # of {name, verdict, error_kind, phase, latency_ms, found}.
    facts = models.JSONField()

    class Meta:
        verbose_name = _("evidence")
        verbose_name_plural = _("evidence")

    def __str__(self) -> str:
        return f"evidence of endpoint {self.endpoint_id} in run {self.run_id}"
