"""The form of a maintenance window: times of a clock on the wall, and recurrence in a few words or as a rule."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.utils.timezone import get_current_timezone_name
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from healthcheck.admin.look.bases import SPLIT_WIDGET, ModelFormBase
from healthcheck.engine.recurrence import find_zone
from healthcheck.engine.recurrence_text import MAX_RECURRENCE_LENGTH
from healthcheck.engine.types import ConfigurationError
from healthcheck.models import MaintenanceWindow

ONCE, DAILY, WEEKLY, MONTHLY, OWN = "once", "daily", "weekly", "monthly", "own"
RECURS_CHOICES = [
    (ONCE, _("once")),
    (DAILY, _("every day")),
    (WEEKLY, _("every week, on the days below")),
    (MONTHLY, _("every month, on the day of the start")),
    (OWN, _("by the rule below")),
]
WEEKDAY_CHOICES = [
    ("MO", _("Monday")),
    ("TU", _("Tuesday")),
    ("WE", _("Wednesday")),
    ("TH", _("Thursday")),
    ("FR", _("Friday")),
    ("SA", _("Saturday")),
    ("SU", _("Sunday")),
]
# The button that shows the next times of what is typed, and saves nothing.
PREVIEW = "_preview"
# What changes when it holds: an end by hand was of the times before.
TIMES = frozenset({"starts_at", "ends_at", "timezone", "recurs", "weekdays", "rule"})
_WEEKLY_RULE = re.compile(r"FREQ=WEEKLY(?:;BYDAY=((?:MO|TU|WE|TH|FR|SA|SU)(?:,(?:MO|TU|WE|TH|FR|SA|SU))*))?")
_SIMPLE = {"": ONCE, "FREQ=DAILY": DAILY, "FREQ=MONTHLY": MONTHLY}
# The model's names of what stands in other fields here.
_FIELDS = {"duration_seconds": "ends_at", "recurrence": "rule"}


class WallField(forms.SplitDateTimeField):
    """A date and a time of a clock on the wall; of which one, another field says."""

    widget = SPLIT_WIDGET

    def compress(self, data_list: Any) -> datetime | None:
        return datetime.combine(*data_list) if data_list else None


def _name_parts(field: forms.Field) -> None:
    """Tell the two inputs of a moment apart: Django's own admin has one label for both."""
    for widget, part in zip(field.widget.widgets, (_("date"), _("time of day")), strict=True):
        widget.attrs["aria-label"] = f"{field.label}, {part}"


