"""Where jobs report: `ping/<token>`, and behind it start, fail, log or an exit code.

What is not a valid token, in whatever way, gets one answer after the same work. The path of a job is a secret: it is
taken out of the request before anything can log it.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus

from django.core.exceptions import TooManyFieldsSent
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve
from django.utils.cache import add_never_cache_headers
from django.utils.log import log_response
from django.views.decorators.csrf import csrf_exempt

from healthcheck.engine.heartbeats import MAX_EXIT_CODE
from healthcheck.models import SignalKind
from healthcheck.models.clock import read_database_clock
from healthcheck.models.heartbeat import MAX_BODY_LENGTH, MAX_RUN_NAME_LENGTH, hash_token
from healthcheck.pipeline.signals import Call, Receipt, list_digests, take_signal
from healthcheck.web.guesses import find_visitor
from healthcheck.web.inbox.answers import ask_again, list_refusals, read_body, refuse_method, say
from healthcheck.web.strangers import STRANGERS

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
        return _finish(request, refuse_method(*METHODS))
    token, _, what = rest.rstrip("/").partition("/")
    try:
        # One that broke off is empty: the address alone is the signal.
        body = _decode(read_body(request, MAX_BODY_BYTES))
    except list_refusals():
        # Before the token is looked at, so that this answer tells nothing of it.
        return _finish(request, say(HTTPStatus.BAD_REQUEST, "the body is not chunked as it says"))
    try:
        response = _answer(request, token, _hide_token(_parse(what, request, body), token))
    except Error as error:
        # The type only: a driver's words may hold the database's address.
        name = type(error).__name__
        response = ask_again(HTTPStatus.SERVICE_UNAVAILABLE, "the database cannot be reached", RETRY_SECONDS)
        log_response("signal not taken, no database (%s)", name, response=response, logger=logger)
    return _finish(request, response)


def _answer(request: HttpRequest, token: str, call: Call | None) -> HttpResponse:
    address, at = find_visitor(request), time.monotonic()
    now = read_database_clock()
    wait = STRANGERS.find_wait(address, at=at)
    if wait and not STRANGERS.is_known(hash_token(token), lambda limit: list_digests(now, limit), at=at):
        return ask_again(HTTPStatus.TOO_MANY_REQUESTS, "too many calls", wait)
    # What cannot be read is looked up as what no token is: the same work for every wrong address.
    receipt = take_signal(token if call else "", call or Call(SignalKind.LOG), now)
    if not receipt.is_known:
        STRANGERS.count(address, at=at)
        return say(HTTPStatus.NOT_FOUND, "unknown")
    return _acknowledge(receipt)


def _acknowledge(receipt: Receipt) -> HttpResponse:
    if receipt.retry_seconds:
        return ask_again(HTTPStatus.TOO_MANY_REQUESTS, "too many calls", receipt.retry_seconds)
    return say(HTTPStatus.OK, "OK")


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


def _decode(body: bytes) -> str:
    # Windows ends its lines with two characters, of which one cannot be seen.
    return body.decode("utf-8", "replace").replace("\r\n", "\n")


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


def _finish(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    add_never_cache_headers(response)
    if response.status_code >= HTTPStatus.BAD_REQUEST:
        # Django logs such an answer once, unless somebody has done so already. Anybody can cause one, so it is no news.
        log_response("signal refused: %s", response.reason_phrase, response=response, logger=logger, level="debug")
    return response
