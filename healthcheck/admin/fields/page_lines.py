"""What a section of a status page shows, as lines that people write: a group's slug, or slug / endpoint, with | label.

Names may hold anything. Where one could not be read back, the endpoint's number is written in its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from healthcheck.models import Endpoint, EndpointGroup, PageItem

# A statement that looks up as many names stays within SQLite's bound of parameters.
MAX_LINES = 1000
# A name may hold bars itself; more of them than this are part of it or of the label.
_MAX_BARS = 10
_LINE = re.compile(r"(?P<slug>[-a-zA-Z0-9_]+)\s*(?P<rest>(?:[/|].*)?)\Z", re.DOTALL)
_NUMBER = re.compile(r"#(\d{1,9})\Z")
_MAX_LABEL = PageItem._meta.get_field("label").max_length or 0


@dataclass(frozen=True, slots=True)
class _Line:
    """A line in its parts: `choices` are the ways to read an endpoint's name and its label, the likeliest first."""

    number: int
    slug: str
    label: str = ""
    choices: Sequence[tuple[str, str]] = ()


def parse_lines(text: str) -> list[PageItem]:
    """Return unsaved items in two queries. Raises ValidationError with a sentence for each line that means nothing."""
    numbered = [(number, line.strip()) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if len(numbered) > MAX_LINES:
        raise ValidationError(_("Write at most %(limit)s lines; show whole groups instead.") % {"limit": MAX_LINES})
    lines, refusals = _split_all(numbered)
    groups = _find_groups(lines)
    endpoints = _find_endpoints(lines, groups.values())
    items = []
    for line in lines:
        try:
            items.append(_build_item(line, groups, endpoints))
        except ValidationError as refusal:
            refusals.append((line.number, refusal))
    if refusals:
        raise ValidationError([refusal for _number, refusal in sorted(refusals, key=lambda pair: pair[0])])
    for position, item in enumerate(items):
        item.position = position
    return items


def write_lines(items: Iterable[PageItem]) -> str:
    """Return items as lines, in order; reads what was selected along. What was deleted meanwhile is left out."""
    return "\n".join(line for item in items if (line := _write_line(item)))


def _split_all(numbered: Iterable[tuple[int, str]]) -> tuple[list[_Line], list[tuple[int, ValidationError]]]:
    lines: list[_Line] = []
    refusals: list[tuple[int, ValidationError]] = []
    for number, text in numbered:
        match = _LINE.match(text)
        if match is None:
            sentence = _("Line %(number)s: Write a group's slug, or its slug, a slash and an endpoint's name.")
            refusals.append((number, ValidationError(sentence % {"number": number})))
            continue
        rest = match["rest"][1:].strip()
        if match["rest"].startswith("/"):
            lines.append(_Line(number, match["slug"], choices=_list_choices(rest)))
        else:
            lines.append(_Line(number, match["slug"], label=rest))
    return lines, refusals


def _list_choices(rest: str) -> list[tuple[str, str]]:
    """Return the ways to part a name from a label, the longest name first."""
    bars = [place for place, character in enumerate(rest) if character == "|"][-_MAX_BARS:]
    parted = [(rest[:place].strip(), rest[place + 1 :].strip()) for place in reversed(bars)]
    return [(rest, ""), *parted]


def _find_groups(lines: Iterable[_Line]) -> dict[str, EndpointGroup]:
    found = EndpointGroup.objects.existing().filter(slug__in={line.slug for line in lines}).only("pk", "slug")
    return {group.slug: group for group in found}


def _find_endpoints(lines: Iterable[_Line], groups: Iterable[EndpointGroup]) -> dict[tuple[int, str], int]:
    """Return the id of each endpoint by its group and name, and by its number."""
    names = {name for line in lines for name, _label in line.choices}
    if not names:
        return {}
    rows = Endpoint.objects.existing().filter(group__in=[group.pk for group in groups])
    found: dict[tuple[int, str], int] = {}
    for pk, group_id, name in rows.order_by().values_list("pk", "group_id", "name"):
        if name in names:
            found[group_id, name] = pk
        if f"#{pk}" in names:
            found[group_id, f"#{pk}"] = pk
    return found


def _build_item(line: _Line, groups: Mapping[str, EndpointGroup], endpoints: Mapping[tuple[int, str], int]) -> PageItem:
    group = groups.get(line.slug)
    if group is None:
        sentence = _("Line %(number)s: There is no group “%(slug)s”; copy its slug from the group's page.")
        raise ValidationError(sentence % {"number": line.number, "slug": line.slug})
    if not line.choices:
        return PageItem(group=group, label=_check_label(line.label, line.number))
    for name, label in line.choices:
        if (group.pk, name) in endpoints:
            return PageItem(endpoint_id=endpoints[group.pk, name], label=_check_label(label, line.number))
    sentence = _(
        "Line %(number)s: The group “%(slug)s” has no endpoint “%(name)s”; copy its name from the group's page."
    )
    raise ValidationError(sentence % {"number": line.number, "slug": line.slug, "name": line.choices[-1][0]})


def _check_label(label: str, number: int) -> str:
    if len(label) > _MAX_LABEL:
        sentence = _("Line %(number)s: What is shown instead of the name may have %(limit)s characters; shorten it.")
        raise ValidationError(sentence % {"number": number, "limit": _MAX_LABEL})
    return label


def _write_line(item: PageItem) -> str:
    label = f" | {item.label}" if item.label else ""
    if item.group is not None:
        return f"{item.group.slug}{label}" if item.group.deleted_at is None else ""
    endpoint = item.endpoint
    if endpoint is None or endpoint.deleted_at is not None or endpoint.group.deleted_at is not None:
        return ""
    return f"{endpoint.group.slug} / {_write_name(endpoint)}{label}"


def _write_name(endpoint: Endpoint) -> str:
    name = endpoint.name
    is_plain = name == name.strip() and not _NUMBER.match(name) and len(name.splitlines()) == 1 and name.count("|") == 0
    return name if is_plain else f"#{endpoint.pk}"
