"""Endpoints and what is expected of them. What people write; machines write nothing here."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from healthcheck.engine.assertions import parse_assertion
from healthcheck.engine.probes import is_judged, load_kind
from healthcheck.engine.types import ConfigurationError
from healthcheck.models.credential import Credential
from healthcheck.models.group import MAX_DEADLINE_SECONDS, EndpointGroup
from healthcheck.models.tag import Tag

MAX_THRESHOLD = 60
DEFAULT_TIMEOUT_SECONDS = 10.0


def find_default_timeout(deadline_seconds: float | None) -> float:
    """Return the timeout of a new endpoint in a group with this deadline, which no timeout may be longer than."""
    return min(DEFAULT_TIMEOUT_SECONDS, deadline_seconds or DEFAULT_TIMEOUT_SECONDS)


class EndpointQuerySet(models.QuerySet["Endpoint"]):
    def existing(self) -> EndpointQuerySet:
        """Leave out what was deleted and waits for the pruner."""
        return self.filter(deleted_at__isnull=True)

    def checked(self) -> EndpointQuerySet:
        """Leave out what is paused, too."""
        return self.existing().filter(is_paused=False)


class Endpoint(models.Model):
    id = models.AutoField(primary_key=True)
    group = models.ForeignKey(
        EndpointGroup, on_delete=models.CASCADE, related_name="endpoints", verbose_name=_("group")
    )
    position = models.PositiveIntegerField(_("position"), default=0)
    name = models.CharField(_("name"), max_length=200, help_text=_("Shown on status pages."))
    # Without choices, so that a kind more is no migration; `clean` asks the registry.
    kind = models.CharField(_("kind"), max_length=20, default="http")
    # Blank for the kinds that ask nobody; every other refuses to be without one in `clean`.
    address = models.CharField(
        _("address"), max_length=2048, blank=True, help_text=_("What is connected to. Only staff see it.")
    )
    options = models.JSONField(_("options"), default=dict, blank=True)
    credential = models.ForeignKey(
        Credential,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="endpoints",
        verbose_name=_("credential"),
        help_text=_("How the check proves who it is. Sent to the address's own origin only."),
    )
    description = models.TextField(
        _("description"), max_length=2000, blank=True, default="", db_default="", help_text=_("For staff only.")
    )
    tags = models.ManyToManyField(Tag, blank=True, related_name="endpoints", verbose_name=_("tags"))
    timeout_seconds = models.FloatField(
        _("timeout (seconds)"),
        default=DEFAULT_TIMEOUT_SECONDS,
        validators=[MinValueValidator(0.1), MaxValueValidator(MAX_DEADLINE_SECONDS)],
        help_text=_("Bounds the whole check: name, connection, answer and a second attempt."),
    )
    failure_threshold = models.PositiveSmallIntegerField(
        _("failure threshold"),
        default=2,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_THRESHOLD)],
        help_text=_("Failed checks in a row before the state changes."),
    )
    recovery_threshold = models.PositiveSmallIntegerField(
        _("recovery threshold"),
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_THRESHOLD)],
        help_text=_("Good checks in a row before it is up again."),
    )
    is_paused = models.BooleanField(_("paused"), default=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = EndpointQuerySet.as_manager()

    class Meta:
        verbose_name = _("endpoint")
        verbose_name_plural = _("endpoints")
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["group", "name"],
                condition=Q(deleted_at__isnull=True),
                name="hc_endpoint_name",
                violation_error_message=_("This group already has an endpoint with this name; choose another."),
            ),
            models.CheckConstraint(
                condition=Q(timeout_seconds__gt=0, timeout_seconds__lte=MAX_DEADLINE_SECONDS),
                name="hc_endpoint_timeout",
                violation_error_message=_("The timeout must be more than 0 and at most 600 seconds."),
            ),
            models.CheckConstraint(
                condition=Q(failure_threshold__range=(1, MAX_THRESHOLD), recovery_threshold__range=(1, MAX_THRESHOLD)),
                name="hc_endpoint_thresholds",
                violation_error_message=_("Thresholds must be between 1 and 60."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def parse_options(self) -> Any:
        """Return the kind's typed configuration. Raises ConfigurationError with a sentence that names the cure."""
        return load_kind(self.kind).parse(self.address, self.options)

    def clean(self) -> None:
        refusals: dict[str, ValidationError] = {}
        try:
            options = self.parse_options()
            if self.credential is not None:
                self._refuse_credential(self.credential, options)
        except ConfigurationError as error:
            field = error.field if error.field in {"address", "kind", "credential"} else "options"
            # The code names the option, for a form that shows each option in a field of its own.
            refusals[field] = ValidationError(error.sentence, code=error.field)
        # The timeout of a kind that asks nobody bounds nothing.
        if (
            not is_judged(self.kind)
            and (deadline := self.find_group_deadline())
            and (self.timeout_seconds or 0) > deadline
        ):
            sentence = _("The timeout must not be longer than the group's deadline of %(deadline)g s; lower it.")
            refusals["timeout_seconds"] = ValidationError(sentence, params={"deadline": deadline})
        if refusals:
            raise ValidationError(refusals)

    def _refuse_credential(self, credential: Credential, options: Any) -> None:
        if not load_kind(self.kind).uses_credentials:
            raise ConfigurationError(
                f"A check of the kind {self.kind} sends no credential; choose none, or another kind.",
                field="credential",
            )
        credential.refuse_endpoint(self.address, options.headers)

    def find_group_deadline(self) -> float | None:
        """Return the deadline of the group in seconds, which may be one that is not stored yet."""
        try:
            return self.group.deadline_seconds
        except EndpointGroup.DoesNotExist:
            return None


class Assertion(models.Model):
    """One expectation in its short text form; see `healthcheck/engine/assertions`."""

    id = models.AutoField(primary_key=True)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="assertions")
    position = models.PositiveSmallIntegerField(default=0)
    text = models.CharField(_("assertion"), max_length=1000)

    class Meta:
        verbose_name = _("assertion")
        verbose_name_plural = _("assertions")
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.text

    def clean(self) -> None:
        try:
            parse_assertion(self.text)
        except ConfigurationError as error:
            raise ValidationError({"text": error.sentence}) from None
