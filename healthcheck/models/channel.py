"""Channels: where people are told. What people set up, and apart from it what machines learn when they send there."""

from __future__ import annotations

from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from healthcheck.models.secrets import unseal_secrets

# A channel that is told at most once in this time is told of everything that came together meanwhile.
DEFAULT_PAUSE_SECONDS = 60
MAX_PAUSE_SECONDS = 3600


class NotificationChannel(models.Model):
    id = models.AutoField(primary_key=True)
    name = models.CharField(
        _("name"),
        max_length=200,
        unique=True,
        error_messages={"unique": _("There is already a channel with this name; choose another.")},
    )
    # Without choices, so that a kind more is no migration; the registry of notifiers is asked.
    kind = models.CharField(_("kind"), max_length=20)
    # What is no secret, by the names of the kind's fields.
    details = models.JSONField(default=dict, blank=True, editable=False)
    # What is, sealed. See `models.secrets`.
    sealed = models.TextField(default="", blank=True, editable=False)
    is_enabled = models.BooleanField(_("enabled"), default=True)
    is_about_ourselves = models.BooleanField(
        _("told about the checker itself"),
        default=False,
        help_text=_("A late scheduler, missing workers, messages that do not get out."),
    )
    pause_seconds = models.PositiveIntegerField(
        _("at most one message in (seconds)"),
        default=DEFAULT_PAUSE_SECONDS,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_PAUSE_SECONDS)],
        help_text=_("What happens in between comes together in the next message."),
    )

    class Meta:
        verbose_name = _("notification channel")
        verbose_name_plural = _("notification channels")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def open_secrets(self) -> dict[str, Any]:
        """Return the secret parts by name. Raises SecretsError with a sentence that names the cure."""
        return unseal_secrets(self.sealed) if self.sealed else {}


class ChannelState(models.Model):
    """The machine's side of a channel. Never in one row with what people write."""

    channel = models.OneToOneField(
        NotificationChannel, on_delete=models.CASCADE, primary_key=True, related_name="standing"
    )
    # Not before this: one message in the channel's pause.
    next_send_at = models.DateTimeField(null=True)
    # The receiver refused for good, such as by a revoked token: nothing is sent until a person enables it again.
    disabled_at = models.DateTimeField(null=True)
    last_sent_at = models.DateTimeField(null=True)
    # Tries in a row that failed, and what the last of them said: one sentence, cleaned of secrets.
    failures = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=500, default="", blank=True)

    class Meta:
        verbose_name = _("channel state")
        verbose_name_plural = _("channel states")

    def __str__(self) -> str:
        return f"state of channel {self.channel_id}"
