"""What a check sends, in the words of the operator: secrets never, headers only for people who may change them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from healthcheck.admin.probing import open_credential
from healthcheck.engine.curl import write_curl
from healthcheck.engine.masking import mask_request_header, mask_url
from healthcheck.engine.types import ConfigurationError, Target
from healthcheck.models import Endpoint
from healthcheck.pipeline.explain import Explanation


@dataclass(frozen=True, slots=True)
class RequestWords:
    """The request line, its headers, and a line for a shell that repeats it. `notes` say what is not shown."""

    line: str
    headers: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = ()
    curl: str = ""


def describe_definition(endpoint: Endpoint, *, shows_headers: bool) -> RequestWords | None:
    """Return the request as the endpoint is defined now; None when its configuration cannot be read."""
    try:
        options = endpoint.parse_options()
        target = Target(
            endpoint_id=endpoint.pk or 0,
            kind=endpoint.kind,
            address=endpoint.address,
            options=options,
            timeout_seconds=endpoint.timeout_seconds,
            credential=open_credential(endpoint),
        )
        curl = write_curl(target)
    except ConfigurationError:
        return None
    headers = [(name, mask_request_header(name, value)) for name, value in options.headers]
    notes = [_("This is the request as the endpoint is defined now.")]
    if endpoint.credential is not None:
        notes.append(_("It is sent with the credential “%(name)s”.") % {"name": endpoint.credential})
    words = RequestWords(f"{options.method} {mask_url(endpoint.address)}", headers, notes, curl)
    return words if shows_headers else _hide_headers(words, has_body=bool(options.body))


def describe_sent(explanation: Explanation, *, shows_headers: bool) -> RequestWords | None:
    """Return the first request of a check as it was sent; None when nothing was."""
    if not explanation.exchanges:
        return None
    first = explanation.exchanges[0]
    words = RequestWords(f"{first.method} {first.url}", first.request_headers, (), explanation.curl)
    if shows_headers:
        return words
    # Only what the engine adds by itself is no secret of the definition.
    return _hide_headers(words, has_body=first.request_body_size > 0)


def _hide_headers(words: RequestWords, *, has_body: bool) -> RequestWords:
    hidden = _count_own(words.headers)
    if not hidden and not has_body:
        return RequestWords(words.line, (), words.notes, words.curl)
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


def _count_own(headers: Iterable[tuple[str, str]]) -> int:
    ours = {"host", "accept", "accept-encoding", "user-agent", "connection", "content-length"}
    return sum(name.lower() not in ours for name, _value in headers)
