"""The sanitiser: whatever goes in, what comes out is stored and shown by everything."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthcheck.pipeline.text import sanitise

REPLACED = "\N{REPLACEMENT CHARACTER}"
# Hypothesis leaves surrogates out unless they are asked for.
anything = st.text(alphabet=st.characters(codec=None) | st.characters(categories=["Cs", "Cc", "Cf"]), max_size=300)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain text", "plain text"),
        ("", ""),
        ("naïve – “quoted” 日本語 🚑", "naïve – “quoted” 日本語 🚑"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("NUL \x00 here", f"NUL {REPLACED} here"),
        ("\x1b[31mred\x1b[0m", f"{REPLACED}[31mred{REPLACED}[0m"),
        ("carriage\rreturn", f"carriage{REPLACED}return"),
        ("lone \ud800 surrogate", f"lone {REPLACED} surrogate"),
        ("turned \u202eround\u202c", f"turned {REPLACED}round{REPLACED}"),
        ("isolated \u2066text\u2069", f"isolated {REPLACED}text{REPLACED}"),
        ("zero\u200bwidth\ufeff", f"zero{REPLACED}width{REPLACED}"),
        ("private \ue000, unassigned \u0378", f"private {REPLACED}, unassigned {REPLACED}"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    ],
)
def test_sanitise_replaces_what_cannot_be_stored_or_seen(text: str, expected: str) -> None:
    assert sanitise(text, 300) == expected


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [("abcde", 5, "abcde"), ("abcdef", 5, "abcd…"), ("abcdef", 1, "…"), ("🚑" * 10_000, 3, "🚑🚑…")],
)
def test_sanitise_caps_by_characters_and_says_so(text: str, limit: int, expected: str) -> None:
    assert sanitise(text, limit) == expected


@given(anything, st.integers(1, 300))
def test_sanitised_text_is_always_safe_to_store_and_to_show(text: str, limit: int) -> None:
    safe = sanitise(text, limit)
    assert len(safe) <= limit
    assert safe.encode("utf-8").decode("utf-8") == safe
    assert {c for c in safe if unicodedata.category(c).startswith("C")} <= {"\n", "\t"}
    assert sanitise(safe, limit) == safe
