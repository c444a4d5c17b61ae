"""Answers probes before any middleware that judges the request: they come by address, not by an allowed name.

Keeps the tokens of jobs out of the server's log as well, whoever answered the call.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.urls import Resolver404, resolve

from healthcheck.web import health
from healthcheck.web.inbox import signals

PROBES = {"healthz": health.healthz, "readyz": health.readyz}


def answer_probes(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware, to be the first: `/healthz` and `/readyz`, under whatever prefix, for any Host, never redirected."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        probe = PROBES.get(request.path_info.rpartition("/")[2])
        if probe is None or not _leads_to(probe, request.path_info):
            response = get_response(request)
            signals.hide_call(request)
            return response
        response = probe(request)
        # What the middleware that is passed by would have added.
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Content-Length"] = str(len(response.content))
        return response

    return answer


def _leads_to(view: Callable[..., HttpResponseBase], path: str) -> bool:
    try:
        return resolve(path).func is view
    except Resolver404:
        return False
