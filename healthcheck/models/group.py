"""Groups of endpoints: what is checked together, when, and under which deadline."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.timezone import now as current_time
from django.utils.translation import gettext_lazy as _

from healthcheck.conf import get_settings
from healthcheck.engine.schedule import (
    MAX_INTERVAL_SECONDS,
    MIN_INTERVAL_SECONDS,
    IntervalSchedule,
    Schedule,
    parse_cron,
    phase_of,
)
from healthcheck.engine.types import ConfigurationError
from healthcheck.models.tag import Tag

# A group may not run longer than this: its lease, and with it the recovery of a lost run, grows with it.
MAX_DEADLINE_SECONDS = 600
MAX_RETENTION_DAYS = 3650


class EndpointGroupQuerySet(models.QuerySet["EndpointGroup"]):
    def existing(self) -> EndpointGroupQuerySet:
        """Leave out what was deleted and waits for the pruner."""
        return self.filter(deleted_at__isnull=True)

    def due(self, now: datetime) -> EndpointGroupQuerySet:
        return self.existing().filter(is_paused=False, next_run_at__lte=now).order_by("next_run_at", "id")


class EndpointGroup(models.Model):
    id = models.AutoField(primary_key=True)
    name = models.CharField(_("name"), max_length=200)
    slug = models.SlugField(_("slug"), max_length=100)
    position = models.PositiveIntegerField(_("position"), default=0, help_text=_("Groups are shown in this order."))
    interval_seconds = models.PositiveIntegerField(
        _("interval (seconds)"),
        null=True,
        blank=True,
        default=60,
        validators=[MinValueValidator(MIN_INTERVAL_SECONDS), MaxValueValidator(MAX_INTERVAL_SECONDS)],
        help_text=_("1 second to 1 day. Leave it empty to use a cron expression."),
    )
    cron = models.CharField(
        _("cron expression"),
        max_length=100,
        blank=True,
        default="",
        help_text=_("Five fields, such as */5 * * * *. Leave it empty to use an interval."),
    )
    timezone = models.CharField(
        _("time zone"), max_length=64, default="UTC", help_text=_("For the cron expression, such as Europe/Berlin.")
    )
    deadline_seconds = models.FloatField(
        _("deadline (seconds)"),
        default=30.0,
        validators=[MinValueValidator(0.1), MaxValueValidator(MAX_DEADLINE_SECONDS)],
        help_text=_("Bounds one run of the whole group; shorter than the interval."),
    )
    is_paused = models.BooleanField(_("paused"), default=False)
    retention_days = models.PositiveIntegerField(
        _("raw results kept (days)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_RETENTION_DAYS)],
        help_text=_("Leave it empty for as long as everywhere."),
    )
    hour_retention_days = models.PositiveIntegerField(
        _("hours kept (days)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(2), MaxValueValidator(MAX_RETENTION_DAYS)],
        help_text=_("Of its history; days are kept for ever. Leave it empty for as long as everywhere."),
    )
    tags = models.ManyToManyField(Tag, blank=True, related_name="groups", verbose_name=_("tags"))
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    # The clock, the one column of a machine beside people's: the claim must see the pause and move the clock in one
    # statement on one row. Whoever saves a person's change names the columns that the person changed.
    next_run_at = models.DateTimeField(_("next run"), default=current_time, editable=False)

    objects = EndpointGroupQuerySet.as_manager()

    class Meta:
        verbose_name = _("endpoint group")
        verbose_name_plural = _("endpoint groups")
        ordering = ["position", "id"]
        permissions = [("operate_endpointgroup", "Can operate endpoint groups (check now, pause, resume)")]
        indexes = [
            # Read by every tick: `EndpointGroupQuerySet.due`.
            models.Index(
                fields=["next_run_at"], name="hc_group_due", condition=Q(is_paused=False, deleted_at__isnull=True)
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["slug"],
                condition=Q(deleted_at__isnull=True),
                name="hc_group_slug",
                violation_error_message=_("There is already a group with this slug; choose another."),
            ),
            models.CheckConstraint(
                condition=(Q(interval_seconds__isnull=True) & ~Q(cron="")) | Q(interval_seconds__isnull=False, cron=""),
                name="hc_group_one_schedule",
                violation_error_message=_("Give either an interval or a cron expression, not both."),
            ),
            models.CheckConstraint(
                condition=Q(interval_seconds__isnull=True)
                | Q(interval_seconds__range=(MIN_INTERVAL_SECONDS, MAX_INTERVAL_SECONDS)),
                name="hc_group_interval",
                violation_error_message=_("The interval must be between 1 second and 1 day."),
            ),
            models.CheckConstraint(
                condition=Q(deadline_seconds__gt=0, deadline_seconds__lte=MAX_DEADLINE_SECONDS)
                & (Q(interval_seconds__isnull=True) | Q(deadline_seconds__lt=F("interval_seconds"))),
                name="hc_group_deadline",
                violation_error_message=_("The deadline must be shorter than the interval; lower it."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def deadline(self) -> timedelta:
        return timedelta(seconds=self.deadline_seconds)

    @property
    def schedule(self) -> Schedule:
        """The schedule in force. Raises ConfigurationError for a cron expression that was never validated."""
        if self.interval_seconds is None:
            return parse_cron(self.cron, self.timezone)
        return IntervalSchedule(self.interval_seconds, phase_of(self.pk or 0, self.interval_seconds))

    def clean(self) -> None:
        if self.interval_seconds is not None and self.deadline_seconds and not self.cron:
            self._clean_deadline(self.interval_seconds)
        if self.interval_seconds is None and self.cron:
            self._clean_cron()
        if self.retention_days or self.hour_retention_days:
            self._clean_retention()

    def _clean_cron(self) -> None:
        try:
            pause = parse_cron(self.cron, self.timezone).find_shortest_pause(current_time()).total_seconds()
        except ConfigurationError as error:
            raise ValidationError({error.field: error.sentence}) from None
        if (self.deadline_seconds or 0) >= pause:
            sentence = _("The deadline must be shorter than the shortest time between two runs, %(pause)d s; lower it.")
            raise ValidationError({"deadline_seconds": sentence % {"pause": pause}})

    def _clean_retention(self) -> None:
        everywhere = get_settings()
        raw_days = self.retention_days or everywhere.retention_days
        hour_days = self.hour_retention_days or everywhere.hour_retention_days
        if hour_days >= raw_days:
            return
        if self.hour_retention_days:
            sentence = _("Hours must be kept at least as long as raw results, %(days)d days; raise it.")
            raise ValidationError({"hour_retention_days": sentence % {"days": raw_days}})
        sentence = _(
            "Raw results must not outlast hours, which are kept for %(days)d days; lower it, or keep hours longer."
        )
        raise ValidationError({"retention_days": sentence % {"days": hour_days}})

    def _clean_deadline(self, interval_seconds: int) -> None:
        if self.deadline_seconds >= interval_seconds:
            sentence = _("The deadline must be shorter than the interval of %(interval)s s; lower it.")
            raise ValidationError({"deadline_seconds": sentence % {"interval": interval_seconds}})
