"""Writes definitions as CSV (RFC 4180, UTF-8), a few hundred at a time, so that any number of them streams."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from django.db.models import Model

from healthcheck.definitions.csv_columns import COLUMNS, defuse_formula, hide_secrets
from healthcheck.definitions.documents import read_documents, split_batches

# Rows of one piece: some hundred kilobytes, and three queries.
ROWS_PER_PIECE = 500
# Spreadsheets take a file without it for one in the system's old encoding.
BYTE_ORDER_MARK = "\ufeff"


def write_csv(model: type[Model], ids: Sequence[int], *, shows_hidden: bool) -> Iterator[str]:
    """Yield the file in pieces: the header, then the objects in the order of `ids` without those that are gone."""
    columns = COLUMNS[model]
    yield BYTE_ORDER_MARK + _write_rows([[column.name for column in columns]])
    for batch in split_batches(ids, ROWS_PER_PIECE):
        documents = read_documents(model, batch).values()
        shown = [document if shows_hidden else hide_secrets(document) for document in documents]
        yield _write_rows([[defuse_formula(each.write(row[each.name])) for each in columns] for row in shown])


def _write_rows(rows: Sequence[Sequence[str]]) -> str:
    piece = io.StringIO()
    csv.writer(piece, lineterminator="\r\n").writerows(rows)
    return piece.getvalue()
