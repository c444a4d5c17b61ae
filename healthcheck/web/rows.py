"""One endpoint of a page as markup. Drawn here, not by a template: a thousand of them take a hundredth of a second.

Everything that comes from people is escaped where it is placed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo
from html import escape

from django.utils.safestring import SafeString
from django.utils.timezone import get_current_timezone
from django.utils.translation import get_language, gettext

from healthcheck.engine.types import State
from healthcheck.web.bars import draw_bars
from healthcheck.web.board import EndpointView
from healthcheck.web.strip import draw_strip
from healthcheck.web.uptime import Span
from healthcheck.web.uptime_words import UNITS, describe_unknown, describe_uptime
from healthcheck.web.words import (
    describe_age,
    describe_latency,
    describe_local,
    describe_reason,
    describe_state,
    shorten_name,
)

_ICONS = [state.word for state in State]


@dataclass(frozen=True, slots=True)
class Manner:
    """How rows are drawn: `level` is that of their headings, the endpoints' pages lie under `page_url`.

    With a span they show its bars, without one the last checks. `query` goes behind the address of an endpoint's page.
    """

    page_url: str
    level: int
    span: Span | None = None
    query: str = ""


@dataclass(frozen=True, slots=True)
class _Frame:
    """What the rows of a group share."""

    now: datetime
    manner: Manner
    language: str | None
    zone: tzinfo
    paused: str
    maintenance: str
    since: str
    no_data: str


def draw_rows(endpoints: tuple[EndpointView, ...], now: datetime, manner: Manner) -> SafeString:
    """Return list items."""
    badges = {"paused": _draw_badge("paused", gettext("Paused")), "maintenance": draw_maintenance()}
    words = badges | {"since": escape(gettext("since")), "no_data": escape(gettext("No data"))}
    frame = _Frame(now, manner, language=get_language(), zone=get_current_timezone(), **words)
    return SafeString("\n".join(_draw_row(endpoint, frame) for endpoint in endpoints))


def choose_icon(endpoint: EndpointView) -> str:
    return _ICONS[endpoint.state] if endpoint.is_checked else "idle"


def _draw_row(endpoint: EndpointView, frame: _Frame) -> str:
    icon = choose_icon(endpoint)
    resting = " hc-is-resting" if endpoint.is_paused else ""
    badge = f" {frame.paused}" if endpoint.is_paused else ""
    badge += f" {frame.maintenance}" if endpoint.in_maintenance else ""
    level = frame.manner.level
    strip, number = _draw_past(endpoint, frame)
    return (
        f'<li class="hc-endpoint hc-is-{icon}{resting}"><div class="hc-endpoint-what">'
        f'<h{level} class="hc-endpoint-name"><a href="{frame.manner.page_url}{endpoint.id}/{frame.manner.query}">'
        f"<bdi>{escape(shorten_name(endpoint.name))}</bdi></a></h{level}>{_draw_notes(endpoint, frame)}</div>"
        f'<p class="hc-endpoint-state"><span class="hc-endpoint-word"><svg class="hc-icon" aria-hidden="true">'
        f'<use href="#hc-{icon}"/></svg>{escape(describe_state(endpoint, frame.language))}</span>{badge}</p>'
        f'<div class="hc-endpoint-strip">{strip}</div><p class="hc-endpoint-latency">{number}</p></li>'
    )


def _draw_past(endpoint: EndpointView, frame: _Frame) -> tuple[str, str]:
    span = frame.manner.span
    return _draw_checks(endpoint, frame) if span is None else _draw_span(endpoint, frame, span)


def _draw_checks(endpoint: EndpointView, frame: _Frame) -> tuple[str, str]:
    """Return the strip of the last checks, and how long the newest took."""
    latency = describe_latency(endpoint.latency_us, frame.language) if endpoint.latency_us else ""
    strip = draw_strip(endpoint.sighting.strip, frame.language) if endpoint.is_checked else ""
    return strip, escape(latency)


def _draw_span(endpoint: EndpointView, frame: _Frame, span: Span) -> tuple[str, str]:
    """Return the bars of a period with what was not measured of it, and its uptime."""
    if endpoint.uptime is None or not any(endpoint.uptime.marks):
        return "", frame.no_data
    totals = endpoint.uptime.totals
    unknown = describe_unknown(totals, frame.language)
    note = f'<p class="hc-endpoint-unknown">{escape(unknown)}</p>' if unknown else ""
    bars = draw_bars(endpoint.uptime.marks, UNITS[span.period.resolution], frame.language)
    uptime = describe_uptime(totals, counts_degraded=span.counts_degraded, language=frame.language)
    return f"{bars}{note}", escape(uptime) or frame.no_data


def _draw_notes(endpoint: EndpointView, frame: _Frame) -> str:
    """Return why and since when, where there is something to tell."""
    reason = describe_reason(endpoint)
    notes = f'<p class="hc-endpoint-reason">{escape(reason)}</p>' if reason else ""
    since = endpoint.sighting.since
    if since is None or not endpoint.is_checked:
        return notes
    local = since.astimezone(frame.zone)
    instant = escape(describe_local(local, frame.language, with_seconds=False))
    age = escape(describe_age(since, frame.now, frame.language))
    return (
        f'{notes}<p class="hc-quiet">{frame.since} <time datetime="{local.isoformat()}">{instant}</time>'
        f' <span class="hc-unbroken">({age})</span></p>'
    )


def draw_maintenance() -> SafeString:
    return SafeString(_draw_badge("maintenance", gettext("Maintenance")))


def _draw_badge(icon: str, word: str) -> str:
    return (
        f'<span class="hc-badge"><svg class="hc-icon" aria-hidden="true"><use href="#hc-{icon}"/></svg>'
        f"{escape(word)}</span>"
    )
