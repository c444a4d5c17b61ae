"""The form of a correction. What makes no sense is refused by the pipeline, in its words, at the field they name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from healthcheck.admin.correct.instants import InstantField, describe_clock
from healthcheck.admin.look.bases import FormBase
from healthcheck.models import CorrectionEffect
from healthcheck.pipeline.correct import MAX_REASON_LENGTH, Proposal, settle_proposal

EFFECT_CHOICES: Any = [
    (CorrectionEffect.MAINTENANCE.value, _("maintenance: it was planned, and counts neither as good time nor as bad")),
    (CorrectionEffect.FALSE_ALARM.value, _("false alarm: what looked degraded or down was up")),
    (CorrectionEffect.EXCLUDED.value, _("excluded: it counts neither as good time nor as bad")),
]


class CorrectionForm(FormBase):
    starts_at = InstantField(label=_("Start"))
    ends_at = InstantField(label=_("End"))
    effect = forms.TypedChoiceField(
        label=_("What it was"),
        choices=EFFECT_CHOICES,
        coerce=int,
        widget=forms.RadioSelect,
        error_messages={"required": _("Say what the interval was.")},
    )
    reason = forms.CharField(
        label=_("Reason"),
        # Much longer than what is taken: the sentence that refuses it says how long it is.
        max_length=10 * MAX_REASON_LENGTH,
        required=False,
        widget=forms.TextInput(attrs={"class": "vTextField", "maxlength": MAX_REASON_LENGTH}),
    )
    is_public = forms.BooleanField(
        label=_("Show the reason on status pages"),
        required=False,
        help_text=_("Without it, the pages say that an interval was corrected, and neither which nor why."),
    )

    def __init__(self, *args: Any, count: int, now: datetime, **kwargs: Any) -> None:
        self._count, self._now = count, now
        super().__init__(*args, **kwargs)

    @property
    def clock_help(self) -> str:
        return describe_clock()

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                cleaned["proposal"] = settle_proposal(_propose(cleaned), count=self._count, now=self._now)
            except ValidationError as error:
                self.add_error(None, error)
        return cleaned


def _propose(cleaned: Mapping[str, Any]) -> Proposal:
    columns = {name: cleaned[name] for name in ("starts_at", "ends_at", "reason", "is_public")}
    return Proposal(effect=CorrectionEffect(cleaned["effect"]), **columns)
