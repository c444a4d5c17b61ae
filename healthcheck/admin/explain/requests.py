"""What a check sends, in the words of the operator: secrets never, headers only for people who may change them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from healthcheck.engine.curl import outline_stored, write_curl
from healthcheck.engine.dig import write_dig
from healthcheck.engine.masking import mask_request_header, mask_url
from healthcheck.engine.openssl import write_openssl
from healthcheck.engine.ping import write_ping
from healthcheck.engine.probes.http_options import HttpOptions
from healthcheck.engine.types import ConfigurationError, Target
from healthcheck.models import Endpoint
from healthcheck.pipeline.explain import Explanation


@dataclass(frozen=True, slots=True)
class RequestWords:
    """The request line, its headers, and a line for a shell that repeats it. `notes` say what is not shown.

    A connection without requests has no line of its own, and is repeated all the same.
    """

    line: str = ""
    headers: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = ()
    shell: str = ""
    # What stands above it, where it is no request.
    title: str = ""


def describe_definition(endpoint: Endpoint, *, shows_headers: bool, shows_credential: bool) -> RequestWords | None:
    """Return the request as the endpoint is defined now; None when its configuration cannot be read.

    Opens no credential: its public parts are all that is said of it, and that to people who may see credentials.
    """
    credential = endpoint.credential
    try:
        options = endpoint.parse_options()
        target = Target(
            endpoint_id=endpoint.pk or 0,
            kind=endpoint.kind,
            address=endpoint.address,
            options=options,
            timeout_seconds=endpoint.timeout_seconds,
        )
        if not isinstance(options, HttpOptions):
            return _describe_line(write_openssl(target), write_ping(target), write_dig(target))
        outline = outline_stored(credential.kind, credential.details) if credential is not None else None
        curl = write_curl(target, credential=outline)
    except ConfigurationError:
        return None
    headers = [(name, mask_request_header(name, value)) for name, value in options.sent_headers]
    notes = [_("This is the request as the endpoint is defined now.")]
    if credential is not None:
        notes.append(_("It is sent with the credential “%(name)s”.") % {"name": credential})
    words = RequestWords(f"{options.method} {mask_url(endpoint.address)}", headers, notes, curl)
    if credential is not None and not shows_credential:
        words = _hide_credential(words)
    return words if shows_headers else _hide_headers(words, len(headers), has_body=bool(options.body))


def describe_sent(explanation: Explanation, *, shows_headers: bool, shows_credential: bool) -> RequestWords | None:
    """Return the first request of a check as it was sent; None when nothing was."""
    if not explanation.exchanges:
        return _describe_line(explanation.openssl, explanation.ping, explanation.dig)
    first, secret_names = explanation.exchanges[0], explanation.credential_headers
    headers = first.request_headers
    if secret_names is not None and not shows_credential:
        headers = tuple((name, value) for name, value in headers if name.lower() not in secret_names)
    words = RequestWords(f"{first.method} {first.url}", headers, (), explanation.curl)
    if secret_names is not None and not shows_credential:
        words = _hide_credential(words)
    if shows_headers:
        return words
    # What the engine adds by itself is no secret of the definition; the same names set by a person are.
    own = sum(name.lower() in explanation.own_headers for name, _value in headers)
    return _hide_headers(words, own, has_body=first.request_body_size > 0)


def _describe_line(handshake: str, echoes: str, question: str) -> RequestWords | None:
    titles = ((handshake, _("Handshake")), (echoes, _("Echo requests")), (question, _("Question")))
    return next((RequestWords(shell=line, title=title) for line, title in titles if line), None)


def _hide_credential(words: RequestWords) -> RequestWords:
    """Leave out the line: it says user names and names of headers."""
    note = _("The line for a shell is shown only to people who may see credentials.")
    return replace(words, notes=[*words.notes, note], shell="")


def _hide_headers(words: RequestWords, hidden: int, *, has_body: bool) -> RequestWords:
    if not hidden and not has_body:
        return replace(words, headers=())
    sentence = ngettext(
        "%(count)s header is shown only to people who may change the endpoint, and so is the line for a shell.",
        "%(count)s headers are shown only to people who may change the endpoint, and so is the line for a shell.",
        hidden,
    )
    note = (
        sentence % {"count": hidden}
        if hidden
        else _("Its body, and so the line for a shell, is shown only to people who may change the endpoint.")
    )
    return RequestWords(words.line, (), [*words.notes, note])
