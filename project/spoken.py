"""The admin in the language that the browser asks for; every other page chooses for itself."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.urls import NoReverseMatch, reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import override

from healthcheck.web.language import choose_language

Answer = Callable[[HttpRequest], HttpResponseBase]


def speak_in_admin(get_response: Answer) -> Answer:
    """Speak a language that our texts are written in. What is not the admin's depends on nothing of this."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        if not _is_of_admin(request):
            return get_response(request)
        language = choose_language(request, "")
        # Until the answer is there and no longer: threads answer one visitor after the other.
        with override(language):
            response = get_response(request)
        patch_vary_headers(response, ["Accept-Language"])
        response.headers.setdefault("Content-Language", language)
        return response

    return answer


def _is_of_admin(request: HttpRequest) -> bool:
    # A project that includes the app may have no admin.
    try:
        return request.path.startswith(reverse("admin:index"))
    except NoReverseMatch:
        return False
