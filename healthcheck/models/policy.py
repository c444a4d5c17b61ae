"""Policies: who is told of what, at which hours, and who is told next while nobody answers."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from healthcheck.engine.incidents import Severity
from healthcheck.engine.types import ConfigurationError
from healthcheck.engine.week_hours import parse_week_hours
from healthcheck.models.channel import NotificationChannel
from healthcheck.models.group import EndpointGroup
from healthcheck.models.tag import Tag

SEVERITY_CHOICES = [
    (Severity.NOTICE.value, _("notice")),
    (Severity.DEGRADED.value, _("degraded")),
    (Severity.DOWN.value, _("down")),
]
# A day: what nobody has answered by then is no question of minutes.
MAX_STEP_MINUTES = 1440
MAX_HOURS_LENGTH = 500


class NotificationPolicy(models.Model):
    """Without groups and tags it holds for every endpoint."""

    id = models.AutoField(primary_key=True)
    name = models.CharField(
        _("name"),
        max_length=200,
        unique=True,
        error_messages={"unique": _("There is already a policy with this name; choose another.")},
    )
    is_enabled = models.BooleanField(_("enabled"), default=True)
    min_severity = models.PositiveSmallIntegerField(
        _("from severity"), choices=SEVERITY_CHOICES, default=Severity.DOWN.value
    )
    groups = models.ManyToManyField(EndpointGroup, blank=True, related_name="+", verbose_name=_("groups"))
    tags = models.ManyToManyField(
        Tag, blank=True, related_name="+", verbose_name=_("tags"), help_text=_("Of endpoints and of groups.")
    )
    hours = models.CharField(
        _("hours of the week"),
        max_length=MAX_HOURS_LENGTH,
        blank=True,
        default="",
        help_text=_("Such as Mon-Fri 08:00-18:00, Sat 10:00-14:00; empty for always."),
    )
    timezone = models.CharField(
        _("time zone"), max_length=64, default="UTC", help_text=_("Of the hours, such as Europe/Berlin.")
    )
    sends_recovery = models.BooleanField(_("tells of recovery"), default=True)
    reminder_minutes = models.PositiveIntegerField(
        _("reminds every (minutes)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(5), MaxValueValidator(MAX_STEP_MINUTES)],
        help_text=_("While it lasts and nobody has acknowledged it. Empty for never."),
    )

    class Meta:
        verbose_name = _("notification policy")
        verbose_name_plural = _("notification policies")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        try:
            parse_week_hours(self.hours, self.timezone)
        except ConfigurationError as error:
            raise ValidationError({error.field: error.sentence}) from None


class PolicyStep(models.Model):
    """Who is told so many minutes after an incident opened that nobody has acknowledged."""

    id = models.AutoField(primary_key=True)
    policy = models.ForeignKey(
        NotificationPolicy, on_delete=models.CASCADE, related_name="steps", verbose_name=_("policy")
    )
    after_minutes = models.PositiveIntegerField(
        _("after (minutes)"), default=0, validators=[MaxValueValidator(MAX_STEP_MINUTES)]
    )
    channels = models.ManyToManyField(NotificationChannel, related_name="steps", verbose_name=_("channels"))

    class Meta:
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        ordering = ["after_minutes", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["policy", "after_minutes"],
                name="hc_step_minutes",
                violation_error_message=_("This policy already has a step after so many minutes; add to that."),
            ),
        ]

    def __str__(self) -> str:
        return f"after {self.after_minutes} min"
