"""From a request to an answer: find the page, pass its gate, and render only what no process has rendered just now."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext, override

from healthcheck.models import StatusPage
from healthcheck.models.clock import read_database_clock
from healthcheck.models.page import DEFAULT_SLUG, Visibility
from healthcheck.web.addresses import PageUrls, find_urls
from healthcheck.web.answers import ANSWERS, Answer, pack
from healthcheck.web.gate import is_public, keep_private, may_see, refuse_machine, refuse_reader
from healthcheck.web.language import choose_language
from healthcheck.web.public import send_answer
from healthcheck.web.snapshot import find_page


class Visit(NamedTuple):
    """What a part of a page is rendered from."""

    page: StatusPage
    urls: PageUrls
    now: datetime


@dataclass(frozen=True, slots=True)
class Part:
    """Something that a page answers with; `name` tells it from the page's others, `render` returns its text."""

    name: str
    render: Callable[[Visit], str]
    content_type: str = "text/html; charset=utf-8"
    endpoint_id: int | None = None
    is_for_machines: bool = False


def serve(request: HttpRequest, slug: str | None, part: Part) -> HttpResponse:
    """Answer with a part of the page of that slug, or of the default page. Raises Http404 where there is none."""
    page = get_page(request, slug)
    urls = find_urls(request, page, at_root=slug is None)
    language = choose_language(request, page.language)
    if not may_see(request, page):
        with override(language):
            return _refuse(request, page, urls, part)
    if slug is None and page.visibility == Visibility.PASSWORD and not part.is_for_machines:
        # The visitor's pass is sent below the page's own address only.
        return keep_private(HttpResponseRedirect(urls.page))
    at = time.monotonic()
    key = (part.name, urls, language, _fingerprint(page))
    answer = ANSWERS.find(key, at=at)
    if answer is None:
        with override(language):
            answer = _render(part, Visit(page, urls, read_database_clock()), at)
        ANSWERS.keep(key, answer)
    response = send_answer(request, answer, at=at, varies_by_language=not page.language)
    return response if is_public(page) else keep_private(response)


def get_page(request: HttpRequest, slug: str | None) -> StatusPage:
    """Return the page of that slug, or the default one, made up where nobody has made any."""
    page = find_page(slug)
    if page is None and slug is None:
        # Nobody has made a page yet: show the way instead of an error.
        with override(choose_language(request, "")):
            return StatusPage(slug=DEFAULT_SLUG, title=gettext("Status"))
    if page is None:
        raise Http404
    return page


def _refuse(request: HttpRequest, page: StatusPage, urls: PageUrls, part: Part) -> HttpResponse:
    if part.is_for_machines:
        return refuse_machine(page)
    return refuse_reader(request, page, urls, endpoint_id=part.endpoint_id)


def _render(part: Part, visit: Visit, at: float) -> Answer:
    return pack(part.render(visit).encode("utf-8", "replace"), part.content_type, at=at)


def _fingerprint(page: StatusPage) -> tuple[object, ...]:
    """Return the page's own columns but for the picture: what is edited there is shown at once."""
    columns = (field.attname for field in StatusPage._meta.concrete_fields if field.attname != "logo")
    return tuple(getattr(page, column) for column in columns)
