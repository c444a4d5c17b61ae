"""The options of echo requests as fields of a form."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from healthcheck.admin.look.bases import ModelFormBase
from healthcheck.engine.probes.icmp_options import (
    COOKIE_BYTES,
    MAX_INTERVAL_MS,
    MAX_PACKET_BYTES,
    MAX_PACKETS,
    MAX_WAIT_MS,
    MIN_INTERVAL_MS,
    MIN_WAIT_MS,
)


class EchoFields(ModelFormBase):
    """Mixed into the form with the options of every kind."""

    packets = forms.IntegerField(
        min_value=1,
        max_value=MAX_PACKETS,
        label=_("Echo requests"),
        help_text=_("1 to 20. Any reply is up; write how much may stay out as an assertion, such as loss <= 20%."),
    )
    packet_interval_ms = forms.IntegerField(
        min_value=MIN_INTERVAL_MS,
        max_value=MAX_INTERVAL_MS,
        label=_("Time between requests (ms)"),
        help_text=_("10 to 5000. All of it has to fit into the timeout."),
    )
    packet_wait_ms = forms.IntegerField(
        min_value=MIN_WAIT_MS,
        max_value=MAX_WAIT_MS,
        label=_("Wait for each reply (ms)"),
        help_text=_("10 to 10000. A reply that takes longer is lost."),
    )
    packet_bytes = forms.IntegerField(
        min_value=COOKIE_BYTES,
        max_value=MAX_PACKET_BYTES,
        label=_("Size of a request (bytes)"),
        help_text=_("16 to 1472, without the headers."),
    )
