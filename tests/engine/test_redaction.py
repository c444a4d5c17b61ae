"""What was said in confidence does not come back in what is kept."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthcheck.engine.redaction import MASK, MIN_PIECE_CHARS, Redactor
from healthcheck.engine.types import Certificate, Evidence, State, SubResult

SECRET = 'p"ä&<s w/rd+='


@pytest.mark.parametrize(
    "said",
    [
        SECRET,
        'p\\"\\u00e4&<s w/rd+=',
        'p\\"ä&<s w/rd+=',
        "p%22%C3%A4%26%3Cs%20w%2Frd%2B%3D",
        "p%22%C3%A4%26%3Cs+w%2Frd%2B%3D",
        "p&quot;ä&amp;&lt;s w/rd+=",
        SECRET.encode().decode("latin-1"),
    ],
)
def test_redactor_knows_the_spellings_in_which_a_page_says_it_back(said: str) -> None:
    assert Redactor([SECRET]).clean(f"you sent {said}, thanks") == f"you sent {MASK}, thanks"


def test_redactor_cleans_pieces_at_the_edges_of_an_excerpt() -> None:
    redactor = Redactor(["0123456789"])
    assert redactor.clean("6789 and 0123") == f"{MASK} and {MASK}"
    assert redactor.clean("789 and 012") == "789 and 012"


def test_redactor_takes_the_longer_of_two_secrets_first() -> None:
    assert Redactor(["token", "token-and-more"]).clean("<token-and-more>") == f"<{MASK}>"


@pytest.mark.parametrize(
    ("url", "cleaned"),
    [
        ("http://a/b?c=s%26cret&x", f"http://a/b?c={MASK}&x"),
        ("http://a/b?c=%73&cret", f"http://a/b?{MASK}"),
        ("http://a/%73%26cret/b", MASK),
        ("http://a/b?c=d", "http://a/b?c=d"),
    ],
)
def test_redactor_knows_what_a_url_says_in_any_encoding(url: str, cleaned: str) -> None:
    assert Redactor(["s&cret"]).clean_url(url) == cleaned


@pytest.mark.parametrize("secrets", [[], [""]])
def test_redactor_without_secrets_changes_nothing(secrets: list[str]) -> None:
    evidence = Evidence(found="found", excerpt="text")
    assert Redactor(secrets).clean_evidence(evidence) is evidence


def test_redactor_cleans_every_text_of_evidence() -> None:
    said = "a-secret"
    dirty = Evidence("sentence", said, said, "192.0.2.1", said, None, (said,))
    assert Redactor([said]).clean_evidence(dirty) == Evidence("sentence", MASK, MASK, "192.0.2.1", MASK, None, (MASK,))


def test_redactor_cleans_the_names_in_certificates() -> None:
    instant = datetime(2026, 1, 1, tzinfo=UTC)
    dirty = Certificate("CN=a-secret", "CN=an a-secret", instant, instant, "ab")
    clean = replace(dirty, subject=f"CN={MASK}", issuer=f"CN=an {MASK}")
    evidence = Redactor(["a-secret"]).clean_evidence(Evidence(certificate=dirty, chain=(dirty, dirty)))
    assert (evidence.certificate, evidence.chain) == (clean, (clean, clean))


def test_redactor_cleans_what_parts_have_found() -> None:
    dirty = Evidence(parts=(SubResult("127.0.0.1", State.DOWN, found="you said a-secret"),))
    [part] = Redactor(["a-secret"]).clean_evidence(dirty).parts
    assert (part.name, part.found) == ("127.0.0.1", f"you said {MASK}")


def test_redactor_takes_no_longer_for_long_secrets() -> None:
    secrets = [f"{number}-{'x' * 1_000}" for number in range(500)]
    redactor, started = Redactor(secrets), time.thread_time()
    redactor.clean("y" * 4_000)
    # Thirty times as long, if every length of every piece were tried.
    assert time.thread_time() - started < 0.1


@given(st.text("ab"), st.text("ab", min_size=1))
def test_redactor_hides_the_longest_piece_at_an_edge(text: str, secret: str) -> None:
    longest = next((n for n in range(len(secret), MIN_PIECE_CHARS - 1, -1) if text.endswith(secret[:n])), 0)
    if secret not in text and not any(text.startswith(secret[-n:]) for n in range(MIN_PIECE_CHARS, len(secret))):
        assert Redactor([secret]).clean(text) == (text[:-longest] + MASK if longest else text)


@given(st.text(), st.text(min_size=1), st.text())
def test_redactor_leaves_no_secret_behind(before: str, secret: str, after: str) -> None:
    cleaned = Redactor([secret]).clean(before + secret + after)
    assert secret not in cleaned.replace(MASK, "\0") or secret == "\0"
