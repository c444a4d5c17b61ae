"""What every answer of the pages carries: a strict content security policy, a short cache, an ETag of its content."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.db import Error
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.translation import override
from django.views.decorators.http import require_http_methods, require_safe

from healthcheck.web.answers import MAX_AGE_SECONDS, Answer
from healthcheck.web.database_faults import find_fault
from healthcheck.web.language import choose_language
from healthcheck.web.missing import answer_missing
from healthcheck.web.unavailable import answer_unavailable

_POLICY = {
    "default-src": "'none'",
    "style-src": "'self'",
    "img-src": "'self'",
    "script-src": "'self'",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
CONTENT_SECURITY_POLICY = "; ".join(f"{name} {value}" for name, value in _POLICY.items())
FORM_SECURITY_POLICY = CONTENT_SECURITY_POLICY.replace("form-action 'none'", "form-action 'self'")
HEADERS = {
    # Long enough to spare the database a crowd, short enough for a page that is to tell the truth.
    "Cache-Control": f"public, max-age={MAX_AGE_SECONDS}",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

View = Callable[..., HttpResponse]


def public(view: View) -> View:
    """Make a view public: safe methods only, our headers, one sentence where there is no page or no database."""
    return require_safe(_guard(view, {}))


def public_form(view: View) -> View:
    """The same for a view that takes a form of its own."""
    guarded = _guard(view, {"Content-Security-Policy": FORM_SECURITY_POLICY})
    return require_http_methods(["GET", "HEAD", "POST"])(guarded)


def _guard(view: View, own_headers: dict[str, str]) -> View:
    @wraps(view)
    def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
        except Http404:
            # Here and not by the project, whose page of another look would belong to something else.
            response = answer_missing(request)
        except Error as error:
            fault = find_fault(error)
            if fault is None:
                # A defect, and the project's to answer: waiting for the database would not mend it.
                raise
            with override(choose_language(request, "")):
                response = answer_unavailable(request, error, fault)
        for name, value in (HEADERS | own_headers).items():
            response.headers.setdefault(name, value)
        return response

    return answer


def send_answer(request: HttpRequest, answer: Answer, *, at: float, varies_by_language: bool) -> HttpResponse:
    """Send a public answer packed where the visitor takes that, or 304 to one who has this very content."""
    is_packed = bool(answer.packed) and _takes_gzip(request)
    response = HttpResponse(answer.packed if is_packed else answer.content, content_type=answer.content_type)
    if is_packed:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["ETag"] = answer.etag
    # What was kept here for a while may be kept elsewhere for the rest of its time only.
    rest = max(0, MAX_AGE_SECONDS - int(at - answer.made_at))
    response.headers["Cache-Control"] = f"public, max-age={rest}"
    patch_vary_headers(response, ["Accept-Encoding", *(["Accept-Language"] if varies_by_language else [])])
    conditional = get_conditional_response(request, etag=answer.etag, response=response)
    return response if conditional is None else conditional


def _takes_gzip(request: HttpRequest) -> bool:
    """Tell whether the browser named gzip without refusing it in the same breath."""
    for offer in request.headers.get("Accept-Encoding", "").split(","):
        name, _, weight = offer.partition(";")
        if name.strip().lower() == "gzip":
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False
