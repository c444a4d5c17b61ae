"""The page of one endpoint that a status page shows, and its JSON twin; behind the same gate as the page."""

from __future__ import annotations

import json
from functools import partial

from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string

from healthcheck.web.board import Board
from healthcheck.web.corrections import build_corrections, describe_corrections, load_corrections
from healthcheck.web.endpoint_rendering import build_endpoint_context, find_shown
from healthcheck.web.endpoint_twin import describe_endpoint_page
from healthcheck.web.history import load_changes, load_samples
from healthcheck.web.look import load_look
from healthcheck.web.public import public
from healthcheck.web.serving import Part, Visit, serve
from healthcheck.web.snapshot import load_board
from healthcheck.web.views import JSON, REFRESH_SECONDS
from healthcheck.web.window import build_window


@public
def endpoint_page(request: HttpRequest, slug: str, endpoint_id: int) -> HttpResponse:
    """Show an endpoint: its state, its response times, its last changes."""
    render = partial(_render_page, endpoint_id)
    return serve(request, slug, Part(f"endpoint {endpoint_id}", render, endpoint_id=endpoint_id))


@public
def endpoint_json(request: HttpRequest, slug: str, endpoint_id: int) -> HttpResponse:
    """Return the endpoint's facts; `endpoint_twin` documents the keys."""
    render = partial(_render_json, endpoint_id)
    return serve(request, slug, Part(f"endpoint {endpoint_id} json", render, JSON, is_for_machines=True))


def _render_page(endpoint_id: int, visit: Visit) -> str:
    board = _load_narrow(endpoint_id, visit)
    window = build_window(load_samples(endpoint_id), visit.now)
    context = build_endpoint_context(board, window=window, changes=load_changes(endpoint_id), now=visit.now) | {
        "look": load_look(visit.page, visit.urls),
        "page_url": visit.urls.page,
        "json_url": f"{visit.urls.page}{endpoint_id}.json",
        "refresh_seconds": REFRESH_SECONDS,
        "corrections": build_corrections(load_corrections(endpoint_id, visit.now), visit.now),
    }
    return render_to_string("healthcheck/endpoint.html", context)


def _render_json(endpoint_id: int, visit: Visit) -> str:
    board = _load_narrow(endpoint_id, visit)
    window = build_window(load_samples(endpoint_id), visit.now)
    facts = describe_endpoint_page(board, window=window, changes=load_changes(endpoint_id))
    return json.dumps(facts | {"corrections": describe_corrections(load_corrections(endpoint_id, visit.now))})


def _load_narrow(endpoint_id: int, visit: Visit) -> Board:
    """Return the page narrowed to one endpoint. Raises Http404 for one that is not on it, whatever the reason."""
    # Beyond a column of four bytes there is none, and PostgreSQL would say so by an error.
    if endpoint_id >= 2**31:
        raise Http404
    board = load_board(visit.page, now=visit.now, endpoint_id=endpoint_id)
    if find_shown(board) is None:
        raise Http404
    return board
