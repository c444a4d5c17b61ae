"""Which language a visitor reads: the page's own, else the first that the browser asks for and we speak.

Decided here, per page, so that no middleware of a project is needed and none can answer with another one's words.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation.trans_real import parse_accept_lang_header

_SOURCE = "en"
_CATALOGUES = Path(__file__).resolve().parent.parent / "locale"


@cache
def list_spoken() -> dict[str, str]:
    """Return the languages that the texts are written in, by code: of those that the project allows."""
    written = {_SOURCE, *(path.parent.parent.name for path in _CATALOGUES.glob("*/LC_MESSAGES/django.mo"))}
    allowed = {code: name for code, name in settings.LANGUAGES if code in written}
    return allowed or {_SOURCE: "English"}


def choose_language(request: HttpRequest, wanted: str) -> str:
    """Return the code to answer in. `wanted` is the page's own language, empty to follow the visitor."""
    asked = [code for code, _weight in parse_accept_lang_header(request.headers.get("Accept-Language", ""))]
    for code in (wanted, *asked, settings.LANGUAGE_CODE):
        spoken = _find_spoken(code)
        if spoken:
            return spoken
    return _SOURCE


def _find_spoken(code: str) -> str:
    """Return the spoken language that a code means, such as de for de-AT; empty for none."""
    if not code:
        return ""
    if code in list_spoken():
        return code
    base = code.partition("-")[0]
    return base if base in list_spoken() else ""
