"""The field of a form in which people write an instant, and whole seconds around what was measured."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from healthcheck.definitions.instants import read_instant

# Of that of any zone, a day at most, with room for what people forget to delete.
MAX_WRITTEN_LENGTH = 60
CLOCK_HELP_ID = "hc-clock"
_SECOND = timedelta(seconds=1)


class InstantField(forms.CharField):
    """An aware instant in UTC."""

    default_error_messages = {"required": gettext_lazy("Give a time.")}

    def __init__(self, **options: Any) -> None:
        # Of two beside each other; the form says it once, under both.
        described = {"aria-describedby": CLOCK_HELP_ID}
        attributes = {"class": "vTextField", "autocomplete": "off", "spellcheck": "false"} | described
        super().__init__(max_length=MAX_WRITTEN_LENGTH, widget=forms.TextInput(attrs=attributes), **options)

    def clean(self, value: Any) -> Any:
        written = super().clean(value)
        return read_instant(written) if written else None


def describe_clock() -> str:
    """Return how a time is written, for whoever reads the form."""
    sentence = _(
        "Times are written as 2026-07-01 14:05:30, in the time zone %(zone)s, or with an offset from UTC, as in "
        "2026-07-01 14:05+02:00."
    )
    return sentence % {"zone": timezone.get_current_timezone_name()}


def round_outwards(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """Return the whole seconds that hold the interval: what a person reads then covers all of it."""
    first = start.replace(microsecond=0)
    last = end.replace(microsecond=0)
    return first, last if last == end else last + _SECOND
