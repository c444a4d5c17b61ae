"""Tags as people write them: words separated by commas, made when they are first used."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from healthcheck.models import Tag

MAX_TAG_LENGTH = Tag._meta.get_field("name").max_length or 0
# More than anybody reads beside a name.
MAX_TAGS = 20
_SPACE = re.compile(r"\s+")


def parse_tags(text: str) -> list[str]:
    """Return the tags of a comma-separated text, normalised and sorted. Raises ValidationError."""
    return normalise_tags(text.replace("\n", ",").split(","))


def normalise_tags(names: Iterable[str]) -> list[str]:
    """Return the names normalised, once each, sorted. Raises ValidationError with a sentence that names the cure."""
    tags = sorted({tag for name in names if (tag := normalise_tag(name))})
    if len(tags) > MAX_TAGS:
        raise ValidationError(_("There are more than %(limit)s tags; remove some.") % {"limit": MAX_TAGS})
    return tags


def normalise_tag(name: str) -> str:
    """Return a tag in its one spelling: composed, in lower case, single spaces. Raises ValidationError."""
    tag = _SPACE.sub(" ", unicodedata.normalize("NFC", name)).strip().lower()
    if len(tag) > MAX_TAG_LENGTH:
        sentence = _("The tag “%(tag)s…” is longer than %(limit)s characters; shorten it.")
        raise ValidationError(sentence % {"tag": tag[:20], "limit": MAX_TAG_LENGTH})
    if any(unicodedata.category(character)[0] == "C" for character in tag) or "," in tag:
        # Controls and invisible or reversing marks: two tags must not look alike and differ.
        raise ValidationError(_("A tag holds a comma or an invisible character; write it with visible ones."))
    return tag


def join_tags(names: Iterable[str]) -> str:
    return ", ".join(names)


def ensure_tags(names: Iterable[str]) -> dict[str, int]:
    """Return the ids of these tags by name; those that do not exist yet are made."""
    wanted = set(names)
    if not wanted:
        return {}
    found = _find_ids(wanted)
    if missing := sorted(wanted - found.keys()):
        # Somebody may make the same tag at the same time; then it is there, which is all that matters.
        Tag.objects.bulk_create([Tag(name=name) for name in missing], ignore_conflicts=True)
        found = _find_ids(wanted)
    return found


def _find_ids(names: set[str]) -> dict[str, int]:
    return dict(Tag.objects.filter(name__in=names).values_list("name", "pk"))
