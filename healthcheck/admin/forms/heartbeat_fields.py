"""When a job is expected, as fields of a form: by a period or by a cron expression, and by one of them alone."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from healthcheck.admin.look.bases import ModelFormBase
from healthcheck.engine.probes.heartbeat import (
    DAY_SECONDS,
    MAX_CRON_LENGTH,
    MAX_GRACE_SECONDS,
    MAX_PERIOD_SECONDS,
    MAX_RUN_SECONDS,
    MAX_ZONE_LENGTH,
)

KIND = "heartbeat"


class HeartbeatFields(ModelFormBase):
    """Mixed into the form with the options of every kind."""

    period_seconds = forms.IntegerField(
        min_value=1,
        max_value=MAX_PERIOD_SECONDS,
        label=_("Period (seconds)"),
        help_text=_("Between two successes of the job. Empty where a cron expression says when."),
    )
    cron = forms.CharField(
        required=False,
        max_length=MAX_CRON_LENGTH,
        label=_("Cron expression"),
        help_text=_("When the job starts, in five fields such as 0 3 * * *, in place of a period."),
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )
    timezone = forms.CharField(
        required=False,
        max_length=MAX_ZONE_LENGTH,
        empty_value="UTC",
        label=_("Time zone"),
        help_text=_("For the cron expression, such as Europe/Berlin."),
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )
    grace_seconds = forms.IntegerField(
        min_value=1,
        max_value=MAX_GRACE_SECONDS,
        label=_("Grace (seconds)"),
        help_text=_("So much later than expected it is late, and down."),
    )
    max_run_seconds = forms.IntegerField(
        min_value=0,
        max_value=MAX_RUN_SECONDS,
        label=_("Longest run (seconds)"),
        help_text=_("Down when a run that has begun does not end within this; 0 for no limit."),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("kind") == KIND and {"period_seconds", "cron"} <= cleaned.keys():
            self._refuse_schedule(cleaned)
        if "period_seconds" in cleaned and cleaned["period_seconds"] is None:
            # Where there is a cron expression the period counts for nothing, and its default is not stored.
            cleaned["period_seconds"] = DAY_SECONDS
        return cleaned

    def _refuse_schedule(self, cleaned: dict[str, Any]) -> None:
        if cleaned["period_seconds"] is None and not cleaned["cron"]:
            self.add_error("period_seconds", _("Say when the job is expected: give a period or a cron expression."))
        elif cleaned["period_seconds"] is not None and cleaned["cron"]:
            self.add_error(
                "period_seconds", _("Give either a period or a cron expression, not both; empty one of them.")
            )
