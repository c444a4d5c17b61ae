"""Where CI says that a deploy begins and ends: `deploys/<public id>`, signed as by Standard Webhooks.

What is not signed, in whatever way, gets one answer after the same work; only who has signed is told what is wrong.
"""

from __future__ import annotations

import logging
import time
from http import HTTPStatus

from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers
from django.utils.log import log_response
from django.views.decorators.csrf import csrf_exempt

from healthcheck.models.clock import read_database_clock
from healthcheck.pipeline.deploy_calls import Answer, SignedCall, list_public_ids, take_deploy_call
from healthcheck.web.guesses import find_visitor
from healthcheck.web.inbox.answers import ask_again, list_refusals, read_body, refuse_method, say
from healthcheck.web.strangers import Strangers

logger = logging.getLogger(__name__)

RETRY_SECONDS = 10
# A type, two texts of 200 characters, each written in twelve bytes at most, and whatever else CI adds.
MAX_BODY_BYTES = 16 * 1024
# Of the headers; a signature has 44 characters.
MAX_ID_LENGTH, MAX_TIMESTAMP_LENGTH, MAX_SIGNATURES_LENGTH = 256, 12, 1024
_HEADERS = ("id", "timestamp", "signature")
UNKNOWN = "no such hook, or not signed with its secret"
# Apart from those of jobs: each remembers the addresses that it knows.
CALLERS = Strangers()


@csrf_exempt
def take_deploy(request: HttpRequest, rest: str) -> HttpResponse:
    """Take one call of CI. Sets no cookie, reads no session."""
    if request.method != "POST":
        return _finish(request, refuse_method("POST"))
    try:
        body = read_body(request, MAX_BODY_BYTES + 1)
    except list_refusals():
        return _finish(request, say(HTTPStatus.BAD_REQUEST, "the body is not chunked as it says"))
    if len(body) > MAX_BODY_BYTES:
        # Before the hook is looked at, so that this answer tells nothing of it.
        sentence = f"the body is larger than {MAX_BODY_BYTES} bytes; send less"
        return _finish(request, say(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, sentence))
    try:
        response = _answer(request, _read_call(request, rest, body))
    except Error as error:
        # The type only: a driver's words may hold the database's address.
        name = type(error).__name__
        response = ask_again(HTTPStatus.SERVICE_UNAVAILABLE, "the database cannot be reached", RETRY_SECONDS)
        log_response("deploy not taken, no database (%s)", name, response=response, logger=logger)
    return _finish(request, response)


def _answer(request: HttpRequest, call: SignedCall) -> HttpResponse:
    address, at = find_visitor(request), time.monotonic()
    wait = CALLERS.find_wait(address, at=at)
    if wait and not CALLERS.is_known(call.public_id, list_public_ids, at=at):
        return ask_again(HTTPStatus.TOO_MANY_REQUESTS, "too many calls", wait)
    answer = take_deploy_call(call, read_database_clock())
    if answer is None:
        CALLERS.count(address, at=at)
        return say(HTTPStatus.NOT_FOUND, UNKNOWN)
    return _tell(answer)


def _tell(answer: Answer) -> HttpResponse:
    if answer.retry_seconds:
        return ask_again(answer.status, answer.sentence, answer.retry_seconds)
    return say(answer.status, answer.sentence)


def _read_call(request: HttpRequest, rest: str, body: bytes) -> SignedCall:
    """Return the call. What cannot be right is read as what nobody has signed: the same work for all that is wrong."""
    public_id = rest if len(rest) <= MAX_ID_LENGTH and rest.isascii() and rest.isprintable() else ""
    call_id, timestamp, signatures = (request.headers.get(f"webhook-{name}", "") for name in _HEADERS)
    is_instant = timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= MAX_TIMESTAMP_LENGTH
    is_whole = is_instant and 1 <= len(call_id) <= MAX_ID_LENGTH and len(signatures) <= MAX_SIGNATURES_LENGTH
    return SignedCall(
        public_id, call_id[:MAX_ID_LENGTH], int(timestamp) if is_instant else 0, signatures if is_whole else "", body
    )


def _finish(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    add_never_cache_headers(response)
    if response.status_code >= HTTPStatus.BAD_REQUEST:
        # Django logs such an answer once, unless somebody has done so already. Anybody can cause one, so it is no news.
        log_response("deploy refused: %s", response.reason_phrase, response=response, logger=logger, level="debug")
    return response
