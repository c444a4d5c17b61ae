"""What differs between two documents, as lines for people: field, before, after."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from healthcheck.definitions.documents import PLACE_KEYS, Document
from healthcheck.engine.masking import mask_url
from healthcheck.engine.probes import is_hidden_option

# Parameters, headers, bodies and dialogues carry keys. Versions must be able to bring them back, so that they are kept
# there as in the endpoint itself, and shown only to people who may change it.
HIDDEN_FIELDS = frozenset({"options.query", "options.headers", "options.body", "options.dialogue"})
HIDDEN = "(hidden)"
# More of one field than anybody reads at once.
MAX_LINES_PER_FIELD = 200
# More of one side than anybody reads in a cell; a body or an authority may have hundreds of kilobytes on one line.
MAX_SIDE_CHARS = 2_000
# Matching lines is quadratic at worst; longer texts are compared as a whole.
MAX_LINES_MATCHED = 1_000


@dataclass(frozen=True, slots=True)
class Difference:
    """One line of a field. An empty side says that the line is new or gone."""

    field: str
    before: str
    after: str


def is_hidden(field: str) -> bool:
    """Say whether a field may carry keys: these, and whatever a kind of a third party may mean by its options."""
    return field in HIDDEN_FIELDS or (field.startswith("options.") and is_hidden_option(field.removeprefix("options.")))


def compare_documents(before: Document, after: Document, *, shows_hidden: bool) -> list[Difference]:
    """Return the differences in the order of the document's keys; lists and long texts line by line.

    They are for pages: of a long side they hold what stands around the first character that differs.
    """
    one, other = _flatten(before), _flatten(after)
    fields = [*one, *(field for field in other if field not in one)]
    differences: list[Difference] = []
    for field in fields:
        old, new = one.get(field, []), other.get(field, [])
        # Where something new stands is said beside its name.
        if old == new or (field in PLACE_KEYS and not (old and new)):
            continue
        if field == "address" and not shows_hidden:
            differences.append(Difference(field, mask_url("".join(old)), mask_url("".join(new))))
            continue
        if is_hidden(field) and not shows_hidden:
            old, new = ([HIDDEN] if old else []), ([HIDDEN] if new else [])
            differences.append(Difference(field, "".join(old), "".join(new)))
            continue
        differences += _compare_lines(field, old, new)
    return [_cut(each) for each in differences]


def describe_document(document: Document, *, shows_hidden: bool) -> list[Difference]:
    """Return the whole of a document as lines without a before."""
    return compare_documents({}, document, shows_hidden=shows_hidden)


def _compare_lines(field: str, old: Sequence[str], new: Sequence[str]) -> list[Difference]:
    if len(old) <= 1 and len(new) <= 1:
        return [Difference(field, "".join(old), "".join(new))]
    if len(old) + len(new) > MAX_LINES_MATCHED:
        return [Difference(field, _shorten(old), _shorten(new))]
    lines: list[Difference] = []
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if tag != "equal":
            pairs = zip_longest(old[i1:i2], new[j1:j2], fillvalue="")
            lines += [Difference(field, gone, come) for gone, come in pairs]
    if len(lines) > MAX_LINES_PER_FIELD:
        rest = len(lines) - MAX_LINES_PER_FIELD
        return [*lines[:MAX_LINES_PER_FIELD], Difference(field, "", f"… {rest}")]
    return lines


def _cut(difference: Difference) -> Difference:
    """Keep of long sides what stands around the first character that differs."""
    before, after = difference.before, difference.after
    if max(len(before), len(after)) <= MAX_SIDE_CHARS:
        return difference
    pairs = enumerate(zip(before, after, strict=False))
    same = next((index for index, (one, other) in pairs if one != other), min(len(before), len(after)))
    start = max(0, same - MAX_SIDE_CHARS // 10)
    return Difference(difference.field, _cut_text(before, start), _cut_text(after, start))


def _cut_text(text: str, start: int) -> str:
    shown = text[start : start + MAX_SIDE_CHARS]
    return f"{'…' if start and text else ''}{shown}{'…' if start + MAX_SIDE_CHARS < len(text) else ''}"


def _shorten(lines: Sequence[str]) -> str:
    return "\n".join([*lines[:5], f"… {len(lines)}"] if len(lines) > 5 else lines)


def _flatten(document: Document) -> dict[str, list[str]]:
    flat: dict[str, list[str]] = {}
    for key, value in document.items():
        if isinstance(value, dict):
            flat |= {f"{key}.{name}": _write_lines(each) for name, each in value.items()}
        else:
            flat[key] = _write_lines(value)
    return flat


def _write_lines(value: Any) -> list[str]:
    if value is None or value == "":
        return []
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    if isinstance(value, str):
        return value.split("\n")
    if isinstance(value, list):
        return [line for each in value for line in _write_entry(each)]
    if isinstance(value, dict):
        return [f"{name}: {each}" for name, each in value.items()]
    return [f"{value:g}" if isinstance(value, float) else str(value)]


def _write_entry(entry: Any) -> Iterable[str]:
    """Write one entry of a list: a line, a pair such as a header, or a section with its items below it."""
    if isinstance(entry, list | tuple) and len(entry) == 2:
        return [f"{entry[0]}: {entry[1]}"]
    if not isinstance(entry, dict):
        return [str(entry)]
    words = [str(value) for value in entry.values() if value and not isinstance(value, list)]
    inner = [line for value in entry.values() if isinstance(value, list) for line in _write_lines(value)]
    return [" – ".join(words), *(f"  {line}" for line in inner)]
