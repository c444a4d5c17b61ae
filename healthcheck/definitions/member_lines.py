"""A member as people write it: a group's slug, a slash and an endpoint's name, and after a colon what it weighs.

`web/Checkout` weighs 1, `web/Checkout: 3` weighs 3. A name that could be read otherwise is quoted as in JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from healthcheck.engine.probes.group import MAX_MEMBERS

# Of a document: the reference, and the weight.
Entry = list[str | int]
_MAX_DIGITS = 9
_SLUG = re.compile(r"(?P<slug>[-a-zA-Z0-9_]+)\s*/\s*(?P<rest>.+)\Z", re.DOTALL)


class Reference(NamedTuple):
    """Which endpoint is meant."""

    slug: str
    name: str

    def __str__(self) -> str:
        return f"{self.slug}/{self.name}"

    @classmethod
    def split(cls, text: object) -> Reference:
        slug, _slash, name = str(text).partition("/")
        return cls(slug, name)


def write_members(entries: Iterable[Entry]) -> str:
    """Return the entries of a document as lines."""
    return "\n".join(_write_line(Reference.split(ref), int(weight)) for ref, weight in entries)


def parse_members(text: str) -> list[Entry]:
    """Return the entries that the lines mean, sorted as in documents. Raises ValidationError, one sentence each."""
    numbered = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    if len(numbered) > MAX_MEMBERS:
        sentence = _("Write at most %(limit)s members; make groups of them, and members of those.")
        raise ValidationError(sentence % {"limit": MAX_MEMBERS})
    entries: list[Entry] = []
    refusals: list[str] = []
    for number, line in numbered:
        entry = _parse_line(line)
        if entry is None:
            sentence = _(
                "Members, line %(number)s: Write a group's slug, a slash and an endpoint's name, as in web/Shop."
            )
            refusals.append(sentence % {"number": number})
        else:
            entries.append(entry)
    if refusals:
        raise ValidationError(refusals)
    return sort_members(entries)


def sort_members(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries in the order in which documents hold them."""
    return sorted(entries, key=lambda entry: str(entry[0]))


def _write_line(reference: Reference, weight: int) -> str:
    line = f"{reference.slug}/{reference.name if _is_plain(reference.name) else json.dumps(reference.name)}"
    return line if weight == 1 else f"{line}: {weight}"


def _is_plain(name: str) -> bool:
    return (
        name == name.strip()
        and len(name.splitlines()) == 1
        and not name.startswith('"')
        and _split_weight(name) is None
    )


def _parse_line(line: str) -> Entry | None:
    match = _SLUG.match(line)
    if match is None:
        return None
    rest, weight = _split_weight(match["rest"]) or (match["rest"], 1)
    if rest.startswith('"'):
        rest = _unquote(rest)
    return [str(Reference(match["slug"], rest)), weight] if rest else None


def _split_weight(text: str) -> tuple[str, int] | None:
    """Return what stands before the last colon, and the weight behind it; None where there is none."""
    # Not by an expression, which would try every blank of a long line.
    name, colon, weight = text.rpartition(":")
    digits = weight.strip()
    is_weight = bool(colon) and digits.isdecimal() and len(digits) <= _MAX_DIGITS and weight.endswith(digits)
    return (name.rstrip(), int(digits)) if is_weight else None


def _unquote(text: str) -> str:
    try:
        name = json.loads(text)
    except ValueError:
        # What only begins with a quotation mark is a name as well.
        return text
    return name if isinstance(name, str) else text
