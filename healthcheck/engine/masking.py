"""Masks what its name or its look says is a secret: values of headers, parts of URLs, what stands beside a name.

What a check is known to have said in confidence is `redaction`'s business, wherever it stands.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote_plus

from healthcheck.engine.agent import USER_AGENT
from healthcheck.engine.redaction import MASK

# Everything else that a person sends may be a secret.
_HARMLESS_REQUEST_HEADERS = frozenset(
    {
        "accept",
        "accept-encoding",
        "accept-language",
        "cache-control",
        "connection",
        "content-length",
        "content-type",
        "host",
        "pragma",
    }
)
# What a target sends is its own word, but for what it gives to be kept. For names in lower case.
_SECRET_NAME = re.compile(
    r"token|secret|passw|passphrase|pwd|api.?key|access.?key|private.?key|credential|session|signature|jwt|cookie|csrf|xsrf"
    r"|^auth$|authorization|authentication|^sig$|^key$|^code$|^sid$"
)
_URL_HEADERS = frozenset({"location", "content-location", "referer", "refresh", "link"})
_USERINFO = re.compile(r"\A((?:[a-z][a-z0-9+.-]*:)?//)([^/?#]*@)", re.IGNORECASE)
# An address without any of them has nothing to hide; see `_USERINFO` and `_QUERY_PART`.
HIDING_CHARACTERS = "@?&;#"
_QUERY_PART = re.compile(r"([?&;#])([^?&;#=]*)(=?)([^&;#]*)")
# What no one writes by hand: a signature, a token, a key.
MIN_OPAQUE_CHARS = 16
# Shorter ones hold no key: the same bound as for everything that evidence is cleaned of.
MIN_AGENT_CHARS = 6
_OPAQUE = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9_\-+/=.~%]{32,}|eyJ[\w-]{13,}[\w.-]*")
# Possessive from the name on, so that no text makes it try twice.
_NAMED_VALUE = re.compile(
    r"""((?:token|secret|passw|passphrase|pwd|api[_-]?key|access[_-]?key|private[_-]?key|authorization|session[_-]?id)"""
    r"""[\w.-]{0,40}+["']?+\s{0,4}+[:=]\s{0,4}+["']?+(?:(?:bearer|basic)\s)?+)([^"'&,;\s<>{}\[\]]{4,}+)""",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text. `secret` names a part that must not be shown; it is empty for all others."""

    text: str
    secret: str = ""


def is_secret_name(name: str) -> bool:
    """Whether what bears this name is meant for few."""
    return _SECRET_NAME.search(name.lower()) is not None


def mask_request_header(name: str, value: str) -> str:
    """Return the value if the header's name is on a short list of harmless ones."""
    if name.lower() == "user-agent":
        # Some put a key into it, which looks like any name.
        return value if value == USER_AGENT or len(value) < MIN_AGENT_CHARS else MASK
    return value if name.lower() in _HARMLESS_REQUEST_HEADERS else MASK


def mask_answer_header(name: str, value: str) -> str:
    """Return the value unless the header's name says that it is a secret; in an address, hide its secret parts."""
    if is_secret_name(name):
        return MASK
    return mask_url(value) if name.lower() in _URL_HEADERS else value


def mask_url(url: str, *, known: Sequence[str] = ()) -> str:
    """Hide userinfo, and query values that their name or their look says are secrets. Total on any text.

    `known` are parts of values that are none, however they look.
    """
    return "".join(MASK if piece.secret else piece.text for piece in split_url(url, known=known))


def split_url(url: str, *, known: Sequence[str] = ()) -> list[Piece]:
    """Split into pieces that make the text again, the secret ones named; what is hidden already is one of them."""
    pieces: list[Piece] = []
    position = 0
    if (found := _USERINFO.match(url)) is not None:
        pieces += [Piece(found[1]), Piece(found[2][:-1], "userinfo"), Piece("@")]
        position = found.end()
    for part in _QUERY_PART.finditer(url, position):
        if not part[4] or not _is_secret_value(part[2], part[4], known):
            continue
        pieces += [Piece(url[position : part.start(4)]), Piece(part[4], unquote_plus(part[2]) or "value")]
        position = part.end(4)
    return [piece for piece in [*pieces, Piece(url[position:])] if piece.text]


def _is_secret_value(name: str, value: str, known: Sequence[str]) -> bool:
    if value == MASK or (name and is_secret_name(unquote_plus(name) if "%" in name else name)):
        return True
    for each in known:
        value = value.replace(each, "")
    return len(value) >= MIN_OPAQUE_CHARS and _OPAQUE.fullmatch(value) is not None


def list_url_secrets(url: str, *, known: Sequence[str] = ()) -> list[str]:
    """Return the secret parts of a URL, as they stand there and decoded."""
    values = [piece.text for piece in split_url(url, known=known) if piece.secret]
    return [each for value in values for each in dict.fromkeys((value, unquote_plus(value)))]


def mask_named_values(text: str) -> str:
    """Hide what stands beside a name such as `access_token` in a text that a target wrote."""
    return _NAMED_VALUE.sub(lambda found: found[1] + MASK, text)
