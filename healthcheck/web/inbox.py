"""Where jobs report: `ping/<token>`, and behind it start, fail, log or an exit code; and where links of messages lead
that acknowledge. The one file of these that writes.

What is not a valid token, in whatever way, gets one answer after the same work. The path of a job is a secret: it is
taken out of the request before anything can log it.
"""

from __future__ import annotations

import logging
import sys
import time
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from django.core.exceptions import TooManyFieldsSent
from django.db import Error
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve
from django.utils.cache import add_never_cache_headers
from django.utils.log import log_response
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.csrf import csrf_exempt

from healthcheck.engine.causes import describe_cause
from healthcheck.engine.heartbeats import MAX_EXIT_CODE
from healthcheck.engine.incidents import Severity
from healthcheck.models import Incident, NotificationChannel, SignalKind
from healthcheck.models.clock import read_database_clock
from healthcheck.models.heartbeat import MAX_BODY_LENGTH, MAX_RUN_NAME_LENGTH, hash_token
from healthcheck.pipeline.correct import Author
from healthcheck.pipeline.incident_verbs import acknowledge
from healthcheck.pipeline.links import read_link
from healthcheck.pipeline.signals import Call, Receipt, list_digests, take_signal
from healthcheck.publisher import PUBLISHER
from healthcheck.web.guesses import find_visitor
from healthcheck.web.language import choose_language
from healthcheck.web.public import public_form
from healthcheck.web.strangers import STRANGERS
from healthcheck.web.words import describe_instant

logger = logging.getLogger(__name__)

METHODS = ("GET", "HEAD", "POST")
RETRY_SECONDS = 10
# Characters of UTF-8 have up to four bytes; no more of a body is read, however long it is.
MAX_BODY_BYTES = 4 * MAX_BODY_LENGTH
HIDDEN = "[hidden]"
_MARK = "ping/"
_KINDS = {"": SignalKind.SUCCESS, "start": SignalKind.START, "fail": SignalKind.FAIL, "log": SignalKind.LOG}
# Where servers keep what was asked for, and write it into their log when the answer is gone.
_PLACES = ("PATH_INFO", "RAW_URI", "REQUEST_URI")


@csrf_exempt
def take_call(request: HttpRequest, rest: str) -> HttpResponse:
    """Take one call of a job. Sets no cookie, reads no session."""
    _hide_path(request, rest)
    if request.method not in METHODS:
        response = _say(HTTPStatus.METHOD_NOT_ALLOWED, "use GET, HEAD or POST")
        response.headers["Allow"] = ", ".join(METHODS)
        return _finish(request, response)
    token, _, what = rest.rstrip("/").partition("/")
    try:
        body = _read_body(request)
    except _list_refusals():
        # Before the token is looked at, so that this answer tells nothing of it.
        return _finish(request, _say(HTTPStatus.BAD_REQUEST, "the body is not chunked as it says"))
    try:
        response = _answer(request, token, _hide_token(_parse(what, request, body), token))
    except Error as error:
        # The type only: a driver's words may hold the database's address.
        name = type(error).__name__
        response = _ask_again(HTTPStatus.SERVICE_UNAVAILABLE, "the database cannot be reached", RETRY_SECONDS)
        log_response("signal not taken, no database (%s)", name, response=response, logger=logger)
    return _finish(request, response)


def _answer(request: HttpRequest, token: str, call: Call | None) -> HttpResponse:
    address, at = find_visitor(request), time.monotonic()
    now = read_database_clock()
    wait = STRANGERS.find_wait(address, at=at)
    if wait and not STRANGERS.is_known(hash_token(token), lambda limit: list_digests(now, limit), at=at):
        return _ask_again(HTTPStatus.TOO_MANY_REQUESTS, "too many calls", wait)
    # What cannot be read is looked up as what no token is: the same work for every wrong address.
    receipt = take_signal(token if call else "", call or Call(SignalKind.LOG), now)
    if not receipt.is_known:
        STRANGERS.count(address, at=at)
        return _say(HTTPStatus.NOT_FOUND, "unknown")
    return _acknowledge(receipt)


def _acknowledge(receipt: Receipt) -> HttpResponse:
    if receipt.retry_seconds:
        return _ask_again(HTTPStatus.TOO_MANY_REQUESTS, "too many calls", receipt.retry_seconds)
    return _say(HTTPStatus.OK, "OK")


def _parse(what: str, request: HttpRequest, body: str) -> Call | None:
    """Return what the address says, or None where it says nothing that we know."""
    kind, exit_code = _KINDS.get(what), None
    if what.isascii() and what.isdigit() and len(what) <= 3 and int(what) <= MAX_EXIT_CODE:
        exit_code = int(what)
        kind = SignalKind.FAIL if exit_code else SignalKind.SUCCESS
    try:
        run_name = request.GET.get("rid", "")
    except TooManyFieldsSent:
        # Django's own answer would be another one, and its log a traceback for each call of anybody.
        return None
    if kind is None:
        return None
    return Call(kind, exit_code, run_name, body, find_visitor(request))


