"""The page of one endpoint that a status page shows, and its JSON twin; behind the same gate as the page."""

from __future__ import annotations

import json
from functools import partial

from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string

from healthcheck.web.board import Board
from healthcheck.web.choosing import DEFAULT_KEY, choose_key, write_query
from healthcheck.web.corrections import build_corrections, describe_corrections, load_corrections
from healthcheck.web.endpoint_rendering import build_endpoint_context, find_shown
from healthcheck.web.endpoint_twin import describe_endpoint_page
from healthcheck.web.history import load_changes, load_samples
from healthcheck.web.look import load_look
from healthcheck.web.past import Past, find_own_span
from healthcheck.web.past_rendering import build_past
from healthcheck.web.past_rows import load_past
from healthcheck.web.past_twin import describe_past
from healthcheck.web.public import public
from healthcheck.web.serving import Part, Visit, serve
from healthcheck.web.snapshot import load_board
from healthcheck.web.uptime import PERIODS, Span, find_period
from healthcheck.web.views import JSON, REFRESH_SECONDS
from healthcheck.web.window import build_window


@public
def endpoint_page(request: HttpRequest, slug: str, endpoint_id: int) -> HttpResponse:
    """Show an endpoint: its state, its response times, its last changes."""
    key = _choose_key(request)
    render = partial(_render_page, endpoint_id, key)
    return serve(request, slug, Part(f"endpoint {endpoint_id} {key}", render, endpoint_id=endpoint_id))


@public
def endpoint_json(request: HttpRequest, slug: str, endpoint_id: int) -> HttpResponse:
    """Return the endpoint's facts; `endpoint_twin` documents the keys."""
    key = _choose_key(request)
    render = partial(_render_json, endpoint_id, key)
    return serve(request, slug, Part(f"endpoint {endpoint_id} json {key}", render, JSON, is_for_machines=True))


def _choose_key(request: HttpRequest) -> str:
    # The last checks stand there whatever the period.
    key = choose_key(request)
    return key if find_period(key) else DEFAULT_KEY


def _render_page(endpoint_id: int, key: str, visit: Visit) -> str:
    board = _load_narrow(endpoint_id, visit)
    past, span = _load_span(endpoint_id, key, visit)
    query = write_query(key)
    window = build_window(load_samples(endpoint_id), visit.now)
    context = build_endpoint_context(board, window=window, changes=load_changes(endpoint_id), now=visit.now) | {
        "past": build_past(past, span, visit.now),
        "look": load_look(visit.page, visit.urls),
        "page_url": f"{visit.urls.page}{query}",
        "canonical_url": f"{visit.urls.page}{endpoint_id}/{query}",
        "json_url": f"{visit.urls.page}{endpoint_id}.json{query}",
        "refresh_seconds": REFRESH_SECONDS,
        "corrections": build_corrections(load_corrections(endpoint_id, visit.now), visit.now),
    }
    return render_to_string("healthcheck/endpoint.html", context)


def _render_json(endpoint_id: int, key: str, visit: Visit) -> str:
    board = _load_narrow(endpoint_id, visit)
    past, span = _load_span(endpoint_id, key, visit)
    window = build_window(load_samples(endpoint_id), visit.now)
    facts = describe_endpoint_page(board, window=window, changes=load_changes(endpoint_id))
    facts |= describe_past(past, span, visit.now)
    return json.dumps(facts | {"corrections": describe_corrections(load_corrections(endpoint_id, visit.now))})


def _load_span(endpoint_id: int, key: str, visit: Visit) -> tuple[Past, Span]:
    """Return the past, and its period as the page shows it."""
    period = find_period(key) or PERIODS[-1]
    past = load_past(endpoint_id, period, visit.now)
    return past, find_own_span(past, period, visit.now, counts_degraded=visit.page.counts_degraded_as_good)


def _load_narrow(endpoint_id: int, visit: Visit) -> Board:
    """Return the page narrowed to one endpoint. Raises Http404 for one that is not on it, whatever the reason."""
    # Beyond a column of four bytes there is none, and PostgreSQL would say so by an error.
    if endpoint_id >= 2**31:
        raise Http404
    board = load_board(visit.page, now=visit.now, endpoint_id=endpoint_id)
    if find_shown(board) is None:
        raise Http404
    return board
