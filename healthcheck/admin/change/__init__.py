"""Changing many, copying, going back: versions, bulk edit, CSV."""
