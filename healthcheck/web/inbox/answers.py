"""What callers of the inbox are answered, and how much of what they send is read."""

from __future__ import annotations

import sys
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse


def read_body(request: HttpRequest, limit: int) -> bytes:
    """Return at most `limit` bytes of the body, and nothing of one that broke off or was none.

    Raises one of `list_refusals` for chunks that are none.
    """
    stream = request
    if "CONTENT_LENGTH" not in request.META and request.META.get("wsgi.input_terminated"):
        # Sent in chunks: Django takes it for empty, the server knows where it ends.
        stream = request.META["wsgi.input"]
    try:
        return stream.read(limit)
    except OSError:
        return b""


def list_refusals() -> tuple[type[Exception], ...]:
    """What gunicorn raises for chunks that are none, where it is the server: a kind of error that only it knows."""
    errors = sys.modules.get("gunicorn.http.errors")
    return (errors.ParseException,) if errors else ()


def ask_again(status: HTTPStatus, sentence: str, seconds: int) -> HttpResponse:
    response = say(status, sentence)
    response.headers["Retry-After"] = str(seconds)
    return response


def say(status: HTTPStatus, sentence: str) -> HttpResponse:
    return HttpResponse(f"{sentence}\n", status=status, content_type="text/plain; charset=utf-8")


def refuse_method(*methods: str) -> HttpResponse:
    """Answer another method than these."""
    listed = ", ".join(methods)
    response = say(HTTPStatus.METHOD_NOT_ALLOWED, f"use {' or '.join(listed.rsplit(', ', 1))}")
    response.headers["Allow"] = listed
    return response