def _hide_token(call: Call | None, token: str) -> Call | None:
    """Take the token out of what the job says, and cap that."""
    if call is None or not token:
        return call
    run_name, body = (text.replace(token, HIDDEN) for text in (call.run_name, call.body))
    return replace(call, run_name=run_name[:MAX_RUN_NAME_LENGTH], body=body)


def _read_body(request: HttpRequest) -> str:
    stream = request
    if "CONTENT_LENGTH" not in request.META and request.META.get("wsgi.input_terminated"):
        # Sent in chunks: Django takes it for empty, the server knows where it ends.
        stream = request.META["wsgi.input"]
    try:
        body = stream.read(MAX_BODY_BYTES)
    except OSError:
        # It broke off, or was no body at all. The address alone is the signal.
        return ""
    # Windows ends its lines with two characters, of which one cannot be seen.
    return body.decode("utf-8", "replace").replace("\r\n", "\n")


def _list_refusals() -> tuple[type[Exception], ...]:
    """What gunicorn raises for chunks that are none, where it is the server: a kind of error that only it knows."""
    errors = sys.modules.get("gunicorn.http.errors")
    return (errors.ParseException,) if errors else ()


def hide_call(request: HttpRequest) -> None:
    """Hide the path of a call that never came here, such as one for another host or one that is sent on to HTTPS."""
    if _MARK not in request.path_info:
        return
    with suppress(Resolver404):
        found = resolve(request.path_info)
        if found.func is take_call:
            _hide_path(request, found.kwargs["rest"])


def _hide_path(request: HttpRequest, rest: str) -> None:
    hidden = request.path[: len(request.path) - len(rest)] + HIDDEN if rest else request.path
    request.path = request.path_info = hidden
    request.META.update({name: hidden for name in _PLACES if name in request.META})


def _ask_again(status: HTTPStatus, sentence: str, seconds: int) -> HttpResponse:
    response = _say(status, sentence)
    response.headers["Retry-After"] = str(seconds)
    return response


def _say(status: HTTPStatus, sentence: str) -> HttpResponse:
    return HttpResponse(f"{sentence}\n", status=status, content_type="text/plain; charset=utf-8")


def _finish(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    add_never_cache_headers(response)
    if response.status_code >= HTTPStatus.BAD_REQUEST:
        # Django logs such an answer once, unless somebody has done so already. Anybody can cause one, so it is no news.
        log_response("signal refused: %s", response.reason_phrase, response=response, logger=logger, level="debug")
    return response


@csrf_exempt
@public_form
def acknowledge_page(request: HttpRequest, token: str) -> HttpResponse:
    """Show what a link of a message is about, with a button: what looks at links before people do presses none.

    Whoever holds the link was told of the incident; no cookie and no session is asked for.
    """
    with override(choose_language(request, "")):
        link = read_link(token)
        channel = NotificationChannel.objects.filter(pk=link.channel_id).first() if link else None
        if link is None or channel is None:
            return _show_link(_("This link is not valid any more."), HTTPStatus.NOT_FOUND)
        if request.method == "POST":
            author = Author(_("%(channel)s, by its link") % {"channel": channel.name})
            acted = acknowledge(link.incident_id, author=author, now=read_database_clock())
            PUBLISHER.publish_deliveries(acted.channel_ids)
            # To be looked at again without being sent again.
            return HttpResponseRedirect(request.path, status=HTTPStatus.SEE_OTHER)
        incident = Incident.objects.filter(pk=link.incident_id).first()
        if incident is None:
            return _show_link(_("This link is not valid any more."), HTTPStatus.NOT_FOUND)
        return _show_incident(incident)


def _show_incident(incident: Incident) -> HttpResponse:
    facts: dict[str, Any] = {
        "title": incident.title or _name_cause(incident),
        "since": _("since %(time)s") % {"time": describe_instant(incident.started_at)},
    }
    if incident.resolved_at is not None:
        return _show_link(_("It is over."), **facts)
    if incident.acknowledged_at is not None:
        who = {"name": incident.acknowledged_by_name, "time": describe_instant(incident.acknowledged_at)}
        return _show_link(_("It is acknowledged."), sentence=_("%(name)s, %(time)s") % who, **facts)
    return _show_link(_("Do you care for this incident?"), is_waiting=True, **facts)


def _name_cause(incident: Incident) -> str:
    severity, counts = Severity(incident.severity), (incident.peak_count, incident.checked_count)
    return describe_cause(severity, *counts, error_kind=incident.error_kind, host=incident.cause_host)


def _show_link(heading: str, status: HTTPStatus = HTTPStatus.OK, **facts: object) -> HttpResponse:
    page = render_to_string("healthcheck/acknowledge.html", {"heading": heading, **facts})
    response = HttpResponse(page, status=status)
    response.headers["Cache-Control"] = "private, no-store"
    return response
