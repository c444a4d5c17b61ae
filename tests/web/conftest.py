"""Fixtures of the page tests: the browser, and the rows that a transactional test has flushed."""

from __future__ import annotations

from tests.browser import browser, complaints, context, page

__all__ = ["browser", "complaints", "context", "page"]
