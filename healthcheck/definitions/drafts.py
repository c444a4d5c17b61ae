"""Definitions as they are to become: checked as a whole, then stored as a whole or not at all.

Whatever changes definitions without a form (revert, clone, bulk edit, import) makes drafts of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils.translation import gettext as _

from healthcheck.definitions.documents import Document, differ
from healthcheck.definitions.labels import name_field
from healthcheck.definitions.tagging import ensure_tags
from healthcheck.pipeline.bulk import insert_rows


class DefinitionError(ValueError):
    """Something cannot be defined so. The text is one sentence for people and names the cure."""


@dataclass(slots=True)
class Draft:
    """One object as it is to become. Without `pk` and `before` it is new. `line` is where a file says so."""

    after: Document
    pk: int | None = None
    before: Document | None = None
    line: int = 0
    # A row that is marked as deleted and comes back.
    restores: bool = False
    refusals: list[str] = field(default_factory=list)
    # What was asked for and left alone, because the object's kind has no such thing.
    foreign: Sequence[str] = ()
    # Of a checked endpoint: its members by id, or by reference those that are new themselves, with their weights.
    members: Sequence[tuple[Any, int]] = ()
    # The checked, unsaved object.
    instance: Any = None

    @property
    def is_changed(self) -> bool:
        return self.before is None or self.restores or self.moves or differ(self.before, self.after)

    @property
    def moves(self) -> bool:
        """Say whether an endpoint goes into another group. Both sides were read under the same locks."""
        return self.before is not None and self.before.get("group") != self.after.get("group")

    def changes(self, *keys: str) -> bool:
        """Say whether one of these keys becomes something else; everything of a new object does."""
        return self.before is None or any(self.before.get(key) != self.after.get(key) for key in keys)


def refuse(draft: Draft, model: type[Model], error: ValidationError) -> None:
    """Add what Django's validation says as sentences, each with the field that it is about."""
    if not hasattr(error, "error_dict"):
        draft.refusals += error.messages
        return
    for name, refusals in error.error_dict.items():
        for refusal in refusals:
            # The model says of one option by the code which one it is.
            key = f"{name}.{refusal.code}" if name == "options" else name
            for sentence in refusal.messages:
                draft.refusals.append(sentence if name == "__all__" else f"{name_key(draft, model, key)}: {sentence}")


def name_key(draft: Draft, model: type[Model], key: str) -> str:
    """Return what the person has before them: the column of the file, or the label of the form."""
    return key.partition(".")[0] if draft.line else name_field(model, key)


def refuse_unstorable(draft: Draft) -> bool:
    """Refuse text that no database holds: NUL characters and halves of a character. Return whether it did."""
    for text in _walk_texts(draft.after):
        try:
            text.encode()
        except UnicodeEncodeError:
            draft.refusals.append(_("A text holds half of a character; write it anew."))
            return True
        if "\x00" in text:
            draft.refusals.append(_("A text holds a NUL character; remove it."))
            return True
    return False


def refuse_first(drafts: Iterable[Draft]) -> None:
    """Raise DefinitionError with the first refusal, if there is any."""
    for draft in drafts:
        if draft.refusals:
            raise DefinitionError(draft.refusals[0])


def write_tags(through: type[Model], column: str, drafts: Sequence[tuple[int, Draft]]) -> None:
    """Store the tags of those drafts whose tags change, in four statements at most."""
    changed = [(pk, draft.after["tags"]) for pk, draft in drafts if draft.changes("tags")]
    stored = [pk for pk, _tags in changed]
    if stored:
        through._default_manager.filter(**{f"{column}__in": stored}).delete()
    ids = ensure_tags(tag for _pk, tags in changed for tag in tags)
    rows = [(pk, ids[tag]) for pk, tags in changed for tag in tags]
    if rows:
        insert_rows(through, (column, "tag_id"), rows)


def _walk_texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield str(key)
            yield from _walk_texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _walk_texts(each)
