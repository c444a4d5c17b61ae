"""The forms of definitions."""
