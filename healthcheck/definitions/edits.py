"""One edit for many documents: what is set, added, removed or replaced. Pure functions from document to document."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from healthcheck.definitions.documents import Document
from healthcheck.engine.probes import read_defaults

SET, ADD, REMOVE, REPLACE, RESET = "set", "add", "remove", "replace", "reset"
OPTION_PREFIX = "options."
# An interval and a cron expression exclude each other: whoever sets one means to leave the other.
_EXCLUDED: Mapping[str, Document] = {"interval_seconds": {"cron": ""}, "cron": {"interval_seconds": None}}


@dataclass(frozen=True, slots=True)
class Edit:
    """What happens to one field. `find` is what a replacement looks for: a text, or a whole line of a list."""

    field: str
    how: str
    value: Any = None
    find: str = ""


def apply_edits(document: Document, edits: Sequence[Edit]) -> Document:
    """Return a new document with the edits applied in order; `document` stays as it is.

    An option is left alone where the document's kind has no such option.
    """
    for edit in edits:
        if edit.field.startswith(OPTION_PREFIX):
            name = edit.field.removeprefix(OPTION_PREFIX)
            if fits_kind(document, edit):
                defaults = read_defaults(document["kind"])
                document = document | {"options": _edit_option(document["options"], name, edit, defaults[name])}
        else:
            changed = _EDITORS[edit.how](document[edit.field], edit)
            document = document | _EXCLUDED.get(edit.field, {}) | {edit.field: changed}
    return document


def fits_kind(document: Document, edit: Edit) -> bool:
    """Say whether the edit is of something that documents of this kind have."""
    name = edit.field.removeprefix(OPTION_PREFIX)
    return name == edit.field or name in read_defaults(document["kind"])


def _edit_option(options: Mapping[str, Any], name: str, edit: Edit, default: Any) -> dict[str, Any]:
    rest = {key: value for key, value in options.items() if key != name}
    value = default if edit.how == RESET else edit.value
    # Only what differs from the defaults is stored, as the endpoint's own form does.
    return rest if value == default else {**rest, name: value}


def _set(_old: Any, edit: Edit) -> Any:
    return edit.value


def _add(old: list[str], edit: Edit) -> list[str]:
    return [*old, *(line for line in edit.value if line not in old)]


def _remove(old: list[str], edit: Edit) -> list[str]:
    return [line for line in old if line not in edit.value]


def _replace(old: Any, edit: Edit) -> Any:
    if isinstance(old, list):
        lines = [each.strip() for each in str(edit.value).split("\n") if each.strip()]
        return [new for line in old for new in (lines if line == edit.find.strip() else [line])]
    return str(old).replace(edit.find, str(edit.value))


_EDITORS: Mapping[str, Callable[[Any, Edit], Any]] = {SET: _set, ADD: _add, REMOVE: _remove, REPLACE: _replace}
