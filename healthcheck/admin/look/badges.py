"""States as word, colour and shape, so that none of them has to be told by colour alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from healthcheck.engine.types import State

SHAPES: Mapping[State, str] = {State.UNKNOWN: "○", State.UP: "●", State.DEGRADED: "▲", State.DOWN: "■"}
STATE_WORDS: Mapping[State, Promise] = {
    State.UNKNOWN: gettext_lazy("unknown"),
    State.UP: gettext_lazy("up"),
    State.DEGRADED: gettext_lazy("degraded"),
    State.DOWN: gettext_lazy("down"),
}
# Worst first: what is read first is what matters.
WORST_FIRST = (State.DOWN, State.DEGRADED, State.UNKNOWN, State.UP)


def draw_state(state: State, *, count: int | None = None, word: str | None = None) -> SafeString:
    """Return the badge of a state, with how many are in it where a number is given, or with another word."""
    name = STATE_WORDS[state]
    text = word or (name if count is None else f"{count} {name}")
    # None in a state is nothing to look at, whichever state it is.
    look = "zero" if count == 0 else state.word
    return format_html(
        '<span class="hc-state hc-{}"><span aria-hidden="true">{}</span> {}</span>', look, SHAPES[state], text
    )


def draw_counts(counts: Mapping[State, int], *, paused: int = 0) -> SafeString:
    """Return one badge per state that occurs, worst first, and the number of paused endpoints."""
    badges: list[str] = [draw_state(state, count=counts[state]) for state in WORST_FIRST if counts.get(state)]
    if paused:
        badges.append(draw_paused(_("%(count)s paused") % {"count": paused}))
    return _join(badges) if badges else format_html('<span class="hc-quiet">{}</span>', _("no endpoints"))


def draw_paused(text: str = "") -> SafeString:
    return format_html(
        '<span class="hc-state hc-paused"><span aria-hidden="true">‖</span> {}</span>', text or _("paused")
    )


def draw_maintenance(text: str = "") -> SafeString:
    return format_html(
        '<span class="hc-state hc-maintenance"><span aria-hidden="true">◆</span> {}</span>', text or _("in maintenance")
    )


def _join(badges: Iterable[str]) -> SafeString:
    return format_html_join(" ", "{}", ((badge,) for badge in badges))
