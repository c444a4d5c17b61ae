"""The pages and their JSON twins: read-only, in a fixed number of queries; public ones know no cookie."""

from __future__ import annotations

import json
from functools import partial

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from healthcheck.web.addresses import find_admin_url
from healthcheck.web.announcement import draw_announcement
from healthcheck.web.choosing import build_choices, choose_key, choose_period, write_query
from healthcheck.web.incidents import SHOWN_AFTER, build_incidents, describe_incidents, load_incidents
from healthcheck.web.json_twin import describe_board
from healthcheck.web.look import load_look
from healthcheck.web.maintenance import build_notices, describe_notices, load_notices
from healthcheck.web.public import public
from healthcheck.web.rendering import build_context
from healthcheck.web.serving import Part, Visit, serve
from healthcheck.web.snapshot import load_board

REFRESH_SECONDS = 10
JSON = "application/json"


@public
def status_page(request: HttpRequest, slug: str | None = None) -> HttpResponse:
    """Show a page; without a slug the default one."""
    key = choose_key(request)
    return serve(request, slug, Part(f"page {key}", partial(_render_page, key)))


@public
def status_json(request: HttpRequest, slug: str | None = None) -> HttpResponse:
    """Return the page's facts; `json_twin` documents the keys."""
    key = choose_key(request)
    return serve(request, slug, Part(f"json {key}", partial(_render_json, key), JSON, is_for_machines=True))


def _render_page(key: str, visit: Visit) -> str:
    board = load_board(visit.page, now=visit.now, period=choose_period(key))
    query = write_query(key)
    incidents = build_incidents(load_incidents(board, visit.now), visit.now)
    context = build_context(board, visit.now, page_url=visit.urls.page, query=query) | {
        "periods": build_choices(key),
        "canonical_url": f"{visit.urls.page}{query}",
        "announcement": draw_announcement(visit.page.announcement),
        "announcement_level": visit.page.announcement_level,
        "notices": build_notices(load_notices(board, visit.now), visit.now),
        "open_incidents": [each for each in incidents if each["is_open"]],
        "past_incidents": [each for each in incidents if not each["is_open"]],
        "history_days": SHOWN_AFTER.days,
        "look": load_look(visit.page, visit.urls),
        "json_url": f"{visit.urls.json}{query}",
        "admin_url": "" if board.groups else find_admin_url(),
        "refresh_seconds": REFRESH_SECONDS,
    }
    # Rendered without the request: no context processor can reach for a session, so none is ever opened.
    return render_to_string("healthcheck/status.html", context)


def _render_json(key: str, visit: Visit) -> str:
    page = visit.page
    announcement = {"level": page.announcement_level, "text": page.announcement} if page.announcement else None
    board = load_board(page, now=visit.now, period=choose_period(key))
    facts = describe_board(board, visit.now) | {
        "announcement": announcement,
        "maintenance": describe_notices(load_notices(board, visit.now)),
        "incidents": describe_incidents(load_incidents(board, visit.now)),
    }
    return json.dumps(facts)
