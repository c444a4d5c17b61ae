"""What every public answer carries: a strict content security policy, a short cache, an ETag of its content."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from hashlib import blake2b
from http import HTTPStatus

from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from healthcheck.web.unavailable import answer_unavailable

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self'",
        "script-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    # Long enough to spare the database a crowd, short enough for a page that is to tell the truth.
    "Cache-Control": "public, max-age=5",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

View = Callable[..., HttpResponse]


def public(view: View) -> View:
    """Make a view public: safe methods only, our headers, 304 for a client that has this very content."""

    @wraps(view)
    def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
        except Error as error:
            response = answer_unavailable(request, error)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if response.status_code != HTTPStatus.OK:
            return response
        etag = f'"{blake2b(response.content, digest_size=16).hexdigest()}"'
        response.headers["ETag"] = etag
        conditional = get_conditional_response(request, etag=etag, response=response)
        return response if conditional is None else conditional

    return require_safe(answer)
