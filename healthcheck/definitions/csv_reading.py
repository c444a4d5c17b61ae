"""Reads a CSV file into rows of known columns. Everything is bounded before it is believed: bytes, rows, cells."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from django.db.models import Model
from django.utils.translation import gettext as _

from healthcheck.definitions.csv_columns import COLUMNS, KEY_COLUMNS, restore_formula
from healthcheck.definitions.drafts import DefinitionError
from healthcheck.definitions.plans import MAX_ROWS

MAX_FILE_BYTES = 10 * 1024 * 1024
# A request's body and an authority may have 256 KiB each, and JSON may double them.
MAX_CELL_CHARS = 1024 * 1024
_MAX_HEADER_CHARS = 64 * 1024
_DELIMITERS = (",", ";", "\t")
_BYTE_ORDER_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_ENCODINGS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of one line by column, as the file has them."""

    line: int
    cells: dict[str, str]


def read_csv(model: type[Model], stream: BinaryIO) -> list[Row]:
    """Return the rows. Raises DefinitionError with a sentence for a file that is none, or is too large."""
    content = stream.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise DefinitionError(
            _("The file is larger than %(limit)s MB; split it.") % {"limit": MAX_FILE_BYTES // 1024 // 1024}
        )
    text = _decode(content)
    # The limit is the process's: it is only ever raised, and our own bound on the file stands below it anyway.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_CELL_CHARS))
    header = text[:_MAX_HEADER_CHARS].partition("\n")[0].rstrip("\r")
    known = {column.name for column in COLUMNS[model]}
    delimiter = max(_DELIMITERS, key=lambda each: len(known & set(_name_columns(header, each))))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    return list(_read_rows(model, reader))


def _decode(content: bytes) -> str:
    mark = next((each for each in _BYTE_ORDER_MARKS if content.startswith(each)), codecs.BOM_UTF8)
    try:
        return content.decode(_ENCODINGS[mark])
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        sentence = _("Line %(line)s is not UTF-8 text; save the file as “CSV UTF-8”.")
        raise DefinitionError(sentence % {"line": line}) from None


def _name_columns(header: str, delimiter: str) -> list[str]:
    try:
        rows = list(csv.reader([header], delimiter=delimiter))
    except csv.Error:
        return []
    return [cell.strip().lower() for cell in rows[0]] if rows else []


def _read_rows(model: type[Model], reader: Iterator[list[str]]) -> Iterator[Row]:
    names: list[str] = []
    count = 0
    for line, cells in _number_lines(reader):
        if not any(cells):
            continue
        if not names:
            names = [cell.strip().lower() for cell in cells]
            _refuse_header(model, names)
            continue
        count += 1
        if count > MAX_ROWS:
            raise DefinitionError(_("The file has more than %(limit)s rows; split it.") % {"limit": MAX_ROWS})
        if len(cells) != len(names):
            sentence = _("Line %(line)s has %(count)s cells and the header %(expected)s; check its commas and quotes.")
            raise DefinitionError(sentence % {"line": line, "count": len(cells), "expected": len(names)})
        yield Row(line, {name: restore_formula(cell) for name, cell in zip(names, cells, strict=True)})
    if not names:
        raise DefinitionError(_("The file is empty; its first line names the columns."))


def _number_lines(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with the line that it begins on: cells may hold line breaks."""
    while True:
        line = getattr(reader, "line_num", 0) + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            sentence = _("Line %(line)s cannot be read as CSV (%(reason)s); check its quotes.")
            raise DefinitionError(sentence % {"line": line, "reason": error}) from None
        if cells is None:
            return
        yield line, cells


def _refuse_header(model: type[Model], names: Sequence[str]) -> None:
    known = [column.name for column in COLUMNS[model]]
    unknown = [name for name in names if name not in known]
    if unknown:
        shown = ", ".join(f"“{name[:30]}”" for name in unknown[:5])
        sentence = _("There is no column %(unknown)s; remove it. Known are: %(known)s.")
        raise DefinitionError(sentence % {"unknown": shown, "known": ", ".join(known)})
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DefinitionError(_("The column “%(name)s” stands there twice; remove one.") % {"name": twice[0]})
    for name in KEY_COLUMNS[model]:
        if name not in names:
            raise DefinitionError(_("The column “%(name)s” is missing; add it to the first line.") % {"name": name})
