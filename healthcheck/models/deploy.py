"""Deploys: the addresses that CI tells of them, and the maintenance window of each. What it covers is said by tags."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from healthcheck.models.maintenance import MaintenanceWindow
from healthcheck.models.secrets import unseal_secrets
from healthcheck.models.tag import Tag

# A CI that dies leaves its deploy open for as long as its hook says, and never for longer than half a day.
DEFAULT_MINUTES, MAX_MINUTES = 60, 720
MAX_DEPLOY_LENGTH = 200
# Only an address: who may call it is said by the signature.
PUBLIC_ID_BYTES = 12
# The names of the sealed secrets: the one that CI is to sign with, and while it is changed the one of before.
SECRET, FORMER = "secret", "former"


def make_public_id() -> str:
    return secrets.token_urlsafe(PUBLIC_ID_BYTES)


class DeployHook(models.Model):
    id = models.AutoField(primary_key=True)
    name = models.CharField(
        _("name"),
        max_length=200,
        unique=True,
        error_messages={"unique": _("There is already a deploy hook with this name; choose another.")},
    )
    tags = models.ManyToManyField(
        Tag,
        related_name="+",
        verbose_name=_("tags"),
        help_text=_("What is in maintenance while a deploy is open: the endpoints and groups with any of these."),
    )
    max_minutes = models.PositiveSmallIntegerField(
        _("at most (minutes)"),
        default=DEFAULT_MINUTES,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_MINUTES)],
        help_text=_("A deploy that nobody finishes is over after this."),
    )
    is_public = models.BooleanField(
        _("announced on status pages"), default=False, help_text=_("While it is open, with the title that CI gives.")
    )
    is_enabled = models.BooleanField(
        _("enabled"), default=True, help_text=_("Switched off, it opens nothing; what is open can be finished.")
    )
    public_id = models.CharField(max_length=22, unique=True, editable=False)
    # See `models.secrets`.
    sealed = models.TextField(default="", blank=True, editable=False)

    class Meta:
        verbose_name = _("deploy hook")
        verbose_name_plural = _("deploy hooks")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(max_minutes__gte=1, max_minutes__lte=MAX_MINUTES), name="hc_hook_minutes"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def open_secrets(self) -> dict[str, Any]:
        """Return the secrets by name. Raises SecretsError with a sentence that names the cure."""
        return unseal_secrets(self.sealed) if self.sealed else {}


class DeployWindowQuerySet(models.QuerySet["DeployWindow"]):
    def running(self, now: datetime) -> DeployWindowQuerySet:
        """Keep those that are open. One that ran out, or whose window was ended by hand, is not, whatever it says."""
        return self.filter(closed_at__isnull=True, window__clock__open_until__gt=now)


class DeployWindow(models.Model):
    """A deploy, by CI's own name of it, and the maintenance window that it has. Written by machines."""

    hook = models.ForeignKey(DeployHook, on_delete=models.CASCADE, related_name="deploys", db_index=False)
    window = models.OneToOneField(MaintenanceWindow, on_delete=models.CASCADE, related_name="deploy")
    deploy = models.CharField(max_length=MAX_DEPLOY_LENGTH)
    opened_at = models.DateTimeField()
    # When it was finished, or was found to be over.
    closed_at = models.DateTimeField(null=True)

    objects = DeployWindowQuerySet.as_manager()

    class Meta:
        verbose_name = _("deploy")
        verbose_name_plural = _("deploys")
        constraints = [
            # Of two starts with one name, the net under the lock of the hook.
            models.UniqueConstraint(
                fields=["hook", "deploy"], condition=Q(closed_at__isnull=True), name="hc_deploy_open"
            ),
        ]
        indexes = [
            # Read by every call, for the newest deploy of that name, and by the page of the hook.
            models.Index(fields=["hook", "deploy", "-id"], name="hc_deploy_name"),
            # Read by the pruner: those that are over for long.
            models.Index(fields=["opened_at"], name="hc_deploy_opened"),
        ]

    def __str__(self) -> str:
        return self.deploy


class DeployCall(models.Model):
    """A call that was answered, for as long as its signature can be used again."""

    hook = models.ForeignKey(DeployHook, on_delete=models.CASCADE, related_name="calls", db_index=False)
    # SHA-256 of the caller's `webhook-id`, in hexadecimal digits.
    digest = models.CharField(max_length=64)
    until = models.DateTimeField()
    status = models.PositiveSmallIntegerField()
    answer = models.CharField(max_length=500)

    class Meta:
        verbose_name = _("call of a deploy hook")
        verbose_name_plural = _("calls of deploy hooks")
        constraints = [
            # Read by every call: whether it is known. Two of one id cannot both be stored.
            models.UniqueConstraint(fields=["hook", "digest"], name="hc_call_id"),
        ]
        indexes = [
            # Read by the pruner: those that can be forgotten, of hooks that nobody calls any more.
            models.Index(fields=["until"], name="hc_call_until"),
        ]

    def __str__(self) -> str:
        return f"call {self.pk}"
