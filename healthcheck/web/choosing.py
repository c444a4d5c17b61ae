"""Which period a visitor asks for, and the links to the others. What is no period is the one that pages show anyhow."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from healthcheck.web.uptime import NOW_KEY, PERIODS, Period, find_period
from healthcheck.web.uptime_words import PERIOD_WORDS

DEFAULT_KEY = "90d"
KEYS = (NOW_KEY, *(period.key for period in PERIODS))


def choose_key(request: HttpRequest) -> str:
    """Return a key of KEYS, whatever stands in the address."""
    key = request.GET.get("period", "")
    return key if key in KEYS else DEFAULT_KEY


def choose_period(key: str) -> Period | None:
    """Return the period, None for the last checks."""
    return find_period(key)


def write_query(key: str) -> str:
    """Return what follows an address to show it with this period: nothing for the default, which has one address."""
    return "" if key == DEFAULT_KEY else f"?period={key}"


def build_choices(key: str) -> list[dict[str, Any]]:
    """Return the links to all periods, relative to the page that they stand on."""
    return [{"word": PERIOD_WORDS[each], "href": write_query(each) or "./", "is_current": each == key} for each in KEYS]
