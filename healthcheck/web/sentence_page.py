"""One sentence instead of the page that was asked for, or instead of its twin; nobody may keep it."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

_JSON = "application/json"


def answer_sentence(
    request: HttpRequest, status: HTTPStatus, sentence: str, *, template: str, context: Mapping[str, object]
) -> HttpResponse:
    """Return it as `template`, which extends `sentence.html`, or as JSON with the key `error` for who reads that."""
    if request.path.endswith(".json") or request.get_preferred_type(["text/html", _JSON]) == _JSON:
        response: HttpResponse = JsonResponse({"error": sentence}, status=status)
    else:
        response = HttpResponse(render_to_string(template, {**context, "sentence": sentence}), status=status)
    # It may be otherwise in a moment.
    response.headers["Cache-Control"] = "no-store"
    return response
