"""The uptime of the last 24 hours as the lists of endpoints and groups show it: read as status pages read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from healthcheck.engine.types import State
from healthcheck.engine.uptime import Totals
from healthcheck.models import Endpoint
from healthcheck.web.uptime import PERIODS
from healthcheck.web.uptime_rows import Owner, judge_standing, read_period
from healthcheck.web.uptime_words import describe_unknown, describe_uptime

PERIOD = PERIODS[0]
# Of all groups of a list together: each costs a strip, ten thousand of them most of a second.
MAX_MEMBERS = 5000
_NONE = "–"


def load_endpoint_totals(endpoints: Sequence[Endpoint], now: datetime) -> dict[int, Totals]:
    """Return what the last 24 hours of each came to, whose `states` are loaded already.

    Three queries at most, and one more for each further location with changes since its last roll-up.
    """
    standings = {
        Owner(endpoint.pk, row.location_id): standing
        for endpoint in endpoints
        for row in endpoint.states.all()
        if (standing := judge_standing(State(row.state), row.since, row.valid_until, now))
    }
    chosen = Endpoint.objects.filter(pk__in=[endpoint.pk for endpoint in endpoints])
    uptimes = read_period(chosen, PERIOD, now, standings=standings).uptimes
    return {endpoint.pk: uptimes[endpoint.pk].totals if endpoint.pk in uptimes else Totals() for endpoint in endpoints}


def load_group_totals(sizes: Mapping[int, int], now: datetime) -> dict[int, Totals]:
    """Return what the last 24 hours of all endpoints of each group came to; `sizes` holds how many it has.

    A group is absent for which MAX_MEMBERS leaves no room. Two queries more than for endpoints.
    """
    totals = dict.fromkeys(_choose_groups(sizes), Totals())
    members = Endpoint.objects.existing().filter(group_id__in=list(totals))
    group_ids = dict(members.order_by().values_list("pk", "group_id"))
    for endpoint_id, uptime in read_period(members, PERIOD, now).uptimes.items():
        # One that was added meanwhile is in the next reading.
        if endpoint_id in group_ids:
            totals[group_ids[endpoint_id]] += uptime.totals
    return totals


def draw_uptime(totals: Totals | None) -> SafeString:
    """Return the uptime, and below it which share nobody measured; None where it was too much to read."""
    if totals is None:
        return format_html('<span class="hc-quiet">{}</span>', _("too many endpoints"))
    # A page may count it otherwise, and says so.
    uptime = describe_uptime(totals, counts_degraded=True) or _NONE
    unknown = describe_unknown(totals)
    below = format_html('<br><span class="hc-quiet">{}</span>', unknown) if unknown else ""
    return format_html("{}{}", uptime, below)


def _choose_groups(sizes: Mapping[int, int]) -> list[int]:
    room, chosen = MAX_MEMBERS, []
    for group_id, size in sizes.items():
        if size <= room:
            chosen.append(group_id)
            room -= size
    return chosen
