"""The columns of our CSV files: what a cell holds, and how a spreadsheet is kept from running it as a formula."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils.translation import gettext as _

from healthcheck.definitions.comparing import HIDDEN, is_hidden
from healthcheck.definitions.documents import Document
from healthcheck.definitions.member_lines import parse_members, write_members
from healthcheck.definitions.tagging import join_tags, parse_tags
from healthcheck.engine.masking import mask_url
from healthcheck.models import Endpoint, EndpointGroup

# A spreadsheet takes a cell that begins so for a formula, full-width spellings included; an apostrophe in front of it
# makes it text. Reading takes exactly one away again, so that a file comes back as it was written.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_DEFUSED = re.compile(r"'+[=+\-@\t\r\n＝＋－＠]")
# The same within a cell: where a spreadsheet divides lines at semicolons or tabs, our quotes stand in the middle of
# what it reads and hold nothing together, neither a delimiter nor a line's end. What it skips may stand in front.
_INNER_FORMULA = re.compile(r"(?<=[;\t\r\n])(?=['\" ]*[=+\-@＝＋－＠])")
_INNER_DEFUSED = re.compile(r"(?<=[;\t\r\n])'(?=['\" ]*[=+\-@＝＋－＠])")
_YES, _NO = frozenset({"yes", "true", "1", "on"}), frozenset({"no", "false", "0", "off"})
# An empty cell of such a column says nothing: the value stays, or is the default of a new one.
UNSAID: Any = object()


@dataclass(frozen=True, slots=True)
class Column:
    """`read` raises ValidationError with a sentence; both sides work on a document's value."""

    name: str
    write: Callable[[Any], str]
    read: Callable[[str], Any]


def defuse_formula(cell: str) -> str:
    inside = _INNER_FORMULA.sub("'", cell)
    return f"'{inside}" if _FORMULA.match(cell) else inside


def restore_formula(cell: str) -> str:
    return _INNER_DEFUSED.sub("", cell[1:] if _DEFUSED.match(cell) else cell)


def hide_secrets(document: Document) -> Document:
    """Return the endpoint without what only people who may change it see; a mark keeps its place."""
    given = document.get("options", {})
    options = {name: HIDDEN if is_hidden(f"options.{name}") else value for name, value in given.items()}
    shown = document | {"options": options} if options else document
    return shown | {"address": mask_url(shown["address"])} if "address" in shown else shown


def _keep(value: Any) -> Any:
    return "" if value is None else value


def _read_optional(cell: str) -> str | None:
    return cell or None


def _write_number(value: float | None) -> str:
    if value is None:
        return ""
    return str(int(value)) if value == int(value) else repr(value)


def _read_integer(cell: str) -> Any:
    if not cell.strip():
        return UNSAID
    try:
        # A spreadsheet may have made 5.0 of 5.
        number = float(cell) if len(cell) <= 30 else float("nan")
    except ValueError:
        number = float("nan")
    if not math.isfinite(number) or abs(number) > 2**31 or number != int(number):
        raise ValidationError(_("“%(cell)s” is not a whole number; correct it.") % {"cell": cell[:30]})
    return int(number)


def _read_optional_integer(cell: str) -> Any:
    return _read_integer(cell) if cell.strip() else None


def _read_float(cell: str) -> Any:
    if not cell.strip():
        return UNSAID
    try:
        number = float(cell)
    except ValueError:
        number = float("nan")
    if not math.isfinite(number):
        raise ValidationError(_("“%(cell)s” is not a number; write it like 2.5.") % {"cell": cell[:30]})
    return number


def _write_yes_no(value: bool) -> str:
    return "yes" if value else "no"


def _read_yes_no(cell: str) -> Any:
    word = cell.strip().lower()
    if not word:
        return UNSAID
    if word not in _YES | _NO:
        raise ValidationError(_("“%(cell)s” is neither yes nor no; write one of them.") % {"cell": cell[:30]})
    return word in _YES


def _write_lines(lines: Sequence[str]) -> str:
    return "\n".join(lines)


def _read_lines(cell: str) -> list[str]:
    return [line.strip() for line in cell.replace("\r\n", "\n").split("\n") if line.strip()]


def _write_options(options: Mapping[str, Any]) -> str:
    return json.dumps(options, ensure_ascii=False, sort_keys=True) if options else ""


def _read_options(cell: str) -> dict[str, Any]:
    try:
        options = json.loads(cell) if cell.strip() else {}
    except (ValueError, RecursionError):
        options = None
    if not isinstance(options, dict):
        raise ValidationError(_('The options are not a JSON object; write them like {"method": "HEAD"}.'))
    try:
        # JSON can spell half of a character, which no page that shows it could send.
        _write_options(options).encode()
    except UnicodeEncodeError:
        raise ValidationError(_("A text holds half of a character; write it anew.")) from None
    return options


def _read_said(cell: str) -> Any:
    return cell.strip() or UNSAID


ENDPOINT_COLUMNS: Sequence[Column] = (
    Column("group", str, str),
    Column("name", str, str),
    Column("kind", str, _read_said),
    Column("address", str, str),
    Column("position", _write_number, _read_integer),
    Column("is_paused", _write_yes_no, _read_yes_no),
    Column("timeout_seconds", _write_number, _read_float),
    Column("failure_threshold", _write_number, _read_integer),
    Column("recovery_threshold", _write_number, _read_integer),
    Column("tags", join_tags, parse_tags),
    Column("assertions", _write_lines, _read_lines),
    Column("members", write_members, parse_members),
    Column("credential", _keep, _read_optional),
    Column("options", _write_options, _read_options),
    Column("description", str, str),
)
GROUP_COLUMNS: Sequence[Column] = (
    Column("slug", str, str),
    Column("name", str, str),
    Column("position", _write_number, _read_integer),
    Column("interval_seconds", _write_number, _read_optional_integer),
    Column("cron", str, str),
    Column("timezone", str, _read_said),
    Column("deadline_seconds", _write_number, _read_float),
    Column("is_paused", _write_yes_no, _read_yes_no),
    Column("retention_days", _write_number, _read_optional_integer),
    Column("hour_retention_days", _write_number, _read_optional_integer),
    Column("tags", join_tags, parse_tags),
)
COLUMNS: Mapping[type[Model], Sequence[Column]] = {Endpoint: ENDPOINT_COLUMNS, EndpointGroup: GROUP_COLUMNS}
# Without these a line does not say what it is about.
KEY_COLUMNS: Mapping[type[Model], Sequence[str]] = {Endpoint: ("group", "name"), EndpointGroup: ("slug",)}
