"""Secrets planted in every field, and every place where one could come out again: see `tests/test_canaries.py`."""
