"""Receives a file with a bound: what is over it is read from the connection and thrown away, never kept."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest


class UploadGuard(FileUploadHandler):
    """Stands before Django's own handlers, which keep small files in memory and others on disk."""

    def __init__(self, request: HttpRequest, *, max_bytes: int) -> None:
        super().__init__(request)
        self.max_bytes = max_bytes
        self.received = 0

    @property
    def is_over(self) -> bool:
        return self.received > self.max_bytes

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        self.received += len(raw_data)
        # StopUpload would reset the connection, and the browser show that in the place of our sentence; or read the
        # rest line by line, which takes a minute for a hundred megabytes. Piece by piece it is a second.
        return None if self.is_over else raw_data

    def file_complete(self, file_size: int) -> Any:
        return None