class WindowForm(ModelFormBase):
    starts_at = WallField(label=_("Start"), help_text=_("In the time zone below. The first one, where it recurs."))
    ends_at = WallField(label=_("End"), help_text=_("Of the first one; each lasts as long."))
    recurs = forms.ChoiceField(label=_("Recurs"), choices=RECURS_CHOICES, initial=ONCE)
    weekdays = forms.MultipleChoiceField(
        label=_("Days of the week"), choices=WEEKDAY_CHOICES, required=False, widget=forms.CheckboxSelectMultiple
    )
    rule = forms.CharField(
        label=_("Rule"),
        required=False,
        max_length=MAX_RECURRENCE_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 80, "spellcheck": "false"}),
        help_text=_(
            "An RRULE of RFC 5545, such as FREQ=MONTHLY;BYDAY=1SU for the first Sunday of each month. Below it lines "
            "such as EXDATE:20261224 and RDATE:20261227T220000 skip a day and add a time."
        ),
    )

    class Meta:
        model = MaintenanceWindow
        fields = (
            "title",
            "description",
            "timezone",
            "is_public",
            "announce_hours",
            "covers_all",
            "groups",
            "endpoints",
            "tags",
        )
        widgets: ClassVar[dict[str, Any]] = {"description": forms.Textarea(attrs={"rows": 3, "cols": 80})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial.update(_read_times(self.instance), **read_recurrence(self.instance.recurrence))
        else:
            self.initial.setdefault("timezone", get_current_timezone_name())
        for name in ("starts_at", "ends_at"):
            _name_parts(self.fields[name])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        zone = self._find_zone(cleaned.get("timezone"))
        starts_at, ends_at = (self._read_instant(name, zone) for name in ("starts_at", "ends_at"))
        self.instance.recurrence = self._write_recurrence(cleaned)
        if starts_at and ends_at:
            self.instance.starts_at = starts_at
            # Refused by the model where it is not positive.
            self.instance.duration_seconds = round((ends_at - starts_at) / timedelta(seconds=1))
        return cleaned

    @property
    def is_preview(self) -> bool:
        """Tell whether it was sent for a look at its next times, and nothing is wrong with it."""
        return PREVIEW in self.data and not self.errors

    def is_valid(self) -> bool:
        # What is only looked at is not saved, and no error either.
        return super().is_valid() and not self.is_preview

    def save(self, commit: bool = True) -> Any:
        if TIMES & set(self.changed_data):
            self.instance.ended_at = None
        return super().save(commit=commit)

    def _find_zone(self, name: str | None) -> ZoneInfo | None:
        try:
            return find_zone(name) if name else None
        except ConfigurationError as error:
            self.add_error("timezone", error.sentence)
            return None

    def _read_instant(self, name: str, zone: ZoneInfo | None) -> datetime | None:
        """Replace what the wall showed by the instant, and return that."""
        wall = self.cleaned_data.pop(name, None)
        if wall is None or zone is None:
            return None
        try:
            instant: datetime = wall.replace(tzinfo=zone).astimezone(UTC)
        except OverflowError:
            self.add_error(name, gettext("There is no such time; check the year."))
            return None
        if name == "starts_at" and self.instance.pk and not {name, "timezone"} & set(self.changed_data):
            # It may be the second of an hour that comes twice, which the wall does not say.
            instant = self.instance.starts_at
        self.cleaned_data[name] = instant
        return instant

    def _write_recurrence(self, cleaned: dict[str, Any]) -> str:
        recurs = cleaned.get("recurs")
        if recurs == OWN and not cleaned.get("rule"):
            if "rule" not in self.errors:
                self.add_error("rule", gettext("Write a rule such as FREQ=WEEKLY;BYDAY=SU, or choose another way."))
            return ""
        if recurs == OWN:
            return "\n".join(str(cleaned["rule"]).splitlines()).strip()
        days = ",".join(cleaned.get("weekdays") or ())
        weekly = f"FREQ=WEEKLY;BYDAY={days}" if days else "FREQ=WEEKLY"
        return {DAILY: "FREQ=DAILY", WEEKLY: weekly, MONTHLY: "FREQ=MONTHLY"}.get(recurs or "", "")

    def _update_errors(self, errors: ValidationError) -> None:
        """Put what the model refuses to the fields that stand here for its columns."""
        if hasattr(errors, "error_dict"):
            named = {_FIELDS.get(field, field): sentences for field, sentences in errors.error_dict.items()}
            # Said already, in this form's own words.
            errors = ValidationError({f: each for f, each in named.items() if f not in self.errors})
        super()._update_errors(errors)  # type: ignore[misc]  # Django's own, without a stub


def read_recurrence(rule: str) -> dict[str, Any]:
    """Return the form's fields of a stored rule."""
    weekly = _WEEKLY_RULE.fullmatch(rule)
    if weekly:
        return {"recurs": WEEKLY, "weekdays": (weekly[1] or "").split(",") if weekly[1] else [], "rule": ""}
    recurs = _SIMPLE.get(rule, OWN)
    return {"recurs": recurs, "weekdays": [], "rule": rule if recurs == OWN else ""}


def describe_recurrence(rule: str) -> str:
    """Return in words what the form offers in words; empty for a rule of one's own."""
    read = read_recurrence(rule)
    if read["recurs"] == WEEKLY:
        names = dict(WEEKDAY_CHOICES)
        days = ", ".join(str(names[day]) for day in read["weekdays"])
        return gettext("every week: %(days)s") % {"days": days} if days else gettext("every week")
    words = {ONCE: gettext("once"), DAILY: gettext("every day"), MONTHLY: gettext("every month")}
    return words.get(read["recurs"], "")


def _read_times(window: MaintenanceWindow) -> dict[str, Any]:
    try:
        zone = find_zone(window.timezone)
    except ConfigurationError:
        # A time zone that vanished from the system; its own field says so.
        zone = ZoneInfo("UTC")
    ends_at = window.starts_at + timedelta(seconds=window.duration_seconds)
    return {
        "starts_at": window.starts_at.astimezone(zone).replace(tzinfo=None, microsecond=0),
        "ends_at": ends_at.astimezone(zone).replace(tzinfo=None, microsecond=0),
    }
